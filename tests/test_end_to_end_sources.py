"""The command `import` on object stores and registries that answer here: written once, and nothing asked unbidden."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from registries import MANIFEST, OLLAMA, serving
from stores import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from registries import Registry
    from stores import Client

WEIGHT = "application/vnd.cncf.model.weight.v1.raw"


@pytest.fixture
def oci(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with serving() as found:
        monkeypatch.setenv("OLLAMA_REGISTRY", found.address)
        yield found


def imported(run: Callable[..., Any], registry: Path, *words: str) -> tuple[int, list[dict[str, Any]]]:
    done = run("import", *words, "--all", "--allow-private", "--registry", registry, "--format", "json")
    assert "Traceback" not in done.stderr
    return done.exit_code, json.loads(done.stdout) if done.stdout else [{"stderr": done.stderr}]


def test_a_prefix_is_imported_once(s3: Client, registry: Callable[..., Path], run: Callable[..., Any]) -> None:
    for name, text in {"model.safetensors": "w", "config.json": "{}", "model_service.py": "x"}.items():
        s3.put_object(Bucket=BUCKET, Key=f"end/small/{name}", Body=text, ChecksumAlgorithm="SHA256")
    folder = registry()
    words = (f"s3://{BUCKET}/end/small", "--type", "vision", "--publisher", "acme")
    code, rows = imported(run, folder, *words)
    assert (code, [(row["status"], row["id"]) for row in rows]) == (0, [("imported", "acme/small")]), rows
    text = (folder / "models/vision/acme/small/1.0.0.yaml").read_text()
    assert "origin:" in text
    assert f"s3://{BUCKET}/end/small" in text
    code, rows = imported(run, folder, *words)
    assert [row["status"] for row in rows] == ["exists"]


def test_artifacts_of_registries_are_imported(
    oci: Registry, registry: Callable[..., Path], run: Callable[..., Any]
) -> None:
    config = {"descriptor": {"name": "pack"}, "config": {"format": "safetensors"}}
    oci.push("acme/pack", "1.0", oci.model(config, oci.blob(b"w", WEIGHT, "model.safetensors")))
    layers = [oci.blob(b"other", f"{OLLAMA}.model"), oci.blob(b"{{ .Prompt }}", f"{OLLAMA}.template")]
    described = oci.blob(
        b'{"model_format": "gguf", "model_type": "1B"}', "application/vnd.docker.container.image.v1+json"
    )
    oci.push("library/own", "1b", {"mediaType": MANIFEST, "config": described, "layers": layers})
    folder = registry()
    for source, path in (
        (f"oci://{oci.host}/acme/pack:1.0", "models/llm/acme/pack"),
        ("ollama:own:1b", "models/llm/ollama/own-1b"),
    ):
        code, rows = imported(run, folder, source, "--type", "llm")
        assert [row["status"] for row in rows] == ["imported"], (code, rows)
        assert (folder / path / "model.yaml").exists()
    code, rows = imported(run, folder, f"oci://{oci.host}/acme/missing:1.0")
    assert code == 3
    assert "nothing" in rows[0]["stderr"]


def test_without_leave_nothing_inside_the_network_is_asked(
    oci: Registry, registry: Callable[..., Path], run: Callable[..., Any]
) -> None:
    done = run("import", f"oci://{oci.host}/acme/pack:1.0", "--plan", "--registry", registry())
    assert done.exit_code == 3
    assert oci.asked == []
