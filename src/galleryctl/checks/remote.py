"""FIL, VAL, TPL: what a definition says, beside what its sources say. Found by `check --online` only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl.checks import placed
from galleryctl.checks.observed import Address, Observed, repositories
from galleryctl.checks.online import PINNED, addresses
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.problems import Severity
from galleryctl.spec.base import parameter_count, parameters_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.observed import Config, Repository
    from galleryctl.spec import File


class _Remote(NamedTuple):
    """One file of a definition, and what its source says of it."""

    path: str
    pointer: Pointer
    file: File
    size: int | None
    sha256: str | None
    where: str
    pinned: bool
    """Whether the source is pinned to a commit, under which nothing may change."""
    storage: frozenset[str] = frozenset()
    """Hashes by which the source stores the file, none of them its SHA-256."""


def _files(subject: Subject, observed: Observed) -> Iterator[_Remote]:
    for each in repositories(subject):
        found = observed.snapshot(each.kind, each.repo, each.revision)
        if not each.main or found is None:
            continue
        for quantization, group in each.variant.files.items():
            for index, file in enumerate(group):
                known = found.file(file.path)
                if known is not None and not file.url:
                    place = (*each.pointer[:2], "files", quantization, index)
                    pinned = PINNED.fullmatch(each.revision or "") is not None
                    storage = frozenset(observed.stored.get(f"{each.key}:{file.path}", ()))
                    yield _Remote(
                        each.path, place, file, known.size, known.sha256, _named(each), pinned=pinned, storage=storage
                    )
    answers = {(path, pointer[:-1]): observed.addresses.get(url) for url, path, pointer, _ in addresses(subject)}
    for path, pointer, file, *_ in placed.files(subject):
        answer = answers.get((path, pointer))
        if isinstance(answer, Address):
            yield _Remote(path, pointer, file, answer.size, answer.sha256, file.url or "its address", pinned=False)


def _named(each: Repository) -> str:
    return f"{each.kind}:{each.repo}"


def changed_digest(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """A file's digest is not the one that its source declares.

    Under the same commit this is an alarm: the bytes that were reviewed are not the bytes that users get. It is never
    mended by copying the new digest; somebody finds out why. Under a branch the source has moved, and a new release
    takes the new file. Found by `check --online`.

    Bad:

    ```yaml
    - {path: tiny.gguf, sha256: 3f79…}   # the source says 8a1c…
    ```

    Good:

    ```yaml
    - {path: tiny.gguf, sha256: 8a1c…}   # a new release, with the digest that the source declares
    ```
    """
    told = set()
    for each in _files(subject, observed):
        ours = each.file.sha256
        place = (*each.pointer, "sha256")
        if not ours or not each.sha256 or ours == each.sha256 or ours in each.storage or (each.path, place) in told:
            continue
        told.add((each.path, place))
        message = f"{each.file.path} has the digest {each.sha256} at {each.where}, here {ours}"
        fix = f"galleryctl release {subject.place.id} --bump patch takes the file as it is now"
        if each.pinned:
            message += "; the revision is the same, so one of them was tampered with or is a slip"
            fix = "find out which bytes were reviewed; do not copy the new digest over the old one"
        yield Finding(each.path, place, message, fix)


def storage_hash(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The digest is the hash by which the hub stores the file.

    Hubs show several hashes of a file. Only its SHA-256 can be compared with what was downloaded; the others are those
    of an object or of chunks, and every download seems damaged. Found by `check --online`.

    Bad:

    ```yaml
    - {path: tiny.gguf, sha256: 77aa…}   # `xetHash` of the hub
    ```

    Good:

    ```yaml
    - {path: tiny.gguf, sha256: 3f79…}   # `lfs.oid` of the hub
    ```
    """
    for each in _files(subject, observed):
        ours = each.file.sha256
        if ours and ours != each.sha256 and ours in each.storage:
            message = f"the digest of {each.file.path} is the hash by which {each.where} stores it"
            fix = f"write {each.sha256}" if each.sha256 else f"galleryctl release {subject.place.id} --bump patch"
            yield Finding(each.path, (*each.pointer, "sha256"), message, fix)


