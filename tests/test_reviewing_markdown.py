"""What strangers write stays text: judged by what a Markdown renderer makes of it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from galleryctl.reviewing.markdown import code, fence, link, plain, prose

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OWN = {"p", "code", "span", "table", "thead", "tbody", "tr", "th", "td"}
HOSTILE = [
    "@acme/admins", "#12", "<b>", "</details>", "<!-- galleryctl:1 -->", "![x](https://evil.example/x.png)", "`", "``",
    "[x](javascript:alert(1))", "|", "\\|", "\\", "\n", "\n\n# x", "*", "__", "~~", "$x$", "&lt;", "&#64;ada", "<!--",
    "https://evil.example", "www.evil.example", "ada@evil.example", "GH-12", "\u202e", "\u200b", "\u2028", "- ", "> ",
    "```", "~~~~~~", "<img src=x>", "acme/gallery#1", "4f2a9c1d0e", "text", "\x00", "\udc80", "]", ")", "\U000e0041",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=4)), max_size=8).map("".join)


class Seen(HTMLParser):
    """Elements, and the text outside code, as a browser has them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.comments: list[str] = []
        self.text = ""
        self.code = ""
        self._depth = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's
        self.elements.add(tag)
        self._depth += tag in {"code", "pre", "a"}

    def handle_endtag(self, tag: str) -> None:
        self.elements.add(tag)
        self._depth -= tag in {"code", "pre", "a"}

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.code += data
        else:
            self.text += data


def rendered(text: str) -> Seen:
    return Seen(RENDERER.render(text.encode("utf-8", "replace").decode()))


def harmless(seen: Seen) -> None:
    assert seen.elements <= OWN
    assert seen.comments == []
    assert "@" not in seen.text.replace("@\u200b", "")
    assert "#" not in seen.text.replace("#\u200b", "")
    assert "://" not in seen.text
    assert not any(letter in seen.text + seen.code for letter in "\u202e\u2028\x00\U000e0041")


@given(texts)
def test_prose_is_text(text: str) -> None:
    harmless(rendered(f"It says {prose(text)} and no more"))


@given(texts)
def test_code_is_text(text: str) -> None:
    seen = rendered(f"It says {code(text)} and no more")
    harmless(seen)
    assert seen.code == plain(text) or not plain(text).strip()


@given(texts, texts)
def test_a_cell_stays_a_cell(one: str, other: str) -> None:
    html = RENDERER.render(
        f"| a | b |\n|---|---|\n| {code(one)} | {prose(other)} |".encode("utf-8", "replace").decode()
    )
    assert (html.count("<td"), html.count("<tr")) == (2, 2)
    harmless(Seen(html))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A small model.", "A small model."),
        ("ask @ada", "ask @&#8203;ada"),
        ("the tag `chatt` is unknown", "the tag `chatt` is unknown"),
        ("one ` alone", "one ' alone"),
        ("a <b> & c", "a &#60;b&#62; &#38; c"),
        ("left\u202eright", "left&#92;u202eright"),
        ("sees #12", "sees #&#8203;12"),
        ("since 4f2a9c1d0e", "since 4f2a9c1&#8203;d0e"),
        ("two\n  lines", "two lines"),
    ],
)
def test_prose(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_long_texts_are_cut_before_they_are_escaped() -> None:
    assert prose("<" * 9, 4) == "&#60;" * 3 + "…"


def test_a_pipe_is_code_of_another_kind() -> None:
    assert code("a|b") == "<code>a&#124;b</code>"
    assert code("a/b") == "`a/b`"


def test_addresses_of_the_web_only() -> None:
    assert link("x", "javascript:alert(1)") == "x"
    assert link("x", "https://a.example/(b) c") == "[x](https://a.example/%28b%29%20c)"


def test_commands_stand_in_a_fence() -> None:
    assert fence(["git push"]) == "~~~~~~sh\ngit push\n~~~~~~"
