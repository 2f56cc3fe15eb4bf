"""What pages tell of native exports: which file, the line that uses it, and why a runtime gets nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl import exports, site
from galleryctl.spec import Settings
from made import DIGEST, RELEASE, entry, view
from test_site import LOOK

if TYPE_CHECKING:
    from galleryctl.gallery import Entry

EVERY = ("openai", "kserve", "xinference", "localai", "vllm", "llama.cpp", "ollama", "litellm", "kubeflow")
SETTINGS = Settings(title="My Gallery", url="https://gallery.example/g", runtimes=EVERY)


def pages(*entries: Entry, settings: Settings = SETTINGS) -> dict[str, str]:
    shown = view(*entries, settings=settings)
    with exports.prepared(shown, exports.enabled(shown)) as made:
        found = {each.path: each for each in site.outputs(shown, LOOK, made)}
        return {path: each.render().decode() for path, each in found.items() if path.endswith(".html")}


def sections(text: str) -> dict[str, str]:
    """The part of the run box for each runtime, in the order of the page."""
    return dict(re.findall(r'<section data-runtime="([^"]+)">(.*?)</section>', text, re.DOTALL))


def test_each_runtime_has_its_command_and_its_native_file() -> None:
    found = sections(pages(entry())["models/acme/tiny/index.html"])
    assert list(found) == [
        "xinference", "llama.cpp", "vllm", "ollama", "localai", "litellm", "kserve", "kubeflow", "openai",
    ]  # fmt: skip
    assert 'href="../../../runtimes/ollama/acme/tiny/Modelfile"' in found["ollama"]
    assert "curl -O https://gallery.example/g/runtimes/ollama/acme/tiny/Modelfile" in found["ollama"]
    assert "ollama create tiny -f Modelfile" in found["ollama"]
    assert "GALLERIES=" in found["localai"]
    assert "&#34;my-gallery&#34;" in found["localai"]
    assert "xinference/register/llm/tiny.json" in found["xinference"]
    assert "--model-type LLM" in found["xinference"]
    assert "builtin/llm/llm_models.json" in found["xinference"]
    assert "not publish" not in "".join(found.values())


def test_a_runtime_that_gets_nothing_says_why_and_links_nothing() -> None:
    found = sections(pages(entry())["models/acme/tiny/index.html"])
    assert "vLLM does not load gguf." in found["vllm"]
    assert "runtimes/vllm/" not in found["vllm"]


def test_what_is_left_out_of_a_file_is_told_by_reason() -> None:
    plain: dict[str, Any] = {"format": "pytorch", "parameters": "8B", "sources": RELEASE["variants"][0]["sources"]}
    release = {**RELEASE, "variants": [*RELEASE["variants"], {**plain, "quantizations": ["none"]}]}
    found = sections(pages(entry(releases={"1.0.0": release}))["models/acme/tiny/index.html"])
    assert "<li>8b-pytorch: Ollama does not load pytorch.</li>" in found["ollama"]


def test_a_withdrawn_model_has_commands_and_no_native_file() -> None:
    text = pages(entry(listed=False))["models/acme/tiny/index.html"]
    assert "ollama run" in text
    assert "runtimes/ollama" not in text


def test_the_page_about_the_gallery_lists_the_shared_files() -> None:
    text = pages(entry())["about/index.html"]
    for path in ("xinference/llm.json", "localai/index.yaml", "llama.cpp/models.ini", "vllm/models.json"):
        assert f'<a href="../runtimes/{path}">https://gallery.example/g/runtimes/{path}</a>' in text
    assert "llama-server --models-preset models.ini" in text
    bare = pages(entry(), settings=Settings(title="Bare"))["about/index.html"]
    assert "Add this gallery to a runtime" not in bare


def test_downloads_say_what_they_require() -> None:
    found = [
        {"label": "Detection SDK", "url": "https://sdk.example/x.zip", "sha256": DIGEST, "requires": "TI client 2.1"},
        {"label": "Odd", "url": "javascript:alert(1)"},
    ]
    text = pages(entry(releases={"1.0.0": {**RELEASE, "downloads": found}}))["models/acme/tiny/index.html"]
    assert '<a href="https://sdk.example/x.zip" rel="noopener">Detection SDK</a>' in text
    assert "Install TI client 2.1 first." in text
    assert DIGEST in text
    assert "javascript:" not in text
    assert 'id="downloads"' not in pages(entry())["models/acme/tiny/index.html"]
