"""What a host, or a thief of the online key, may make the next build publish by what it says was published before."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import canonical
from galleryctl.building import earlier
from galleryctl.errors import OutputError
from galleryctl.fetch import Http
from galleryctl.index import deltas
from galleryctl.index.published import checked, named
from servers import files, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

TINY = "models/llm/acme/tiny/model.yaml"

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


# -- a host that nobody vouches for


@pytest.fixture
def built(registry: Callable[..., Path], run: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """A build of something new that goes on from a head as a hostile host changed it."""
    root = registry()
    run("build", "-r", root, "-o", tmp_path / "live")
    text = (root / TINY).read_text()
    (root / TINY).write_text(text.replace("title: Tiny", "title: Changed"))

    def again(change: Callable[[dict[str, Any]], object]) -> Result:
        path = tmp_path / "live/v1/catalog.json"
        head = json.loads(path.read_bytes())
        change(head)
        path.write_text(json.dumps(head))
        return run("build", "-r", root, "-o", tmp_path / "site", "--earlier", tmp_path / "live")

    return again


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda head: head.update(epoch=2**53), "has serial 1 of epoch 9007199254740992"),
        (lambda head: head.update(serial=2**53), "has serial 9007199254740992 of epoch 1"),
        (lambda head: head.update(serial=2**53 - 1), "has serial 9007199254740991 of epoch 1"),
        (lambda head: head.update(serial=-1, epoch=-1), "has serial -1 of epoch -1"),
        (lambda head: head["directory"].update(since=10**30), "readers count to 9007199254740991"),
        (lambda head: head.update(built="2999-01-01T00:00:00Z"), "was built on 2999-01-01 00:00 UTC, and it is"),
        (
            lambda head: head["directory"].update(deltas=[{"from": 1, "sha256": SHA256, "length": 9}] * 65),
            "names more than 64 deltas to a document",
        ),
    ],
)
def test_a_head_that_nobody_can_go_on_from(built: Callable[..., Result], change: Any, reason: str) -> None:  # noqa: ANN401
    done = built(change)
    assert done.exit_code == 3, done.stderr
    assert reason in " ".join(done.stderr.split())
    assert "go on from a copy of the last good tree" in " ".join(done.stderr.split())


def test_the_highest_head_is_gone_on_from(built: Callable[..., Result], tmp_path: Path) -> None:
    done = built(lambda head: head.update(serial=2**53 - 2))
    assert done.exit_code == 0, done.stderr
    assert json.loads((tmp_path / "site/v1/catalog.json").read_bytes())["serial"] == 2**53 - 1


def test_more_earlier_heads_than_a_build_keeps(built: Callable[..., Result], tmp_path: Path) -> None:
    row = {"serial": 1, "epoch": 1, "built": "2026-01-01T00:00:00Z", "sha256": SHA256, "length": 9, "files": {}}
    data = json.dumps({"schema": "1.0", "generations": [row] * 2001}).encode()
    sha256 = canonical.digest(data)
    place = tmp_path / f"live/v1/generations/{sha256}.json"
    place.parent.mkdir()
    place.write_bytes(data)
    done = built(lambda head: head.update(generations={"since": 1, "sha256": sha256, "length": len(data)}))
    assert done.exit_code == 3, done.stderr
    assert "lists 2001 earlier heads" in " ".join(done.stderr.split())


def test_a_delta_from_a_number_that_nobody_counts_to() -> None:
    text = '{"from":{"serial":%d,"sha256":"' + SHA256 + '"},'
    assert deltas.start((text % (2**53 - 1)).encode()) == (2**53 - 1, SHA256)
    assert deltas.start((text % 2**53).encode()) is None


def test_an_address_that_drips_file_by_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "_PATIENCE", 0.5)
    head = {"serial": 1, "built": "2026-01-01T00:00:00Z", "types": {}}
    head |= {name: {"since": 1, "sha256": SHA256, "length": 9} for name in ("directory", "revoked")}
    data = json.dumps(head).encode()
    path = f"v1/{SHA256}.catalog.json"
    with serving(files({})) as server:
        address = earlier.Address(server.url, Http(allow_private=True), data)
        assert address.read(path) is None
        time.sleep(0.6)
        with pytest.raises(OutputError, match=r"takes longer than .* go on from a copy of it, with --earlier DIR"):
            address.read(path)
