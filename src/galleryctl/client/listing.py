"""One row of a list as a value, or why it is left out. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from galleryctl.client.finding import lacks
from galleryctl.client.results import Listed
from galleryctl.spec.base import first_fault
from galleryctl.spec.published import Listing

if TYPE_CHECKING:
    from galleryctl.client.shelf import Shelf


def listed(shelf: Shelf, kind: str, identifier: str, row: bytes) -> Listed | tuple[str, str]:
    """A listing, or its id and the reason why this client leaves it out: what it needs or says is not known here."""
    if b'"requires"' in row and (needs := lacks(json.loads(row))):
        return identifier, f"needs {', '.join(needs)[:80]}, which this client does not know: update galleryctl"
    try:
        found = Listing.model_validate_json(row)
    except ValidationError as error:
        return identifier, f"cannot be read: {first_fault(error)}"
    revoked = {version for each in shelf.revocations(identifier) for version in each.releases or found.releases}
    return Listed(identifier, kind, found, tuple(sorted(revoked)))
