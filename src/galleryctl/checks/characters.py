"""TXT: characters and texts that deceive, break a search, or say nothing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from galleryctl.checks.kinds import called
from galleryctl.checks.rule import Finding, Pointer, Rule, once, rule
from galleryctl.document import assign
from galleryctl.problems import Edit, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from galleryctl.checks.rule import Subject, World
    from galleryctl.document import Document

LONGEST_SUMMARY = 200
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = "\u200c\u200d"
_BREAKS = frozenset("\t\n\r")
_NEWER = ((0x1F000, 0x1FAFF), (0x2EBF0, 0x2EE5F), (0x31350, 0x3347F))  # emoji and ideographs of later Unicode versions
_UNUSUAL = re.compile(r"[^\n\r\t\x20-\x7e]")
_LINE = re.compile(r"[^\r\n]+")
_CAP = 20  # of one kind in one file


def _is_bidi(letter: str) -> bool:
    return letter in _BIDI


@lru_cache(maxsize=65_536)
def _is_hidden(letter: str) -> bool:
    if letter in _BREAKS or letter in _BIDI:
        return False
    category = unicodedata.category(letter)
    if category == "Cn":
        return not any(low <= ord(letter) <= high for low, high in _NEWER)
    return category in {"Cc", "Cf", "Co", "Zl", "Zp"}


def _joins(text: str, index: int) -> bool:
    """Whether a joiner stands where writing needs it: between emoji, or after a letter of a joining script."""
    before = text[index - 1 : index]
    if text[index] not in _JOINERS or not before:
        return False
    joining = "\u0600" <= before <= "\u109f" or "\u1780" <= before <= "\u17ff"
    return joining or (text[index] == "\u200d" and (before == "\ufe0f" or unicodedata.category(before) in {"So", "Sk"}))


def _letters(text: str, bad: Callable[[str], bool]) -> list[int]:
    """Offsets of bad characters."""
    found = {letter for letter in set(text) if bad(letter)}
    return [index for index, letter in enumerate(text) if letter in found and not _joins(text, index)] if found else []


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _strings(value: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, str]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _strings(member, (*pointer, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _strings(member, (*pointer, index))


def _without(text: str, offsets: Iterable[int]) -> str:
    gone = set(offsets)
    return "".join(letter for index, letter in enumerate(text) if index not in gone)


def _scan(
    documents: Mapping[str, Document], texts: Mapping[str, str], bad: Callable[[str], bool], what: str
) -> Iterator[Finding]:
    """Bad characters as written, and those that a definition spells with an escape."""
    for path, text in _unusual(documents, texts):
        for offset in _letters(text, bad)[:_CAP]:
            if offset == 0 and text[0] == "\ufeff":  # the byte-order mark is YML005
                continue
            edit = Edit(offset, offset + 1, "")
            message = f"{what} U+{ord(text[offset]):04X}"
            yield Finding(path, (), message, "remove it", (edit,), position=_position(text, offset))
    for path, document in documents.items():
        if "\\" not in document.text:
            continue
        for pointer, text in _strings(document.data):
            if text.isprintable() or not (offsets := _letters(text, bad)):
                continue
            written = document.scalar(pointer)
            if written and text[offsets[0]] not in written.raw:
                message = f"{what} U+{ord(text[offsets[0]]):04X} in {called(pointer)}, spelt as an escape"
                edits = assign(document, pointer, _without(text, offsets))
                yield Finding(path, pointer, message, "remove it", edits)


def _files(subject: Subject) -> tuple[dict[str, Document], dict[str, str]]:
    documents = {f"{subject.root}/{name}": document for name, document in subject.documents.items()}
    return documents, {f"{subject.root}/{name}": text for name, text in subject.texts.items()}


def _unusual(documents: Mapping[str, Document], texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The files with more than printable ASCII."""
    for path, document in documents.items():
        # A file that was read by its lines has no control character.
        if not (document.composed is None and document.text.isascii()) and _UNUSUAL.search(document.text):
            yield path, document.text
    for path, text in texts.items():
        if _is_unusual(text):
            yield path, text


@lru_cache(maxsize=4)  # two rules look at the same card, one after the other
def _is_unusual(text: str) -> bool:
    return _UNUSUAL.search(text) is not None


def bidi(subject: Subject) -> Iterator[Finding]:
    r"""An invisible character that turns the direction of writing.

    A reviewer sees another text than the one a machine reads: the letters of a name, an address or a command stand in
    another order than they seem to.

    Bad: a title with U+202E between its letters.

    ```yaml
    title: "Tiny\u202Eledom"
    ```

    Good: the letters alone.

    ```yaml
    title: Tiny model
    ```
    """
    yield from _scan(*_files(subject), _is_bidi, "the direction mark")


