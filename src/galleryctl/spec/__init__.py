"""The types of the registry's files and of the published documents. See the design's sections 5 and 6."""

from galleryctl.spec.base import (
    Frozen,
    Status,
    Text,
    Visibility,
    is_version,
    localised,
    newest,
    parameter_count,
    size_in_bytes,
    version_key,
)
from galleryctl.spec.governance import (
    Consumer,
    Dimension,
    Licence,
    Limits,
    Policy,
    Publisher,
    Roles,
    Scanner,
    Settings,
    Taxonomy,
    Tombstone,
)
from galleryctl.spec.model import Model
from galleryctl.spec.published import Definition, ModelDocument, Provenance
from galleryctl.spec.release import File, Hub, Release, Sources, Variant

__all__ = [
    "Consumer",
    "Definition",
    "Dimension",
    "File",
    "Frozen",
    "Hub",
    "Licence",
    "Limits",
    "Model",
    "ModelDocument",
    "Policy",
    "Provenance",
    "Publisher",
    "Release",
    "Roles",
    "Scanner",
    "Settings",
    "Sources",
    "Status",
    "Taxonomy",
    "Text",
    "Tombstone",
    "Variant",
    "Visibility",
    "is_version",
    "localised",
    "newest",
    "parameter_count",
    "size_in_bytes",
    "version_key",
]
