"""One file of the registry: its text, its data, and where every value stands in it.

Reads the subset of YAML that every reader understands alike, and JSON under the same rules. What it finds wrong are
problems, never exceptions; people's files are changed by splicing, never by writing them anew. What others wrote
is read by `lenient`. The only home of PyYAML.
"""

from galleryctl.document.editing import DELETE, Delete, apply, assign, splice
from galleryctl.document.lenient import Fault, Foreign, TooMuchError, lenient
from galleryctl.document.model import Document, Pointer, Scalar
from galleryctl.document.parsing import MOST, parse
from galleryctl.document.scalars import is_suspect
from galleryctl.document.writing import dump, inline, listed, listing

__all__ = [
    "DELETE",
    "MOST",
    "Delete",
    "Document",
    "Fault",
    "Foreign",
    "Pointer",
    "Scalar",
    "TooMuchError",
    "apply",
    "assign",
    "dump",
    "inline",
    "is_suspect",
    "lenient",
    "listed",
    "listing",
    "parse",
    "splice",
]
