"""Entries and views made in memory, for tests of what is computed from them."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from galleryctl import schemas
from galleryctl.audience import PUBLIC, View, project
from galleryctl.gallery import Entry, Gallery
from galleryctl.spec import Consumer, Definition, Model, Provenance, Publisher, Release, Roles, Settings, Taxonomy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.spec import Tombstone

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"
RELEASE: dict[str, Any] = {
    "notes": "First release.",
    "spec": {"context_length": 4096, "languages": ["en"], "abilities": ["chat"]},
    "variants": [
        {
            "format": "gguf",
            "parameters": "8B",
            "quantizations": ["Q4_K_M"],
            "sources": {
                "huggingface": {"repo": "acme/tiny-gguf", "revision": "0" * 40, "file": "t-{quantization}.gguf"}
            },
            "files": {"Q4_K_M": [{"path": "t-Q4_K_M.gguf", "size": 5_000_000_000, "sha256": DIGEST}]},
        }
    ],
}


class NoFiles:
    """A tree without schemas of its own."""

    def entries(self, under: str) -> Mapping[str, object]:  # noqa: ARG002 - the port's signature
        return {}

    def read(self, path: str) -> bytes:
        raise FileNotFoundError(path)


TYPES = schemas.types(NoFiles())


def entry(
    identifier: str = "acme/tiny",
    type_: str = "llm",
    *,
    releases: Mapping[str, Mapping[str, Any]] | None = None,
    added: str | None = "2025-05-01T08:00:00Z",
    updated: str | None = None,
    cards: Mapping[str, str] | None = None,
    **model: Any,  # noqa: ANN401 - fields of `model.yaml`
) -> Entry:
    """One entry, by default a small public chat model with one release."""
    text = json.dumps({"title": identifier.partition("/")[2].title(), "summary": "A model.", "license": "MIT"} | model)
    when = {"1.0.0": RELEASE} if releases is None else releases
    definition = Definition(
        model=Model.model_validate_json(text, strict=True, extra="forbid"),
        releases={
            version: Release.model_validate_json(json.dumps(release), strict=True, extra="forbid")
            for version, release in when.items()
        },
    )
    provenance = (
        Provenance.model_validate({"added": added, "by": "Ada", "updated": updated or added, "commit": "c" * 40})
        if added
        else None
    )
    published = dict.fromkeys(when, provenance.added) if provenance else None
    return Entry.of(
        identifier,
        type_,
        definition,
        provenance=provenance,
        published=published,
        cards=cards,
        facets=TYPES[type_].values,
    )


def view(
    *entries: Entry,
    audience: str = PUBLIC,
    now: dt.datetime = NOW,
    settings: Settings | None = None,
    roles: Roles | None = None,
    taxonomy: Taxonomy | None = None,
    consumers: Mapping[str, Consumer] | None = None,
    tombstones: Mapping[str, Tombstone] | None = None,
) -> View:
    """What an audience sees of these entries."""
    gallery = Gallery.of(entries)
    owners = {item.outline.publisher for item in gallery}
    return project(
        gallery,
        settings=settings or Settings(title="Test gallery", languages=("en", "zh")),
        roles=roles or Roles(),
        taxonomy=taxonomy or Taxonomy(),
        types=TYPES,
        publishers={name: Publisher(title=name.title()) for name in owners},
        consumers=consumers or {},
        tombstones=tombstones or {},
        now=now,
        audience=audience,
    )
