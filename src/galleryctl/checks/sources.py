"""SRC: repositories and revisions, the places the weights come from."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from galleryctl.checks import near, placed
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, once, rule
from galleryctl.problems import Severity
from galleryctl.spec.release import Gguf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.spec import Variant
    from galleryctl.spec.release import Draft, Lora

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*")
_PLACEHOLDERS = re.compile(r"\{(?:quantization|draft_quantization|lightning_version)\}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HEX = re.compile(r"[0-9a-fA-F]{7,64}")
_IN_ADDRESS = re.compile(r"(?:https?://)?[a-z.-]+\.[a-z]+/(?:models/)?([\w.-]+/[\w.-]+)/?")
_NO_COMMITS = {"modelscope", "openmind_hub"}
"""Hubs on which a branch is the usual revision: there a digest for every file pins as well."""


class _Repository(NamedTuple):
    path: str
    pointer: Pointer
    """Of the block that holds `repo`."""
    repo: str
    kind: str
    """Hub, or what the repository adds to one."""
    revision: str | None
    variant: Variant | None = None
    pinnable: bool = True
    """Whether the block has a field for the revision."""


@once
def _repositories(subject: Subject) -> Iterator[_Repository]:
    for path, pointer, kind, hub, variant in placed.hubs(subject):
        yield _Repository(path, pointer, hub.repo, kind, hub.revision, variant)
        yield from _added(path, pointer, {"draft": hub.draft, "lora": hub.lora, "gguf": hub.gguf})
    for path, pointer, variant, _ in placed.variants(subject):
        yield from _added(path, pointer, {"lora": variant.lora, "gguf": variant.gguf})
    for each in placed.releases(subject):
        if "adapters" in each.release.spec:
            yield from _adapters(each)


def _added(path: str, pointer: Pointer, added: Mapping[str, Draft | Lora | Gguf | None]) -> Iterator[_Repository]:
    for kind, more in added.items():
        if more is not None:
            pinnable = not isinstance(more, Gguf)
            revision = None if isinstance(more, Gguf) else more.revision
            yield _Repository(path, (*pointer, kind), more.repo, kind, revision, pinnable=pinnable)


def _adapters(release: placed.PlacedRelease) -> Iterator[_Repository]:
    adapters = placed.block(release.release.spec, "adapters").get("controlnet")
    for index, adapter in enumerate(adapters if isinstance(adapters, list) else ()):
        if isinstance(adapter, dict) and isinstance(repo := adapter.get("repo"), str):
            revision = adapter.get("revision")
            pointer = ("spec", "adapters", "controlnet", index)
            yield _Repository(
                release.path, pointer, repo, "controlnet", revision if isinstance(revision, str) else None
            )


def malformed_repository(subject: Subject) -> Iterator[Finding]:
    """A repository is not written `owner/name`.

    A runtime puts the text into an address as it stands, so a third part or a space leads to another place or to none,
    and a whole address is not understood at all.

    Bad:

    ```yaml
    sources:
      huggingface: {repo: mlx-community/Qwen/Qwen3-235B-A22B-4bit}
    ```

    Good:

    ```yaml
    sources:
      huggingface: {repo: mlx-community/Qwen3-235B-A22B-4bit}
    ```
    """
    for each in _repositories(subject):
        plain = _PLACEHOLDERS.sub("x", each.repo) if "{" in each.repo else each.repo
        if _REPOSITORY.fullmatch(plain) and ".." not in plain:
            continue
        address = _IN_ADDRESS.fullmatch(each.repo)
        parts = [part for part in each.repo.split("/") if part]
        if address:
            fix = f"write `{address[1]}`"
        elif len(parts) == 2 and "//" in each.repo and _REPOSITORY.fullmatch(_PLACEHOLDERS.sub("x", "/".join(parts))):  # noqa: PLR2004
            fix = f"write `{'/'.join(parts)}`"
        elif len(parts) > 2:  # noqa: PLR2004 - owner and name
            fix = f"write `{parts[0]}/{parts[-1]}` or whichever two of these parts are its owner and name"
        else:
            fix = "write owner/name, as the hub shows it"
        yield Finding(each.path, (*each.pointer, "repo"), f"{each.repo!r} is no repository: not `owner/name`", fix)


def _pinned_by_digests(each: _Repository) -> bool:
    files = [file for group in each.variant.files.values() for file in group] if each.variant else []
    return each.kind in _NO_COMMITS and bool(files) and all(file.sha256 for file in files)


def _unpinned(each: _Repository, identifier: str) -> Finding | None:
    """What is wrong with a revision; none where it pins, or cannot."""
    pins = f"galleryctl release {identifier} --bump patch"
    if not each.pinnable or _pinned_by_digests(each):
        return None
    if each.revision is None:
        message, fix = f"{each.repo} has no revision", f"write its commit, 40 hex digits, or: {pins}"
        if "{" in each.repo:
            message = f"{each.repo} stands for several repositories, which no revision pins"
            fix = "write one variant for each quantization, each with its own repository and revision"
        return Finding(each.path, each.pointer, message, fix, severity=Severity.WARN)
    if _COMMIT.fullmatch(each.revision):
        return None
    lower = each.revision.lower()
    if _COMMIT.fullmatch(lower):
        message, fix = f"the revision {each.revision} has upper-case letters", f"write `{lower}`"
    elif _HEX.fullmatch(each.revision):
        message = f"the revision {each.revision} has {len(each.revision)} digits, not 40"
        fix = "write the whole commit, 40 hex digits"
    elif not each.revision:
        message, fix = "the revision is empty", "write the commit, 40 hex digits, or remove the field"
    else:
        message = f"the revision `{each.revision}` is a branch or tag, which moves"
        fix = f"write the commit, 40 hex digits, or: {pins}"
        if each.kind in _NO_COMMITS:
            fix = f"write the commit, 40 hex digits, or give every file its digest: {pins}"
    return Finding(each.path, (*each.pointer, "revision"), message, fix)


def floating_revision(subject: Subject) -> Iterator[Finding]:
    """A source is not pinned to a commit.

    A branch gives other bytes tomorrow than today: what was tried and approved is then no longer what users load, and
    digests stop fitting without anybody having changed the gallery. A hub without commits needs a digest for every
    file instead. A revision that is merely not known yet is a warning.

    Bad:

    ```yaml
    huggingface: {repo: Qwen/Qwen3-8B, revision: main}
    ```

    Good:

    ```yaml
    huggingface: {repo: Qwen/Qwen3-8B, revision: 9c925d64d72725edaf899c6cb9c377fd0709d9c5}
    ```
    """
    for each in _repositories(subject):
        if found := _unpinned(each, subject.place.id):
            yield found
    for path, pointer, variant, _ in placed.variants(subject):
        oci = variant.sources.oci if variant.sources else None
        if oci and not re.search(r"@sha256:[0-9a-f]{64}$", oci.image):
            message = f"{oci.image} has no digest, so it names whatever the tag holds now"
            yield Finding(path, (*pointer, "sources", "oci", "image"), message, "write name@sha256:<64 hex digits>")
    for path, pointer, file, *_ in placed.files(subject):
        branch = re.search(r"/resolve/([^/]+)/", file.url) if file.url else None
        if branch and not file.sha256 and not _COMMIT.fullmatch(branch[1]):
            message = f"the address names the branch `{branch[1]}`, which moves, and there is no digest"
            yield Finding(path, (*pointer, "url"), message, "write /resolve/<commit>/, 40 hex digits")


def foreign_host(subject: Subject) -> Iterator[Finding]:
    """A file comes from a host that the gallery's policy does not list.

    The gallery's own machines fetch what a definition names. Without a list of hosts anybody who opens a pull request
    could point them at machines that only they can reach. A kind of source that nobody knows is refused too.

    Bad:

    ```yaml
    # policy.yaml says hosts: [huggingface.co]
    sources:
      url: {prefix: https://files.acme.example/tiny}
    ```

    Good:

    ```yaml
    sources:
      url: {prefix: https://huggingface.co/acme/tiny/resolve/0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
    ```
    """
    allowed = {host.lower() for host in subject.context.policy.hosts}
    if not allowed:
        return
    for path, pointer, address in _addresses(subject):
        host = _host(address)
        if host and host not in allowed:
            fix = f"use {near.listing(sorted(allowed))}, or ask for the host in policy.yaml"
            yield Finding(path, pointer, f"the host {host} is not one of policy.yaml's `hosts`", fix)


def _addresses(subject: Subject) -> Iterator[tuple[str, Pointer, str]]:
    for path, pointer, variant, _ in placed.variants(subject):
        if variant.sources and variant.sources.url:
            yield path, (*pointer, "sources", "url", "prefix"), variant.sources.url.prefix
    for path, pointer, file, *_ in placed.files(subject):
        if file.url:
            yield path, (*pointer, "url"), file.url


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # brackets that are no address: URL001 tells it
        return ""


_GENERIC = {
    "gguf", "ggml", "gptq", "awq", "mlx", "exl2", "bnb", "int4", "int8", "fp8", "fp4", "fp16", "bf16", "hf", "i1",
    "instruct", "chat", "base", "model", "models", "it", "pytorch", "onnx", "quantized", "community", "main", "tree",
    "resolve", "the", "and", "for", "large", "small", "tiny", "mini", "medium", "abliterated", "imatrix", "uncensored",
}  # fmt: skip
_SIZE = re.compile(r"a?\d+(?:\.\d+)?[bmk]?|v\d+(?:\.\d+)*|\d*bit|i?q\d.*")


_SPLIT = re.compile(r"[^a-z0-9.]+")


def _words(text: str) -> set[str]:
    """What a name says beside sizes and formats: `Qwen3-30B-A3B-GGUF` says `qwen3` and `qwen`."""
    return set().union(*map(_said, _SPLIT.split(text.lower())))


@lru_cache(4096)
def _said(word: str) -> frozenset[str]:
    """A word and its first letters, or nothing where it is a size or format."""
    if not word or word in _GENERIC or _SIZE.fullmatch(word):
        return frozenset()
    stem = re.match(r"[a-z]{3,}", word)
    return frozenset({word, stem[0]} if stem and stem[0] not in _GENERIC else {word})


def unnamed_repository(subject: Subject) -> Iterator[Finding]:
    """Weights come from a repository that nothing else about the model names.

    A slip in a copied entry installs another model under this one's name, and everything seems to work. A repository
    counts as named where the model's id, title, links, base models or another source say something of its name.

    Bad:

    ```yaml
    # models/llm/deepkat/deepkat-32b
    sources:
      huggingface: {repo: mradermacher/Qwen3-30B-A3B-i1-GGUF}
    ```

    Good:

    ```yaml
    sources:
      huggingface: {repo: mradermacher/DeepKAT-32B-i1-GGUF}
    ```
    """
    model = subject.definition.model
    titles = [model.title] if isinstance(model.title, str) else [*model.title.values()]
    links = [link for value in model.links.values() for link in ((value,) if isinstance(value, str) else value)]
    related = [*model.base_models, *model.aliases]
    known = _words(" ".join([subject.place.name, *titles, *links, *related]))
    known |= {word for text in ([*titles, subject.place.name]) for word in [re.sub(r"[^a-z0-9]", "", text.lower())]}
    told: set[str] = set()
    for path, pointer, _, hub, variant in placed.hubs(subject):
        name = _PLACEHOLDERS.sub("", hub.repo) if "{" in hub.repo else hub.repo
        words = _words(name.rpartition("/")[2])
        if (
            words
            and hub.repo not in told
            and words.isdisjoint(known)
            and words.isdisjoint(_other_words(variant, hub.repo))
            and words.isdisjoint(_glued(known, words))
        ):
            told.add(hub.repo)
            fix = "correct `repo`, or name it in `links`"
            yield Finding(
                path, (*pointer, "repo"), f"{hub.repo} shares no word with the model's id, title or links", fix
            )


def _other_words(variant: Variant, repo: str) -> set[str]:
    """Words of the variant's other repositories, under another owner: a mirror."""
    found = variant.sources.hubs().values() if variant.sources else ()
    return {word for hub in found if hub.repo != repo for word in _words(hub.repo.rpartition("/")[2])}


def _glued(known: set[str], words: set[str]) -> set[str]:
    """Words that are part of a known one, or have one as a part: `deepseekv3` and `deepseek`."""
    most = 4
    return {
        word
        for word in words
        for other in known
        if min(len(word), len(other)) >= most and (word in other or other in word)
    }


RULES: tuple[Rule, ...] = (
    rule("SRC001", Severity.ERROR, entry=malformed_repository, fixed=True),
    rule("SRC002", Severity.ERROR, entry=floating_revision),
    rule("SRC005", Severity.ERROR, entry=foreign_host),
    rule("SRC006", Severity.WARN, entry=unnamed_repository),
)
