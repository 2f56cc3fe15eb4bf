"""Cards: Markdown from strangers, as HTML that can neither run, load nor break anything.

* Raw HTML is text. Images become links, so a page loads nothing from elsewhere.
* Links lead to http, https and mailto, or to a heading of the same card; all others lose their address.
* Headings start below those of the page and skip no level; a title on top of the card is left out, the page has one.
* Work is bounded: links are only looked for while a budget of scanned characters lasts, and a text with more marks or
  lines than any card has is shown as it is.
* What comes out goes through an allow-list all the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_WORK = 3_000_000  # characters; a card of 256 KiB with a link in every line needs a tenth of it
_MARKS, _LINES = 10_000, 10_000
_MARK = re.compile(r"[\[\]*_`<&!\\]")
_TOP = 3  # cards stand under an h2 of the page
_SCHEMES = {"http", "https", "mailto"}
_NOT_A_WORD = re.compile(r"[^\w]+")


def render(text: str, prefix: str, *, top: int = _TOP) -> Markup:
    """The HTML of a card. Ids start with `prefix`, headings at level `top`; a leading title is left out."""
    if len(_MARK.findall(text)) > _MARKS or text.count("\n") > _LINES:
        return Markup('<pre tabindex="0">{}</pre>').format(text)
    env: dict[str, Any] = {"work": _WORK}
    tokens = _MARKDOWN.parse(text, env)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    anchors = _headings(tokens, prefix, top)
    for token in tokens:
        if token.children:
            _links(token.children, prefix, anchors)
    return Markup(_CLEANER.clean(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env)))  # noqa: S704 - cleaned


def inline(text: str) -> Markup:
    """One line of Markdown: code and emphasis."""
    return Markup(_CLEANER.clean(_MARKDOWN.renderInline(text, {"work": _WORK})))  # noqa: S704 - cleaned


def _headings(tokens: Sequence[Token], prefix: str, top: int) -> set[str]:
    """Give headings their level and id, in place; the ids without prefix."""
    depth: list[int] = []
    taken: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.type not in {"heading_open", "heading_close"}:
            continue
        if token.type == "heading_open":
            level = int(token.tag[1])
            while depth and depth[-1] >= level:
                depth.pop()
            depth.append(level)
            token.attrs = {"id": prefix + _anchor("".join(_plain(tokens[index + 1].children or ())), taken)}
        token.tag = f"h{min(top - 1 + len(depth), 6)}"
    return set(taken)


def _anchor(text: str, taken: dict[str, int]) -> str:
    """An id nobody has taken; `taken` counts the uses of each."""
    anchor = base = _NOT_A_WORD.sub("-", text.lower()).strip("-")[:60] or "section"
    while anchor in taken:
        taken[base] += 1
        anchor = f"{base}-{taken[base]}"
    taken[anchor] = 1
    return anchor


def _plain(tokens: Iterable[Token]) -> Iterator[str]:
    """The text of inline tokens, of any depth."""
    for token in tokens:
        if token.children:
            yield from _plain(token.children)
        else:
            yield token.content


def _links(tokens: Sequence[Token], prefix: str, anchors: set[str]) -> None:
    """Mend addresses in place. A link never stands in a link, so an image inside one is only its text."""
    inside = False
    for token in tokens:
        if token.type == "link_open":
            inside = True
            token.attrs = _address(str(token.attrs.get("href", "")), prefix, anchors)
        elif token.type == "link_close":
            inside = False
        elif token.type == "image":
            address = {} if inside else _address(str(token.attrs.get("src", "")), prefix, set())
            token.meta = {"address": address.get("href", "")}


def _address(address: str, prefix: str, anchors: set[str]) -> dict[str, str | int | float]:
    if address.startswith("#"):
        return {"href": f"#{prefix}{address[1:]}"} if address[1:] in anchors else {}
    try:
        scheme = urlsplit(address).scheme.lower()
    except ValueError:
        return {}
    return {"href": address} if scheme in _SCHEMES else {}


def _image(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    token = tokens[index]
    text = "".join(_plain(token.children or ())) or "image"
    address = token.meta.get("address", "")
    return f'<a href="{escape(address)}">{escape(text)}</a>' if address else str(escape(text))


def _table_open(*_: object) -> str:
    return '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n'


def _table_close(*_: object) -> str:
    return "</table></div>\n"


def _code(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    return f'<pre tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'


def _frugal(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """A rule that looks ahead to the end of its block, allowed to do so only while the budget lasts."""

    def limited(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
        left = state.env["work"] = state.env["work"] - (state.posMax - state.pos)
        return left > 0 and rule(state, silent)

    return limited


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("js-default")
    for rule in markdown.inline.ruler.__rules__:
        if rule.name in {"link", "image"}:
            markdown.inline.ruler.at(rule.name, _frugal(rule.fn))
    for name, function in (
        ("image", _image),
        ("table_open", _table_open),
        ("table_close", _table_close),
        ("fence", _code),
        ("code_block", _code),
    ):
        markdown.add_render_rule(name, function)
    return markdown


_MARKDOWN = _markdown()
_CLEANER = nh3.Cleaner(
    tags={
        "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
        "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
    },
    attributes={
        "a": {"href"},
        "div": {"class", "tabindex", "role", "aria-label"},
        "ol": {"start"},
        "pre": {"tabindex"},
        **{f"h{level}": {"id"} for level in range(1, 7)},
    },
    url_schemes=_SCHEMES,
    link_rel="nofollow noopener ugc",
)  # fmt: skip
