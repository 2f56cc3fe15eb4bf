"""Folders → definitions and problems. Rules are pure generators, each with a page that explains it."""

from galleryctl.checks.catalogue import (
    RULES,
    compared_findings,
    entry_rules,
    gallery_findings,
    online_rules,
    path_findings,
    place,
    problem,
    severity_of,
)
from galleryctl.checks.reading import Reading, definition, typed

__all__ = [
    "RULES",
    "Reading",
    "compared_findings",
    "definition",
    "entry_rules",
    "gallery_findings",
    "online_rules",
    "path_findings",
    "place",
    "problem",
    "severity_of",
    "typed",
]
