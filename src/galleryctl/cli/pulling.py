"""`pull`: the files of a build, from wherever its sources are, into a folder."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galleryctl.cli.gallery import gallery, opened
from galleryctl.cli.resolving import amount, form, lock_of, offline, refreshed, words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from galleryctl.client import Gallery, Pulled, Resolved
    from galleryctl.client.pulling import Plan, Progress

_FIRST = 1.0  # seconds before anything is drawn
_ERASE = "\r\x1b[K"
_WIDE = 80  # columns that a bar needs


def kinds(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds of source, given one by one or with commas between them."""
    from galleryctl.client.sources import KINDS  # noqa: PLC0415 - on use

    found = words(ctx, param, value)
    if unknown := [kind for kind in found if kind not in KINDS]:
        raise click.BadParameter(f"{unknown[0]!r} is no kind of source; there are {', '.join(KINDS)}", ctx, param)
    return found


@click.command("pull")
@click.argument("reference")
@gallery
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the files; publisher/name/version/build below this one unless given.",
)
@click.option("--runtime", metavar="NAME", help="Program that loads it, such as llama.cpp or vllm.")
@click.option("--memory", callback=amount, metavar="SIZE", help="Memory it may take, such as 24GiB.")
@click.option("--formats", callback=words, multiple=True, metavar="A,B", help="Formats that can be loaded, best first.")
@click.option(
    "--lock",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Pull what this lock file holds for REFERENCE.",
)
@click.option(
    "--from",
    "order",
    callback=kinds,
    multiple=True,
    metavar="KIND",
    help="Sources to ask first: huggingface, modelscope, csghub, object, url, address, mirror.",
)
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Also ask this mirror; a folder is one too.")
@click.option(
    "--ranges", type=click.IntRange(1, 16), default=4, show_default=True, metavar="N", help="Connections at once."
)
@click.option("--quota", callback=amount, metavar="SIZE", help="Fetch no more than this, such as 50GiB.")
@click.option("--allow-unverified", is_flag=True, help="Also take files without a recorded digest.")
@click.option("--verify", is_flag=True, help="Read again what is here, instead of believing its size and time.")
@click.option("--dry-run", is_flag=True, help="Only say what would be fetched, and from where.")
@offline
@form
def pull_command(  # noqa: PLR0913 - options
    reference: str, *, url: str, root: Path | None, cache: Path | None, grace: dt.timedelta | None, into: Path | None,
    runtime: str | None, memory: int | None, formats: tuple[str, ...], path: Path | None, order: tuple[str, ...],
    mirrors: tuple[str, ...], ranges: int, quota: int | None, form: str, unsigned: bool, allow_private: bool,
    offline: bool, allow_unverified: bool, verify: bool, dry_run: bool,
) -> int:  # fmt: skip
    """Bring the files of a model here: resumed, verified while they come, and whole or not at all.

    REFERENCE is publisher/name[@version or range][:build], as in `resolve`. Each file comes from the first source that
    gives it: its own address, the hubs and prefixes of its definition, then the gallery's mirrors; one that fails or
    sends wrong bytes is left for the next. An interrupted pull goes on where it was.

    Tokens come from the environment: HF_TOKEN, MODELSCOPE_API_TOKEN, CSGHUB_TOKEN, and AWS's own for s3.

    \b
    Example:
      galleryctl pull qwen/qwen3 -g https://models.example.org --into /srv/models/qwen3
      galleryctl pull qwen/qwen3@^1:q4_k_m -g https://models.example.org --from modelscope
      galleryctl pull qwen/qwen3 -g https://models.example.org --memory 24GiB --dry-run
    """  # noqa: D301
    from galleryctl.client.pulling import Bounds, plan  # noqa: PLC0415 - on use

    opened_ = opened(url, root, cache, grace, unsigned=unsigned, allow_private=allow_private)
    lock = lock_of(path, opened_, must=True) if path else None
    refreshed(opened_, offline=offline)
    build = opened_.resolve(reference, runtime=runtime, memory=memory, formats=formats, lock=lock)
    folder = into or _folder(build)
    files = opened_.files(build, order=order, mirrors=mirrors)
    found = plan(
        files, folder, fetcher=opened_.streamer(), own=opened_.streamer(own=True), allow_unverified=allow_unverified,
        verify=verify,
    )  # fmt: skip
    if form == "text":
        _announce(build, found)
    if dry_run:
        _planned(build, found, form)
        return 0
    done = _pull(
        opened_, build, folder, order, mirrors, bounds=Bounds(ranges, quota), allow_unverified=allow_unverified,
        verify=verify,
    )  # fmt: skip
    _finished(build, done, form)
    return 0


def _folder(build: Resolved) -> Path:
    """A folder that no other build shares. Raises `PullError` where a name in it would lead elsewhere."""
    from galleryctl.client import PullError  # noqa: PLC0415 - on use
    from galleryctl.client.places import unsafe  # noqa: PLC0415 - on use

    name = f"{build.id}/{build.version}/{build.variant}"
    if build.quantization != "none":
        name += f"-{build.quantization.lower()}"
    if unsafe(name) or name.count("/") != 3:  # noqa: PLR2004 - publisher, name, version, build
        raise PullError(f"{name[:200]!r} is no folder to pull into: name one with --into")
    return Path(name)


