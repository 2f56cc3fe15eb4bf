"""Commands that sign a gallery, and verify one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.signing.online import Signer
    from galleryctl.signing.publication import Signed
    from galleryctl.signing.trust import Trust


@click.command("sign")
@click.argument("site", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--trust", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder of N.root.json and N.targets.json; registry/trust unless given, or that of --keys.",
)  # fmt: skip
@click.option(
    "--keys", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder of keys, as `keys init` makes one.",
)  # fmt: skip
@click.option(
    "--online", metavar="URI",
    help="The online key: awskms:…, gcpkms:…, azurekms:…, hv:…, file2:PATH. Else the PEM in GALLERYCTL_ONLINE_KEY, "
    "else online.pem of --keys.",
)  # fmt: skip
@click.option(
    "--earlier", "--refuse-rollback-from", "earlier", metavar="DIR|URL|none",
    help="The gallery as it was published last: versions go on from there, and nothing older is signed.",
)  # fmt: skip
@options.now
def sign_command(
    site: Path, trust: Path | None, keys: Path | None, online: str | None, earlier: str | None, now: dt.datetime
) -> int:  # fmt: skip
    """Sign a gallery that was built: check every document of its index, and sign what is due.

    Nothing is due, and nothing is written, while head and keys are the same and the signatures are young. Where the
    gallery was published before, --earlier names it.

    \b
    Example:
      galleryctl keys init --out keys
      galleryctl sign site --keys keys
      galleryctl sign site --online awskms:alias/gallery --earlier https://models.example.org
    """  # noqa: D301
    from galleryctl.signing import places, publication  # noqa: PLC0415 - on use
    from galleryctl.signing.trust import Trust  # noqa: PLC0415 - on use

    trusted = Trust.read(trust or (keys / "trust" if keys else Path("registry/trust")))
    before = None
    if earlier and earlier != "none":
        before = places.place(earlier, options.fetcher(allow_private=True))
    done = publication.sign(site, trusted, _signer(online, keys, trusted), now=now, earlier=before)
    click.echo(_outcome(site, done), err=True, nl=False)
    return 0


def _signer(online: str | None, keys: Path | None, trust: Trust) -> Signer:
    from galleryctl.signing import online as key  # noqa: PLC0415 - on use

    if online:
        return key.from_uri(online, trust)
    if pem := os.environ.pop(key.VARIABLE, ""):
        return key.from_pem(pem.encode(), trust, key.VARIABLE)
    if keys:
        return key.from_folder(keys, trust)
    raise click.UsageError(f"no online key: give --online URI or --keys DIR, or set {key.VARIABLE}")


def _outcome(site: Path, done: Signed) -> str:
    catalog = done.head.catalog
    did = f"signed {', '.join(done.due)}" if done.due else "nothing was due"
    lines = [f"{site}: {did}; serial {catalog.serial}, epoch {catalog.epoch}, {done.files:,} documents"]
    lines += [
        f"  {role:<9}  {done.versions[role]:>4}  until {done.expires[role]:%Y-%m-%d %H:%M} UTC"
        for role in ("timestamp", "snapshot", "catalog", "targets", "root")
    ]
    lines += [f"warning: {each}" for each in done.warnings]
    return "\n".join(lines) + "\n"
