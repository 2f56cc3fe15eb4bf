"""One file of the registry: its text, its data, and where every value stands in it.

Reads the subset of YAML that every reader understands alike, and JSON under the same rules. What it finds wrong are
problems, never exceptions; people's files are changed by splicing, never by writing them anew. The only home of PyYAML.
"""

from galleryctl.document.editing import DELETE, Delete, apply, assign, splice
from galleryctl.document.model import Document, Pointer, Scalar
from galleryctl.document.parsing import MOST, parse
from galleryctl.document.scalars import is_suspect
from galleryctl.document.writing import dump, inline

__all__ = [
    "DELETE",
    "MOST",
    "Delete",
    "Document",
    "Pointer",
    "Scalar",
    "apply",
    "assign",
    "dump",
    "inline",
    "is_suspect",
    "parse",
    "splice",
]
