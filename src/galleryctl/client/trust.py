"""Which head a gallery vouches for: The Update Framework, from a root that somebody trusts.

* python-tuf decides; here stand what it reads through, the clock, and its errors in our words.
* It works in a folder that is gone afterwards. Nothing of what it made there counts before the whole synchronisation
  is stored, but for roots: those are verified by themselves, and the newer ones are the safer ones.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from securesystemslib.exceptions import Error as LibraryError
from tuf.api import exceptions
from tuf.api.metadata import Metadata
from tuf.ngclient import FetcherInterface, Updater

from galleryctl import layout
from galleryctl.client.errors import ClientError, DamagedError, ExpiredError, RollbackError, VerificationError
from galleryctl.fetch import FetchError, MissingError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from tuf.api.metadata import Root

    from galleryctl.client.asking import Reader

ROLES = ("timestamp", "snapshot", "targets", "catalog")
_BASE = "gallery:"  # never an address: what is asked goes through the reader, which knows where it reads
_NAMED = re.compile(r"(?:([1-9][0-9]{0,8})\.)?(root|timestamp|snapshot|targets|catalog)\.json").fullmatch
_HELP = "whatever was verified before stays in use; if this goes on, tell the people who run the gallery"


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the metadata say of the head, and what to remember of them."""

    sha256: str
    length: int
    expires: dt.datetime
    """When the first of the roles expires."""
    metadata: Mapping[str, bytes]
    roots: Mapping[int, bytes]
    etag: str
    vouched: bool = True
    """Whether the present root still vouches for what was stored; where it took that key away, a thief may have pushed
    every number there as far as numbers go."""


class Trust:
    """One run from a root to the digest of the head, with the metadata that were verified before."""

    def __init__(
        self, root: bytes, roots: Mapping[int, bytes], metadata: Mapping[str, bytes], reader: Reader, now: dt.datetime
    ) -> None:
        self._root = root
        self._before = dict(roots)
        self._metadata = dict(metadata)
        self._reader = reader
        self._now = now
        self.roots: dict[int, bytes] = {}
        """Every root verified so far, by version."""

    def head(self, prefix: str, etag: str) -> Trusted:
        """Follow the chain. Raises `FetchError`, and `VerificationError` and its kinds."""
        through = _Through(self._reader, prefix, etag, self._metadata.get("timestamp", b""))
        with TemporaryDirectory(prefix="gallery-") as work:
            folder = Path(work)
            self._fill(folder)
            try:
                return self._followed(folder, through)
            except (exceptions.RepositoryError, exceptions.DownloadError, LibraryError) as error:
                raise self._told(error, through) from error
            except OSError as error:
                raise ClientError(f"{folder}: cannot be worked in: {error.strerror}") from error
            except (FetchError, ClientError):
                raise
            except Exception as error:  # the library takes strangers' documents apart, and not every fault is foreseen
                said = f"{through.step}: cannot be understood: {type(error).__name__}: {str(error)[:200]}; {_HELP}"
                raise VerificationError(said, step=through.step) from error
            finally:
                self.roots = _roots(folder)

    def _fill(self, folder: Path) -> None:
        history = folder / "root_history"
        history.mkdir()
        for version, data in self._before.items():
            (history / f"{version}.root.json").write_bytes(data)
        for role, data in self._metadata.items():
            (folder / f"{role}.json").write_bytes(data)

    def _followed(self, folder: Path, through: _Through) -> Trusted:
        try:
            updater = Updater(str(folder), _BASE, fetcher=through, bootstrap=self._root)
        except (exceptions.RepositoryError, LibraryError) as error:
            said = f"root: what is trusted is no root: {error}; take N.root.json from the people who run the gallery"
            raise VerificationError(said, step="root") from error
        trusted = updater._trusted_set  # noqa: SLF001 - the library reads the clock itself, and has no other way in
        trusted.reference_time = self._now
        updater.refresh()
        target = updater.get_targetinfo(layout.CATALOG)
        if target is None or "sha256" not in target.hashes:
            raise VerificationError(f"catalog: no role names {layout.CATALOG} by SHA-256; {_HELP}", step="catalog")
        roles = [trusted[role] for role in ("root", *ROLES)]
        metadata = {role: (folder / f"{role}.json").read_bytes() for role in ROLES}
        expires = min(role.expires for role in roles)
        vouched = self._vouched(trusted.root)
        return Trusted(target.hashes["sha256"], target.length, expires, metadata, _roots(folder), through.etag, vouched)

    def _vouched(self, root: Root) -> bool:
        if "timestamp" not in self._metadata:
            return True
        with suppress(Exception):  # as in `head`: what was stored may be broken, and then it tells nothing
            stored = Metadata.from_bytes(self._metadata["timestamp"])
            return bool(root.get_verification_result("timestamp", stored.signed_bytes, stored.signatures).verified)
        return True

    def _told(self, error: Exception, through: _Through) -> VerificationError:
        step, said = through.step, str(error)
        if isinstance(error, exceptions.ExpiredMetadataError):
            return self._expired(said, through)
        if isinstance(error, exceptions.BadVersionNumberError):
            if step == "snapshot" and "must be" not in said and (fell := self._fallen(through.last)):
                said = fell
            kind = VerificationError if step in {"targets", "catalog"} else RollbackError
            return kind(f"{step}: {said}: an older state than the one that was seen before; {_HELP}", step=step)
        if isinstance(error, exceptions.LengthOrHashMismatchError | exceptions.DownloadLengthMismatchError):
            return DamagedError(f"{step}: is not what the signed metadata name: {said}; {_HELP}", step=step)
        if isinstance(error, exceptions.UnsignedMetadataError):
            return VerificationError(f"{step}: is not signed by the keys that are trusted: {said}; {_HELP}", step=step)
        return VerificationError(f"{step}: cannot be verified: {said[:300]}; {_HELP}", step=step)

    def _expired(self, said: str, through: _Through) -> ExpiredError:
        role = next((role for role in ("root", *ROLES) if role in said), through.step)
        when = ""
        with suppress(Exception):  # only the wording: the library has judged already
            data = through.last if role == through.step else self._metadata.get(role, b"")
            data = max(_roots_of(self._before, through).items())[1] if role == "root" else data
            when = f" on {Metadata.from_bytes(data).signed.expires:%Y-%m-%dT%H:%M:%SZ}"
        return ExpiredError(
            f"{role}: expired{when}, and this machine's clock says {self._now:%Y-%m-%dT%H:%M:%SZ}: if the clock is "
            f"right, nobody has signed since, or somebody holds newer metadata back; {_HELP}",
            step=role,
        )

    def _fallen(self, data: bytes) -> str:
        """Which role a snapshot takes back; the library's own sentence has its numbers the wrong way round."""
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            old, new = (json.loads(each)["signed"]["meta"] for each in (self._metadata["snapshot"], data))
            for name, entry in old.items():
                if new[name]["version"] < entry["version"]:
                    return f"{name} has version {new[name]['version']}, expected {entry['version']} or later"
        return ""


