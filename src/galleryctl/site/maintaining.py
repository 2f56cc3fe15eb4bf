"""What people do to a model, as a command and as a link that opens the forge's editor on the right file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from galleryctl import layout
from galleryctl.site import wording
from galleryctl.spec.base import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.gallery import Outline
    from galleryctl.spec import Settings


class Task(NamedTuple):
    """One thing to do. `href` is empty where the gallery names no repository."""

    title: str
    command: str
    href: str
    file: str
    hint: str
    """What to write there, by hand."""


def tasks(settings: Settings, outline: Outline) -> tuple[Task, ...]:
    """What can be done to a model in its present state."""
    return tuple(_tasks(settings, outline))


def new_model(settings: Settings, publisher: str) -> str:
    """Address of the forge's page for a new model of a publisher; empty without a repository."""
    return _new(settings, f"models/llm/{publisher}", "name/model.yaml", "title: \nsummary: \nlicense: \ntags: []\n")


def _tasks(settings: Settings, outline: Outline) -> Iterator[Task]:
    name, folder = outline.id, layout.folder(outline.type, outline.id)
    model = wording.forge(settings, "edit", f"{folder}/model.yaml")
    highest = max(outline.releases, key=version_key, default="0.0.0")
    major, minor, _ = version_key(highest)
    following = f"{major}.{minor + 1}.0"
    text = f"# What is new, and the variants: {highest}.yaml shows the form.\nnotes: \nspec: {{}}\nvariants: []\n"

    def edited(title: str, command: str, hint: str) -> Task:
        return Task(title, f"galleryctl {command}", model, "model.yaml", hint)

    yield Task(
        "New release",
        f"galleryctl release {name} --bump minor",
        _new(settings, folder, f"{following}.yaml", text),
        f"{following}.yaml",
        "a file of its own; what was released stays as it is",
    )
    yield edited("Edit", f"edit {name} FIELD=VALUE", "title, summary, tags, links, terms")
    if outline.listed:
        yield edited("Withdraw", f'withdraw {name} --reason "…"', "listed: false, and reason")
    else:
        yield edited("Deploy", f"deploy {name}", "remove listed: false and its reason")
    if outline.status == "active":
        yield edited("Deprecate", f'deprecate {name} --reason "…"', "status: deprecated, reason, successor")
    if outline.status in {"active", "deprecated"}:
        yield edited("Discontinue", f'discontinue {name} --reason "…"', "status: discontinued, reason, successor")
    else:
        yield edited("Reinstate", f"reinstate {name}", "remove status and reason")
    if outline.expires is None:
        yield edited("Expire", f"expire {name} --on DATE", "expires: YYYY-MM-DD")
    else:
        yield edited("Renew", f"renew {name} --until DATE", "a later expires")


def _new(settings: Settings, folder: str, name: str, text: str) -> str:
    """The forge's page for a new file. GitHub's takes name and text; another forge's may ignore them."""
    place = wording.forge(settings, "new", folder)
    return f"{place}?{urlencode({'filename': name, 'value': text})}" if place else ""
