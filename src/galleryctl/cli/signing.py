"""Commands that sign a gallery, and verify one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from galleryctl.signing.online import Signer
    from galleryctl.signing.publication import Signed
    from galleryctl.signing.trust import Trust
    from galleryctl.signing.verifying import Verified

_KEYS = 45
"""Column in which the keys of a role stand."""


@click.command("sign")
@click.argument("site", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--trust", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder of N.root.json and N.targets.json; `trust` in the registry unless given, or that of --keys.",
)  # fmt: skip
@click.option(
    "--keys", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder of keys, as `keys init` makes one.",
)  # fmt: skip
@click.option(
    "--online", metavar="URI", envvar="GALLERYCTL_ONLINE", show_envvar=True,
    help="The online key: awskms:…, gcpkms:…, azurekms:…, hv:…, file2:PATH. Else the PEM in GALLERYCTL_ONLINE_KEY, "
    "else online.pem of --keys.",
)  # fmt: skip
@click.option(
    "--earlier", "--refuse-rollback-from", "earlier", metavar="DIR|URL|none",
    help="The gallery as it was published last: versions go on from there, and nothing older is signed; `site` is the "
    "url of gallery.yaml.",
)  # fmt: skip
@options.registry
@options.now
def sign_command(
    site: Path, trust: Path | None, keys: Path | None, online: str | None, earlier: str | None, registry: Path,
    now: dt.datetime,
) -> int:  # fmt: skip
    """Sign a gallery that was built: check every document of its index, and sign what is due.

    Nothing is due, and nothing is written, while head and keys are the same and the signatures are young. Where the
    gallery was published before, --earlier names it.

    \b
    Example:
      galleryctl sign site --keys keys
      galleryctl sign site --online awskms:alias/gallery --earlier https://models.example.org
    """  # noqa: D301
    from galleryctl import layout  # noqa: PLC0415 - on use
    from galleryctl.signing import places, publication  # noqa: PLC0415 - on use
    from galleryctl.signing.trust import Trust  # noqa: PLC0415 - on use

    folder = trust or (keys / "trust" if keys else registry / "trust")
    trusted = Trust.read(folder)
    before = None
    if not earlier and not (site / layout.METADATA).exists() and (url := _published(folder.parent)):
        click.echo(
            f"warning: the gallery may be published already, at {url}: `--earlier site` goes on from there, "
            "`--earlier none` says that it is not",
            err=True,
        )
    if earlier and earlier != "none":
        where = _address(registry) if earlier == "site" else earlier
        before = places.place(where, options.fetcher(allow_private=True))
    done = publication.sign(site, trusted, _signer(online, keys, trusted), now=now, earlier=before)
    click.echo(_outcome(site, done, now), err=True)
    return 0


def _published(registry: Path) -> str:
    """The address in a gallery.yaml, where it leads to other machines; empty where it names none."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - on use

    from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use

    if not (registry / "gallery.yaml").is_file():
        return ""
    try:
        url = _address(registry)
    except GalleryError:
        return ""
    host = urlsplit(url).hostname or ""
    return "" if host in {"localhost", "::1"} or host.startswith("127.") else url


def _address(registry: Path) -> str:
    """Where the gallery of a registry is published."""
    from galleryctl.cli import forging  # noqa: PLC0415 - on use
    from galleryctl.loading import governance  # noqa: PLC0415 - on use

    return governance.published(forging.settings(registry))


def _signer(online: str | None, keys: Path | None, trust: Trust) -> Signer:
    from galleryctl.signing import online as key  # noqa: PLC0415 - on use

    if online:
        return key.from_uri(online, trust)
    if pem := os.environ.pop(key.VARIABLE, ""):
        return key.from_pem(pem.encode(), trust, key.VARIABLE)
    if keys:
        return key.from_folder(keys, trust)
    raise click.UsageError(f"no online key: give --online URI or --keys DIR, or set {key.VARIABLE}")


