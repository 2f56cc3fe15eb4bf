"""SEC: code that runs when a model is loaded, and secrets that are public for ever."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from galleryctl.checks import placed
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.placed import PlacedRelease
    from galleryctl.spec import Variant

_PICKLE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_SAFE = (".safetensors", ".gguf", ".onnx", ".tflite", ".npz", ".xml", ".mlmodel")
_NEVER_PICKLE = {"gguf", "ggml", "onnx", "openvino", "mlx", "safetensors"}


def _kind(variant: Variant) -> str:
    """`pickle`, `safe`, or nothing where the files do not tell."""
    paths = [file.path.lower() for group in variant.files.values() for file in placed.weights(group)]
    if variant.format in _NEVER_PICKLE or any(path.endswith(_SAFE) for path in paths):
        return "safe"
    found = [path for path in paths if path.endswith(_PICKLE) and not path.rpartition("/")[2].startswith("ggml")]
    return "pickle" if found else ""


def pickles_only(subject: Subject) -> Iterator[Finding]:
    """The weights are pickles only.

    Loading a pickle runs whatever its author put into it. Safetensors holds numbers and nothing else, and every
    converter makes it.

    Bad:

    ```yaml
    files: {none: [{path: pytorch_model.bin}]}
    ```

    Good:

    ```yaml
    files: {none: [{path: model.safetensors}]}
    ```
    """
    for each in placed.releases(subject):
        kinds = [_kind(variant) for variant in each.release.variants]
        if "pickle" in kinds and "safe" not in kinds:
            index = kinds.index("pickle")
            message = "only files whose loading runs code (pickle)"
            yield Finding(each.path, ("variants", index, "files"), message, "add a variant of safetensors files")


_CODE = re.compile(
    r"(?:.*/)?(?:modeling|configuration|tokenization|processing|image_processing|feature_extraction)_\w+\.py"
)


def _needs_code(each: PlacedRelease) -> tuple[Pointer, str] | None:
    """Where a release shows that code of its source must run, and by what."""
    load = placed.block(placed.block(each.release.spec, "defaults"), "load")
    if load.get("trust_remote_code") is True:
        return ("spec", "defaults", "load", "trust_remote_code"), "trust_remote_code"
    for pointer, block in placed.overlays(each.release):
        for name, value in placed.block(block, "arguments").items():
            if name.replace("_", "-") == "trust-remote-code" and value not in {None, False}:
                return (*pointer, "arguments", name), name
    for index, variant in enumerate(each.release.variants):
        for quantization, group in variant.files.items():
            for number, file in enumerate(group):
                if file.path.endswith(".py") and _CODE.fullmatch(file.path):
                    return ("variants", index, "files", quantization, number, "path"), file.path
    return None


def undeclared_code(subject: Subject) -> Iterator[Finding]:
    """Code of the source must run, and nobody is said to have reviewed it.

    A model with code of its own is a program from a stranger. Runtimes ask before they run it, or refuse; who reviewed
    which commit is what they can go by.

    Bad:

    ```yaml
    spec: {defaults: {load: {trust_remote_code: true}}}
    ```

    Good:

    ```yaml
    spec: {defaults: {load: {trust_remote_code: true}}}
    remote_code: {revision: 9c925d64d72725edaf899c6cb9c377fd0709d9c5, reviewed_by: ada}
    ```
    """
    for each in placed.releases(subject):
        declared = each.release.remote_code
        if declared is None:
            if needs := _needs_code(each):
                message = f"{needs[1]} means that code of the source runs, and no review is declared"
                fix = "add `remote_code: {revision: <commit>, reviewed_by: <person>}`"
                yield Finding(each.path, needs[0], message, fix)
        elif not re.fullmatch(r"[0-9a-f]{40}", declared.revision):
            message = f"the reviewed revision {declared.revision!r} is no commit"
            pointer = ("remote_code", "revision")
            yield Finding(each.path, pointer, message, "write the commit that was reviewed, 40 hex digits")


_SECRETS: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "hf_": ("a token of Hugging Face", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    "gh": ("a token of GitHub", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b")),
    "github_pat_": ("a token of GitHub", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{50,}\b")),
    "glpat-": ("a token of GitLab", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    "AKIA": ("a key of AWS", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    "ASIA": ("a key of AWS", re.compile(r"\bASIA[0-9A-Z]{16}\b")),
    "AIza": ("a key of Google", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    "LTAI": ("a key of Alibaba Cloud", re.compile(r"\bLTAI[0-9A-Za-z]{12,24}\b")),
    "AKID": ("a key of Tencent Cloud", re.compile(r"\bAKID[0-9A-Za-z]{32}\b")),
    "sk-": ("a key of an API", re.compile(r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}")),
    "xox": ("a token of Slack", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    "npm_": ("a token of npm", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    "pypi-": ("a token of PyPI", re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}")),
    "PRIVATE KEY": ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----")),
}
"""By a piece of text that every one of them has: looking for it is cheap, and mostly it is not there."""
_QUICK = tuple(mark for mark in _SECRETS if mark not in {"gh", "AKIA", "ASIA", "AIza", "AKID"})
_SLOWER = re.compile(r"A(?:KI[AD]|SIA|Iza)"), re.compile(r"gh[pousr]_")
_VARIED = 8


def _real(secret: str) -> bool:
    """Whether it is more than a placeholder such as `hf_xxxxxxxx`."""
    rest = re.sub(r"^[A-Za-z]+[_-]", "", secret)
    return len(set(rest)) >= _VARIED and not re.search(r"x{4}|your|example", rest, re.IGNORECASE)


def _marked(text: str) -> bool:
    for mark in _QUICK:
        if mark in text:
            return True
    return any(pattern.search(text) for pattern in _SLOWER)


def secret(subject: Subject) -> Iterator[Finding]:
    """A file holds a secret.

    A repository keeps every version, and robots read new commits within seconds: removing the text is not enough.

    Bad:

    ```yaml
    notes: "Fetched with hf_QmZp…"   # a whole token
    ```

    Good:

    ```yaml
    notes: Fetched with a token of our own.
    ```
    """
    for name, text in _all_texts(subject):
        if not _marked(text):
            continue
        for mark, (what, pattern) in _SECRETS.items():
            if mark not in text:
                continue
            for match in pattern.finditer(text):
                if mark == "PRIVATE KEY" or _real(match[0]):
                    start = match.start()
                    line = text.count("\n", 0, start) + 1
                    column = start - (text.rfind("\n", 0, start) + 1) + 1
                    message = f"{match[0][:6]}… looks like {what}"
                    fix = "revoke it where it was issued, then remove it from the file and from the commits"
                    yield Finding(f"{subject.root}/{name}", (), message, fix, position=(line, column))


def _all_texts(subject: Subject) -> Iterator[tuple[str, str]]:
    yield from ((name, document.text) for name, document in subject.documents.items())
    yield from subject.texts.items()


RULES: tuple[Rule, ...] = (
    rule("SEC001", Severity.WARN, entry=pickles_only),
    rule("SEC002", Severity.ERROR, entry=undeclared_code),
    rule("SEC005", Severity.ERROR, entry=secret, fixed=True),
)
