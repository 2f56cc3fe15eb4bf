"""SRC, URL, DOC: whether sources are there and what they say of themselves. Found by `check --online` only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from galleryctl.checks import placed
from galleryctl.checks.licences import official
from galleryctl.checks.observed import Observed, Silence, living, repositories
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.hubs import loaded
from galleryctl.problems import Severity
from galleryctl.spec import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.observed import Repository
    from galleryctl.hubs import Snapshot

PINNED = re.compile(r"[0-9a-f]{40}|sha256:[0-9a-f]{64}")


def missing_source(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """A repository or its revision is not there, or wants a login that nobody declared.

    Whoever installs the model finds out after choosing it. Repositories are renamed, made private and deleted, and a
    name with one letter wrong looks right to every reader. Found by `check --online`.

    Bad:

    ```yaml
    huggingface: {repo: acme/tinny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}   # no such repository
    ```

    Good:

    ```yaml
    huggingface: {repo: acme/tiny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
    ```
    """
    for each in repositories(subject):
        found = observed.sources.get(each.key)
        if not isinstance(found, Silence):
            continue
        where = f"{each.repo} at {each.revision}" if each.revision else each.repo
        if found.kind == "missing":
            there = each.revision and observed.snapshot(each.kind, each.repo)
            place = (*each.pointer, "revision") if there else each.place
            what = f"the revision {each.revision} of {each.repo}" if there else where
            fix = "write a commit of the repository" if there else "correct the name, or remove the source"
            yield Finding(each.path, place, f"{what} is not at {each.kind}", fix)
        elif found.kind == "denied" and each.gated is not True and each.kind != "object":
            message = f"{where} is not at {each.kind}, or wants a login that the definition does not declare"
            yield Finding(each.path, each.place, message, "correct the name, or add `gated: true`")


def moved_on(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The source has moved on since the release was pinned.

    Nothing is wrong: the pinned revision is what was reviewed, and upstream often changes no more than its card. Who
    wants the newer weights makes a new release. Found by `check --online`.

    Bad:

    ```yaml
    huggingface: {repo: acme/tiny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}   # now 77aa0d…
    ```

    Good:

    ```yaml
    # 1.0.1.yaml, made by galleryctl release acme/tiny --bump patch
    huggingface: {repo: acme/tiny, revision: 77aa0d21f86c4d0e9c9a3e3b8a2f6c5d4e3f2a10}
    ```
    """
    newest = _newest(subject)
    for each in repositories(subject):
        head = observed.snapshot(each.kind, each.repo)
        pinned = each.revision and PINNED.fullmatch(each.revision)
        if pinned and each.path == newest and head and head.revision not in {None, each.revision}:
            message = f"{each.repo} is at {str(head.revision)[:12]} now"
            fix = f"if it is wanted: galleryctl release {subject.place.id} --bump patch"
            yield Finding(each.path, (*each.pointer, "revision"), message, fix)


def _newest(subject: Subject) -> str | None:
    """The file of the release that users get."""
    alive = set(living(subject))
    found = [each for each in placed.releases(subject) if each.path in alive]
    return max(found, key=lambda each: version_key(each.version)).path if found else None


