"""Every rule by its code, and what becomes of a finding: a severity by policy, and a place in a file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from galleryctl import document
from galleryctl.checks import (
    abilities,
    addresses,
    cards,
    characters,
    disguises,
    environments,
    exported,
    figures,
    files,
    identity,
    immutable,
    languages,
    licences,
    life,
    lives,
    online,
    paths,
    people,
    promises,
    proposals,
    quantizations,
    references,
    released,
    remote,
    reviewed,
    safety,
    scanned,
    shipped,
    sources,
    structure,
    syntax,
    templates,
    terms,
    trusted,
    widening,
    words,
)
from galleryctl.problems import Position, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from galleryctl.checks.observed import Observed
    from galleryctl.checks.rule import Comparison, Context, Finding, Rule, Subject, World
    from galleryctl.document import Document
    from galleryctl.git import Tree, TreeEntry
    from galleryctl.spec import Policy

_MODULES = (
    syntax, paths, characters, disguises, structure,
    identity, words, licences, languages, cards,
    sources, addresses, files, shipped, quantizations,
    templates, abilities, figures, environments, safety, exported,
    life, people, references, trusted,
    released, immutable, lives, promises, widening, terms, proposals, reviewed,
    online, remote, scanned,
)  # fmt: skip
_HALVES = {code: half for each in (remote, scanned) for code, half in each.HALVES.items()}
RULES: Mapping[str, Rule] = {
    found.code: replace(found, online=_HALVES[found.code]) if found.code in _HALVES else found
    for found in sorted((rule for each in _MODULES for rule in each.RULES), key=lambda rule: rule.code)
}
_ENTRY = tuple((found, found.entry) for found in RULES.values() if found.entry)
_GALLERY = tuple((found, found.gallery) for found in RULES.values() if found.gallery)
_COMPARED = tuple((found, found.compared) for found in RULES.values() if found.compared)
_ONLINE = tuple((found, found.online) for found in RULES.values() if found.online)


def severity_of(code: str, policy: Policy, milder: Severity | None = None) -> Severity | None:
    """The severity of a rule under a policy: that of its code, else of its group, else its own; none means off.

    `milder` is that of one finding, where it differs from its rule's.
    """
    known = RULES.get(code)
    own = milder or (known.severity if known else Severity.ERROR)
    if known and known.fixed:
        return own
    chosen = policy.severities.get(code) or policy.severities.get(code[:3]) or own
    return None if chosen == "off" else Severity(chosen)


def judged(problems: Iterable[Problem], policy: Policy) -> Iterator[Problem]:
    """Problems with the severity that policy gives them; those that are off are left out."""
    for problem in problems:
        severity = severity_of(problem.code, policy)
        if severity is None:
            continue
        yield problem if severity is problem.severity else _with(problem, severity)


def _with(problem: Problem, severity: Severity) -> Problem:
    return Problem(
        problem.path,
        problem.line,
        problem.column,
        problem.code,
        problem.message,
        problem.fix,
        severity,
        problem.edits,
    )


def problem(code: str, finding: Finding, name: str, parsed: Document | None, severity: Severity) -> Problem:
    """A finding as a problem: its place is that of its value in the parsed file, else the beginning."""
    if finding.position is not None:
        place = Position(*finding.position)
    else:
        place = parsed.locate(finding.pointer, finding.at) if parsed else Position()
    path = f"{name}/{finding.path}" if name else finding.path
    return Problem(path, place.line, place.column, code, finding.message, finding.fix, severity, finding.edits)


def entry_rules(subject: Subject, name: str) -> list[Problem]:
    """What every rule about one model finds. `name` is the registry's folder in the tree."""
    return _placed(subject, name, ((rule, check(subject)) for rule, check in _ENTRY))


def online_rules(subject: Subject, observed: Observed, name: str) -> list[Problem]:
    """What the rules about a model's sources find in what those said."""
    return _placed(subject, name, ((rule, check(subject, observed)) for rule, check in _ONLINE))


def _placed(subject: Subject, name: str, checked: Iterable[tuple[Rule, Iterator[Finding]]]) -> list[Problem]:
    policy = subject.context.policy
    found: list[Problem] = []
    for rule, findings in checked:
        for finding in findings:
            severity = severity_of(rule.code, policy, finding.severity)
            if severity is not None:
                parsed = subject.documents.get(finding.path.rpartition("/")[2])
                found.append(problem(rule.code, finding, name, parsed, severity))
    return found


def gallery_findings(world: World) -> Iterator[tuple[str, Finding]]:
    """What every rule about the whole gallery finds, with the rule's code."""
    for rule, check in _GALLERY:
        for finding in check(world):
            yield rule.code, finding


def compared_findings(comparison: Comparison) -> Iterator[tuple[str, Finding]]:
    """What every rule about the way from base to the merged tree finds, with the rule's code."""
    for rule, check in _COMPARED:
        for finding in check(comparison):
            yield rule.code, finding


def path_findings(entries: Mapping[str, TreeEntry], context: Context) -> Iterator[tuple[str, Finding]]:
    """What the rules about paths find. Paths are relative to the registry."""
    yield from paths.findings(entries, context)


def place(
    findings: Iterable[tuple[str, Finding]], tree: Tree, name: str, documents: Mapping[str, Document], policy: Policy
) -> list[Problem]:
    """Findings as problems; a file that is not parsed yet is read where a place in it is asked for."""
    known: dict[str, Document | None] = dict(documents)
    found = []
    for code, finding in findings:
        severity = severity_of(code, policy, finding.severity)
        if severity is None:
            continue
        path = finding.path
        if path not in known and finding.position is None:
            known[path] = _parsed(tree, f"{name}/{path}" if name else path, policy)
        found.append(problem(code, finding, name, known.get(path), severity))
    return found


def _parsed(tree: Tree, path: str, policy: Policy) -> Document | None:
    if not path.endswith((".yaml", ".json")):
        return None
    try:
        raw = tree.read(path)
    except (OSError, ValueError):  # missing, a link, a folder or too large: told by the rules about paths
        return None
    return document.parse(path, raw, policy.limits)[0]
