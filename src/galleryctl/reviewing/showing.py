"""What a reviewer has to know of a pull request: before and after, licence, security, size, and who would notice.

Facts first, as values; then as sections for a terminal, as JSON and as Markdown, in which definitions stay text.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from galleryctl import changes, report
from galleryctl.changes import Kind
from galleryctl.changes.values import shown, value
from galleryctl.problems import Severity
from galleryctl.reviewing import comment, differences, judging
from galleryctl.reviewing.markdown import code, prose
from galleryctl.terminal import size
from galleryctl.terminal.differences import Section

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from galleryctl.changes import Change
    from galleryctl.checks.rule import World
    from galleryctl.gallery import Entry
    from galleryctl.reviewing.comment import Links, Report
    from galleryctl.reviewing.effects import Effects
    from galleryctl.reviewing.judging import Judged
    from galleryctl.spec import Release
    from galleryctl.terminal.differences import Mark

_SECURITY = ("SEC", "CHT", "SRC")
"""Groups of rules that are about what loading a model may do, and where its bytes come from."""
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
_LONGEST = 300
_LINES = 200


@dataclass(frozen=True)
class Licence:
    """The licence of a model before and after; none where there is no model, or none."""

    before: str | None
    after: str | None
    commercial: str
    """What the gallery knows of the new one: allowed, terms, forbidden; empty for one that it does not list."""
    url: str


@dataclass(frozen=True)
class Model:
    """The report about one model."""

    id: str
    licence: Licence
    security: tuple[str, ...]
    """Sentences about what its new and changed releases bring."""
    added: int
    """Bytes that come."""
    removed: int


def models(judged: Judged, effects: Effects) -> tuple[Model, ...]:
    """A report for each model that changes."""
    comparison = judged.compared.comparison
    weights = {weight.model: weight for weight in effects.weights}
    found = []
    for identifier in changes.of_models(comparison.changes):
        before, after = (world.gallery.by_id.get(identifier) for world in (comparison.base, comparison.merged))
        weight = weights.get(identifier)
        found.append(
            Model(
                id=identifier,
                licence=_licence(before, after, comparison.merged),
                security=tuple(_security(before, after)),
                added=weight.added if weight else 0,
                removed=weight.removed if weight else 0,
            )
        )
    return tuple(found)


def _licence(before: Entry | None, after: Entry | None, world: World) -> Licence:
    name = after.outline.license if after else None
    known = world.context.taxonomy.licenses.get(name or "")
    return Licence(
        before=before.outline.license if before else None,
        after=name,
        commercial=known.commercial if known else "",
        url=(known.url or "") if known else "",
    )


def _security(before: Entry | None, after: Entry | None) -> Iterator[str]:
    """What is worth a look in releases that are new or differ."""
    old = before.document().releases if before else {}
    new = after.document().releases if after else {}
    for version, release in new.items():
        if old.get(version) != release:
            yield from (f"{version}: {said}" for said in _of_release(release))


def _of_release(release: Release) -> Iterator[str]:
    files = [file for variant in release.variants for group in variant.files.values() for file in group]
    if release.remote_code:
        told = release.remote_code
        yield f"runs code of its source, reviewed at {shown(told.revision, 12)} by {shown(told.reviewed_by, 60)}"
    pickles = sorted({shown(file.path, 120) for file in files if file.path.lower().endswith(_PICKLES)})
    if pickles:
        yield f"loading these files may run code: {value(pickles)}"
    bare = sum(not file.sha256 for file in files)
    if bare:
        yield f"{bare} of {len(files)} files have no digest"
    hosts = sorted({kind for variant in release.variants if variant.sources for kind in variant.sources.hubs()})
    if hosts:
        yield f"comes from {value(hosts)}"


# -- forms


def sections(judged: Judged, effects: Effects, found: Sequence[Model]) -> Iterator[Section]:
    """What a terminal shows after the verdict."""
    yield from _resolved(judged.verdict.changes)
    licences = [(_mark(each.licence), f"{each.id}: {licence(each.licence)}") for each in found]
    if licences:
        yield Section("Licences", "", tuple(licences))
    yield Section("Security", "", tuple(_dangers(judged, found)) or (("~", "nothing new"),))
    yield Section("Size", "", tuple(_sizes(found)) or (("~", "no file comes or goes"),))
    yield from differences.sections((), effects)


def _mark(found: Licence) -> Mark:
    return "~" if found.before == found.after or found.before is None else "!"


def licence(found: Licence) -> str:
    """`MIT → CC-BY-NC-4.0, commercial use forbidden`."""
    after = value(found.after)
    step = after if found.before in {None, found.after} else f"{value(found.before)} → {after}"
    uses = {"allowed": "commercial use allowed", "terms": "commercial use under its terms"}
    other = "commercial use forbidden" if found.commercial else "not in the list of the gallery"
    return f"{step}, {uses.get(found.commercial, other)}" if found.after else step


def _dangers(judged: Judged, found: Sequence[Model]) -> Iterator[tuple[Mark, str]]:
    for each in found:
        yield from (("!" if "code" in said else "~", f"{each.id} {said}") for said in each.security)
    touched = judged.compared.comparison.touched
    for problem in judged.verdict.problems:
        known = problem.severity is Severity.NOTE and problem.path not in touched  # base has it too
        if problem.code.startswith(_SECURITY) and not known:
            yield "!", shown(f"{problem.code} {problem.path}:{problem.line} {problem.message}", _LONGEST)


def _sizes(found: Sequence[Model]) -> Iterator[tuple[Mark, str]]:
    for each in found:
        if each.added:
            yield "+", f"{each.id}: {size(each.added)} come"
        if each.removed:
            yield "-", f"{each.id}: {size(each.removed)} go"


def _resolved(found: Sequence[Change]) -> Iterator[Section]:
    """Each value before and after, as it counts: with defaults and what is inherited."""
    lines: dict[str, list[tuple[Mark, str]]] = {}
    for change in found[:_LINES]:
        if change.field and change.kind not in {Kind.GOVERNANCE_CHANGED, Kind.FILE_CHANGED}:
            name = f"{change.version} {change.field}".strip()
            into = lines.setdefault(change.subject, [])
            into += [("-", f"{name}: {_whole(change.before)}")] if change.before is not None else []
            into += [("+", f"{name}: {_whole(change.after)}")] if change.after is not None else []
    for subject, told in lines.items():
        yield Section(f"{shown(subject)}, before and after", "", tuple(told))
    if len(found) > _LINES:
        yield Section("", f"and {len(found) - _LINES} more changes; --format json has them all", ())


def _whole(given: Any) -> str:  # noqa: ANN401 - any JSON value
    return shown(given if isinstance(given, str) else report.dumped(given), _LONGEST)


def as_json(judged: Judged, effects: Effects, found: Sequence[Model]) -> dict[str, Any]:
    """The verdict, with the reports."""
    told = asdict(effects)
    return judging.as_json(judged) | {"models": [asdict(each) for each in found], "effects": told}


def markdown(
    judged: Judged, effects: Effects, found: Sequence[Model], told: Report, links: Links, *, at: dt.datetime
) -> str:
    """What the comment says, then the reports. Without the marker: it is no comment of ours."""
    start = comment.comment(told, links, at=at).removesuffix(f"{comment.MARKER}\n").rstrip()
    parts = [start]
    for section in sections(judged, effects, found):
        note = f" {prose(section.note)}" if section.note else ""
        lines = "".join(f"\n- {code(mark)} {prose(line)}" for mark, line in section.lines)
        parts.append(f"**{prose(section.heading)}**{note}\n{lines}" if section.heading else note.strip())
    return "\n\n".join(parts) + "\n"
