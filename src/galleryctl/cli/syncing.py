"""Commands that bring a published gallery to a machine: for a runtime, or as a mirror."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from galleryctl.cli import gallery, options

if TYPE_CHECKING:
    from galleryctl.client import Gallery, Synced
    from galleryctl.client.homes import Laid
    from galleryctl.client.pulling import Progress
    from galleryctl.client.weights import Weights

_ALL = "all"
_NARROW = 60
_RUNTIMES = ("xinference", "localai", "llama.cpp", "litellm")


class _Wanted(NamedTuple):
    types: tuple[str, ...]
    runtime: str | None
    home: Path | None
    force: bool


class _Done(NamedTuple):
    synced: Synced
    laid: Laid | None
    lacking: tuple[str, ...] = ()
    """What was asked for, and is neither in the gallery nor at hand."""


def _interval(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    found = options.span(ctx, param, value)
    if found is not None and not found:
        raise click.BadParameter("wait at least a second: 1s", ctx, param)
    return None if found is None else found.total_seconds()


@click.command("sync")
@gallery.gallery
@click.option(
    "--type", "-t", "types", multiple=True, metavar="TYPE",
    help="Only models of this type, such as llm; `all` is every type from now on, those to come too.",
)  # fmt: skip
@click.option("--runtime", type=click.Choice(_RUNTIMES), help="Also write what this runtime reads, where it reads it.")
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Home of the runtime; for LocalAI its folder of models. Where one is certain, it is the default.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace files in the home that somebody else wrote, or a later state.")
@click.option("--watch", callback=_interval, metavar="TIME", help="Go on, and look again after this time, such as 15m.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def sync_command(  # noqa: PLR0913 - one parameter for each option
    url: str, root: Path | None, cache: Path | None, grace: dt.timedelta | None, types: tuple[str, ...],
    runtime: str | None, home: Path | None,
    *, watch: float | None, form: str, unsigned: bool, allow_private: bool, force: bool,
) -> int:  # fmt: skip
    """Bring the index of a gallery here, verified: only what changed, all of it or nothing.

    Where the gallery cannot be read, the last good index stays in use, and the exit code is 0: the output says how old
    it is. Files of a runtime are written when they changed, and nobody else's are touched: where some are in the way,
    the exit code is 1. It is 3 where nothing good is at hand, where what came is not what was signed, and where there
    is nothing of the type or runtime that was named.

    \b
    Example:
      galleryctl sync --gallery https://models.example.org --root 1.root.json
      galleryctl sync -g https://models.example.org --root 1.root.json --type llm
      galleryctl sync -g https://models.example.org --root 1.root.json --runtime xinference
      galleryctl sync -g https://models.example.org --root 1.root.json --watch 15m
    """  # noqa: D301
    found = gallery.opened(url, root, cache, grace, unsigned=unsigned, allow_private=allow_private)
    wanted = _Wanted(types, runtime, _home(runtime, home), force)
    if watch is not None:
        return _watch(found, wanted, watch, form)
    done = _sync(found, wanted)
    if form == "json":
        click.echo(json.dumps(_data(found, wanted, done), indent=2))
    else:
        click.echo("\n".join(_told(found, wanted, done)))
    if done.lacking:
        from galleryctl.client import UnknownError  # noqa: PLC0415 - on use

        raise UnknownError("; ".join(done.lacking))
    return int(_blocked(done))


def _home(runtime: str | None, home: Path | None) -> Path | None:
    from galleryctl.client import homes  # noqa: PLC0415 - on use

    if runtime is None:
        if home is not None:
            raise click.UsageError(f"--home is the home of a runtime: add --runtime {'|'.join(_RUNTIMES)}")
        return None
    found = home or homes.default(runtime, os.environ)
    if found is None:
        variable = homes.RUNTIMES[runtime].variable
        also = f", or set {variable}" if variable else ""
        raise click.UsageError(f"where {homes.RUNTIMES[runtime].title} reads is not known: give --home DIR{also}")
    return found


def _sync(found: Gallery, wanted: _Wanted) -> _Done:
    synced = found.sync(wanted.types or None, natives=wanted.runtime)
    lacking = synced.lacking
    if synced.stale:
        missing = sorted({*wanted.types} - {_ALL, *synced.types})
        lacking = tuple(f"no models of the type {name} are at hand; {_at_hand(synced)}" for name in missing)
    if wanted.runtime is None or wanted.home is None:
        return _Done(synced, None, lacking)
    laid = _lay(found, wanted, synced, wanted.runtime, wanted.home)
    if laid is None:
        lacking = (*lacking, f"no files for {wanted.runtime} are at hand")
    return _Done(synced, laid, lacking)


def _at_hand(synced: Synced) -> str:
    return f"there are those of {', '.join(synced.types)}" if synced.types else "no others are either"


def _lay(found: Gallery, wanted: _Wanted, synced: Synced, runtime: str, home: Path) -> Laid | None:
    """Write the files of the state that is at hand; where that is not a fresh one, only to end what was begun.

    None where it is not fresh, and none of its files are at hand.
    """
    from galleryctl.client import UnknownError, homes  # noqa: PLC0415 - on use

    if synced.stale and homes.serial(home, runtime, found.url) >= (synced.epoch, synced.serial):
        return homes.Laid(home)
    try:
        natives = found.native(runtime)
    except UnknownError:  # the gallery has none: what was ours holds no model any more
        if synced.stale:
            return None
        natives = {}
    state = homes.State(found.url, synced.epoch, synced.serial)
    types = () if _ALL in wanted.types else wanted.types
    return homes.lay(home, runtime, natives, state, types=types, force=wanted.force)


def _blocked(done: _Done) -> bool:
    laid = done.laid
    return laid is not None and bool(laid.kept)


def _data(found: Gallery, wanted: _Wanted, done: _Done) -> dict[str, Any]:
    from galleryctl import canonical  # noqa: PLC0415 - on use

    synced, laid = done.synced, done.laid
    data: dict[str, Any] = {
        "gallery": found.url,
        "serial": synced.serial,
        "epoch": synced.epoch,
        "built": canonical.moment(synced.built),
        "checked": canonical.moment(synced.checked),
        "expires": canonical.moment(synced.expires) if synced.expires else None,
        "age": _age(synced),
        "types": list(synced.types),
        "changed": synced.changed,
        "bytes": synced.bytes,
        "requests": synced.requests,
        "stale": synced.stale,
        "warnings": list(synced.warnings),
    }
    if laid is not None:
        files = {name: list(getattr(laid, name)) for name in ("written", "emptied", "unchanged", "kept")}
        data["home"] = {"runtime": wanted.runtime, "path": str(laid.home), **files}
    return data


def _age(synced: Synced) -> int:
    """Seconds since the gallery vouched for this state."""
    return max(0, int((dt.datetime.now(dt.UTC) - synced.checked).total_seconds()))


def _told(found: Gallery, wanted: _Wanted, done: _Done) -> list[str]:
    from galleryctl.client import homes  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    synced, laid = done.synced, done.laid
    new = "" if synced.changed else ", nothing new"
    lines = [
        f"{found.url}: serial {synced.serial}{new}",
        *_types(synced),
        f"  built    {synced.built:%Y-%m-%d %H:%M} UTC, checked {options.lasting(_age(synced))} ago",
        f"  expires  {f'{synced.expires:%Y-%m-%d %H:%M} UTC' if synced.expires else 'never: nobody vouches for it'}",
        f"  fetched  {synced.bytes:,} bytes in {synced.requests} request{'s' * (synced.requests != 1)}",
    ]
    lines += [f"stale: {visible(synced.stale)}"] if synced.stale else []
    lines += [f"warning: {visible(each)}" for each in synced.warnings if each not in done.lacking]
    if laid is None or wanted.runtime is None:
        return lines
    lines.append(f"{laid.home}: {_files(laid, stale=bool(synced.stale))}")
    lines += [f"  {name:<8} {path}" for name in ("written", "emptied") for path in getattr(laid, name)]
    lines += [f"  kept     {path}: not as galleryctl wrote it; --force replaces it" for path in laid.kept]
    ours = sorted([*laid.written, *laid.emptied, *laid.unchanged])
    if ours:
        lines.append(homes.RUNTIMES[wanted.runtime].hint.format(file=laid.home / ours[0]))
    return lines


def _types(synced: Synced) -> list[str]:
    """The types at hand, in lines that a narrow terminal does not break."""
    import textwrap  # noqa: PLC0415 - on use

    named = ", ".join(synced.types) or "none: --type all brings every one"
    return textwrap.wrap(
        named, _NARROW, initial_indent="  types    ", subsequent_indent=" " * 11,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _files(laid: Laid, *, stale: bool) -> str:
    if laid.newer is not None:
        newer = laid.newer
        return f"nothing written: it holds serial {newer.serial} of epoch {newer.epoch} already; --force replaces it"
    written, rest = len(laid.written) + len(laid.emptied), len(laid.unchanged)
    if stale and not written:
        return "nothing written while the list is stale"
    return f"{written} file{'s' * (written != 1)} written, {rest} unchanged"


def _watch(found: Gallery, wanted: _Wanted, interval: float, form: str) -> int:
    """Again and again, until SIGTERM or Ctrl-C. What fails is told once, and tried again ever less often."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _Watching(found, wanted, interval, form).run()
    except KeyboardInterrupt:
        click.echo(f"{_clock()}  ended", err=True)
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def _clock() -> str:
    return f"{dt.datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"


