"""What `config.json`, its neighbours, or the header of a GGUF file say of a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from galleryctl.checks.observed import Config
from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    from galleryctl.hubs import Hub, Snapshot

_NAME = "config.json"
_TEMPLATE = "chat_template.jinja"
_TOKENIZER = "tokenizer_config.json"
_MOST = 4 * 2**20


def of_repository(hub: Hub, found: Snapshot) -> Config | None:
    """What a repository of plain weights says; none where it says nothing that can be read."""
    data = _object(hub, found, _NAME)
    template = _template(hub, found)
    if data is None:
        return Config(_TEMPLATE, template=template) if template else None
    facts = _facts(data)
    return facts._replace(template=template, code=_code(data))


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
    known = (_object(hub, found, _TOKENIZER) or {}).get("chat_template")
    if isinstance(known, list):  # several, by name
        named = {each.get("name"): each.get("template") for each in known if isinstance(each, dict)}
        known = named.get("default")
    return known if isinstance(known, str) else None


def _code(data: dict[str, Any]) -> tuple[str, ...]:
    """`modeling_tiny.py` of `auto_map: {AutoModel: modeling_tiny.TinyModel}`."""
    known = data.get("auto_map")
    names = [each for each in (known.values() if isinstance(known, dict) else ()) if isinstance(each, str)]
    return tuple(sorted({f"{name.rpartition('--')[2].partition('.')[0]}.py" for name in names if "." in name}))


def of_gguf(hub: Hub, found: Snapshot, path: str) -> Config | None:
    """What the header of a GGUF file says; none where it cannot be read."""
    return None


def _facts(data: dict[str, Any]) -> Config:
    return Config(_NAME)
