"""What the rules say about a registry held in memory: `MINIMAL`, changed by some files."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

from conftest import MINIMAL
from fakes import MemoryTree
from galleryctl import document, loading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from galleryctl.problems import Problem

NOW = "2026-01-02T03:04:05+00:00"
TINY = "models/llm/acme/tiny"
OUTSIDE = Path(__file__).parent / "nowhere"


def problems(files: Mapping[str, str | bytes | None], code: str, now: str = NOW) -> list[Problem]:
    """Problems of one code. Paths are relative to the registry; `None` leaves a file out."""
    every = {**MINIMAL, **files}
    tree = MemoryTree({f"registry/{path}": data for path, data in every.items() if data is not None})
    loaded = loading.load(OUTSIDE, now=dt.datetime.fromisoformat(now), tree=tree)
    return [problem for problem in loaded.problems if problem.code == code]


def messages(files: Mapping[str, str | bytes | None], code: str, now: str = NOW) -> list[str]:
    return [problem.message for problem in problems(files, code, now)]


def mended(files: Mapping[str, str], found: Sequence[Problem]) -> str:
    """The file these problems are in, with their edits made."""
    (path,) = {problem.path for problem in found}
    return document.apply(files[path.removeprefix("registry/")], [edit for problem in found for edit in problem.edits])


def model(extra: str = "", **fields: str) -> dict[str, str]:
    """`model.yaml` of acme/tiny: `extra` is added, and lines of the given fields are replaced."""
    text = MINIMAL[f"{TINY}/model.yaml"]
    assert text is not None
    lines = [line for line in text.splitlines() if line.partition(":")[0] not in fields]
    return {f"{TINY}/model.yaml": "\n".join([*lines, *(f"{key}: {value}" for key, value in fields.items()), extra, ""])}


def other(identifier: str, extra: str = "", kind: str = "llm", title: str | None = None) -> dict[str, str]:
    """One more model, with bytes of its own."""
    release = MINIMAL[f"{TINY}/1.0.0.yaml"]
    assert release is not None
    digest = identifier.encode().hex().ljust(64, "0")[:64]
    lines = [f"title: {title or identifier}", "summary: One more model.", "license: Apache-2.0", extra, ""]
    folder = f"models/{kind}/{identifier}"
    return {
        f"{folder}/model.yaml": "\n".join(lines),
        f"{folder}/1.0.0.yaml": release.replace(release[-65:-1], digest),
        f"{folder}/README.md": "# Another\n",
    }


def languages(text: str) -> dict[str, str]:
    """The release of acme/tiny with this list of languages."""
    release = MINIMAL[f"{TINY}/1.0.0.yaml"]
    assert release is not None
    return {f"{TINY}/1.0.0.yaml": release.replace("languages: [en]", f"languages: {text}")}


def release(
    *variants: Mapping[str, object], spec: Mapping[str, object] | None = None, **fields: object
) -> dict[str, str | None]:
    """The release of acme/tiny with these variants, as JSON: one value on each line."""
    data = {"spec": {"context_length": 4096, "languages": ["en"], "abilities": ["chat"], **(spec or {})}, **fields}
    text = json.dumps({**data, "variants": variants}, indent=1)
    return {f"{TINY}/1.0.0.yaml": None, f"{TINY}/1.0.0.json": text}
