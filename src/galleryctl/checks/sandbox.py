"""Chat templates, rendered as runtimes render them, but without end to what they may not do.

The environment is the one of the model libraries: trimmed blocks, `raise_exception`, `strftime_now`, `tojson` that
keeps letters, `break` and `continue`, `{% generation %}`. Templates come from strangers, so every loop, call, filter
and operator is counted, and nothing grows without bound: no clock, signal or process is needed to stop one. Beside the
site the only home of Jinja2.
"""

from __future__ import annotations

import functools
import json
import re
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NoReturn

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jinja2.parser import Parser
    from jinja2.runtime import Context

BUDGET = 10_000_000
"""Characters and items that one rendering may handle."""
MOST = 200_000
"""Characters of a template."""
LONGEST = 50_000
"""Characters of one text, items of one list."""
_STEP = 100
"""Least cost of a step, so that no rendering has more than a hundred thousand."""
_NUMBER = 10_000
"""Largest number that a function takes: a width, an indentation, a count."""
DAY = "2026-01-02"


class RefusedError(TemplateError):
    """The template itself said no, with `raise_exception`."""


class ExhaustedError(TemplateError):
    """The template does not come to an end, or makes too much of something."""


class _Meter:
    def __init__(self, cost: int) -> None:
        self._left = BUDGET
        self._cost = cost

    def step(self) -> None:
        self.spend(self._cost)

    def spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise ExhaustedError("it does more work than any template needs")

    def made(self, value: Any) -> Any:  # noqa: ANN401 - any value of a template
        """Count a value that was made, and refuse one that is too large."""
        if isinstance(value, str | list | tuple | dict):
            self.spend(_weight(value))
        elif isinstance(value, int) and value.bit_length() > _NUMBER:
            raise ExhaustedError("it makes an enormous number")
        return value

    def each(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self.step()
            yield value


def _weight(value: object) -> int:
    """Characters and items, those inside counted as often as they would be written."""
    weight, inside = 0, [value]
    while inside:
        each = inside.pop()
        if isinstance(each, str | list | tuple | dict):
            weight += len(each)
            if weight > LONGEST:
                raise ExhaustedError("it makes a text or list that is far too long")
            if isinstance(each, dict):
                inside += each.values()
            elif not isinstance(each, str):
                inside += each
    return weight


class _Generation(Extension):
    """`{% generation %}`: marks what the model writes; its body is kept as it is."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


_FORBIDDEN = {"translate", "maketrans", "expandtabs", "encode", "format_map"}
_WIDE = re.compile(r"\{[^{}]*:[^{}]*(?:\d{4}|\{)|%[^a-zA-Z%]*(?:\d{4}|\*)")


def _refuse(message: object = "") -> NoReturn:
    raise RefusedError(str(message))


def _as_json(value: Any, indent: int | None = None, **options: Any) -> str:  # noqa: ANN401 - any value of a template
    known = {key: options[key] for key in ("ensure_ascii", "separators", "sort_keys") if key in options}
    return json.dumps(value, indent=indent, **{"ensure_ascii": False, **known})


def _today(form: str) -> str:
    """`strftime_now` on one day, as rules know no clock."""
    year, month, day = DAY.split("-")
    for sign, text in (("%Y", year), ("%m", month), ("%d", day), ("%B", "January"), ("%b", "Jan")):
        form = form.replace(sign, text)
    return form


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "**", "%", "//", "/"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation])
        self.meter = _Meter(_STEP)
        self.filters = {name: self._counted(function) for name, function in self.filters.items()}
        self.filters |= {"tojson": self._counted(_as_json), "_each": self._each, "_made": self._made}
        for name in ("wordwrap", "urlize", "xmlattr", "random"):  # too dear, or never twice the same
            del self.filters[name]
        del self.globals["lipsum"]
        self.globals |= {"raise_exception": _refuse, "strftime_now": _today, "range": self._range}

    def _each(self, values: Iterable[Any]) -> Iterator[Any]:
        return self.meter.each(values)

    def _made(self, value: Any) -> Any:  # noqa: ANN401 - any value of a template
        self.meter.step()
        return self.meter.made(value)

    def _range(self, *bounds: int) -> range:
        found = range(*bounds)
        if len(found) > LONGEST:
            raise ExhaustedError(f"it counts to {max(bounds)}")
        return found

    def _whole(self, value: Any) -> Any:  # noqa: ANN401 - any value of a template
        """What would be made bit by bit, made at once, so that its size is known."""
        return list(self.meter.each(value)) if isinstance(value, GeneratorType | range) else value

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def counted(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any filter
            self.meter.step()
            given = tuple(self._whole(value) for value in given)
            self._allowed(function.__name__, [*given, *named.values()])
            return self.meter.made(function(*given, **named))

        return counted

    def _allowed(self, name: str, given: list[Any]) -> None:
        """Refuse what would make something too large, before it is made."""
        if name != "_range" and any(isinstance(value, int) and abs(value) > _NUMBER for value in given[1:]):
            raise ExhaustedError("it asks for an enormous width or count")
        for value in given:
            if isinstance(value, list | tuple | dict):
                _weight(value)
        texts = [value for value in given if isinstance(value, str)]
        if name in _FORBIDDEN or (name == "do_format" and texts and _WIDE.search(texts[0])):
            raise ExhaustedError(f"it uses {name}, which may make any amount of text")
        if name in {"replace", "do_replace"} and len(texts) > 2:  # noqa: PLR2004 - text, old, new
            self.meter.spend((texts[0].count(texts[1]) + 1) * len(texts[2]))
        if name == "do_indent" and texts:
            widths = [
                value if isinstance(value, int) else len(value) for value in given[1:] if isinstance(value, int | str)
            ]
            self.meter.spend(texts[0].count("\n") * max(widths, default=4))
        if name in {"join", "do_join", "sync_do_join"}:
            items = next((value for value in given if isinstance(value, list | tuple)), ())
            self.meter.spend(len(items) * max((len(text) for text in texts), default=0))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ANN401 - as the one it replaces
        found = super().wrap_str_format(value)
        if found is not None and _WIDE.search(str(value.__self__)):
            raise ExhaustedError("it formats to any width")
        return found

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        self.meter.step()
        sizes = [len(side) if isinstance(side, str | list | tuple) else side for side in (left, right)]
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "*" and not numbers and all(isinstance(size, int) for size in sizes):
            self.meter.spend(max(0, sizes[0] * sizes[1]))
        if operator == "**" and numbers and (abs(left) > _NUMBER or abs(right) > _STEP):
            raise ExhaustedError("it makes an enormous number")
        if operator == "%" and isinstance(left, str) and _WIDE.search(left):
            raise ExhaustedError("it formats to an enormous width")
        return self.meter.made(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401, N805, PYI063 - as the one it replaces
        __self.meter.step()
        owner = getattr(__obj, "__self__", None)
        given = tuple(__self._whole(value) for value in given)
        __self._allowed(getattr(__obj, "__name__", ""), [owner, *given, *named.values()])
        return __self.meter.made(super().call(__context, __obj, *given, **named))


def _counted(tree: nodes.Template) -> nodes.Template:
    """The template with every loop, output, assignment and concatenation counted."""
    for node in list(tree.find_all((nodes.For, nodes.Output, nodes.Concat, nodes.Assign))):
        if isinstance(node, nodes.For):
            node.iter = _through("_each", node.iter)
        elif isinstance(node, nodes.Assign):
            node.node = _through("_made", node.node)
        elif isinstance(node, nodes.Output | nodes.Concat):
            node.nodes = [
                each if isinstance(each, nodes.TemplateData) else _through("_made", each) for each in node.nodes
            ]
    return tree


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


class Compiled:
    """A template that parses. Raises `TemplateSyntaxError` where it does not."""

    reaches: tuple[tuple[int, str], ...]
    """What it reaches for outside the sandbox, each with its line."""

    def __init__(self, text: str) -> None:
        if len(text) > MOST:
            raise TemplateSyntaxError(f"it has {len(text)} characters, more than {MOST}", 1)
        self._environment = _Environment()
        self._cost = max(_STEP, len(text))
        try:
            tree = self._environment.parse(text)
            self.reaches = tuple(_reaches(tree))
            code = self._environment.compile(_counted(tree))
        except (RecursionError, MemoryError, SyntaxError, ValueError) as error:  # of Python, which it becomes
            raise TemplateSyntaxError(f"it cannot be compiled: {error}", 1) from error
        self._template = Template.from_code(self._environment, code, dict(self._environment.globals))

    def render(self, variables: Mapping[str, Any]) -> str:
        """Raises `TemplateError`: `RefusedError`, `ExhaustedError`, `SecurityError` or what the template did wrong."""
        self._environment.meter = _Meter(self._cost)
        parts: list[str] = []
        try:
            for part in self._template.generate(**variables):
                self._environment.meter.spend(len(part))
                parts.append(part)
        except TemplateError:
            raise
        except RecursionError as error:
            raise ExhaustedError("it calls itself without end") from error
        except Exception as error:  # whatever a stranger's template makes of its data
            raise TemplateError(f"{type(error).__name__}: {error}") from error
        return "".join(parts)


@functools.cache
def _reader() -> _Environment:
    return _Environment()


@functools.lru_cache(1024)
def mistake(text: str) -> str:
    """What keeps a template from being parsed; empty where nothing does. Much quicker than to make it ready to run."""
    if len(text) > MOST:
        return f"it has {len(text)} characters, more than {MOST}"
    try:
        _reader().parse(text)
    except TemplateSyntaxError as error:
        return error.message or "a mistake"
    except (RecursionError, MemoryError, ValueError) as error:
        return f"it cannot be read: {error}"
    return ""


_OUTSIDE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_DUNDER = re.compile(r"__\w+__")


def _reaches(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for node in tree.find_all((*_OUTSIDE, nodes.Getattr, nodes.Getitem, nodes.Filter)):
        if isinstance(node, _OUTSIDE):
            yield node.lineno, f"{{% {type(node).__name__.lower().removeprefix('from')} %}}"
        elif isinstance(node, nodes.Getattr):
            if _DUNDER.fullmatch(node.attr):
                yield node.lineno, node.attr
        else:
            values = (
                [node.arg] if isinstance(node, nodes.Getitem) else node.args if isinstance(node, nodes.Filter) else []
            )
            for value in values:
                if isinstance(value, nodes.Const) and isinstance(value.value, str) and _DUNDER.fullmatch(value.value):
                    yield node.lineno, value.value


__all__ = [
    "Compiled",
    "ExhaustedError",
    "RefusedError",
    "SecurityError",
    "TemplateError",
    "TemplateSyntaxError",
    "mistake",
]
