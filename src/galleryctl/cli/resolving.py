"""Commands that say which build a reference stands for, and how pins stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galleryctl.cli.gallery import gallery, opened

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from galleryctl.client import Gallery, NoFitError, Resolved, Synced
    from galleryctl.client.locking import Lock, Pin
    from galleryctl.client.outdated import Outdated
    from galleryctl.terminal.choices import Chosen

_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SI = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def amount(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """`24GiB` or `24GB` as bytes; none where it was not given."""
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([A-Za-z]{0,3})", value.strip())
    units = {name.casefold(): size for name, size in (_UNITS | _SI).items()}
    if found is None or found[2].casefold() not in units:
        raise click.BadParameter(f"{value!r} is no amount of memory; write 24GiB", ctx, param)
    return int(float(found[1]) * units[found[2].casefold()])


def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001 - click's signature
    """Several values, given one by one or with commas between them."""
    return tuple(word.strip() for each in value for word in each.split(",") if word.strip())


offline = click.option("--offline", is_flag=True, help="Ask nobody: judge by what is at hand.")
form = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of output."
)


@click.command("resolve")
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@gallery
@click.option("--runtime", metavar="NAME", help="Program that loads it, such as llama.cpp or vllm.")
@click.option("--memory", callback=amount, metavar="SIZE", help="Memory it may take, such as 24GiB.")
@click.option(
    "--context", type=click.IntRange(min=1), default=4096, show_default=True, metavar="N", help="Tokens of context."
)
@click.option(
    "--requests", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Requests at once."
)
@click.option("--formats", callback=words, multiple=True, metavar="A,B", help="Formats that can be loaded, best first.")
@click.option(
    "--lock", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write what was resolved to this lock file; without REFERENCE, resolve all of its pins anew.",
)  # fmt: skip
@click.option("--frozen", is_flag=True, help="Take what the lock file holds, and write nothing.")
@click.option("--all", "every", is_flag=True, help="Say of every other build why it was not chosen.")
@offline
@form
def resolve_command(  # noqa: PLR0913 - options
    references: tuple[str, ...], *, url: str, root: Path | None, cache: Path | None, grace: dt.timedelta | None,
    runtime: str | None, memory: int | None, context: int, requests: int, formats: tuple[str, ...],
    path: Path | None, form: str, unsigned: bool, allow_private: bool, frozen: bool, every: bool, offline: bool,
) -> int:  # fmt: skip
    """Say which build of a model suits this machine, why, and why no other does.

    REFERENCE is publisher/name[@version or range][:build]. @1.2.0 is exactly that release; @1, @^1.2, @~1.2.3 and
    @'>=1,<2' are the newest of a range. :build is a variant, a quantization, both with a hyphen between them, a size or
    a format. The index is refreshed first, unless --offline.

    --lock makes a lock file, or adds to it: it keeps what was chosen, so that --frozen gives the same tomorrow: also
    when it is discontinued by then, never when it is quarantined.

    \b
    Example:
      galleryctl resolve qwen/qwen3 -g https://models.example.org --memory 24GiB --runtime llama.cpp
      galleryctl resolve qwen/qwen3@^1:q4_k_m -g https://models.example.org --lock gallery.lock
      galleryctl resolve -g https://models.example.org --lock gallery.lock --frozen
    """  # noqa: D301
    from galleryctl.client import NoFitError, locking  # noqa: PLC0415 - on use

    if frozen and path is None:
        raise click.UsageError("--frozen takes what a lock file holds: name it with --lock")
    if not references and path is None:
        raise click.UsageError("name a model as publisher/name, or a lock file with --lock")
    opened_ = opened(url, root, cache, grace, unsigned=unsigned, allow_private=allow_private)
    lock = lock_of(path, opened_, must=frozen or not references)
    refreshed(opened_, offline=offline)
    wanted = references or tuple(lock.pins)
    host: dict[str, Any] = {"runtime": runtime, "memory": memory, "formats": formats}
    host |= {"context": context, "requests": requests}
    found = []
    for reference in wanted:
        try:
            found.append(opened_.resolve(reference, **host, lock=lock if frozen else None))
        except NoFitError as error:
            _unfit(error, form, every=every)
            raise
    if path is not None and not frozen:
        pins = [_pinned(reference, each) for reference, each in zip(wanted, found, strict=True)]
        if locking.write(path, lock.adding(*pins)):
            click.echo(f"wrote {path}", err=True)
    _told(wanted, found, form, every=every)
    return 0


@click.command("outdated")
@gallery
@click.option(
    "--lock", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Lock file; gallery.lock unless --consumer is given.",
)  # fmt: skip
@click.option(
    "--consumer", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
    help="A service's file of a registry, consumers/<service>.yaml: its subscriptions are pins too.",
)  # fmt: skip
@offline
@form
def outdated_command(  # noqa: PLR0913 - options
    url: str, root: Path | None, cache: Path | None, grace: dt.timedelta | None, path: Path | None,
    consumer: Path | None, form: str, *, unsigned: bool, allow_private: bool, offline: bool,
) -> int:  # fmt: skip
    """Say how pins stand: what is newer, whether its files changed, what is over, and what must go.

    Exit code 1 where something must be done: a pin is revoked, quarantined or removed. All else is 0, because it goes
    on working: newer releases, deprecated, discontinued, expired, withdrawn and renamed ones. The index is refreshed
    first, unless --offline. A lock file is made by `galleryctl resolve REFERENCE --lock FILE`.

    \b
    Example:
      galleryctl outdated -g https://models.example.org
      galleryctl outdated -g https://models.example.org --lock gallery.lock --format json
    """  # noqa: D301
    from galleryctl.client import locking  # noqa: PLC0415 - on use
    from galleryctl.client.outdated import ORDER  # noqa: PLC0415 - on use

    opened_ = opened(url, root, cache, grace, unsigned=unsigned, allow_private=allow_private)
    if consumer is None:
        lock = lock_of(path or Path("gallery.lock"), opened_, must=True)
    else:
        pins = {} if path is None else lock_of(path, opened_, must=True).pins
        lock = locking.Lock(opened_.url, {**_subscribed(consumer), **pins})
    refreshed(opened_, offline=offline)
    found = sorted(opened_.outdated(lock), key=lambda each: (ORDER.index(each.status), each.reference))
    if form == "json":
        _json([_standing(each) for each in found])
    else:
        _table(found)
    return int(any(each.urgent for each in found))


def lock_of(path: Path | None, opened_: Gallery, *, must: bool) -> Lock:
    """A lock file; an empty one where there is none yet, and there need not be."""
    from galleryctl.client import locking  # noqa: PLC0415 - on use

    if path is None or (not must and not path.exists()):
        return locking.Lock(opened_.url)
    lock = locking.read(path)
    if lock.gallery != opened_.url:
        click.echo(f"{path} was written for {lock.gallery}; its pins are looked up at {opened_.url}", err=True)
    return lock


def refreshed(opened_: Gallery, *, offline: bool) -> None:
    """Bring what is at hand up to date: at first only the head, because one model needs no list of all."""
    from galleryctl.client import OfflineError  # noqa: PLC0415 - on use

    if offline:
        return
    try:
        state = opened_.state()
    except OfflineError:
        synced = opened_.sync(())
    else:
        synced = _again(opened_, state)
    for warning in synced.warnings:
        click.echo(f"warning: {warning}", err=True)
    if synced.stale:
        click.echo(f"warning: {synced.stale}", err=True)


def _again(opened_: Gallery, state: Synced) -> Synced:
    """Refresh what is at hand; where what came cannot be believed, say how to go on with the last good state."""
    from galleryctl.client import ClientError, SchemaError, VerificationError  # noqa: PLC0415 - on use

    try:
        return opened_.sync()
    except (VerificationError, SchemaError) as error:
        if state.stale:  # nobody vouches for that either
            raise
        last = f"{state.built:%Y-%m-%d}, serial {state.serial}"
        raise ClientError(f"{error}; the last good index ({last}) stays: --offline answers by it") from error


def _pinned(reference: str, found: Resolved) -> Pin:
    import datetime as dt  # noqa: PLC0415 - on use

    from galleryctl.client import locking  # noqa: PLC0415 - on use
    from galleryctl.client.references import parse  # noqa: PLC0415 - on use

    return locking.of(str(parse(reference)), found, dt.datetime.now(dt.UTC).date())


def _subscribed(path: Path) -> Mapping[str, Pin]:
    """The pins of a consumer file."""
    from galleryctl import document  # noqa: PLC0415 - on use
    from galleryctl.client.outdated import subscriptions  # noqa: PLC0415 - on use
    from galleryctl.errors import UsageError  # noqa: PLC0415 - on use
    from galleryctl.spec import Consumer, Limits  # noqa: PLC0415 - on use

    read, problems = document.parse(str(path), path.read_bytes(), Limits())
    if read is None or problems:
        why = problems[0].message if problems else "it is empty"
        raise UsageError(f"{path} is no consumer file: {why}")
    try:
        consumer = Consumer.model_validate(read.data)
    except ValueError as error:
        raise UsageError(f"{path} is no consumer file: {error}") from error
    return {pin.reference: pin for pin in subscriptions(consumer)}


def _told(references: Sequence[str], found: Sequence[Resolved], form: str, *, every: bool) -> None:
    if form == "json":
        _json([{"reference": reference} | _raw(each) for reference, each in zip(references, found, strict=True)])
        return
    from galleryctl.terminal import choices  # noqa: PLC0415 - on use

    rows = [_chosen(each) for each in found]
    choices.chosen(rows if every else [each._replace(rejected=choices.shortened(each.rejected)) for each in rows])


def _chosen(found: Resolved) -> Chosen:
    from galleryctl import terminal  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use
    from galleryctl.terminal.choices import Chosen  # noqa: PLC0415 - on use

    size = f"{terminal.size(found.bytes)} in {_files(len(found.files))}" if found.bytes is not None else ""
    facts = [part for part in (found.type, found.format or "", size or _files(len(found.files))) if part]
    others = (each for each in found.rejected if not each.reason.startswith("the reference asks for"))
    rejected = [(_name(each.variant, each.quantization), each.reason) for each in others]
    what, build = f"{found.id} {found.version}", _name(found.variant, found.quantization)
    why, warnings = tuple(map(visible, found.why)), tuple(map(visible, found.warnings))
    return Chosen(what, visible(build), tuple(map(visible, facts)), why, warnings, _shown(rejected))


def _shown(rows: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Rows whose words were written by strangers."""
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    return [(visible(name), visible(reason)) for name, reason in rows]


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}" if count else "no files recorded"


