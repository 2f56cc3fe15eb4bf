"""Which labels a pull request has, by its verdict. Outputs only: nothing that decides reads them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.policy import Verdict

FAILURES = 5
"""How many rules that fail get a label of their own."""
_LONGEST = 100  # characters of a label's description on GitHub

_KINDS = {
    "new": "Adds a model",
    "release": "Adds a release",
    "text": "Changes texts of models",
    "lifecycle": "Changes what is listed, or its status",
    "publisher": "Changes a publisher",
    "governance": "Changes rules, people or the program",
}
_LANES = {
    "release": "Automatic: a release of an existing model",
    "text": "Automatic: texts of existing models",
    "new": "Automatic after a wait: new models",
    "urgent": "At once: a quarantine",
    "manual": "Needs approvals",
    "governance": "Needs the admins, never automatic",
}
_TURNS = {
    "author": "Waits for its author",
    "owner": "Waits for an owner of the model",
    "reviewer": "Waits for a reviewer",
    "steward": "Waits for a steward",
    "clearance": "Waits for clearance of a wider audience",
    "admin": "Waits for an admin",
    "clock": "Waits for a time to pass",
    "us": "Waits for us; its author need do nothing",
}
_RISKS = {
    "visibility": "More people would see a model",
    "licence": "A licence changes",
    "source-host": "Files come from somewhere new",
    "owners": "Somebody else may act for a model",
    "removal": "Something goes for good",
}


def labels(verdict: Verdict, site: str, *, first: bool = False, stale: bool = False) -> dict[str, str]:
    """The exact set, by name with description. `site` is the address of the gallery, which has a page for each."""
    chosen = [(f"kind/{kind}", _KINDS.get(kind, kind)) for kind in verdict.kinds]
    chosen += [(f"lane/{verdict.lane}", _LANES[verdict.lane]), (f"turn/{verdict.turn}", _TURNS[verdict.turn])]
    chosen += [(f"risk/{risk}", _RISKS.get(risk, risk)) for risk in verdict.risks]
    if first:
        chosen.append(("first-contribution", "The author's first pull request here"))
    if stale and verdict.turn == "author":
        chosen.append(("stale", "Its author has not come back to it for a long time"))
    if verdict.state == "error":
        chosen.append(_SERVICE)
    found = {name: _described(text, f"{site.rstrip('/')}/review/#{name.replace('/', '-')}") for name, text in chosen}
    for failing in failures(verdict):
        found[f"fail/{failing}"] = _described("See the rule", f"{site.rstrip('/')}/rules/#{failing}")
    return dict(sorted(found.items()))


_SERVICE = ("service-problem", "Something failed on our side; we try again")


def broken(site: str) -> dict[str, str]:
    """The labels of a pull request that could not be judged, which is nobody's fault but ours."""
    found = dict([("turn/us", _TURNS["us"]), _SERVICE])
    return {
        name: _described(text, f"{site.rstrip('/')}/review/#{name.replace('/', '-')}") for name, text in found.items()
    }


def failures(verdict: Verdict) -> tuple[str, ...]:
    """Rules that fail, the first few by code."""
    codes = {problem.code for problem in verdict.problems if problem.severity is Severity.ERROR}
    return tuple(sorted(codes)[:FAILURES])


def told(names: Iterable[str], family: str) -> Iterator[str]:
    """What the labels of one family say, as `release` of `kind/release`: for lists that people read."""
    return (name.partition("/")[2] for name in names if name.startswith(f"{family}/"))


def _described(text: str, address: str) -> str:
    whole = f"{text}: {address}"
    return whole if len(whole) <= _LONGEST else text
