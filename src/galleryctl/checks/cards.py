"""DOC and IMG: the model card and the cover."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.checks import headings
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.problems import Edit, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

_CARD = "README.md"
_COVER = "cover.webp"


def no_card(subject: Subject) -> Iterator[Finding]:
    """A public model has no model card.

    The card is where a reader learns what the model is for and what it must not be used for; the page of the model is
    nearly empty without it.

    Bad:

    ```yaml
    # models/llm/acme/tiny holds model.yaml and 1.0.0.yaml
    title: Tiny
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny holds model.yaml, 1.0.0.yaml and README.md
    title: Tiny
    ```
    """
    if subject.definition.model.visibility == "public" and _CARD not in subject.files:
        fix = f"galleryctl readme {subject.place.id} fetches the card of the source, or begins one"
        yield Finding(subject.model_file, (), f"{subject.place.id} is public and has no {_CARD}", fix)


def incomplete_card(subject: Subject) -> Iterator[Finding]:
    """The model card lacks one of its four parts.

    Readers look for the same four things in every card: where the model comes from (background), what it is
    (introduction), how to run it (usage), and what it cannot do (constraints). Chinese headings count as well: 背景,
    介绍, 使用, 限制.

    Bad:

    ```markdown
    # Tiny

    A small chat model.
    ```

    Good:

    ```markdown
    # Tiny

    ## Background
    Made for tests.

    ## Introduction
    A small chat model.

    ## Usage
    Load it and chat.

    ## Constraints
    It knows nothing.
    ```
    """
    if (text := subject.texts.get(_CARD)) is None:
        return
    lacking = headings.lacking(_unfenced(text))
    if lacking:
        fix = f"add {' and '.join(f'`## {part.title()}`' for part in lacking)}"
        message = f"the card has no heading for {', '.join(lacking)}"
        yield Finding(f"{subject.root}/{_CARD}", (), message, fix, position=(1, 1))


# Cards come from strangers: no pattern here looks at a character more than a few times.
_FENCE = re.compile(r"^[ \t>]*(`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_TICKS = re.compile(r"\\`|`+|\n[ \t]*\n")


def _unfenced(text: str) -> str:
    """The text with its blocks of code as spaces, so that places stay where they are."""
    return _FENCE.sub(lambda match: _spaces(match[0]), text) if "```" in text or "~~~" in text else text


def _blank(text: str) -> str:
    """The same without the code in its lines."""
    text = _unfenced(text)
    if "`" in text:
        parts, at = [], 0
        for start, end in _spans(text):
            parts += [text[at:start], _spaces(text[start:end])]
            at = end
        text = "".join([*parts, text[at:]])
    return text


def _spaces(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Code in a line: from a run of backticks to the next one of the same length in its paragraph."""
    paragraph: list[re.Match[str]] = []
    for match in [*_TICKS.finditer(text), None]:
        if match is not None and "\n" not in match[0]:
            paragraph.append(match)
            continue
        later: dict[str, list[re.Match[str]]] = {}
        for run in reversed(paragraph):
            later.setdefault(run[0], []).append(run)
        at = 0
        for run in paragraph:
            later[run[0]].pop()
            if run.start() >= at and run[0][0] == "`" and later[run[0]]:
                at = later[run[0]][-1].end()
                yield run.start(), at
        paragraph = []


class _Foreign(NamedTuple):
    """Something in Markdown that the page does not show, or that reaches outside."""

    start: int
    message: str
    fix: str
    edits: tuple[Edit, ...] = ()


_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)(?=[\s/>])[^<>]*>|<(script|style|iframe|object|embed)\b", re.IGNORECASE)
_IMAGE = re.compile(r"!(\[[^\[\]\n]*\]\([ \t]*<?(data:|(?:https?:)?//))", re.IGNORECASE)
_IMAGE_REFERENCE = re.compile(r"!\[([^\[\]\n]*)\]\[([^\[\]\n]*)\]")
_DEFINITION = re.compile(r"^ {0,3}\[([^\]\n]+)\]:\s*<?(data:|(?:https?:)?//)", re.IGNORECASE | re.MULTILINE)
_MENTION = re.compile(r"(?<![\w`/.@+\-\\])@([A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:/[A-Za-z0-9._-]+)?)(?![\w@]|\.\w)")


def _foreign(text: str) -> Iterator[_Foreign]:
    """Everything foreign of a Markdown text, outside of code."""
    if "<" not in text and "![" not in text and "@" not in text:
        return
    text = _blank(text)
    comments = [match.span() for match in _COMMENT.finditer(text)] if "<!--" in text else []
    for start, end in comments:
        yield _Foreign(start, "HTML comment", "remove it", (Edit(start, end, ""),))
    if comments:
        text = _COMMENT.sub(lambda match: _spaces(match[0]), text)
    yield from _tags(text)
    if "![" in text:
        yield from _images(text)
    for match in _MENTION.finditer(text) if "@" in text else ():
        yield _Foreign(match.start(), f"@{match[1]} notifies somebody", f"write {match[1]} without the @, or as code")