class _Watching:
    """One line for each change: of what is at hand, of the files, of whether it works."""

    def __init__(self, found: Gallery, wanted: _Wanted, interval: float, form: str) -> None:
        self._found = found
        self._wanted = wanted
        self._interval = interval
        self._form = form
        self._last = ""
        self._failures = 0

    def run(self) -> NoReturn:
        import random  # noqa: PLC0415 - on use
        import time  # noqa: PLC0415 - on use

        from galleryctl.client.watching import pause  # noqa: PLC0415 - on use
        from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use

        while True:
            try:
                done = _sync(self._found, self._wanted)
            except GalleryError as error:
                self._failed(str(error))
            else:
                self._succeeded(done)
            time.sleep(pause(self._interval, self._failures, random.random()))  # noqa: S311 - only spreads attempts

    def _failed(self, why: str) -> None:
        self._failures += 1
        self._say(f"failed: {why}")

    def _succeeded(self, done: _Done) -> None:
        synced, laid = done.synced, done.laid
        self._failures = self._failures + 1 if synced.stale else 0
        if synced.stale:
            self._say(f"stale: {synced.stale.partition('; the index of')[0]}", done)
            return
        new = [*laid.written, *laid.emptied] if laid else []
        kept = f"; left alone, not ours: {', '.join(laid.kept)}" if laid and laid.kept else ""
        wrote = f"; wrote {', '.join(new)}" if new else ""
        changed = synced.changed or bool(new)
        what = f"{synced.bytes:,} bytes{wrote}" if changed else "up to date"
        lacking = "".join(f"; {each}" for each in done.lacking)
        same = f"serial {synced.serial}{kept}{lacking}"
        self._say(f"serial {synced.serial}: {what}{kept}{lacking}", done, always=changed, same=same)

    def _say(self, text: str, done: _Done | None = None, *, always: bool = False, same: str = "") -> None:
        """Say it unless it was said last: times and counts make no other thing of it."""
        key = same or "".join(letter for letter in text if not letter.isdigit())
        if not always and key == self._last:
            return
        self._last = key
        if self._form == "text":
            from galleryctl.report import visible  # noqa: PLC0415 - on use

            click.echo(f"{_clock()}  {visible(text)}", err=True)
            return
        data = _data(self._found, self._wanted, done) if done else {"gallery": self._found.url, "error": text}
        click.echo(json.dumps(data))


