"""Sources of models: what each says of a model at one moment. One module for each kind; each library has one home."""

from galleryctl.hubs.base import Hub, RemoteFile, Snapshot

__all__ = ["Hub", "RemoteFile", "Snapshot"]
