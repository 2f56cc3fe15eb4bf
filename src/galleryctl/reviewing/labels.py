"""Which labels a pull request has, by its verdict. Outputs only: nothing that decides reads them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.problems import Severity
from galleryctl.spec.review import KINDS, LANES, OTHERS, RISKS, TURNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.policy import Verdict

FAILURES = 5
"""How many rules that fail get a label of their own."""
_LONGEST = 100  # characters of a label's description on GitHub


def labels(verdict: Verdict, site: str, *, first: bool = False, stale: bool = False) -> dict[str, str]:
    """The exact set, by name with description. `site` is the address of the gallery, which has a page for each."""
    chosen = [(f"kind/{kind}", KINDS.get(kind, kind)) for kind in verdict.kinds]
    chosen += [(f"lane/{verdict.lane}", LANES[verdict.lane]), (f"turn/{verdict.turn}", TURNS[verdict.turn])]
    chosen += [(f"risk/{risk}", RISKS.get(risk, risk)) for risk in verdict.risks]
    if first:
        chosen.append(("first-contribution", OTHERS["first-contribution"]))
    if stale and verdict.turn == "author":
        chosen.append(("stale", OTHERS["stale"]))
    if verdict.state == "error":
        chosen.append(("service-problem", OTHERS["service-problem"]))
    found = {name: _described(text, f"{site.rstrip('/')}/review/#{name.replace('/', '-')}") for name, text in chosen}
    for failing in failures(verdict):
        found[f"fail/{failing}"] = _described("See the rule", f"{site.rstrip('/')}/rules/#{failing}")
    return dict(sorted(found.items()))


def broken(site: str) -> dict[str, str]:
    """The labels of a pull request that could not be judged, which is nobody's fault but ours."""
    found = {"turn/us": TURNS["us"], "service-problem": OTHERS["service-problem"]}
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
