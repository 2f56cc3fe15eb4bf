"""A parsed file and the places of its values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import yaml

from galleryctl.document.marks import compose
from galleryctl.problems import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.document.marks import Node

Pointer = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value."""
Style = Literal["plain", "single", "double", "literal", "folded"]
_STYLES: dict[str | None, Style] = {
    None: "plain",
    "": "plain",
    "'": "single",
    '"': "double",
    "|": "literal",
    ">": "folded",
}


class Scalar(NamedTuple):
    """A scalar as written: `raw` is its text in the file, quotes included."""

    style: Style
    raw: str
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """One file: offsets count characters of `text`, which is the file as it is on disk."""

    path: str
    text: str
    data: dict[str, Any]
    """What it says: a mapping of JSON values without null."""
    dates: tuple[Pointer, ...] = ()
    """Unquoted scalars that look like a date or time; a problem only where no date is meant."""
    composed: yaml.MappingNode | None = field(default=None, repr=False, compare=False, kw_only=True)
    """The nodes; none for a file that was read by its lines alone, until a place in it is asked for."""
    shift: int = field(default=0, repr=False, kw_only=True)
    """Characters before the first one that the reader saw: 1 for a byte-order mark."""

    @cached_property
    def root(self) -> yaml.MappingNode:
        return self.composed or compose(self.text)  # type: ignore[return-value]

    @property
    def is_json(self) -> bool:
        return self.path.endswith(".json")

    def node(self, pointer: Pointer) -> Node | None:
        """The node of a value; none where there is no such value."""
        node: Node | None = self.root
        for part in pointer:
            node = child(node, part) if node is not None else None
        return node

    def key(self, pointer: Pointer) -> Node | None:
        """The node of the key that names a value; none for list items and the root."""
        parent = self.node(pointer[:-1]) if pointer else None
        if isinstance(parent, yaml.MappingNode):
            return next((key for key, _ in parent.value if key.value == pointer[-1]), None)
        return None

    def has(self, pointer: Pointer) -> bool:
        """Whether something stands there, be it a value that a reader takes for none."""
        if self.composed is not None:
            return self.node(pointer) is not None
        value: Any = self.data
        for part in pointer:
            listed = isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value)
            if not listed and not (isinstance(value, dict) and part in value):
                return False
            value = value[part]
        return True

    def renamed(self, old: str, new: str, value: Any) -> Document:  # noqa: ANN401 - any JSON value
        """The document with a top-level field read under another name and value; its place stays the same."""
        members = [
            (
                yaml.ScalarNode(key.tag, new, key.start_mark, key.end_mark, key.style) if key.value == old else key,
                member,
            )
            for key, member in self.root.value
        ]
        root = yaml.MappingNode(self.root.tag, members, self.root.start_mark, self.root.end_mark, self.root.flow_style)
        data = {new if key == old else key: value if key == old else member for key, member in self.data.items()}
        return replace(self, data=data, composed=root)

    def fields(self) -> list[tuple[str, int, int]]:
        """The top-level fields of a block map in the order of the file: name, start and end offset."""
        if self.root.flow_style:
            return []
        return [(key.value, self.extent(key)[0], self.extent(value)[1]) for key, value in self.root.value]

    def indents(self) -> Iterator[tuple[Position, int, int]]:
        """Of every block inside another: where it begins, its column and that of the block around it.

        None for a file that was read by its lines: there it is two columns everywhere.
        """
        if self.composed is not None:
            yield from _indents(self.composed, 0)

    def locate(self, pointer: Pointer, at: Literal["value", "key"] = "value") -> Position:
        """Where a value stands, or its key; of a value that is missing, where the nearest one above it stands."""
        node = self.key(pointer) if at == "key" else None
        upward = pointer
        while node is None:
            node = self.node(upward)
            if node is not None and upward != pointer:
                node = self.key(upward) or node
            upward = upward[:-1]
        return Position(node.start_mark.line + 1, node.start_mark.column + 1)

    def span(self, pointer: Pointer, at: Literal["value", "key"] = "value") -> tuple[int, int]:
        """Offsets of a value, or of its key. Raises `KeyError` where there is none."""
        node = self.key(pointer) if at == "key" else self.node(pointer)
        if node is None:
            raise KeyError(pointer)
        return self.extent(node)

    def extent(self, node: Node) -> tuple[int, int]:
        """Offsets of a node, without the blank lines and comments that libyaml counts to a block."""
        start, last = node.start_mark.index, _last(node)
        end = last.end_mark.index
        if isinstance(last, yaml.ScalarNode) and last.style in {"|", ">"}:
            end = len(self.text[self.shift : self.shift + end].rstrip(" \r\n"))
        return start + self.shift, end + self.shift

    def scalar(self, pointer: Pointer) -> Scalar | None:
        """A scalar as written; none where there is none."""
        node = self.node(pointer)
        if not isinstance(node, yaml.ScalarNode):
            return None
        start, end = self.extent(node)
        return Scalar(_STYLES[node.style], self.text[start:end], start, end)


def child(node: Node, part: str | int) -> Node | None:
    """One step of a pointer."""
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part]  # type: ignore[no-any-return]
    return None


def _last(node: Node) -> Node:
    """The node whose end is the end of this one."""
    while not isinstance(node, yaml.ScalarNode) and node.value and not node.flow_style:
        member = node.value[-1]
        node = member[1] if isinstance(member, tuple) else member
    return node


def _indents(node: Node, column: int) -> Iterator[tuple[Position, int, int]]:
    for member in node.value:
        value = member[1] if isinstance(member, tuple) else member
        if isinstance(value, yaml.ScalarNode) or value.flow_style:
            continue
        start = value.start_mark
        yield Position(start.line + 1, start.column + 1), start.column, column
        yield from _indents(value, start.column)