def _name(variant: str, quantization: str) -> str:
    return variant if quantization == "none" else f"{variant} {quantization}"


def _raw(found: Resolved) -> dict[str, Any]:
    plain = ("id", "type", "version", "variant", "quantization", "format", "bytes", "needed", "pinned", "sha256")
    told: dict[str, Any] = {name: getattr(found, name) for name in plain}
    told["files"] = [file.model_dump(mode="json", by_alias=True, exclude_none=True) for file in found.files]
    told["sources"] = found.sources.model_dump(mode="json", exclude_none=True) if found.sources else {}
    told |= {"why": list(found.why), "warnings": list(found.warnings)}
    told["rejected"] = [
        {"variant": each.variant, "quantization": each.quantization, "reason": each.reason} for each in found.rejected
    ]
    return told


def _unfit(error: NoFitError, form: str, *, every: bool) -> None:
    """The reasons, before the message says the nearest."""
    rows = error.rejected
    if form == "json" or not rows:
        return
    from galleryctl.terminal import choices  # noqa: PLC0415 - on use

    shown = _shown([(_name(each.variant, each.quantization), each.reason) for each in rows])
    choices.rejected(shown if every else choices.shortened(shown))


def _table(found: Sequence[Outdated]) -> None:
    from galleryctl.report import visible  # noqa: PLC0415 - on use
    from galleryctl.terminal import choices  # noqa: PLC0415 - on use

    rows = [(each, each.newest or each.latest or "") for each in found]
    choices.standings(
        [
            choices.Standing(visible(each.reference), each.version, newest, each.status, visible(each.says))
            for each, newest in rows
        ]
    )
    count = sum(each.status != "current" for each in found)
    urgent = sum(each.urgent for each in found)
    said = f"{len(found)} pin{'s' * (len(found) != 1)}: "
    said += "all current" if not count else f"{len(found) - count} current"
    if urgent:
        said += f", {urgent} must not be used any more"
    click.echo(said, err=True)


def _standing(found: Outdated) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415 - on use

    return asdict(found) | {"since": found.since.isoformat() if found.since else None, "urgent": found.urgent}


def _json(value: object) -> None:
    from galleryctl.report import dumped  # noqa: PLC0415 - on use

    click.echo(dumped(value), nl=False)
