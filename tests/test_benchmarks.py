"""What the benchmarks measure: registries that hold what they say, and counts that are right."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks import generate, modelsdev
from benchmarks.__main__ import count

from conftest import git, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Result

ROOT = Path(__file__).parents[1]

LAB = """\
name = "Tiny"
family = "tiny"
release_date = "2025-04"
reasoning = true
tool_call = true
open_weights = true
license = "MIT"

[limit]
context = 131_072
output = 16_384

[modalities]
input = ["text", "image"]
output = ["text"]

[[weights]]
url = "https://weights.example.org/tiny"

[[benchmarks]]
name = "Sums"
score = 40
source = "https://scores.example.org"
date = "2025-05-08"

[[benchmarks]]
name = "Vibes"
score = "good"
"""
OFFER = 'base_model = "acme/Tiny"\n\n[limit]\ncontext = 8_192\n\n[cost]\ninput = 0.5\noutput = 2\n'
WHOLE = 'name = "Voice"\nrelease_date = "2025-25-11"\nstatus = "deprecated"\n[modalities]\noutput = ["audio"]\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One model of a lab, offered by a provider of the same name and by another, and one of a provider alone."""
    folder = tmp_path / "models.dev"
    write(
        folder,
        {
            "models/acme/Tiny.toml": LAB,
            "providers/acme/models/tiny.toml": OFFER,
            "providers/globex/provider.toml": 'name = "Globex"\n',
            "providers/globex/models/@cf/acme/Tiny:free.toml": OFFER,
            "providers/globex/models/voice.toml": WHOLE,
        },
    )
    (folder / "providers/globex/models/gone.toml").symlink_to("nowhere.toml")
    return folder


def committed(folder: Path) -> Path:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Add all models")
    return folder / "registry"


def errors(run: Callable[..., Result], registry: Path) -> list[object]:
    done = run("check", "--registry", registry, "--format", "json", "--jobs", "1")
    found: list[dict[str, object]] = json.loads(done.stdout)
    return [problem for problem in found if problem["severity"] == "error"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("same", 7), ("other", 8)):
        generate.write_registry(tmp_path / name, generate.models(12, seed), ROOT / "registry")
    one, same, other = (
        {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
        for root in (tmp_path / "one", tmp_path / "same", tmp_path / "other")
    )
    assert one == same
    assert one != other


def test_a_generated_registry_has_no_errors(tmp_path: Path, run: Callable[..., Result]) -> None:
    made = generate.models(12)
    generate.write_registry(tmp_path, made, ROOT / "registry")
    registry = committed(tmp_path)
    assert len(list(registry.glob("models/*/*/*/model.yaml"))) == 12
    assert errors(run, registry) == []


def test_files_are_counted_by_name_and_by_inode(tmp_path: Path) -> None:
    write(tmp_path, {"a.html": "a", "deep/b.html": "a", ".galleryctl.json": "{}"})
    (tmp_path / "c.html").hardlink_to(tmp_path / "a.html")
    assert count(tmp_path) == (3, 2)


def test_definitions_of_models_dev_become_models(checkout: Path) -> None:
    made = modelsdev.convert(modelsdev.definitions(checkout))
    assert [each.id for each in made] == ["acme/tiny", "acme/tiny-2", "globex/cf-acme-tiny-free", "globex/voice"]
    lab, offer, _, voice = made
    assert lab.model["license"] == "MIT"
    assert lab.model["tags"] == ["reasoning", "tool-use"]
    assert lab.model["links"] == {"weights": "https://weights.example.org/tiny"}
    assert lab.releases["1.0.0"]["released"] == "2025-04-01T00:00:00Z"
    assert lab.releases["1.0.0"]["spec"] == {
        "family": "tiny", "abilities": ["chat", "vision"], "context_length": 131_072,
    }  # fmt: skip
    assert [each["name"] for each in lab.releases["1.0.0"]["metrics"]] == ["Sums"]
    assert voice.model["status"] == "deprecated"
    assert "released" not in voice.releases["1.0.0"]
    assert offer.model["title"] == "Tiny"


def test_what_a_definition_inherits_and_what_not(checkout: Path) -> None:
    offer = modelsdev.convert(modelsdev.definitions(checkout))[1]
    assert offer.model["base_models"] == ["acme/tiny"]
    assert offer.releases["1.0.0"]["spec"]["context_length"] == tomllib.loads(OFFER)["limit"]["context"]
    assert "16384 tokens" in offer.releases["1.0.0"]["notes"]
    assert "0.5 dollars" in offer.releases["1.0.0"]["notes"]
    assert offer.model["license"] == "LicenseRef-Unstated"
    assert "links" not in offer.model
    assert "metrics" not in offer.releases["1.0.0"]


def test_converted_definitions_have_no_errors(checkout: Path, tmp_path: Path, run: Callable[..., Result]) -> None:
    modelsdev.write(tmp_path / "git", modelsdev.convert(modelsdev.definitions(checkout)))
    assert errors(run, committed(tmp_path / "git")) == []
