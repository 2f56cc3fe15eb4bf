"""Names of Ollama's library as images, and back."""

from __future__ import annotations

import pytest

from galleryctl.errors import UsageError
from galleryctl.hubs.ollama import image, name_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("qwen3", "registry.ollama.ai/library/qwen3"),
        ("qwen3:8b", "registry.ollama.ai/library/qwen3:8b"),
        ("ada/Own:q8", "registry.ollama.ai/ada/Own:q8"),
    ],
)
def test_a_name_stands_for_an_image_and_comes_back(name: str, expected: str) -> None:
    assert str(image(name)) == expected
    assert name_of(f"{expected}@sha256:{'a' * 64}") == name


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "a b", "a:", "x@sha256:12"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no model of Ollama"):
        image(name)


def test_an_image_of_another_registry_has_no_name() -> None:
    assert name_of(f"ghcr.io/ada/own@sha256:{'a' * 64}") is None
