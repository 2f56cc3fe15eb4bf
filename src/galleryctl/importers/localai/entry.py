"""One entry of the index as a model."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from galleryctl.checks.near import guess
from galleryctl.exports.localai import entries_of, link_order
from galleryctl.importers import records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.licences import back, spdx
from galleryctl.importers.localai.bases import preset_of
from galleryctl.importers.localai.kinds import type_of
from galleryctl.importers.localai.loading import Unfit, described, variant
from galleryctl.importers.records import Reading
from galleryctl.spec import Model, Release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from galleryctl.document import Fault
    from galleryctl.importers.base import Options
    from galleryctl.importers.localai.bases import Bases

_KNOWN = (
    "name", "url", "description", "license", "icon", "tags", "urls", "overrides", "files", "variants", "size",
    "last_checked",
)  # fmt: skip
_MEANT = {"uri": "url"}
_SETTINGS = frozenset(
    {
        "parameters",
        "context_size",
        "embeddings",
        "reranking",
        "mmproj",
        "stopwords",
        "template",
        "known_usecases",
        "f16",
    }
)
"""Settings of a model, which LocalAI reads in `overrides` only."""
_CARRIED = frozenset({"config_file", "gallery", "installed", "backend"})
"""Keys that LocalAI knows and no field of ours says."""
_NATIVE = "localai"
_VIRTUAL = "virtual"
_LARGEST = 48 * 1024
"""Characters of an entry that a definition file can hold."""
_DEEPEST = 14
_MOST = 2**53 - 1
_LOSING = frozenset({"TXT002", "YML001", "YML003", "YML012"})
"""Faults of the file after which an entry is not what its author wrote."""
_MENDED = frozenset({"`\\'` inside double quotes: other readers refuse the file"})


@dataclass(frozen=True)
class Entry:
    """An entry as it stands in the source: plain data, and where its nulls were."""

    index: int
    at: str
    name: str
    """What the source calls it; empty where it has no name."""
    value: dict[str, Any]
    nulls: tuple[str, ...] = ()
    wrong: tuple[Remark, ...] = ()
    """Why nothing can be made of it."""
    remarks: tuple[Remark, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    """Lines of its keys."""

    @classmethod
    def of(cls, index: int, at: str, value: object, faults: Sequence[Fault], lines: Mapping[str, int]) -> Entry:
        said = tuple(Remark(fault.code, f"line {fault.line}: {fault.message}", fault.fix) for fault in faults)
        lost = tuple(
            remark
            for remark, fault in zip(said, faults, strict=True)
            if fault.code in _LOSING and fault.message not in _MENDED
        )
        name = value.get("name") if isinstance(value, dict) else None
        shown = name if isinstance(name, str) else ""
        if not isinstance(value, dict):
            wrong = lost or (Remark("SCH003", "an entry is a map", "write `name:` and what it installs"),)
            return cls(index, at, shown, {}, (), wrong)
        if not shown.strip():
            message = "the entry has no name" if name is None else "the name is no text"
            return cls(index, at, shown, {}, (), (Remark("SCH002", message, "add `name:`"), *lost))
        plain = _Plain()
        found = plain.map(value, "", 0)
        wrong = tuple(dict.fromkeys((*lost, *plain.wrong)))
        return cls(index, at, shown, found, tuple(plain.nulls), wrong, said, lines)


@dataclass
class _Plain:
    """Makes JSON without nulls of a YAML value, and says what cannot be made one."""

    nulls: list[str] = field(default_factory=list)
    wrong: list[Remark] = field(default_factory=list)
    weight: int = 0

    def map(self, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, member in value.items():
            if not isinstance(key, str):
                self._refuse("SCH003", f"the name {str(key)[:40]!r} is no text", "put it in quotes")
                continue
            self._weigh(key)
            inner = f"{path}.{key}" if path else key
            plain = self._value(member, inner, depth)
            if plain is not None:
                found[key] = plain
            elif "." in key or not key:
                self._refuse("SCH003", f"`{inner[:60]}` has no value", "remove it, or give it a value")
        return found

    def _value(self, value: Any, path: str, depth: int) -> Any:  # noqa: ANN401 - any YAML value
        if depth > _DEEPEST:
            self._refuse("YML011", f"`{path[:60]}` is nested too deeply", "flatten it")
            return ""
        if isinstance(value, str):
            self._weigh(value)
            return value
        if isinstance(value, dict):
            return self.map(value, path, depth + 1)
        if isinstance(value, list):
            items = [self._value(item, f"{path}.{index}", depth + 1) for index, item in enumerate(value)]
            return [item for item in items if item is not None]
        return self._scalar(value, path)

    def _scalar(self, value: Any, path: str) -> Any:  # noqa: ANN401 - any YAML scalar
        self.weight += 1
        if value is None:
            if len(path) <= _LARGEST:
                self.nulls.append(path)
            return None
        if isinstance(value, dt.date):
            return value.isoformat()
        exact = isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _MOST)
        if exact or (isinstance(value, float) and math.isfinite(value)):
            return value
        self._refuse("SCH003", f"`{path[:60]}` is a number that other readers cannot hold", "write it as text")
        return ""

    def _weigh(self, text: str) -> None:
        self.weight += len(text)
        if self.weight > _LARGEST and not any(remark.code == "YML011" for remark in self.wrong):
            message = f"the entry has more than {_LARGEST} characters"
            self._refuse("YML011", message, "move long text to a model card")

    def _refuse(self, code: str, message: str, fix: str) -> None:
        self.wrong.append(Remark(code, message, fix))


def translated(entry: Entry, identifier: str, bases: Bases, options: Options) -> Candidate | Rejected:
    """The model of an entry that has nothing wrong in itself."""
    reading = Reading(entry.value, list(entry.remarks))
    try:
        type_, model, release = _Translation(entry, identifier, reading, bases, options).made()
        problem = _kept(entry, identifier, type_, model, release, reading)
    except Unfit as unfit:
        return Rejected(entry.name, entry.at, (unfit.remark, *reading.remarks))
    if problem:
        return Rejected(entry.name, entry.at, (problem, *reading.remarks))
    return Candidate(
        entry.name, entry.at, type_, identifier, model, {FIRST: release}, remarks=tuple(dict.fromkeys(reading.remarks))
    )


class _Translation:
    """What one entry becomes."""

    def __init__(self, entry: Entry, identifier: str, reading: Reading, bases: Bases, options: Options) -> None:
        self._entry, self._identifier, self._reading = entry, identifier, reading
        self._left = dict(entry.value)
        self._native: dict[str, Any] = {}
        overrides = self._left.get("overrides")
        settings = overrides if isinstance(overrides, dict) else {}
        url = self._left.get("url")
        self._url = url if isinstance(url, str) and url else None
        preset = preset_of(self._url) if self._url else None
        base = bases.settings(self._url) if self._url and type_of(settings, preset, {}) is None else {}
        self.type = type_of(settings, preset, base) or options.type or "llm"

    def made(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        entry = self._entry
        own = self._identifier.rpartition("/")[2]
        if own != entry.name:
            self._native["name"] = entry.name
        self._left.pop("name")
        model = self._model(entry.name)
        release: dict[str, Any] = {}
        if checked := self._date():
            release["checked"] = checked
        spec = self._base()
        overrides = self._take("overrides", dict)
        spec_more, variants, rest = self._loading(overrides)
        spec |= spec_more
        if spec:
            release["spec"] = spec
        if variants:
            release["variants"] = variants
        if overrides is not None and (rest or not overrides):
            self._native["overrides"] = rest
        kinds: tuple[tuple[str, type[Any]], ...] = (("variants", list), ("size", str))
        for key, kind in kinds:
            if (value := self._take(key, kind)) is not None:
                self._native[key] = value
        self._strays()
        if entry.nulls:
            self._native["nulls"] = list(entry.nulls)
        release["runtimes"] = {_NATIVE: self._native}
        return self.type, model, release

    def _take(self, key: str, kind: type[Any]) -> Any:  # noqa: ANN401 - any JSON value
        """A key that has the kind it should, out of those that are left; what is empty stays where it is."""
        value = self._left.get(key)
        if not isinstance(value, kind) or (not value and key not in {"overrides", "variants"}):
            return None
        if key == "variants" and not all(
            isinstance(item, dict) and set(item) == {"model"} and isinstance(item["model"], str) for item in value
        ):
            return None
        return self._left.pop(key)

    def _texts(self, key: str) -> list[str] | None:
        value = self._left.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            return None
        found: list[str] = self._left.pop(key)
        return found

    def _model(self, title: str) -> dict[str, Any]:
        model: dict[str, Any] = {"title": title}
        if text := self._take("description", str):
            model |= records.described(self._reading, title, text)
        if text := self._take("license", str):
            licence = spdx(text)
            if licence:
                model["license"] = licence
            if licence is None or back(licence) != text:
                self._native["license"] = text
        if tags := self._texts("tags"):
            model["tags"] = tags
        links = _links(self._texts("urls") or [])
        if icon := self._take("icon", str):
            links["icon"] = icon
        if links:
            model["links"] = links
        return model

    def _date(self) -> str | None:
        value = self._left.get("last_checked")
        try:
            found = dt.date.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            return None
        if found is None or found.isoformat() != value:
            return None
        del self._left["last_checked"]
        return found.isoformat()

    def _base(self) -> dict[str, Any]:
        if self._url is None:
            if "url" not in self._left:
                self._native["base"] = ""
            return {}
        del self._left["url"]
        preset = preset_of(self._url)
        if preset is None:
            self._native["base"] = self._url
        return {"preset": preset} if preset and preset != _VIRTUAL else {}

    def _loading(self, overrides: dict[str, Any] | None) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
        """Fields of `spec`, the variant, and the settings that no neutral field says."""
        spec, rest = described(self.type, overrides or {})
        files = self._take("files", list) or []
        build = variant(self._entry.name, files, rest)
        return spec, [build] if build else [], rest

    def _strays(self) -> None:
        """What no field says, as it stands."""
        for key in self._left:
            code, message = _stray(key)
            line = self._entry.lines.get(key)
            self._reading.remark(code, f"line {line}: {message}" if line else message, "it is kept in `extra`")
        if self._left:
            self._native["extra"] = self._left


def _stray(key: str) -> tuple[str, str]:
    """What is odd about a key that is left."""
    if key in _CARRIED:
        return "SCH001", f"no field of a definition holds `{key}`"
    if key in _SETTINGS:
        return "SCH004", f"LocalAI reads `{key}` only in `overrides`"
    if key in _KNOWN:
        return "SCH003", f"`{key}` is of the wrong kind, or empty"
    near = _MEANT.get(key) or guess(key, _KNOWN)
    return "SCH001", f"unknown key `{key[:60]}`" + (f": did you mean `{near}`?" if near else "")


def _links(urls: list[str]) -> dict[str, Any]:
    """Addresses by kind, where their order survives it; else all as `other`."""
    kinds: dict[str, list[str]] = {}
    for url in urls:
        kinds.setdefault(_kind(url), []).append(url)
    again = [url for kind in sorted(kinds, key=link_order) for url in kinds[kind]]
    found = kinds if again == urls else {"other": urls} if urls else {}
    return {kind: each[0] if len(each) == 1 else each for kind, each in found.items()}


def _kind(url: str) -> str:
    rest = url.partition("://")[2]
    host, _, path = rest.partition("/")
    if host in {"huggingface.co", "modelscope.cn"} and path.count("/") == 1:
        return "weights" if path.partition("/")[0] not in {"papers", "datasets", "spaces", "collections"} else "other"
    if host in {"github.com", "gitlab.com"} and path.strip("/").count("/") == 1:
        return "repository"
    return "paper" if host == "arxiv.org" else "other"


# -- nothing may be lost


def _kept(
    entry: Entry, identifier: str, type_: str, model: dict[str, Any], release: dict[str, Any], reading: Reading
) -> Remark | None:
    """Why an export would not give the entry back; what differs is said verbatim first."""
    wanted = entry.value
    got = _exported(entry, identifier, type_, model, release)
    if isinstance(got, Remark):
        return got
    odd = [key for key in wanted if key not in got or not _same(wanted[key], got[key])]
    if odd:
        native = release["runtimes"][_NATIVE]
        native["extra"] = native.get("extra", {}) | {key: wanted[key] for key in odd}
        for key in odd:
            reading.remark("SCH003", f"no field of a definition can say `{key[:60]}` as it is", "it is kept in `extra`")
        again = _exported(entry, identifier, type_, model, release)
        if isinstance(again, Remark):
            return again
        got = again
    if _same(wanted, got):
        return None
    keys = [key for key in {**wanted, **got} if key not in wanted or key not in got or not _same(wanted[key], got[key])]
    named = ", ".join(keys)[:100]
    return Remark("SCH003", f"no definition can say this entry as it is: {named}", "mend it at the source")


def _exported(
    entry: Entry, identifier: str, type_: str, model: dict[str, Any], release: dict[str, Any]
) -> dict[str, Any] | Remark:
    """What an export makes of it; its nulls, which must be where they were, are taken out."""
    try:
        typed, built = Model.model_validate(model), Release.model_validate(release)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return Remark("SCH003", f"{place}: {first['msg']}", "mend it at the source")
    entries, left = entries_of(identifier, type_, typed, FIRST, built)
    if not entries:
        reason = left[0].reason if left else "it installs nothing"
        said = reason if isinstance(reason, str) else reason.get("en", "")
        return Remark("RUN001", f"LocalAI would not take {entry.name[:60]}: {said}", "say what it installs")
    if not entry.nulls:
        return entries[0]
    plain = _Plain()
    found = plain.map(entries[0], "", 0)
    if sorted(plain.nulls) != sorted(entry.nulls):
        return Remark("SCH003", f"no definition can say that {entry.nulls[0][:60]} has no value", "remove it")
    return found


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Equal as YAML: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
