"""The documents under `/v1/`, as readers fetch them. Open to unknown fields; never broken within `v1`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from galleryctl.spec.base import Frozen, ModelId, Status, Text, Version, Visibility, newest
from galleryctl.spec.model import Model
from galleryctl.spec.release import Release

SCHEMA = "1.0"


class Definition(Frozen):
    """What an author declares about one model: `model.yaml` and its releases."""

    model: Model
    """The contents of `model.yaml`."""
    releases: dict[Version, Release]
    """The releases by version."""


class Provenance(Frozen):
    """Who added a model and when, read from git."""

    added: AwareDatetime
    """Time of the merge that brought the model, in UTC."""
    by: str
    """Author of that commit."""
    updated: AwareDatetime
    """Time of the last commit that changed it, in UTC."""
    commit: str
    """That last commit."""


class Published(Frozen):
    """What every document carries."""

    schema_version: Annotated[str, Field(alias="schema")] = SCHEMA
    """Schema of the document, major.minor. Readers stop at an unknown major and go on at an unknown minor."""


class PublishedRelease(Release):
    """A release as published, with the time of its first publication."""

    published: AwareDatetime | None = None
    """When the release was added to the gallery, in UTC."""


class ModelDocument(Published, Model):
    """`/v1/models/<publisher>/<name>.json`: one model with all its releases, also unlisted and discontinued ones."""

    id: ModelId
    """`publisher/name`."""
    type: str
    """Model type."""
    latest: Version | None = None
    """Newest active release, else the newest deprecated one."""
    provenance: Provenance | None = None
    """Who added it, and when; absent outside git."""
    cards: tuple[str, ...] = ()
    """Languages in which there is a model card."""
    releases: dict[Version, PublishedRelease] = {}
    """All releases by version."""


class Listing(Model):
    """One model in a type's document: its current release, as a runtime needs it."""

    added: AwareDatetime | None = None
    """When the model was added, in UTC."""
    updated: AwareDatetime | None = None
    """When it last changed, in UTC."""
    latest: Version | None = None
    """Version of the current release."""
    releases: dict[Version, Release] = {}
    """The current release by version; older ones are in the model's own document."""


class TypeDocument(Published):
    """`/v1/types/<type>.json`: every listed model of one type, by id."""

    type: str
    """Model type."""
    models: dict[ModelId, Listing]
    """Listed models."""


class Discovery(Frozen):
    """`/.well-known/gallery.json`: where readers start. Its address never changes; it carries no trust."""

    gallery: int = 1
    """Version of this document."""
    title: Text
    """Name of the gallery."""
    catalog: str = "v1/catalog.json"
    """Head of the index, relative to the site's root."""
    directory: str = "v1/directory.json"
    """Directory of all ids."""
    metadata: str | None = None
    """Folder of the TUF metadata; absent while the gallery is not signed."""
    targets: str = ""
    """Base of the TUF targets."""
    audience: str = "public"
    """Whom this gallery is for."""
    schemas: str = "v1/schemas/"
    """Schemas of the documents."""
    signed: bool = False
    """Whether the index is signed."""


class DeltaRef(Frozen):
    """A merge patch from an older document."""

    from_serial: Annotated[int, Field(alias="from")]
    """`since` of the older document."""
    sha256: str
    """Digest of the patch."""
    length: int
    """Bytes of the patch."""


class DocumentRef(Frozen):
    """A document by digest and length."""

    since: int
    """Serial at which its present bytes appeared."""
    sha256: str
    """Digest."""
    length: int
    """Bytes."""
    count: int | None = None
    """Models in it."""
    deltas: tuple[DeltaRef, ...] = ()
    """Patches to it."""


class Catalog(Published):
    """`/v1/catalog.json`, the head: every other document by digest and length."""

    serial: int
    """Grows by one with each publication that changes a document."""
    epoch: int = 1
    """Grows only for an intended reset."""
    audience: str = "public"
    """Whom this index is for."""
    commit: str | None = None
    """Commit it was built from; absent outside git."""
    built: AwareDatetime
    """Time of the build, in UTC."""
    types: dict[str, DocumentRef]
    """The type documents."""
    directory: DocumentRef
    """The directory."""
    revoked: DocumentRef
    """The revocations."""
    runtimes: DocumentRef | None = None
    """The list of native files; absent where there are none."""
    generations: DocumentRef | None = None
    """What was published before, for who builds the next one; absent in the first."""
    mirrors: tuple[str, ...] = ()
    """Other addresses of this gallery."""
    reader: str = SCHEMA
    """Lowest schema a reader must know."""

    @property
    def documents(self) -> dict[str, DocumentRef]:
        """What readers read, by name: `types/<type>`, `directory`, `revoked`, `runtimes`."""
        found = {f"types/{name}": ref for name, ref in self.types.items()}
        found |= {"directory": self.directory, "revoked": self.revoked}
        return found | ({"runtimes": self.runtimes} if self.runtimes else {})


class DeltaEnd(Frozen):
    """One of the two documents that a delta stands between."""

    serial: int
    """Serial at which it appeared."""
    sha256: str
    """Its digest."""


class Delta(Published):
    """`/v1/delta/<type>/<sha256>.json`: a merge patch (RFC 7396) from an older document of one kind to a newer one."""

    type: str | None = None
    """Model type; absent for the directory."""
    older: Annotated[DeltaEnd, Field(alias="from")]
    """The document it starts from."""
    newer: Annotated[DeltaEnd, Field(alias="to")]
    """The document it makes."""
    patch: dict[str, JsonValue]
    """The patch."""


