"""What a host, or a thief of the online key, may make the next build publish by what it says was published before."""

from __future__ import annotations

import pytest

from galleryctl.index.published import checked, named

SHA256 = "ab" * 32


@pytest.mark.parametrize(
    "suffix", ["html", "htm", "xhtml", "svg", "xml", "js", "mjs", "css", "wasm", "pdf", "json.html"]
)
def test_nothing_that_a_browser_runs_is_carried_over(suffix: str) -> None:
    assert named(f"runtimes/xinference/llm/{SHA256}.{suffix}") is None
    assert checked(f"runtimes/xinference/llm/{SHA256}.{suffix}", b"<script>") is None


@pytest.mark.parametrize("path", ["xinference/llm/{}.json", "localai/index/{}.yaml", "llama.cpp/models/{}.ini"])
def test_files_of_runtimes_are(path: str) -> None:
    assert named(f"runtimes/{path.format(SHA256)}") == SHA256
