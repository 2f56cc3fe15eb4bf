"""Cards come from strangers: whatever they hold, a page stays whole, quick and silent."""

from __future__ import annotations

import re
from time import process_time

import pytest

from galleryctl.site import cards


def render(text: str) -> str:
    return str(cards.render(text, "card-en-"))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<style>body { display: none }</style>",
        "<iframe src=https://e.example></iframe>",
        "</div></main></body><h1>taken over</h1>",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "[x](//e.example/x)",
        "[x](../../../index.html)",
        "![x](data:image/svg+xml;base64,AAAA)",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "```html\n</code></pre><script>alert(1)</script>\n```",
        "`</code><script>`",
        '[x](https://e.example "\\" onmouseover=alert(1)")',
        '![" onerror=alert(1)](https://e.example/x.png)',
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "# <script>alert(1)</script>",
        "[a](http://[)",
    ],
)
def test_nothing_runs_loads_or_breaks_out(text: str) -> None:
    html = render(text)
    tags = re.findall(r"<(/?[a-z0-9]+)([^>]*)>", html)
    assert {name.strip("/") for name, _ in tags} <= {"p", "a", "code", "pre", "h3"}
    assert not any(re.search(r"\s(on\w+|style|src)=", attributes) for _, attributes in tags)
    assert all(
        re.fullmatch(r"(https?|mailto):.*|#card-en-.*", address) for address in re.findall(r'href="([^"]*)"', html)
    )
    assert [name for name, _ in tags if not name.startswith("/")] == [
        name[1:] for name, _ in reversed(tags) if name[0] == "/"
    ]


@pytest.mark.parametrize(
    "text",
    [
        ">" * 10_000,
        "- " * 50_000,
        "[" * 262_144,
        "![" * 131_072,
        "[a](" * 65_536,
        "[" * 4_900 + "]" * 4_900,
        "[" * 9_900,
        "*a " * 3_000 + "**a_" * 2_200,
        "`" * 9_900,
        "<" * 262_144,
        "# a\n" * 9_900,
        "|a|b|\n|-|-|\n" + "|x|y|\n" * 9_900,
        "|" * 100_000 + "\n" + "|-" * 60_000,
        "[x](http://e.example) " * 4_900,
        "a" * 262_144,
        "\n" * 262_144,
        "[a]: b\n" * 4_900,
    ],
    ids=lambda text: f"{text[:8]!r}×{len(text)}",
)
def test_no_card_takes_long(text: str) -> None:
    start = process_time()
    render(text)
    assert process_time() - start < 3  # a second, with room for a busy machine and for coverage


def test_links_go_out_without_endorsement() -> None:
    assert render("[x](https://e.example)") == '<p><a href="https://e.example" rel="nofollow noopener ugc">x</a></p>\n'
    assert render("[x](mailto:a@e.example)").startswith('<p><a href="mailto:a@e.example"')


def test_images_are_links() -> None:
    assert render("![A *cat*](https://e.example/c.png)").startswith('<p><a href="https://e.example/c.png"')
    assert ">A cat</a>" in render("![A *cat*](https://e.example/c.png)")
    assert render("![cat](c.png)") == "<p>cat</p>\n"


def test_a_link_never_stands_in_a_link() -> None:
    html = render("[![cat](https://e.example/c.png)](https://e.example)")
    assert html.count("<a ") == 1
    assert ">cat</a>" in html


def test_headings_skip_no_level_and_start_below_the_page() -> None:
    html = render("# Title\n\n### One\n\n###### Deep\n\n## Two\n\n# Other\n")
    assert re.findall(r"<h(\d)", html) == ["3", "4", "3", "3"]
    assert "Title" not in html


def test_headings_have_ids_of_their_own_and_links_to_them_work() -> None:
    html = render("## Use it!\n\n## Use it!\n\n[a](#use-it) [b](#missing) [c](#use-it-2)")
    assert 'id="card-en-use-it"' in html
    assert 'id="card-en-use-it-2"' in html
    assert html.count('href="#card-en-use-it') == 2
    assert "missing" not in html


def test_tables_scroll_in_their_frame() -> None:
    html = render("| a |\n|---|\n| 1 |\n")
    assert html.startswith('<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>')


def test_code_keeps_its_lines() -> None:
    assert "<code>a &lt; b\n  c\n</code>" in render("```py\na < b\n  c\n```")


def test_one_line() -> None:
    assert str(cards.inline("`a` and <b>")) == "<code>a</code> and &lt;b&gt;"
