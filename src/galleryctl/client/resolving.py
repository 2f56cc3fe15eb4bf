"""What a reference stands for: one build of one release, with the reasons. Pure over a shelf.

`picking` says which release, `choosing` which build of it. A build of which a file is revoked is refused, wherever that
file was found to be bad. With a lock, it is the build that was locked, as long as it is the same and may be used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from galleryctl import memory
from galleryctl.client import choosing, finding, locking
from galleryctl.client.errors import LockError, NoFitError, SchemaError
from galleryctl.client.picking import because, model, pick, refused, standing_warnings
from galleryctl.client.references import Reference, parse, versions
from galleryctl.client.results import Host, Resolved
from galleryctl.runtimes import base, targets
from galleryctl.spec.base import size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.client.choosing import Choice
    from galleryctl.client.locking import Lock, Pin
    from galleryctl.client.picking import Picked
    from galleryctl.client.shelf import Shelf
    from galleryctl.runtimes import Target
    from galleryctl.spec.published import Revocation
    from galleryctl.spec.release import Memory, Release


def resolve(shelf: Shelf, reference: str | Reference, host: Host | None = None) -> Resolved:
    """The build that a reference stands for on a host.

    UnknownError: no such model, release, build or runtime; RefusedError: it must not be used; NoFitError: nothing of it
    suits the host; SchemaError: it needs a later version of this program.
    """
    wanted = host or Host()
    choosing.known(wanted)
    asked = parse(reference, shelf.ids) if isinstance(reference, str) else reference
    found, renamed = model(shelf, asked.id)
    picked = pick(shelf, found, asked.versions)
    built, warnings = _built(shelf, picked, wanted, asked.build)
    first = _why(picked, asked)
    return replace(
        built,
        pinned=asked.pinned,
        why=(first, *built.why),
        warnings=(*renamed, *picked.skipped, *standing_warnings(shelf, picked), *warnings),
    )


def locked(shelf: Shelf, lock: Lock, reference: str | Reference, host: Host | None = None) -> Resolved:
    """The build that a lock file holds for a reference, whatever has come since.

    LockError: the lock has no such reference, or the gallery has something else under that version; what does not suit
    the host is a warning, because somebody chose it. The rest as `resolve`.
    """
    wanted = host or Host()
    choosing.known(wanted)
    asked = parse(reference, shelf.ids) if isinstance(reference, str) else reference
    pin = lock.pins.get(str(asked))
    if pin is None or not pin.sha256:
        near = [name for name, each in sorted(lock.pins.items()) if each.id == asked.id]
        which = f"; it has {', '.join(near)}" if near else ""
        raise LockError(f"the lock has no pin for {asked}{which}: `galleryctl resolve {asked} --lock` adds one")
    found, renamed = model(shelf, pin.id)
    picked = pick(shelf, found, versions(pin.version))
    try:
        built, warnings = _built(shelf, picked, Host(context=wanted.context, requests=wanted.requests), "", pin)
    except NoFitError as error:
        raise LockError(f"{pin.what} has no build {pin.variant} {pin.quantization} any more: {error}") from error
    locking.agree(pin, locking.of(pin.reference, built, shelf.today))
    misfit = _misfit(picked, built, wanted)
    return replace(
        built,
        pinned=True,
        why=(f"{pin.version} is what the lock holds for {pin.reference}.",),
        warnings=(*renamed, *standing_warnings(shelf, picked, pin.since), *misfit, *warnings),
        rejected=(),
    )


def _built(
    shelf: Shelf, picked: Picked, host: Host, build: str, pin: Pin | None = None
) -> tuple[Resolved, tuple[str, ...]]:
    """The build of a release for a host, or the one of a pin; and what is to be known of it."""
    found, version, release = picked.found, picked.version, picked.release
    every = tuple(targets(found.id, found.type, version, release))
    if pin is not None:
        every = tuple(
            each for each in every if (each.variant.name, each.quantization) == (pin.variant, pin.quantization)
        )
    raw = found.releases[version]
    try:
        sha256 = locking.fingerprint(raw)
    except ValueError as error:
        raise SchemaError(f"{found.id} {version} is no canonical JSON: {error}") from error
    empty = Resolved(
        id=found.id, type=found.type, version=version, variant="", quantization="none", format=None, files=(),
        sources=None, bytes=None, needed=None, pinned=False, sha256=sha256, why=(), release=release,
    )  # fmt: skip
    if not release.variants and not build and host.runtime is None and not host.formats:
        return replace(empty, why=("It has no builds, so there is nothing to choose.",)), ()
    limit = _limit(release)
    bad = _bad(shelf, every)
    _refuse_bad(picked, every, bad, build)
    facts = _facts(release)
    barred = {**{key: why for key, (why, _) in bad.items()}, **_unknown(raw, every)}
    choice = choosing.choose(every, host, build=build, facts=facts, limit=limit, barred=barred)
    chosen = choice.target
    files = base.files(chosen)
    sizes = [file.size for file in files]
    built = replace(
        empty,
        variant=chosen.variant.name,
        quantization=chosen.quantization,
        format=chosen.variant.format,
        files=files,
        sources=chosen.variant.sources,
        bytes=sum(size or 0 for size in sizes) if sizes and None not in sizes else None,
        needed=choice.need.total if choice.need and choice.certain else None,
        why=choice.why,
        rejected=choice.rejected,
        chosen=chosen.variant,
    )
    return built, tuple(_build_warnings(picked, choice, host, limit))


def _facts(release: Release) -> Memory | None:
    try:
        return memory.recorded(release.spec)
    except ValueError:  # what the block holds is checked where it is published, and only estimated with here
        return None


def _limit(release: Release) -> int | None:
    length = release.spec.get("context_length")
    return length if type(length) is int and length > 0 else None


def _bad(shelf: Shelf, every: Sequence[Target]) -> Mapping[tuple[str, str], tuple[str, Revocation]]:
    """Builds of which a file is revoked, wherever that was found to be bad."""
    digests = {
        place: [file.sha256 for file in base.files(target) if file.sha256 and finding.telling(file.path)]
        for place, target in enumerate(every)
    }
    asked = sorted({digest for group in digests.values() for digest in group})
    revocations = shelf.revoking(asked) if asked else ()
    by_digest = {digest: each for each in revocations for digest in each.files}
    found = {}
    for place, target in enumerate(every):
        if hit := next((by_digest[digest] for digest in digests[place] if digest in by_digest), None):
            why = f"one of its files is revoked{because(hit.reason)}"
            found[target.variant.name, target.quantization] = (why, hit)
    return found


def _refuse_bad(
    picked: Picked,
    every: Sequence[Target],
    bad: Mapping[tuple[str, str], tuple[str, Revocation]],
    build: str,
) -> None:
    """RefusedError: every build that is meant has a revoked file."""
    named = choosing.selected(every, build)
    hits = [bad.get((every[place].variant.name, every[place].quantization)) for place in sorted(named)]
    if hits and all(hits):
        _, revocation = next(hit for hit in hits if hit)
        raise refused(picked.found, picked.version, revocation)


def _unknown(raw: Mapping[str, object], every: Sequence[Target]) -> Mapping[tuple[str, str], str]:
    """Builds that require what is not known here."""
    variants = raw.get("variants")
    rows = variants if isinstance(variants, list) else []
    release = every[0].release.variants if every else ()
    lacking = {variant.name: finding.lacks(row) for variant, row in zip(release, rows, strict=False)}
    return {
        (each.variant.name, each.quantization): f"requires {', '.join(names)}, which this version does not know"
        for each in every
        if (names := lacking.get(each.variant.name))
    }


def _why(picked: Picked, asked: Reference) -> str:
    if asked.pinned:
        return f"{picked.version} is pinned."
    of = f" in {asked.versions.text}" if asked.versions.text else ""
    return f"{picked.version} is the newest {picked.standing} release{of}."


def _build_warnings(picked: Picked, choice: Choice, host: Host, limit: int | None) -> Iterator[str]:
    target = choice.target
    name = choosing.label(target)
    if limit is not None and host.context > limit:
        yield f"{picked.found.id} was made for {limit:,} tokens of context, and {host.context:,} are wanted."
    sources = target.variant.sources
    hubs = sources.hubs() if sources else {}
    gated = [f"{kind} ({hub.repo})" for kind, hub in hubs.items() if hub.gated]
    if gated:
        some = "" if len(gated) == len(hubs) else "; another of its sources does not"
        yield f"{name}: {', '.join(gated)} asks for an agreement before the download{some}."
    files = base.files(target)
    bare = sum(file.sha256 is None for file in files)
    if bare:
        yield f"{name}: no digest is recorded for {bare} of {len(files)} files, so what arrives cannot be checked."
    if code := picked.release.remote_code:
        yield f"Loading {picked.found.id} runs code of its repository, reviewed at {code.revision[:12]}."
    needs = target.variant.requirements or picked.release.requirements
    if needs and needs.vram and host.memory is not None and size_in_bytes(needs.vram) > host.memory:
        yield f"{name}: its author asks for {needs.vram} of accelerator memory."


def _misfit(picked: Picked, built: Resolved, host: Host) -> Iterator[str]:
    """Why a locked build may not suit the host."""
    variant = built.chosen
    if variant is None:
        return
    target = base.Target(built.id, built.type, built.version, picked.release, variant, built.quantization)
    limit, facts = _limit(picked.release), _facts(picked.release)
    try:
        choosing.choose((target,), host, facts=facts, limit=limit)
    except NoFitError as error:
        reasons = "; ".join(each.reason for each in error.rejected)
        yield f"The locked build does not suit this machine: {reasons}."
