"""LIC: under which licence a model may be used. The only module that reads SPDX expressions."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from license_expression import (  # type: ignore[import-untyped]
    ExpressionError,
    LicenseExpression,
    LicenseWithExceptionSymbol,
    Licensing,
    get_license_index,
    get_spdx_licensing,
)

from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, rule
from galleryctl.document import assign
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from galleryctl.spec import Taxonomy

_REFERENCE = re.compile(r"(?i:LicenseRef)-[A-Za-z0-9.-]+")
_SAYS_NOTHING = {
    "other", "custom", "unknown", "proprietary", "none", "noassertion", "see license", "see licence",
    "unlicensed", "n/a",
}  # fmt: skip
_LONGEST = 300
"""The parser takes its time, and goes one call deeper for each bracket."""
_FILLERS = re.compile(r"\b(?:the|licence|license|version)\b|(?<![a-z])v(?=\d)|(?<=[a-z])v(?=\d)|[^a-z0-9]+")


class _Reading(NamedTuple):
    """What an expression turned out to be. `spelling` is how it should be written, where that is known."""

    kind: Literal["good", "spelling", "reference", "nothing", "bad"]
    spelling: str = ""
    reason: str = ""


class _Known(NamedTuple):
    exact: Mapping[str, str]
    """SPDX id and its deprecated names, in lower case → present id."""
    loose: Mapping[str, str]
    """The same without punctuation and filler words."""
    categories: Mapping[str, str]
    """Kind of licence by id: Permissive, Copyleft, …"""


@cache
def _known() -> _Known:
    exact: dict[str, str] = {}
    categories: dict[str, str] = {}
    older: dict[str, str] = {}
    for item in get_license_index():
        key = item.get("spdx_license_key")
        if not key or key.startswith("LicenseRef-") or item["is_exception"]:
            continue
        exact[key.lower()] = key
        categories[key] = item["category"]
        older |= {name.lower(): key for name in item["other_spdx_license_keys"] if not name.startswith("LicenseRef-")}
    exact = {name: key for name, key in older.items() if name != "gpl"} | exact
    loose: dict[str, str] = {}
    for name, key in sorted(exact.items()):
        loose.setdefault(_squeeze(name), key)
    return _Known(exact, loose, categories)


def _squeeze(text: str) -> str:
    return _FILLERS.sub("", text.lower())


@cache
def _licensing() -> Licensing:
    return get_spdx_licensing()


@cache
def _read(expression: str) -> _Reading:
    """Single ids need no parser, and nearly every model has one."""
    text = expression.strip()
    if text.lower() in _SAYS_NOTHING or not text:
        return _Reading("nothing")
    if present := _known().exact.get(text.lower()):
        return _Reading("good" if present == expression else "spelling", present)
    if _REFERENCE.fullmatch(text):
        spelling = "LicenseRef-" + text[len("LicenseRef-") :]
        return _Reading("reference" if spelling == expression else "spelling", spelling)
    return _parse(expression)


def _parse(expression: str) -> _Reading:
    if len(expression) > _LONGEST:
        return _Reading("bad", "", f"it has {len(expression)} characters")
    try:
        parsed = _licensing().parse(expression, strict=True)
    except (ExpressionError, IndexError, AssertionError):  # the last two for "()" and "( AND MIT"
        parsed = None
    if not isinstance(parsed, LicenseExpression):
        return _Reading("bad", _guess(expression), "ids are joined by AND, OR and WITH, and nothing else")
    unknown = [key for key in _unknown(parsed) if not _is_known(key)]
    if unknown:
        return _Reading("bad", _guess(expression), f"{unknown[0]} is not on the SPDX list")
    present = str(parsed.render())
    if (
        " " not in present and present.lower() != expression.lower()
    ):  # the parser's own nicknames: `gpl` may mean several
        return _Reading("bad", _guess(expression), f"{expression} is not on the SPDX list")
    references = any(key.startswith("LicenseRef-") for key in _symbols(parsed))
    if present != expression:
        return _Reading("spelling", present)
    return _Reading("reference" if references else "good", present)


def official(text: str) -> str | None:
    """The present spelling of the SPDX expression that is surely meant; empty for words that name no licence.

    None for anything else, such as the name of a licence that is not on the SPDX list.
    """
    reading = _read(text)
    return "" if reading.kind == "nothing" else reading.spelling or None


def unlisted(expression: str, listed: Container[str]) -> tuple[str, ...]:
    """Licences of an expression that a list lacks. Of a choice one is enough; what is no expression lacks nothing."""
    reading = _read(expression)
    if expression in listed or reading.kind in {"nothing", "bad"} or reading.spelling in listed:
        return ()
    if " " not in reading.spelling:
        return () if reading.spelling.removesuffix("+") in listed else (reading.spelling,)
    return tuple(dict.fromkeys(_lacking(_licensing().parse(reading.spelling), listed)))


def _lacking(parsed: object, listed: Container[str]) -> tuple[str, ...]:
    if isinstance(parsed, LicenseWithExceptionSymbol):  # an exception only allows more
        return () if str(parsed) in listed else _lacking(parsed.license_symbol, listed)
    parts = [_lacking(part, listed) for part in getattr(parsed, "args", ())]
    if not parts:
        key = str(getattr(parsed, "key", parsed))
        return () if key in listed or key.removesuffix("+") in listed else (key,)
    if type(parsed).__name__ == "OR" and () in parts:
        return ()
    return tuple(key for part in parts for key in part)


def _symbols(parsed: LicenseExpression) -> list[str]:
    return [str(symbol.key) for symbol in _licensing().license_symbols(parsed)]


def _unknown(parsed: LicenseExpression) -> list[str]:
    return [str(key) for key in _licensing().unknown_license_keys(parsed)]


def _is_known(key: str) -> bool:
    """References are any; a plus after an id is SPDX, though the parser does not know it."""
    return _REFERENCE.fullmatch(key) is not None or (key.endswith("+") and key[:-1] in _known().categories)


@cache
def _guess(expression: str) -> str:
    """The id that was surely meant; empty where several could be (`gpl 3` is two licences)."""
    squeezed = _squeeze(expression)
    for tail in ("", "0", "00", "clause"):
        found = _known().loose.get(squeezed + tail, "")
        if found:
            return "" if re.match(r"[AL]?GPL|GFDL", found) else found
    return ""


def _near(expression: str, taxonomy: Taxonomy) -> str:
    """The licence of the gallery, or else of SPDX, that looks most like it."""
    squeezed = _squeeze(expression)
    own = {_squeeze(key.removeprefix("LicenseRef-")): key for key in taxonomy.licenses}
    if family := [name for name in _known().loose if re.fullmatch(re.escape(squeezed) + r"\d+only", name)]:
        return _known().loose[max(family)]
    for names in (own, _known().loose):
        if found := get_close_matches(squeezed, names, n=1, cutoff=0.75):
            return names[found[0]]
    return ""


def _declared(subject: Subject) -> Iterator[tuple[str, str, Pointer, str]]:
    """Every licence of a definition: path, file name, pointer, expression."""
    model = subject.definition.model
    if model.license is not None:
        path = subject.model_file
        yield path, path.rpartition("/")[2], ("license",), model.license
    for version, release in subject.definition.releases.items():
        for index, variant in enumerate(release.variants):
            if variant.license is not None:
                path = subject.release_file(version)
                yield path, path.rpartition("/")[2], ("variants", index, "license"), variant.license


def missing(subject: Subject) -> Iterator[Finding]:
    """The licence is missing.

    Without a licence nobody may use, change or pass on a model, and a company cannot tell whether it could. Runtimes
    and galleries that read the field have crashed on models without it.

    Bad:

    ```yaml
    title: Tiny
    summary: A small chat model.
    ```

    Good:

    ```yaml
    title: Tiny
    summary: A small chat model.
    license: Apache-2.0
    ```
    """
    if not (subject.definition.model.license or "").strip():
        yield Finding(
            subject.model_file,
            ("license",) if subject.definition.model.license is not None else (),
            f"{subject.place.id} has no license",
            "add `license:` with the SPDX id its source names, or `LicenseRef-…` with `license_url`",
        )


def not_spdx(subject: Subject) -> Iterator[Finding]:
    """The licence is not an SPDX expression in its official spelling.

    Filters, company policies and runtimes compare licences as text: `apache 2`, `apache-2.0` and `Apache-2.0` would be
    three licences. Wrong case and well-known other spellings are mended by `check --fix`.

    Bad:

    ```yaml
    license: apache 2
    ```

    Good:

    ```yaml
    license: Apache-2.0
    ```
    """
    for path, name, pointer, expression in _declared(subject):
        reading = _read(expression)
        if reading.kind == "spelling" or (reading.kind == "bad" and reading.spelling):
            yield Finding(
                path,
                pointer,
                f"license {expression!r} is not spelled as SPDX has it: {reading.spelling}",
                f"write `license: {reading.spelling}`",
                assign(subject.documents[name], pointer, reading.spelling),
            )
        elif reading.kind == "bad":
            yield _unreadable(path, pointer, expression, reading, subject.context.taxonomy)


def _unreadable(path: str, pointer: Pointer, expression: str, reading: _Reading, taxonomy: Taxonomy) -> Finding:
    near = _near(expression, taxonomy) if len(expression) <= _LONGEST else ""
    expression = expression[:60]
    own = "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", expression).strip("-.") or "Name")
    return Finding(
        path,
        pointer,
        f"license {expression!r} is not an SPDX expression: {reading.reason}"
        + (f"; nearest is {near}" if near else ""),
        (f"write `license: {near}` if that is meant, else " if near else "write ") + f"`{own}` with `license_url`",
    )


def without_text(subject: Subject) -> Iterator[Finding]:
    """A licence of its own has no address of its text.

    A `LicenseRef-…` is only a name: without `license_url` nobody can read what it allows. `other` does not even
    name it.

    Bad:

    ```yaml
    license: other
    ```

    Good:

    ```yaml
    license: LicenseRef-Qwen
    license_url: https://huggingface.co/Qwen/Qwen-7B/blob/ef3c5c9/LICENSE
    ```
    """
    model, taxonomy = subject.definition.model, subject.context.taxonomy
    for path, name, pointer, expression in _declared(subject):
        reading = _read(expression)
        if reading.kind == "nothing" and expression.strip():
            yield Finding(
                path,
                pointer,
                f"license {expression!r} does not say which one",
                "write the SPDX id, or `LicenseRef-<name>` with the address of its text in `license_url`",
            )
        elif reading.kind == "reference" and not model.license_url:
            listed = taxonomy.licenses.get(expression)
            if name.startswith("model.") or not (listed and listed.url):
                hint = f": `license_url: {listed.url}`" if listed and listed.url else " with the address of its text"
                yield Finding(
                    path, pointer, f"license {expression} has no license_url", f"add `license_url` to model.yaml{hint}"
                )


_CATEGORIES = {"Public Domain": 0, "Permissive": 0, "Copyleft Limited": 1, "Copyleft": 2}
_OWN_TERMS, _NO_COMMERCE = 3, 4
_COMMERCIAL = {"terms": _OWN_TERMS, "forbidden": _NO_COMMERCE}


def _strictness(expression: str, taxonomy: Taxonomy) -> int | None:
    """How much a licence asks: 0 nearly nothing, 1 and 2 share alike, 3 terms of its own, 4 no commercial use."""
    listed = taxonomy.licenses.get(expression)
    if listed and listed.commercial in _COMMERCIAL:
        return _COMMERCIAL[listed.commercial]
    reading = _read(expression)
    if reading.kind not in {"good", "reference"}:
        return None
    if category := _known().categories.get(expression):
        return _NO_COMMERCE if "-NC-" in expression else _CATEGORIES.get(category, _OWN_TERMS)
    if reading.kind == "reference" and _REFERENCE.fullmatch(expression):
        return 0 if listed else _OWN_TERMS
    return _of_parts(_licensing().parse(expression), taxonomy)


def _of_parts(parsed: object, taxonomy: Taxonomy) -> int | None:
    """A choice is as free as its freest part, a combination as strict as its strictest."""
    if isinstance(parsed, LicenseWithExceptionSymbol):
        return _strictness(str(parsed.license_symbol.key), taxonomy)
    parts = [_of_parts(part, taxonomy) for part in getattr(parsed, "args", ())]
    if not parts:
        return _strictness(str(getattr(parsed, "key", "")).removesuffix("+"), taxonomy)
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return min(known) if type(parsed).__name__ == "OR" else max(known)


def freer_than_base(world: World) -> Iterator[Finding]:
    """The licence is freer than that of the model it was made from.

    A fine-tune cannot give away rights its base model did not give. Who trusts the freer licence breaks the stricter
    one.

    Bad:

    ```yaml
    license: MIT
    base_models: [acme/research]       # CC-BY-NC-4.0
    ```

    Good:

    ```yaml
    license: CC-BY-NC-4.0
    base_models: [acme/research]
    ```
    """
    gallery, taxonomy = world.gallery, world.context.taxonomy
    ranks: dict[str, int | None] = {}

    def rank(expression: str) -> int | None:
        if expression not in ranks:
            ranks[expression] = _strictness(expression, taxonomy)
        return ranks[expression]

    for entry in gallery:
        outline = entry.outline
        if not outline.base_models or not outline.license:
            continue
        own = rank(outline.license)
        for index, name in enumerate(outline.base_models):
            base = gallery.by_id.get(gallery.aliases.get(name, name))
            theirs = rank(base.outline.license) if base and base.outline.license else None
            if base and own is not None and theirs is not None and own < theirs:
                yield Finding(
                    world.model_file(outline),
                    ("license",),
                    f"license {outline.license} of {outline.id} is freer than {base.outline.license} of its base model "
                    f"{base.id} (base_models[{index}], {world.model_file(base.outline)})",
                    f"write `license: {base.outline.license}`, or correct `base_models`",
                )


RULES: tuple[Rule, ...] = (
    rule("LIC001", Severity.ERROR, entry=missing),
    rule("LIC002", Severity.ERROR, entry=not_spdx, fixable=True),
    rule("LIC003", Severity.ERROR, entry=without_text),
    rule("LIC007", Severity.WARN, gallery=freer_than_base),
)