def other_size(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The size of a file is not the one that its source states: the online half of `FIL004`."""
    told = set()
    for each in _files(subject, observed):
        ours, place = each.file.size, (*each.pointer, "size")
        agreed = bool(each.sha256) and each.file.sha256 == each.sha256
        differs = bool(each.sha256) and bool(each.file.sha256) and not agreed  # another file: told by its digest
        if ours and each.size is not None and ours != each.size and not differs and (each.path, place) not in told:
            told.add((each.path, place))
            message = f"{each.file.path} has {each.size} bytes at {each.where}, here {ours}"
            fix = f"write {each.size}" if agreed else f"galleryctl release {subject.place.id} --bump patch"
            yield Finding(each.path, place, message, fix)


def _configs(subject: Subject, observed: Observed) -> Iterator[tuple[Repository, Config]]:
    """What the sources say of the network, once for each release: the variants of one are the same model."""
    told: set[tuple[str, str, str | None]] = set()
    for each in repositories(subject):
        if not each.main:
            continue
        for quantization in (*each.variant.quantizations, "default"):
            config = observed.configs.get(f"{each.key}:{quantization}")
            if config is not None and (each.path, each.repo, each.revision) not in told:
                told.add((each.path, each.repo, each.revision))
                yield each, config


def _spec(subject: Subject, path: str) -> Mapping[str, Any]:
    return next(each.release.spec for each in placed.releases(subject) if each.path == path)


def _differing(subject: Subject, observed: Observed, field: str, native: str) -> Iterator[Finding]:
    told = set()
    for each, config in _configs(subject, observed):
        ours, theirs = _spec(subject, each.path).get(field), getattr(config, field)
        if isinstance(ours, int) and theirs is not None and ours != theirs and each.path not in told:
            told.add(each.path)
            message = f"{field} is {theirs} in {config.file} of {each.repo}, here {ours}"
            yield Finding(each.path, ("spec", field), message, f"write {theirs}{native}")


def other_context(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The context length is not the one that the source states.

    A runtime that is told too much fails or writes nonsense beyond what the network was made for; one that is told too
    little cuts off users' texts. What a scaling method adds belongs into the notes. Found by `check --online`.

    Bad:

    ```yaml
    spec: {context_length: 131072}   # config.json says 40960
    ```

    Good:

    ```yaml
    spec: {context_length: 40960}
    ```
    """
    yield from _differing(subject, observed, "context_length", ", the native value; an extended one goes into the card")


def other_dimensions(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The dimensions of an embedding are not those that the source states.

    A database of vectors is made for one length: with another, nothing can be stored. Found by `check --online`.

    Bad:

    ```yaml
    spec: {dimensions: 768}   # config.json says 1024
    ```

    Good:

    ```yaml
    spec: {dimensions: 1024}
    ```
    """
    if subject.place.type == "embedding":
        yield from _differing(subject, observed, "dimensions", "")


_NEAR = 0.35
"""How far the number of parameters may lie from the size that a variant is called by: sizes are rounded for people."""


def other_network(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The architecture or the number of parameters is not what the source states.

    Runtimes choose their code by the class, and users their machine by the size. Mostly a line was left over from the
    entry that this one was copied from. Found by `check --online`.

    Bad:

    ```yaml
    spec: {architecture: {classes: [Qwen2ForCausalLM]}}   # config.json says Qwen3ForCausalLM
    ```

    Good:

    ```yaml
    spec: {architecture: {classes: [Qwen3ForCausalLM]}}
    ```
    """
    told = set()
    for each, config in _configs(subject, observed):
        block = placed.block(_spec(subject, each.path), "architecture")
        ours = placed.texts(block, "classes")
        where = f"{config.file} of {each.repo}"
        if ours and config.classes and set(ours).isdisjoint(config.classes) and each.path not in told:
            told.add(each.path)
            theirs = ", ".join(config.classes)
            place: Pointer = ("spec", "architecture", "classes")
            yield Finding(each.path, place, f"the class is {theirs} in {where}, here {', '.join(ours)}", _COPY)
        stated = each.variant.parameters
        if stated and config.parameters and (size := parameter_count(stated)):
            ratio = config.parameters / size
            if not 1 - _NEAR < ratio < 1 + _NEAR:
                known = parameters_text(config.parameters) or config.parameters
                message = f"{where} has {known} parameters, the variant says {stated}"
                place = (*each.pointer[:2], "parameters")
                yield Finding(each.path, place, message, "correct the size, or the source")


_COPY = "write it as in the source, or correct the source"


def other_template(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The chat template is not the one of the pinned source.

    Publishers mend their templates, and a copy of an old one keeps the old mistakes. A template that was changed on
    purpose is worth a word in the notes. Spaces at the ends of lines do not count. Found by `check --online`.

    Bad:

    ```yaml
    spec: {prompt: {template: {file: 1.0.0.jinja}}}   # the source has mended its own since
    ```

    Good:

    ```yaml
    spec: {prompt: {template: {file: 1.0.1.jinja}}}   # taken over in a new release
    ```
    """
    told = set()
    for each, config in _configs(subject, observed):
        stated = placed.block(_spec(subject, each.path), "prompt").get("template")
        name = stated.get("file") if isinstance(stated, dict) else None
        ours = subject.texts.get(name) if isinstance(name, str) else stated
        if not isinstance(ours, str) or not config.template or each.path in told:
            continue
        if _even(ours) != _even(config.template):
            told.add(each.path)
            message = f"the template differs from that in {config.file} of {each.repo}"
            fix = "take it over in a new release, or say in the notes why it differs"
            yield Finding(each.path, ("spec", "prompt", "template"), message, fix)


def _even(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


RULES: tuple[Rule, ...] = (
    rule("FIL002", Severity.ERROR, online=changed_digest),
    rule("FIL003", Severity.ERROR, online=storage_hash),
    rule("TPL007", Severity.WARN, online=other_template),
    rule("VAL002", Severity.WARN, online=other_context),
    rule("VAL003", Severity.WARN, online=other_dimensions),
    rule("VAL004", Severity.WARN, online=other_network),
)
HALVES = {"FIL004": other_size}
"""What rules of other modules find in the answers of sources, by code."""
