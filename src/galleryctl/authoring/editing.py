"""`edit`: change fields of a model or a release; only the characters of the changed values move."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from galleryctl import document, schemas
from galleryctl.authoring import audiences, fields
from galleryctl.authoring.files import Files
from galleryctl.document import DELETE
from galleryctl.errors import UsageError
from galleryctl.spec import Limits, Settings, Visibility

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from galleryctl.authoring.fields import Shape
    from galleryctl.document import Document, Pointer
    from galleryctl.problems import Problem

_ASSIGNMENT = re.compile(r"(?P<field>[^=+\s-][^=+\s]*?)(?P<operator>\+=|-=|=)(?P<value>.*)", re.DOTALL)
_OPEN = ("notes", "status", "reason")  # what may change in a published release
_RELEASED = ("spec", "variants", "runtimes", "notes")  # what only a release has
_VERBS = {
    "": "reinstate",
    "active": "reinstate",
    "deprecated": "deprecate",
    "discontinued": "discontinue",
    "quarantined": "quarantine",
}
_LIFECYCLE = ("listed", "status")  # each goes with a reason, and is reviewed as more than an edit


class Change(NamedTuple):
    """One field that differs now; none stands for no value."""

    field: str
    before: Any
    after: Any


class Edited(NamedTuple):
    """What an edit came to. With problems, nothing was written."""

    path: str
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()


class _Assignment(NamedTuple):
    field: str
    operator: str
    value: str


def edit(registry: Path, identifier: str, assignments: Sequence[str], *, now: dt.datetime) -> Edited:
    """Make the assignments `field=value`, `field+=value`, `field-=value` in `ID`'s model file, or in `ID@VERSION`'s.

    An empty value removes the field. What would break the file is refused as a whole, with its problems.
    """
    files = Files(registry.resolve())
    wanted = [_read(text) for text in assignments]
    name, _, version = identifier.partition("@")
    place = files.find(name)
    if version and version not in (releases := files.releases(place)):
        raise UsageError(f"{name} has no release {version}; it has {', '.join(releases) or 'none'}")
    path = files.releases(place)[version] if version else files.model_file(place)
    _refuse(wanted, name, version, published=bool(version) and path in files.committed)
    shape = fields.shape(
        release=bool(version), kind=place.type, types=schemas.types(files.tree), runtimes=schemas.runtimes(files.tree)
    )
    first = files.document(path)
    parsed, language = first, _language(files)
    for assignment in wanted:
        parsed = _assigned(parsed, assignment, shape, language)
    if not version and not {"visibility", "allowed"}.isdisjoint(each.field.partition(".")[0] for each in wanted):
        _refuse_narrower(files, name, parsed, now)
    changes = tuple(_changes(first, parsed, wanted, shape))
    shown = f"{files.name}/{path}"
    if parsed.text == first.text:
        return Edited(shown, ())
    problems = files.broken_by({path: parsed.text}, now)
    if not problems:
        files.write({path: parsed.text})
    return Edited(shown, changes, problems)


def _read(text: str) -> _Assignment:
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no assignment: write FIELD=VALUE, FIELD+=VALUE or FIELD-=VALUE")
    return _Assignment(match["field"], match["operator"], match["value"])


def _refuse(wanted: Sequence[_Assignment], name: str, version: str, *, published: bool) -> None:
    """What is no edit: the life of a model, and what a published release says."""
    for field, _, value in wanted:
        top = field.partition(".")[0]
        if top in _LIFECYCLE and not (version and top == "listed"):
            raise UsageError(f"{top} is not edited, as it goes with a reason: {_command(top, value, name, version)}")
        if not version and top in _RELEASED:
            raise UsageError(f"{top} stands in a release: galleryctl edit {name}@VERSION {field}=…")
        if published and top not in _OPEN:
            raise UsageError(
                f"{name} {version} is released, so its {top} cannot change (only notes and reason can); "
                f"make a new release: galleryctl release {name} --bump patch"
            )


def _refuse_narrower(files: Files, name: str, wanted: Document, now: dt.datetime) -> None:
    level, allowed = wanted.data.get("visibility", "public"), wanted.data.get("allowed")
    if level in get_args(Visibility):  # else the check says what is wrong
        names = [each for each in allowed if isinstance(each, str)] if isinstance(allowed, list) else []
        audiences.refuse_narrower(files, name, level, names, now)


def _command(field: str, value: str, name: str, version: str) -> str:
    """What sets it."""
    target = f"{name}@{version}" if version else name
    if field == "listed":
        shown = value.strip().lower() in {"true", ""}
        return f"galleryctl deploy {name}" if shown else f'galleryctl withdraw {name} --reason "…"'
    verb = _VERBS.get(value.strip(), "deprecate")
    return f"galleryctl {verb} {target}" if verb == "reinstate" else f'galleryctl {verb} {target} --reason "…"'


def _language(files: Files) -> str:
    """The default language of the gallery, as far as it can be told."""
    for name in ("gallery.yaml", "gallery.json"):
        if name in files.entries:
            found = files.document(name).data.get("default_language")
            return found if isinstance(found, str) else Settings(title="").default_language
    return Settings(title="").default_language


def _assigned(parsed: Document, assignment: _Assignment, shape: Shape, language: str) -> Document:
    pointer, below = fields.pointer(assignment.field, shape, parsed.data)
    above = _get(parsed.data, pointer[:-1])
    value = _wanted(assignment, _get(parsed.data, pointer), below)
    if isinstance(above, str) and value is not DELETE:  # a text becomes a map by language
        pointer, value = pointer[:-1], {language: above, str(pointer[-1]): value}
    try:
        edits = document.assign(parsed, pointer, value, order=_at(shape, pointer[:-1]).names)
    except KeyError:
        raise UsageError(f"{assignment.field} cannot be set: what stands above it has no fields") from None
    again, problems = document.parse(parsed.path, document.splice(parsed, edits).encode(), Limits())
    if again is None:
        raise UsageError(f"{assignment.field} cannot be set so: {problems[0].message}")
    return again


def _wanted(assignment: _Assignment, before: Any, shape: Shape) -> Any:  # noqa: ANN401 - any JSON value
    """The value that a field shall have, or `DELETE`."""
    field, operator, text = assignment
    if operator == "=":
        return fields.value(text, shape, field) if text.strip() else DELETE
    if not text.strip():
        raise UsageError(f"{field}{operator} needs a value")
    if shape.kinds and "array" not in shape.kinds:
        raise UsageError(f"{field} is no list; write {field}=VALUE")
    listed = text.lstrip().startswith("[")
    given = fields.value(text, shape if listed else shape.child(0), field)
    items = given if isinstance(given, list) else [given]
    present = list(before) if isinstance(before, list) else [] if before is None else [before]
    if operator == "+=":
        return present + [item for item in items if item not in present]
    missing = [str(item) for item in items if item not in present]
    if missing:
        has = f"; it has {', '.join(map(str, present))}" if present else "; it is empty"
        raise UsageError(f"{field} does not have {', '.join(missing)}{has}")
    return [item for item in present if item not in items] or DELETE


def _at(shape: Shape, pointer: Pointer) -> Shape:
    for part in pointer:
        shape = shape.child(part)
    return shape


def _get(data: Any, pointer: Pointer) -> Any:  # noqa: ANN401 - any JSON value
    for part in pointer:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _changes(before: Document, after: Document, wanted: Sequence[_Assignment], shape: Shape) -> Iterator[Change]:
    for field in dict.fromkeys(assignment.field for assignment in wanted):
        pointer, _ = fields.pointer(field, shape, after.data)
        old, new = _get(before.data, pointer), _get(after.data, pointer)
        if old != new or type(old) is not type(new):
            yield Change(field, old, new)