@click.command("verify")
@click.argument("gallery", metavar="[URL|DIR]", required=False)
@click.option(
    "--root", type=click.Path(path_type=Path, dir_okay=False, exists=True), envvar="GALLERYCTL_ROOT", show_envvar=True,
    metavar="FILE", help="A root of the gallery that is trusted; trust/1.root.json of the registry unless given.",
)  # fmt: skip
@click.option(
    "--online-for", callback=options.span, default="0d", metavar="TIME",
    help="Fail where timestamp, snapshot or catalog expires within this time, such as 2d.",
)  # fmt: skip
@click.option(
    "--offline-for", callback=options.span, default="0d", metavar="TIME",
    help="Fail where root or targets expires within this time, such as 30d.",
)  # fmt: skip
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="What was verified before, kept there: nothing older is accepted.",
)  # fmt: skip
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.registry
@options.now
def verify_command(
    gallery: str | None, root: Path | None, online_for: dt.timedelta, offline_for: dt.timedelta, state: Path | None,
    format_: str, registry: Path, now: dt.datetime,
) -> int:  # fmt: skip
    """Verify a published gallery from its root: signatures, versions, expiry, and every document of the index.

    Beside a registry nothing has to be named: it says where it is published, and keeps its first root.

    \b
    Example:
      galleryctl verify
      galleryctl verify https://models.example.org --root registry/trust/1.root.json
      galleryctl verify site --root keys/trust/1.root.json --format json
      galleryctl verify https://models.example.org --root 1.root.json --online-for 2d --offline-for 30d
    """  # noqa: D301
    from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use
    from galleryctl.signing import places, verifying  # noqa: PLC0415 - on use

    root = root or registry / "trust" / "1.root.json"
    if not root.is_file():
        raise click.UsageError(f"there is no {root}: name the root that is trusted with --root")
    gallery = gallery or _address(registry)
    try:
        place = places.place(gallery, options.fetcher(allow_private=True))
        with options.progress("Verifying") as report:
            done = verifying.verify(
                place, root.read_bytes(), now=now, online_for=online_for, offline_for=offline_for, state=state,
                progress=report,
            )  # fmt: skip
    except GalleryError as error:
        if format_ == "json":
            click.echo(json.dumps({"gallery": gallery, "verified": False, "problem": str(error)}, indent=2))
        raise
    click.echo(json.dumps(_data(done, now), indent=2) if format_ == "json" else _verified(done, now))
    return 0


def _data(done: Verified, now: dt.datetime) -> dict[str, Any]:
    from galleryctl import canonical  # noqa: PLC0415 - on use

    catalog = done.head.catalog
    roles = {
        role: {"version": each.version, "expires": canonical.moment(each.expires), "keys": each.keys}
        for role, each in done.roles.items()
    }
    return {
        "gallery": done.where, "verified": True, "serial": catalog.serial, "epoch": catalog.epoch,
        "audience": catalog.audience, "commit": catalog.commit, "built": canonical.moment(catalog.built),
        "age": int((now - catalog.built).total_seconds()), "sha256": done.head.sha256, "documents": done.files,
        "roles": roles, "warnings": done.warnings,
    }  # fmt: skip


def _verified(done: Verified, now: dt.datetime) -> str:
    catalog = done.head.catalog
    rows = [(role, each.version, each.expires, _short(each.keys)) for role, each in done.roles.items()]
    lines = [
        f"{done.where}: verified",
        f"serial {catalog.serial}, epoch {catalog.epoch}, {done.files:,} documents, for {catalog.audience}",
        f"built {catalog.built:%Y-%m-%d %H:%M} UTC, {options.lasting((now - catalog.built).total_seconds())} ago",
        *_table(rows, now),
        *(f"warning: {each}" for each in done.warnings),
    ]
    return "\n".join(lines)


def _outcome(site: Path, done: Signed, now: dt.datetime) -> str:
    catalog = done.head.catalog
    rows = [
        (role, done.versions[role], done.expires[role], done.due.get(role, ""))
        for role in ("timestamp", "snapshot", "catalog", "targets", "root")
    ]
    lines = [
        f"{site}: {'signed' if done.due else 'nothing was due'}",
        f"serial {catalog.serial}, epoch {catalog.epoch}, {done.files:,} documents, for {catalog.audience}",
        *_table(rows, now),
        *(f"warning: {each}" for each in done.warnings),
    ]
    return "\n".join(lines)


def _table(rows: Iterable[tuple[str, int, dt.datetime, str]], now: dt.datetime) -> Iterator[str]:
    for role, version, expires, rest in rows:
        left = options.lasting((expires - now).total_seconds())
        yield f"  {role:<9} {version:>4}  until {expires:%Y-%m-%d}, {left:>8} {rest}".rstrip()


def _short(keys: tuple[str, ...]) -> str:
    """Keys as `keys` shows them, one under the other."""
    return f"\n{' ' * _KEYS}".join(key[:12] for key in keys)
