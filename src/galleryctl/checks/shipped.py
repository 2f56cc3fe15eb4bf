"""FIL: files that runtimes look for, and where they put them."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from galleryctl.checks import near, placed
from galleryctl.checks.identity import data_file
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.checks.placed import PlacedVariant
    from galleryctl.gallery import Entry


def shared_install(world: World) -> Iterator[Finding]:
    """Two models put different bytes at one installed path.

    A runtime keeps its files in one folder. The second model that is installed replaces or deletes the file of the
    first, which then fails or, worse, loads the other's projector.

    Bad:

    ```yaml
    # in acme/tiny and in acme/huge, with different digests
    - {path: mmproj-F16.gguf, as: mmproj-F16.gguf}
    ```

    Good:

    ```yaml
    - {path: mmproj-F16.gguf, as: acme/tiny/mmproj-F16.gguf}
    ```
    """
    owners: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in world.gallery:
        for path, digest in entry.outline.installs:
            if digest:
                owners[path.casefold()].setdefault(digest, entry)
    for path, found in sorted(owners.items()):
        ids = list(dict.fromkeys(entry.id for entry in found.values()))
        if len(ids) > 1:
            for digest, entry in list(found.items())[1:]:
                if entry.id != ids[0]:
                    yield _shared(world, entry, path, digest, ids[0])


def _shared(world: World, entry: Entry, path: str, digest: str, other: str) -> Finding:
    """The file in the entry's own release; its document is read back only now, when something is wrong."""
    for version, release in entry.document().releases.items():
        for index, variant in enumerate(release.variants):
            for quantization, group in variant.files.items():
                for number, each in enumerate(group):
                    if each.install_as and each.install_as.casefold() == path and each.sha256 == digest:
                        file = data_file(world, f"models/{entry.outline.type}/{entry.id}/{version}")
                        message = f"{each.install_as} is where {other} installs another file"
                        fix = f"write {entry.id}/{each.path.rpartition('/')[2]}"
                        return Finding(file, ("variants", index, "files", quantization, number, "as"), message, fix)
    raise AssertionError(f"unreachable: {entry.id} does not install {path}")


_NAMES_FILES = ("mmproj", "draft_model")
_FILE = re.compile(r"[^\s:]+\.(?:gguf|safetensors|bin|onnx|pt|pth|ckpt|json|jinja|ggml)", re.IGNORECASE)


def _shipped(variants: Iterable[PlacedVariant]) -> set[str]:
    """Every path and installed path, whole and by its last part."""
    found = set()
    for _, _, variant, _ in variants:
        for group in variant.files.values():
            for file in group:
                for name in (file.path, file.install_as or file.path):
                    found |= {name, name.rpartition("/")[2]}
    return found


def unshipped_file(subject: Subject) -> Iterator[Finding]:
    """The spec or an overlay names a file that no variant ships.

    The runtime looks for a projector, a draft model or a template that nothing put there: the model does not start, or
    it starts without seeing pictures.

    Bad:

    ```yaml
    runtimes:
      localai: {overrides: {mmproj: mmproj-tiny-f16.gguf}}   # in no list of files
    ```

    Good:

    ```yaml
    files:
      Q4_K_M:
        - {path: tiny-Q4_K_M.gguf, size: 396705472}
        - {path: mmproj-tiny-f16.gguf, size: 81920, role: projector}
    ```
    """
    by_file: dict[str, list[PlacedVariant]] = defaultdict(list)
    for each in placed.variants(subject):
        by_file[each.path].append(each)
    for release in placed.releases(subject):
        template = placed.block(release.release.spec, "prompt").get("template")
        if isinstance(template, dict) and isinstance(name := template.get("file"), str) and name not in subject.files:
            close = near.guess(name, [file for file in subject.files if file.endswith(".jinja")])
            fix = f"write `{close}`" if close else f"add the file {name} beside the release"
            message = f"the template {name} is not in the model's folder"
            yield Finding(release.path, ("spec", "prompt", "template", "file"), message, fix)
        own = by_file[release.path]
        named = [*_named(release.release.runtimes.get("localai", {}), own)]
        shipped = _shipped(own) if named else set()
        for pointer, name in named:
            if name.rpartition("/")[2] not in shipped:
                close = near.guess(name, shipped)
                fix = f"write `{close}`" if close else f"add {name} to the variant's `files`, or remove it"
                yield Finding(release.path, pointer, f"{name} is in no variant's `files`", fix)


def _named(overlay: dict[str, Any], variants: list[PlacedVariant]) -> Iterator[tuple[Pointer, str]]:
    """Files named by LocalAI's overlay, by sources, and by entrypoints that look like a file."""
    blocks: list[tuple[Pointer, Any]] = [(("runtimes", "localai", "overrides"), overlay.get("overrides"))]
    for key, special in placed.block(overlay, "per_variant").items():
        if isinstance(special, dict):
            blocks.append((("runtimes", "localai", "per_variant", key, "overrides"), special.get("overrides")))
    for pointer, block in blocks:
        for name in _NAMES_FILES if isinstance(block, dict) else ():
            if isinstance(value := block.get(name), str) and _FILE.fullmatch(value):
                yield (*pointer, name), value
    for each in variants:
        yield from _named_by(each)


def _named_by(each: PlacedVariant) -> Iterator[tuple[Pointer, str]]:
    _, pointer, variant, _ = each
    if variant.entrypoint and variant.files and _FILE.fullmatch(variant.entrypoint):
        yield (*pointer, "entrypoint"), variant.entrypoint
    if variant.sources and any(file.role == "projector" for group in variant.files.values() for file in group):
        for kind, hub in variant.sources.hubs().items():
            for index, name in enumerate(hub.projectors or ()):
                yield (*pointer, "sources", kind, "projectors", index), name


def missing_layout_file(subject: Subject) -> Iterator[Finding]:
    """A file that a runtime requires is not among the files.

    Some runtimes start a model by files of fixed names, beside its weights. Without them the deployment fails after
    everything has been copied.

    Bad:

    ```yaml
    runtimes: {tencent-ti: {}}
    variants:
      - files: {default: [{path: model.pt}]}
    ```

    Good:

    ```yaml
    runtimes: {tencent-ti: {}}
    variants:
      - files: {default: [{path: model.pt}, {path: model_service.py}, {path: config.json}]}
    ```
    """
    for each in placed.releases(subject):
        for runtime in each.release.runtimes:
            required = subject.context.runtimes.get(runtime, {}).get("x-required-files")
            if not isinstance(required, list):
                continue
            for index, variant in enumerate(each.release.variants):
                names = {file.install_as or file.path for group in variant.files.values() for file in group}
                if missing := [name for name in required if name not in names]:
                    pointer: Pointer = ("variants", index, "files") if variant.files else ("variants", index)
                    message = f"{runtime} needs {' and '.join(missing)} in variant {variant.name}"
                    yield Finding(each.path, pointer, message, f"add {' and '.join(missing)} to `files`")


RULES: tuple[Rule, ...] = (
    rule("FIL006", Severity.ERROR, gallery=shared_install),
    rule("FIL007", Severity.ERROR, entry=unshipped_file),
    rule("FIL011", Severity.ERROR, entry=missing_layout_file),
)
