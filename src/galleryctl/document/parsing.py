"""Bytes → document and problems. Never raises for content, whatever the bytes are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from galleryctl.document import house, marks, scalars
from galleryctl.document.editing import DELETE, assign
from galleryctl.document.form import untidy
from galleryctl.document.marks import LITERAL, PLAIN, TEXT, Refused
from galleryctl.document.model import Document
from galleryctl.document.writing import quote
from galleryctl.problems import Edit, Position, Problem, Severity

if TYPE_CHECKING:
    from galleryctl.document.marks import Node, Place
    from galleryctl.document.model import Pointer
    from galleryctl.spec import Limits

MOST = 2**20
"""Bytes beyond which a file is not parsed, whatever the policy says."""
CAP = 50
"""Problems of one code that are told one by one."""
_BOM = "\ufeff"
_TAB = re.compile(r"^ *\t[ \t]*", re.MULTILINE)
_RETURN = re.compile(r"\r\n?")
_ESCAPED_QUOTE = re.compile(r"(?:[^\\]|\\[^'])*?(\\')", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


class Problems:
    """Collects the problems of one file, at most `CAP` of a code one by one."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: list[Problem] = []
        self._counts: dict[str, int] = {}

    def add(self, code: str, place: Place | Position, message: str, fix: str, edits: tuple[Edit, ...] = ()) -> None:
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= CAP:
            line, column = place if isinstance(place, Position) else (place.line + 1, place.column + 1)
            severity = Severity.WARN if code == "YML013" else Severity.ERROR
            self._found.append(Problem(self._path, line, column, code, message, fix, severity, edits))

    def all(self) -> list[Problem]:
        """Everything found, sorted; where there were more than `CAP` of a code, a last one says how many."""
        for code, count in self._counts.items():
            if count > CAP:
                last = max(problem for problem in self._found if problem.code == code)
                message = f"{count - CAP} more of this kind in this file"
                self._found.append(
                    Problem(self._path, last.line, last.column + 1, code, message, last.fix, last.severity)
                )
        return sorted(self._found)


def parse(path: str, raw: bytes, limits: Limits) -> tuple[Document | None, list[Problem]]:
    """Read one YAML or JSON file. Without a document there is at least one problem that says why."""
    problems = Problems(path)
    document = _parse(path, raw, limits, problems)
    return document, problems.all()


def _parse(path: str, raw: bytes, limits: Limits, problems: Problems) -> Document | None:
    text = _decode(raw, problems)
    if text is None:
        return None
    if not path.endswith(".json") and (found := house.read(raw, text, limits)):
        return Document(path, text, *found)
    if not _readable(text, problems):
        return None
    shift = 1 if text.startswith(_BOM) else 0
    root = _root(path, text[shift:], shift, problems)
    if root is None:
        return None
    reader = _Values(problems, limits, shift)
    data = reader.root(root)
    if data is None:
        return None
    document = Document(path, text, data, tuple(reader.dates), composed=root, shift=shift)
    for pointer, node in reader.empty:
        names = [part for part in pointer if isinstance(part, str)]
        message = (
            f"`{shown(names[-1])}` has no value"
            if isinstance(pointer[-1], str)
            else f"an item of `{names[-1]}` is empty"
        )
        edits = assign(document, pointer, DELETE)
        problems.add("YML010", _start(node), message, "remove it, or give it a value", edits)
    untidy(document, problems.add)
    return document


def _root(path: str, text: str, shift: int, problems: Problems) -> yaml.MappingNode | None:
    try:
        root = marks.Scanner(text).document() if path.endswith(".json") else marks.compose(text)
    except Refused as refused:
        problems.add(refused.code, refused.place, refused.message, refused.fix)
    except yaml.MarkedYAMLError as error:
        _syntax(text, shift, error, problems)
    except yaml.YAMLError as error:
        problems.add("YML001", Position(), f"not YAML: {error}", "write plain YAML")
    else:
        if isinstance(root, yaml.MappingNode):
            return root
        if root is None:
            problems.add("YML001", Position(), "the file is empty", "write its fields, or delete it")
        else:
            message = "the file holds no fields but a list or a single value"
            problems.add("SCH003", _start(root), message, "write `field: value` lines")
    return None


def _decode(raw: bytes, problems: Problems) -> str | None:
    if len(raw) > MOST:
        problems.add(
            "YML011", Position(), f"{len(raw)} bytes: too large to read", "split it, or move long text to README.md"
        )
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        place = marks.Lines(raw[: error.start].decode()).place(len(raw[: error.start].decode()))
        message = f"not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}"
        problems.add("YML005", place, message, "save the file as UTF-8")
        return None


