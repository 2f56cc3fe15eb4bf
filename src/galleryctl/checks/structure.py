"""SCH: fields, kinds and places. Most are found while a file is read (`fitting`, `blocks`); the others are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galleryctl.checks.fitting import Misfit
    from galleryctl.checks.rule import Rule
    from galleryctl.document import Document
    from galleryctl.spec import Frozen


def migrated(document: Document, form: type[Frozen]) -> tuple[Document, list[Misfit]]:
    """The document as its present form would be, and what is to be rewritten."""
    return document, []


RULES: tuple[Rule, ...] = ()
