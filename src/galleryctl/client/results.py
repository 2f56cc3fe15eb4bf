"""What a client is asked and what it answers: frozen values, without a library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

    from galleryctl.spec.published import Listing
    from galleryctl.spec.release import File, Release, Sources, Variant


@dataclass(frozen=True, slots=True)
class Host:
    """The machine and program that a model is chosen for."""

    memory: int | None = None
    """Bytes that weights, cache and working space may take together; none where it is not known."""
    context: int = 4096
    """Tokens of context that are wanted."""
    requests: int = 1
    """Requests served at once, each with a context of its own."""
    runtime: str | None = None
    """The runtime, such as `llama.cpp`; none for any."""
    formats: tuple[str, ...] = ()
    """Formats that can be loaded, best first; empty for those of the runtime."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One build of a release that was not chosen."""

    variant: str
    quantization: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference stands for on a host: one build of one release, and why it was chosen."""

    id: str
    """Present id, where the reference used an earlier one."""
    type: str
    version: str
    variant: str
    """Name of the variant."""
    quantization: str
    """`none` for plain weights."""
    format: str | None
    files: tuple[File, ...]
    """Its files, as recorded: digests may be missing."""
    sources: Sources | None
    """Where they come from."""
    bytes: int | None
    """Sum of the files, where every size is known."""
    needed: int | None
    """Bytes of memory it takes on the host, estimated; none where facts are missing."""
    pinned: bool
    """Whether the reference named the release exactly."""
    sha256: str
    """Digest of what never changes in the release: what a lock file pins (`client.locking`)."""
    why: tuple[str, ...]
    """Sentences that explain the choice."""
    warnings: tuple[str, ...] = ()
    """Sentences about what should be known: deprecated, discontinued, withdrawn, expires soon, an old index."""
    rejected: tuple[Rejected, ...] = ()
    """Every other build, and why it was not chosen."""
    release: Release | None = field(default=None, repr=False)
    """The whole release."""
    chosen: Variant | None = field(default=None, repr=False)
    """The whole variant."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a synchronisation did, or why it left everything as it was."""

    serial: int
    epoch: int
    built: dt.datetime
    checked: dt.datetime
    """When the gallery last vouched for this state."""
    expires: dt.datetime | None
    """Until when it is fresh; none where nothing is signed."""
    types: tuple[str, ...]
    """Model types at hand."""
    changed: bool
    """Whether a document changed."""
    bytes: int = 0
    """Bytes of bodies that came over the wire."""
    requests: int = 0
    stale: str = ""
    """Why the last good state is served instead of the present one; empty where it is present."""
    warnings: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    """Those warnings that say that the gallery has nothing of what was asked for: no such type, no such runtime."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of the list of its type."""

    id: str
    type: str
    listing: Listing
    """Its current release, and what a list shows of it."""
    revoked: tuple[str, ...] = ()
    """Releases that must be refused."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """Files of one build on this machine."""

    folder: Path
    files: Mapping[str, Path]
    """By path inside the source."""
    fetched: int
    """Bytes that came over the wire."""
    reused: int
    """Bytes that were here already."""
    warnings: tuple[str, ...] = ()
    """Sentences about sources that failed, and about files that nobody could verify."""
