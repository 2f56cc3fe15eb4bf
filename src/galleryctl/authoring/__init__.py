"""What authors do to the files of a registry: start one, add models and releases, change, end and remove them.

Files that people wrote are spliced, never written anew; nothing is overwritten; a change that would break a file is
refused before anything is written.
"""

from galleryctl.authoring.cards import Carded, readme
from galleryctl.authoring.depending import Dependent, dependents
from galleryctl.authoring.editing import Change, edit
from galleryctl.authoring.life import (
    deploy,
    deprecate,
    discontinue,
    expire,
    quarantine,
    reinstate,
    renew,
    withdraw,
)
from galleryctl.authoring.mending import mend, touched, within
from galleryctl.authoring.numbering import PARTS, Part
from galleryctl.authoring.plan import Changed, Plan
from galleryctl.authoring.releasing import Released, release
from galleryctl.authoring.removing import remove
from galleryctl.authoring.scaffold import Answers, Claim, claim, new
from galleryctl.authoring.starting import init
from galleryctl.authoring.widening import tag, visibility
from galleryctl.authoring.workflows import ci

__all__ = [
    "PARTS",
    "Answers",
    "Carded",
    "Change",
    "Changed",
    "Claim",
    "Dependent",
    "Part",
    "Plan",
    "Released",
    "ci",
    "claim",
    "dependents",
    "deploy",
    "deprecate",
    "discontinue",
    "edit",
    "expire",
    "init",
    "mend",
    "new",
    "quarantine",
    "readme",
    "reinstate",
    "release",
    "remove",
    "renew",
    "tag",
    "touched",
    "visibility",
    "withdraw",
    "within",
]
