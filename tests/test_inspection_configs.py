"""What the files of a source say of its network, and silence where they say nothing that can be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from galleryctl.inspection import configs
from sources import MemoryHub

if TYPE_CHECKING:
    from galleryctl.checks.observed import Config

CONFIG = {
    "architectures": ["TinyForCausalLM"],
    "model_type": "tiny",
    "max_position_embeddings": 4096,
    "auto_map": {"AutoModel": "modeling_tiny.TinyModel", "AutoConfig": "other/repo--configuration_tiny.TinyConfig"},
}


def said(**files: bytes) -> Config | None:
    hub = MemoryHub()
    hub.add("acme/tiny", {name.replace("__", "."): data for name, data in files.items()})
    return configs.of_repository(hub, hub.snapshot("acme/tiny"))


def test_a_config_says_its_network_and_the_code_that_it_runs() -> None:
    found = said(config__json=json.dumps(CONFIG).encode(), tokenizer_config__json=b'{"chat_template": "{{ x }}"}')
    assert found is not None
    assert (found.file, found.classes, found.context_length) == ("config.json", ("TinyForCausalLM",), 4096)
    assert found.code == ("configuration_tiny.py", "modeling_tiny.py")
    assert found.template == "{{ x }}"


def test_a_template_of_its_own_counts_before_that_of_the_tokenizer() -> None:
    found = said(chat_template__jinja=b"own", tokenizer_config__json=b'{"chat_template": "other"}')
    assert found is not None
    assert (found.file, found.template) == ("chat_template.jinja", "own")
    assert said(chat_template__jinja=b"\xff", tokenizer_config__json=b'{"chat_template": "other"}') is None


@pytest.mark.parametrize("data", [b"[]", b"{", b"\xff", b"[" * 100_000], ids=["list", "half", "bytes", "deep"])
def test_what_is_no_config_says_nothing(data: bytes) -> None:
    assert said(config__json=data) is None


def test_what_is_no_header_says_nothing() -> None:
    hub = MemoryHub()
    hub.add("acme/tiny", {"tiny.gguf": b"GGUF?"})
    assert configs.of_gguf(hub, hub.snapshot("acme/tiny"), "tiny.gguf") is None
