"""`remove`: a model with all its releases, or one release, goes for good; a tombstone keeps the id and the versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl import document, layout
from galleryctl.authoring import depending, telling
from galleryctl.authoring.editing import Change
from galleryctl.authoring.life import known_model, left_in_use
from galleryctl.authoring.plan import Plan, because, judged, split, target, whole
from galleryctl.document import DELETE
from galleryctl.errors import UsageError
from galleryctl.spec import Limits, Tombstone, is_version, version_key

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from galleryctl.authoring.depending import Dependent
    from galleryctl.authoring.files import Files
    from galleryctl.authoring.plan import Judged, Target

_ORDER = tuple(Tombstone.model_fields)


def remove(
    registry: Path,
    identifier: str,
    *,
    reason: str | None,
    note: str = "",
    successor: str | None = None,
    now: dt.datetime,
) -> Plan:
    """Take away a model, or one release, and write the tombstone that names every release it ever had.

    What no commit has was never published: it goes without a tombstone. `note` is for the reviewers only.
    """
    found = target(registry, identifier)
    why = because(reason, f"galleryctl remove {found.text}")
    if successor is not None:
        known_model(found.files, found.id, successor)
    if found.version and not left_in_use(found, now):
        raise UsageError(
            f"{found.id} would have no active or deprecated release left (LIF003): "
            f'remove the model instead, galleryctl remove {found.id} --reason "…"'
        )
    files = found.files
    gone = _gone(found)
    _refuse_unseen(files, gone)
    texts = _tombstone(found, why, successor, now)
    changed: dict[str, str | None] = {path: None for each in gone for path in _inside(files, each)}
    seen = judged(files, changed | texts, now)
    refused, caused = split(seen.new, [f"{files.name}/{path}" for path in texts])
    needed = depending.dependents(seen.before.world, found.id, found.version, name=files.name)
    return Plan(
        files,
        f"Remove {found.text}: {why}",
        tuple(Change(path, "there", None) for path in changed),
        tuple(_told(found, seen, needed, published=bool(texts), now=now)),
        texts,
        gone,
        refused,
        caused,
        whole(seen.before, found.place) if found.id in seen.before.gallery.by_id else None,
        needed,
        note.strip(),
        seen.before.governance.settings.branch,
    )


def _gone(found: Target) -> tuple[str, ...]:
    """The model's folder, or the files of the release."""
    folder = layout.folder(found.place.type, found.id)
    if not found.version:
        return (folder,)
    templates = (
        path
        for path in _inside(found.files, folder)
        if (known := layout.place(path)) and known.kind == "template" and known.version == found.version
    )
    return (found.path, *templates)


def _refuse_unseen(files: Files, gone: Sequence[str]) -> None:
    """Raise `UsageError` where a folder holds files that nobody would expect to go: git ignores them."""
    for each in gone:
        for path in sorted((files.registry / each).rglob("*")):
            name = path.relative_to(files.registry).as_posix()
            if name not in files.entries and not path.is_dir():
                raise UsageError(f"{files.name}/{name} is no part of the registry: move it away first")


def _inside(files: Files, path: str) -> Iterator[str]:
    yield from (each for each in files.entries if each == path or each.startswith(f"{path}/"))


def _tombstone(found: Target, why: str, successor: str | None, now: dt.datetime) -> dict[str, str]:
    """Path and text of the tombstone; nothing where nothing was published."""
    files = found.files
    going = _published(found)
    if not going and (found.version or found.path not in files.committed):
        return {}
    path = next(
        (each for ending in ("yaml", "json") if (each := f"removed/{found.id}.{ending}") in files.entries),
        f"removed/{found.id}.yaml",
    )
    earlier = files.document(path).data if path in files.entries else {}
    known = [version for version in earlier.get("releases", []) if isinstance(version, str) and is_version(version)]
    status = files.document(files.model_file(found.place)).data.get("status", "active")
    values: dict[str, Any] = {
        "type": found.place.type,
        "reason": _reason(earlier, why, found.version),
        "since": now.date().isoformat(),
        "releases": sorted({*known, *going}, key=version_key),
        "whole": DELETE if not found.version else False,
        "successor": successor or earlier.get("successor") or DELETE,
        "status": status if not found.version and status != "discontinued" else DELETE,
    }
    if path not in files.entries:
        return {path: document.dump({name: value for name, value in values.items() if value is not DELETE})}
    return {path: _spliced(files, path, values)}


