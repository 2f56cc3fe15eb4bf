"""Which files of a repository a runtime loads, and what each is for: for whatever lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galleryctl.hubs.base import RemoteFile

_SAFE, _PICKLED, _ONNX = (".safetensors",), (".bin", ".pt", ".pth", ".ckpt"), (".onnx", ".onnx_data")
_OTHER = (".h5", ".msgpack", ".ot", ".tflite", ".mlmodel", ".mlpackage", ".gguf", ".npz", ".xml", ".pb", ".keras")
_NEVER = (".md", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf", ".mp4", ".wav", ".ipynb", ".gitattributes")
_SMALL = (".json", ".txt", ".model", ".py", ".jinja", ".tiktoken", ".yaml", ".yml", ".vocab", ".spm", ".bpe")
_ASIDE = re.compile(r"(?:^|/)(?:training_args\.bin|optimizer\.pt|scheduler\.pt|rng_state.*|trainer_state\.json)$")
_HALF = re.compile(r"\.(fp16|bf16|non_ema)(?=[.-])")


def loaded(files: Sequence[RemoteFile]) -> list[RemoteFile]:
    """What a loader reads: of weights in several forms the safest, of several precisions the plain one."""
    paths = {file.path for file in files}
    composed = "model_index.json" in paths  # a pipeline of parts, each in a folder; checkpoints beside it are copies
    safe = {
        path.rpartition("/")[0] for path in paths if path.lower().endswith(_SAFE) and not (composed and "/" not in path)
    }
    pickled = any(path.lower().endswith(_PICKLED) and not _ASIDE.search(path) for path in paths)
    kept = []
    for file in files:
        low = file.path.lower()
        folder = file.path.rpartition("/")[0]
        top = folder.partition("/")[0]
        if low.endswith((*_NEVER, *_OTHER)) or _ASIDE.search(file.path) or low.rpartition("/")[2].startswith("."):
            continue
        if folder and not composed and top in {"original", "onnx", "openvino", "checkpoints", "logs", "runs", "coreml"}:
            continue
        if low.endswith(_PICKLED) and (folder in safe or (composed and not folder)):
            continue
        if low.endswith(_ONNX) and (safe or pickled):
            continue
        if composed and not folder and low.endswith(_SAFE):
            continue
        if _HALF.search(file.path) and _HALF.sub("", file.path) in paths:
            continue
        if is_weights(low) or low.endswith(_SMALL):
            kept.append(file)
    return kept


def is_weights(path: str) -> bool:
    return is_torch(path) or path.lower().endswith(_ONNX)


def is_torch(path: str) -> bool:
    """Whether a file holds weights in the form of PyTorch and its kin."""
    return path.lower().endswith((*_SAFE, *_PICKLED))


def role(path: str) -> str:
    """What a file beside the weights is for."""
    name = path.rpartition("/")[2].lower()
    if name.startswith(("tokenizer", "vocab", "merges", "special_tokens", "added_tokens", "spiece", "sentencepiece")):
        return "tokenizer"
    if name.endswith(".jinja") or name == "chat_template.json":
        return "template"
    return "code" if name.endswith(".py") else "config"
