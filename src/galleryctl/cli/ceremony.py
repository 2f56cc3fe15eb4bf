"""The group `keys ceremony`: what several people sign, each on a machine of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from galleryctl.cli import options, trusted
from galleryctl.cli.lazy import Lazy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from galleryctl.signing.draft import Draft
    from galleryctl.signing.pairs import Key

_COMMANDS = {
    "start": ("ceremony", "Propose the first root and targets."),
    "sign": ("ceremony", "Sign what is proposed, with your own key."),
    "finish": ("ceremony", "Put what is signed into place."),
    "discard": ("ceremony", "Give up what is proposed."),
}
_SENT = "commit the draft and hand it on, by a branch that the others fetch: each signs on a machine of their own"
_LEAST = 2


class _Ceremony(Lazy):
    sections: ClassVar[Mapping[str, Mapping[str, tuple[str, str]]]] = {"Commands": _COMMANDS}
    prefix = "ceremony_"


@click.command("ceremony", cls=_Ceremony, invoke_without_command=True)
@options.registry
@trusted.trust
@options.now
@click.pass_context
def keys_ceremony_command(ctx: click.Context, registry: Path, trust: Path | None, now: dt.datetime) -> int:
    """Sign a root and targets, several people together. Alone it says where a ceremony stands, and what comes next.

    `start` proposes the first root; later `keys rotate`, `renew`, `revoke` and `recover` propose the next.

    \b
    Example:
      galleryctl keys ceremony start --holder ada=ada.pub --holder bob=bob.pub --online on.pub
      galleryctl keys ceremony
      galleryctl keys ceremony sign --key ada.pem
      galleryctl keys ceremony finish
    """  # noqa: D301
    if ctx.invoked_subcommand is not None:
        return 0
    from galleryctl.signing import draft  # noqa: PLC0415 - on use

    folder = trusted.folder(registry, trust)
    state = draft.read(folder)
    if state.moved:
        click.echo(f"{folder}: a ceremony was interrupted as it ended")
    elif not state:
        held = f"root {state.trust.root.version} holds" if state.trust else "there are no keys yet"
        click.echo(f"{folder}: no ceremony is under way; {held}")
    _show(state, now)
    return 0


@click.command("start")
@click.option("--holder", "holders", multiple=True, metavar="NAME=PUBLIC", help="Who holds a root key; one for each.")
@click.option(
    "--threshold", type=click.IntRange(1, 64), metavar="N", help="How many of them sign a root; 2 unless given."
)
@click.option("--online", multiple=True, metavar="PUBLIC", help="Public half of the key that signs what is published.")
@options.registry
@trusted.trust
@options.now
def ceremony_start_command(
    holders: tuple[str, ...], threshold: int | None, online: tuple[str, ...], registry: Path, trust: Path | None,
    now: dt.datetime,
) -> int:  # fmt: skip
    """Propose the first root and targets. On a terminal it asks for what is not given.

    \b
    Example:
      galleryctl keys ceremony start
      galleryctl keys ceremony start --holder ada=ada.pub --holder bob=bob.pub --online on.pub
    """  # noqa: D301
    from galleryctl.signing import draft, pairs, rotating  # noqa: PLC0415 - on use

    folder = trusted.folder(registry, trust)
    if draft.read(folder).trust is not None:
        raise click.UsageError(f"{folder} has a root already; `keys rotate`, `renew` and `revoke` propose the next")
    if trusted.on_terminal():
        holders = holders or _asked_holders()
        threshold = threshold or _asked_threshold(len(holders))
        online = online or (_asked_public("Public half of the online key", "online.pub"),)
    if not holders or not online:
        raise click.UsageError(
            "name the holders (--holder NAME=PUBLIC, three of them) and the online key (--online PUBLIC)"
        )
    people = trusted.named(holders, "--holder")
    programs = [pairs.public(Path(each)) for each in online]
    state, fresh = rotating.propose(
        folder, rotating.begin(people, threshold or min(_LEAST, len(people)), programs, now)
    )
    _show(state, now)
    click.echo(f"{folder / draft.FOLDER}: {'proposed' if fresh else 'proposed already'}", err=True)
    if state.judge.roles["root"].threshold < _LEAST:
        click.echo("warning: one key alone may replace all others; 2 of 3 people are better", err=True)
    return 0


def _asked_holders() -> tuple[str, ...]:
    from galleryctl.terminal import asking  # noqa: PLC0415 - on use

    found: list[str] = []
    while True:
        said = asking.text(
            f"Holder {len(found) + 1} of the root", lambda said: _wrong_holder(said, found),
            hint="NAME=PUBLIC; empty ends" if found else "NAME=PUBLIC, such as ada=ada.pub",
        )  # fmt: skip
        if not said:
            return tuple(found)
        found.append(said)


def _wrong_holder(said: str, found: list[str]) -> str:
    from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use

    if not said:
        return "" if found else "a root needs holders"
    try:
        trusted.named([*found, said], "holder")
    except (click.UsageError, GalleryError) as error:
        return str(error)
    return ""


def _asked_threshold(count: int) -> int:
    from galleryctl.terminal import asking  # noqa: PLC0415 - on use

    def wrong(said: str) -> str:
        return "" if said.isdecimal() and 1 <= int(said) <= count else f"a number from 1 to {count}"

    return int(asking.text("How many of them sign a root?", wrong, default=str(min(_LEAST, count))))


def _asked_public(question: str, default: str) -> str:
    from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use
    from galleryctl.signing import pairs  # noqa: PLC0415 - on use
    from galleryctl.terminal import asking  # noqa: PLC0415 - on use

    def wrong(said: str) -> str:
        try:
            pairs.public(Path(said))
        except GalleryError as error:
            return str(error)
        return ""

    return asking.text(question, wrong, default=default)


@click.command("sign")
@click.option(
    "--key", metavar="FILE|URI", help="Your private key: a file, or hsm:…, awskms:…, gcpkms:…, azurekms:…, hv:…."
)
@click.option("--as", "holder", metavar="NAME|ID", help="Whose key an URI is.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.registry
@trusted.trust
@options.now
def ceremony_sign_command(
    key: str | None, holder: str | None, registry: Path, trust: Path | None, now: dt.datetime, *, yes: bool
) -> int:
    """Show what is proposed, as the files themselves say it, and sign it with your key. The key is read, never kept.

    \b
    Example:
      galleryctl keys ceremony sign --key ada.pem
      galleryctl keys ceremony sign --key hsm: --as bob
    """  # noqa: D301
    from galleryctl.signing import ceremony, draft, pairs  # noqa: PLC0415 - on use
    from galleryctl.terminal import asking  # noqa: PLC0415 - on use

    state = draft.read(trusted.folder(registry, trust))
    if not state:
        raise click.UsageError("nothing is proposed: `galleryctl keys ceremony` says where it stands")
    trusted.say(ceremony.told(state, now))
    if key is None:
        if not trusted.on_terminal():
            raise click.UsageError("with which key? Give --key FILE or --key URI")
        key = asking.text("Your private key", lambda said: "" if said else "a file, or an URI")
    known = {name: each for proposed in state.proposed for name, each in state.signers(proposed).items()}
    signer = pairs.signer(key, known.values(), named=_whose(known, holder), password=_password)
    if not yes:
        if not trusted.on_terminal():
            raise click.UsageError("read what is signed, and say so with --yes")
        if not asking.confirm("Is this what you want to sign?"):
            click.echo("not signed", err=True)
            return 1
    made = ceremony.sign(state, signer)
    name = draft.short(known.get(signer.public_key.keyid, signer.public_key))
    click.echo(f"{name}: {' and '.join(made)} signed" if made else f"{name} has signed already", err=True)
    _remaining(draft.read(state.folder))
    return 0


def _whose(known: Mapping[str, Key], holder: str | None) -> Key | None:
    from galleryctl.spec.trust import HOLDER  # noqa: PLC0415 - on use

    if holder is None:
        return None
    found = [each for each in known.values() if each.unrecognized_fields.get(HOLDER) == holder]
    found = found or [each for each in known.values() if each.keyid.startswith(holder)]
    if len(found) != 1:
        raise click.UsageError(f"--as {holder} is {'nobody' if not found else 'more than one'} who may sign this")
    return found[0]


def _password(question: str) -> str:
    if not trusted.on_terminal():
        raise click.UsageError("a password or PIN is asked for: sign on a terminal")
    given: str = click.prompt(question, hide_input=True, err=True)
    return given


@click.command("finish")
@options.registry
@trusted.trust
def ceremony_finish_command(registry: Path, trust: Path | None) -> int:
    """Put a draft into place, once the old root and the new one are satisfied. Stopped half-way, it goes on next time.

    \b
    Example:
      galleryctl keys ceremony finish
    """  # noqa: D301
    from galleryctl.signing import draft  # noqa: PLC0415 - on use

    folder = trusted.folder(registry, trust)
    state = draft.read(folder)
    if not state and not state.moved:
        if state.trust is None:
            raise click.UsageError(f"{folder}: nothing is proposed; begin with `galleryctl keys ceremony start`")
        click.echo(f"{folder}: nothing is proposed; root {state.trust.root.version} holds", err=True)
        return 0
    done = draft.finish(folder)
    click.echo(f"{folder}: root {done.root.version} and targets {max(done.targets)} hold", err=True)
    trusted.steps(
        ["a pull request with the trust folder, which admins approve", "publish: clients follow by themselves"]
    )
    return 0


@click.command("discard")
@options.registry
@trusted.trust
def ceremony_discard_command(registry: Path, trust: Path | None) -> int:
    """Give up what is proposed, with the signatures it has. What holds stays.

    \b
    Example:
      galleryctl keys ceremony discard
    """  # noqa: D301
    from galleryctl.signing import draft  # noqa: PLC0415 - on use

    folder = trusted.folder(registry, trust)
    if draft.is_moved(folder):
        raise click.UsageError("half of it is in place already: end it with `galleryctl keys ceremony finish`")
    gone = draft.discard(folder)
    click.echo(f"{folder}: {', '.join(gone)} given up" if gone else f"{folder}: nothing was proposed", err=True)
    return 0


def _show(state: Draft, now: dt.datetime) -> None:
    from galleryctl.signing import ceremony  # noqa: PLC0415 - on use

    if state:
        trusted.say(ceremony.told(state, now))
    _remaining(state)


def _remaining(state: Draft) -> None:
    from galleryctl.signing import ceremony  # noqa: PLC0415 - on use
    from galleryctl.signing.standing import following  # noqa: PLC0415 - on use

    trusted.say(ceremony.asked(state))
    steps = following(state)
    waits = state and any(ask.missing for ask in state.asks())
    trusted.steps([*([_SENT] if waits else []), *steps])
