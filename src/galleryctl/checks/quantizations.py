"""QNT: what a variant offers, and whether its names lead to files."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from galleryctl.checks import near, placed
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.document import assign
from galleryctl.problems import Edit, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.placed import PlacedVariant
    from galleryctl.document import Document
    from galleryctl.spec import Variant


def _offered(variant: Variant) -> tuple[str, ...]:
    """The quantizations of the variant, and those that only one of its hubs has."""
    offered = variant.quantizations or placed.PLAIN
    hubs = variant.sources.hubs().values() if variant.sources else ()
    more = [quantization for hub in hubs for quantization in hub.quantizations or ()]
    return tuple(dict.fromkeys([*offered, *more])) if more else offered


def unlisted_quantization(subject: Subject) -> Iterator[Finding]:
    """A quantization has files, and the list of quantizations does not name it.

    People and runtimes choose from the list, so nobody can choose it.

    Bad:

    ```yaml
    quantizations: [Q4_K_M]
    files: {Q4_K_M: [{path: tiny-Q4_K_M.gguf}], Q8_0: [{path: tiny-Q8_0.gguf}]}
    ```

    Good:

    ```yaml
    quantizations: [Q4_K_M, Q8_0]
    files: {Q4_K_M: [{path: tiny-Q4_K_M.gguf}], Q8_0: [{path: tiny-Q8_0.gguf}]}
    ```
    """
    for path, pointer, variant, _ in placed.variants(subject):
        offered = _offered(variant)
        for quantization in variant.files:
            if quantization not in offered and quantization != "default":
                same = next((each for each in offered if each.lower() == quantization.lower()), None)
                fix = f"write `{same}`, as in the list" if same else f"add {quantization} to `quantizations`"
                message = f"{quantization} has files, but `quantizations` does not list it"
                yield Finding(path, (*pointer, "files", quantization), message, fix, at="key")
        for kind, hub in (variant.sources.hubs() if variant.sources else {}).items():
            for quantization in hub.parts or ():
                if quantization not in (hub.quantizations or offered):
                    message = f"{quantization} has parts, but `quantizations` does not list it"
                    place: Pointer = (*pointer, "sources", kind, "parts", quantization)
                    yield Finding(path, place, message, f"add {quantization} to `quantizations`", at="key")


def quantization_without_files(subject: Subject) -> Iterator[Finding]:
    """A listed quantization has no files.

    Whoever chooses it gets nothing, or something that nobody checked. A variant of which no files are known yet is a
    warning.

    Bad:

    ```yaml
    quantizations: [Q4_K_M, Q8_0]
    files: {Q4_K_M: [{path: tiny-Q4_K_M.gguf, size: 396705472}]}
    ```

    Good:

    ```yaml
    quantizations: [Q4_K_M]
    files: {Q4_K_M: [{path: tiny-Q4_K_M.gguf, size: 396705472}]}
    ```
    """
    for path, pointer, variant, _ in placed.variants(subject):
        if not variant.files:
            message = f"no files of variant {variant.name} are recorded"
            fix = f"galleryctl release {subject.place.id} --bump patch lists them with sizes and digests"
            yield Finding(path, pointer, message, fix, severity=Severity.WARN)
            continue
        for index, quantization in enumerate(variant.quantizations):
            if not variant.files.get(quantization) and "default" not in variant.files:
                message = f"{quantization} has no files"
                fix = f"add them to `files`; if the source has none, remove {quantization}"
                yield Finding(path, (*pointer, "quantizations", index), message, fix)


_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _patterns(variant: Variant) -> Iterator[tuple[Pointer, str, set[str]]]:
    """Patterns of file names, where they stand in the variant, and the placeholders each may use."""
    for kind, hub in (variant.sources.hubs() if variant.sources else {}).items():
        yield ("sources", kind, "repo"), hub.repo, {"quantization"}
        if hub.file:
            yield ("sources", kind, "file"), hub.file, {"quantization"}
        if hub.parts_file:
            yield ("sources", kind, "parts_file"), hub.parts_file, {"quantization", "part"}
        if hub.draft and hub.draft.file:
            yield ("sources", kind, "draft", "file"), hub.draft.file, {"quantization", "draft_quantization"}
        if hub.gguf and hub.gguf.file:
            yield ("sources", kind, "gguf", "file"), hub.gguf.file, {"quantization"}
        if hub.lora and hub.lora.file:
            yield ("sources", kind, "lora", "file"), hub.lora.file, {"lightning_version"}
    if variant.gguf and variant.gguf.file:
        yield ("gguf", "file"), variant.gguf.file, {"quantization"}
    if variant.lora and variant.lora.file:
        yield ("lora", "file"), variant.lora.file, {"lightning_version"}


def bad_placeholder(subject: Subject) -> Iterator[Finding]:
    """A pattern of file names lacks its placeholder, or has an unknown one.

    Without the placeholder every quantization is the same file; an unknown one stays in the name as it is, and the file
    is not found.

    Bad:

    ```yaml
    quantizations: [Q4_K_M, Q8_0]
    sources:
      huggingface: {repo: Qwen/Qwen3-8B-GGUF, file: Qwen3-8B-Q4_K_M.gguf}
    ```

    Good:

    ```yaml
    quantizations: [Q4_K_M, Q8_0]
    sources:
      huggingface: {repo: Qwen/Qwen3-8B-GGUF, file: "Qwen3-8B-{quantization}.gguf"}
    ```
    """
    for path, pointer, variant, _ in placed.variants(subject):
        for where, text, allowed in _patterns(variant):
            if "{" not in text and "}" not in text:
                continue
            for name in _PLACEHOLDER.findall(text):
                if name not in allowed:
                    fix = f"write {near.listing(f'{{{each}}}' for each in sorted(allowed))}"
                    yield Finding(path, (*pointer, *where), f"`{{{name}}}` is no placeholder here", fix)
            if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
                yield Finding(path, (*pointer, *where), f"{text!r} has a brace without its other half", "correct it")
        yield from _constant(path, pointer, variant)


def _constant(path: str, pointer: Pointer, variant: Variant) -> Iterator[Finding]:
    for kind, hub in (variant.sources.hubs() if variant.sources else {}).items():
        offered = hub.quantizations or variant.quantizations
        place = (*pointer, "sources", kind)
        if len(offered) > 1 and hub.file and "{" not in hub.file and "{" not in hub.repo:
            named = next((each for each in offered if each.lower() in hub.file.lower()), None)
            meant = re.sub(re.escape(named), "{quantization}", hub.file, flags=re.IGNORECASE) if named else None
            fix = f'write "{meant}"' if meant else "put {quantization} where the names differ"
            message = f"{len(offered)} quantizations, but {hub.file} is one file"
            yield Finding(path, (*place, "file"), message, fix)
        if hub.parts and hub.parts_file and "{part}" not in hub.parts_file:
            message = f"{hub.parts_file} is the same for every part"
            yield Finding(path, (*place, "parts_file"), message, "put {part} where the names differ")


def repeated_choice(subject: Subject) -> Iterator[Finding]:
    """Two variants offer the same choice: format, size, engine and quantization.

    Runtimes choose by these four, so the second is never reached, or the first is, at random.

    Bad:

    ```yaml
    variants:
      - {format: gguf, parameters: 8B, quantizations: [Q4_K_M]}
      - {format: gguf, parameters: 8B, quantizations: [Q4_K_M, Q8_0]}
    ```

    Good:

    ```yaml
    variants:
      - {format: gguf, parameters: 8B, quantizations: [Q4_K_M, Q8_0]}
    ```
    """
    names: dict[tuple[str, str], int] = {}
    seen: dict[tuple[str | None, ...], int] = {}
    for path, pointer, variant, _ in placed.variants(subject):
        index = int(pointer[1])
        first = names.setdefault((path, variant.name), index)
        if first != index:
            message = f"variants[{first}] is called {variant.name} too"
            yield Finding(path, pointer, message, "merge the two, or give each a `key` of its own")
            continue
        if variant.format is None and variant.parameters is None:
            continue
        kind = (path, variant.format, variant.parameters, variant.active)
        for quantization in variant.quantizations or placed.PLAIN:
            others = {seen.setdefault((*kind, engine, quantization), index) for engine in variant.engines or (None,)}
            if others != {index} and (other := sorted(others - {index})):
                what = " ".join(part for part in (variant.parameters, variant.format, quantization) if part)
                message = f"{what} is offered by variants[{other[0]}] too"
                yield Finding(path, pointer, message, "merge the variants")
                break


_GGUF = re.compile(
    r"(?:UD-|i1-)?(?:I?Q[1-9](?:_[01KS])?(?:_[LMSX]+|_NL|_0_[48]_[48])*|IQ[1-4]_(?:XXS|XS|S|M|NL)|TQ[12]_0|MXFP4(?:_MOE)?"
    r"|NVFP4|(?:BF|F|FP)(?:16|32|8))",
)
_OTHER = re.compile(r"(?:int[2348](?:[-_].*)?|[2-8]-?bits?|awq.*|gptq.*|w\d+a\d+.*)", re.IGNORECASE)


def odd_quantization(subject: Subject) -> Iterator[Finding]:
    """A quantization is not spelt as its format spells it.

    Spellings that differ in case are different choices to a program: filters split, and a pin to one does not find the
    other. The source's own spelling counts: where its file names are lower case, so is the quantization.

    Bad:

    ```yaml
    format: gguf
    quantizations: [q4_k_m]
    files: {q4_k_m: [{path: tiny-Q4_K_M.gguf}]}
    ```

    Good:

    ```yaml
    format: gguf
    quantizations: [Q4_K_M]
    files: {Q4_K_M: [{path: tiny-Q4_K_M.gguf}]}
    ```
    """
    for each in placed.variants(subject):
        path, pointer, variant, _ = each
        for index, name in enumerate(variant.quantizations):
            low = name.lower()
            twin = None
            for one in variant.quantizations[:index]:
                if one.lower() == low:
                    twin = one
                    break
            place = (*pointer, "quantizations", index)
            if twin is not None:
                yield Finding(path, place, f"{name!r} is {twin!r} again", "keep the one that the file names spell")
            elif variant.format == "gguf" and not _is_gguf(name):
                yield from _gguf_name(subject.documents[each.name], each, place, name)
            elif variant.format in {"awq", "gptq", "mlx", "fp8", "bnb"} and _GGUF.fullmatch(name) and "_" in name:
                message = f"{name!r} is a quantization of gguf, and the format is {variant.format}"
                yield Finding(path, place, message, "correct the format, or the quantization")


@lru_cache(4096)
def _is_gguf(name: str) -> bool:
    return _GGUF.fullmatch(name) is not None


def _gguf_name(document: Document, each: PlacedVariant, place: Pointer, name: str) -> Iterator[Finding]:
    prefix = next((known for known in ("UD-", "i1-") if name.lower().startswith(known.lower())), "")
    meant = prefix + name[len(prefix) :].upper().replace("-", "_")
    if not _GGUF.fullmatch(meant):
        if _OTHER.fullmatch(name):
            fix = "correct the format, or write the quantization as the file names spell it"
            yield Finding(each.path, place, f"{name!r} is no quantization of gguf", fix)
        return
    if _spelt(each.variant, name, meant):
        return
    edits = assign(document, place, meant) + _key_edits(document, (*each.pointer, "files", name), meant)
    yield Finding(each.path, place, f"{name!r} is usually written {meant!r}", f"write `{meant}`", edits)


def _spelt(variant: Variant, name: str, meant: str) -> bool:
    """Whether the source spells it so: its file names say it, or are made of it."""
    paths = [file.path for file in placed.weights(variant.files.get(name, ()))]
    if paths:
        return any(name in path for path in paths) or not any(meant in path for path in paths)
    return any(
        "{quantization}" in (hub.file or hub.parts_file or "") or "{quantization}" in hub.repo
        for hub in (variant.sources.hubs().values() if variant.sources else ())
    )


def _key_edits(document: Document, pointer: Pointer, meant: str) -> tuple[Edit, ...]:
    if not document.has(pointer):
        return ()
    text = f'"{meant}"' if document.is_json else meant
    return (Edit(*document.span(pointer, "key"), text),)


def gguf_without_file(subject: Subject) -> Iterator[Finding]:
    """A gguf source does not say which file to load.

    A repository of gguf files holds a dozen of them, one for each quantization. Without the name a runtime cannot pick
    one, and Xinference drops the model.

    Bad:

    ```yaml
    format: gguf
    sources:
      huggingface: {repo: unsloth/Kimi-K2-GGUF, file: ""}
    ```

    Good:

    ```yaml
    format: gguf
    sources:
      huggingface: {repo: unsloth/Kimi-K2-GGUF, file: "Kimi-K2-{quantization}.gguf"}
    ```
    """
    for path, pointer, kind, hub, variant in placed.hubs(subject):
        if variant.format != "gguf" or hub.file or (hub.file is None and (hub.parts_file or variant.files)):
            continue
        place = pointer if hub.file is None else (*pointer, "file")
        message = f"the {kind} source of a gguf variant names no file"
        fix = 'write the pattern of the file names: file: "NAME-{quantization}.gguf"'
        yield Finding(path, place, message, fix)


RULES: tuple[Rule, ...] = (
    rule("QNT001", Severity.ERROR, entry=unlisted_quantization),
    rule("QNT002", Severity.ERROR, entry=quantization_without_files),
    rule("QNT003", Severity.ERROR, entry=bad_placeholder),
    rule("QNT004", Severity.ERROR, entry=repeated_choice),
    rule("QNT005", Severity.ERROR, entry=odd_quantization, fixable=True),
    rule("QNT006", Severity.ERROR, entry=gguf_without_file),
)