class _Through(FetcherInterface):
    """What the library reads through: our reader, with its limits, for metadata of the five roles only."""

    def __init__(self, reader: Reader, prefix: str, etag: str, timestamp: bytes) -> None:
        self._reader = reader
        self._prefix = prefix
        self._timestamp = timestamp
        self.etag = etag
        self.step = "root"
        self.last = b""
        self.fetched: dict[int, bytes] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        raise AssertionError(f"unreachable: {url} has no length")

    def download_bytes(self, url: str, max_length: int) -> bytes:
        name = url.removeprefix(_BASE).lstrip("/")
        known = _NAMED(name)
        if known is None:
            raise VerificationError(f"{ascii(name)[:80]}: is no role of a gallery; {_HELP}", step=self.step)
        self.step = known[2]
        path = self._prefix + name
        if self.step == "root" and not self._reader.exists(path):
            raise exceptions.DownloadHTTPError("there is no newer root", 404)
        try:
            found = self._reader.get(
                path, max_length, self.etag if self.step == "timestamp" and self._timestamp else ""
            )
        except DamagedError as error:
            raise DamagedError(str(error), step=self.step) from error
        except MissingError as error:
            raise MissingError(f"{error}; the host is not whole, or not signed") from error
        if self.step == "timestamp":
            self.etag = found.etag
        self.last = self._timestamp if found.body is None else found.body
        if self.step == "root":
            self.fetched[int(known[1])] = self.last
        return self.last


def _roots_of(before: Mapping[int, bytes], through: _Through) -> dict[int, bytes]:
    return {**before, **through.fetched}


def _roots(folder: Path) -> dict[int, bytes]:
    found = (folder / "root_history").glob("*.root.json")
    return {int(path.name.partition(".")[0]): path.read_bytes() for path in found}