def _tags(text: str) -> Iterator[_Foreign]:
    """Each kind of tag once, where it first stands: cards made of HTML have hundreds."""
    found: dict[str, list[int]] = {}
    for match in _TAG.finditer(text) if "<" in text else ():
        found.setdefault((match[1] or match[2]).lower(), []).append(match.start())
    for name, places in found.items():
        often = f", {len(places)} times" if len(places) > 1 else ""
        yield _Foreign(places[0], f"HTML tag <{name}>{often}", _instead(name))


def _images(text: str) -> Iterator[_Foreign]:
    for match in _IMAGE.finditer(text):
        if match[2].lower() == "data:":
            yield _Foreign(
                match.start(), "image inside the text (data:)", "remove it, or put a cover.webp into the folder"
            )
        else:
            edit = Edit(match.start(), match.start() + 1, "")
            yield _Foreign(match.start(), "image from another host", "make it a link: remove the `!`", (edit,))
    remote = {match[1].casefold() for match in _DEFINITION.finditer(text)} if "]:" in text else set()
    for match in _IMAGE_REFERENCE.finditer(text) if remote else ():
        if (match[2] or match[1]).casefold() in remote:
            edit = Edit(match.start(), match.start() + 1, "")
            yield _Foreign(match.start(), "image from another host", "make it a link: remove the `!`", (edit,))


def _instead(tag: str) -> str:
    known = {
        "a": "write `[text](address)`", "b": "write `**text**`", "br": "leave an empty line instead",
        "code": "write it between backticks", "em": "write `*text*`", "i": "write `*text*`", "iframe": "write a link",
        "img": "write a Markdown link to the image", "p": "leave an empty line instead", "script": "remove it",
        "strong": "write `**text**`", "style": "remove it", "table": "write a Markdown table",
    }  # fmt: skip
    return known.get(tag, "write Markdown, put it between backticks, or remove it")


def foreign_markup(subject: Subject) -> Iterator[Finding]:
    """A card holds raw HTML, a remote image or a mention.

    Pages never render HTML or images of other hosts: they could run scripts, or tell somebody else who reads the page.
    An `@name` in a text that is quoted in a comment notifies a stranger. In code all of this is fine.

    Bad:

    ```markdown
    ![Results](https://img.example/results.png) measured by @somebody
    ```

    Good:

    ```markdown
    [Results](https://img.example/results.png) measured by somebody
    ```
    """
    for name, text in subject.texts.items():
        if name.endswith(".md"):
            for found in sorted(_foreign(text)):
                line = text.count("\n", 0, found.start) + 1
                column = found.start - text.rfind("\n", 0, found.start)
                path = f"{subject.root}/{name}"
                yield Finding(path, (), found.message, found.fix, found.edits, position=(line, column))
    description = subject.definition.model.description
    texts: dict[Pointer, str] = {}
    if isinstance(description, str):
        texts[("description",)] = description
    else:
        texts |= {("description", code): text for code, text in (description or {}).items()}
    for pointer, text in texts.items():
        for found in sorted(_foreign(text)):
            yield Finding(subject.model_file, pointer, f"{found.message} in the description", found.fix)


def no_translation(subject: Subject) -> Iterator[Finding]:
    """The card is not translated into a language of the gallery.

    Readers of that language get the card in the default language. The gap is shown on the page; this note says where.

    Bad:

    ```yaml
    # gallery.yaml says languages: [en, zh]; the folder holds README.md
    title: Tiny
    ```

    Good:

    ```yaml
    # the folder holds README.md and README.zh.md
    title: {en: Tiny, zh: 小型}
    ```
    """
    settings = subject.context.settings
    if _CARD not in subject.files or len(settings.languages) <= 1:
        return
    there = {name.lower() for name in subject.files}
    lacking = [
        code
        for code in settings.languages
        if code != settings.default_language and f"readme.{code.lower()}.md" not in there
    ]
    if lacking:
        files = ", ".join(f"README.{code}.md" for code in lacking)
        message = f"the card is not translated: {files} missing"
        yield Finding(f"{subject.root}/{_CARD}", (), message, f"add {files}", position=(1, 1))


class _Cover(NamedTuple):
    width: int
    height: int
    animated: bool


class _NotWebpError(ValueError):
    """The bytes are no whole WebP file; the text says why."""


_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "}


