"""The files beside the models, read and typed: settings, roles, policy, taxonomy, publishers, consumers, tombstones."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from galleryctl import checks, layout
from galleryctl.errors import UsageError
from galleryctl.spec import Consumer, Policy, Publisher, Roles, Settings, Taxonomy, Tombstone

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from galleryctl.document import Document
    from galleryctl.git import Tree, TreeEntry
    from galleryctl.layout import Place
    from galleryctl.problems import Problem
    from galleryctl.spec import Frozen

T = TypeVar("T", bound="Frozen")


@dataclass
class Governance:
    """What was found beside the models; `documents` are the parsed files by path relative to the registry."""

    settings: Settings
    roles: Roles
    policy: Policy
    taxonomy: Taxonomy
    publishers: dict[str, Publisher] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    trust: dict[str, bytes] = field(default_factory=dict)
    """The files of `trust/` as they are: rules and pages read them as JSON, `signing` as what they are."""
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read(tree: Tree, name: str, paths: Mapping[str, TreeEntry]) -> Governance:
    """Read everything beside `models/`. A missing file counts as its defaults; `gallery.yaml` must be there."""
    require(paths, name)
    places = {path: layout.place(path) for path in paths if not path.startswith("models/")}
    found = Governance(Settings(title=name), Roles(), Policy(), Taxonomy())
    # Policy first: its limits bound how the others are read.
    for path in sorted(places, key=lambda path: (not path.startswith("policy."), path)):
        place = places[path]
        if place is not None and paths[path].regular:
            _read(tree, name, path, place, found)
    return found


def require(paths: Container[str], name: str) -> None:
    """Raise `UsageError` where these paths are no registry's."""
    if "gallery.yaml" not in paths and "gallery.json" not in paths:
        raise UsageError(f"{name} is no registry: it has no gallery.yaml; start one with: galleryctl init {name}")


def _read(tree: Tree, name: str, path: str, place: Place, found: Governance) -> None:
    match place.kind:
        case "policy":
            found.policy = _typed(tree, name, path, Policy, found) or found.policy
        case "settings":
            found.settings = _typed(tree, name, path, Settings, found) or found.settings
        case "roles":
            found.roles = _typed(tree, name, path, Roles, found) or found.roles
        case "taxonomy":
            found.taxonomy = _typed(tree, name, path, Taxonomy, found) or found.taxonomy
        case "publisher":
            _keep(found.publishers, place.publisher, _typed(tree, name, path, Publisher, found))
        case "consumer":
            _keep(found.consumers, place.name, _typed(tree, name, path, Consumer, found))
        case "tombstone":
            _keep(found.tombstones, place.id, _typed(tree, name, path, Tombstone, found))
        case "trust":
            _raw(tree, name, path, found)
        case _:
            pass


def published(settings: Settings) -> str:
    """Where the gallery is published. Raises `UsageError` where only the address for trying it is known."""
    if "url" not in settings.model_fields_set:
        raise UsageError("nothing says where this gallery is published: set `url` in gallery.yaml, or name its address")
    return settings.url


def _raw(tree: Tree, name: str, path: str, found: Governance) -> None:
    with suppress(OSError, ValueError):  # too large, or no file: told by the rules about paths
        found.trust[path] = tree.read(f"{name}/{path}", found.policy.limits.definition)


def _keep(known: dict[str, T], name: str, value: T | None) -> None:
    if value is not None:
        known[name] = value


def _typed(tree: Tree, name: str, path: str, form: type[T], found: Governance) -> T | None:
    value, document, problems = checks.typed(f"{name}/{path}", tree, form, found.policy)
    if document is not None:
        found.documents[path] = document
    found.problems.extend(problems)
    return value
