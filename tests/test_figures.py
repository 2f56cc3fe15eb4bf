"""Numbers and dates that cannot be, or do not fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import judged
from galleryctl.checks.figures import unusual_context
from galleryctl.checks.rule import Context, World
from galleryctl.gallery import Gallery
from galleryctl.git import TreeEntry
from galleryctl.spec import Policy, Roles, Settings, Taxonomy
from judged import release
from made import NOW, TYPES, entry

if TYPE_CHECKING:
    from galleryctl.gallery import Entry

METRIC = {"name": "MMLU", "value": 56.7, "date": "2025-05-01", "source": "https://acme.example"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"checked": "2026-01-03"}, "2026-01-03 lies in the future"),
        ({"checked": "2026-01-02"}, None),
        ({"released": "2026-01-03T00:00:00Z"}, None),
        ({"released": "2026-01-04T00:00:00Z"}, "2026-01-04 lies in the future"),
        ({"metrics": [{**METRIC, "date": "2030-01-01"}]}, "2030-01-01 lies in the future"),
        ({"metrics": [{**METRIC, "value": 1200}]}, None),
        ({"metrics": [{**METRIC, "value": 100.5, "unit": "%"}]}, "100.5 % cannot be a share"),
        ({"metrics": [{**METRIC, "value": -1, "unit": "percent"}]}, "-1 % cannot be a share"),
        ({"spec": {"context_length": 10_000_000}}, None),
        ({"spec": {"context_length": 200_000_000}}, "no model has a context of 200,000,000 tokens"),
    ],
)
def test_numbers_that_cannot_be(fields: dict[str, Any], said: str | None) -> None:
    assert judged.messages(release({"key": "a"}, **fields), "VAL001") == ([said] if said else [])


@pytest.mark.parametrize(("active", "said"), [("3B", False), ("30B", False), ("31B", True), ("300M", False)])
def test_active_parameters_are_some_of_all(active: str, said: bool) -> None:
    assert (judged.problems(release({"parameters": "30B", "active": active}), "VAL001") != []) is said


def member(name: str, context: int, family: str = "tiny") -> Entry:
    return entry(f"acme/{name}", releases={"1.0.0": {"spec": {"context_length": context, "family": family}}})


@pytest.mark.parametrize(
    ("contexts", "said"),
    [
        ([4096, 4096, 8192, 131072], ["models/llm/acme/m3/1.0.0.yaml"]),
        ([4096, 4096, 8192, 32768], []),
        ([4096, 4096, 131072], []),
        ([4096, 4096, 131072, 131072, 131072], []),
    ],
)
def test_contexts_of_a_family(contexts: list[int], said: list[str]) -> None:
    entries = [member(f"m{index}", context) for index, context in enumerate(contexts)]
    context = Context(Settings(title="T"), Roles(), Policy(), Taxonomy(), TYPES, runtimes={}, publishers={}, now=NOW)
    gallery = Gallery.of([*entries, member("other", 9_000_000, "other")])
    paths = {f"models/llm/{each.id}/1.0.0.yaml": TreeEntry("100644", 1, "0" * 40) for each in gallery}
    world = World(gallery, context, {}, {}, {}, paths)
    assert [finding.path for finding in unusual_context(world)] == said


@pytest.mark.parametrize(
    ("parameters", "format_", "quantization", "size", "said"),
    [
        ("8B", "gguf", "Q4_K_M", 5_027_783_488, False),
        ("8B", "gguf", "Q4_K_M", 396_705_472, True),
        ("8B", "gguf", "Q4_K_M", 50_277_834_880, True),
        ("0.5B", "gguf", "Q2_K", 338_607_424, False),
        ("671B", "pytorch", "none", 688_586_727_753, False),
        ("1.5B", "pytorch", "none", 6_173_994_132, False),
        ("8B", "pytorch", "default", 1_000_000_000, True),
        ("8B", "gguf", "surprise", 1, False),
    ],
)
def test_sizes_of_files(parameters: str, format_: str, quantization: str, size: int, said: bool) -> None:
    variant = {
        "format": format_,
        "parameters": parameters,
        "quantizations": ["none" if quantization == "default" else quantization],
        "files": {quantization: [{"path": "w", "size": size}, {"path": "p", "size": 9**12, "role": "projector"}]},
    }
    assert (judged.problems(release(variant), "VAL005") != []) is said


def test_sizes_are_not_judged_while_one_is_unknown() -> None:
    files = {"none": [{"path": "a", "size": 1}, {"path": "b"}]}
    assert judged.problems(release({"format": "pytorch", "parameters": "8B", "files": files}), "VAL005") == []


@pytest.mark.parametrize("field", METRIC)
def test_a_metric_says_all_four(field: str) -> None:
    less = {key: value for key, value in METRIC.items() if key != field}
    assert judged.problems(release({"key": "a"}, metrics=[METRIC]), "VAL006") == []
    (problem,) = judged.problems(release({"key": "a"}, metrics=[METRIC, less]), "VAL006")
    assert problem.fix == f"add `{field}`"


KNOWN = {"files": {"Q4_K_M": [{"path": "w", "size": 5_027_783_488}]}}


@pytest.mark.parametrize(
    ("requirements", "variant", "said"),
    [
        ({"vram": "8GiB"}, {}, False),
        ({"vram": "4GiB"}, {}, False),
        ({"vram": "2GiB"}, {}, True),
        ({"vram": "4GiB"}, KNOWN, True),
        ({"vram": "5GiB"}, KNOWN, False),
        ({"memory": "1GiB"}, {}, True),
        ({"vram": "8GiB", "memory": "1GiB"}, {}, False),
        ({"gpus": 1}, {}, False),
        ({"vram": "1GiB"}, {"requirements": {"vram": "8GiB"}}, False),
        ({"vram": "8GiB"}, {"requirements": {"vram": "1GiB"}}, True),
    ],
)
def test_requirements_hold_the_weights(requirements: dict[str, Any], variant: dict[str, Any], said: bool) -> None:
    whole = {"format": "gguf", "parameters": "8B", "quantizations": ["Q4_K_M"], **variant}
    assert (judged.problems(release(whole, requirements=requirements), "VAL007") != []) is said
