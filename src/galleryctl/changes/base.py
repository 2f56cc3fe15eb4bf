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
    """What happened. The values are part of the machine form and never change."""

    MODEL_ADDED = "model-added"
    MODEL_REMOVED = "model-removed"
    MODEL_RENAMED = "model-renamed"
    """The old id stands among the aliases of the new one; never guessed from likeness."""
    MODEL_MOVED = "model-moved"
    """The same id under another type."""
    FIELD_CHANGED = "field-changed"
    LICENCE_CHANGED = "licence-changed"
    OWNERS_CHANGED = "owners-changed"
    SOURCE_CHANGED = "source-changed"
    """Host or owner of a source differs from the release before."""
    VISIBILITY_WIDENED = "visibility-widened"
    VISIBILITY_NARROWED = "visibility-narrowed"
    STATUS_CHANGED = "status-changed"
    LISTING_CHANGED = "listing-changed"
    EXPIRY_CHANGED = "expiry-changed"
    CARD_CHANGED = "card-changed"
    COVER_CHANGED = "cover-changed"
    RELEASE_ADDED = "release-added"
    RELEASE_REMOVED = "release-removed"
    RELEASE_CHANGED = "release-changed"
    """A field of a release that was published."""
    RELEASE_STATUS_CHANGED = "release-status-changed"
    """Deprecated, discontinued, quarantined or reinstated."""
    PUBLISHER_ADDED = "publisher-added"
    PUBLISHER_CHANGED = "publisher-changed"
    PUBLISHER_REMOVED = "publisher-removed"
    CONSUMER_CHANGED = "consumer-changed"
    """A service's pins: added, changed or removed; `before` or `after` is none where it is not there."""
    TOMBSTONE_ADDED = "tombstone-added"
    TOMBSTONE_CHANGED = "tombstone-changed"
    TOMBSTONE_REMOVED = "tombstone-removed"
    TAXONOMY_CHANGED = "taxonomy-changed"
    GOVERNANCE_CHANGED = "governance-changed"
    """Settings, roles, policy, the licence list, schemas, templates, workflows, the program."""
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
    """Dotted path of the field, list items by index: `terms.edition`, `variants.0.files.Q4_K_M.0.sha256`."""
    before: Any = dataclasses.field(default=None, compare=False)
    """Resolved JSON value in base; none stands for no value."""
    after: Any = dataclasses.field(default=None, compare=False)
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
    """One of the two revisions. Both are read by the same function."""

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
