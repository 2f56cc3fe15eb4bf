"""Data of a model as the files of its folder, in the form in which all files are kept."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from galleryctl import document
from galleryctl.spec import Model, Publisher, Release

if TYPE_CHECKING:
    from collections.abc import Mapping

_Order = dict[str, Any]


def model(data: Mapping[str, Any]) -> bytes:
    """`model.yaml`, its fields in the order of the type."""
    return _dumped(data, Model)


def release(data: Mapping[str, Any]) -> bytes:
    """`<version>.yaml`, the fields of its variants, sources and files in the order of their types too."""
    return _dumped(data, Release)


def publisher(title: str) -> bytes:
    """A profile that nobody has claimed."""
    return _dumped({"title": title}, Publisher)


def _dumped(data: Mapping[str, Any], form: type[BaseModel]) -> bytes:
    return document.dump(_ordered(data, _order(form))).encode()


def _ordered(value: Any, order: _Order | None) -> Any:  # noqa: ANN401 - any JSON value
    """The same value, its maps in the order of their types; what no type describes stays as it is."""
    if order is None:
        return value
    if isinstance(value, list | tuple):
        return [_ordered(item, order) for item in value]
    if not isinstance(value, dict):
        return value
    if "*" in order:
        return {key: _ordered(member, order["*"]) for key, member in value.items()}
    known = {key: _ordered(value[key], below) for key, below in order.items() if key in value}
    return known | {key: member for key, member in value.items() if key not in known}


@cache
def _order(form: type[BaseModel]) -> _Order:
    """Fields of a type in their order, each with that of the type below it; `*` stands for any key of a map."""
    return {field.alias or name: _below(field.annotation) for name, field in form.model_fields.items()}


def _below(annotation: Any) -> _Order | None:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _order(annotation)
    arguments = get_args(annotation)
    if getattr(annotation, "__origin__", None) is dict:
        inner = _below(arguments[1])
        return {"*": inner} if inner else None
    return next((found for each in arguments if (found := _below(each)) is not None), None)
