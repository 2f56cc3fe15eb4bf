"""The runtime's side of a gallery: a verified copy of the index, and the files of its models."""

from __future__ import annotations

from galleryctl.client.results import Host, Pulled, Rejected, Resolved, Synced

__all__ = ["Host", "Pulled", "Rejected", "Resolved", "Synced"]