class NativeFile(Frozen):
    """One file that a runtime reads."""

    sha256: str
    """Digest."""
    length: int
    """Bytes."""


class Natives(Published):
    """`/v1/runtimes.json`: the files below `/runtimes/` that hold many models, by digest, so that they are signed."""

    runtimes: dict[str, dict[str, NativeFile]]
    """Files by runtime and by path below its folder."""


class Generation(Frozen):
    """One earlier head, with what only it and older ones name."""

    serial: int
    """Its serial."""
    epoch: int = 1
    """Its epoch."""
    built: AwareDatetime
    """When it was built, in UTC."""
    sha256: str
    """Digest of the head."""
    length: int
    """Bytes of the head."""
    files: dict[str, int] = {}
    """Paths named by a digest that the head after this one does not name any more, with their bytes."""


class Generations(Published):
    """`/v1/generations.json`: earlier heads that are kept, newest first. Of use to who builds, not to runtimes."""

    generations: tuple[Generation, ...] = ()
    """The heads before this one."""


class DirectoryEntry(Frozen):
    """One id of the directory."""

    type: str
    """Model type."""
    sha256: str
    """Digest of the model's document."""
    length: int
    """Bytes of the model's document."""
    releases: tuple[Version, ...] = ()
    """Every version that was published, oldest first, also those that are gone."""
    visibility: Visibility = "public"
    """Who may see it."""


class Removed(Frozen):
    """An id that is gone."""

    since: dt.date
    """Day of the removal."""
    reason: str
    """Why."""
    successor: ModelId | None = None
    """The model to use instead."""
    releases: tuple[Version, ...] = ()
    """Every version that had been published, oldest first."""


class Directory(Published):
    """`/v1/directory.json`: every id, also unlisted; the ledger of what was ever public."""

    models: dict[ModelId, DirectoryEntry]
    """Documents by id."""
    aliases: dict[ModelId, ModelId] = {}
    """Earlier ids."""
    removed: dict[ModelId, Removed] = {}
    """Ids that are gone."""


class Revocation(Frozen):
    """What a runtime must refuse, even if it has it already."""

    id: ModelId
    """The model."""
    releases: tuple[Version, ...]
    """Releases."""
    files: tuple[str, ...] = ()
    """Digests of files."""
    since: AwareDatetime | None = None
    """When it was revoked."""
    reason: str | None = None
    """Why."""
    advisory: str | None = None
    """Address of an advisory."""


class Revoked(Published):
    """`/v1/revoked.json`."""

    revoked: tuple[Revocation, ...] = ()
    """All revocations."""


class Happening(Frozen):
    """One thing that happened to a model."""

    when: AwareDatetime
    """Time of the merge, in UTC; of a removal its day."""
    kind: str
    """`added`, `renamed`, `released`, `changed`, `removed`; of a status `deprecated`, `discontinued`, `quarantined`,
    `reinstated`."""
    id: ModelId
    """The model."""
    type: str
    """Its type."""
    version: Version | None = None
    """The release it happened to; of an added model its current one. Absent where it happened to the whole model."""
    title: Text
    """Title of the model today; of a removed one its id."""
    what: tuple[str, ...] = ()
    """What changed, in words, of the newest changes; of a release its notes, of a removal its reason, of a new name
    `former id → id`."""
    address: str
    """The model's page, relative to the site's root."""


class Changes(Published):
    """`/changes.json`: what happened, newest first. Not signed: it tells, and decides nothing."""

    changes: tuple[Happening, ...] = ()
    """The newest events."""


class SearchRecord(Frozen):
    """One model for the site's search and lists: what a row shows, and what facets filter by."""

    id: ModelId
    """`publisher/name`."""
    title: str
    """Name, in the language of the document."""
    summary: str = ""
    """Summary, in the language of the document."""
    publisher: str
    """Title of the publisher."""
    words: str = ""
    """What else a person may search for: tags, their labels, abilities, languages, sizes, formats."""
    facets: dict[str, tuple[str, ...]] = {}
    """Values by facet."""
    added: str = ""
    """When it was added, in UTC."""
    updated: str = ""
    """When it last changed, in UTC."""
    expires: str = ""
    """Day on which it expires."""
    edition: str = ""
    """Edition, where it is not the community's."""
    visibility: str = ""
    """Who may see it, where that is not everybody."""
    status: str = ""
    """Status, where it is not active."""
    license: str = ""
    """SPDX licence expression."""
    latest: str = ""
    """Version of the current release."""
    parameters: tuple[str, ...] = ()
    """Sizes."""
    rows: dict[str, JsonValue] = {}
    """Facts of the row, by name."""
    builds: tuple[tuple[str, float, float], ...] = ()
    """Builds for the memory axis: label, weights in GiB, cache in KiB for each token."""


class SearchDocument(Published):
    """`/v1/search/<type>.<language>.json`: data of the site's search, newest first."""

    type: str
    """Model type."""
    language: str
    """Language of titles and summaries."""
    models: tuple[SearchRecord, ...]
    """Listed models, newest first."""


def statuses(model: Model, releases: dict[str, PublishedRelease] | dict[str, Release]) -> dict[str, Status]:
    """The effective status of each release: the stricter of its own and its model's."""
    order = ("active", "deprecated", "discontinued", "quarantined")
    return {version: max(model.status, release.status, key=order.index) for version, release in releases.items()}


def current(model: Model, releases: dict[str, Release]) -> str | None:
    """The version that lists and exports show."""
    return newest(statuses(model, releases))
