"""Signed galleries for tests: built from a real registry, signed with real keys, served over real http."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

from conftest import git
from galleryctl import building, canonical
from galleryctl.signing import developing, metadata, online, publication, rotating
from galleryctl.signing.places import Folder
from galleryctl.signing.trust import Trust
from made import NOW
from servers import Answer, Asked, Served, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from securesystemslib.signer import Key
    from tuf.api.metadata import Root, Targets


class Published(NamedTuple):
    """A gallery as it is published."""

    site: Path
    keys: Path
    root: Path
    """The first root, which a client starts from."""

    @property
    def trust(self) -> Trust:
        return Trust.read(self.keys / "trust")

    def sign(self, now: dt.datetime | None = None, *, earlier: Path | None = None) -> publication.Signed:
        """Sign the tree as it is, without building it again."""
        trust = self.trust
        signer = online.from_folder(self.keys, trust)
        before = Folder(earlier) if earlier else None
        return publication.sign(self.site, trust, signer, now=now or dt.datetime.now(dt.UTC), earlier=before)


@pytest.fixture(scope="session")
def _signed(tmp_path_factory: pytest.TempPathFactory, _minimal: Path) -> Path:
    """One small gallery, built and signed at `made.NOW`: for tests that need no second build."""
    folder = tmp_path_factory.mktemp("signed")
    shutil.copytree(_minimal, folder / "repository")
    git(folder / "repository", "add", "--all", ".")
    git(folder / "repository", "commit", "-q", "-m", "start")
    publish(folder / "repository" / "registry", folder / "site", folder / "keys", now=NOW)
    return folder


@pytest.fixture
def signed(tmp_path: Path, _signed: Path) -> Published:
    """A copy of it, to do with as one likes."""
    for name in ("site", "keys"):
        shutil.copytree(_signed / name, tmp_path / name)
    return Published(tmp_path / "site", tmp_path / "keys", tmp_path / "keys/trust/1.root.json")


def renumber(site: Path, *, serial: int = 1, epoch: int = 1, **members: object) -> None:
    """Give a tree another head, as a later build would; `members` stand for a change of its documents."""
    data = json.loads((site / "v1/catalog.json").read_bytes()) | {"serial": serial, "epoch": epoch} | members
    head = canonical.dumps(data)
    for path in (f"v1/{canonical.digest(head)}.catalog.json", "v1/catalog.json"):
        (site / path).unlink(missing_ok=True)  # it may be a link to what was published
        (site / path).write_bytes(head)


def publish(registry: Path, site: Path, keys: Path, *, now: dt.datetime | None = None, **wanted: object) -> Published:
    """Build a registry into `site` and sign it; `keys` are made where there are none. Call it again after a change.

    `now` is the real time unless given: clients judge by theirs. `wanted` are further fields of `building.Wanted`.
    """
    now = now or dt.datetime.now(dt.UTC)
    if not keys.exists():
        developing.create(keys, now)
    done = building.build(building.Wanted(registry, site, now=now, **wanted))  # type: ignore[arg-type]
    assert done.errors == ()
    published = Published(site, keys, keys / "trust" / "1.root.json")
    published.sign(now)
    return published


def rotate(keys: Path, *, now: dt.datetime | None = None, public: Key | None = None) -> None:
    """Let two of three holders name another online key: the next root, the next targets.

    A new `online.pem` unless `public` is given, of a key that is kept elsewhere.
    """
    now, trust = now or dt.datetime.now(dt.UTC), Trust.read(keys / "trust")
    signers = [holder(keys, number) for number in (1, 2, 3)]
    if public is None:
        new = CryptoSigner.generate_ed25519()
        (keys / "online.pem").write_bytes(new.private_bytes)
        public = new.public_key
    version = trust.root.version + 1
    root = first_root([each.public_key for each in signers], public, now, version=version)
    for signer in signers[:2]:
        root.sign(signer, append=True)
    following = trust.delegator.version + 1
    targets = first_targets(public, now, version=following)
    targets.sign(signers[2])
    (keys / "trust" / f"{version}.root.json").write_bytes(metadata.dumps(root))
    (keys / "trust" / f"{following}.targets.json").write_bytes(metadata.dumps(targets))


def first_root(holders: Sequence[Key], online: Key, now: dt.datetime, *, version: int = 1) -> Metadata[Root]:
    """A root as it begins, under another number, not signed."""
    made = rotating.begin({f"root-{number}": key for number, key in enumerate(holders, 1)}, 2, [online], now).root
    assert made is not None
    made.version = version
    return Metadata(made)


def first_targets(online: Key, now: dt.datetime, *, version: int = 1) -> Metadata[Targets]:
    """Targets as they begin, under another number, not signed."""
    anybody = CryptoSigner.generate_ed25519().public_key
    made = rotating.begin({"anybody": anybody}, 1, [online], now).targets
    assert made is not None
    made.version = version
    return Metadata(made)


def holder(keys: Path, number: int) -> CryptoSigner:
    """One of the three root keys."""
    return CryptoSigner(load_pem_private_key((keys / f"root-{number}.pem").read_bytes(), None))


@contextmanager
def serve(site: Path) -> Iterator[Served]:
    """The folder as a plain host has it, as it is at each request: ranges, validators, no redirects."""

    def answer(asked: Asked) -> Answer:
        path = site / asked.path.partition("?")[0].lstrip("/")
        if not path.is_file():
            return Answer(404)
        data = path.read_bytes()
        tag = f'"{canonical.digest(data)[:32]}"'
        if asked.headers.get("if-none-match") == tag:
            return Answer(304, b"", {"ETag": tag})
        return ranged(asked, data, {"ETag": tag})

    with serving(answer) as served:
        yield served
