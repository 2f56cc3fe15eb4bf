"""Which files of a repository a runtime loads, and what each is for: for whatever lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galleryctl.hubs.base import RemoteFile

_SAFE, _PICKLED, _ONNX = (".safetensors",), (".bin", ".pt", ".pth", ".ckpt", ".nemo"), (".onnx", ".onnx_data")
_OTHER = (".h5", ".msgpack", ".ot", ".tflite", ".mlmodel", ".mlpackage", ".gguf", ".npz", ".xml", ".pb", ".keras")
_NEVER = (".md", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf", ".mp4", ".wav", ".ipynb", ".gitattributes")
_SMALL = (".json", ".txt", ".model", ".py", ".jinja", ".tiktoken", ".yaml", ".yml", ".vocab", ".spm", ".bpe")
_ASIDE = re.compile(r"(?:^|/)(?:training_args\.bin|optimizer\.pt|scheduler\.pt|rng_state.*|trainer_state\.json)$")
_FOLDERS = frozenset({"original", "openvino", "checkpoints", "logs", "runs", "coreml"})
_HALF = re.compile(r"\.(fp16|bf16|non_ema)(?=[.-])")


def loaded(files: Sequence[RemoteFile]) -> list[RemoteFile]:
    """What a loader reads: of weights in several forms the safest, of several precisions the plain one."""
    paths = {file.path for file in files}
    composed = "model_index.json" in paths  # a pipeline of parts, each in a folder; checkpoints beside it are copies
    usual = [path for path in paths if not _aside(path, composed=composed)]
    safe = {path.rpartition("/")[0] for path in usual if path.lower().endswith(_SAFE)}
    pickled = any(path.lower().endswith(_PICKLED) for path in usual)
    named = any(path.startswith("model") and path.endswith(_SAFE) for path in usual)

    def beside(path: str) -> bool:
        """Whether the same weights stand in a better form elsewhere."""
        low, folder = path.lower(), path.rpartition("/")[0]
        return (
            (low.endswith(_PICKLED) and folder in safe)
            or (low.endswith(_ONNX) and (bool(safe) or pickled))
            or (named and low.startswith("consolidated") and low.endswith(_SAFE))
            or (_HALF.search(path) is not None and _HALF.sub("", path) in paths)
        )

    wanted = (file for file in files if file.path in set(usual) and not beside(file.path))
    return [file for file in wanted if is_weights(file.path) or file.path.lower().endswith(_SMALL)]


def _aside(path: str, *, composed: bool) -> bool:
    """Whether a file is for people, for training or for another framework, or a copy beside a pipeline."""
    low, (folder, _, name) = path.lower(), path.rpartition("/")
    if low.endswith((*_NEVER, *_OTHER)) or _ASIDE.search(path) or name.startswith((".", "ggml-")):
        return True
    if composed:
        return not folder and low.endswith((*_SAFE, *_PICKLED))
    return folder.partition("/")[0] in _FOLDERS


def is_weights(path: str) -> bool:
    """Whether a file holds weights that are loaded together with those beside it."""
    return is_torch(path) or path.lower().endswith(_ONNX)


def holds_weights(path: str) -> bool:
    """The same, of GGUF files too, of which a repository holds many models."""
    return is_weights(path) or path.lower().endswith(".gguf")


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
