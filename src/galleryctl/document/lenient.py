"""A reader for YAML that others wrote: anchors, merge keys, names that stand twice, odd escapes, broken items.

What one part of the file gets wrong does not hide the rest: it is mended where its meaning is sure, else left out, and
told with its line. Values are those of PyYAML's safe loader. Nothing unfolds without end: aliases count at every use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from galleryctl.document.parsing import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from galleryctl.document.model import Pointer

MOST = 64 * 2**20
"""Characters beyond which a foreign file is not read."""
DEEPEST = 64
WEIGHT = 2_000_000
"""Values that a file may unfold to, or as many as it has characters; long text counts as several."""
_TEXT = 100
_ATTEMPTS = 1_000
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ITEM = re.compile(r"^-(?=[ \t\r\n]|\Z)", re.MULTILINE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_TABS = re.compile(r"[ \t]*\t[ \t]*")
_CORE = "tag:yaml.org,2002:"
_RESOLVERS: Mapping[str, Sequence[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers


class Fault(NamedTuple):
    """Something wrong with the file. `line` counts from 1."""

    code: str
    line: int
    message: str
    fix: str


class TooMuchError(ValueError):
    """A file that unfolds, or nests, without end; or is no text at all."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"line {fault.line}: {fault.message}")
        self.fault = fault


@dataclass(frozen=True)
class Foreign:
    """What the file says. An item of the outermost list that could not be read is None, and a fault says why."""

    data: Any
    faults: tuple[Fault, ...]
    places: Mapping[int, Any] = field(repr=False)
    """Lines of members by identity of what they stand in."""
    anchored: bool = False
    """Whether something has an anchor."""

    def line(self, pointer: Pointer) -> int:
        """Line of a value, from 1: of one that is missing, the line of what it would stand in."""
        line, value = 1, self.data
        for part in pointer:
            try:
                line, value = self.places[id(value)][part], value[part]
            except (KeyError, IndexError, TypeError):
                break
        return int(line)


def lenient(text: str, most: int = MOST) -> Foreign:
    """Reads a foreign file. Raises `TooMuchError` where nothing of it can be read."""
    if len(text) > most:
        raise TooMuchError(Fault("YML011", 1, f"{len(text)} characters: too large to read", "split it"))
    return _Reader(text.removeprefix("\ufeff")).read()


@lru_cache(8192)
def _plain(text: str) -> Any:  # noqa: ANN401 - any YAML scalar
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return _constructed(tag, text)
    return text


def _constructed(tag: str, text: str) -> Any:  # noqa: ANN401 - any YAML scalar
    if tag not in {f"{_CORE}{kind}" for kind in ("bool", "int", "float", "null", "timestamp")}:
        return text
    try:
        return yaml.constructor.SafeConstructor().construct_object(yaml.ScalarNode(tag, text))
    except (yaml.YAMLError, ValueError, OverflowError, AttributeError, LookupError):  # a 13th month, no digits
        return text


_NOTHING = object()
_MERGE = object()


