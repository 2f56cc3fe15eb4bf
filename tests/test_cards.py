"""Model cards and covers."""

from __future__ import annotations

import time

import pytest

import judged
from conftest import MINIMAL
from judged import TINY, model

CARD = f"{TINY}/README.md"
COVER = f"{TINY}/cover.webp"


def foreign(text: str) -> list[str]:
    return judged.messages({CARD: text}, "DOC003")


@pytest.mark.parametrize(
    "text",
    [
        "mail ada@acme.example or see <https://acme.example/@ada>",
        "`@ada` and ``<b> ` <i>`` are code",
        "```html\n<b>@ada</b>\n```",
        "1. do\n\n    ```html\n    <b>\n    ```\n",
        "> ```html\n> <b>\n> ```\n",
        "`<b>\n<i>` runs on",
        "~~~\n<b>\n~~~",
        "~~~\n<b> to the end",
        "1 < 2 and 3 > 2, a <- b",
        "![here](cover.webp) and [a link](https://img.example/a.png)",
        "![here][r]\n\n[r]: cover.webp",
        "registry/name@sha256:abc",
        "a \\@name",
    ],
)
def test_what_a_card_may_hold(text: str) -> None:
    assert foreign(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<b>bold</b>", "HTML tag <b>, 2 times"),
        ("</div>", "HTML tag <div>"),
        ("<br/>", "HTML tag <br>"),
        ("\\`<b>`", "HTML tag <b>"),
        ("`a\n\n<b> `", "HTML tag <b>"),
        ("``a` <b>", "HTML tag <b>"),
        ("<think> first", "HTML tag <think>"),
        ("<script src=x", "HTML tag <script>"),
        ("a\n<!-- b\nc", "HTML comment"),
        ("![a](http://img.example/a.png)", "image from another host"),
        ("![a](//img.example/a.png)", "image from another host"),
        ("![a][b]\n\n[b]: https://img.example/a.png", "image from another host"),
        ("![b][]\n\n[B]: https://img.example/a.png", "image from another host"),
        ("![a](data:image/png;base64,AAAA)", "image inside the text (data:)"),
        ("thanks to @ada", "@ada notifies somebody"),
        ("(@acme/team)", "@acme/team notifies somebody"),
    ],
)
def test_what_a_card_may_not_hold(text: str, message: str) -> None:
    assert foreign(text) == [message]


@pytest.mark.parametrize(
    "text",
    [
        "![" * 50_000,
        "`" + " ``" * 30_000,
        "`" * 100_000,
        "~" * 100_000,
        "# " * 60_000 + "x",
        "<a " * 40_000,
        "[a" * 50_000,
        "<!--" * 30_000,
        "@a/" * 40_000,
    ],
    ids=lambda text: text[:4],
)
def test_no_card_takes_long(text: str) -> None:
    start = time.perf_counter()
    judged.messages({CARD: text}, "DOC003")
    assert time.perf_counter() - start < 2


def test_places_count_lines_and_characters() -> None:
    (problem,) = judged.problems({CARD: "# 小型\n\n`@x` 由 @ada 制作\n"}, "DOC003")
    assert (problem.path, problem.line, problem.column) == (f"registry/{CARD}", 3, 8)


def test_images_become_links_and_comments_go() -> None:
    files = {CARD: "<!-- a -->![a](https://img.example/a.png)\n![b][r]\n\n[r]: https://img.example/b.png\n"}
    mended = judged.mended(files, judged.problems(files, "DOC003"))
    assert mended == "[a](https://img.example/a.png)\n[b][r]\n\n[r]: https://img.example/b.png\n"
    assert judged.problems({CARD: mended}, "DOC003") == []


