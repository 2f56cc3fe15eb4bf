"""The one comment of a pull request: whose turn it is, what changes, what to fix, who approves, what comes next.

Pure: the same verdict gives the same text but for the time in its first line, so `unchanged` compares without it.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from galleryctl.changes import wording
from galleryctl.policy.saying import stuck
from galleryctl.problems import Severity
from galleryctl.reviewing import sentences
from galleryctl.reviewing.markdown import code, fence, link, plain, prose

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.changes import Change
    from galleryctl.policy import Need, Verdict
    from galleryctl.problems import Problem

MARKER = "<!-- galleryctl:1 -->"
"""Ends the comment. It counts only in a comment that our own account wrote."""
LIMIT = 60_000
"""Characters; GitHub takes 65,536."""
MODELS = 20
_TIME = re.compile(r"\A(?:[^\n]*?) <sub>checked .*? at (\d{4}-\d\d-\d\d \d\d:\d\d) UTC</sub>")
_STAMP = "%Y-%m-%d %H:%M"


@dataclass(frozen=True)
class Links:
    """Where things are."""

    repository: str
    """Address of the repository."""
    site: str
    """Address of the gallery."""
    branch: str
    """The default branch."""
    prefix: str = ""
    """Folder of the repository in which the registry's folder lies; empty for its top."""


@dataclass(frozen=True)
class Report:
    """What the comment tells about, beside the verdict."""

    verdict: Verdict
    number: int
    author: str
    """Login."""
    head: str
    """The commit that was judged."""
    branch: str = ""
    """Branch of the author."""
    answer: dt.datetime | None = None
    """Until when the author may expect a first answer; none after it was given."""
    conflicts: tuple[str, ...] = ()
    """Files that both sides changed; none where it merges."""
    preview: str = ""
    """Address of the preview, for download."""
    checks: str = ""
    """Address of the checks."""


class _Detail(NamedTuple):
    """How much is told, from all that is useful to the least that is."""

    models: int
    sentences: int
    problems: int
    needs: int
    width: int


_DETAILS = (
    _Detail(MODELS, 12, 50, 30, 400),
    _Detail(MODELS, 8, 30, 20, 300),
    _Detail(MODELS, 4, 20, 12, 200),
    _Detail(MODELS, 2, 10, 8, 120),
    _Detail(MODELS, 1, 5, 4, 60),
)
_ALL = _Detail(10_000, 10_000, 10_000, 10_000, 2_000)


def comment(report: Report, links: Links, *, at: dt.datetime, memory: str = "") -> str:
    """The text, at most `LIMIT` characters. `memory` is a line nobody sees, for the queue."""
    for detail in _DETAILS:
        parts = [*_parts(report, links, at, detail), *([memory] if memory else []), MARKER]
        text = "\n\n".join(part for part in parts if part) + "\n"
        if len(text) <= LIMIT:
            return text
    raise AssertionError("unreachable: the least detail fits")


def whole(report: Report, links: Links, *, at: dt.datetime) -> str:
    """All of it, however long: for the summary of a run, which nobody else can write."""
    return "\n\n".join(part for part in _parts(report, links, at, _ALL) if part) + "\n"


def unchanged(before: str, report: Report, links: Links, *, memory: str = "") -> bool:
    """Whether a comment that was written earlier still says all that there is to say, but for its time."""
    before = before.replace("\r\n", "\n")
    if (found := _TIME.match(before)) is None:
        return False
    import datetime as dt  # noqa: PLC0415 - elsewhere a type alone

    then = dt.datetime.strptime(found[1], _STAMP).replace(tzinfo=dt.UTC)
    return comment(report, links, at=then, memory=memory).strip() == before.strip()


def astray(base: str, links: Links, *, number: int, branch: str) -> str:
    """What is said to a pull request into another branch, which is not judged."""
    own, other, wanted = (_word(name) for name in (branch, base, links.branch))
    commands = [
        f"git fetch {shlex.quote(links.repository)} {wanted} {other}",
        f"git rebase --onto origin/{wanted} origin/{other} {own}",
        f"git push --force-with-lease origin {own}",
        f"gh pr edit {number} --base {wanted}",
    ]
    commands[0] = f"git fetch origin {wanted} {other}"
    parts = [
        f"### Your turn: this asks to be merged into {code(base, 80)}, and only {code(links.branch)} is published",
        f"Move your commits to {code(links.branch)}, then choose it as the base (“Edit”, beside the title):",
        fence(commands),
        MARKER,
    ]
    return "\n\n".join(parts) + "\n"


def _parts(report: Report, links: Links, at: dt.datetime, detail: _Detail) -> Iterator[str]:
    verdict = report.verdict
    yield f"{_headline(report)} <sub>checked {code(report.head[:7])} at {at:{_STAMP}} UTC</sub>"
    yield prose(verdict.why, detail.width)
    yield _changes(verdict.changes, detail)
    yield _fixes(report, links, detail)
    yield _warnings(verdict.problems, links, detail)
    yield _approvals(verdict, detail)
    yield f"**Lane** {_lane(verdict, at, detail)}"
    yield f"**Next** {_next(report, links)}"
    yield _overrides(verdict, detail)
    yield _see(report, links)


