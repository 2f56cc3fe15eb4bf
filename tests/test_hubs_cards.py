"""Cards of hubs: front matter off, relative links pinned, code as it was."""

from __future__ import annotations

import time

import pytest

from galleryctl.hubs.cards import Card, pinned, strip

LINKS, PICTURES = "https://hub.example/a/b/blob/c0ffee", "https://hub.example/a/b/resolve/c0ffee/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\nlicense: mit\n---\n\n# Title\n", Card("license: mit", "# Title\n")),
        ("\ufeff---\r\na: b\r\n---\r\n# Title\r\n", Card("a: b", "# Title\n")),
        ("# Title\n---\n", Card("", "# Title\n---\n")),
        ("---\nnever closed\n", Card("", "---\nnever closed\n")),
        ("---\n---\n", Card("", "")),
        ("", Card("", "")),
    ],
)
def test_strip(text: str, expected: Card) -> None:
    assert strip(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[x](LICENSE)", f"[x]({LINKS}/LICENSE)"),
        ("[x](./docs/a.md#part)", f"[x]({LINKS}/docs/a.md#part)"),
        ("![x](img/a.png)", f"![x]({PICTURES}img/a.png)"),
        ('![x](img/a.png "title")', f'![x]({PICTURES}img/a.png "title")'),
        ("[![x](a.svg)](b.md)", f"[![x]({PICTURES}a.svg)]({LINKS}/b.md)"),
        ('<img width="3" src="a.png">', f'<img width="3" src="{PICTURES}a.png">'),
        ("<a href='b.md'>x</a>", f"<a href='{LINKS}/b.md'>x</a>"),
        ("[x]: b.md", f"[x]: {LINKS}/b.md"),
        ("[x](/Qwen/Qwen3-8B)", "[x](https://hub.example/Qwen/Qwen3-8B)"),
        *((same, same) for same in ("[x](https://a.example/b)", "[x](#part)", "[x](mailto:a@b.example)", "`[x](b)`")),
        *((same, same) for same in ("``![x](a) ` ``", "[x](//cdn.example/a)", "plain text", "    ", "[x]()")),
    ],
)
def test_pinned(line: str, expected: str) -> None:
    assert pinned(line, LINKS, PICTURES) == expected
    assert pinned(expected, LINKS, PICTURES) == expected


def test_code_stays() -> None:
    text = "```md\n[x](LICENSE)\n~~~\n```\n[x](LICENSE)\n~~~\n![y](a)\n"
    expected = f"```md\n[x](LICENSE)\n~~~\n```\n[x]({LINKS}/LICENSE)\n~~~\n![y](a)\n"
    assert pinned(text, LINKS, PICTURES) == expected


@pytest.mark.parametrize("piece", ["![[", "<img ", "`", "](", "<a href=", "[x](a", "![x](", "<"])
def test_hostile_lines_take_no_time(piece: str) -> None:
    start = time.monotonic()
    pinned(piece * (99_000 // len(piece)), LINKS, PICTURES)
    assert time.monotonic() - start < 2
