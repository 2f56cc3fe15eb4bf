"""What a command changed and what that means, as a person reads it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from galleryctl.authoring.editing import Change


def fields(changes: Iterable[Change]) -> None:
    """Fields with before and after, a line each."""
    from galleryctl.changes.values import step, told  # noqa: PLC0415 - on use

    for field, before, after in changes:
        lists = isinstance(before, list) and isinstance(after, list)
        said = step(before, after) if lists and told(before, after) else f"{_value(before)} → {_value(after)}"
        click.echo(f"  {field}: {said}")


def _value(given: Any) -> str:  # noqa: ANN401 - any JSON value
    import json  # noqa: PLC0415 - on use

    from galleryctl.report import visible  # noqa: PLC0415 - on use

    if given is None:
        return "nothing"
    return visible(given if isinstance(given, str) else json.dumps(given, ensure_ascii=False))


def listed(heading: str, told: Iterable[str]) -> None:
    click.echo(heading, err=True)
    for line in told:
        wrapped(line, "  * ", "    ", err=True)


def wrapped(text: str, first: str, rest: str, *, err: bool) -> None:
    """A line as wide as the terminal; where there is none, as long as it is."""
    import shutil  # noqa: PLC0415 - on use
    import textwrap  # noqa: PLC0415 - on use

    from galleryctl.report import visible  # noqa: PLC0415 - on use

    terminal = (sys.stderr if err else sys.stdout).isatty()
    width = max(20, shutil.get_terminal_size().columns - 1) if terminal else 10_000
    fill = textwrap.TextWrapper(
        width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    click.echo(fill.fill(visible(text)), err=err)


def seen(registry: Path, identifier: str, *, now: dt.datetime) -> None:
    """What users, runtimes and services would see of a model, against the last commit; nothing where there is none."""
    from galleryctl import git  # noqa: PLC0415 - on use
    from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use

    folder = registry.resolve()
    # It is written already: where nobody can tell what that means, `check` and `submit` say why.
    with suppress(GalleryError):
        if git.head(folder.parent):
            listed("\nWhat this means, against the last commit:", _seen(folder, identifier, now))


def _seen(folder: Path, identifier: str, now: dt.datetime) -> Iterator[str]:
    from dataclasses import replace  # noqa: PLC0415 - on use

    from galleryctl import parallel  # noqa: PLC0415 - on use
    from galleryctl.authoring import telling  # noqa: PLC0415 - on use
    from galleryctl.loading import comparing  # noqa: PLC0415 - on use
    from galleryctl.reviewing import differences, effects  # noqa: PLC0415 - on use

    jobs = parallel.default_jobs()
    made = comparing.compare(folder.parent, folder.name, base="HEAD", now=now, jobs=jobs).comparison
    own = replace(made, changes=tuple(change for change in made.changes if change.subject == identifier))
    before, after = (world.gallery.by_id.get(identifier) for world in (made.base, made.merged))
    if before and after:
        yield from telling.latest(before.outline, after.outline)
    felt = effects.of(own, jobs=jobs)
    yield from (f"{reach.runtime}: {differences.said(reach)}." for reach in felt.reaches)
    yield from (f"Service {hit.service}: {differences.fate(hit)}." for hit in felt.hits)
    if not felt.reaches:
        yield "No export for a runtime differs."
    if not felt.hits:
        yield "No service that pins it notices."