def _headline(report: Report) -> str:
    verdict = report.verdict
    match verdict.turn:
        case _ if verdict.state == "success":
            return "### Ready: all that is needed is there"
        case "author":
            return f"### Not ready: your turn, {prose(report.author, 60)}{_things(report)}"
        case "us":
            return "### Our turn: something on our side failed, you need do nothing"
        case "clock":
            when = f", until {verdict.earliest:{_STAMP}} UTC" if verdict.earliest else ""
            return f"### Waiting for the clock{when}"
        case role:
            names = _names(verdict.waiting_on, 5)
            missing = sum(need.missing for need in verdict.approvals)
            count = f" ({missing} approval{'s' if missing > 1 else ''} missing)" if missing else ""
            return f"### Waiting for {sentences.ROLES[role]}{': ' if names else ''}{names}{count}"


def _things(report: Report) -> str:
    count = len(_errors(report.verdict)) + bool(report.conflicts)
    return f" ({count} thing{'s' if count > 1 else ''} to fix)" if count else ""


def _errors(verdict: Verdict) -> list[Problem]:
    return [problem for problem in verdict.problems if problem.severity is Severity.ERROR]


def _names(people: Sequence[str], most: int) -> str:
    """People of `roles.yaml`, by name and never notified."""
    shown = [prose(name, 60) for name in people[:most]]
    if len(people) > most:
        shown.append(f"{len(people) - most} more")
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


# -- changes


def _changes(changes: Sequence[Change], detail: _Detail) -> str:
    if not changes:
        return ""
    grouped = list(wording.grouped(changes))
    models = [each for each in grouped if each[1][0].type]
    rest = [each for each in grouped if not each[1][0].type]
    shown = models[: detail.models] + rest[: detail.models]
    rows = [f"| {code(heading, 120)} | {_told(found, detail)} |" for heading, found in shown]
    table = "\n".join(["| what | changes |", "|---|---|", *rows])
    more = [
        f"and {len(left)} more {name}{'s' if len(left) > 1 else ''} ({_counts(left)})"
        for name, left in (("model", models[detail.models :]), ("part", rest[detail.models :]))
        if left
    ]
    return "\n\n".join([table, "; ".join(more)] if more else [table])


def _told(found: Sequence[Change], detail: _Detail) -> str:
    told = list(dict.fromkeys(wording.of(change) for change in found))
    shown = [prose(text, detail.width) for text in told[: detail.sentences]]
    if len(told) > detail.sentences:
        shown.append(f"{len(told) - detail.sentences} more")
    return " · ".join(shown)


def _counts(grouped: Iterable[tuple[str, list[Change]]]) -> str:
    kinds = Counter(change.kind.value.replace("-", " ") for _, found in grouped for change in found)
    return ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common())


# -- problems


def _fixes(report: Report, links: Links, detail: _Detail) -> str:
    found = _errors(report.verdict)
    if report.conflicts:
        return _conflict(report, links, detail)
    if not found:
        return ""
    lines = ["**Fix**", ""]
    for number, problem in enumerate(found[: detail.problems], 1):
        lines += [f"{number}. {_placed(problem, report.head, links, detail.width)}"]
    if len(found) > detail.problems:
        codes = Counter(problem.code for problem in found[detail.problems :])
        lines += ["", f"and {len(found) - detail.problems} more: {_listed(codes)}"]
    return "\n".join(lines)


def _placed(problem: Problem, head: str, links: Links, width: int) -> str:
    place = code(f"{_shortened(problem.path, width)}:{problem.line}:{problem.column}")
    rule = link(f"**{code(problem.code)}**", f"{links.site.rstrip('/')}/rules/#{problem.code}")
    whole = f"{links.prefix}/{problem.path}" if links.prefix else problem.path
    address = f"{links.repository}/blob/{head}/{quote(whole, safe='/', errors='surrogateescape')}"
    where = link(place, f"{address}#L{problem.line}") if head and len(address) < width + _ADDRESS else place
    fix = f"<br>**→** {prose(problem.fix, width)}" if problem.fix else ""
    return f"{where} {rule} {prose(problem.message, width)}{fix}"


_ADDRESS = 300  # characters: a longer one is left out


def _shortened(path: str, width: int) -> str:
    return path if len(path) <= width else f"…{path[-width:]}"


def _listed(codes: Counter[str]) -> str:
    return ", ".join(f"{count} × {code(name)}" for name, count in codes.most_common(8))