def _read_cover(data: bytes) -> _Cover:
    """Header of a WebP file; raises `_NotWebpError`. The container is walked to its end, so nothing can be appended."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise _NotWebpError("the bytes do not begin as a WebP file does")
    if int.from_bytes(data[4:8], "little") + 8 != len(data):
        raise _NotWebpError("the file is longer or shorter than its header says")
    chunks: dict[bytes, bytes] = {}
    place = 12
    while place < len(data):
        kind, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if kind not in _CHUNKS:
            raise _NotWebpError(f"it holds a part that WebP does not know: {kind!r}")
        chunks.setdefault(kind, data[place + 8 : place + 8 + size][:10])
        place += 8 + size + size % 2
    if place != len(data):
        raise _NotWebpError("its last part is cut off")
    return _size(chunks)


def _size(chunks: dict[bytes, bytes]) -> _Cover:
    head, lossless, lossy = (chunks.get(kind, b"") for kind in (b"VP8X", b"VP8L", b"VP8 "))
    if len(head) == 10:  # noqa: PLR2004 - flags, three reserved bytes, two sizes of 24 bits
        width, height = (int.from_bytes(head[start : start + 3], "little") + 1 for start in (4, 7))
        return _Cover(width, height, animated=bool(head[0] & 0x02))
    if lossless[:1] == b"\x2f" and len(lossless) >= 5:  # noqa: PLR2004 - signature, two sizes of 14 bits
        bits = int.from_bytes(lossless[1:5], "little")
        return _Cover((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, animated=False)
    if lossy[3:6] == b"\x9d\x01\x2a" and len(lossy) == 10:  # noqa: PLR2004 - tag, start code, two sizes
        width, height = (int.from_bytes(lossy[start : start + 2], "little") & 0x3FFF for start in (6, 8))
        return _Cover(width, height, animated=False)
    raise _NotWebpError("it holds no picture")


def ill_shaped_cover(subject: Subject) -> Iterator[Finding]:
    """The cover is too large, too narrow, too wide, or animated.

    Covers stand side by side in lists. One that moves or has another shape draws the eye away from all others; the
    limits are in `policy.yaml`.

    Bad:

    ```yaml
    # policy.yaml; cover.webp is 3000 x 400
    limits: {cover_ratio: [0.5, 2.0], cover_pixels: 2000}
    ```

    Good:

    ```yaml
    # policy.yaml; cover.webp is 1200 x 800
    limits: {cover_ratio: [0.5, 2.0], cover_pixels: 2000}
    ```
    """
    if (data := subject.blobs.get(_COVER)) is None:
        return
    try:
        cover = _read_cover(data)
    except _NotWebpError:
        return
    path, limits = f"{subject.root}/{_COVER}", subject.context.policy.limits
    if cover.animated:
        yield Finding(path, (), "the cover is animated", "save one frame as a still WebP picture", position=(1, 1))
    if max(cover.width, cover.height) > limits.cover_pixels:
        message = f"the cover is {cover.width} x {cover.height} pixels, more than {limits.cover_pixels} on a side"
        yield Finding(path, (), message, f"scale it to at most {limits.cover_pixels} pixels", position=(1, 1))
    narrowest, widest = limits.cover_ratio
    if not cover.height or not narrowest <= cover.width / cover.height <= widest:
        message = f"the cover is {cover.width} x {cover.height}, outside the ratio {narrowest:g} to {widest:g}"
        yield Finding(path, (), message, "crop it", position=(1, 1))


_PICTURES = {"avatar", "cover", "icon", "image", "logo", "picture", "thumbnail"}
_PICTURE = re.compile(r"\.(?:avif|gif|ico|jpe?g|png|svg|webp)(?:[?#].*)?$|^data:", re.IGNORECASE)


def remote_picture(subject: Subject) -> Iterator[Finding]:
    """A picture is given by address and not by file.

    Pictures of other hosts disappear, change unseen, and tell those hosts who looks at the gallery. The one picture of
    a model is `cover.webp` in its folder.

    Bad:

    ```yaml
    links: {icon: https://img.example/tiny.png}
    ```

    Good:

    ```yaml
    # the folder holds cover.webp
    links: {homepage: https://acme.example/tiny}
    ```
    """
    for kind, value in subject.definition.model.links.items():
        for index, address in enumerate((value,) if isinstance(value, str) else value):
            if kind.lower() in _PICTURES or _PICTURE.search(address):
                pointer: Pointer = ("links", kind) if isinstance(value, str) else ("links", kind, index)
                fix = f"put it into {subject.root}/{_COVER} and remove the link"
                yield Finding(subject.model_file, pointer, f"links.{kind} is a picture: {address[:80]}", fix)


def not_webp(subject: Subject) -> Iterator[Finding]:
    """The cover is not a WebP picture.

    SVG can run scripts, and a file that is a picture and a web page at once runs where it is opened. So the bytes are
    read to the end, and have to be one WebP file and nothing else.

    Bad:

    ```yaml
    # cover.webp begins with
    bytes: "<svg xmlns="
    ```

    Good:

    ```yaml
    # cover.webp begins with
    bytes: "RIFF....WEBPVP8 "
    ```
    """
    if (data := subject.blobs.get(_COVER)) is not None:
        try:
            _read_cover(data)
        except _NotWebpError as error:
            message = f"{_COVER} is not a WebP picture: {error}"
            yield Finding(f"{subject.root}/{_COVER}", (), message, "convert the picture to WebP", position=(1, 1))


RULES: tuple[Rule, ...] = (
    rule("DOC001", Severity.ERROR, entry=no_card),
    rule("DOC002", Severity.WARN, entry=incomplete_card),
    rule("DOC003", Severity.WARN, entry=foreign_markup, fixable=True),
    rule("DOC005", Severity.NOTE, entry=no_translation),
    rule("IMG001", Severity.ERROR, entry=ill_shaped_cover),
    rule("IMG002", Severity.ERROR, entry=remote_picture),
    rule("IMG003", Severity.ERROR, entry=not_webp, fixed=True),
)
