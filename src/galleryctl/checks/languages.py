"""LNG: codes of languages (BCP-47), which are registered, and what was meant by those that are not.

The registry of subtags is long, so it is read only for codes that look wrong, and the library only for those that are
not among the common ones.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.document import DELETE, assign
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.problems import Edit


class Code(NamedTuple):
    """What a text given as a language turned out to be.

    `meant` is what to write instead, where that is known; `note` is the name of the country or language it really is.
    """

    kind: Literal["good", "form", "deprecated", "country", "unknown", "prose"]
    meant: str = ""
    note: str = ""


class Doubt(NamedTuple):
    """A registered code that nearly always stands for a country."""

    meant: str
    language: str
    country: str
    among: frozenset[str] = frozenset()
    """Codes of neighbours that make the country likelier; empty where it always is."""


DOUBTS: Mapping[str, Doubt] = {
    "kr": Doubt("ko", "Kanuri", "Korea"),
    "la": Doubt("lo", "Latin", "Laos", frozenset({"th", "km", "kh", "my", "mm", "vi", "vn", "tl", "fil", "ph", "ms"})),
    "se": Doubt("sv", "Northern Sami", "Sweden"),
    "tw": Doubt("zh", "Twi", "Taiwan"),
}
AMBIGUOUS = {"in"}
"""Deprecated codes for which there is more than one right answer: Indonesian by the registry, India by intention."""

_SHAPE = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{1,8})*|[ix](-[a-z0-9]{1,8})+|art-lojban", re.IGNORECASE)
COMMON = {
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "is", "it", "ja", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "ta", "te",
    "th", "tr", "uk", "ur", "vi", "zh",
}  # fmt: skip
"""Codes that are certainly good as they are."""
_NO_LANGUAGE = {"mul", "und", "mis"}
_SPOKEN = {"kz": "kk", "ke": "sw"}  # CLDR names the language most written there


class _Registry(NamedTuple):
    languages: frozenset[str]
    regions: Mapping[str, str]
    """Name by code in lower case."""
    preferred: Mapping[str, str]
    """Deprecated tag or language in lower case → what to write."""
    extended: Mapping[str, str]
    """Language that may follow another → what to write: `zh-yue` is `yue`."""


@cache
def read(text: str) -> Code:
    """What a code is worth. Codes in canonical form need no registry."""
    if text in COMMON:
        return Code("good", text)
    import langcodes  # noqa: PLC0415 - on use: its tables are large

    if not _SHAPE.fullmatch(text) or text.lower() in _NO_LANGUAGE:
        return Code("prose", _named(text))
    if text[1] != "-" and langcodes.tag_is_valid(text) and langcodes.standardize_tag(text) == text:
        return Code("good", text)
    return _judge(text)


def _enabled(code: str, languages: tuple[str, ...]) -> bool:
    """Whether a gallery has this language, in any spelling."""
    return code in languages or code.replace("_", "-").lower() in {language.lower() for language in languages}


@cache
def _registry() -> _Registry:
    from langcodes.registry_parser import parse_registry  # noqa: PLC0415 - on use

    languages: set[str] = set()
    regions: dict[str, str] = {}
    preferred: dict[str, str] = {}
    extended: dict[str, str] = {}
    for item in parse_registry():  # type: ignore[no-untyped-call]
        name = item.get("Subtag", item.get("Tag", "")).lower()
        if item["Type"] == "language":
            languages.add(name)
        elif item["Type"] == "region" and item["Description"][0] != "Private use":
            regions[name] = item["Description"][0]
        elif item["Type"] == "extlang":
            extended[name] = item["Preferred-Value"]
        if item["Type"] in {"language", "grandfathered", "redundant"} and "Preferred-Value" in item:
            preferred[name] = item["Preferred-Value"]
    return _Registry(frozenset(languages), regions, preferred, extended)


def _judge(text: str) -> Code:
    import langcodes  # noqa: PLC0415 - on use

    registry = _registry()
    tag = text.replace("_", "-")
    first, _, rest = tag.lower().partition("-")
    if text.isupper() and first in DOUBTS and not rest:
        return Code("country", DOUBTS[first].meant, DOUBTS[first].country)
    present = _present(tag.lower(), registry)
    if present and langcodes.tag_is_valid(present):
        return Code("deprecated", present)
    if first == "x":
        return Code("good" if tag.lower() == text else "form", tag.lower())
    if first not in registry.languages:
        return _no_language(first, registry)
    if not langcodes.tag_is_valid(tag):
        return Code("unknown", registry.preferred.get(first, first))
    cased = _joined(first, rest)
    return Code("good" if cased == text else "form", cased)


def _no_language(first: str, registry: _Registry) -> Code:
    import langcodes  # noqa: PLC0415 - on use

    if first in registry.regions:
        return Code("country", _likeliest(first), registry.regions[first])
    shorter = langcodes.standardize_tag(first) if first != "i" else ""
    return Code("unknown", shorter if shorter in registry.languages else "")


def _present(tag: str, registry: _Registry) -> str:
    """What took the place of a deprecated tag; empty where nothing did."""
    first, _, rest = tag.partition("-")
    second, _, more = rest.partition("-")
    if tag in registry.preferred:
        return registry.preferred[tag]
    if second in registry.extended:
        return _joined(registry.extended[second], more)
    return _joined(registry.preferred[first], rest) if first in registry.preferred else ""


def _joined(language: str, rest: str) -> str:
    """Script in title case, region in upper case, the rest in lower case: `zh`, `hans-cn` as `zh-Hans-CN`."""
    cases = {2: str.upper, 4: str.title}
    return "-".join([language, *(cases.get(len(part), str.lower)(part) for part in rest.split("-") if part)])


def _likeliest(country: str) -> str:
    """The language most models mean by a country; empty where none is spoken."""
    import langcodes  # noqa: PLC0415 - on use

    found = _SPOKEN.get(country) or langcodes.Language.get(f"und-{country.upper()}").maximize().language
    return "" if found in {None, "und"} else str(found)


def _named(text: str) -> str:
    """The code of a language given by its English name."""
    import langcodes  # noqa: PLC0415 - on use

    if not text.isalpha() or len(text) <= 3:  # noqa: PLR2004 - a code, and no name
        return ""
    try:
        return langcodes.find(text, language="en").to_tag()
    except LookupError:
        return ""


def texts(value: object) -> list[str]:
    """The texts of a list, whatever else its schema may complain about."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


