"""Which build of a release suits a machine, why, and why none of the others. Pure.

A build is one quantization of one variant. Of those that the reference means and that can be loaded:

1. What fits the memory comes first, then what may fit, because facts are missing. What needs more is out.
2. Then the order of the formats that were given. A runtime alone has no order among what it loads.
3. Of what fits, the one with the largest weights, because it keeps the most of the model.
4. Then the author's order, the default first. Where no memory is given, or it cannot be told, this alone decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from galleryctl import memory
from galleryctl.client.errors import NoFitError, UnknownError
from galleryctl.client.references import meant, short
from galleryctl.client.results import Rejected
from galleryctl.runtimes import RUNTIMES, unfit
from galleryctl.spec.base import localised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from galleryctl.client.results import Host
    from galleryctl.memory import Need
    from galleryctl.runtimes import Target
    from galleryctl.spec.release import Memory

_CACHED = frozenset({"llm"})
"""Types that keep keys and values of what they have read: without their layers, the need is not known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The build that suits best, and what is to be said of it and of the others."""

    target: Target
    need: Need | None
    """What it takes; none where its weights are not known."""
    certain: bool
    """Whether that is all it takes."""
    why: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    """The others: what would be chosen next comes first, what cannot be loaded last."""


@dataclass(frozen=True, slots=True)
class _Weighed:
    """One build, as it stands on a host."""

    target: Target
    order: int
    need: Need | None
    certain: bool
    preference: int = 0
    out: str = ""
    """Why it is out; empty where it is not."""

    def rank(self, host: Host) -> tuple[int, int, int, int]:
        """The least is the best."""
        fits = host.memory is not None and self.certain and self.need is not None
        return (int(not fits), self.preference, -self.need.weights if fits and self.need else 0, self.order)


def choose(
    targets: Sequence[Target],
    host: Host,
    *,
    build: str = "",
    facts: Memory | None = None,
    limit: int | None = None,
    barred: Mapping[tuple[str, str], str] | None = None,
) -> Choice:
    """The build that suits a host best.

    `build` is what the reference says after its colon; `facts` what the release says of its layers; `limit` the longest
    context it was made for; `barred` why some builds are not to be used, by variant and quantization. NoFitError: none
    suits; UnknownError: there is no such build, or no such runtime.
    """
    known(host)
    named = selected(targets, build)
    weigh = partial(_weighed, host=host, facts=facts, limit=limit, barred=barred or {})
    found = [
        weigh(order, target)
        if order in named
        else _Weighed(target, order, None, certain=False, out=f"the reference asks for {short(build)}")
        for order, target in enumerate(targets)
    ]
    able = [each for each in found if not each.out]
    if not able:
        raise NoFitError(_none(found, named, host), tuple(_rejected(each, each.out) for each in found))
    best = min(able, key=lambda each: each.rank(host))
    nearest = sorted(found, key=lambda each: (bool(each.out), each.rank(host)))
    others = tuple(_rejected(each, each.out or _beaten(each, best, host)) for each in nearest if each is not best)
    said = _fit(best, host, limit)
    why = (said, "The reference names it.") if build and len(named) == 1 else (said, _best(best, able, host))
    return Choice(best.target, best.need, best.certain, why, others)


def known(host: Host) -> None:
    """UnknownError: the host names a runtime that is not known here."""
    if host.runtime is not None and host.runtime not in RUNTIMES:
        near = meant(host.runtime, RUNTIMES) or f": {', '.join(RUNTIMES)} are"
        raise UnknownError(f"no runtime {short(host.runtime)} is known here{near}")


def selected(targets: Sequence[Target], build: str) -> frozenset[int]:
    """Places of the builds that a reference means. The first kind of name that something has decides."""
    if not build:
        return frozenset(range(len(targets)))
    wanted = build.casefold()
    for kind in range(6):
        places = frozenset(place for place, target in enumerate(targets) if _names(target)[kind].casefold() == wanted)
        if places:
            return places
    words = dict.fromkeys(name for target in targets for name in _names(target) if name)
    offered = dict.fromkeys(target.variant.name for target in targets)
    near = meant(build, words) or (f": it has {', '.join(list(offered)[:8])}" if offered else ": it has no builds")
    raise UnknownError(f"{_what(targets)} has no build {short(build)}{near}")


def gib(size: float) -> str:
    """`8.2 GiB`; two decimals below one."""
    return f"{size / memory.GIB:.1f} GiB" if size >= memory.GIB else f"{size / memory.GIB:.2f} GiB"


def label(target: Target) -> str:
    """What a build is called: its variant, and its quantization where it has one."""
    name = target.variant.name
    return name if target.quantization == "none" else f"{name} {target.quantization}"


def _names(target: Target) -> tuple[str, str, str, str, str, str]:
    variant, quantization = target.variant, target.quantization
    size = variant.parameters or ""
    both = f"{variant.name}-{quantization}"
    return (variant.name, both, quantization, size, variant.format or "", f"{size}-{quantization}" if size else "")


def _what(targets: Sequence[Target]) -> str:
    return f"{targets[0].id} {targets[0].version}" if targets else "the release"


def _weighed(
    order: int,
    target: Target,
    *,
    host: Host,
    facts: Memory | None,
    limit: int | None,
    barred: Mapping[tuple[str, str], str],
) -> _Weighed:
    context = min(host.context, limit) if limit else host.context
    need = memory.need(target.variant, target.quantization, facts, context=context, requests=host.requests)
    certain = need is not None and (need.cache is not None or target.type not in _CACHED)
    weigh = partial(_Weighed, target, order, need, certain=certain)
    if why := barred.get((target.variant.name, target.quantization)):
        return weigh(out=why)
    if host.runtime is not None and (skipped := unfit(RUNTIMES[host.runtime], target)):
        return weigh(out=localised(skipped.reason, "en", "en").removesuffix("."))
    preference = 0
    if host.formats:
        wanted = [each.casefold() for each in host.formats]
        format_ = target.variant.format
        if format_ is None or format_.casefold() not in wanted:
            return weigh(out=f"{format_ or 'an unrecorded format'} is not among {', '.join(host.formats)}")
        preference = wanted.index(format_.casefold())
    if host.memory is not None and need is not None and need.total > host.memory:
        least = "" if certain else "at least "
        over = gib(need.total) if gib(need.total) != gib(host.memory) else f"{need.total:,} bytes, a little more than"
        of = " of" if over == gib(need.total) else ""
        return weigh(out=f"needs {least}{over}{of} {gib(host.memory)}: {_parts(need)}")
    return weigh(preference=preference)


def _parts(need: Need) -> str:
    cache = f", cache {gib(need.cache)}" if need.cache else ""
    return f"weights {gib(need.weights)}{cache}, working space {gib(need.space)}"


def _rejected(each: _Weighed, reason: str) -> Rejected:
    return Rejected(each.target.variant.name, each.target.quantization, reason)


def _beaten(each: _Weighed, best: _Weighed, host: Host) -> str:
    """Why a build that could be used is not the one."""
    one, other = each.rank(host), best.rank(host)
    if one[0] > other[0]:
        return _doubt(each)
    if one[1] > other[1]:
        return f"{best.target.variant.format} comes before {each.target.variant.format}"
    if one[0] == 0 and each.need and one[2] > other[2]:
        return f"fits with {gib(each.need.total)}; the weights of {label(best.target)} are larger"
    return f"comes after {label(best.target)} in the release"


def _doubt(each: _Weighed) -> str:
    if each.need is None:
        return "cannot tell whether it fits: neither sizes of its files nor its parameters are recorded"
    return f"cannot tell whether it fits: layers and heads are not recorded; it needs at least {gib(each.need.total)}"


def _best(best: _Weighed, able: Sequence[_Weighed], host: Host) -> str:
    """Why it is this one of those that can be used."""
    if len(able) == 1:
        return "It is the only build that can be used."
    if best.rank(host)[0] == 0:
        peers = sum(each.rank(host)[:2] == best.rank(host)[:2] for each in able)
        first = f" in {best.target.variant.format}, the first format that has any" if host.formats else ""
        return f"It is the largest of the {peers} builds that fit{first}." if peers > 1 else f"It fits{first}."
    if host.formats:
        return f"It is the author's first build in {best.target.variant.format}."
    return "It is the author's first build that can be used."


def _fit(best: _Weighed, host: Host, limit: int | None) -> str:
    """What it needs, as far as that is known, and of how much."""
    need, name = best.need, label(best.target)
    of = f" of {gib(host.memory)}" if host.memory is not None else ""
    if need is None or not best.certain:
        return f"{name}: {_doubt(best)}{of if need else ''}."
    context = min(host.context, limit) if limit else host.context
    times = f" for {host.requests} requests" if host.requests > 1 else ""
    tokens = f" at {context:,} tokens of context{times}" if need.cache else ""
    compared = "" if host.memory is not None else " No memory was given to compare it with."
    return f"{name} needs {gib(need.total)}{of}{tokens}: {_parts(need)}.{compared}"


def _none(found: Sequence[_Weighed], named: frozenset[int], host: Host) -> str:
    """Why nothing suits, by the build that came nearest."""
    what = _what([each.target for each in found])
    if not found:
        return f"{what} has no builds"
    needs = [
        each for each in found if each.order in named and each.need and each.out.startswith("needs") and host.memory
    ]
    if needs:
        least = min(needs, key=lambda each: (each.need.total if each.need else 0, each.order))
        advice = "give it more memory, a shorter context, or take a smaller model"
        return f"nothing of {what} fits: the smallest, {label(least.target)}, {least.out}; {advice}"
    reasons = dict.fromkeys(each.out for each in found if each.order in named)
    return f"nothing of {what} can be used here: {'; '.join(list(reasons)[:3])}"
