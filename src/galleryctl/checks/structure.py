"""SCH: fields, kinds and places. `fitting` and `blocks` find most of it while a file is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl.checks import placed
from galleryctl.checks.fitting import Misfit
from galleryctl.checks.rule import Finding, Pointer, Rule, rule
from galleryctl.problems import Edit, Severity
from galleryctl.runtimes.licences import back
from galleryctl.spec import Model, Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.rule import Subject
    from galleryctl.document import Document
    from galleryctl.spec import Frozen, Release


class _Migration(NamedTuple):
    """A field of an older form: its present name, and its present value for each old one (none: the value stays)."""

    name: str
    values: Mapping[Any, Any] | None = None


_MIGRATIONS: dict[type[Frozen], dict[str, _Migration]] = {
    Model: {
        "licence": _Migration("license"),
        "licence_url": _Migration("license_url"),
        "deprecated": _Migration("status", {True: "deprecated", False: "active"}),
        "hidden": _Migration("listed", {True: False, False: True}),
        "private": _Migration("visibility", {True: "private", False: "public"}),
    },
    Publisher: {"owners": _Migration("maintainers")},
}


def migrated(document: Document, form: type[Frozen]) -> tuple[Document, list[Misfit]]:
    """The document as its present form would be, and what is to be rewritten (SCH008)."""
    found: list[Misfit] = []
    for old, migration in _MIGRATIONS.get(form, {}).items():
        value = document.data.get(old)
        if old not in document.data or migration.name in document.data:
            continue
        if migration.values is not None and not isinstance(value, bool):
            continue
        new = migration.values[value] if migration.values is not None else value
        edits = _renaming(document, old, migration, new)
        message = f"`{old}` is `{migration.name}` now"
        written = f"`{migration.name}`" if migration.values is None else f"`{migration.name}: {_written(new)}`"
        found.append(
            Misfit("SCH008", Finding(document.path, (migration.name,), message, f"write {written}", edits, at="key"))
        )
        document = document.renamed(old, migration.name, new)
    return document, found


def _written(value: Any) -> str:  # noqa: ANN401 - a value of the table
    return str(value).lower() if isinstance(value, bool) else str(value)


def _renaming(document: Document, old: str, migration: _Migration, new: Any) -> tuple[Edit, ...]:  # noqa: ANN401
    quote = '"' if document.is_json else ""
    edits = [Edit(*document.span((old,), "key"), f"{quote}{migration.name}{quote}")]
    if migration.values is not None:
        text = _written(new)
        edits.append(Edit(*document.span((old,)), text if isinstance(new, bool) else f"{quote}{text}{quote}"))
    return tuple(edits)


# -- overlays

_GENERATE = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p",
    "repeat_penalty": "repeat_penalty", "presence_penalty": "presence_penalty", "max_tokens": "max_tokens",
}  # fmt: skip
_KSERVE = ("model_id", "model-id", "model_dir", "model-dir", "model_revision", "model-revision")
_NEUTRAL: dict[str, dict[tuple[str, ...], str]] = {
    # Keys of an overlay → the neutral field that says the same, as `_stated` knows it.
    "localai": {
        ("overrides", "context_size"): "spec.context_length",
        ("overrides", "backend"): "variants[].engines",
        ("overrides", "known_usecases"): "spec.abilities",
        ("overrides", "stopwords"): "spec.prompt.stop",
        ("overrides", "mmproj"): "files with role projector",
        ("overrides", "draft_model"): "files with role draft",
        ("overrides", "parameters", "model"): "variants[].entrypoint",
        **{("overrides", "parameters", key): f"spec.defaults.generate.{name}" for key, name in _GENERATE.items()},
    },
    "xinference": {
        ("register_family",): "spec.family",
        ("extra", "context_length"): "spec.context_length",
        ("extra", "max_tokens"): "spec.context_length",
        ("extra", "model_lang"): "spec.languages",
        ("extra", "model_ability"): "spec.abilities",
        ("extra", "model_family"): "spec.family",
        ("extra", "dimensions"): "spec.dimensions",
        ("extra", "chat_template"): "spec.prompt.template",
        ("extra", "stop"): "spec.prompt.stop",
        ("extra", "stop_token_ids"): "spec.prompt.stop_token_ids",
        ("extra", "tool_parser"): "spec.prompt.tool_parser",
    },
    "vllm": {("arguments", name): "variants[].sources" for name in ("model", "revision")},
    "kserve": {("arguments", name): "variants[].sources" for name in _KSERVE},
    "llama.cpp": {
        ("arguments", "model"): "variants[].files",
        ("arguments", "hf-repo"): "variants[].sources",
        ("arguments", "hf-file"): "variants[].sources",
        ("arguments", "model-url"): "variants[].sources",
        ("arguments", "mmproj"): "files with role projector",
    },
    "ollama": {
        ("parameters", "stop"): "spec.prompt.stop",
        ("parameters", "num_predict"): "spec.defaults.generate.max_tokens",
        **{("parameters", key): f"spec.defaults.generate.{name}" for key, name in _GENERATE.items()},
    },
}
_SERVERS = frozenset({"vllm", "kserve", "llama.cpp"})
_WHOLE = 2  # parts of the place of an overlay
_SAME_ONLY = {("register_family",)}
"""Keys that may differ from the neutral field on purpose; only the same value again is a repetition."""


def overlays(subject: Subject) -> Iterator[Finding]:
    """An overlay that repeats or contradicts a neutral field.

    `runtimes` holds only what one runtime understands and no other. What the neutral fields say already would stand in
    two places, and after the next edit they disagree.

    Bad: the context length twice.

    ```yaml
    spec: {context_length: 40960}
    runtimes:
      localai: {overrides: {context_size: 8192}}
    ```

    Good: once.

    ```yaml
    spec: {context_length: 40960}
    ```
    """
    last = subject.place.name
    for version, release in subject.definition.releases.items():
        if not release.runtimes:
            continue
        path = subject.release_file(version)
        stated = _stated(release)
        for runtime, overlay in release.runtimes.items():
            base: Pointer = ("runtimes", runtime)
            if overlay.get("name") == last:
                message = f"`name` of {runtime} repeats the last part of the id"
                yield Finding(path, (*base, "name"), message, "delete it", at="key")
            licence = subject.definition.model.license
            if licence and overlay.get("license") == back(licence):  # any other spelling is kept on purpose
                yield Finding(path, (*base, "license"), "`license` repeats that of the model", "delete it", at="key")
        for pointer, block in placed.overlays(release):
            if pointer[1] in _SERVERS or len(pointer) == _WHOLE:  # the others have settings of single variants
                yield from _repeated(path, pointer, block, stated)


def _repeated(path: str, pointer: Pointer, block: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[Finding]:
    """What one overlay, or its part for one variant, says of what has a neutral field."""
    for keys, neutral in _NEUTRAL.get(str(pointer[1]), {}).items():
        value = _at(block, keys)
        if value is None or neutral not in stated or (keys in _SAME_ONLY and value != stated[neutral]):
            continue
        word = "repeats" if value == stated[neutral] else "says again what stands in"
        message = f"`{'.'.join(keys)}` of {pointer[1]} {word} `{neutral}`"
        yield Finding(path, (*pointer, *keys), message, "drop it here", at="key")


def _at(value: Any, keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _stated(release: Release) -> dict[str, Any]:
    """What the neutral fields of a release say, by the names of `_NEUTRAL`."""
    spec: Any = release.spec
    found: dict[str, Any] = {f"spec.{key}": value for key, value in spec.items()}
    for key in ("prompt", "defaults"):
        found |= {f"spec.{key}.{name}": value for name, value in (spec.get(key) or {}).items()}
    found |= {
        f"spec.defaults.generate.{name}": value for name, value in (_at(spec, ("defaults", "generate")) or {}).items()
    }
    files = [file for variant in release.variants for group in variant.files.values() for file in group]
    for role in ("projector", "draft"):
        found |= {f"files with role {role}": file.path for file in files if file.role == role}
    if files:
        found["variants[].files"] = files[0].path
    for variant in release.variants:
        if variant.engines:
            found.setdefault("variants[].engines", variant.engines[0])
        if variant.entrypoint is not None:
            found.setdefault("variants[].entrypoint", variant.entrypoint)
        if variant.sources and (hubs := variant.sources.hubs()):
            found.setdefault("variants[].sources", next(iter(hubs.values())).repo)
    return found


def _rule(
    code: str, page: str, severity: Severity = Severity.ERROR, *, fixed: bool = False, fixable: bool = False
) -> Rule:
    return rule(code, severity, page=page, fixed=fixed, fixable=fixable)


RULES: tuple[Rule, ...] = (
    _rule(
        "SCH001",
        """
        An unknown field.

        A misspelt field is read by nobody, so its value is silently missing. Files of authors are closed: whatever no
        type knows is told, with the nearest known name.

        Bad:

        ```yaml
        sumary: A small chat model.
        ```

        Good:

        ```yaml
        summary: A small chat model.
        ```
        """,
        fixable=True,
    ),
    _rule(
        "SCH002",
        """
        A required field is missing.

        Readers rely on it: a model without a title cannot be listed, a source without a repository cannot be fetched.

        Bad:

        ```yaml
        sources:
          huggingface: {revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
        ```

        Good:

        ```yaml
        sources:
          huggingface: {repo: acme/tiny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
        ```
        """,
    ),
    _rule(
        "SCH003",
        """
        A value of the wrong kind, or outside what the field allows.

        Consumers read the index with fixed types. One text where a number belongs makes some of them drop the model,
        and a few of them every model after it.

        Bad:

        ```yaml
        requirements: {vram: 8 GB}
        ```

        Good:

        ```yaml
        requirements: {vram: 8GiB}
        ```
        """,
    ),
    _rule(
        "SCH004",
        """
        A known field at the wrong level.

        It looks right and is read by nobody: what it says holds for a variant, a release or the model, and it stands
        with another of them.

        Bad: quantizations belong to a variant.

        ```yaml
        quantizations: [Q4_K_M]
        variants:
          - format: gguf
        ```

        Good:

        ```yaml
        variants:
          - format: gguf
            quantizations: [Q4_K_M]
        ```
        """,
    ),
    _rule(
        "SCH005",
        """
        `spec` does not fit the schema of the model's type.

        The schema in `schemas/types` says what a model of this type has. Runtimes choose, and users filter, by these
        values.

        Bad: an embedding model without its dimensions.

        ```yaml
        spec: {languages: [en]}
        ```

        Good:

        ```yaml
        spec: {languages: [en], dimensions: 768}
        ```
        """,
    ),
    _rule(
        "SCH006",
        """
        An overlay does not fit the schema of its runtime, or nobody reads it.

        What stands under `runtimes` is copied into that runtime's own catalogue. A wrong key is ignored there in
        silence, and a misspelt runtime has no readers at all.

        Bad:

        ```yaml
        runtimes:
          xinferense: {virtualenv: {packages: [transformers]}}
        ```

        Good:

        ```yaml
        runtimes:
          xinference: {virtualenv: {packages: [transformers]}}
        ```
        """,
    ),
    _rule(
        "SCH007",
        """
        A field that repeats what the path says.

        The id is the path, the type is the folder, the version is the file name. Written down twice they would disagree
        one day, and which one counts would depend on the reader.

        Bad: in `1.0.0.yaml`

        ```yaml
        version: 1.0.0
        notes: First release.
        ```

        Good:

        ```yaml
        notes: First release.
        ```
        """,
        fixed=True,
        fixable=True,
    ),
    _rule(
        "SCH008",
        """
        A field of an older form.

        It is still understood. `check --fix` rewrites it, so that the old name can go one day.

        Bad:

        ```yaml
        licence: Apache-2.0
        deprecated: true
        ```

        Good:

        ```yaml
        license: Apache-2.0
        status: deprecated
        ```
        """,
        Severity.WARN,
        fixable=True,
    ),
    rule("SCH009", Severity.ERROR, entry=overlays),
)
