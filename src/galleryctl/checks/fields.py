"""What the types of `spec` say about a pointer: which fields stand there, what is meant, where a field belongs."""

from __future__ import annotations

import datetime as dt
import types
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import AwareDatetime

from galleryctl.spec import Frozen, Model, Release, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.rule import Pointer

_HUBS = {"huggingface", "modelscope", "openmind_hub", "csghub"}


def alternatives(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an annotation has no type
    """What an annotation allows, without `None` and without constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return alternatives(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return tuple(found for each in get_args(annotation) for found in alternatives(each))
    return () if annotation is type(None) else (annotation,)


def names(form: type[Frozen]) -> dict[str, Any]:
    """Field names as written in files → annotations, in the order of the type."""
    return {info.alias or name: info.annotation for name, info in form.model_fields.items()}


@cache
def _names(form: type[Frozen]) -> dict[str, Any]:
    return names(form)


def _step(annotation: Any, part: str | int) -> tuple[Any, ...]:  # noqa: ANN401 - an annotation has no type
    origin = get_origin(annotation)
    if origin is dict:
        return alternatives(get_args(annotation)[1])
    if origin is tuple:
        return alternatives(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return alternatives(_names(annotation).get(str(part)))
    return ()


def meant(form: type[Frozen], pointer: Pointer) -> tuple[Any, ...]:
    """The annotations that hold at a pointer; empty where nothing is known."""
    found: tuple[Any, ...] = (form,)
    for part in pointer:
        found = tuple(each for annotation in found for each in _step(annotation, part))
    return found


def siblings(form: type[Frozen], pointer: Pointer) -> tuple[str, ...]:
    """Names of the fields that may stand beside the one at a pointer."""
    parents = meant(form, pointer[:-1])
    return tuple(name for parent in parents if _is_form(parent) for name in _names(parent))


def is_date(form: type[Frozen], pointer: Pointer) -> bool:
    """Whether a date or time is meant."""
    return any(annotation in {dt.date, dt.datetime, AwareDatetime} for annotation in meant(form, pointer))


def _is_form(annotation: Any) -> bool:  # noqa: ANN401 - an annotation has no type
    return isinstance(annotation, type) and issubclass(annotation, Frozen)


def described(form: type[Frozen], pointer: Pointer) -> str:
    """What a field is for, as its type says; empty where nothing is known."""
    for parent in meant(form, pointer[:-1]):
        if _is_form(parent):
            for name, info in parent.model_fields.items():
                if (info.alias or name) == pointer[-1]:
                    return info.description or told.fields(parent).get(name, "")
    return ""


@cache
def homes() -> dict[str, tuple[str, ...]]:
    """Where each field of a definition belongs: `quantizations` → (`variants[]`, …), the outermost first."""
    found: dict[str, list[str]] = {}
    for form, top in ((Model, "model.yaml"), (Release, "the release")):
        for name, place in _walk(form, top):
            if place not in found.setdefault(name, []):
                found[name].append(place)
    return {name: tuple(sorted(places, key=lambda place: place.count("."))) for name, places in found.items()}


def _walk(form: type[Frozen], place: str) -> Iterator[tuple[str, str]]:
    for name, annotation in _names(form).items():
        shown = "<hub>" if name in _HUBS else name
        yield name, place
        for inner, suffix in _forms(annotation):
            yield from _walk(inner, f"{'' if ' ' in place or place == 'model.yaml' else place + '.'}{shown}{suffix}")


def _forms(annotation: Any, suffix: str = "") -> Iterator[tuple[type[Frozen], str]]:  # noqa: ANN401
    for each in alternatives(annotation):
        origin = get_origin(each)
        if origin is tuple:
            yield from _forms(get_args(each)[0], f"{suffix}[]")
        elif origin is dict:
            yield from _forms(get_args(each)[1], f"{suffix}.<key>")
        elif _is_form(each):
            yield each, suffix
