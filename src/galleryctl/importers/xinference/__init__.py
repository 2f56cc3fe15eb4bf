"""Xinference's catalogues: a list for each model type, a folder of them, or one model in the registration form."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from galleryctl.errors import UsageError
from galleryctl.importers import records
from galleryctl.importers.base import Rejected, Remark
from galleryctl.importers.xinference.entries import Source, candidate
from galleryctl.importers.xinference.forms import unregistered
from galleryctl.runtimes.xinference import ABILITIES, METHODS, RUNTIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Candidate, Options, Reference

NAME = "xinference"
TITLE = "Xinference catalogue"
EXAMPLES: tuple[str, ...] = ()

_CATALOGUE = re.compile(r"\[\s*\{")
_ONE = re.compile(r'\{\s*"')
_NAMED = re.compile(r'"model_name"\s*:\s*"')
_KEYS = re.compile(
    r'"(?:model_specs|model_src|model_family|model_ability|model_lang|model_id|model_format|max_tokens)"\s*:'
)
_MOST = 5000
"""Files of a folder that are read."""
_FOLDERS = ("*.json", "models/*.json", "*/*.json", "*/models/*.json")
_STEM = re.compile(r"(?P<type>llm|embedding|rerank|image|audio|video)(?:_(?:family|models|model_spec))?", re.IGNORECASE)
_SHAPES: tuple[tuple[str, str], ...] = (
    ("multilingual", "audio"),
    ("dimensions", "embedding"),
    ("model_lang", "llm"),
    ("context_length", "llm"),
    ("controlnet", "image"),
)
"""Keys that tell the type, the first that is there."""


def claims(reference: Reference) -> bool:
    """A list of objects that name a model and say where it lies, one such object, or a folder of such files."""
    if reference.path is not None and reference.path.is_dir():
        return any(_looks(_start(path)) for path in _files(reference.path)[:8])
    return _looks(records.content(reference))


def _looks(text: str) -> bool:
    whole = _CATALOGUE.match(text) or _ONE.match(text)
    return bool(whole and _NAMED.search(text) and _KEYS.search(text))


def _start(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(2**16).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")


def _files(folder: Path) -> list[Path]:
    for pattern in _FOLDERS:
        if found := sorted(path for path in folder.glob(pattern) if path.is_file()):
            return found[:_MOST]
    return []


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:  # noqa: ARG001 - the port's signature
    """The families in the order of the files."""
    source = Source(options.publisher)
    if reference.path is None or not reference.path.is_dir():
        told = options.type or _told(reference.text, reference.path)
        yield from _read(records.named(reference), reference.data, told, source)
        return
    for path in _files(reference.path):
        label = path.relative_to(reference.path).as_posix()
        if not _looks(_start(path)):
            continue
        try:
            yield from _read(label, path.read_bytes(), options.type or _told(label, path), source)
        except (UsageError, OSError) as error:
            yield Rejected(label, label, (Remark("YML001", str(error), "correct the file"),))


def _told(text: str, path: Path | None) -> str | None:
    """The type that the name of a file or an address tells: `llm.json`, `embedding/model_spec.json`, `?model_type=`."""
    parts = urlsplit(text)
    if parts.scheme in {"http", "https"}:
        asked = parse_qs(parts.query).get("model_type", [""])[0].lower()
        if asked in RUNTIME.formats:
            return asked
        names = parts.path.split("/")
    else:
        names = list(path.parts) if path else text.split("/")
    match = _STEM.fullmatch(names[-1].removesuffix(".json")) if names else None
    if match:
        return match["type"].lower()
    above = [name.lower() for name in names[-3:-1] if name.lower() in RUNTIME.formats]
    return above[-1] if above else None


def _read(label: str, data: bytes, told: str | None, source: Source) -> Iterator[Candidate | Rejected]:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        yield _entry(label, records.loads(label, data), told, source)
        return
    last = label
    try:
        for record in records.array(label, data):
            last = record.at
            yield _entry(record.at, record.value, told, source)
    except UsageError as error:
        if last == label:
            raise
        yield Rejected(label, last, (Remark("YML001", str(error), "correct the file; what stands behind is not read"),))


def _entry(at: str, value: Any, told: str | None, source: Source) -> Candidate | Rejected:  # noqa: ANN401 - whatever stands there
    if not isinstance(value, dict):
        return Rejected(at, at, (Remark("SCH003", "an entry that is no map", "write `{…}`"),))
    name = value.get("model_name")
    if not isinstance(name, str) or not name.strip():
        return Rejected(at, at, (Remark("SCH002", "`model_name` is missing", "name the model"),))
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        shown = name.encode("utf-8", "replace").decode()
        return Rejected(shown, at, (Remark("TXT002", "text with half of a character", "write whole characters"),))
    type_ = told or _shape(value)
    if type_ is None:
        fix = f"say `--type`, one of {', '.join(RUNTIME.formats)}"
        return Rejected(name, at, (Remark("SCH002", "nothing tells the type of the model", fix),))
    form, family = unregistered(type_, value)
    if form.get("version") != 2 or isinstance(form["version"], bool):  # noqa: PLR2004 - the only version there is
        message = f"`version` is {form['version']!r}, not 2" if "version" in form else "`version` is missing"
        return Rejected(name, at, (Remark("SCH003", message, "take the catalogue of a newer Xinference"),))
    return candidate(type_, name, at, form, source, family)


def _shape(value: Mapping[str, Any]) -> str | None:
    """The type that the keys of an entry tell."""
    for key, type_ in _SHAPES:
        if key in value:
            return type_
    if value.get("type") in METHODS.values() or ("max_tokens" in value and "language" in value):
        return "rerank"
    words = value.get("model_ability")
    words = {word for word in words if isinstance(word, str)} if isinstance(words, list) else set()
    found = [type_ for type_ in ("video", "audio", "image") if words & ABILITIES[type_]]
    return found[0] if found else None
