"""Nodes of a file with the place of each: composed by libyaml, or scanned from JSON.

Scalars keep the text as written. `PLAIN` marks unquoted YAML scalars, whose meaning `values` decides; `LITERAL` marks
JSON's own numbers and words. libyaml recurses, so nesting that could exhaust the stack is refused before it composes.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import NamedTuple

import yaml

PLAIN = "plain"
LITERAL = "literal"
TEXT = "text"
DEEPEST = 200
"""No policy allows more; libyaml and the scanner recurse this far without harm."""

Node = yaml.ScalarNode | yaml.MappingNode | yaml.SequenceNode


class Place(NamedTuple):
    """A character of the file: offset, line and column, all from 0 as libyaml counts them."""

    offset: int
    line: int
    column: int


class Refused(Exception):  # noqa: N818 - not an error of the program
    """What the file may not hold, found before there are nodes."""

    def __init__(
        self, code: str, place: Place, message: str, fix: str, edits: tuple[tuple[int, int, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.code, self.place, self.message, self.fix, self.edits = code, place, message, fix, edits


class _Loader(yaml.CSafeLoader):
    """Composes without resolving: which scalars are numbers is decided by `values`, not by YAML 1.1."""

    def resolve(self, kind: type[Node], value: object, implicit: object) -> str:  # noqa: ARG002 - as in the base class
        return PLAIN if kind is yaml.ScalarNode and implicit[0] else TEXT  # type: ignore[index]

    def descend_resolver(self, parent: object, index: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


_INDICATOR = re.compile(r"(?:^|[\s\[\]{},:?-])[&*!](?!\s)", re.MULTILINE)
_DIRECTIVE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*%")
_NESTED = re.compile(r"^(?:[ ?:-]{40}|(?:[?:-] +){8})", re.MULTILINE)
_MANY_BRACKETS = 400


def compose(text: str) -> Node | None:
    """The root node of YAML text; none where it holds nothing. Raises `Refused`, or `yaml.YAMLError`."""
    if match := _DIRECTIVE.match(text):
        raise Refused(
            "YML005", lines(text).place(match.end() - 1), "a directive: readers differ about it", "delete the line"
        )
    brackets = text.count("[") + text.count("{")
    if brackets > _MANY_BRACKETS or _NESTED.search(text) or _INDICATOR.search(text):
        _scan(text)
    loader = _Loader(text)
    try:
        return loader.get_single_node()  # type: ignore[return-value]
    finally:
        loader.dispose()


def _scan(text: str) -> None:
    """Refuses anchors, aliases, tags and deep nesting from the tokens alone, so a bomb is never unfolded."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        match token:
            case yaml.BlockMappingStartToken() | yaml.BlockSequenceStartToken():
                depth += 1
            case yaml.FlowMappingStartToken() | yaml.FlowSequenceStartToken():
                depth += 1
            case yaml.BlockEndToken() | yaml.FlowMappingEndToken() | yaml.FlowSequenceEndToken():
                depth -= 1
            case yaml.AnchorToken() | yaml.AliasToken():
                sign = "&" if isinstance(token, yaml.AnchorToken) else "*"
                word = "anchor" if sign == "&" else "alias"
                message = (
                    f"the {word} `{sign}{token.value}`: not every reader resolves it, and it can unfold without end"
                )
                raise Refused("YML003", _place(token.start_mark), message, "write the values out")
            case yaml.TagToken():
                tag = text[token.start_mark.index : token.end_mark.index].strip()
                fix = "remove the tag; quote the value if text is meant"
                raise Refused("YML004", _place(token.start_mark), f"the tag `{tag}`: values have no tags here", fix)
            case _:
                pass
        if depth > DEEPEST:
            raise too_deep(_place(token.start_mark))


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.index, mark.line, mark.column)


def too_deep(place: Place) -> Refused:
    return Refused("YML011", place, "nested too deeply", "flatten it, or move long text to README.md")


