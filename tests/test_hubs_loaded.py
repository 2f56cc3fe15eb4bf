"""Which files of a repository a runtime loads, and what each is for."""

from __future__ import annotations

import pytest

from galleryctl.hubs import RemoteFile, loaded


@pytest.mark.parametrize(
    ("paths", "kept"),
    [
        ("model.safetensors pytorch_model.bin config.json", "model.safetensors config.json"),
        ("pytorch_model.bin training_args.bin README.md", "pytorch_model.bin"),
        ("a.safetensors onnx/model.onnx original/a.pth .gitattributes", "a.safetensors"),
        ("model.fp16.safetensors model.safetensors", "model.safetensors"),
        ("model_index.json unet/a.safetensors v1.safetensors", "model_index.json unet/a.safetensors"),
    ],
)
def test_what_is_loaded(paths: str, kept: str) -> None:
    files = [RemoteFile(path) for path in paths.split()]
    assert [file.path for file in loaded.loaded(files)] == kept.split()


def test_roles() -> None:
    paths = ("tokenizer.json", "chat_template.jinja", "modeling_tiny.py", "config.json")
    assert [loaded.role(path) for path in paths] == ["tokenizer", "template", "code", "config"]
    assert [loaded.is_weights(path) for path in ("a.bin", "a.onnx", "a.json")] == [True, True, False]
