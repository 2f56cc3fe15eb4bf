"""TAX: the words a gallery sorts by. The codes of languages (LNG) are in `languages`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from galleryctl.checks import languages, near
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, rule
from galleryctl.document import DELETE, assign
from galleryctl.problems import Severity
from galleryctl.spec import Dimension, Taxonomy, localised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.problems import Edit

_MOST_TAGS = 10


class _List(NamedTuple):
    """A list of words of a definition, and the vocabularies it draws from."""

    path: str
    name: str
    pointer: Pointer
    values: Sequence[str]
    vocabularies: tuple[Dimension, ...]


def _lists(subject: Subject) -> Iterator[_List]:
    model, taxonomy, path = subject.definition.model, subject.context.taxonomy, subject.model_file
    name = path.rpartition("/")[2]
    if model.tags:
        yield _List(path, name, ("tags",), model.tags, tuple(taxonomy.dimensions.values()))
    if model.categories:
        yield _List(path, name, ("categories",), model.categories, (taxonomy.categories,))
    if model.regions:
        yield _List(path, name, ("regions",), model.regions, (taxonomy.regions,))
    for version, release in subject.definition.releases.items():
        if release.regions:
            path = subject.release_file(version)
            yield _List(path, path.rpartition("/")[2], ("regions",), release.regions, (taxonomy.regions,))


def _known(word: str, vocabularies: tuple[Dimension, ...]) -> bool:
    return any(word in vocabulary.values for vocabulary in vocabularies)


def _meant(word: str, vocabularies: tuple[Dimension, ...]) -> str:
    """The value a word is another spelling of, by its aliases or its case; empty where there is not exactly one."""
    folded = word.casefold()
    found = {
        value
        for vocabulary in vocabularies
        for value, entry in vocabulary.values.items()
        if folded == value.casefold() or any(folded == alias.casefold() for alias in entry.aliases)
    }
    return found.pop() if len(found) == 1 else ""


def _nearest(word: str, vocabularies: tuple[Dimension, ...]) -> str:
    names = [value for vocabulary in vocabularies for value in vocabulary.values]
    return near.guess(word, names) or ""


def _replacement(subject: Subject, words: _List, index: int, value: str) -> tuple[Edit, ...]:
    """Write the right value, or drop the item where the right value stands already."""
    document = subject.documents[words.name]
    return assign(document, (*words.pointer, index), DELETE if value in words.values else value)


def unknown_word(subject: Subject) -> Iterator[Finding]:
    """A tag, category, region or scene is not in the taxonomy.

    Filters find only what is spelled alike: where some models say `embedding` and others `embeddings`, each filter
    shows a part and hides the rest. Words are therefore defined once, in `taxonomy.yaml`; a known alias is replaced by
    its value.

    Bad:

    ```yaml
    tags: [embeddings]
    ```

    Good:

    ```yaml
    tags: [embedding]
    ```
    """
    for words in _lists(subject):
        for index, word in enumerate(words.values):
            if _known(word, words.vocabularies):
                continue
            value = _meant(word, words.vocabularies)
            nearest = _nearest(word, words.vocabularies)
            kind = str(words.pointer[0])
            if value:
                message, fix = f"{word!r} is another spelling of {value!r}", f"write `{value}`"
            else:
                message = f"{word!r} is not in `{_home(kind)}` of taxonomy.yaml"
                message += f"; nearest is {nearest!r}" if nearest else ""
                fix = f"write `{nearest}`, or " if nearest else ""
                fix += "remove it, or ask for it in a pull request to taxonomy.yaml"
            edits = _replacement(subject, words, index, value) if value else ()
            yield Finding(words.path, (*words.pointer, index), message, fix, edits)
    scenes = subject.context.taxonomy.scenes
    for version, release in subject.definition.releases.items():
        scene = release.origin.scene if release.origin else None
        if scene is not None and scene not in scenes.values:
            nearest = _meant(scene, (scenes,)) or _nearest(scene, (scenes,))
            message = f"{scene!r} is not in `scenes` of taxonomy.yaml"
            message += f"; nearest is {nearest!r}" if nearest else ""
            fix = f"write `{nearest}`" if nearest else "remove it, or ask for it in a pull request to taxonomy.yaml"
            yield Finding(subject.release_file(version), ("origin", "scene"), message, fix)


def _home(kind: str) -> str:
    return "dimensions" if kind == "tags" else kind


def repeated_word(subject: Subject) -> Iterator[Finding]:
    """A tag, category or region stands twice, or there are more than ten tags.

    Tags help to choose. A list of thirty describes nothing and puts the model into every filter.

    Bad:

    ```yaml
    tags: [chat, reasoning, chat]
    ```

    Good:

    ```yaml
    tags: [chat, reasoning]
    ```
    """
    for words in _lists(subject):
        kind = str(words.pointer[0])
        for index, first in _repeated(words.values):
            yield Finding(
                words.path,
                (*words.pointer, index),
                f"{words.values[index]!r} stands in `{kind}` already ({kind}[{first}])",
                f"remove {kind}[{index}]",
                assign(subject.documents[words.name], (*words.pointer, index), DELETE),
            )
        if kind == "tags" and len(words.values) > _MOST_TAGS:
            yield Finding(
                words.path,
                words.pointer,
                f"{len(words.values)} tags, and more than {_MOST_TAGS} help nobody",
                f"keep the {_MOST_TAGS} that say most",
            )


def _repeated(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Index of each repetition, and of the first."""
    if len(set(values)) < len(values):
        for index, value in enumerate(values):
            if (first := values.index(value)) < index:
                yield index, first