@click.command("mirror")
@click.argument("out", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--gallery", "-g", "url", required=True, callback=gallery.address, envvar="GALLERYCTL_GALLERY", show_envvar=True,
    metavar="URL", help="Address of the published gallery, or its folder.",
)  # fmt: skip
@click.option(
    "--root", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=True, envvar="GALLERYCTL_ROOT",
    show_envvar=True, metavar="FILE", help="Root of trust: N.root.json, as its people gave it to you.",
)  # fmt: skip
@click.option("--type", "-t", "types", multiple=True, metavar="TYPE", help="Only models of this type, such as llm.")
@click.option(
    "--weights", multiple=True, metavar="REF",
    help="Also the files of this model, such as acme/tiny@1.2, or of one build: acme/tiny:q4_k_m; or of `all` models.",
)  # fmt: skip
@click.option("--prune", is_flag=True, help="Remove the files of models that no --weights names.")
@options.allow_private
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def mirror_command(
    out: Path, url: str, root: Path, types: tuple[str, ...], weights: tuple[str, ...],
    *, prune: bool, allow_private: bool, form: str,
) -> int:  # fmt: skip
    """Copy a signed gallery into a folder: for a host of your own, or to carry it to where there is no network.

    Everything is verified while it is copied. The folder verifies with the same root as the original. Run it again to
    bring it in step: at any moment it is the whole old or the whole new gallery. The pages for people are not copied.
    Files of models stay until they are revoked, or pruned.

    \b
    Example:
      galleryctl mirror copy --gallery https://models.example.org --root 1.root.json
      galleryctl mirror copy -g https://models.example.org --root 1.root.json --type llm
      galleryctl mirror copy -g https://models.example.org --root 1.root.json --weights acme/tiny
    """  # noqa: D301
    from galleryctl.client import mirroring  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    with options.progress("Copying files") as progress:
        copied = mirroring.mirror(
            url, root.read_bytes(), out, fetcher=options.fetcher(allow_private=True), now=dt.datetime.now(dt.UTC),
            types=() if _ALL in types else types, progress=progress,
        )  # fmt: skip
    brought = _brought(out, url, root, weights, prune=prune, allow_private=allow_private)
    if form == "json":
        from dataclasses import asdict  # noqa: PLC0415 - on use

        from galleryctl import canonical  # noqa: PLC0415 - on use

        data = {**asdict(copied), "expires": canonical.moment(copied.expires), "weights": asdict(brought)}
        click.echo(json.dumps(data, indent=2))
        return 0
    click.echo(f"{out}: serial {copied.serial}, {copied.models:,} models, {copied.bytes:,} bytes fetched")
    click.echo(f"{copied.written:,} files written, {copied.kept:,} unchanged, {copied.pruned:,} removed")
    if weights or brought.removed:
        said = f"{brought.files:,} of {brought.bytes:,} bytes, {brought.fetched:,} fetched"
        click.echo(f"files of models: {said}, {len(brought.removed):,} removed")
    for warning in brought.warnings:
        click.echo(f"warning: {visible(warning)}")
    click.echo(f"fresh until {copied.expires:%Y-%m-%d %H:%M} UTC: mirror again before")
    return 0


def _brought(
    out: Path, url: str, root: Path, references: tuple[str, ...], *, prune: bool, allow_private: bool
) -> Weights:
    """The files of models. What references stand for is read from the mirror itself, which was verified."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - on use

    from galleryctl.client import Gallery, asking, weights  # noqa: PLC0415 - on use
    from galleryctl.fetch import Http  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    wanted = weights.Named(())
    if references:
        with TemporaryDirectory(prefix="gallery-") as cache:
            found = Gallery(out, root=root, cache=cache)
            found.sync()
            wanted = weights.named(found, references, own=[asking.base(url)], allow_private=allow_private)
    with options.progress("Fetching bytes") as drawn:

        def progress(now: Progress) -> None:
            if drawn and now.total:
                drawn(now.bytes, now.total)

        return weights.bring(
            out, wanted, fetcher=Http(allow_private=allow_private), own=Http(allow_private=True), prune=prune,
            progress=progress, told=lambda text: click.echo(visible(text), err=True),
        )  # fmt: skip