class _Spoken(NamedTuple):
    """One code of a release's list of languages."""

    path: str
    name: str
    at: int
    """Its index."""
    text: str
    code: Code
    among: list[str]
    """The whole list."""

    @property
    def pointer(self) -> Pointer:
        return ("spec", "languages", self.at)


def _spoken(subject: Subject, *kinds: str) -> Iterator[_Spoken]:
    for version, release in subject.definition.releases.items():
        listed = release.spec.get("languages")
        for index, text in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(text, str) and (code := read(text)).kind in kinds:
                path = subject.release_file(version)
                yield _Spoken(path, path.rpartition("/")[2], index, text, code, texts(listed))


def _mended(subject: Subject, spoken: _Spoken) -> tuple[Edit, ...]:
    meant = DELETE if spoken.code.meant in spoken.among else spoken.code.meant
    return assign(subject.documents[spoken.name], spoken.pointer, meant)


def unregistered_language(subject: Subject) -> Iterator[Finding]:
    """A language is not a registered BCP-47 code.

    Codes of countries are the usual slip: `JP`, `KR` and `kh` are Japan, Korea and Cambodia, their languages are `ja`,
    `ko` and `km`. Who filters by language does not find the model.

    Bad:

    ```yaml
    languages: [en, JP, kh]
    ```

    Good:

    ```yaml
    languages: [en, ja, km]
    ```
    """
    for spoken in _spoken(subject, "country", "unknown"):
        meant, note = spoken.code.meant, spoken.code.note
        what = f"is the country {note}, no language" if spoken.code.kind == "country" else "is no registered language"
        fix = f"write `{meant}`" if meant else "write the BCP-47 code of the language, or remove it"
        yield Finding(spoken.path, spoken.pointer, f"{spoken.text!r} {what}", fix)