def other_gate(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The source asks for an agreement, and the definition says otherwise.

    The page tells users beforehand that they have to accept terms at the source; a runtime without a token stops with
    an error that names neither. Found by `check --online`.

    Bad:

    ```yaml
    huggingface: {repo: acme/tiny, gated: false}   # the source asks for an agreement
    ```

    Good:

    ```yaml
    huggingface: {repo: acme/tiny, gated: true}
    ```
    """
    for each in repositories(subject):
        found = observed.snapshot(each.kind, each.repo, each.revision)
        if not each.main or found is None or found.gated is None or found.gated is bool(each.gated):
            continue
        field = () if each.gated is None else ("gated",)
        asks = "asks for an agreement" if found.gated else "does not ask for an agreement"
        fix = "write `gated: true`" if found.gated else "remove `gated`"
        yield Finding(each.path, (*each.pointer, *field), f"{each.repo} {asks}", fix)


def unequal_sources(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """Two sources of one variant serve different bytes.

    A variant has one list of digests. Who downloads from the other source gets another model, or an error about a
    damaged download. Found by `check --online`.

    Bad:

    ```yaml
    sources:
      huggingface: {repo: acme/tiny}
      modelscope: {repo: acme/tiny}   # model.safetensors has another digest here
    ```

    Good:

    ```yaml
    - key: 1b-pytorch
      sources: {huggingface: {repo: acme/tiny}}
    - key: 1b-pytorch-cn
      sources: {modelscope: {repo: acme/tiny}}
    ```
    """
    groups: dict[tuple[str, Pointer], list[tuple[Repository, Snapshot]]] = {}
    for each in repositories(subject):
        found = observed.snapshot(each.kind, each.repo, each.revision)
        if each.main and found is not None:
            groups.setdefault((each.path, each.pointer[:2]), []).append((each, found))
    for (path, pointer), known in groups.items():
        variant = known[0][0].variant
        declared = {file.path for group in variant.files.values() for file in group}
        first, one = known[0]
        for other, two in known[1:]:
            for file in one.files:
                again = two.file(file.path)
                weights = file.path in declared if declared else loaded.holds_weights(file.path)
                if weights and again and file.sha256 and again.sha256 and file.sha256 != again.sha256:
                    message = (
                        f"{file.path} has the digest {file.sha256[:12]}… at {first.kind}"
                        f" and {again.sha256[:12]}… at {other.kind}"
                    )
                    yield Finding(path, (*pointer, "sources"), message, "make two variants of them, each with a key")
                    break


def no_answer(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """A source gave no answer, so it could not be looked at.

    A machine that is down says nothing about the model. Nothing is wrong with the definition, and nothing was found to
    be right: the next run asks again. Found by `check --online`.

    Bad:

    ```yaml
    huggingface: {repo: acme/tiny}   # the hub took longer than two minutes
    ```

    Good:

    ```yaml
    huggingface: {repo: acme/tiny}   # the hub answered
    ```
    """
    told = set()
    for each in repositories(subject):
        found = observed.sources.get(each.key)
        if not isinstance(found, Silence) or each.key in told or found.kind == "missing":
            continue
        if found.kind != "denied" or each.kind == "object":  # a store of one's own is asked with nobody's rights
            told.add(each.key)
            yield Finding(each.path, each.place, f"{each.repo}: {found.text}", _AGAIN[found.kind])
    for address, path, pointer, _ in addresses(subject):
        answer = observed.addresses.get(address)
        if isinstance(answer, Silence) and answer.kind in {"silent", "refused"} and address not in told:
            told.add(address)
            why = answer.text.removeprefix(f"{address}: ")
            yield Finding(path, pointer, f"no answer from {address}: {why}", _AGAIN[answer.kind])


_AGAIN = {
    "silent": "run the check again",
    "refused": "use an address that everybody can ask",
    "denied": "nothing is wrong, if those who may use the model can read the store",
}


def addresses(subject: Subject) -> Iterator[tuple[str, str, Pointer, bool]]:
    """Every address to ask: itself, the file and place where it stands, whether it is of a file and not for reading."""
    yield from _links(subject)
    alive = set(living(subject))
    for path, pointer, file, *_ in placed.files(subject):
        if file.url and path in alive:
            yield file.url, path, (*pointer, "url"), True
    for path, pointer, variant, _ in placed.variants(subject):
        base = variant.sources.url.prefix if variant.sources and variant.sources.url else ""
        for quantization, group in variant.files.items() if base and path in alive else ():
            for index, file in enumerate(group):
                if not file.url:
                    where = (*pointer, "files", quantization, index, "path")
                    yield f"{base.rstrip('/')}/{file.path}", path, where, True
    for each in placed.releases(subject):
        for index, download in enumerate(each.release.downloads if each.path in alive else ()):
            yield download.url, each.path, ("downloads", index, "url"), True


def _links(subject: Subject) -> Iterator[tuple[str, str, Pointer, bool]]:
    model, path = subject.definition.model, subject.model_file
    for kind, value in model.links.items():
        if isinstance(value, str):
            yield value, path, ("links", kind), False
        else:
            yield from ((link, path, ("links", kind, index), False) for index, link in enumerate(value))
    if model.license_url:
        yield model.license_url, path, ("license_url",), False


def missing_address(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """There is nothing at an address.

    Capital letters matter in most addresses, and files are renamed more often than one thinks. For a link that is only
    read it is a warning. Found by `check --online`.

    Bad:

    ```yaml
    - {path: tiny-f16.gguf, url: https://files.acme.example/tiny-f16.gguf}   # 404: it is called tiny-bf16.gguf
    ```

    Good:

    ```yaml
    - {path: tiny-bf16.gguf, url: https://files.acme.example/tiny-bf16.gguf}
    ```
    """
    for address, path, pointer, is_file in addresses(subject):
        found = observed.addresses.get(address)
        if not isinstance(found, Silence) or not (found.kind == "missing" or (is_file and found.kind == "denied")):
            continue
        what = "nobody may fetch" if found.kind == "denied" else "there is nothing at"
        fix = "write the name as the source publishes it, capital letters included"
        yield Finding(path, pointer, f"{what} {address}", fix, severity=None if is_file else Severity.WARN)
    groups: dict[tuple[str, Pointer], list[Repository]] = {}
    for each in repositories(subject):
        groups.setdefault((each.path, each.pointer[:2]), []).append(each)
    for group in groups.values():
        yield from _missing_files(group, observed)


def _missing_files(group: list[Repository], observed: Observed) -> Iterator[Finding]:
    """Files that a variant lists and none of its repositories has; nothing where one of these said nothing."""
    first = group[0]
    snapshots = [observed.snapshot(each.kind, each.repo, each.revision) for each in group]
    known = {file.path for found in snapshots if found for file in found.files}
    if not first.main or not all(found and found.files for found in snapshots):
        return
    for quantization, files in first.variant.files.items():
        for index, file in enumerate(files):
            if file.path in known or file.url:
                continue
            close = next((path for path in known if path.lower() == file.path.lower()), None)
            place = (*first.pointer[:2], "files", quantization, index, "path")
            fix = f"write `{close}`" if close else "write the name as the source publishes it"
            yield Finding(first.path, place, f"{first.repo} has no file {file.path}", fix)


def moved_address(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """An address leads to another host for good.

    The old host may be sold to somebody else, and then leads wherever they like. Redirects that are meant to last are
    told; those to a store of the same hub are not. Found by `check --online`.

    Bad:

    ```yaml
    links: {homepage: https://old.acme.example/tiny}   # moved permanently
    ```

    Good:

    ```yaml
    links: {homepage: https://acme.example/tiny}
    ```
    """
    for address, path, pointer, _ in addresses(subject):
        found = observed.addresses.get(address)
        if found is None or isinstance(found, Silence) or not found.moved:
            continue
        host, other = urlsplit(address).hostname or "", urlsplit(found.moved).hostname or ""
        if other and other.removeprefix("www.") != host.removeprefix("www."):
            yield Finding(path, pointer, f"{address} has moved to {other}", f"write {found.moved}")


def newer_card(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The source has a newer card than ours.

    What the card says about limits and uses may have changed since it was taken over. Found by `check --online`.

    Bad:

    ```yaml
    readme: {source: "huggingface:acme/tiny", revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}   # changed since
    ```

    Good:

    ```yaml
    readme: {source: "huggingface:acme/tiny", revision: 77aa0d21f86c4d0e9c9a3e3b8a2f6c5d4e3f2a10}
    ```
    """
    card = subject.definition.model.readme
    if card is not None and observed.card is not None and observed.card.changed:
        message = f"the card of {card.source} has changed since it was taken over"
        fix = f"galleryctl readme {subject.place.id} --replace"
        yield Finding(subject.model_file, ("readme",), message, fix)


def other_licence(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The source states another licence.

    Sizes of one family often have different licences, and licences change between releases. Users rely on what the
    gallery says. Found by `check --online`.

    Bad:

    ```yaml
    license: Apache-2.0   # the card of the source says mit
    ```

    Good:

    ```yaml
    license: MIT
    ```
    """
    model, told = subject.definition.model, set()
    for each in repositories(subject):
        found = observed.snapshot(each.kind, each.repo, each.revision)
        if not each.main or found is None or not found.license:
            continue
        theirs, ours = official(found.license), each.variant.license or model.license
        own = official(ours) if ours else None
        if not theirs or not own or theirs == own or (each.repo, own) in told:
            continue
        told.add((each.repo, own))
        at = (each.path, (*each.pointer[:2], "license")) if each.variant.license else (subject.model_file, ("license",))
        fix = f"write `{theirs}`, or split the model where its sizes differ"
        yield Finding(*at, f"{each.repo} is under {theirs}, the definition says {own}", fix)


RULES: tuple[Rule, ...] = (
    rule("SRC003", Severity.ERROR, online=missing_source),
    rule("SRC004", Severity.NOTE, online=moved_on),
    rule("SRC007", Severity.WARN, online=other_gate),
    rule("SRC009", Severity.ERROR, online=unequal_sources),
    rule("SRC010", Severity.NOTE, online=no_answer, fixed=True),
    rule("URL003", Severity.ERROR, online=missing_address),
    rule("URL004", Severity.WARN, online=moved_address),
    rule("DOC004", Severity.NOTE, online=newer_card),
    rule("LIC006", Severity.WARN, online=other_licence),
)