def hidden(subject: Subject) -> Iterator[Finding]:
    r"""A zero-width, control, private-use or unassigned character.

    Nobody sees it, so two names that look equal are not, and a search for one does not find the other. Joiners inside
    emoji, and in scripts that need them, are allowed.

    Bad: a zero-width space inside a word.

    ```yaml
    title: "Ti\u200Bny"
    ```

    Good: the word alone.

    ```yaml
    title: Tiny
    ```
    """
    yield from _scan(*_files(subject), _is_hidden, "the invisible character")


def _composed(documents: Mapping[str, Document], texts: Mapping[str, str]) -> Iterator[Finding]:
    for path, text in (*((path, document.text) for path, document in documents.items()), *texts.items()):
        if text.isascii() or unicodedata.is_normalized("NFC", text):
            continue
        for match in _LINE.finditer(text):
            normal = unicodedata.normalize("NFC", match[0])
            if normal != match[0]:
                at = next(index for index, pair in enumerate(zip(normal, match[0], strict=False)) if pair[0] != pair[1])
                edit = Edit(*match.span(), normal)
                message = "letters and their accents are separate characters here"
                position = _position(text, match.start() + at)
                yield Finding(
                    path, (), message, "write each as one character (Unicode form NFC)", (edit,), position=position
                )


def composed(subject: Subject) -> Iterator[Finding]:
    r"""A text whose accented letters are written as two characters.

    `é` can be one character, or `e` and an accent. They look the same and are not equal, so a search for one misses the
    other. One form (NFC) is used everywhere.

    Bad: a title that spells `é` as `e` and U+0301.

    ```yaml
    title: "Poe\u0301sie"
    ```

    Good: the same title with the one character U+00E9, which `check --fix` writes.

    ```yaml
    title: Poésie
    ```
    """
    yield from _composed(*_files(subject))


def versions(value: Any) -> Iterator[tuple[Pointer, str]]:  # noqa: ANN401 - text, or a map by language
    """Each text with the pointer to it."""
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, dict):
        yield from (((language,), text) for language, text in value.items() if isinstance(text, str))


_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|button|center|code|dd|del|details|div|dl|dt|em|embed|font|form|h[1-6]|hr|i|iframe|"
    r"img|input|ins|kbd|li|link|mark|meta|object|ol|p|pre|q|s|script|small|span|strike|strong|style|sub|summary|sup|"
    r"svg|table|tbody|td|th|thead|tr|tt|u|ul|video)(?:\s[^<>]*)?/?>|<!--|&(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-f]+);",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|XXX+|CHANGE[_ -]?ME|REPLACE[_ -]?ME)\b|\b[Ll]orem ipsum\b|"
    r"\b(?i:your (?:model|summary|description|title|text)(?: name)?(?: goes)? here|"
    r"(?:description|text|summary) goes here|insert [a-z ]{2,30} here|one (?:plain )?sentence about (?:the|your) model|"
    r"a short description of (?:the|your) model|"
    r"describe (?:the|your) model(?: here)?|no description(?: provided| available)?|placeholder)\b"
)
_HINTS = (
    *("todo", "fixme", "tbd", "xxx", "lorem ipsum", "placeholder", " here", "sentence about"),
    *("a short description", "describe ", "no description"),
)
_ASKING = tuple(f"{verb}{gap}me" for verb in ("change", "replace") for gap in ("", "_", "-", " "))
"""One of them, in lower case, stands in every placeholder; looking for these costs a tenth of the pattern."""
_FENCE = re.compile(r"^ *(?:```|~~~)")


def _placeholder(text: str) -> re.Match[str] | None:
    low = text.lower()
    for hint in _HINTS:
        if hint in low:
            return _PLACEHOLDER.search(text)
    asked = "change" in low or "replace" in low
    return _PLACEHOLDER.search(text) if asked and any(hint in low for hint in _ASKING) else None


@once
def _plain_texts(subject: Subject) -> Iterator[tuple[str, Pointer, str]]:
    """Path, pointer and text of every plain-text field."""
    model = subject.definition.model
    for field in ("title", "summary"):
        for further, text in versions(getattr(model, field)):
            yield subject.model_file, (field, *further), text
    if model.reason:
        yield subject.model_file, ("reason",), model.reason
    for version, release in subject.definition.releases.items():
        for name, value in (("notes", release.notes), ("reason", release.reason)):
            if value:
                yield subject.release_file(version), (name,), value