def _readable(text: str, problems: Problems) -> bool:
    """Whether the characters are those of YAML; line ends and a byte-order mark are told, and read all the same."""
    lines = marks.Lines(text)
    if text.startswith(_BOM):
        message = "a byte-order mark: some readers take it for a part of the first name"
        problems.add("YML005", Position(), message, "remove it", (Edit(0, 1, ""),))
    if "\r" in text:
        edits = tuple(Edit(*match.span(), "\n") for match in _RETURN.finditer(text))
        message = f"{len(edits)} lines end with a carriage return"
        problems.add("YML005", lines.place(edits[0].start), message, "end lines with a single newline", edits)
    forbidden = False
    for match in scalars.FORBIDDEN.finditer(text, 1 if text.startswith(_BOM) else 0):
        forbidden = True
        message = f"the character U+{ord(match[0]):04X} is not allowed in a file"
        problems.add("TXT002", lines.place(match.start()), message, "remove it", (Edit(*match.span(), ""),))
    return not forbidden


_CAUSES = (
    ("mapping values are not allowed", "put text that holds `: ` in quotes, and indent fields of one map alike"),
    ("could not find expected ':'", "write `field: value`, with a space after the colon"),
    ("found unexpected end of stream", "close the quotes"),
    ("found unknown escape character", "write `\\\\` for `\\`, or use single quotes"),
    ("character that cannot start any token", "put the text in quotes"),
    ("expected ',' or", "close the bracket, and put commas between the members"),
    ("did not find expected key", "indent the fields of one map alike"),
    ("expected <block end>", "indent the fields of one map alike"),
    ("did not find expected '-' indicator", "indent the items of one list alike, each after `- `"),
    ("did not find expected <document start>", "write `field: value`, with a space after the colon"),
)


