"""The form in which a file is kept (YML013), as far as its text alone tells: line ends and blanks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from galleryctl.document.marks import Lines
from galleryctl.problems import Edit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galleryctl.document.marks import Node
    from galleryctl.document.model import Document

_TRAILING = re.compile(r"[ \t]+(?=\r?\n|\Z)")
_END = re.compile(r"[\r\n]*\Z")


def untidy(document: Document, add: Callable[..., None]) -> None:
    """Adds a problem for blanks at the ends of lines, and one for a file that does not end with one newline."""
    text = document.text
    blanks = " \n" in text or "\t\n" in text or "\r" in text or text[-1:] in {" ", "\t"}
    trailing = [Edit(*match.span(), "") for match in _TRAILING.finditer(text)] if blanks else []
    if trailing:
        spans = list(_content(document, document.root))
        trailing = [edit for edit in trailing if not any(start <= edit.start < end for start, end in spans)]
    if trailing:
        message = f"blanks at the end of {len(trailing)} line{'s' if len(trailing) > 1 else ''}"
        add("YML013", Lines(text).place(trailing[0].start), message, "remove them", tuple(trailing))
    match = _END.search(text, max(0, len(text.rstrip("\r\n"))))
    if match and match[0] not in {"\n", "\r\n"} and not _keeps(document.root, text):
        message = "blank lines at the end of the file" if match[0] else "the last line has no newline"
        add(
            "YML013",
            Lines(text).place(match.start()),
            message,
            "end the file with one newline",
            (Edit(*match.span(), "\n"),),
        )


def _content(document: Document, node: Node) -> Iterator[tuple[int, int]]:
    """Spans in which a blank at the end of a line belongs to a value."""
    if isinstance(node, yaml.ScalarNode):
        if node.start_mark.line != node.end_mark.line:
            yield node.start_mark.index + document.shift, node.end_mark.index + document.shift
        return
    for member in node.value:
        for below in member if isinstance(member, tuple) else (member,):
            yield from _content(document, below)


def _keeps(node: Node, text: str) -> bool:
    """Whether the last value is a block whose last newlines belong to it (`|+`)."""
    while not isinstance(node, yaml.ScalarNode) and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    header = text[node.start_mark.index :].partition("\n")[0] if isinstance(node, yaml.ScalarNode) else ""
    return isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"} and "+" in header.partition("#")[0]
