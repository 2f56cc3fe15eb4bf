"""What a rule is: a code, a severity, a page that explains it, and a generator of findings. Rules are pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, wraps
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from galleryctl.checks.placed import Parts

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping

    from galleryctl.changes import Change, Side
    from galleryctl.checks.observed import Observed
    from galleryctl.document import Document
    from galleryctl.gallery import Gallery, Outline
    from galleryctl.git import TreeEntry
    from galleryctl.layout import Place
    from galleryctl.problems import Edit, Severity
    from galleryctl.schemas import TypeSchema
    from galleryctl.spec import Consumer, Definition, Policy, Publisher, Roles, Settings, Taxonomy, Tombstone

T = TypeVar("T")
Pointer = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value."""


class Finding(NamedTuple):
    """What a rule found, before it has a severity and a place: `path` is relative to the registry's folder."""

    path: str
    pointer: Pointer
    message: str
    fix: str = ""
    edits: tuple[Edit, ...] = ()
    at: Literal["value", "key"] = "value"
    position: tuple[int, int] | None = None
    """Line and column, where the place is no value of a document (a line of a card, a byte of a file)."""
    severity: Severity | None = None
    """Where one finding is milder than its rule: a fact that is missing, not wrong."""


@dataclass(frozen=True)
class Context:
    """What rules may know beside their subject. Governance counts as it stands in the base revision."""

    settings: Settings
    roles: Roles
    policy: Policy
    taxonomy: Taxonomy
    types: Mapping[str, TypeSchema]
    runtimes: Mapping[str, Mapping[str, object]]
    """Schemas of the overlays, by runtime."""
    publishers: Mapping[str, Publisher]
    now: dt.datetime


@dataclass(frozen=True)
class Subject:
    """One model folder, read and typed."""

    place: Place
    """type, publisher and name."""
    root: str
    """Path of the folder, relative to the registry: `models/<type>/<publisher>/<name>`."""
    files: Mapping[str, TreeEntry]
    """Every file of the folder by its name, with mode and size."""
    documents: Mapping[str, Document]
    """Parsed definition files by file name (`model.yaml`, `1.0.0.yaml`)."""
    texts: Mapping[str, str]
    """Cards and templates by file name."""
    blobs: Mapping[str, bytes]
    """Other files (covers) by file name."""
    definition: Definition
    context: Context

    @cached_property
    def parts(self) -> Parts:
        return Parts(self)

    @cached_property
    def model_file(self) -> str:
        """Path of `model.yaml` or `model.json`, relative to the registry."""
        return f"{self.root}/{next(name for name in self.documents if name.startswith('model.'))}"

    def release_file(self, version: str) -> str:
        """Path of a release, relative to the registry."""
        return f"{self.root}/{version}.yaml" if f"{version}.yaml" in self.documents else f"{self.root}/{version}.json"


def once(function: Callable[[Subject], Iterator[T]]) -> Callable[[Subject], tuple[T, ...]]:
    """Keeps what a function finds in a subject: several rules ask for it."""
    name = f"{function.__module__}.{function.__name__}"

    @wraps(function)
    def kept(subject: Subject) -> tuple[T, ...]:
        known: dict[str, Any] = subject.__dict__
        if name not in known:
            known[name] = tuple(function(subject))
        found: tuple[T, ...] = known[name]
        return found

    return kept


@dataclass(frozen=True)
class World:
    """The whole gallery and the files beside the models."""

    gallery: Gallery
    context: Context
    consumers: Mapping[str, Consumer]
    tombstones: Mapping[str, Tombstone]
    documents: Mapping[str, Document]
    """Parsed files beside the models, by path relative to the registry."""
    paths: Mapping[str, TreeEntry]
    """Every path of the registry."""
    trust: Mapping[str, bytes] = field(default_factory=dict)
    """Files of `trust/`, as they are, by path relative to the registry."""

    @property
    def side(self) -> Side:
        """What is compared of it."""
        from galleryctl.changes import Side  # noqa: PLC0415 - only where there is a base

        context = self.context
        return Side(
            gallery=self.gallery,
            settings=context.settings,
            roles=context.roles,
            policy=context.policy,
            taxonomy=context.taxonomy,
            types=context.types,
            publishers=context.publishers,
            consumers=self.consumers,
            tombstones=self.tombstones,
            paths=self.paths,
        )

    def model_file(self, outline: Outline) -> str:
        """Path of a model's `model.yaml` or `model.json`."""
        path = f"models/{outline.type}/{outline.id}/model"
        return f"{path}.json" if f"{path}.json" in self.paths else f"{path}.yaml"


@dataclass(frozen=True)
class Ledger:
    """What was published before, whatever base and tombstones say now. Empty where nobody knows."""

    releases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Id → versions that some published tree had, also ids that are gone; no versions where only the id is known."""
    audiences: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Id → audiences to which it was published: `public`, or the name of a group or person."""


@dataclass(frozen=True)
class Comparison:
    """Two revisions of one registry, read by the same function. Governance counts as it stands in base."""

    base: World
    merged: World
    changes: tuple[Change, ...]
    """Sorted, from base to merged."""
    touched: frozenset[str]
    """Paths that differ, from the top of the tree, on either side: a rename is a deletion and an addition."""
    name: str
    """The registry's folder in the tree; `world.paths` are relative to it."""
    ledger: Ledger
    now: dt.datetime


@dataclass(frozen=True)
class Rule:
    """A rule of the catalogue. `page` is Markdown: what it catches, why, an example of bad and good."""

    code: str
    severity: Severity
    page: str
    fixed: bool = False
    """Policy may not change its severity."""
    fixable: bool = False
    """`check --fix` can mend it."""
    entry: Callable[[Subject], Iterator[Finding]] | None = field(default=None, repr=False)
    gallery: Callable[[World], Iterator[Finding]] | None = field(default=None, repr=False)
    online: Callable[[Subject, Observed], Iterator[Finding]] | None = field(default=None, repr=False)
    """Judges what the sources of a model said of themselves; only `check --online` asks them."""
    compared: Callable[[Comparison], Iterator[Finding]] | None = field(default=None, repr=False)
    """Judges the way from base to the merged tree; only where there is a base."""

    @property
    def title(self) -> str:
        return self.page.partition("\n")[0].rstrip(".")


def rule(  # noqa: PLR0913 - one for each field
    code: str,
    severity: Severity,
    *,
    entry: Callable[[Subject], Iterator[Finding]] | None = None,
    gallery: Callable[[World], Iterator[Finding]] | None = None,
    online: Callable[[Subject, Observed], Iterator[Finding]] | None = None,
    compared: Callable[[Comparison], Iterator[Finding]] | None = None,
    page: str | None = None,
    fixed: bool = False,
    fixable: bool = False,
) -> Rule:
    """A rule whose page is the docstring of its generator, unless one is given."""
    source = entry or gallery or online or compared
    text = page if page is not None else (source.__doc__ if source else None)
    return Rule(
        code,
        severity,
        cleandoc(text or ""),
        fixed=fixed,
        fixable=fixable,
        entry=entry,
        gallery=gallery,
        online=online,
        compared=compared,
    )