def markup(subject: Subject) -> Iterator[Finding]:
    """HTML in a field that holds plain text.

    `title`, `summary`, `notes` and `reason` go into pages, feeds, terminals and other catalogues. Where they are shown
    as text the tags show, and where they are not they run.

    Bad: a tag in a summary.

    ```yaml
    summary: A <b>fast</b> chat model.
    ```

    Good: the words alone; longer texts with structure go into the model card.

    ```yaml
    summary: A fast chat model.
    ```
    """
    for path, pointer, text in _plain_texts(subject):
        match = _TAG.search(text)
        if match:
            message = f"`{match[0][:40]}` in {called(pointer)}: HTML in plain text"
            yield Finding(path, pointer, message, "write the words alone")


def placeholder(subject: Subject) -> Iterator[Finding]:
    """Text that was meant to be replaced.

    A scaffold's text tells a reader nothing and stays for years once it is published.

    Bad: a summary as the scaffold left it.

    ```yaml
    summary: "TODO: one sentence about the model"
    ```

    Good: what it is.

    ```yaml
    summary: Small chat model for phones.
    ```
    """
    texts = [*_plain_texts(subject)]
    texts += [
        (subject.model_file, ("description", *more), text)
        for more, text in versions(subject.definition.model.description)
    ]
    for path, pointer, text in texts:
        match = _placeholder(text)
        if match:
            yield Finding(
                path, pointer, f"`{match[0]}` in {called(pointer)}: text to be replaced", "write it, or leave it out"
            )
    for name, text in subject.texts.items():
        if name.endswith(".md"):
            yield from _in_card(f"{subject.root}/{name}", text)


def _in_card(path: str, text: str) -> Iterator[Finding]:
    if not _placeholder(text):
        return
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if _FENCE.match(line):
            fenced = not fenced
        match = None if fenced else _PLACEHOLDER.search(line)
        if match:
            message = f"`{match[0]}`: text to be replaced"
            yield Finding(path, (), message, "write it, or leave it out", position=(number, match.start() + 1))


def summary(subject: Subject) -> Iterator[Finding]:
    """A public model without a good summary.

    Lists, searches and other catalogues show one line about a model. Without it people cannot tell two models apart;
    if it is long it is cut, and if it repeats the title it says nothing.

    Bad: the title once more.

    ```yaml
    title: Tiny
    summary: Tiny
    ```

    Good: one sentence of at most 200 characters.

    ```yaml
    title: Tiny
    summary: Chat model of one billion parameters for phones.
    ```
    """
    model, path = subject.definition.model, subject.model_file
    if model.summary is None:
        document = next(found for name, found in subject.documents.items() if name.startswith("model."))
        if model.visibility == "public" and not document.has(("summary",)):
            yield Finding(path, (), "a public model without `summary`", "add `summary:` with one sentence")
        return
    titles = {text.strip().rstrip(".").casefold() for _, text in versions(model.title)}
    for further, text in versions(model.summary):
        pointer = ("summary", *further)
        if len(text) > LONGEST_SUMMARY:
            message = f"`summary` has {len(text)} characters: {LONGEST_SUMMARY} are shown"
            yield Finding(path, pointer, message, "shorten it to one sentence; the rest goes into README.md")
        elif "\n" in text.strip():
            yield Finding(path, pointer, "`summary` has several lines", "write one sentence on one line")
        elif not text.strip() or text.strip().rstrip(".").casefold() in titles:
            yield Finding(path, pointer, "`summary` says no more than the title", "say what the model is good for")


def _beside(
    check: Callable[[Mapping[str, Document], Mapping[str, str]], Iterator[Finding]],
) -> Callable[[World], Iterator[Finding]]:
    def run(world: World) -> Iterator[Finding]:
        yield from check(world.documents, {})

    return run


RULES: tuple[Rule, ...] = (
    rule(
        "TXT001",
        Severity.ERROR,
        entry=bidi,
        gallery=_beside(lambda documents, texts: _scan(documents, texts, _is_bidi, "the direction mark")),
        fixed=True,
        fixable=True,
    ),
    rule(
        "TXT002",
        Severity.ERROR,
        entry=hidden,
        gallery=_beside(lambda documents, texts: _scan(documents, texts, _is_hidden, "the invisible character")),
        fixed=True,
        fixable=True,
    ),
    rule("TXT003", Severity.ERROR, entry=composed, gallery=_beside(_composed), fixable=True),
    rule("TXT005", Severity.ERROR, entry=markup),
    rule("TXT006", Severity.ERROR, entry=placeholder),
    rule("TXT007", Severity.ERROR, entry=summary),
)
