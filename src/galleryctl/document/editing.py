"""Changing a file in place: only the characters of the changed value move; comments, order and spelling stay."""

from __future__ import annotations

import re
from bisect import bisect_left
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import yaml

from galleryctl.document.model import child
from galleryctl.document.writing import as_json, block, inline, member_lines, scalar
from galleryctl.problems import Edit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galleryctl.document.marks import Node
    from galleryctl.document.model import Document, Pointer


class Delete(Enum):
    """The value that stands for no value."""

    DELETE = "delete"


DELETE: Final = Delete.DELETE
_GAP = re.compile(r"[ \t]*:[ \t]*")
_LINE_REST = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|\Z)")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*")


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with every edit made. Of edits that overlap, the shortest wins; the others can be made next time."""
    chosen: list[Edit] = []
    for edit in sorted(set(edits), key=lambda edit: (edit.end - edit.start, edit)):
        index = bisect_left(chosen, edit)
        clear_before = index == 0 or chosen[index - 1].end <= edit.start
        if clear_before and (index == len(chosen) or edit.end <= chosen[index].start):
            chosen.insert(index, edit)
    parts, at = [], 0
    for edit in chosen:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])


def splice(document: Document, edits: Sequence[Edit]) -> str:
    """The file's text with every edit made."""
    return apply(document.text, edits)


def assign(
    document: Document,
    pointer: Pointer,
    value: Any,  # noqa: ANN401 - any JSON value
    *,
    order: Sequence[str] = (),
) -> tuple[Edit, ...]:
    """The edits that set, add or delete (`DELETE`) one value. Missing maps above it are made.

    An index one past the end appends. A new field stands behind the fields that `order` names before it. Raises
    `KeyError` where the pointer leads through a value that is no map or list.
    """
    if not pointer:
        raise KeyError(pointer)
    parent = document.node(pointer[:-1])
    if parent is None or (isinstance(parent, yaml.ScalarNode) and not parent.value):
        return () if value is DELETE else assign(document, pointer[:-1], {pointer[-1]: value}, order=order)
    if isinstance(parent, yaml.ScalarNode):
        raise KeyError(pointer)
    present = child(parent, pointer[-1])
    editor = _Editor(document)
    if value is DELETE:
        return () if present is None else editor.remove(pointer, parent)
    if present is None:
        return editor.add(parent, pointer, value, order)
    return editor.change(pointer, parent, present, value)