def _warnings(problems: Sequence[Problem], links: Links, detail: _Detail) -> str:
    found = [problem for problem in problems if problem.severity is Severity.WARN]
    if not found:
        return ""
    title = "1 warning" if len(found) == 1 else f"{len(found)} warnings"
    title = f"{title}: allowed, but a person has to look"
    lines = [f"<details><summary>{title}</summary>", ""]
    lines += [f"* {_placed(problem, '', links, detail.width)}" for problem in found[: detail.problems]]
    if len(found) > detail.problems:
        lines.append(f"* and {len(found) - detail.problems} more")
    return "\n".join([*lines, "", "</details>"])


def _conflict(report: Report, links: Links, detail: _Detail) -> str:
    files = [f"* {code(_shortened(path, detail.width))}" for path in report.conflicts[: detail.problems]]
    if len(report.conflicts) > detail.problems:
        files.append(f"* and {len(report.conflicts) - detail.problems} more")
    commands = [
        f"git switch {_word(report.branch)}",
        f"git pull --no-rebase {shlex.quote(links.repository)} {_word(links.branch)}",
        "# mend the files, then:",
        "git commit --all --signoff",
        "git push",
    ]
    said = f"**Fix** Somebody else changed the same lines. Update your branch with {code(links.branch)}:"
    return "\n\n".join([said, "\n".join(files), fence(commands)])


def _word(name: str) -> str:
    """A branch in a command to copy: its author chose the name, and a shell is going to read it."""
    tame = plain(name, 100) == name and not name.startswith("-") and not any(odd in name for odd in ("~~~", "<", ">"))
    return shlex.quote(name) if name and tame else "YOUR-BRANCH"


# -- approvals, lane, what comes next


def _approvals(verdict: Verdict, detail: _Detail) -> str:
    if not verdict.approvals:
        return ""
    lines = ["**Approvals**", ""]
    lines += [f"* {sentences.need(need, detail.needs)}" for need in verdict.approvals[: detail.needs]]
    if len(verdict.approvals) > detail.needs:
        lines.append(f"* and {len(verdict.approvals) - detail.needs} more")
    return "\n".join(lines)


def _lane(verdict: Verdict, at: dt.datetime, detail: _Detail) -> str:
    when = f", {sentences.waiting(verdict.earliest, at)}" if verdict.earliest else ""
    match verdict.lane:
        case "governance":
            return f"not automatic: {code('governance')} never is{when}"
        case "manual":
            return f"by approval, no clock: {sentences.by_hand(verdict, detail.width)}{when}"
        case lane:
            return f"automatic: {code(lane)}{when}"


def _next(report: Report, links: Links) -> str:
    verdict, automatic = report.verdict, report.verdict.lane not in {"manual", "governance"}
    answer = f" Expect the first answer by {report.answer:%Y-%m-%d}." if report.answer else ""
    if verdict.state == "success":
        by_itself = (
            "It is merged by itself where the repository merges automatically; else whoever may merge can do it now."
        )
        return "An admin merges it by hand." if verdict.lane == "governance" else by_itself
    match verdict.turn:
        case "author":
            check = code(f"galleryctl check --base origin/{plain(links.branch, 60)}")
            return f"Push to your branch; it is judged again by itself. The same check on your machine: {check}."
        case "us":
            return f"We try again by ourselves, at least every half hour.{answer}"
        case "clock":
            end = "Then it is merged by itself." if automatic else "Then it may be merged."
            return f"{end} A comment by somebody else stops the clock, unless it says {code('[noblock]')}."
        case _ if (lacking := stuck(verdict.approvals)) is not None:
            return _stuck(lacking)
        case _:
            command = code(f"galleryctl review approve {report.number}")
            return f"They approve the newest commit, here or with {command}. A push makes approvals void.{answer}"


def _stuck(lacking: Need) -> str:
    """What helps where too few people may approve it: an approval does not."""
    if lacking.role == "admin":
        return (
            f"By the rules nobody can let it in: whoever is admin of the repository names more admins in "
            f"{code('roles.yaml')} by hand. {code('galleryctl doctor')} says how many are missing."
        )
    return (
        f"An admin grants somebody {code(lacking.action, 60)} in {code('roles.yaml')}, by a pull request of its own; "
        "then this one is judged again by itself."
    )


def _overrides(verdict: Verdict, detail: _Detail) -> str:
    if not verdict.overrides:
        return ""
    told = [
        f"* {code(each.code, 20)} by {prose(each.by, 60)}: {prose(each.reason, detail.width)}"
        for each in verdict.overrides[: detail.needs]
    ]
    return "\n".join(["**Set aside**", "", *told])


def _see(report: Report, links: Links) -> str:
    all_checks = "all checks" if report.preview else "all checks, with the preview under Artifacts"
    found = [
        link("preview (download)", report.preview) if report.preview else "",
        link(all_checks, report.checks) if report.checks else "",
        link("queue", f"{links.site.rstrip('/')}/review/"),
        f"all of it: {code(f'galleryctl review show {report.number}')}",
    ]
    return "**See** " + " · ".join(each for each in found if each)
