"""What sources said, recorded in a sample: `observed.json` beside its files, as an `Observed`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from galleryctl.checks.observed import Address, Card, Config, Observed, Scan, Silence
from galleryctl.hubs import RemoteFile, Snapshot

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> Observed:
    return made(json.loads(path.read_text()))


def made(data: dict[str, Any]) -> Observed:
    """`sources` and `addresses` hold what was said, or `[kind, text]` where nothing was."""
    return Observed(
        sources={key: _source(key, value) for key, value in data.get("sources", {}).items()},
        addresses={
            key: Silence(*value) if isinstance(value, list) else Address(**value)
            for key, value in data.get("addresses", {}).items()
        },
        configs={key: _config(value) for key, value in data.get("configs", {}).items()},
        stored={key: tuple(value) for key, value in data.get("stored", {}).items()},
        card=Card(**data["card"]) if "card" in data else None,
        **{
            name: {
                key: Scan(tuple(value.get("findings", ())), value.get("trouble", ""))
                for key, value in data.get(name, {}).items()
            }
            for name in ("pickles", "images", "outside")
        },
    )


def _source(key: str, value: Any) -> Snapshot | Silence:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return Silence(*value)
    kind, _, rest = key.partition(":")
    repo, _, revision = rest.partition("@")
    lists = {name: tuple(each) for name, each in value.items() if isinstance(each, list)}
    lists["files"] = tuple(RemoteFile(*each) for each in value.get("files", []))
    return Snapshot(**{"kind": kind, "repo": repo, "revision": revision or None, **value, **lists})


def _config(value: dict[str, Any]) -> Config:
    known: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in value.items()}
    return Config(**known)
