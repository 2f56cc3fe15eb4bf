"""The forge: pull requests, reviews, comments, labels, statuses. Everything that GitHub's words are needed for."""

from galleryctl.forge.labels import owned
from galleryctl.forge.port import Forge, ForgeError, Mark, Note, PullRequest, Settings

__all__ = ["Forge", "ForgeError", "Mark", "Note", "PullRequest", "Settings", "owned"]
