"""What `config.json`, its neighbours, or the header of a GGUF file say of a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from galleryctl.checks.observed import Config
from galleryctl.errors import GalleryError
from galleryctl.hubs import facts

if TYPE_CHECKING:
    from galleryctl.hubs import Hub, Snapshot
    from galleryctl.hubs.facts import Facts

_NAME = "config.json"
_TEMPLATE = "chat_template.jinja"
_TOKENIZER = "tokenizer_config.json"
_POOLING = "1_Pooling/config.json"
_MOST = 4 * 2**20


def of_repository(hub: Hub, found: Snapshot) -> Config | None:
    """What a repository of plain weights says; none where it says nothing that can be read."""
    data = _object(hub, found, _NAME)
    template = _template(hub, found)
    if data is None:
        return Config(_TEMPLATE, template=template) if template else None
    pooling = _object(hub, found, _POOLING) if found.file(_POOLING) else None
    counted = found.raw.get("parameters")
    return _config(_NAME, facts.of_config(data, pooling))._replace(
        template=template, code=_code(data), parameters=counted if isinstance(counted, int) else None
    )


def _object(hub: Hub, found: Snapshot, path: str) -> dict[str, Any] | None:
    if found.files and found.file(path) is None:
        return None
    try:
        data = json.loads(hub.read(found, path, limit=_MOST))
    except (GalleryError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _template(hub: Hub, found: Snapshot) -> str | None:
    if found.file(_TEMPLATE) is not None:
        try:
            return hub.read(found, _TEMPLATE).decode()
        except (GalleryError, UnicodeDecodeError):
            return None
    return facts.template((_object(hub, found, _TOKENIZER) or {}).get("chat_template"))


def _code(data: dict[str, Any]) -> tuple[str, ...]:
    """`modeling_tiny.py` of `auto_map: {AutoModel: modeling_tiny.TinyModel}`."""
    known = data.get("auto_map")
    names = [each for each in (known.values() if isinstance(known, dict) else ()) if isinstance(each, str)]
    return tuple(sorted({f"{name.rpartition('--')[2].partition('.')[0]}.py" for name in names if "." in name}))


def of_gguf(hub: Hub, found: Snapshot, path: str) -> Config | None:
    """What the header of a GGUF file says; none where it cannot be read."""
    try:
        return _config(path, facts.of_file(hub, found, path, shard="-of-" in path))
    except (GalleryError, ValueError):
        return None


def _config(file: str, known: Facts) -> Config:
    return Config(
        file,
        classes=known.classes,
        model_type=known.model_type,
        context_length=known.context_length,
        dimensions=known.dimensions,
        parameters=known.parameters,
        template=known.template,
    )
