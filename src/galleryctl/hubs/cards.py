"""Cards of hubs as texts of their own: without the front matter, relative links pinned to where they lead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urljoin

if TYPE_CHECKING:
    from galleryctl.hubs.base import Hub, Snapshot

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SPAN = re.compile(r"(`+)[^`\n]+\1(?!`)")
_IMAGE = re.compile(r"(!\[[^\[\]\n]{0,500}\]\([ ]?<?)([^()\s<>]+)")
_LINK = re.compile(r"(\]\([ ]?<?)([^()\s<>]+)")
_DEFINED = re.compile(r"^( {0,3}\[[^\[\]\n]{1,500}\]: {0,4}<?)([^\s<>]+)")
_SOURCE = re.compile(r"(<(?:img|source|video|audio)\b[^<>\n]{0,2000}?\bsrc=[\"']?)([^\s\"'<>]+)", re.IGNORECASE)
_TARGET = re.compile(r"(<a\b[^<>\n]{0,2000}?\bhref=[\"']?)([^\s\"'<>]+)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#")
_LONGEST = 100_000  # letters of a line that is looked into


class Card(NamedTuple):
    """A card taken apart."""

    front: str
    """The front matter: YAML, not judged; empty where there is none."""
    body: str


def strip(text: str) -> Card:
    """A card without the front matter, byte-order mark and carriage returns."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return Card("", text.lstrip("\n"))
    end = next((index for index, line in enumerate(lines[1:], 1) if line.rstrip() in {"---", "..."}), None)
    if end is None:
        return Card("", text)
    return Card("\n".join(lines[1:end]), "\n".join(lines[end + 1 :]).lstrip("\n"))


def page(found: Snapshot) -> str:
    """Where people look at a repository."""
    if found.kind == "modelscope":
        return f"https://www.modelscope.cn/models/{found.repo}"
    return f"https://huggingface.co/{found.repo}"


def shown(found: Snapshot, path: str) -> str:
    """Where people read a file."""
    folder = "file/view" if found.kind == "modelscope" else "blob"
    revision = found.revision or ("master" if found.kind == "modelscope" else "main")
    return f"{page(found)}/{folder}/{revision}/{quote(path)}"


def taken(hub: Hub, found: Snapshot, text: str) -> str:
    """The card of a repository as a card of the gallery: without front matter, its links pinned to the revision."""
    pictures = hub.address(found, "x").removesuffix("x")
    return pinned(strip(text).body, shown(found, ""), pictures).rstrip("\n") + "\n"


def pinned(body: str, link_base: str, image_base: str) -> str:
    """A card whose relative links lead to `link_base`, its pictures to `image_base`; code stays as it is."""
    links, images = (base if base.endswith("/") else f"{base}/" for base in (link_base, image_base))
    lines, fence = body.split("\n"), ""
    for index, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip("`~ \t"):
                fence = ""
        elif mark:
            fence = mark[1]
        elif len(line) <= _LONGEST:
            lines[index] = _line(line, links, images)
    return "\n".join(lines)


def _line(line: str, links: str, images: str) -> str:
    parts, at = [], 0
    for span in _SPAN.finditer(line):
        parts += [_text(line[at : span.start()], links, images), span[0]]
        at = span.end()
    return "".join([*parts, _text(line[at:], links, images)])


def _text(text: str, links: str, images: str) -> str:
    if "](" not in text and "<" not in text and "]:" not in text:
        return text
    for pattern, base in ((_IMAGE, images), (_SOURCE, images), (_LINK, links), (_TARGET, links), (_DEFINED, links)):
        text = pattern.sub(lambda found, base=base: found[1] + _joined(base, found[2]), text)  # type: ignore[misc]
    return text


def _joined(base: str, target: str) -> str:
    if _ABSOLUTE.match(target):
        return target
    try:
        return urljoin(base, target)
    except ValueError:
        return target
