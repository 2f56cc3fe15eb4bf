"""Folders of files as variants, for sources that know files and nothing else: stores, training runs, artifacts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from galleryctl.fetch import FetchError
from galleryctl.hubs import facts, loaded, shapes
from galleryctl.importers import weights
from galleryctl.importers.base import Remark

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from galleryctl.hubs import Hub, RemoteFile, Snapshot
    from galleryctl.hubs.facts import Facts

PLAIN = "none"
DEFAULT = "default"

_CONFIG = 2**20
_GGUF = ".gguf"
_SAFE = ".safetensors"
_FORMATS = {
    _SAFE: "pytorch",
    ".onnx": "onnx",
    ".tflite": "tflite",
    ".keras": "keras",
    ".h5": "keras",
    ".pb": "tensorflow",
    ".pdparams": "paddle",
    ".mlmodel": "coreml",
    ".engine": "tensorrt",
    ".bin": "pytorch",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".ckpt": "pytorch",
    ".pkl": None,
    ".pickle": None,
    ".joblib": None,
    ".skops": None,
}
"""Ends of names of weights, the best first, and the format each stands for; none where it stands for many."""
_NO_WEIGHTS = re.compile(
    r"(?:training_args|optimizer|scheduler|scaler|rng_state.*|vocab|tokenizer|random_states.*)\.\w+"
)


def end(path: str) -> str:
    """The end of a weight file's name, `.gguf`; empty for other files."""
    name = path.rpartition("/")[2].lower()
    if _NO_WEIGHTS.fullmatch(name):
        return ""
    return next((each for each in (_GGUF, *_FORMATS) if name.endswith(each)), "")


def entry(file: RemoteFile, role: str | None = None) -> dict[str, Any]:
    """A file as a definition has it."""
    return weights.entry(file) | ({"role": role} if role else {})


def variants(files: Iterable[RemoteFile], config: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Variants with all their files: those of GGUF files, and one for all other weights together.

    `config` is what the model's `config.json` says; its quantization method is the format.
    """
    known = list(files)
    others = [file for file in known if end(file.path) not in {"", _GGUF}]
    beside = [entry(file, loaded.role(file.path)) for file in known if not end(file.path)]
    found = [{key: value for key, value in each.items() if key != "source"} for each in weights.gguf(known)]
    if not others:
        for each in found:
            each["files"] = {name: [*listed, *beside] for name, listed in each["files"].items()}
        return found
    best = min((end(file.path) for file in others), key=[*_FORMATS].index)
    said = weights.kind(config or {}, ())
    form, name = (said.format, said.quantization) if best == _SAFE else (_FORMATS[best], PLAIN)
    listed = [entry(file) for file in others] + beside
    return [*found, {**({"format": form} if form else {}), "quantizations": [name], "files": {name: listed}}]


def digested(files: Iterable[RemoteFile], digest: Callable[[str], str]) -> list[RemoteFile]:
    """Files with their digests; `digest` reads one as a whole."""
    return [file if file.sha256 else file._replace(sha256=digest(file.path)) for file in files]


def config(hub: Hub, found: Snapshot, path: str) -> tuple[Mapping[str, Any], Remark | None]:
    """What a `config.json` says, or why it cannot be read."""
    try:
        data = json.loads(hub.read(found, path, limit=_CONFIG))
    except (FetchError, ValueError, RecursionError) as error:
        return {}, Remark("VAL002", f"{path} cannot be read: {error}", "context and architecture left out")
    return shapes.mapping(data), None


def header(hub: Hub, found: Snapshot, path: str) -> Facts | Remark:
    """What the header of a GGUF file says, read by ranges; why it cannot be read is a remark."""
    try:
        return facts.of_file(hub, found, path)
    except FetchError as error:
        return Remark("VAL002", f"the header of {path} cannot be read: {error}", "context and architecture left out")


def facts_of(
    hub: Hub, found: Snapshot, folder: str = "", paths: Collection[str] | None = None
) -> Facts | Remark | None:
    """What the files of a folder say of the model: its `config.json`, else the header of its first GGUF file."""
    inside = sorted(file.path for file in found.files if paths is None or file.path in paths)
    if f"{folder}config.json" in inside:
        said, wrong = config(hub, found, f"{folder}config.json")
        return wrong or facts.of_config(said)
    models = (path for path in inside if path.lower().endswith(_GGUF) and not weights.is_projector(path))
    first = next(models, None)
    return header(hub, found, first) if first else None


def described(found: Facts | Remark | None, type_: str, remarks: list[Remark]) -> dict[str, Any]:
    """Facts as fields of `spec`, as far as the type has them."""
    if isinstance(found, Remark):
        remarks.append(found)
    if found is None or isinstance(found, Remark):
        return {}
    fields: dict[str, Any] = {"architecture": found.architecture}
    if type_ in {"llm", "embedding", "rerank"}:
        fields["context_length"] = found.context_length
    if type_ == "embedding":
        fields["dimensions"] = found.dimensions
    return {key: value for key, value in fields.items() if value}


def type_of(found: Facts | Remark | None) -> str | None:
    """The type of a model by the names of its classes; none where they fit several."""
    classes = () if found is None or isinstance(found, Remark) else found.classes
    if any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in classes):
        return "llm"
    return "audio" if any(name.startswith("Whisper") for name in classes) else None