def doubtful_language(subject: Subject) -> Iterator[Finding]:
    """A language has a deprecated code, or one that surely means a country.

    Deprecated codes do not match their successors in a filter. `la` is Latin and `kr` is Kanuri, which few models
    speak: between `th` and `km` the first means Laos, and the second nearly always Korea. They are reported only while
    the language of that country is not listed too.

    Bad:

    ```yaml
    languages: [iw, th, km, la]
    ```

    Good:

    ```yaml
    languages: [he, th, km, lo]
    ```
    """
    for spoken in _spoken(subject, "deprecated", "good"):
        meant, text = spoken.code.meant, spoken.text
        doubt = DOUBTS.get(text)
        if text in AMBIGUOUS:
            message = f"{text!r} is a deprecated code of Indonesian, and the country India"
            yield Finding(spoken.path, spoken.pointer, message, f"write `{meant}` for Indonesian, or `hi` for Hindi")
        elif spoken.code.kind == "deprecated":
            edits = _mended(subject, spoken)
            yield Finding(
                spoken.path, spoken.pointer, f"{text!r} is deprecated; it is {meant!r} now", f"write `{meant}`", edits
            )
        elif (
            doubt and doubt.meant not in spoken.among and (not doubt.among or not doubt.among.isdisjoint(spoken.among))
        ):
            message = f"{text!r} is {doubt.language}; {doubt.country} is the country, its language is {doubt.meant!r}"
            yield Finding(
                spoken.path, spoken.pointer, message, f"write `{doubt.meant}`, unless {doubt.language} is meant"
            )


def prose_language(subject: Subject) -> Iterator[Finding]:
    """A list of languages holds prose.

    "89 languages supported" and "multilingual" match no filter and say nothing to a program.

    Bad:

    ```yaml
    languages: [en, multilingual]
    ```

    Good:

    ```yaml
    languages: [en, fr, de, zh]
    ```
    """
    for spoken in _spoken(subject, "prose"):
        meant = spoken.code.meant
        fix = (
            f"write `{meant}`"
            if meant
            else "list the codes of the languages; many languages are the tag `multilingual`"
        )
        yield Finding(spoken.path, spoken.pointer, f"{spoken.text!r} is no code of a language", fix)


def unusual_language(subject: Subject) -> Iterator[Finding]:
    """The code of a language is not in its usual form, or stands twice.

    Languages are lower case, scripts title case, regions upper case, joined by hyphens: clients compare the text.

    Bad:

    ```yaml
    languages: [EN, zh-hans, pt_BR]
    ```

    Good:

    ```yaml
    languages: [en, zh-Hans, pt-BR]
    ```
    """
    for spoken in _spoken(subject, "form", "good"):
        meant, text = spoken.code.meant, spoken.text
        if spoken.code.kind == "form":
            edits = _mended(subject, spoken)
            yield Finding(
                spoken.path, spoken.pointer, f"{text!r} is usually written {meant!r}", f"write `{meant}`", edits
            )
        elif (first := spoken.among.index(text)) < spoken.at:
            edits = assign(subject.documents[spoken.name], spoken.pointer, DELETE)
            message = f"{text!r} stands in `languages` already (languages[{first}])"
            yield Finding(spoken.path, spoken.pointer, message, f"remove languages[{spoken.at}]", edits)


def disabled_language(subject: Subject) -> Iterator[Finding]:
    """A translation is in a language the gallery does not have.

    The site is built in the languages of `gallery.yaml`; a text in another one is never shown and goes stale unseen.

    Bad:

    ```yaml
    # gallery.yaml says languages: [en, zh]
    title: {en: Tiny, fr: Minuscule}
    ```

    Good:

    ```yaml
    title: {en: Tiny, zh: 小型}
    ```
    """
    enabled = subject.context.settings.languages
    model = subject.definition.model
    fix = f"enable it in gallery.yaml, or remove it (enabled: {', '.join(enabled)})"
    for field, text in (("title", model.title), ("summary", model.summary), ("description", model.description)):
        for code in text if isinstance(text, dict) else ():
            if not _enabled(code, enabled):
                message = f"{field} in {code!r}, which the gallery does not have"
                yield Finding(subject.model_file, (field, code), message, fix, at="key")
    for name in subject.texts:
        if (code := _card_language(name)) and not _enabled(code, enabled):
            message = f"card in {code!r}, which the gallery does not have"
            yield Finding(f"{subject.root}/{name}", (), message, fix, position=(1, 1))


def _card_language(name: str) -> str:
    """`zh` of `README.zh.md`, nothing of `README.md`."""
    if name.startswith("README.") and name.endswith(".md"):
        return name[len("README.") : -len("md")].removesuffix(".")
    return ""


RULES: tuple[Rule, ...] = (
    rule("LNG001", Severity.ERROR, entry=unregistered_language),
    rule("LNG002", Severity.WARN, entry=doubtful_language, fixable=True),
    rule("LNG003", Severity.ERROR, entry=prose_language),
    rule("LNG004", Severity.ERROR, entry=unusual_language, fixable=True),
    rule("LNG005", Severity.ERROR, entry=disabled_language),
)