_SIZE = re.compile(r"\d+(\.\d+)?[kmbt]")


def repeating_tag(subject: Subject) -> Iterator[Finding]:
    """A tag repeats what a field says: the type, a format, a size, the licence or a language.

    The site makes filters of these fields. A tag that repeats one goes stale as soon as a release changes the field.

    Bad:

    ```yaml
    # models/llm/acme/tiny/model.yaml
    tags: [llm, gguf, 27b, chat]
    ```

    Good:

    ```yaml
    tags: [chat]
    ```
    """
    model = subject.definition.model
    if not model.tags:
        return
    facts = _facts(subject)
    for index, tag in enumerate(model.tags):
        folded = tag.casefold()
        field = facts.get(folded) or ("parameters" if _SIZE.fullmatch(folded) else None)
        if field:
            path = subject.model_file
            yield Finding(
                path,
                ("tags", index),
                f"tag {tag!r} repeats the {field}",
                f"remove it: {field} is a filter of its own",
                assign(subject.documents[path.rpartition("/")[2]], ("tags", index), DELETE),
            )


def _facts(subject: Subject) -> dict[str, str]:
    """What the fields say, in lower case, and which field says it."""
    found = {subject.place.type: "type"}
    if subject.definition.model.license:
        found[subject.definition.model.license.casefold()] = "license"
    for release in subject.definition.releases.values():
        for variant in release.variants:
            if variant.format:
                found[variant.format.casefold()] = "format"
            if variant.parameters:
                found[variant.parameters.casefold()] = "parameters"
        for language in languages.texts(release.spec.get("languages")):
            found[language.casefold()] = "languages"
    return found


def confused_taxonomy(world: World) -> Iterator[Finding]:
    """The taxonomy says two things about one word.

    An alias of two values cannot be replaced by one of them, an alias that is a value itself would erase it, and a
    value without a label has no name on the site.

    Bad:

    ```yaml
    values:
      gpt-oss: {label: gpt-oss}
      gpt: {label: GPT, aliases: [gpt-oss]}
    ```

    Good:

    ```yaml
    values:
      gpt-oss: {label: gpt-oss, aliases: [gpt_oss]}
    ```
    """
    path = next((path for path in ("taxonomy.yaml", "taxonomy.json") if path in world.documents), "")
    if not path:
        return
    try:
        taxonomy = Taxonomy.model_validate(world.documents[path].data)
    except ValidationError:
        return  # which the rules about structure report
    tags: dict[Pointer, Dimension] = {("dimensions", name): value for name, value in taxonomy.dimensions.items()}
    yield from _confused(path, tags)
    yield from _confused(path, {("categories",): taxonomy.categories})
    yield from _confused(path, {("regions",): taxonomy.regions})
    yield from _confused(path, {("frameworks",): taxonomy.frameworks})
    yield from _confused(path, {("scenes",): taxonomy.scenes})


def _confused(path: str, vocabularies: Mapping[Pointer, Dimension]) -> Iterator[Finding]:
    values = {value: (*at, "values", value) for at, each in vocabularies.items() for value in each.values}
    owners: dict[str, str] = {}
    for at, vocabulary in vocabularies.items():
        for value, entry in vocabulary.values.items():
            here = (*at, "values", value)
            if not (localised(entry.label, "en", "en") or "").strip():
                yield Finding(path, here, f"value {value!r} has no label", f"write `{value}: {{label: …}}`", at="key")
            for index, alias in enumerate(entry.aliases):
                where = (*here, "aliases", index)
                if alias in values:
                    other = ".".join(map(str, values[alias]))
                    yield Finding(
                        path, where, f"alias {alias!r} of {value!r} is a value itself ({other})", "keep one of them"
                    )
                elif owners.setdefault(alias, value) != value:
                    message = f"alias {alias!r} of {value!r} is also an alias of {owners[alias]!r}"
                    yield Finding(path, where, message, f"keep it at one of {value!r} and {owners[alias]!r}")


RULES: tuple[Rule, ...] = (
    rule("TAX001", Severity.ERROR, entry=unknown_word, fixable=True),
    rule("TAX002", Severity.WARN, entry=repeated_word, fixable=True),
    rule("TAX003", Severity.WARN, entry=repeating_tag, fixable=True),
    rule("TAX004", Severity.ERROR, gallery=confused_taxonomy),
)
