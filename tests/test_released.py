"""New releases beside what was published before, and the pairs of models that rules compare."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crossed
from conftest import MINIMAL
from galleryctl.checks.pairs import ordered
from galleryctl.checks.released import _origins, _raised
from galleryctl.spec import Release, is_version, version_key
from judged import TINY, model, other

FIRST = MINIMAL[f"{TINY}/1.0.0.yaml"] or ""
MODEL = MINIMAL[f"{TINY}/model.yaml"] or ""
BACKPORTS = {"policy.yaml": "version: 1\nbackports: true\n"}


def release(version: str, text: str = FIRST, folder: str = TINY) -> dict[str, str | None]:
    return {f"{folder}/{version}.yaml": text}


def releases(*versions: str) -> dict[str, str | None]:
    return {path: text for version in versions for path, text in release(version).items()}


def tombstone(*versions: str, whole: bool = False) -> dict[str, str | None]:
    text = (
        f"type: llm\nreason: Gone.\nsince: 2025-12-30\nreleases: [{', '.join(versions)}]\nwhole: {str(whole).lower()}\n"
    )
    return {"removed/acme/tiny.yaml": text}


# -- versions


@pytest.mark.parametrize(
    ("base", "new", "found"),
    [
        ((), "1.0.1", {}),
        ((), "1.1.0", {}),
        ((), "2.0.0", {}),
        ((), "1.0.2", {"VER004"}),
        ((), "1.1.1", {"VER004"}),
        ((), "2.1.0", {"VER004"}),
        ((), "0.9.0", {"VER003"}),
        (("1.9.0", "1.10.0"), "1.11.0", {}),
        (("1.1.0",), "1.0.1", {"VER003"}),
        (("1.1.0",), "1.0.7", {"VER003", "VER004"}),
    ],
)
def test_the_next_number(base: tuple[str, ...], new: str, found: set[str]) -> None:
    told = {code for code in crossed.codes(releases(*base), release(new)) if code.startswith("VER")}
    assert told == set(found)


def test_a_line_of_releases_in_one_pull_request_is_in_order() -> None:
    assert crossed.messages({}, releases("1.0.1", "1.1.0", "2.0.0"), "VER004") == []
    assert crossed.messages({}, releases("1.0.1", "1.1.0", "2.0.0"), "VER003") == []


def test_a_new_model_brings_its_history() -> None:
    new = other("acme/other") | release("1.4.0", FIRST, "models/llm/acme/other")
    assert not {code for code in crossed.codes({}, new) if code in {"VER002", "VER003", "VER004"}}


def test_back_ports_where_the_policy_of_base_allows_them() -> None:
    assert crossed.messages(releases("1.1.0") | BACKPORTS, release("1.0.1"), "VER003") == []
    assert len(crossed.messages(releases("1.1.0"), release("1.0.1") | BACKPORTS, "VER003")) == 1
    used = releases("1.1.0") | BACKPORTS | tombstone("1.0.1")
    assert len(crossed.messages(used, release("1.0.1"), "VER002")) == 1


def test_what_was_removed_counts() -> None:
    """1.2.0 was removed, 1.1.0 is the newest that is left: the next one is 1.3.0."""
    base = releases("1.1.0") | tombstone("1.2.0")
    assert crossed.messages(base, release("1.1.1"), "VER003") == [
        "acme/tiny@1.1.1 is below 1.2.0, the highest ever published"
    ]
    assert crossed.codes(base, release("1.3.0")).isdisjoint({"VER002", "VER003", "VER004"})


def test_deleting_the_tombstone_does_not_free_its_number() -> None:
    base = tombstone("1.1.0")
    merged = {**release("1.1.0"), "removed/acme/tiny.yaml": None}
    (message,) = crossed.messages(base, merged, "VER002")
    assert message.endswith("removed/acme/tiny.yaml in base names it among the removed")
    assert len(crossed.messages(base, merged, "IMM004")) == 1


def test_what_only_the_ledger_remembers_counts() -> None:
    """Deleted in one pull request, added again in the next: base has forgotten it, readers have not."""
    known = {"acme/other": {"1.0.0"}}
    (message,) = crossed.messages({}, other("acme/other"), "VER002", ledger=known)
    assert message == "acme/other@1.0.0 was published before: an earlier publication had it"
    later = {path.replace("1.0.0", "1.0.1"): text for path, text in other("acme/other").items()}
    assert crossed.messages({}, later, "VER002", ledger=known) == []


def test_the_ledger_of_an_earlier_id_counts() -> None:
    renamed = other("acme/other", "aliases: [acme/older]")
    assert len(crossed.messages({}, renamed, "VER002", ledger={"acme/older": {"1.0.0"}})) == 1


def test_a_release_that_base_has_is_not_new() -> None:
    assert crossed.messages({}, model(summary="Other words."), "VER002", ledger={"acme/tiny": {"1.0.0"}}) == []


def test_a_model_that_is_taken_for_good_is_told_once() -> None:
    base = {f"{TINY}/{name}": None for name in ("model.yaml", "README.md", "1.0.0.yaml")} | tombstone(
        "1.0.0", whole=True
    )
    merged = {f"{TINY}/{name}": MINIMAL[f"{TINY}/{name}"] for name in ("model.yaml", "README.md", "1.0.0.yaml")}
    assert crossed.codes(base, merged) & {"IDN003", "VER002", "LIF001"} == {"IDN003"}


def test_a_release_written_as_json_is_the_same_release() -> None:
    as_json = {f"{TINY}/1.0.0.yaml": None, f"{TINY}/1.0.0.json": json.dumps(data())}
    assert crossed.codes({}, as_json).isdisjoint({"VER002", "VER006", "IMM001", "IMM002", "IMM003", "LIF010"})


def data(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a release
    return {
        "notes": "First release.",
        "released": "2025-05-01T08:00:00Z",
        "spec": {"context_length": 4096, "languages": ["en"], "abilities": ["chat"]},
        "variants": [variant()],
    } | changes


def variant(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a variant
    digest = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"
    return {
        "format": "pytorch",
        "parameters": "1B",
        "engines": ["transformers"],
        "quantizations": ["none"],
        "sources": {"huggingface": {"repo": "acme/tiny", "revision": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}},
        "files": {"none": [{"path": "model.safetensors", "size": 2_000_000_000, "sha256": digest}]},
    } | changes


def written(version: str, **changes: Any) -> dict[str, str | None]:  # noqa: ANN401 - fields of a release
    return {f"{TINY}/{version}.json": json.dumps(data(**changes), indent=1)}


VERSIONS = st.builds("{}.{}.{}".format, *[st.integers(0, 30)] * 3)


@given(st.lists(VERSIONS, min_size=1, unique=True))
def test_versions_sort_as_numbers(versions: list[str]) -> None:
    found = ordered(versions)
    assert all(version_key(one) < version_key(other) for one, other in pairwise(found))


@given(VERSIONS)
def test_the_next_numbers_are_versions_above(version: str) -> None:
    patch, minor, major = _raised(version)
    assert all(is_version(each) for each in (patch, minor, major))
    assert version_key(version) < version_key(patch) < version_key(minor) < version_key(major)


# -- patches, notes


def test_a_patch_that_drops_a_variant() -> None:
    two = [variant(), variant(format="gguf", key="small")]
    base = written("1.0.1", variants=two)
    (message,) = crossed.messages(base, written("1.0.2", variants=two[:1]), "VER005")
    assert message == "acme/tiny@1.0.2 drops the variant small, which 1.0.1 has"
    assert crossed.messages(base, written("1.1.0", variants=two[:1]), "VER005") == []
    assert crossed.messages(base, written("1.0.2", variants=two[::-1]), "VER005") == []


def test_a_patch_is_compared_with_the_one_below_it() -> None:
    base = written("1.1.0", spec=data()["spec"] | {"abilities": ["chat", "tools"]}) | BACKPORTS
    assert crossed.messages(base, written("1.0.1"), "VER005") == []
    assert len(crossed.messages(base, written("1.1.1"), "VER005")) == 1


@pytest.mark.parametrize("notes", [None, "", "  "])
def test_notes_that_say_nothing(notes: str | None) -> None:
    changes = {"notes": notes} if notes is not None else {}
    text = {key: value for key, value in data(**changes).items() if key != "notes" or notes is not None}
    assert len(crossed.messages({}, {f"{TINY}/1.1.0.json": json.dumps(text)}, "VER006")) == 1


def test_a_first_release_needs_no_notes() -> None:
    new = {path: text.replace("notes: First release.\n", "") for path, text in other("acme/other").items()}
    assert crossed.messages({}, new, "VER006") == []


# -- origins


@pytest.mark.parametrize(
    ("sources", "origin"),
    [
        ({"huggingface": {"repo": "acrne/tiny"}}, "huggingface acrne"),
        ({"modelscope": {"repo": "acme/tiny"}}, "modelscope acme"),
        ({"huggingface": {"repo": "acme/tiny", "lora": {"repo": "Eve/fast"}}}, "huggingface eve"),
        ({"oci": {"image": "ghcr.io/eve/tiny@sha256:" + "0" * 64}}, "ghcr.io/eve"),
        ({"url": {"prefix": "https://files.eve.example/tiny"}}, "files.eve.example"),
        ({"url": {"prefix": "https://huggingface.co/eve/tiny/resolve/main"}}, "huggingface.co/eve"),
        ({"object": {"prefix": "s3://eve-bucket/tiny"}}, "eve-bucket"),
    ],
)
def test_another_owner_or_host(sources: dict[str, Any], origin: str) -> None:
    (message,) = crossed.messages({}, written("1.1.0", variants=[variant(sources=sources)]), "SRC008")
    assert message == f"acme/tiny@1.1.0 takes files from {origin}, while 1.0.0 has huggingface acme"


@pytest.mark.parametrize(
    ("changes", "origins"),
    [
        ({"downloads": [{"label": "SDK", "url": "https://eve.example/sdk"}]}, ["eve.example"]),
        ({"environment": {"image": f"ghcr.io/eve/run@sha256:{'0' * 64}"}}, ["ghcr.io/eve"]),
        ({"variants": [variant(gguf={"repo": "eve/gguf"})]}, ["gguf eve"]),
        ({"variants": [variant(files={"none": [{"path": "a", "url": "https://eve.example/a"}]})]}, ["eve.example"]),
        ({"downloads": [{"label": "SDK", "url": "nowhere"}, {"label": "SDK", "url": "https://[odd"}]}, []),
    ],
)
def test_whatever_else_is_loaded(changes: dict[str, Any], origins: list[str]) -> None:
    found = [*_origins(Release.model_validate(data(**changes)))]
    assert [origin for origin, _ in found if origin != "huggingface acme"] == origins


@pytest.mark.parametrize("repository", ["acme/tiny-2", "ACME/tiny", "acme/{quantization}"])
def test_the_same_owner(repository: str) -> None:
    changes = {"sources": {"huggingface": {"repo": repository}}}
    assert crossed.messages({}, written("1.1.0", variants=[variant(**changes)]), "SRC008") == []


def test_one_owner_is_told_once() -> None:
    eve = variant(sources={"huggingface": {"repo": "eve/tiny"}})
    assert len(crossed.messages({}, written("1.1.0", variants=[eve, {**eve, "key": "more"}]), "SRC008")) == 1


# -- pairs


def test_what_is_not_touched_is_not_looked_at() -> None:
    assert crossed.codes({}, {}) == set()
    assert crossed.codes({}, other("acme/other")).isdisjoint({"IMM001", "IMM002", "IMM003", "LIF010"})


def test_a_model_that_cannot_be_read_any_more_is_not_gone() -> None:
    found = crossed.codes({}, {f"{TINY}/model.yaml": "title: ["})
    assert {"YML001", "IMM003"} <= found  # the first has kin that may be set aside, the second never is
    assert found.isdisjoint({"LIF010", "IDN006"})


def test_a_release_that_cannot_be_read_any_more_is_not_gone() -> None:
    found = crossed.codes({}, {f"{TINY}/1.0.0.yaml": "notes: ["})
    assert {"YML001", "IMM003"} <= found
    assert "LIF010" not in found


def test_a_broken_model_of_base_may_be_mended() -> None:
    assert crossed.codes({f"{TINY}/model.yaml": "title: ["}, {f"{TINY}/model.yaml": MODEL}).isdisjoint(
        {"VER002", "VER003", "VER006", "IMM001"}
    )
