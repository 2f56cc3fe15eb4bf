"""What resolving reads of a gallery: a port that `Holding` satisfies, over one verified state.

* Everything was verified before it is given here, and all answers of one shelf are of one head.
* The resolver asks `listing` and the revocations first, and needs no more for the newest release of a listed model.
  What follows may fetch the directory or one document, so it is asked only for what lies outside: other releases,
  unlisted models, earlier ids, ids that are gone.
* Bytes are canonical JSON as published: the resolver reads them open to what it does not know, and tells what it cannot
  read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Sequence

    from galleryctl.spec.published import DirectoryEntry, Removed, Revocation


class Shelf(Protocol):
    """One verified state of a gallery. Any call may raise VerificationError; those that fetch, OfflineError too."""

    @property
    def url(self) -> str:
        """Address of the gallery without credentials: what a lock file names."""

    @property
    def today(self) -> dt.date:
        """The day by which `expires` is judged, in UTC."""

    def listing(self, identifier: str) -> tuple[str, bytes] | None:
        """Model type and listing of a present id, as in its type's document; none where no type at hand lists it."""

    def revocations(self, identifier: str) -> Sequence[Revocation]:
        """What is revoked of a present id."""

    def revoking(self, digests: Collection[str]) -> Sequence[Revocation]:
        """Revocations, of any model, that name one of these digests of files."""

    def entry(self, identifier: str) -> DirectoryEntry | None:
        """What the directory says of a present id: type, digest of its document, every version that ever was."""

    def document(self, identifier: str) -> bytes | None:
        """The document of a present id, with all its releases; none where the directory does not name the id."""

    def alias(self, identifier: str) -> str | None:
        """The present id of an earlier one; none where it is no earlier id."""

    def removed(self, identifier: str) -> Removed | None:
        """Why and when an id went for good; none where it did not."""

    def ids(self) -> Iterable[str]:
        """Every present id and earlier id that is known here, for suggestions; fetches nothing."""
