"""What the rules say about the way from one registry in memory to another: `MINIMAL`, changed on each side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from conftest import MINIMAL
from fakes import MemoryTree
from galleryctl import loading
from galleryctl.checks.rule import Ledger
from galleryctl.loading import comparing
from judged import NOW, OUTSIDE

if TYPE_CHECKING:
    from galleryctl.problems import Problem

Files = Mapping[str, str | None]


def problems(
    base: Files, merged: Files, code: str = "", *, ledger: Mapping[str, set[str]] | None = None, now: str = NOW
) -> list[Problem]:
    """Problems of one code, or all. Paths are relative to the registry; `None` leaves a file out.

    `merged` is laid over `base`. `ledger` has versions by id.
    """
    moment = dt.datetime.fromisoformat(now)
    before = tree({**MINIMAL, **base})
    after = tree({**MINIMAL, **base, **merged})
    old = loading.load(OUTSIDE, now=moment, tree=before)
    new = loading.load(OUTSIDE, now=moment, tree=after, base=old)
    known = Ledger({name: frozenset(versions) for name, versions in (ledger or {}).items()})
    found = comparing.of(old, new, before, after, name="registry", now=moment, ledger=known).problems
    return [problem for problem in found if not code or problem.code == code]


def tree(files: Files) -> MemoryTree:
    return MemoryTree({f"registry/{path}": data for path, data in files.items() if data is not None})


def messages(
    base: Files, merged: Files, code: str, *, ledger: Mapping[str, set[str]] | None = None, now: str = NOW
) -> list[str]:
    return [problem.message for problem in problems(base, merged, code, ledger=ledger, now=now)]


def codes(base: Files, merged: Files, *, ledger: Mapping[str, set[str]] | None = None) -> set[str]:
    """Codes of the problems that the way has, and base does not."""
    known = {(problem.code, problem.path) for problem in problems(base, {})}
    found = problems(base, merged, ledger=ledger)
    return {problem.code for problem in found if (problem.code, problem.path) not in known}
