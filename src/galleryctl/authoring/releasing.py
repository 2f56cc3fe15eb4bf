"""`release`: the next version of a model, begun as a copy of its newest one and pinned from its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import canonical, document, layout
from galleryctl.authoring import pinning
from galleryctl.authoring.files import Files
from galleryctl.authoring.numbering import number
from galleryctl.document import DELETE
from galleryctl.errors import UsageError
from galleryctl.spec import Limits, Release

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from pathlib import Path

    from galleryctl.authoring.numbering import Part
    from galleryctl.hubs import Hub
    from galleryctl.layout import Place
    from galleryctl.problems import Problem

_ORDER = tuple(Release.model_fields)


class Released(NamedTuple):
    """Paths relative to the registry."""

    id: str
    version: str
    copied: str
    """The version it began as."""
    paths: tuple[str, ...]
    """What was written; nothing where there are alarms."""
    warnings: tuple[str, ...] = ()
    """What the sources do not say."""
    alarms: tuple[Problem, ...] = ()
    """Digests that changed under the same revision, or differ between sources."""
    pinned: bool = False
    """Whether a source was asked."""


def release(
    registry: Path,
    identifier: str,
    *,
    now: dt.datetime,
    version: str | None = None,
    bump: Part = "patch",
    notes: str | None = None,
    hub: Callable[[str], Hub] | None = None,
) -> Released:
    """Copy the newest release to a number above every one ever used, its chat templates too; comments stay.

    With `hub`, which gives the hub of a kind of source, revisions, sizes and digests are those of today. Notes, status
    and reason do not carry over. A `version` that is there and that no commit has is pinned where it stands.
    """
    files = Files(registry.resolve())
    place = files.find(identifier)
    releases = files.releases(place)
    if not releases:
        raise UsageError(
            f"{identifier} has no release to begin from; write 1.0.0.yaml into {layout.folder(place.type, identifier)}"
        )
    draft = version if version in releases and _unpublished(files, releases[version]) else None
    newest = draft or next(iter(releases))
    chosen = draft or number(files, place, version=version, bump=bump)
    source = files.document(releases[newest])
    pins = pinning.pin(source, hub, shown=f"{files.name}/{source.path}", now=now) if hub else pinning.Pins()
    told = Released(identifier, chosen, newest, (), tuple(pins.warnings), tuple(pins.alarms), pinned=pins.asked > 0)
    if pins.alarms:
        return told
    text = pinning.applied(source, pins)
    values = {"released": canonical.moment(now.replace(microsecond=0))} | ({"notes": notes} if notes else {})
    for field, value in (values if draft else {"notes": DELETE, "status": DELETE, "reason": DELETE} | values).items():
        text = _assigned(source.path, text, field, value)
    if draft:
        files.write({source.path: text})
        return told._replace(paths=(f"{files.name}/{source.path}",))
    texts = {_renamed(source.path, newest, chosen): text}
    for path in _templates(files, place, newest):
        texts[_renamed(path, newest, chosen)] = files.tree.read(f"{files.name}/{path}").decode()
    present = [path for path in texts if (files.registry / path).exists()]
    if present:
        raise UsageError(f"{', '.join(present)} is there already, though git ignores it; nothing was written")
    files.write(texts)
    return told._replace(paths=tuple(f"{files.name}/{path}" for path in texts))


def _unpublished(files: Files, path: str) -> bool:
    """Whether a release is being written still: git is there, and no commit has it."""
    return bool(files.committed) and path not in files.committed


def _assigned(path: str, text: str, field: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    parsed, _ = document.parse(path, text.encode(), Limits())
    if parsed is None:
        raise AssertionError("unreachable: it was read, and an assignment keeps it readable")
    return document.splice(parsed, document.assign(parsed, (field,), value, order=_ORDER))


def _templates(files: Files, place: Place, version: str) -> list[str]:
    folder = layout.folder(place.type, place.id)
    known = ((path, layout.place(path)) for path in files.entries if path.startswith(f"{folder}/"))
    return [path for path, found in known if found and found.kind == "template" and found.version == version]


def _renamed(path: str, old: str, new: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/{new}{name.removeprefix(old)}"