def test_a_description_is_a_card_too() -> None:
    (problem,) = judged.problems(model(description="{en: by @ada, zh: fine}"), "DOC003")
    assert (problem.message, problem.line) == ("@ada notifies somebody in the description", 6)


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("# About\n## Model description\n## How to run\n## Bias, risks and limitations\n", ""),
        ("# 背景\n## 介绍\n## 使用方法\n## 限制\n", ""),
        ("Background\n===\n\nOverview\n---\n\n### Quick start ###\n\n## Out-of-scope use\n", ""),
        (
            "Background, introduction, usage and constraints are words.\n",
            "background, introduction, usage, constraints",
        ),
        ("# Background\n```\n# Usage\n```\n# Introduction\n# Limits\n", "usage"),
        ("", "background, introduction, usage, constraints"),
    ],
)
def test_headings(text: str, lacking: str) -> None:
    expected = [f"the card has no heading for {lacking}"] if lacking else []
    assert judged.messages({CARD: text}, "DOC002") == expected


def test_only_public_models_need_a_card() -> None:
    assert judged.messages({CARD: None}, "DOC001") == ["acme/tiny is public and has no README.md"]
    assert judged.messages({CARD: None, **model(visibility="organisation")}, "DOC001") == []
    assert judged.messages({CARD: None}, "DOC002") == []


def test_a_missing_translation_is_told_once() -> None:
    settings = {"gallery.yaml": f"{MINIMAL['gallery.yaml']}languages: [en, zh, fr]\n"}
    assert judged.messages(settings, "DOC005") == ["the card is not translated: README.zh.md, README.fr.md missing"]
    assert judged.messages({**settings, f"{TINY}/README.zh.md": "#", f"{TINY}/README.fr.md": "#"}, "DOC005") == []
    assert judged.messages({}, "DOC005") == []


def webp(*chunks: tuple[bytes, bytes], tail: bytes = b"") -> bytes:
    body = b"WEBP" + b"".join(
        kind + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + len(body).to_bytes(4, "little") + body + tail


def lossy(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"..."


def lossless(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8L", b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little")


def extended(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    return b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


@pytest.mark.parametrize("kind", [lossy, lossless, extended])
def test_covers_of_every_kind_are_measured(kind: object) -> None:
    assert callable(kind)
    assert judged.messages({COVER: webp(kind(1200, 800))}, "IMG001") == []
    assert judged.messages({COVER: webp(kind(2001, 1500))}, "IMG001") == [
        "the cover is 2001 x 1500 pixels, more than 2000 on a side"
    ]
    assert judged.messages({COVER: webp(kind(100, 201))}, "IMG001") == [
        "the cover is 100 x 201, outside the ratio 0.5 to 2"
    ]


def test_limits_and_animation() -> None:
    policy = {"policy.yaml": "version: 1\nlimits: {cover_ratio: [1.0, 1.0], cover_pixels: 64}\n"}
    assert judged.messages({**policy, COVER: webp(lossy(64, 64))}, "IMG001") == []
    assert judged.messages({**policy, COVER: webp(extended(64, 64, 0x02))}, "IMG001") == ["the cover is animated"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n",
        webp(),
        webp(lossy(10, 10))[:-2],
        webp(lossy(10, 10), tail=b"<script>"),
        webp(lossy(10, 10), (b"HTML", b"<script>")),
        webp((b"VP8 ", b"not a frame")),
        webp((b"VP8L", b"\x2f")),
        webp((b"EXIF", b"only")),
        b"RIFF" + (16).to_bytes(4, "little") + b"WEBPVP8 " + (99).to_bytes(4, "little"),
    ],
)
def test_what_is_no_picture(data: bytes) -> None:
    assert len(judged.messages({COVER: data}, "IMG003")) == 1
    assert judged.messages({COVER: data}, "IMG001") == []


@pytest.mark.parametrize(
    ("links", "count"),
    [
        ("{homepage: https://acme.example}", 0),
        ("{logo: https://acme.example/x}", 1),
        ("{homepage: 'https://acme.example/a.PNG?v=1'}", 1),
        ("{paper: [https://acme.example/a, https://acme.example/b.svg]}", 1),
    ],
)
def test_pictures_by_address(links: str, count: int) -> None:
    assert len(judged.messages(model(links=links), "IMG002")) == count
