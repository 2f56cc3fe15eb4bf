"""ENV: in what a release runs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from galleryctl.checks import near, placed
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMAGE = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
_PINNED = re.compile(r"git\+[a-z]+://[^@\s]+@[0-9a-f]{40}(?:[#&?].*)?")


def unpinned_image(subject: Subject) -> Iterator[Finding]:
    """A container image has no digest.

    A tag is moved by whoever owns it: the image that was scanned and approved is then not the one that runs.

    Bad:

    ```yaml
    environment: {image: registry.acme.example/serve:1.2}
    ```

    Good:

    ```yaml
    environment:
      image: registry.acme.example/serve@sha256:3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea
    ```
    """
    for each in placed.releases(subject):
        image = each.release.environment.image if each.release.environment else None
        if image is not None and not _IMAGE.fullmatch(image):
            message = f"the image {image!r} is not pinned by a digest"
            bare = re.sub(r"(@.*|:[^/:]*)$", "", image) or "host/name"
            fix = f"write {bare}@sha256:<64 hex digits>, as the registry shows it"
            yield Finding(each.path, ("environment", "image"), message, fix)


@lru_cache(maxsize=4096)
def _wrong(requirement: str) -> tuple[str, str] | None:
    """What is wrong with a requirement, and how to mend it."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - on use: few models name any

    try:
        parsed = Requirement(requirement)
    except InvalidRequirement as error:
        if requirement.startswith("git+"):
            url = _without_branch(requirement)
            name = url.rstrip("/").rpartition("/")[2].removesuffix(".git")
            return "is no requirement: its name is missing", f"write {name} @ {url}@<commit>"
        return f"is no requirement: {str(error).partition(chr(10))[0]}", "write it as in PEP 508: name>=1.2"
    if parsed.url and parsed.url.startswith("git+") and not _PINNED.fullmatch(parsed.url):
        fix = f"write {parsed.name} @ {_without_branch(parsed.url)}@<commit>, 40 hex digits"
        return "follows a branch of a repository", fix
    return None


def _without_branch(url: str) -> str:
    return re.sub(r"@[^@/]+$", "", url)


def _plain(requirement: str) -> str:
    """A package of Xinference without its macros: `x ; #engine# == "vllm"` is `x`, `#vllm_dependencies#` is nothing."""
    before, _, marker = requirement.partition(";")
    text = before.strip() if "#" in marker else requirement.strip()
    return "" if text.startswith("#") else text


def _requirements(subject: Subject) -> Iterator[tuple[str, Pointer, str, Severity | None]]:
    for each in placed.releases(subject):
        stated = each.release.environment.requirements if each.release.environment else ()
        for index, text in enumerate(stated):
            yield each.path, ("environment", "requirements", index), text, None
        packages = placed.texts(placed.block(each.release.runtimes.get("xinference", {}), "virtualenv"), "packages")
        for index, text in enumerate(packages):
            pointer = ("runtimes", "xinference", "virtualenv", "packages", index)
            if plain := _plain(text):
                yield each.path, pointer, plain, Severity.WARN


def bad_requirement(subject: Subject) -> Iterator[Finding]:
    """A requirement is not PEP 508, or follows a branch.

    What cannot be parsed is found out when the model is started for the first time. A branch brings other code every
    week, which is where most repairs of model definitions come from. In a runtime's overlay it is a warning.

    Bad:

    ```yaml
    environment: {requirements: ["transformers >> 4.5", "git+https://github.com/huggingface/diffusers"]}
    ```

    Good:

    ```yaml
    environment:
      requirements:
        - transformers>=4.57
        - diffusers @ git+https://github.com/huggingface/diffusers@5b202111bfccaf8d21d3be1d6fb4ad8a2f6a9f4d
    ```
    """
    for path, pointer, text, severity in _requirements(subject):
        if wrong := _wrong(text):
            yield Finding(path, pointer, f"{text!r} {wrong[0]}", wrong[1], severity=severity)


def unknown_framework(subject: Subject) -> Iterator[Finding]:
    """The framework is not in the taxonomy, or an environment names neither framework nor image.

    The platform picks the runtime image by this word, and readers filter by it.

    Bad:

    ```yaml
    environment: {framework: PyTorch 2}
    ```

    Good:

    ```yaml
    environment: {framework: pytorch}
    ```
    """
    known = subject.context.taxonomy.frameworks.values
    for each in placed.releases(subject):
        environment = each.release.environment
        if environment is None:
            continue
        name = environment.framework
        if name is None and environment.image is None:
            message = "`environment` says neither `framework` nor `image`"
            yield Finding(each.path, ("environment",), message, f"add `framework`: {near.listing(known) or 'pytorch'}")
        elif name is not None and known and name not in known:
            meant = next((value for value, each in known.items() if name.lower() in {value, *each.aliases}), None)
            meant = meant or near.guess(name, known)
            fix = f"write `{meant}`" if meant else f"use {near.listing(known)}"
            yield Finding(each.path, ("environment", "framework"), f"{name!r} is no framework of the taxonomy", fix)


RULES: tuple[Rule, ...] = (
    rule("ENV001", Severity.ERROR, entry=unpinned_image),
    rule("ENV002", Severity.ERROR, entry=bad_requirement),
    rule("ENV004", Severity.ERROR, entry=unknown_framework),
)
