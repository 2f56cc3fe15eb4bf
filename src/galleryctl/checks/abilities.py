"""ABL: what a model is said to be able to do, and what that needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl.checks import near, placed
from galleryctl.checks.rule import Finding, Rule, Subject, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.placed import PlacedRelease
    from galleryctl.checks.rule import Pointer

_ABILITIES: Pointer = ("spec", "abilities")
_SAID_BY_TYPE = {"embedding": "embed", "rerank": "rerank"}
"""Types whose name is the ability."""


def _said(each: PlacedRelease) -> tuple[str, ...]:
    return placed.texts(each.release.spec, "abilities")


def _stands(subject: Subject, each: PlacedRelease, *pointer: str) -> bool:
    """Whether a field stands in the file, though perhaps in a form that another rule complains about."""
    return subject.documents[each.name].has(("spec", *pointer))


def _at(each: PlacedRelease, ability: str) -> Pointer:
    return (*_ABILITIES, _said(each).index(ability))


def chat_without_template(subject: Subject) -> Iterator[Finding]:
    """A model that chats has no template, and its source brings none.

    Without a template the runtime does not know how turns are told apart: it fails at the first message, or the model
    completes the text of the user. Repositories of weights and gguf files carry a template of their own; an empty one
    here takes its place.

    Bad:

    ```yaml
    abilities: [chat]
    prompt: {template: ""}
    ```

    Good:

    ```yaml
    abilities: [chat]
    prompt: {template: {file: 1.0.0.jinja}}
    ```
    """
    for each in placed.releases(subject):
        if "chat" not in _said(each):
            continue
        template = placed.block(each.release.spec, "prompt").get("template")
        text = subject.texts.get(str(template.get("file"))) if isinstance(template, dict) else template
        fix = "write the template, or `generate` in place of `chat`"
        if isinstance(text, str):
            if not text.strip():
                yield Finding(each.path, ("spec", "prompt", "template"), "the chat template is empty", fix)
        elif template is None and not _brings_template(each) and not _stands(subject, each, "prompt"):
            message = "`chat` needs a template, and no source of this release brings one"
            yield Finding(each.path, _at(each, "chat"), message, fix)


def _brings_template(each: PlacedRelease) -> bool:
    if "preset" in each.release.spec or not each.release.variants:
        return True
    for variant in each.release.variants:
        if variant.format == "gguf" or (variant.sources and (variant.sources.oci or variant.sources.hubs())):
            return True
        names = {file.path.rpartition("/")[2] for group in variant.files.values() for file in group}
        roles = {file.role for group in variant.files.values() for file in group}
        if "template" in roles or "tokenizer_config.json" in names:
            return True
    return False


def undeclared_reasoning(subject: Subject) -> Iterator[Finding]:
    """`reasoning` is said without `prompt.reasoning`, or the reverse.

    Runtimes separate thoughts from answers by the two texts of `prompt.reasoning`, and offer it by the ability. With
    one of them alone the thoughts end up in the answer, or the separation is never switched on.

    Bad:

    ```yaml
    abilities: [chat, reasoning]
    ```

    Good:

    ```yaml
    abilities: [chat, reasoning]
    prompt: {reasoning: {start: <think>, end: </think>}}
    ```
    """
    for each in placed.releases(subject):
        said = "reasoning" in _said(each)
        given = "reasoning" in placed.block(each.release.spec, "prompt") or _stands(
            subject, each, "prompt", "reasoning"
        )
        if said and not given:
            fix = "add `prompt.reasoning`: {start: …, end: …}, or drop the ability"
            yield Finding(each.path, _at(each, "reasoning"), "`reasoning` without `prompt.reasoning`", fix)
        elif given and not said and (_said(each) or not _stands(subject, each, "abilities")):
            message = "`prompt.reasoning` without the ability `reasoning`"
            yield Finding(
                each.path, ("spec", "prompt", "reasoning"), message, "add `reasoning` to `abilities`", at="key"
            )


def undeclared_tools(subject: Subject) -> Iterator[Finding]:
    """`tools` is said without a tool parser, or the reverse.

    Models write function calls each in a form of its own. Without the parser's name the runtime hands the raw text to
    the application; without the ability nobody offers functions at all.

    Bad:

    ```yaml
    abilities: [chat, tools]
    ```

    Good:

    ```yaml
    abilities: [chat, tools]
    prompt: {tool_parser: qwen}
    ```
    """
    for each in placed.releases(subject):
        said = "tools" in _said(each)
        given = "tool_parser" in placed.block(each.release.spec, "prompt")
        if said and not given and not _stands(subject, each, "prompt", "tool_parser"):
            message = "`tools` without `prompt.tool_parser`"
            yield Finding(each.path, _at(each, "tools"), message, "add `prompt.tool_parser`, or drop the ability")
        elif given and not said and (_said(each) or not _stands(subject, each, "abilities")):
            message = "`prompt.tool_parser` without the ability `tools`"
            pointer = ("spec", "prompt", "tool_parser")
            yield Finding(each.path, pointer, message, "add `tools` to `abilities`", at="key")


def vision_without_projector(subject: Subject) -> Iterator[Finding]:
    """A gguf variant is said to see, and has no projector.

    In gguf the part that turns a picture into tokens is a file of its own. Without it the model starts and answers as
    if there were no picture.

    Bad:

    ```yaml
    spec: {abilities: [chat, vision]}
    variants:
      - {format: gguf, sources: {huggingface: {repo: acme/see-GGUF, file: "see-{quantization}.gguf"}}}
    ```

    Good:

    ```yaml
    spec: {abilities: [chat, vision]}
    variants:
      - format: gguf
        sources: {huggingface: {repo: acme/see-GGUF, file: "see-{quantization}.gguf", projectors: [mmproj-f16.gguf]}}
    ```
    """
    for path, pointer, variant, release in placed.variants(subject):
        if variant.format != "gguf" or "vision" not in placed.texts(release.spec, "abilities"):
            continue
        hubs = variant.sources.hubs().values() if variant.sources else ()
        files = [file for group in variant.files.values() for file in group]
        overrides = placed.block(release.runtimes.get("localai", {}), "overrides")
        listed = any(hub.projectors for hub in hubs) or "mmproj" in overrides
        if not listed and not any(file.role == "projector" or "mmproj" in file.path.lower() for file in files):
            message = f"`vision`, but variant {variant.name} has no projector"
            fix = "add `projectors` to the source, and the file with `role: projector`"
            yield Finding(path, pointer, message, fix)


def _known(subject: Subject) -> tuple[str, ...]:
    schema = subject.context.types[subject.place.type].schema
    found: Any = schema.get("properties", {}).get("abilities", {}).get("items", {}).get("enum")
    return tuple(word for word in found if isinstance(word, str)) if isinstance(found, list) else ()


def foreign_ability(subject: Subject) -> Iterator[Finding]:
    """A model is said to have an ability that its type does not have.

    A filter never finds it, and a runtime that meets a word it does not know drops the model. Mostly the model lies in
    the folder of another type, or the ability has another name.

    Bad:

    ```yaml
    # models/embedding/acme/tiny/1.0.0.yaml
    abilities: [chat]
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny/1.0.0.yaml
    abilities: [chat]
    ```
    """
    known = _known(subject)
    for each in placed.releases(subject) if known else ():
        for index, ability in enumerate(_said(each)):
            if ability not in known:
                yield Finding(each.path, (*_ABILITIES, index), *_foreign(subject, ability, known))


def _foreign(subject: Subject, ability: str, known: tuple[str, ...]) -> tuple[str, str]:
    message = f"`{ability}` is no ability of the type {subject.place.type}"
    if meant := near.guess(ability, known):
        return message, f"write `{meant}`"
    for name, kind in subject.context.types.items():
        items = kind.schema.get("properties", {}).get("abilities", {}).get("items", {})
        if ability in items.get("enum", ()):
            return message, f"remove it, or move the model to models/{name}/, where it is one"
    return message, f"use {near.listing(known)}"


def no_ability(subject: Subject) -> Iterator[Finding]:
    """A model is not said to be able to do anything.

    Filters and runtimes choose by abilities: a model without one is shown in no answer to "what can chat?". The types
    embedding and rerank say it by their name.

    Bad:

    ```yaml
    spec: {context_length: 40960}
    ```

    Good:

    ```yaml
    spec: {context_length: 40960, abilities: [chat]}
    ```
    """
    known = _known(subject)
    if not known or subject.place.type in _SAID_BY_TYPE:
        return
    for each in placed.releases(subject):
        if not each.release.spec.get("abilities"):
            pointer = ("spec", "abilities") if _stands(subject, each, "abilities") else ("spec",)
            yield Finding(each.path, pointer, "no ability is said", f"add `abilities`: {near.listing(known)}")


RULES: tuple[Rule, ...] = (
    rule("ABL001", Severity.ERROR, entry=chat_without_template),
    rule("ABL002", Severity.ERROR, entry=undeclared_reasoning),
    rule("ABL003", Severity.WARN, entry=undeclared_tools),
    rule("ABL004", Severity.ERROR, entry=vision_without_projector),
    rule("ABL005", Severity.ERROR, entry=foreign_ability),
    rule("ABL006", Severity.WARN, entry=no_ability),
)
