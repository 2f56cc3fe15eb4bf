"""Exceptions that stop a command. Findings about content are `problems`, never these.

GalleryError (exit 3: could not do it; nothing half-written is left)
├── GitError      git is missing, failed, or the history is not whole
│   ├── git.ExcessError (exit 1)   more files differ than are read
│   └── loading.comparing.ConflictError (exit 1)   both sides changed the same files
├── OutputError   the output folder cannot be written, or is not ours
├── FetchError    what is not on this machine could not be read (`fetch`)
│   ├── MissingError   there is nothing
│   ├── DeniedError    it wants a login, or an agreement
│   └── RefusedError   it may not be asked
├── forge.ForgeError       the forge cannot be asked, refused, or answered what nobody understands
├── exports.RefusedError   a file that its runtime would refuse: a mistake of an exporter, told as RUN006
└── UsageError (exit 2: the words of the command are wrong)

Kinds below these stay in the module that raises and handles them.
"""

from __future__ import annotations

from typing import ClassVar


class GalleryError(Exception):
    """Could not do it. The text says why and what to do next."""

    exit_code: ClassVar[int] = 3


class GitError(GalleryError):
    """Git is missing, failed, or its history is not whole."""


class OutputError(GalleryError):
    """The output folder cannot be written, or holds what this program did not write."""


class UsageError(GalleryError):
    """The command was asked for something that cannot be meant."""

    exit_code: ClassVar[int] = 2
