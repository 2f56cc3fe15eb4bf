"""What a change is: one semantic difference between two revisions of a registry. Values, sorted, free of I/O."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.gallery import Gallery
    from galleryctl.git import TreeEntry
    from galleryctl.schemas import TypeSchema
    from galleryctl.spec import Consumer, Policy, Publisher, Roles, Settings, Taxonomy, Tombstone

Pointer = tuple[str | int, ...]


class Kind(StrEnum):
    """What happened. The values are part of the machine form and never change.

    Where nothing else is said, `field` is the field of the file, and `before` and `after` are its resolved values.
    """

    MODEL_ADDED = "model-added"
    """`after` is an outline: title, license, visibility, edition, maintainers, releases (versions, newest first). Its
    releases and fields are no changes of their own."""
    MODEL_REMOVED = "model-removed"
    """The folder is gone and is not renamed. `before` is an outline, as of what is added."""
    MODEL_RENAMED = "model-renamed"
    """The old id stands among the aliases of the new one, and its folder is gone; never guessed from likeness. `field`
    is `id`, the subject is the new id. What else differs follows as changes of the new id."""
    MODEL_MOVED = "model-moved"
    """The same id under another type. `field` is `type`; what else differs follows."""
    FIELD_CHANGED = "field-changed"
    """A field of `model.yaml` for which there is no other kind, `reason`, `successor` and `terms.…` among them."""
    LICENCE_CHANGED = "licence-changed"
    """`license`, `license_url`; with a version: the licences of its variants (`variants`, sorted lists) are others than
    they were (beside `RELEASE_CHANGED`), or than those of the release before it."""
    OWNERS_CHANGED = "owners-changed"
    """`maintainers`, as inherited from the publisher; `path` is the file that says so."""
    SOURCE_CHANGED = "source-changed"
    """Host or owner of a source differs: of a changed release (beside `RELEASE_CHANGED`), or of an added one from the
    release before it. `field` is `sources`, values are sorted lists of `host/owner`."""
    VISIBILITY_WIDENED = "visibility-widened"
    """`field` is `visibility`, or `allowed` where only that differs, or `audience` (people) where a group of
    `roles.yaml` or the organisation's is another; then `path` is that file."""
    VISIBILITY_NARROWED = "visibility-narrowed"
    """The same; also where two audiences cannot be compared."""
    STATUS_CHANGED = "status-changed"
    """Of the model; its reason is a `FIELD_CHANGED`."""
    LISTING_CHANGED = "listing-changed"
    EXPIRY_CHANGED = "expiry-changed"
    CARD_CHANGED = "card-changed"
    """`field` is the file, values are blob ids."""
    COVER_CHANGED = "cover-changed"
    """As of a card."""
    RELEASE_ADDED = "release-added"
    """`after` is an outline: status, variants (names), bytes, notes."""
    RELEASE_REMOVED = "release-removed"
    """`before` is an outline, as of what is added."""
    RELEASE_CHANGED = "release-changed"
    """A field of a release that was there: `notes`, `reason`, `spec.…`, `variants.…`. What a release inherits from its
    model is a change of the model alone."""
    RELEASE_STATUS_CHANGED = "release-status-changed"
    """Deprecated, discontinued, quarantined or reinstated: what the release itself says."""
    PUBLISHER_ADDED = "publisher-added"
    PUBLISHER_CHANGED = "publisher-changed"
    PUBLISHER_REMOVED = "publisher-removed"
    CONSUMER_CHANGED = "consumer-changed"
    """A service's pins: added, changed or removed; `before` or `after` is none where it is not there."""
    TOMBSTONE_ADDED = "tombstone-added"
    TOMBSTONE_CHANGED = "tombstone-changed"
    TOMBSTONE_REMOVED = "tombstone-removed"
    TAXONOMY_CHANGED = "taxonomy-changed"
    """Words of `taxonomy.yaml`, but for its licences."""
    GOVERNANCE_CHANGED = "governance-changed"
    """Settings, roles, policy, the licence list, public keys, schemas, templates, workflows, the program. `field` is
    empty where it is about a file whose contents are not compared."""
    FILE_CHANGED = "file-changed"
    """A file that is neither content nor governance, or content that cannot be read."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference. Sorts by subject, kind, version and field, which is the order of every report."""

    subject: str
    """Id of the model; of a publisher, consumer or tombstone its name; else the path from the top of the tree."""
    kind: Kind
    version: str = ""
    """Release that it is about; empty where it is about the whole model."""
    field: str = ""
    """Dotted path of the field, list items by index: `terms.edition`, `variants.0.files.Q4_K_M.0.sha256`. Indices are
    those of the merged tree, and those of base for what is gone. Empty where it is about the whole subject."""
    before: Any = dataclasses.field(default=None, compare=False)
    """Resolved JSON value in base; none stands for no value. What each kind gives is said at `Kind`."""
    after: Any = dataclasses.field(default=None, compare=False)
    """The same in the merged tree."""
    path: str = dataclasses.field(default="", compare=False)
    """File where it is seen, relative to the registry: in the merged tree, or in base for what is gone. From the top of
    the tree for `GOVERNANCE_CHANGED` and `FILE_CHANGED`."""
    pointer: Pointer = dataclasses.field(default=(), compare=False)
    """Place of the value in that file."""
    type: str = dataclasses.field(default="", compare=False)
    """Model type, where it is about a model."""
    visibility: str = dataclasses.field(default="", compare=False)
    """Visibility of the model that it concerns: the wider of base and merged."""
    edition: str = dataclasses.field(default="", compare=False)
    """Edition of the model, `community` or `enterprise`."""


@dataclass(frozen=True)
class Side:
    """One of the two revisions, read by the same function. Governance is what its own files say: what is proposed."""

    gallery: Gallery
    settings: Settings
    roles: Roles
    policy: Policy
    taxonomy: Taxonomy
    types: Mapping[str, TypeSchema]
    publishers: Mapping[str, Publisher]
    consumers: Mapping[str, Consumer]
    tombstones: Mapping[str, Tombstone]
    paths: Mapping[str, TreeEntry]
    """Every path of the registry, relative to it."""
