"""`new`: the files of a model that its author completes. What is not known is left out, so that `check` asks for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galleryctl import document, layout, loading
from galleryctl.authoring.files import Files, near
from galleryctl.errors import UsageError
from galleryctl.spec import is_version
from galleryctl.spec.base import folded, is_name
from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from galleryctl.schemas import TypeSchema


@dataclass(frozen=True)
class Claim:
    """A type and an id that nobody has, and what a scaffold of it needs to know."""

    files: Files
    type: TypeSchema
    id: str
    frameworks: tuple[str, ...]
    private: bool
    """Whether the registry is no place for public models."""


@dataclass(frozen=True)
class Answers:
    """What the author said; none, and empty, is what they did not say."""

    version: str = "1.0.0"
    framework: str | None = None
    gpus: int | None = None
    vram: str | None = None
    memory: str | None = None
    repo: str | None = None
    """`owner/name` on Hugging Face, or `hub:owner/name`."""
    format: str | None = None
    parameters: str | None = None
    quantizations: tuple[str, ...] = ()
    summary: str | None = None
    title: str | None = None
    license: str | None = None


def claim(registry: Path, kind: str, identifier: str, *, now: dt.datetime) -> Claim:
    """Make sure that the type is known and the id free; `UsageError` says what stands in the way."""
    files = Files(registry.resolve())
    _well_formed(identifier, files)
    loaded = loading.load(files.root, files.name, now=now)
    if kind not in loaded.types:
        raise UsageError(
            f"there is no type {kind}{near(kind, loaded.types) or '; there are: ' + ', '.join(loaded.types)}"
        )
    beside = loaded.governance
    publisher, _ = layout.split(identifier)
    for name in beside.policy.reserved:
        if name.name in {publisher, identifier}:
            raise UsageError(f"{name.name} is reserved: {name.reason}")
    if identifier in beside.tombstones and beside.tombstones[identifier].whole:
        stone = beside.tombstones[identifier]
        raise UsageError(f"{identifier} was removed on {stone.since} and never comes back: {stone.reason}")
    taken = {folded(present): present for present in files.models}
    taken |= {folded(alias): f"{alias}, an alias of {present}" for alias, present in loaded.gallery.aliases.items()}
    if folded(identifier) in taken:
        present = taken[folded(identifier)]
        where = f"; add a release: galleryctl release {identifier}" if present == identifier else ""
        raise UsageError(f"there is {present} already{where}")
    private = beside.policy.repository == "private"
    return Claim(files, loaded.types[kind], identifier, tuple(beside.taxonomy.frameworks.values), private)


def _well_formed(identifier: str, files: Files) -> None:
    publisher, slash, name = identifier.partition("/")
    for part in (publisher, name):
        if is_name(part):
            continue
        suggestion = "/".join(
            re.sub(r"[^a-z0-9._-]+", "-", each.lower()).strip("-._") for each in (publisher, name) if each
        )
        meant = f", such as {suggestion}" if slash and suggestion.count("/") == 1 and suggestion != identifier else ""
        raise UsageError(
            f"{identifier!r} is no id: write PUBLISHER/NAME in lower-case letters, digits and . _ -{meant}"
        )
    _ = files.entries  # a folder that is no registry is told now


def new(claim_: Claim, answers: Answers) -> tuple[str, ...]:
    """Write the model, its first release, its card, and its publisher where that is new; their paths."""
    if not is_version(answers.version):
        raise UsageError(f"{answers.version!r} is no version: write three numbers, such as 1.0.0")
    publisher, name = layout.split(claim_.id)
    folder = layout.folder(claim_.type.name, claim_.id)
    title = answers.title or _title(name)
    texts = {
        f"{folder}/model.yaml": _model(claim_, answers, title),
        f"{folder}/{answers.version}.yaml": _release(claim_.type, answers),
        f"{folder}/README.md": card(title),
    }
    if not any(f"publishers/{publisher}.{ending}" in claim_.files.entries for ending in ("yaml", "json")):
        texts[f"publishers/{publisher}.yaml"] = _PUBLISHER.format(title=document.inline(_title(publisher)))
    present = [path for path in texts if (claim_.files.registry / path).exists()]
    if present:
        raise UsageError(f"{', '.join(present)} is there already; nothing was written")
    claim_.files.write(texts)
    return tuple(f"{claim_.files.name}/{path}" for path in texts)


def card(title: str) -> str:
    """A card with the four headings, to be filled in."""
    return _CARD.format(title=title)


def _title(name: str) -> str:
    """`tiny-chat` as `Tiny Chat`; the author knows better."""
    return " ".join(word[:1].upper() + word[1:] for word in re.split(r"[-_]+", name) if word)


def _line(field: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    return "\n".join(document.dump({field: value}).splitlines()) + "\n"


def _model(claim_: Claim, answers: Answers, title: str) -> str:
    parts = [_line("title", title)]
    if answers.summary:
        parts.append(_line("summary", answers.summary))
    else:
        parts.append("# summary: One plain sentence of at most 200 characters; a public model needs one.\n")
    if answers.license:
        parts.append(_line("license", answers.license))
    else:
        parts.append("# license: Apache-2.0                # an SPDX expression, or LicenseRef-… with license_url\n")
    parts.append("# tags: [chat]                       # words of taxonomy.yaml\n")
    if answers.repo:
        hub, repo = _source(answers.repo)
        site = {"huggingface": "https://huggingface.co/", "modelscope": "https://www.modelscope.cn/models/"}.get(hub)
        parts.append(_line("links", {"weights": site + repo}) if site else "")
    else:
        parts.append("# links: {homepage: https://…, repository: https://…, paper: https://…}\n")
    parts.append("visibility: private\n" if claim_.private else "")
    return "".join(parts)


def _release(kind: TypeSchema, answers: Answers) -> str:
    parts = [_line("notes", "First release."), _spec(kind)]
    requirements = {"gpus": answers.gpus, "vram": answers.vram, "memory": answers.memory}
    given = {key: value for key, value in requirements.items() if value is not None}
    parts.append(_line("requirements", given) if given else "# requirements: {gpus: 1, vram: 8GiB, memory: 16GiB}\n")
    if answers.framework:
        parts.append(_line("environment", {"framework": answers.framework}))
    else:
        parts.append("# environment: {framework: pytorch}  # or {image: host/name@sha256:…}\n")
    variant = {
        "format": answers.format,
        "parameters": answers.parameters,
        "quantizations": list(answers.quantizations),
        "sources": _sources(answers),
    }
    variant = {key: value for key, value in variant.items() if value}
    parts.append(_line("variants", [variant]) if variant else _VARIANTS)
    return "".join(parts)


def _spec(kind: TypeSchema) -> str:
    """The fields of the type as comments: an example for each, and what it means."""
    properties: dict[str, Any] = kind.schema.get("properties", {})
    required = kind.schema.get("required", [])
    shown = [name for name, field in properties.items() if field.get("x-row") or name in required]
    rows = [("# spec:", f"schemas/types/{kind.name}.schema.json describes every field")]
    for name in shown:
        field = properties[name]
        meaning = field.get("description", field.get("title", name)).split(". ")[0].rstrip(".")
        rows.append((f"#   {name}: {document.inline(field.get('examples', ['…'])[0])}", meaning))
    width = max(len(start) for start, _ in rows)
    return "".join(f"{start:<{width}}  # {meaning}\n" for start, meaning in rows)


def _source(repo: str) -> tuple[str, str]:
    hub, colon, rest = repo.partition(":")
    if not colon:
        return HUBS[0], repo
    if hub not in HUBS:
        raise UsageError(f"there is no hub {hub}{near(hub, HUBS) or '; there are: ' + ', '.join(HUBS)}")
    return hub, rest


def _sources(answers: Answers) -> dict[str, Any]:
    if not answers.repo:
        return {}
    hub, repo = _source(answers.repo)
    if re.fullmatch(r"[^/\s]+/[^/\s]+", repo) is None:
        raise UsageError(f"{repo!r} is no repository: write owner/name, or HUB:owner/name")
    return {hub: {"repo": repo}}


_VARIANTS = """\
# variants:                          # one for each format and size
#   - format: pytorch
#     parameters: 8B
#     quantizations: [none]
#     sources: {huggingface: {repo: owner/name}}
"""

_PUBLISHER = """\
title: {title}
# links: {{homepage: https://…}}
# maintainers: [ada]                 # people or groups of roles.yaml
"""

_CARD = """\
# {title}

## Background

TODO: who made the model, when, and what for.

## Introduction

TODO: what it is: architecture, sizes, training, what it is good at.

## Usage

TODO: how to load it and what to send it.

## Constraints

TODO: what it cannot do, and what it must not be used for.
"""
