"""Commands for keys: pairs, ceremonies, and what follows when a key changes, expires or is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from galleryctl.cli import options, trusted
from galleryctl.cli.lazy import Lazy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from galleryctl.signing.rotating import Proposal
    from galleryctl.signing.standing import Part, Standing
    from galleryctl.signing.trust import Trust

_COMMANDS = {
    "init": ("keys", "Make a set of keys for development."),
    "make": ("keys", "Make one key: a private half, a public half."),
    "ceremony": ("ceremony", "Sign a root and targets, several people together."),
    "rotate": ("keys", "Change the keys of a role."),
    "renew": ("keys", "Put off the day on which root and targets expire."),
    "revoke": ("keys", "Take a key out of every role."),
    "recover": ("keys", "Replace an online key that is lost or stolen."),
    "status": ("keys", "Say who signs what, until when, and what is due."),
}
_PEOPLE = ("root", "targets")
_MERGE = "a pull request with the trust folder, which admins approve"
_PUBLISH = "publish: clients follow by themselves"


class _Keys(Lazy):
    sections: ClassVar[Mapping[str, Mapping[str, tuple[str, str]]]] = {"Commands": _COMMANDS}
    prefix = "keys_"


@click.command("keys", cls=_Keys)
def keys_command() -> None:
    """Make keys, and the trust that names them; keep both in order.

    \b
    Example:
      galleryctl keys init --out keys
      galleryctl keys ceremony
      galleryctl keys status
    """  # noqa: D301 - \b is click's mark for a paragraph that stays as it is


@click.command("init")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), default="keys", show_default=True,
    help="A new folder.",
)  # fmt: skip
@options.now
def keys_init_command(out: Path, now: dt.datetime) -> int:
    """Make three root keys, one online key, and the trust that names them: for development.

    \b
    Example:
      galleryctl keys init --out keys
    """  # noqa: D301
    from galleryctl.signing import developing  # noqa: PLC0415 - on use

    developing.create(out, now)
    click.echo(f"{out}: trust, online key, {developing.HOLDERS} root keys; git ignores the folder", err=True)
    return 0


@click.command("make")
@click.option(
    "--out", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The private key; its public half gets the ending .pub.",
)  # fmt: skip
@click.option(
    "--kind", type=click.Choice(["ed25519", "ecdsa"]), default="ed25519", show_default=True,
    help="ecdsa is P-256, as hardware tokens have it.",
)  # fmt: skip
def keys_make_command(out: Path, kind: str) -> int:
    """Make one key: the private half for its holder alone, the public half for everybody. Nothing is written over.

    \b
    Example:
      galleryctl keys make --out ada.pem
      galleryctl keys make --out online.pem --kind ecdsa
    """  # noqa: D301
    from galleryctl.signing import pairs  # noqa: PLC0415 - on use

    public, key = pairs.make(out, kind)
    click.echo(f"{out}: private, keep it where only you can read it\n{public}: public, {key.keyid[:12]}", err=True)
    return 0


@click.command("rotate")
@click.argument("role", type=click.Choice(["root", "targets", "online"]))
@click.option("--key", metavar="[NAME=]PUBLIC", help="Instead of the key of NAME, or of the online keys.")
@click.option("--add", multiple=True, metavar="[NAME=]PUBLIC", help="A key more.")
@click.option("--remove", multiple=True, metavar="NAME|ID", help="A key less.")
@click.option("--threshold", type=click.IntRange(1, 64), metavar="N", help="How many of them have to sign.")
@options.registry
@trusted.trust
@trusted.keys
@options.now
def keys_rotate_command(  # noqa: PLR0913 - one parameter for each option
    role: str, key: str | None, add: tuple[str, ...], remove: tuple[str, ...], threshold: int | None,
    *, registry: Path, trust: Path | None, keys: Path | None, now: dt.datetime,
) -> int:  # fmt: skip
    """Propose other keys for a role. `online` is that of catalog, snapshot and timestamp.

    Root and targets mostly have the same holders; then rotating root changes both. With --keys a name alone is enough:
    its key is made.

    \b
    Example:
      galleryctl keys rotate online --key online.pub
      galleryctl keys rotate root --key ada=ada-2.pub
      galleryctl keys rotate root --add dora=dora.pub --remove bob
      galleryctl keys rotate online --keys keys
    """  # noqa: D301
    if role == "online":
        if threshold is not None:
            raise click.UsageError("one online key signs: there is no --threshold")
        return _done(_online(key, add, remove, keys, now), registry, trust, keys, now)
    if not (key or add or remove or threshold):
        raise click.UsageError("what should change? Give --key, --add, --remove or --threshold")
    return _done(_holders(role, key, add, remove, threshold, keys, now), registry, trust, keys, now)


def _online(
    key: str | None, add: tuple[str, ...], remove: tuple[str, ...], keys: Path | None, now: dt.datetime
) -> Callable[[Trust], Proposal]:
    from galleryctl.signing import developing, pairs, rotating  # noqa: PLC0415 - on use

    if key and (add or remove):
        raise click.UsageError("--key replaces all online keys: there is nothing to add or remove")
    if not (key or add or remove or keys):
        raise click.UsageError("which key? `galleryctl keys make --out online.pem` makes one; then --key online.pub")

    def change(trust: Trust) -> Proposal:
        if key or not (add or remove):
            named = pairs.public(Path(key)) if key else developing.online(keys or Path())
            return rotating.with_online(trust, [named], now)
        gone = {each.keyid for who in remove for each in rotating.found(trust, ["timestamp"], who)}
        kept = [each for each in trust.online if each.keyid not in gone]
        return rotating.with_online(trust, [*kept, *(pairs.public(Path(each)) for each in add)], now)

    return change


def _holders(
    role: str, key: str | None, add: tuple[str, ...], remove: tuple[str, ...], threshold: int | None,
    keys: Path | None, now: dt.datetime,
) -> Callable[[Trust], Proposal]:  # fmt: skip
    from galleryctl.signing import developing, rotating  # noqa: PLC0415 - on use

    def change(trust: Trust) -> Proposal:
        if keys is None or "=" in "".join((key or "", *add)):
            replaced = trusted.named([key], "--key") if key else {}
            added, gone = trusted.named(add, "--add"), remove
        else:
            gone = tuple(developing.identified(keys, who) for who in (*remove, *([key] if key else [])))
            names = [*add, *([developing.successor(keys)] if key else [])]
            added, replaced = {name: developing.holder(keys, name) for name in names}, {}
        return rotating.with_holders(
            trust, role, now, added=added, removed=gone, replaced=replaced, threshold=threshold
        )

    return change


@click.command("renew")
@click.argument("roles", nargs=-1, type=click.Choice(_PEOPLE))
@options.registry
@trusted.trust
@trusted.keys
@options.now
def keys_renew_command(
    roles: tuple[str, ...], registry: Path, trust: Path | None, keys: Path | None, now: dt.datetime
) -> int:
    """Propose the same keys for another year. Both roles unless one is named.

    \b
    Example:
      galleryctl keys renew
      galleryctl keys renew targets
    """  # noqa: D301
    from galleryctl.signing import rotating  # noqa: PLC0415 - on use

    return _done(lambda found: rotating.renewed(found, now, roles or _PEOPLE), registry, trust, keys, now)


@click.command("revoke")
@click.argument("who", metavar="NAME|ID")
@options.registry
@trusted.trust
@trusted.keys
@options.now
def keys_revoke_command(who: str, registry: Path, trust: Path | None, keys: Path | None, now: dt.datetime) -> int:
    """Propose that a key counts for nothing any more: of a holder by name, or by the beginning of its id.

    The only online key cannot go without a successor: that is `keys recover`.

    \b
    Example:
      galleryctl keys revoke bob
    """  # noqa: D301
    from galleryctl.signing import developing, rotating  # noqa: PLC0415 - on use

    def change(found: Trust) -> Proposal:
        return rotating.without(found, developing.identified(keys, who) if keys else who, now)

    return _done(change, registry, trust, keys, now)


@click.command("recover")
@click.option("--online", metavar="PUBLIC", help="Public half of the new online key.")
@click.option("--stolen", is_flag=True, help="Somebody else may have the old one: says what else to do.")
@options.registry
@trusted.trust
@trusted.keys
@options.now
def keys_recover_command(
    online: str | None, registry: Path, trust: Path | None, keys: Path | None, now: dt.datetime, *, stolen: bool
) -> int:
    """Propose a new online key instead of one that is lost or stolen, and say what else to do.

    \b
    Example:
      galleryctl keys make --out online.pem
      galleryctl keys recover --online online.pub --stolen
    """  # noqa: D301
    code = _done(_online(online, (), (), keys, now), registry, trust, keys, now)
    more = [
        "put the new key where the old one was: the secret GALLERYCTL_ONLINE_KEY of the environment `signing`",
        "sign with --earlier: versions go on where the old key's signatures still verify, else anew",
    ]
    if stolen:
        more = [
            "at once: take the old secret out of the environment `signing`, and its rights at the key service",
            *more,
            "compare what is published with git: galleryctl diff COMMIT, with `commit` of v1/catalog.json",
            "in gallery.yaml: raise `epoch` by one, so that clients take the new serial, whatever the thief's was",
        ]
    trusted.say(["also:", *(f"  {each}" for each in more)], err=True)
    return code


def _done(
    change: Callable[[Trust], Proposal], registry: Path, trust: Path | None, keys: Path | None, now: dt.datetime
) -> int:
    """Propose a change, or do it at once with a set for development."""
    from galleryctl.signing import ceremony, developing, draft, rotating  # noqa: PLC0415 - on use
    from galleryctl.signing.standing import following  # noqa: PLC0415 - on use

    if keys is not None:
        _, made = developing.complete(keys, change)
        click.echo(f"{keys}: {' and '.join(made)} signed" if made else f"{keys}: it is so already", err=True)
        trusted.steps([_PUBLISH] if made else [])
        return 0
    folder = trusted.folder(registry, trust)
    before = draft.read(folder)
    if before.trust is None:
        raise click.UsageError(f"{folder}: there is no trust yet; begin with `galleryctl keys ceremony start`")
    state, fresh = rotating.propose(folder, change(before.trust))
    if not state:
        click.echo(f"{folder}: it is so already", err=True)
        return 0
    trusted.say([*ceremony.told(state, now), *ceremony.asked(state)])
    click.echo(f"{folder / draft.FOLDER}: {'proposed' if fresh else 'proposed already'}", err=True)
    trusted.steps([*following(state), _MERGE, _PUBLISH])
    return 0


@click.command("status")
@click.option(
    "--within", default="60d", show_default=True, callback=options.span, metavar="TIME",
    help="What expires in less is due.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.registry
@trusted.trust
@trusted.keys
@options.now
def keys_status_command(
    within: dt.timedelta, form: str, registry: Path, trust: Path | None, keys: Path | None, now: dt.datetime
) -> int:
    """Say who signs what, until when, and what to do next. Exit code 1 means that something is due or wrong.

    What is published stands in no trust folder; `galleryctl verify` asks the gallery itself.

    \b
    Example:
      galleryctl keys status
      galleryctl keys status --within 90d --format json
    """  # noqa: D301
    from galleryctl.signing.errors import SignatureError  # noqa: PLC0415 - on use
    from galleryctl.signing.standing import Standing, standing  # noqa: PLC0415 - on use

    folder = trusted.folder(registry, trust, keys)
    try:
        found = standing(folder, now, within)
    except SignatureError as error:
        found = Standing(signed=True, due=(str(error),))
    if form == "json":
        click.echo(json.dumps(found.told(), indent=2, ensure_ascii=False))
    else:
        _told(found, folder)
    return int(bool(found.due))


def _told(found: Standing, folder: Path) -> None:
    if not found.signed:
        click.echo(f"{folder}: no keys; this gallery is not signed")
    lines = [*map(_line, found.parts), *(f"in ceremony: {each}" for each in found.proposed)]
    trusted.say([*lines, *(f"due: {each}" for each in found.due)])
    trusted.steps(found.next)


def _line(part: Part) -> str:
    from galleryctl.signing import draft  # noqa: PLC0415 - on use

    names = ", ".join(draft.short(key) for key in part.keys)
    until = ""
    if part.expires and part.days is not None:
        when = f"{part.days} days" if part.days >= 0 else "expired"
        until = f"version {part.version} until {part.expires:%Y-%m-%d}, {when}; "
    return f"{part.role}: {until}{part.threshold} of {names}"