def _pull(
    opened_: Gallery, build: Resolved, folder: Path, order: tuple[str, ...], mirrors: tuple[str, ...],
    **options: Any,  # noqa: ANN401 - as `pulling.Options`
) -> Pulled:  # fmt: skip
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    with _drawn() as draw:

        def told(sentence: str) -> None:
            click.echo(f"{_ERASE if draw else ''}warning: {visible(sentence)}", err=True)

        return opened_.pull(build, folder, order=order, mirrors=mirrors, progress=draw, told=told, **options)


def _announce(build: Resolved, found: Plan) -> None:
    """What is pulled, where to, and from where: on standard error, beside the progress."""
    from galleryctl import terminal  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    name = build.variant if build.quantization == "none" else f"{build.variant} {build.quantization}"
    click.echo(visible(f"{build.id} {build.version}, {name}"), err=True)
    click.echo(f"into {visible(str(found.folder))}", err=True)
    for warning in build.warnings:
        click.echo(f"warning: {visible(warning)}", err=True)
    for each in found.here:
        click.echo(visible(f"  {each.name}: here already"), err=True)
    for each in found.wanted:
        size = terminal.size(each.size) if each.size is not None else "size not recorded"
        sources = ", then ".join(dict.fromkeys(address.title for address in each.addresses))
        said = f"  {each.name}: {size} from {sources}"
        if len(said) > shutil.get_terminal_size().columns:
            said = f"  {each.name}: {size}\n    from {sources}"
        for part in said.split("\n"):
            click.echo(visible(part), err=True)


def _planned(build: Resolved, found: Plan, form: str) -> None:
    from galleryctl import terminal  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    missing = sum(each.size or 0 for each in found.wanted)
    if form == "text":
        for warning in found.warnings:
            click.echo(f"warning: {visible(warning)}", err=True)
        unsized = " and more of unknown size" if any(each.size is None for each in found.wanted) else ""
        click.echo(f"would fetch {_files(len(found.wanted))}, {terminal.size(missing)}{unsized}; nothing was fetched")
        return
    files = {
        each.path: {
            "place": str(found.places[each.name]), "size": each.size, "sha256": each.sha256, "here": each in found.here,
            "sources": [{"kind": one.kind, "url": one.url.partition("?")[0]} for one in each.addresses],
        }
        for each in (*found.here, *found.wanted)
    }  # fmt: skip
    warnings = [*build.warnings, *found.warnings]
    _json(_named(build) | {"folder": str(found.folder), "missing": missing, "files": files, "warnings": warnings})


def _finished(build: Resolved, done: Pulled, form: str) -> None:
    from galleryctl import terminal  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    if form == "json":
        files = {path: str(place) for path, place in done.files.items()}
        told = {"folder": str(done.folder), "files": files, "fetched": done.fetched, "reused": done.reused}
        _json(_named(build) | told | {"warnings": [*build.warnings, *done.warnings]})
        return
    reused = f", {terminal.size(done.reused)} were here" if done.reused else ""
    said = f"{_files(len(done.files))} in {done.folder}: {terminal.size(done.fetched)} fetched{reused}"
    click.echo(visible(said))


def _named(build: Resolved) -> dict[str, Any]:
    names = ("id", "version", "variant", "quantization")
    return {name: getattr(build, name) for name in names}


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


@contextmanager
def _drawn() -> Iterator[Callable[[Progress], None] | None]:
    """A line that is drawn over and over on standard error; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from time import monotonic  # noqa: PLC0415 - on use

    start, drawn = monotonic(), [False]

    def draw(now: Progress) -> None:
        if (seconds := monotonic() - start) > _FIRST:
            drawn[0] = True
            click.echo(f"{_ERASE}{line(now, seconds, shutil.get_terminal_size().columns)}", err=True, nl=False)

    try:
        yield draw
    finally:
        if drawn[0]:
            click.echo(_ERASE, err=True, nl=False)


def line(now: Progress, seconds: float, width: int) -> str:
    """Bytes, speed and what is left of the time, in one line of a terminal this wide."""
    from galleryctl import terminal  # noqa: PLC0415 - on use

    speed = now.fetched / seconds
    parts = [terminal.size(now.bytes) + (f" of {terminal.size(now.total)}" if now.total is not None else "")]
    if now.of > 1:
        parts.append(f"{now.files} of {now.of} files")
    if now.fetched:
        parts.append(f"{terminal.size(round(speed))}/s")
    if now.total is not None and speed > 0 and now.bytes < now.total:
        parts.append(f"{_span((now.total - now.bytes) / speed)} left")
    said = ", ".join(parts)
    if now.total and width >= _WIDE:
        filled = min(20, 20 * now.bytes // now.total)
        said = f"{'━' * filled}{'╌' * (20 - filled)} {said}"
    return said[: width - 1]


def _span(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:  # noqa: PLR2004 - people count so far in seconds
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004


def _json(value: object) -> None:
    from galleryctl.report import dumped  # noqa: PLC0415 - on use

    click.echo(dumped(value), nl=False)