def _syntax(text: str, shift: int, error: yaml.MarkedYAMLError, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    if mark is None:  # libyaml marks every error of its scanner and parser
        problems.add("YML001", Position(), f"not YAML: {error.problem}", "write plain YAML")
        return
    place = marks.Place(mark.index, mark.line, mark.column)
    said = str(error.problem)
    if "found another document" in said:
        message = "a second document begins here: readers take the first, or fail"
        problems.add("YML005", place, message, "move it to a file of its own")
    elif said.startswith("found character that cannot start any token") and text[mark.index : mark.index + 1] == "\t":
        edits = tuple(
            Edit(match.start() + shift, match.end() + shift, match[0].replace("\t", "  "))
            for match in _TAB.finditer(text)
        )
        problems.add("YML005", place, "a tab as indentation", "indent with two spaces", edits)
    elif "unknown escape" in said and text[mark.index : mark.index + 2] == "\\'" and error.context_mark:
        _escaped_quotes(text, shift, error.context_mark.index, problems)
    else:
        fix = next((fix for part, fix in _CAUSES if part in said), "write plain YAML")
        first = re.search(r"^ *-[^\s-]", text[: mark.index], re.MULTILINE)
        if first and "mapping values" in said:
            fix = f"put a space after the `-` of line {text.count(chr(10), 0, first.start()) + 1}"
        problems.add("YML001", place, f"not YAML: {said}", fix)


def _escaped_quotes(text: str, shift: int, start: int, problems: Problems) -> None:
    quoted = _QUOTED.match(text, start)
    lines = marks.Lines(text)
    for match in _ESCAPED_QUOTE.finditer(text, start, quoted.end() if quoted else len(text)):
        message = "`\\'` inside double quotes: some readers take it, others refuse the whole file"
        edit = Edit(match.start(1) + shift, match.start(1) + shift + 1, "")
        problems.add("YML012", lines.place(match.start(1)), message, "write `'` alone", (edit,))


def _start(node: Node) -> Place:
    return marks.Place(node.start_mark.index, node.start_mark.line, node.start_mark.column)


class _TooMuch(Exception):  # noqa: N818 - ends the reading of one file
    pass


class _Values:
    """Nodes → data in one pass, with everything that only the nodes can tell."""

    def __init__(self, problems: Problems, limits: Limits, shift: int) -> None:
        self._problems = problems
        self._depth = min(limits.depth, marks.DEEPEST)
        self._left = limits.nodes
        self._nodes = limits.nodes
        self._shift = shift
        self._stack: list[str | int] = []
        self._flow = False
        self.dates: list[Pointer] = []
        self.empty: list[tuple[Pointer, Node]] = []

    def root(self, node: yaml.MappingNode) -> dict[str, Any] | None:
        try:
            self._flow = node.flow_style
            return self._mapping(node, 1)
        except _TooMuch:
            return None

    def _value(self, node: Node, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        self._left -= 1
        if self._left < 0:
            self._stop(node, f"more than {self._nodes} values")
        if isinstance(node, yaml.ScalarNode):
            text = node.value
            if node.tag == TEXT or (node.tag == PLAIN and "?" not in text and scalars.is_text(text)):
                return text
            return self._scalar(node)
        if depth > self._depth:
            self._stop(node, f"nested deeper than {self._depth}")
        outer, self._flow = self._flow, node.flow_style
        value = self._mapping(node, depth) if isinstance(node, yaml.MappingNode) else self._sequence(node, depth)
        self._flow = outer
        return value

    def _stop(self, node: Node, message: str) -> None:
        self._problems.add("YML011", _start(node), message, "split it, or move long text to README.md")
        raise _TooMuch

    def _sequence(self, node: Node, depth: int) -> list[Any]:
        values, stack = [], self._stack
        for index, item in enumerate(node.value):
            stack.append(index)
            values.append(self._value(item, depth + 1))
            stack.pop()
        return values

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        stack = self._stack
        for key_node, value_node in node.value:
            if type(key_node) is not yaml.ScalarNode:
                message = "a list or map as a field's name: other readers refuse it"
                self._problems.add("YML012", _start(key_node), message, "write a plain name")
                continue
            key = key_node.value
            if key_node.tag == PLAIN:
                if key == "<<":
                    message = "the merge key `<<`: not every reader has it"
                    self._problems.add("YML003", _start(key_node), message, "write the values out")
                    continue
                self._key(key_node)
            if key in values:
                self._twice(node, key_node)
            stack.append(key)
            value = self._value(value_node, depth + 1)
            stack.pop()
            if value is not None:
                values[key] = value
        return values

    def _twice(self, node: Node, key_node: Node) -> None:
        first = next(key for key, _ in node.value if key.value == key_node.value)
        message = f"`{shown(key_node.value)}` stands twice in one map: first on line {first.start_mark.line + 1}"
        self._problems.add("YML002", _start(key_node), message, "keep one")

    def _key(self, node: Node) -> None:
        key = node.value
        if scalars.is_suspect(key):
            reading = scalars.read(key)
            code = (
                "YML007" if isinstance(reading.value, int | float) and not isinstance(reading.value, bool) else "YML006"
            )
            if reading.value is None:
                self._problems.add("YML012", _start(node), "a field without a name", "write its name")
                return
            code = reading.code or code
            message = f"the name `{shown(key)}` is no text for some readers"
            self._problems.add(code, _start(node), message, f"write `{quote(key)}`", self._quoting(node))

    def _scalar(self, node: Node) -> Any:  # noqa: ANN401 - any JSON value
        text = node.value
        if node.tag == LITERAL:
            reading = scalars.literal(text)
        elif node.tag == PLAIN:
            reading = scalars.read(text)
            if self._flow and "?" in text:  # ends the text for PyYAML, not for libyaml
                reading = scalars.Reading(text, "YML012")
        else:
            self._problems.add(
                "YML004", _start(node), f"the tag `{node.tag}`: values have no tags here", "remove the tag"
            )
            return text
        if reading.code:
            self._odd(node, reading)
        return reading.value

    def _odd(self, node: Node, reading: scalars.Reading) -> None:
        place, text = _start(node), shown(node.value)
        match reading.code:
            case "YML009":
                self.dates.append(tuple(self._stack))
            case "YML006":
                message = f"`{text}` is true or false for some readers, text for others"
                self._problems.add(
                    "YML006", place, message, f"write `{quote(node.value)}` if text is meant", self._quoting(node)
                )
            case "YML007":
                message = f"`{text}` is a number for some readers, text for others"
                self._problems.add("YML007", place, message, f"write `{quote(shown(node.value))}`", self._quoting(node))
            case "YML012":
                message = f"`{text}` without quotes: some readers take it, others refuse the file"
                fix = f"write `{quote(text)}`"
                self._problems.add("YML012", place, message, fix, self._quoting(node))
            case "YML010":
                self.empty.append((tuple(self._stack), node))
            case _:
                self._problems.add(
                    "YML014", place, f"{text} is more than 2^53 - 1: readers round it", "write it as text"
                )

    def _quoting(self, node: Node) -> tuple[Edit, ...]:
        start = node.start_mark.index + self._shift
        return (Edit(start, node.end_mark.index + self._shift, quote(node.value)),)


def shown(text: str, most: int = 60) -> str:
    """Text for a message: one line, of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