class _Editor:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._text = document.text

    def _extent(self, node: Node) -> tuple[int, int]:
        return self._document.extent(node)

    def _inline(self, value: Any) -> str:  # noqa: ANN401 - any JSON value
        return as_json(value) if self._document.is_json else inline(value)

    def _name(self, key: str, *, flow: bool) -> str:
        return as_json(key) if self._document.is_json else scalar(key, flow=flow)

    def _flow(self, pointer: Pointer) -> bool:
        """Whether the value at a pointer lies in a flow collection, or is one."""
        nodes = [self._document.node(pointer[:length]) for length in range(len(pointer) + 1)]
        return any(not isinstance(node, yaml.ScalarNode) and node is not None and node.flow_style for node in nodes)

    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self._text else "\n"

    # -- change

    def change(self, pointer: Pointer, parent: Node, present: Node, value: Any) -> tuple[Edit, ...]:  # noqa: ANN401
        start, end = self._extent(present)
        if self._flow(pointer[:-1]):
            return (Edit(start, end, self._padded(start, self._inline(value))),)
        if isinstance(present, yaml.MappingNode) and isinstance(value, dict):
            old = [key.value for key, _ in present.value]
            gone = [key for key in old if key not in value]
            new = [key for key in value if key not in old]
            if len(gone) < len(old) and not present.flow_style and not new:
                changed = [key for key in old if key in value]
                edits = [edit for key in gone for edit in assign(self._document, (*pointer, key), DELETE)]
                edits += [edit for key in changed for edit in self._different((*pointer, key), value[key])]
                return tuple(edits)
        if isinstance(parent, yaml.SequenceNode):
            return (Edit(start, end, self._item(value, present.start_mark.column)),)
        return (self._member(pointer, start, end, value),)

    def _different(self, pointer: Pointer, value: Any) -> tuple[Edit, ...]:  # noqa: ANN401 - any JSON value
        present: Any = self._document.data
        for part in pointer:
            present = present[part]
        same = type(present) is type(value) and present == value
        return () if same else assign(self._document, pointer, value)

    def _padded(self, start: int, text: str) -> str:
        return f" {text}" if start and self._text[start - 1] == ":" else text

    def _member(self, pointer: Pointer, start: int, end: int, value: Any) -> Edit:  # noqa: ANN401 - any JSON value
        """Replaces everything behind the colon; a comment on the key's line stays."""
        key = self._document.key(pointer)
        if key is None:
            raise KeyError(pointer)
        gap = _GAP.match(self._text, self._extent(key)[1])
        if gap is None:  # an explicit key (`? `): only its value moves
            return Edit(start, end, self._inline(value))
        comment = _COMMENT.search(self._text, gap.end() - 1, start) if "\n" in self._text[gap.end() : start] else None
        note = comment[0].strip() if comment else ""
        first, *below = member_lines("", value, key.start_mark.column)
        begin = first.strip().removeprefix(":").strip()
        line = ": " + begin if begin else ":"
        if note:
            line += f"  {note}"
        return Edit(gap.start(), end, self._newline().join([line, *below]))

    def _item(self, value: Any, column: int) -> str:  # noqa: ANN401 - any JSON value
        """A value as list item, behind its dash."""
        first, *below = block([value], column - 2)
        return self._newline().join([first.strip().removeprefix("- "), *below])

    # -- add

    def add(self, parent: Node, pointer: Pointer, value: Any, order: Sequence[str]) -> tuple[Edit, ...]:  # noqa: ANN401
        name = pointer[-1]
        if isinstance(parent, yaml.SequenceNode) and name != len(parent.value):
            raise KeyError(pointer)
        if not parent.value and not self._flow(pointer[:-2]) and len(pointer) > 1:
            whole = [value] if isinstance(parent, yaml.SequenceNode) else {name: value}
            return self.change(pointer[:-1], self._above(pointer), parent, whole)
        if not parent.value and len(pointer) == 1 and not self._document.is_json:
            start, end = self._extent(parent)
            return (Edit(start, end, self._newline().join(member_lines(self._name(str(name), flow=False), value, 0))),)
        if self._flow(pointer[:-1]):
            return (self._flow_member(parent, name, value, order),)
        return (self._block_member(parent, name, value, order),)

    def _above(self, pointer: Pointer) -> Node:
        node = self._document.node(pointer[:-2])
        if node is None:
            raise KeyError(pointer)
        return node

    def _after(self, parent: Node, name: str | int, order: Sequence[str]) -> int:
        """Index of the member behind which a new one stands; -1 for the beginning."""
        if isinstance(parent, yaml.SequenceNode) or name not in order:
            return len(parent.value) - 1
        before = set(order[: list(order).index(str(name))])
        places = [index for index, (key, _) in enumerate(parent.value) if key.value in before]
        behind = any(key.value in order for key, _ in parent.value)
        return max(places) if places else (-1 if behind else len(parent.value) - 1)

    def _flow_member(self, parent: Node, name: str | int, value: Any, order: Sequence[str]) -> Edit:  # noqa: ANN401
        text = self._inline(value)
        if isinstance(parent, yaml.MappingNode):
            text = f"{self._name(str(name), flow=True)}: {text}"
        start, end = self._extent(parent)
        if not parent.value:
            return Edit(start + 1, end - 1, text)
        index = self._after(parent, name, order)
        if index < 0:
            first = self._extent(parent.value[0][0])[0]
            return Edit(first, first, f"{text}, ")
        last = parent.value[index]
        first_node, last_node = last if isinstance(last, tuple) else (last, last)
        place = self._extent(last_node)[1]
        column = first_node.start_mark.column
        own_line = first_node.start_mark.line != parent.start_mark.line
        return Edit(place, place, f",{self._newline()}{' ' * column}{text}" if own_line else f", {text}")

    def _block_member(self, parent: Node, name: str | int, value: Any, order: Sequence[str]) -> Edit:  # noqa: ANN401
        column = parent.start_mark.column
        if isinstance(parent, yaml.SequenceNode):
            lines = block([value], column)
        else:
            lines = member_lines(self._name(str(name), flow=False), value, column)
        index = self._after(parent, name, order)
        newline = self._newline()
        if index < 0:
            place = self._extent(parent)[0]
            return Edit(place, place, newline.join(lines).lstrip(" ") + newline + " " * column)
        last = parent.value[index]
        place = self._line_end(self._extent(last[1] if isinstance(last, tuple) else last)[1])
        text = newline.join(lines) + newline
        return Edit(place, place, text if self._text[place - 1 : place] in {"\n", "\r"} else newline + text)

    def _line_end(self, end: int) -> int:
        """Offset behind the line on which a value ends, its comment included."""
        match = _LINE_REST.match(self._text, end)
        return match.end() if match else end

    # -- remove

    def remove(self, pointer: Pointer, parent: Node) -> tuple[Edit, ...]:
        index = self._index(parent, pointer[-1])
        if len(parent.value) == 1:
            start, end = self._extent(parent)
            empty = "{}" if isinstance(parent, yaml.MappingNode) else "[]"
            if len(pointer) > 1 and not self._flow(pointer[:-1]) and self._document.key(pointer[:-1]) is not None:
                return (self._member(pointer[:-1], start, end, {} if empty == "{}" else []),)
            return (Edit(start, end, empty),)
        if self._flow(pointer[:-1]):
            return (self._flow_removal(parent, index),)
        return (self._block_removal(parent, index),)

    def _index(self, parent: Node, name: str | int) -> int:
        if isinstance(parent, yaml.MappingNode):
            return next(index for index, (key, _) in enumerate(parent.value) if key.value == name)
        return int(name)

    def _bounds(self, parent: Node, index: int) -> tuple[int, int]:
        member = parent.value[index]
        first, last = member if isinstance(member, tuple) else (member, member)
        return self._extent(first)[0], self._extent(last)[1]

    def _flow_removal(self, parent: Node, index: int) -> Edit:
        start, end = self._bounds(parent, index)
        if index + 1 < len(parent.value):
            return Edit(start, self._bounds(parent, index + 1)[0], "")
        return Edit(self._bounds(parent, index - 1)[1], end, "")

    def _block_removal(self, parent: Node, index: int) -> Edit:
        first, end = self._bounds(parent, index)
        start = self._text.rindex("-", 0, first) if isinstance(parent, yaml.SequenceNode) else first
        line = max(self._text.rfind("\n", 0, start), self._text.rfind("\r", 0, start)) + 1
        if self._text[line:start].rstrip().endswith("?"):  # an explicit key
            start = self._text.rindex("?", 0, start)
        if self._text[line:start].strip(" "):  # behind a dash, which stays
            if index + 1 < len(parent.value):
                return Edit(first, self._bounds(parent, index + 1)[0], "")
            return Edit(self._bounds(parent, index - 1)[1], end, "")
        return Edit(line, self._line_end(end), "")
