"""What signing and verifying raise."""

from __future__ import annotations

from galleryctl.errors import GalleryError


class SignatureError(GalleryError):
    """Something is not signed as it has to be, or must not be signed. The text says what, and what to do."""