class _Frame:
    """A list or map whose end has not come."""

    __slots__ = ("anchor", "height", "key", "line", "listed", "merges", "places", "value", "weight")

    def __init__(self, value: list[Any] | dict[Any, Any], line: int, anchor: str | None) -> None:
        self.value: Any = value
        self.line, self.anchor = line, anchor
        self.listed = isinstance(value, list)
        self.places: Any = [] if self.listed else {}
        self.key: Any = _NOTHING
        self.merges: list[tuple[Any, int]] = []
        self.weight, self.height = 1, 1


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._weight = max(WEIGHT, len(text))
        self._faults: list[Fault] = []
        self._anchors: dict[str, Any] = {}
        self._places: dict[int, Any] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        """Weight and height by identity."""
        self._kept: list[Any] = []
        """Keeps identities from being used again."""
        self._stack: list[_Frame] = []
        self._root: Any = _NOTHING
        self._first = 0
        """Lines before the part that is being read."""
        self._resuming = False

    def read(self) -> Foreign:
        self._clean()
        start = 0
        for _ in range(_ATTEMPTS):
            try:
                self._parse(self._text[start:])
                break
            except yaml.MarkedYAMLError as error:
                start = self._recover(error, start)
                if start < 0:
                    break
            except yaml.YAMLError as error:
                raise TooMuchError(Fault("YML001", 1, f"not YAML: {error}", "write plain YAML")) from None
        else:
            self._add("YML011", len(self._text.splitlines()), "too many broken items", "mend the ones told so far")
        if self._stack:
            self._root = self._stack[0].value
            self._places[id(self._root)] = self._stack[0].places
        data = None if self._root is _NOTHING else self._root
        return Foreign(
            data, tuple(sorted(set(self._faults), key=lambda fault: fault.line)), self._places, bool(self._anchors)
        )

    def _add(self, code: str, line: int, message: str, fix: str) -> None:
        self._faults.append(Fault(code, line, message, fix))

    def _clean(self) -> None:
        """Characters that no YAML reader takes, put out of the way."""
        if _UNREADABLE.search(self._text) is None:
            return
        at, line = 0, 1
        for match in _UNREADABLE.finditer(self._text):
            line += self._text.count("\n", at, match.start())
            at = match.start()
            self._add("TXT002", line, f"the character U+{ord(match[0]):04X} is not allowed in a file", "remove it")
        self._text = _UNREADABLE.sub("\ufffd", self._text)

    # -- one pass

    def _parse(self, text: str) -> None:
        parser = yaml.CSafeLoader(text)
        try:
            while True:
                event: Any = parser.get_event()
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    self._scalar(event)
                elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                    self._open(event)
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self._close()
                elif kind is yaml.AliasEvent:
                    self._alias(event)
                elif event is None or kind is yaml.StreamEndEvent:
                    return
                elif kind is yaml.DocumentStartEvent and self._root is not _NOTHING:
                    line = event.start_mark.line + 1 + self._first
                    self._add("YML005", line, "a second document begins here", "move it to a file of its own")
                    return
        finally:
            parser.dispose()

    def _open(self, event: Any) -> None:  # noqa: ANN401 - an event of libyaml
        line = event.start_mark.line + 1 + self._first
        if self._resuming:  # the list that the last part began
            self._resuming = False
            return
        if event.tag and not event.tag.startswith(_CORE):
            self._add("YML004", line, f"the tag `{shown(event.tag)}` is not read", "remove it")
        if len(self._stack) >= DEEPEST:
            raise TooMuchError(Fault("YML011", line, "nested too deeply", "flatten it"))
        value: Any = [] if type(event) is yaml.SequenceStartEvent else {}
        self._stack.append(_Frame(value, line, event.anchor))

    def _close(self) -> None:
        frame = self._stack.pop()
        value = frame.value
        if isinstance(value, dict) and frame.merges:
            self._merge(frame)
        value = frame.value
        self._places[id(value)] = frame.places
        self._sizes[id(value)] = frame.weight, frame.height
        self._kept.append(value)
        if frame.anchor:
            self._anchors[frame.anchor] = value
        self._put(value, frame.line, frame.weight, frame.height)

    def _merge(self, frame: _Frame) -> None:
        """Own members win; of several merged maps in one list the first does."""
        value: dict[Any, Any] = {}
        places: dict[Any, int] = {}
        for merged, line in frame.merges:
            maps = merged[::-1] if isinstance(merged, list) else [merged]
            for each in maps:
                if isinstance(each, dict):
                    value |= each
                    places |= self._places[id(each)]
                else:
                    self._add("YML003", line, "`<<` merges something that is no map", "name an anchor of a map")
        frame.value = value | frame.value
        frame.places = places | frame.places

    def _scalar(self, event: Any) -> None:  # noqa: ANN401 - an event of libyaml
        text, tag = event.value, event.tag
        value: Any = text
        line = event.start_mark.line + 1 + self._first
        if tag is None or tag == "!":
            if event.implicit[0]:
                value = _plain(text)
                if text == "<<" and self._stack and not self._stack[-1].listed and self._stack[-1].key is _NOTHING:
                    value = _MERGE
        elif tag == f"{_CORE}merge":
            value = _MERGE
        elif tag != f"{_CORE}str":
            value = _constructed(tag, text)
            if value is text:
                self._add("YML004", line, f"the tag `{shown(tag)}` is not read", "remove it")
        if event.anchor:
            self._anchors[event.anchor] = value
        self._put(value, line, 1 + len(text) // _TEXT, 0)

    def _alias(self, event: Any) -> None:  # noqa: ANN401 - an event of libyaml
        line = event.start_mark.line + 1 + self._first
        name = event.anchor
        if any(frame.anchor == name for frame in self._stack):
            raise TooMuchError(Fault("YML003", line, f"the alias `*{shown(name)}` holds itself", "write it out"))
        if name not in self._anchors:
            self._add("YML003", line, f"the alias `*{shown(name)}` names no anchor", "write the values out")
            self._put(None, line, 1, 0)
            return
        value = self._anchors[name]
        text = len(value) // _TEXT if isinstance(value, str) else 0
        weight, height = self._sizes[id(value)] if isinstance(value, dict | list) else (1 + text, 0)
        self._put(value, line, weight, height)

    def _put(self, value: Any, line: int, weight: int, height: int) -> None:  # noqa: ANN401 - any YAML value
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        frame.weight += weight
        if frame.weight > self._weight:
            message = f"more than {self._weight} values with all aliases"
            raise TooMuchError(Fault("YML003", line, message, "write them out"))
        if height:
            frame.height = max(frame.height, height + 1)
            if len(self._stack) + height > DEEPEST:
                raise TooMuchError(Fault("YML011", line, "nested too deeply", "flatten it"))
        if frame.listed:
            frame.value.append(None if value is _MERGE else value)
            frame.places.append(line)
        elif frame.key is _NOTHING:
            self._key(frame, value, line)
        elif frame.key is _MERGE:
            frame.merges.append((value, line))
            frame.key = _NOTHING
        else:
            frame.value[frame.key] = "<<" if value is _MERGE else value
            frame.key = _NOTHING

    def _key(self, frame: _Frame, value: Any, line: int) -> None:  # noqa: ANN401 - any YAML value
        if value is not _MERGE and not isinstance(value, str):
            self._add("YML012", line, f"the name `{shown(str(value))}` is no text", "put it in quotes")
        key = str(value) if isinstance(value, dict | list) else value
        if key is not _MERGE:
            if key in frame.value:
                message = f"`{shown(str(key))}` stands twice in one map: first on line {frame.places[key]}"
                self._add("YML002", line, message, "keep one")
            frame.places[key] = line
        frame.key = key

    # -- what is broken

    def _recover(self, error: yaml.MarkedYAMLError, start: int) -> int:
        """Where to go on: at the broken item once more if it could be mended, else at the next; -1 for nowhere."""
        mark = error.problem_mark or error.context_mark
        if mark is None:  # libyaml marks every error of its scanner and parser
            raise TooMuchError(Fault("YML001", 1, f"not YAML: {error.problem}", "write plain YAML")) from None
        if not self._stack or not isinstance(self._stack[0].value, list):
            return self._give_up(error, mark, start)
        item = self._item(mark, start)
        del self._stack[1:]
        if item < 0 or not self._mend(error, mark, start):
            following = _ITEM.search(self._text, (item if item >= 0 else start + mark.index) + 1)
            line = self._first + mark.line + 1
            if following:  # what is not closed is noticed where the next item begins
                line = min(line, self._line(following.start()) - 1)
            self._add("YML001", line, f"not YAML: {error.problem}", "mend the entry")
            if item >= 0:
                self._stack[0].value.append(None)
                self._stack[0].places.append(self._line(item))
            if following is None:
                return -1
            item = following.start()
        self._first = self._line(item) - 1
        self._resuming = True
        return item

    def _item(self, mark: yaml.Mark, start: int) -> int:
        """Offset of the item of the outermost list that could not be read."""
        begun = self._stack[1].line if len(self._stack) > 1 else self._first + mark.line + 1
        known = self._stack[0].places
        lowest = known[-1] if known and len(self._stack) == 1 else 0
        found = -1
        line, at = self._first + 1, start
        for match in _ITEM.finditer(self._text, start):
            line += self._text.count("\n", at, match.start())
            at = match.start()
            if line > begun:
                break
            if line > lowest:
                found = match.start()
        return found

    def _line(self, offset: int) -> int:
        return self._text.count("\n", 0, offset) + 1

    def _mend(self, error: yaml.MarkedYAMLError, mark: yaml.Mark, start: int) -> bool:
        said, text, at = str(error.problem), self._text, start + mark.index
        line = self._first + mark.line + 1
        if "unknown escape" in said and text[at : at + 2] == "\\'" and error.context_mark:
            quoted = _QUOTED.match(text, start + error.context_mark.index)
            begin, end = quoted.span() if quoted else (at, at + 2)
            mended = _ESCAPE.sub(lambda match: "'" if match[1] == "'" else match[0], text[begin:end])
            self._text = f"{text[:begin]}{mended}{text[end:]}"
            self._add("YML012", line, "`\\'` inside double quotes: other readers refuse the file", "write `'` alone")
            return True
        if ("tab" in said or "cannot start any token" in said) and (
            tabs := _TABS.match(text, text.rfind("\n", 0, at) + 1)
        ):
            self._text = text[: tabs.start()] + tabs[0].replace("\t", "  ") + text[tabs.end() :]
            self._add("YML005", line, "a tab as indentation", "indent with two spaces")
            return True
        return False

    def _give_up(self, error: yaml.MarkedYAMLError, mark: yaml.Mark, start: int) -> int:
        if self._root is _NOTHING and self._mend(error, mark, start):
            self._stack.clear()
            return start
        line = self._first + mark.line + 1
        fault = Fault("YML001", line, f"not YAML: {error.problem}", "write plain YAML")
        if not (self._stack and isinstance(self._stack[0].value, list) and self._stack[0].value):
            raise TooMuchError(fault) from None
        self._faults.append(fault)
        return -1
