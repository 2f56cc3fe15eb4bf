"""Files of a repository as variants: which of them a runtime loads, in which format and quantization."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl.hubs import loaded, shapes
from galleryctl.importers.naming import slug
from galleryctl.spec.base import parameter_count, parameters_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from galleryctl.hubs import RemoteFile

_SHARD = re.compile(r"(.*?)[-.]?([0-9]{5}-of-[0-9]{5})(\.gguf|\.safetensors|\.bin)")
_QUANTIZATION = re.compile(
    r"(?<![A-Za-z0-9])((?:UD-)?(?:IQ|TQ|Q)[0-9](?:_[0-9A-Z]+)*|[BF]?FP?(?:16|32)|MXFP4(?:_MOE)?)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_PROJECTOR = re.compile(r"(?:^|[/._-])mmproj(?:[._-]|$)", re.IGNORECASE)
_BESIDE = re.compile(r"(?:^|[/._-])(?:imatrix|calibration)(?:[._-]|$)", re.IGNORECASE)
_ONNX = re.compile(r"_(fp16|int8|uint8|q4|q4f16|bnb4|quantized)\.onnx(?:_data)?$")
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(A?)([0-9]{1,4}(?:\.[0-9]{1,3})?)([BM])(?![A-Za-z0-9])", re.IGNORECASE)
_METHODS = {"awq": "awq", "gptq": "gptq", "fp8": "fp8", "fbgemm_fp8": "fp8", "bitsandbytes": "bnb", "mxfp4": "fp4"}


_DEFAULT = "Q4_K_M"  # llama.cpp takes it where a repository is named without a quantization


class Kind(NamedTuple):
    """Format and quantization of weights in one piece."""

    format: str
    quantization: str


def kind(config: Mapping[str, Any], tags: Collection[str]) -> Kind:
    """What a `config.json` says of the weights beside it."""
    said = shapes.mapping(config.get("quantization_config"))
    method = (shapes.text(said.get("quant_method")) or "").lower()
    bits = shapes.whole(said.get("bits"))
    plain = shapes.mapping(config.get("quantization"))
    if "mlx" in tags:
        each = shapes.whole(plain.get("bits")) or (bits if not method else None)
        return Kind("mlx", f"{each}bit" if each else "none")
    if method in {"awq", "gptq"}:
        return Kind(method, f"Int{bits}" if bits else "default")
    if method == "bitsandbytes":
        return Kind(
            "bnb", "4-bit" if said.get("load_in_4bit") is True or said.get("_load_in_4bit") is True else "8-bit"
        )
    if method == "compressed-tensors" and said.get("format") == "float-quantized":
        return Kind("fp8", "fp8")
    if method in _METHODS:
        return Kind(_METHODS[method], "fp8" if _METHODS[method] == "fp8" else method)
    return Kind("pytorch", method or "none")


class _Gguf(NamedTuple):
    file: RemoteFile
    stem: str
    """What is left of the name without quantization and shard."""
    quantization: str
    template: str
    """The path with placeholders."""
    part: str


def gguf(files: Iterable[RemoteFile]) -> list[dict[str, Any]]:
    """Variants of a repository of GGUF files: one for each stem, projectors with each."""
    found = [file for file in files if file.path.lower().endswith(".gguf") and not _BESIDE.search(file.path)]
    projectors = [file for file in found if is_projector(file.path)]
    models = [_gguf(file) for file in found if not is_projector(file.path)]
    stems = Counter(each.stem for each in models)
    several = len(stems) > 1
    ordered = sorted(stems, key=lambda stem: (-stems[stem], stem))
    taken: set[str] = set()
    variants = []
    for stem in ordered:
        variant = _stem([each for each in models if each.stem == stem], projectors)
        if several:
            variant = {"key": _key(stem, taken), **variant}
        variants.append(variant)
    return variants


def is_projector(path: str) -> bool:
    """Whether a GGUF file turns pictures into tokens, and is no model by itself."""
    return _PROJECTOR.search(path) is not None


def _key(stem: str, taken: set[str]) -> str:
    base = slug(stem.rpartition("/")[2]) or "gguf"
    key = next(
        name for number in range(1, 10**6) if (name := f"{base[:90]}-{number}" if number > 1 else base) not in taken
    )
    taken.add(key)
    return key


def _gguf(file: RemoteFile) -> _Gguf:
    shard = _SHARD.fullmatch(file.path)
    part = shard[2] if shard else ""
    folder, _, name = file.path.rpartition("/")
    bare = name.removesuffix(".gguf") if not shard else shard[1].rpartition("/")[2]
    tokens = list(_QUANTIZATION.finditer(bare)) or list(_QUANTIZATION.finditer(folder))
    quantization = tokens[-1][1] if tokens else "default"
    stem = (bare[: tokens[-1].start()] + bare[tokens[-1].end() :] if _QUANTIZATION.search(bare) else bare).strip("-._")
    template = file.path.replace(part, "{part}") if part else file.path
    if tokens and "{" not in file.path:
        template = template.replace(quantization, "{quantization}")
    return _Gguf(file, stem.lower(), quantization, template if "{" not in file.path else "", part)


def _stem(models: Sequence[_Gguf], projectors: Sequence[RemoteFile]) -> dict[str, Any]:
    models = sorted(models, key=lambda each: each.quantization.upper() != _DEFAULT)
    quantizations = list(dict.fromkeys(each.quantization for each in models))
    whole = Counter(each.template for each in models if each.template and not each.part)
    split = Counter(each.template for each in models if each.template and each.part)
    source: dict[str, Any] = {}
    if whole and len(whole) == 1:
        source["file"] = next(iter(whole))
    elif whole:  # a runtime fills in one template; files of another form are still listed below
        source["file"] = whole.most_common(1)[0][0]
    if split:
        template = split.most_common(1)[0][0]
        parts: dict[str, list[str]] = {}
        for each in models:
            if each.template == template:
                parts.setdefault(each.quantization, []).append(each.part)
        source |= {"parts_file": template, "parts": {key: sorted(names) for key, names in parts.items()}}
        source.setdefault("file", template.rpartition("/")[2].replace("-{part}", ""))
    if projectors:
        source["projectors"] = [file.path for file in projectors]
    files: dict[str, list[dict[str, Any]]] = {}
    for each in models:
        files.setdefault(each.quantization, []).append(entry(each.file))
    for listed in files.values():
        listed.sort(key=lambda file: file["path"])
        listed += [{**entry(file), "role": "projector"} for file in projectors]
    found = {"format": "gguf", "quantizations": quantizations, "source": source, "files": files}
    return {key: value for key, value in found.items() if value}


def whole(files: Iterable[RemoteFile], said: Kind) -> dict[str, Any] | None:
    """The variant of a repository whose weights are loaded together; none where there are no weights."""
    kept = loaded.loaded(list(files))
    weights = [file for file in kept if loaded.is_weights(file.path)]
    if not weights:
        return None
    small = [{**entry(file), "role": loaded.role(file.path)} for file in kept if file not in weights]
    small.sort(key=lambda file: file["path"])
    groups: dict[str, list[dict[str, Any]]] = {}
    form = said.format if any(loaded.is_torch(file.path) for file in weights) else "onnx"
    for file in sorted(weights):
        found = _ONNX.search(file.path) if form == "onnx" else None
        groups.setdefault(found[1] if found else said.quantization, []).append(entry(file))
    names = sorted(groups, key=lambda name: name != said.quantization)
    return {"format": form, "quantizations": names, "files": {name: [*groups[name], *small] for name in names}}


def entry(file: RemoteFile) -> dict[str, Any]:
    said = {"path": file.path, "size": file.size, "sha256": file.sha256}
    return {key: value for key, value in said.items() if value is not None}


class Sizes(NamedTuple):
    """Parameters as people say them: all, and those used for a token."""

    parameters: str | None = None
    active: str | None = None


def named(repo: str, count: int | None) -> Sizes:
    """The size that a repository's name states, where the count does not contradict it; else the count."""
    tokens = _SIZE.findall(repo.partition("/")[2])
    said = {f"{float(figure):g}{letter.upper()}": bool(mark) for mark, figure, letter in tokens}
    active = next((text for text, marked in said.items() if marked), None)
    plain = [text for text, marked in said.items() if not marked]
    near = [text for text in plain if count is None or abs(parameter_count(text) - count) <= count / 4]
    whole = near[0] if len(near) == 1 else None if count is None else parameters_text(count)
    return Sizes(whole, active if whole else None)