class Lines:
    """Offsets of a text as lines and columns."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]

    def place(self, index: int) -> Place:
        line = bisect_right(self._starts, index) - 1
        return Place(index, line, index - self._starts[line])


def lines(text: str) -> Lines:
    return Lines(text)


_BLANK = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_WORD = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![\w.+-])|(?:true|false|null)\b")
_FOREIGN = re.compile(r"-?(?:NaN|Infinity)\b")


class Scanner:
    """Reads JSON into the nodes that YAML gives, so both kinds of file obey the same rules."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = Lines(text)
        self._at = 0

    def document(self) -> Node | None:
        """The root node; none where the text is empty. Raises `Refused`."""
        self._skip()
        if self._at == len(self._text):
            return None
        root = self._value(1)
        self._skip()
        if self._at < len(self._text):
            raise self._refuse("YML001", "something stands after the end of the JSON value", "delete it")
        return root

    def _mark(self, index: int) -> yaml.Mark:
        place = self._lines.place(index)
        return yaml.Mark("", index, place.line, place.column, None, None)  # type: ignore[arg-type]

    def _refuse(self, code: str, message: str, fix: str) -> Refused:
        return Refused(code, self._lines.place(self._at), message, fix)

    def _skip(self) -> None:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at
        if self._text.startswith(("//", "/*", "#"), self._at):
            raise self._refuse("YML014", "a comment: JSON has none", "delete it, or write the file as YAML")

    def _value(self, depth: int) -> Node:
        sign = self._text[self._at : self._at + 1]
        if sign in {"{", "["}:
            if depth > DEEPEST:
                raise too_deep(self._lines.place(self._at))
            return self._mapping(depth) if sign == "{" else self._sequence(depth)
        if sign == '"':
            return self._string()
        start = self._at
        match = _WORD.match(self._text, start)
        if match is None:
            if _FOREIGN.match(self._text, start):
                raise self._refuse("YML014", "`NaN` and `Infinity` are no JSON", "leave the field out")
            if start == len(self._text):
                raise self._refuse("YML001", "the file ends before its last bracket is closed", "close it")
            raise self._refuse("YML001", "not JSON: a value is expected here", "write text in double quotes")
        self._at = match.end()
        return yaml.ScalarNode(LITERAL, match[0], self._mark(start), self._mark(self._at))

    def _string(self) -> Node:
        start = self._at
        match = _STRING.match(self._text, start)
        if match is None:
            raise self._refuse(
                "YML001", "not JSON: this text is not closed, or holds an unknown escape", "write `\\\\` for `\\`"
            )
        value = json.loads(match[0])
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise self._refuse("YML014", "half a surrogate pair: no character", "write the character itself")
        self._at = match.end()
        return yaml.ScalarNode(TEXT, value, self._mark(start), self._mark(self._at), style='"')

    def _mapping(self, depth: int) -> Node:
        start, members = self._at, []
        for _ in self._members("}"):
            if self._text[self._at : self._at + 1] != '"':
                raise self._refuse(
                    "YML001", "not JSON: a field name in double quotes is expected here", "quote the name"
                )
            key = self._string()
            self._skip()
            if self._text[self._at : self._at + 1] != ":":
                raise self._refuse("YML001", "not JSON: a `:` is expected here", "write `:` after the field name")
            self._at += 1
            self._skip()
            members.append((key, self._value(depth + 1)))
        return yaml.MappingNode(TEXT, members, self._mark(start), self._mark(self._at), flow_style=True)

    def _sequence(self, depth: int) -> Node:
        start, items = self._at, []
        for _ in self._members("]"):
            items.append(self._value(depth + 1))  # noqa: PERF401 - the generator moves on between the items
        return yaml.SequenceNode(TEXT, items, self._mark(start), self._mark(self._at), flow_style=True)

    def _members(self, close: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a private generator of nothing
        self._at += 1
        self._skip()
        if self._text.startswith(close, self._at):
            self._at += 1
            return
        while True:
            yield
            self._skip()
            if self._text.startswith(close, self._at):
                self._at += 1
                return
            if not self._text.startswith(",", self._at):
                raise self._refuse(
                    "YML001", f"not JSON: `,` or `{close}` is expected here", "put a comma between the members"
                )
            comma = self._at
            self._at += 1
            self._skip()
            if self._text.startswith(close, self._at):
                self._at = comma
                raise self._refuse("YML014", "a comma after the last member: JSON has none there", "delete the comma")
