"""What a client raises. Every text says what was found, what was expected, and what to do; the last good state stays.

ClientError
├── OfflineError        nothing could be fetched, and nothing was fetched before
├── VerificationError   what was fetched is not what was signed; `step` says where
│   ├── RollbackError   an older state than one that was seen
│   ├── ExpiredError    signed, but too long ago: nobody vouches for it any more
│   ├── ClockError      this machine's clock contradicts what was signed
│   └── DamagedError    a document that does not have the digest or length it is named by
├── SchemaError         a document of a schema that this client does not know
├── ResolveError        a reference that leads to nothing that can be used
│   ├── UnknownError    there is nothing of that name
│   ├── RefusedError    there is, but it must not be used: quarantined, removed, expired, discontinued and not pinned
│   └── NoFitError      there is, but nothing of it suits this machine or runtime
├── LockError           a lock file that cannot be read, or that contradicts the gallery
└── PullError           files that could not be brought here whole
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.client.results import Rejected


class ClientError(GalleryError):
    """Everything that a client raises."""


class OfflineError(ClientError):
    """Nothing could be fetched, and nothing is at hand."""


class VerificationError(ClientError):
    """What was fetched is not what was signed. `step` is a role, `catalog` or `document`."""

    def __init__(self, message: str, *, step: str = "document") -> None:
        super().__init__(message)
        self.step = step


class RollbackError(VerificationError):
    """An older state than one that was seen before."""


class ExpiredError(VerificationError):
    """Signed, but too long ago."""


class ClockError(VerificationError):
    """The clock of this machine contradicts what was signed."""


class DamagedError(VerificationError):
    """Bytes that do not have the digest or length they are named by."""


class SchemaError(ClientError):
    """A document of a schema that this client does not know."""


class ResolveError(ClientError):
    """A reference that leads to nothing that can be used."""


class UnknownError(ResolveError):
    """There is nothing of that name; or the reference is none."""


class RefusedError(ResolveError):
    """It exists and must not be used: quarantined, removed, expired, or discontinued and not pinned."""

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        since: dt.date | None = None,
        advisory: str | None = None,
        successor: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.since = since
        self.advisory = advisory
        self.successor = successor


class NoFitError(ResolveError):
    """It exists, and nothing of it suits this machine or runtime. `rejected` says why, variant by variant."""

    def __init__(self, message: str, rejected: tuple[Rejected, ...] = ()) -> None:
        super().__init__(message)
        self.rejected = rejected


class LockError(ClientError):
    """A lock file that cannot be read, or that contradicts the gallery."""


class PullError(ClientError):
    """Files that could not be brought here whole."""
