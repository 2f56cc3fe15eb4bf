"""The native exports, as pages tell of them: which files there are, how they are used, what they leave out."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import layout
from galleryctl.runtimes.base import PLAIN
from galleryctl.runtimes.natives import NATIVES, line, use

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.runtimes import Native
    from galleryctl.site.frame import Frame

_MORE = 12
"""Further files of a model that a page links for one runtime."""
_SHOWN = 6
"""Reasons that a page tells of one runtime."""


class NativeFile(NamedTuple):
    """A published file, relative to the root of the site, and the line of a shell that uses it."""

    path: str
    label: str
    what: str
    line: str


class Exported(NamedTuple):
    """What one runtime gets of a model; `why` where it gets nothing."""

    name: str
    title: str
    home: str
    files: tuple[NativeFile, ...]
    more: tuple[NativeFile, ...]
    """Files of further builds."""
    left: tuple[tuple[str, str], ...]
    why: str


def of(frame: Frame, identifier: str) -> Mapping[str, Exported]:
    """What each runtime of the gallery gets of a model, by its name."""
    found = frame.natives.native(identifier) if frame.natives else ()
    by_name = {each.runtime: _exported(frame, each) for each in found}
    return {name: by_name[name] for name in dict.fromkeys([*NATIVES, *by_name]) if name in by_name}


def _exported(frame: Frame, each: Native) -> Exported:
    facts = NATIVES.get(each.runtime)
    title, home = (facts.title, facts.home) if facts else (each.runtime, "")
    reasons: dict[str, list[str]] = {}
    for variant, quantization, reason in each.left:
        name = variant if quantization in {"", PLAIN} else f"{variant} {quantization}"
        reasons.setdefault(frame.text(reason), []).append(name)
    left = [(", ".join(name for name in names if name), reason) for reason, names in reasons.items()]
    files = tuple(_file(frame, path) for path in (*each.files[:1], *each.shared))
    more = tuple(_file(frame, path) for path in each.files[1 : 1 + _MORE])
    why = "" if files else " ".join(reason for _, reason in left[:_SHOWN])
    return Exported(each.runtime, title, home, files, more, tuple(left[:_SHOWN]) if files else (), why)


def _file(frame: Frame, path: str) -> NativeFile:
    return NativeFile(path, layout.inside(path), *_said(frame.base, frame.gallery, frame.language, path))


@lru_cache(256)
def _said(base: str, gallery: str, language: str, path: str) -> tuple[str, str]:
    """What a file is, and its line; most models share theirs."""
    runtime, inner = layout.runtime_of(path), layout.inside(path)
    found = use(runtime, inner)
    what = found.what if found else ""
    text = what if isinstance(what, str) else what.get(language) or what["en"]
    return text, line(runtime, inner, f"{base}{path}", gallery)


def listed(frame: Frame) -> Iterator[tuple[str, str, Sequence[NativeFile]]]:
    """Every runtime of the gallery with its shared files: title, home, files."""
    shared = frame.natives.shared() if frame.natives else ()
    names = dict.fromkeys(layout.runtime_of(path) for path in shared)
    for name in dict.fromkeys([*NATIVES, *names]):
        if name in names:
            facts = NATIVES.get(name)
            files = [_file(frame, path) for path in shared if layout.runtime_of(path) == name]
            yield facts.title if facts else name, facts.home if facts else "", files