def _reason(earlier: Mapping[str, Any], why: str, version: str) -> str:
    """For one of several removed releases, that of each: what was said stays said."""
    said = earlier.get("reason")
    if not version or not isinstance(said, str) or said == why:
        return why
    return f"{said} {version}: {why}"


def _spliced(files: Files, path: str, values: Mapping[str, Any]) -> str:
    parsed = files.document(path)
    for field, value in values.items():
        if value is not DELETE and parsed.data.get(field) == value:
            continue
        text = document.splice(parsed, document.assign(parsed, (field,), value, order=_ORDER))
        again, _ = document.parse(path, text.encode(), Limits())
        if again is None:
            raise AssertionError("unreachable: it was read, and an assignment keeps it readable")
        parsed = again
    return parsed.text


def _published(found: Target) -> list[str]:
    """Versions that go and that somebody may have: those that a commit has, and outside git all."""
    files = found.files
    if not files.committed:
        return [found.version] if found.version else list(files.releases(found.place))
    folder = layout.folder(found.place.type, found.id)
    places = (layout.place(path) for path in files.committed if path.startswith(f"{folder}/"))
    committed = [place.version for place in places if place and place.kind == "release"]
    return [version for version in committed if version == (found.version or version)]


def _told(
    found: Target, seen: Judged, needed: Sequence[Dependent], *, published: bool, now: dt.datetime
) -> Iterator[str]:
    going = [found.version] if found.version else list(found.files.releases(found.place))
    many = "release goes" if len(going) == 1 else "releases go"
    yield f"{len(going)} {many}: {', '.join(going) or 'none'}."
    if not published:
        yield "No commit has it, so it was never published: no tombstone is written, and the name stays free."
        return
    what = f"the version {found.version}" if found.version else f"the id {found.id}"
    yield from _unsaved(found)
    yield f"This cannot be undone: {what} never comes back, and the same bytes only as a new release."
    yield f"To end it and keep pins working: galleryctl discontinue {found.text}. That is usually meant."
    before = seen.before.gallery.at(now.date()).by_id.get(found.id)
    after = seen.after.gallery.at(now.date()).by_id.get(found.id)
    if before is not None:
        outline, then = before.outline, after.outline if after else None
        yield from telling.lists(outline, then, seen.after.governance.settings)
        yield from telling.latest(outline, then)
        yield from telling.pins(outline, then, going)
        yield from telling.used(needed, outline, found.version)
    yield from _consent(needed, found.version)
    if not found.version and not any(each.outline.publisher == found.place.publisher for each in seen.after.gallery):
        yield f"{found.place.publisher} has no other model; its profile stays."


def _unsaved(found: Target) -> Iterator[str]:
    """What goes and stands in no commit."""
    files = found.files
    paths = [path for each in _gone(found) for path in _inside(files, each)]
    changed = [f"{files.name}/{path}" for path in paths if files.entries[path] != files.committed.get(path)]
    if changed and files.committed:
        yield f"What no commit has is lost: {', '.join(changed)}."


def _consent(needed: Sequence[Dependent], version: str) -> Iterator[str]:
    """Who has to agree in the pull request."""
    hit = [each for each in needed if each.kind in {"consumer", "successor", "base_model"}]
    hit = [each for each in hit if each.kind != "consumer" or each.version or not version]
    if hit:
        owners = sorted({f"{each.name} ({', '.join(each.owners) or 'no owner is named'})" for each in hit})
        yield f"The pull request needs the consent of the owners of {', '.join(owners)} (LIF006)."
