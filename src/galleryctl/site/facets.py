"""Facets: the filters beside a list, with the number of models behind each value."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import search
from galleryctl.runtimes import RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from galleryctl.gallery import Entry
    from galleryctl.site.frame import Frame
    from galleryctl.spec.base import Text

SHOWN = 7
MOST = 40
"""Values of one facet on a page; the rest are found by typing."""

_LICENCE = {
    "allowed": "Commercial use",
    "terms": "With its own terms",
    "forbidden": "Non-commercial",
    "gated": "Gated at the source",
}
_LANGUAGES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "de": "German", "en": "English", "es": "Spanish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "ms": "Malay",
    "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "yue": "Cantonese", "zh": "Chinese",
}  # fmt: skip


class Value(NamedTuple):
    value: str
    label: str
    models: int


class Group(NamedTuple):
    name: str
    title: str
    values: tuple[Value, ...]
    more: tuple[Value, ...]
    hidden: int


def groups(frame: Frame, entries: Sequence[Entry], types: Iterable[str]) -> list[Group]:
    """The facets of a list of models of some types, without those nobody has a value of."""
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        for name, values in search.facets(frame.view, entry.outline).items():
            counts.setdefault(name, Counter()).update(values)
    found = [
        _group(name, title, counts.get(name, Counter()), labels) for name, title, labels in _known(frame, tuple(types))
    ]
    return [group for group in found if group.values]


def _known(frame: Frame, types: Sequence[str]) -> list[tuple[str, str, Mapping[str, str]]]:
    """Name, title and labels of every facet, in the order of the site."""
    view, words = frame.view, frame.view.taxonomy
    specific: dict[str, tuple[str, dict[str, str]]] = {}
    for name in types:
        for facet in view.types[name].facets:
            _, labels = specific.setdefault(facet.name, (frame.text(facet.title), {}))
            labels |= {value: frame.text(label) for value, label in facet.labels.items() if value not in labels}
    if "languages" in specific:
        specific["languages"] = (specific["languages"][0], {**_LANGUAGES, **specific["languages"][1]})
    first = [(name, *specific.pop(name)) for name in ("abilities",) if name in specific]
    plain = [
        (name, frame.text(dimension.title), _labels(frame, dimension.values))
        for name, dimension in words.dimensions.items()
    ]
    return [
        *first,
        *plain,
        ("licence", "Licence", _LICENCE),
        ("runtime", "Runtime", {name: runtime.title for name, runtime in RUNTIMES.items()}),
        ("format", "Format", {}),
        *((name, title, labels) for name, (title, labels) in specific.items()),
        ("category", frame.text(words.categories.title), _labels(frame, words.categories.values)),
        ("region", frame.text(words.regions.title), _labels(frame, words.regions.values)),
        ("publisher", "Publisher", {name: frame.text(profile.title) for name, profile in view.publishers.items()}),
    ]


def _labels(frame: Frame, values: Mapping[str, object]) -> dict[str, str]:
    return {value: frame.text(_text(known)) for value, known in values.items()}


def _text(value: object) -> Text:
    label: Text = getattr(value, "label")  # noqa: B009 - values of a vocabulary all have one
    return label


def _group(name: str, title: str, counts: Mapping[str, int], labels: Mapping[str, str]) -> Group:
    """Ranges stay in their order, the rest comes most frequent first."""
    order = (
        {value: index for index, value in enumerate(labels)}
        if any("-" in value[1:] and value[0].isdigit() for value in labels)
        else {}
    )
    ranked = sorted(counts.items(), key=lambda item: (order.get(item[0], 0), -item[1], item[0]))
    values = tuple(Value(value, labels.get(value, value), number) for value, number in ranked)
    kept = SHOWN if len(values) > SHOWN + 2 else len(values)
    return Group(name, title, values[:kept], values[kept:MOST], max(0, len(values) - MOST))
