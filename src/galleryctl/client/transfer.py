"""One file from its addresses, in order: the next one goes on where the one before failed.

* A source that breaks off is asked again for the rest; one that lies about sizes, changes the file, or answers nothing
  useful is left for the next one. What came stays, since the digest of the whole decides.
* Where that digest is wrong and one source gave all of it, that source is dropped. Where several did, nobody can tell
  who lied: everything is thrown away, and from then on each source has to give the whole file alone.
* A file without a recorded digest is never pieced together from two sources, nor from two states of one.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING

from galleryctl.client.connections import Job, LaterError, Reading, Source
from galleryctl.client.errors import PullError
from galleryctl.client.origins import ChangedError, origin
from galleryctl.client.parts import BEFORE
from galleryctl.client.sources import TOKENS
from galleryctl.fetch.port import DeniedError, FetchError, MissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.client.sources import Address, Wanted
    from galleryctl.fetch.port import Streamer

_CHANGES = 2  # of one source in one pull; after that its validators mean nothing


class Transfer:
    """Brings one file into its part."""

    def __init__(
        self, wanted: Wanted, job: Job, fetcher: Callable[[Address], Streamer], told: Callable[[str], None]
    ) -> None:
        self._wanted = wanted
        self._job = job
        self._part = job.part
        self._told = told
        self._sources = [self._source(address, fetcher(address)) for address in wanted.addresses]
        self._waiting = deque(self._sources)
        self._failures: list[str] = []
        self._alone = wanted.sha256 is None
        self.unwell: set[str] = set()
        """Hosts that did not answer as they should."""

    def run(self) -> str:
        """Fetch what is missing; the digest of the file, which is the recorded one. Raises `PullError`."""
        while True:
            self._part.hash()
            self._fill()
            self._part.save()  # while the rest is hashed
            digest = self._part.digest()
            if self._wanted.sha256 in {None, digest}:
                return digest
            self._blame(digest)

    def _source(self, address: Address, fetcher: Streamer) -> Source:
        key = hashlib.sha256(address.url.partition("?")[0].encode()).hexdigest()[:16]
        return Source(address, origin(address, fetcher), key, self._part.origins.get(key, ""))

    def _fill(self) -> None:
        """Until the part is whole; sources that fail leave the queue."""
        while not self._part.whole:
            if not self._waiting:
                raise PullError(self._summary())
            source = self._waiting[0]
            if not self._fits(source):
                self._part.reset()
            try:
                Reading(self._job, source, others=len(self._waiting) > 1).run()
            except LaterError:
                source.last = True
                self._waiting.rotate(-1)
            except FetchError as error:
                self._failed(source, error)

    def _fits(self, source: Source) -> bool:
        """Whether a source may go on with what is there."""
        before = self._part.givers - {source.key}
        if not self._alone or not self._part.givers:
            return True
        return before <= {BEFORE} and (self._wanted.sha256 is not None or bool(source.validator))

    def _failed(self, source: Source, error: FetchError) -> None:
        shown = source.address.url.partition("?")[0]
        said = str(error) if shown in str(error) else f"{source.address.label}: {error}"
        if isinstance(error, DeniedError) and source.address.kind in TOKENS:
            said += f"; {TOKENS[source.address.kind]} takes a token of an account that may read it"
        self._failures.append(said)
        self._waiting.popleft()
        if isinstance(error, ChangedError):
            source.changes += 1
            source.validator = ""
            if not self._waiting and (source.changes <= _CHANGES or (self._wanted.sha256 and source.trusted)):
                source.trusted = source.changes <= _CHANGES
                self._part.reset()  # nothing else is left, and what it is now may be what it should be
                self._waiting.append(source)
                return
        elif not isinstance(error, MissingError | DeniedError):
            self.unwell.add(source.address.host)
        if self._waiting:
            self._told(f"{self._wanted.path}: {said}; going on with {self._waiting[0].address.label}")

    def _blame(self, digest: str) -> None:
        """Drop the source of wrong bytes; where it cannot be known, each has to give the file alone from now on."""
        givers = [source for source in self._sources if source.key in self._part.givers]
        if not self._part.givers:
            raise PullError(f"{self._wanted.path}: is recorded as empty, with the SHA-256 of what is not empty")
        text = f"has SHA-256 {digest[:16]}… instead of {(self._wanted.sha256 or '')[:16]}…"
        if len(givers) == 1 and BEFORE not in self._part.givers:
            givers[0].wrong = True
            said = f"{givers[0].address.label}: {text}"
            self._failures.append(said)
            if givers[0] in self._waiting:
                self._waiting.remove(givers[0])
        else:
            said = f"what came from several sources, or in several pulls, {text}"
            self._waiting = deque(source for source in self._sources if not source.wrong)
        self._alone = True
        self._part.reset()
        self._told(f"{self._wanted.path}: {said}; it was thrown away")

    def _summary(self) -> str:
        found = dict.fromkeys(self._failures)
        if not found:
            return f"{self._wanted.path}: cannot be fetched: {self._wanted.missing or 'it has no address'}"
        told = (*found, self._wanted.missing) if self._wanted.missing else found
        return "\n  ".join((f"{self._wanted.path}: no source gave it", *told))
