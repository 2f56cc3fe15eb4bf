"""TXT004: names whose letters only look like those of another name."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from galleryctl.checks.characters import versions
from galleryctl.checks.rule import Finding, Pointer, Rule, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.rule import World

_ALIKE = dict(
    zip(
        "АВЕЅІЈКМНОРСТХаеѕіјорсухԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρυаԍԱՕօղցҺһӏ",
        "ABESIJKMHOPCTXaesijopcyxdqwABEZHIKMNOPTYXoavpuaGUOonghhl",
        strict=True,
    )
)
_SYMBOLS = frozenset("βγδεπλμσωφψθΔΩΣΠΛΦΨΘµ")
_WORD = re.compile(r"[^\W\d_]+")
_TOGETHER = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})


def _script(letter: str) -> str:
    return "LATIN" if letter.isascii() else unicodedata.name(letter, "?").partition(" ")[0]


def look_alike(text: str) -> tuple[str, str] | None:
    """The first word that pretends to be another, and why; none where there is none."""
    if text.isascii():
        return None
    words = _WORD.findall(text)
    for word in words:
        for letter in word:
            plain = unicodedata.normalize("NFKC", letter)
            if not letter.isascii() and plain.isascii() and plain.isalpha():
                return word, f"`{letter}` (U+{ord(letter):04X}) is no plain `{plain}`"
        scripts = {_script(letter) for letter in word if letter not in _SYMBOLS}
        if len(scripts) > 1 and not scripts <= _TOGETHER:
            foreign = next(letter for letter in word if _script(letter) != "LATIN" and letter not in _SYMBOLS)
            latin = _ALIKE.get(foreign)
            meant = f"; Latin `{latin}` looks the same" if latin else ""
            return word, f"`{foreign}` (U+{ord(foreign):04X}) is {_script(foreign).title()}{meant}"
    disguised = [word for word in words if not word.isascii() and all(letter in _ALIKE for letter in word)]
    rest = [word for word in words if word not in disguised]
    if disguised and (not rest or all(word.isascii() for word in rest)):
        word = disguised[0]
        return word, f"every letter looks like another script's: Latin `{''.join(_ALIKE[letter] for letter in word)}`"
    return None


def _disguised(path: str, pointer: Pointer, value: Any) -> Iterator[Finding]:  # noqa: ANN401 - text, or a map by language
    for further, text in versions(value):
        found = look_alike(text)
        if found:
            word, why = found
            message = f"the word `{word}` has letters of more than one script, or look-alikes: {why}"
            yield Finding(path, (*pointer, *further), message, "type the word anew in one script")


def disguised(world: World) -> Iterator[Finding]:
    r"""A name with letters that only look like those of another one.

    A Cyrillic letter that looks like `e` in `Qwen` makes a second Qwen that nobody can tell from the first. Words of
    one script each are fine, and so are Latin letters beside Chinese, Japanese or Korean ones.

    Bad: the third letter is Cyrillic.

    ```yaml
    title: "Qw\u0435n3"
    ```

    Good: all letters are Latin.

    ```yaml
    title: Qwen3
    ```
    """
    for entry in world.gallery:
        title = entry.outline.title
        if not (isinstance(title, str) and title.isascii()):
            yield from _disguised(world.model_file(entry.outline), ("title",), title)
    for path, document in world.documents.items():
        if document.text.isascii():
            continue
        yield from _disguised(path, ("title",), document.data.get("title"))
        if path.startswith("taxonomy."):
            yield from _labels(path, document.data, ())


def _labels(path: str, value: Any, pointer: Pointer) -> Iterator[Finding]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "label":
                yield from _disguised(path, (*pointer, key), member)
            else:
                yield from _labels(path, member, (*pointer, key))


RULES: tuple[Rule, ...] = (rule("TXT004", Severity.ERROR, gallery=disguised, fixed=True),)
