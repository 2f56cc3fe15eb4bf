"""What authors do to the files of a registry: start one, add models and releases, change fields, mend problems.

Files that people wrote are spliced, never written anew; nothing is overwritten; a change that would break a file is
refused before anything is written.
"""

from galleryctl.authoring.cards import Carded, readme
from galleryctl.authoring.editing import Change, edit
from galleryctl.authoring.mending import mend, touched, within
from galleryctl.authoring.numbering import PARTS, Part
from galleryctl.authoring.releasing import Released, release
from galleryctl.authoring.scaffold import Answers, Claim, claim, new
from galleryctl.authoring.starting import init
from galleryctl.authoring.workflows import ci

__all__ = [
    "PARTS",
    "Answers",
    "Carded",
    "Change",
    "Claim",
    "Part",
    "Released",
    "ci",
    "claim",
    "edit",
    "init",
    "mend",
    "new",
    "readme",
    "release",
    "touched",
    "within",
]
