"""What was published stays as it was; facts that were missing may be filled in; tombstones stay."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crossed
from galleryctl.checks import facts
from galleryctl.loading import comparing
from galleryctl.spec import Release
from judged import TINY, model
from test_released import FIRST, MODEL, data, release, tombstone, variant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from galleryctl.problems import Problem

DIGEST = "0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f"
GONE = {f"{TINY}/{name}": None for name in ("model.yaml", "README.md", "1.0.0.yaml")}
JSON = {f"{TINY}/1.0.0.yaml": None}


def first(**changes: Any) -> dict[str, str | None]:  # noqa: ANN401 - fields of a release
    return {**JSON, f"{TINY}/1.0.0.json": json.dumps(data(**changes), indent=1)}


def immutable(base: crossed.Files, merged: crossed.Files) -> set[str]:
    return {code for code in crossed.codes(base, merged) if code.startswith("IMM")}


# -- releases


@pytest.mark.parametrize(
    "changes",
    [
        {"notes": "Better said."},
        {"status": "deprecated", "reason": "1.0.1 answers better."},
        {"status": "active"},
        {"metrics": []},
        {"variants": [variant(engines=["transformers"], gguf=None)]},
    ],
)
def test_what_may_change(changes: dict[str, Any]) -> None:
    assert immutable(first(), first(**changes)) == set()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"released": "2025-05-02T08:00:00Z"}, "released"),
        ({"checked": "2025-05-02"}, "checked"),
        ({"environment": {"framework": "pytorch"}}, "environment"),
        ({"regions": ["eu"]}, "regions"),
        ({"runtimes": {"localai": {"overrides": {"threads": 2}}}}, "runtimes"),
        ({"variants": [variant(engines=["vllm", "transformers"])]}, "variants[0].engines"),
        ({"variants": [variant(), variant(key="more")]}, "variants"),
        ({"variants": [variant(quantizations=["none", "int4"])]}, "variants[0].quantizations"),
        ({"variants": [variant(license="MIT")]}, "variants[0].license"),
        (
            {"variants": [variant(sources={"huggingface": {"repo": "eve/tiny"}})]},
            "variants[0].sources.huggingface.repo",
        ),
        ({"variants": [variant(files={})]}, "variants[0].files"),
        ({"variants": [variant(files={"none": [{"path": "other.safetensors"}]})]}, "variants[0].files.none[0].path"),
    ],
)
def test_what_may_not(changes: dict[str, Any], field: str) -> None:
    (problem,) = crossed.problems(first(), first(**changes), "IMM001")
    assert problem.message.startswith(f"acme/tiny@1.0.0 is published, and `{field}` was ")
    assert "`galleryctl release acme/tiny --bump patch`" in problem.fix


def test_many_differences_are_counted() -> None:
    spec = {"context_length": 1, "languages": ["zh"], "abilities": ["tools"]}
    more: dict[str, Any] = {"released": "2020-01-01T00:00:00Z", "regions": ["eu"], "checked": "2020-01-01"}
    found = crossed.messages(first(), first(spec=spec, **more), "IMM001")
    assert len(found) == 5
    assert [each.endswith("; 1 more differences") for each in sorted(found)].count(True) == 1


def test_a_template_is_as_immutable_as_its_release() -> None:
    spec = data()["spec"] | {"prompt": {"template": {"file": "1.0.0.jinja"}}}
    text = "{% for message in messages %}{{ message.content }}{% endfor %}"
    base = {**first(spec=spec), f"{TINY}/1.0.0.jinja": text}
    (problem,) = crossed.problems(base, {f"{TINY}/1.0.0.jinja": f"{text}!"}, "IMM001")
    assert problem.path == f"registry/{TINY}/1.0.0.jinja"
    assert text[:40] in problem.message


def test_a_long_value_is_shortened() -> None:
    assert facts.shown("a" * 100) == "a" * 63 + "…"
    assert facts.shown(["a" * 100]) == "1 values"
    assert facts.shown("two\nlines") == "two lines"


# -- facts


def files(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a file
    return {"none": [{"path": "model.safetensors", **changes}]}


UNKNOWN = variant(sources={"huggingface": {"repo": "acme/tiny"}}, files=files())
REVISION = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


@pytest.mark.parametrize(
    "filled",
    [
        variant(files=files(size=1)),
        variant(files=files(sha256=DIGEST), sources={"huggingface": {"repo": "acme/tiny"}}),
        variant(files=files(size=1, sha256=DIGEST)),
        variant(files=files()),
    ],
)
def test_facts_that_were_missing_may_be_filled_in(filled: dict[str, Any]) -> None:
    base = first(variants=[UNKNOWN])
    assert immutable(base, first(variants=[filled], checked="2026-01-01")) == set()
    assert immutable(first(variants=[filled]), first(variants=[filled], checked="2026-01-01")) == {"IMM001"}


def test_filling_in_is_exactly_an_addition() -> None:
    base = first(variants=[UNKNOWN])
    more = {"none": [*files(size=1)["none"], {"path": "config.json", "size": 1}]}
    assert immutable(base, first(variants=[variant(files=more)])) == {"IMM001"}
    assert immutable(base, first(variants=[variant(files=files(size=1, role="config"))])) == {"IMM001"}
    assert immutable(base, first(variants=[variant(files={})])) == {"IMM001"}


def test_an_image_may_get_its_digest_and_keeps_it() -> None:
    plain, pinned = ({"oci": {"image": f"ghcr.io/acme/tiny:1{end}"}} for end in ("", f"@sha256:{DIGEST}"))
    before, after = (first(variants=[variant(sources=each, files={})]) for each in (plain, pinned))
    assert immutable(before, after) == set()
    assert immutable(after, before) == {"IMM002"}


@pytest.mark.parametrize("change", [{"size": None}, {"sha256": None}])
def test_a_known_fact_may_not_go(change: dict[str, Any]) -> None:
    known = {"size": 1, "sha256": DIGEST}
    left = {key: value for key, value in (known | change).items() if value is not None}
    base, merged = (first(variants=[variant(files=files(**each))]) for each in (known, left))
    (message,) = crossed.messages(base, merged, "IMM002")
    assert message.endswith(", is nothing")
    assert "ALARM" not in message


def test_other_bytes_at_the_same_revision_are_an_alarm() -> None:
    (problem,) = crossed.problems({}, {f"{TINY}/1.0.0.yaml": FIRST[:-65] + DIGEST + "\n"}, "IMM002")
    assert problem.message.startswith("ALARM: sha256 of model.safetensors of acme/tiny@1.0.0 was 3f79bb7b")
    assert problem.message.endswith(f", is {DIGEST}, at the same revision {REVISION}")
    assert problem.fix.startswith("do not merge")


def test_another_revision_with_other_bytes_is_another_release() -> None:
    text = FIRST[:-65].replace(REVISION, "1" * 40) + DIGEST + "\n"
    found = crossed.problems({}, {f"{TINY}/1.0.0.yaml": text}, "IMM002")
    assert len(found) == 2
    assert not any("ALARM" in problem.message for problem in found)
    assert {"IMM001"}.isdisjoint(crossed.codes({}, {f"{TINY}/1.0.0.yaml": text}))


def test_another_order_of_files_hides_no_digest() -> None:
    def pair(one: str, other: str) -> dict[str, Any]:
        return {"none": [{"path": "a", "sha256": one}, {"path": "b", "sha256": other}]}

    base = first(variants=[variant(files=pair("1" * 64, "2" * 64))])
    swapped = {"none": pair("1" * 64, "3" * 64)["none"][::-1]}
    (message,) = crossed.messages(base, first(variants=[variant(files=swapped)]), "IMM002")
    assert "sha256 of b of" in message


def test_facts_of_every_kind() -> None:
    spec = {"adapters": {"controlnet": [{"repo": "acme/pose", "revision": "1" * 40}, "odd"]}}
    hub = {"repo": "acme/t", "draft": {"repo": "acme/d"}, "lora": {"repo": "acme/l", "revision": "2" * 40}}
    whole = Release.model_validate(
        {
            "spec": spec,
            "downloads": [{"label": "SDK", "url": "https://a.example/sdk", "sha256": DIGEST}],
            "variants": [{"lora": {"repo": "acme/x"}, "sources": {"huggingface": hub}}],
        }
    )
    assert sorted(fact.what for fact in facts.facts(whole).values()) == [
        "revision of None",
        "revision of acme/d",
        "revision of acme/l",
        "revision of acme/pose",
        "revision of acme/t",
        "revision of acme/x",
        "sha256 of https://a.example/sdk",
    ]
    assert facts.differences(whole, whole) == []


SIZES = st.none() | st.integers(0, 3)
FILES = st.lists(st.fixed_dictionaries({"path": st.sampled_from("abc"), "size": SIZES}), max_size=3)
RELEASES = st.builds(
    lambda groups, notes: Release.model_validate({"notes": notes, "variants": [{"files": each} for each in groups]}),
    st.lists(st.dictionaries(st.sampled_from(["Q4_K_M", "Q8_0"]), FILES, max_size=2), max_size=2),
    st.sampled_from(["one", "two"]),
)


def bare(release: Release) -> dict[str, Any]:
    return release.model_dump(exclude={"notes", "status", "reason"})


@given(RELEASES, RELEASES)
def test_either_nothing_changed_or_something_is_told(one: Release, other: Release) -> None:
    told = bool(facts.differences(one, other)) or bool([*facts.changed_facts(one, other)])
    assert told or bare(one) == bare(other) or facts.filled(one, other) or _twice(one)
    assert not told or bare(one) != bare(other)


def _twice(release: Release) -> bool:
    """Files that stand twice: which of two facts is meant cannot be told."""
    groups = [group for each in release.variants for group in each.files.values()]
    return any(len({file.path for file in group}) < len(group) for group in groups)


# -- gone without a trace


def test_a_model_that_is_gone() -> None:
    (problem,) = crossed.problems({}, GONE, "IMM003")
    assert problem.path == f"registry/{TINY}/model.yaml"
    assert problem.message == "acme/tiny (1.0.0) was published, is gone, and there is no removed/acme/tiny.yaml"
    assert crossed.messages({}, GONE | tombstone("1.0.0", whole=True), "IMM003") == []
    (message,) = crossed.messages({}, GONE | tombstone("1.0.0"), "IMM003")
    assert message.endswith("and removed/acme/tiny.yaml says `whole: false`")


def test_a_release_that_its_tombstone_does_not_name() -> None:
    base = release("1.0.1")
    assert len(crossed.messages(base, JSON | tombstone("1.0.1"), "IMM003")) == 1
    assert crossed.messages(base, JSON | tombstone("1.0.0"), "IMM003") == []


def moved(name: str = "tiny-chat", extra: str = "aliases: [acme/tiny]\n") -> dict[str, str | None]:
    folder = f"models/llm/acme/{name}"
    return GONE | {f"{folder}/model.yaml": MODEL + extra, f"{folder}/1.0.0.yaml": FIRST}


def test_a_rename_keeps_everything() -> None:
    found = crossed.codes({}, moved())
    assert found.isdisjoint({"IMM001", "IMM002", "IMM003", "LIF010", "IDN006", "VER002", "VER006"})


def test_a_rename_that_loses_or_changes_a_release() -> None:
    folder = "models/llm/acme/tiny-chat"
    (message,) = crossed.messages(release("1.0.1"), {**moved(), f"{TINY}/1.0.1.yaml": None}, "IMM003")
    assert message == f"acme/tiny@1.0.1 was published, is gone, and {folder}, which takes the id over, does not have it"
    other_bytes = {f"{folder}/1.0.0.yaml": FIRST.replace("4096", "8192")}
    assert len(crossed.messages({}, moved() | other_bytes, "IMM001")) == 1


def test_a_model_cannot_slip_under_the_id_of_another() -> None:
    """An alias on a model that exists already: pins of the old id would get its bytes."""
    folder = "models/llm/acme/large"
    there = {
        f"{folder}/model.yaml": MODEL.replace("Tiny", "Large"),
        f"{folder}/1.0.0.yaml": FIRST[:-65] + DIGEST + "\n",
    }
    taken = {**GONE, f"{folder}/model.yaml": MODEL.replace("Tiny", "Large") + "aliases: [acme/tiny]\n"}
    assert "IMM002" in crossed.codes(there, taken)


# -- tombstones


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (tombstone("0.9.0"), tombstone("0.9.0", "0.9.1"), 0),
        (tombstone("0.9.0"), tombstone("0.9.0", "1.0.0", whole=True), 0),
        (tombstone("0.9.0", whole=True), tombstone("0.9.0", "0.9.1", whole=True), 0),
        (tombstone("0.9.0"), tombstone("0.9.1"), 1),
        (tombstone("0.9.0", whole=True), tombstone("0.9.0"), 1),
        (tombstone("0.9.0", whole=True), tombstone("0.9.0", "0.9.1"), 1),
        (tombstone("0.9.0"), {"removed/acme/tiny.yaml": None}, 1),
    ],
)
def test_a_tombstone_only_grows(before: crossed.Files, after: crossed.Files, told: int) -> None:
    assert len(crossed.messages(before, after, "IMM004")) == told


def test_a_reason_stays_and_another_form_of_the_file_is_no_change() -> None:
    (path,) = base = tombstone("0.9.0")
    text = base[path] or ""
    assert len(crossed.messages(base, {path: text.replace("Gone.", "Never mind.")}, "IMM004")) == 1
    assert len(crossed.messages(base, {path: text.replace("llm", "audio")}, "IMM004")) == 1
    assert crossed.messages(base, {path: f"# A note\n{text}"}, "IMM004") == []
    as_json = {"type": "llm", "reason": "Gone.", "since": "2025-12-30", "releases": ["0.9.0"], "whole": False}
    assert crossed.messages(base, {path: None, "removed/acme/tiny.json": json.dumps(as_json)}, "IMM004") == []


# -- taken back at once, in a real repository


NOW = dt.datetime(2026, 1, 4, 3, 4, 5, tzinfo=dt.UTC)


def between(registry: Path, base: str, now: dt.datetime = NOW) -> tuple[Problem, ...]:
    return comparing.compare(registry.parent, "registry", base=base, merged="HEAD", now=now).problems


def codes(found: tuple[Problem, ...]) -> set[str]:
    return {problem.code for problem in found} & {"IMM003", "LIF010", "IDN006"}


def test_within_the_window_a_slip_may_be_taken_back(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    folder = registry()
    base = commit(folder, release("1.0.1"), date="2026-01-03T00:00:00Z")
    commit(folder, {f"{TINY}/1.0.1.yaml": None})
    assert codes(between(folder, base)) == set()
    commit(folder, GONE)
    assert codes(between(folder, base)) == set()
    late = NOW + dt.timedelta(days=2)
    found = between(folder, base, late)
    assert codes(found) == {"IMM003", "LIF010"}
    (problem,) = [each for each in found if each.code == "LIF010"]
    assert problem.message == (
        "acme/tiny was deleted: it was published on 2026-01-02, and only within 72h may that be undone"
    )


def test_a_date_in_the_future_opens_no_window(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    folder = registry()
    base = commit(folder, release("1.0.1"), date="2036-01-03T00:00:00Z")
    commit(folder, {f"{TINY}/1.0.1.yaml": None})
    assert codes(between(folder, base)) == {"IMM003", "LIF010"}


def test_the_window_of_the_policy_counts(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    folder = registry({"policy.yaml": "version: 1\nclocks: {undo: 1h}\n"})
    base = commit(folder, {})
    commit(folder, {**GONE, "policy.yaml": "version: 1\nclocks: {undo: 999d}\n"})
    assert codes(between(folder, base)) == {"IMM003", "LIF010"}


@pytest.mark.parametrize(
    "referring",
    [
        {"consumers/desk.yaml": "title: Desk\npins: [{model: acme/tiny, version: 1.0.0}]\n"},
        {"models/llm/acme/large/model.yaml": MODEL + "base_models: [acme/tiny]\n"},
        {"removed/acme/older.yaml": "type: llm\nreason: x\nsince: 2025-12-30\nsuccessor: acme/tiny\n"},
    ],
)
def test_what_is_in_use_is_not_simply_undone(
    registry: Callable[..., Path], commit: Callable[..., str], referring: dict[str, str]
) -> None:
    folder = registry({**referring, "models/llm/acme/large/1.0.0.yaml": FIRST.replace("4096", "4097")})
    base = commit(folder, {})
    commit(folder, GONE)
    found = between(folder, base)
    assert codes(found) == {"IMM003", "LIF010"}
    assert [each.message for each in found if each.code == "LIF010"] == [
        f"acme/tiny was deleted: {next(iter(referring))} refers to it"
    ]


def test_a_pin_counts_even_if_the_same_pull_request_drops_it(
    registry: Callable[..., Path], commit: Callable[..., str]
) -> None:
    folder = registry({"consumers/desk.yaml": "title: Desk\npins: [{model: acme/tiny, version: 1.0.0}]\n"})
    base = commit(folder, {})
    commit(folder, {**GONE, "consumers/desk.yaml": "title: Desk\n"})
    assert codes(between(folder, base)) == {"IMM003", "LIF010"}


def test_a_pin_of_an_earlier_id_counts(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    folder = registry(
        {
            f"{TINY}/model.yaml": MODEL + "aliases: [acme/older]\n",
            "consumers/desk.yaml": "title: Desk\npins: [{model: acme/older}]\n",
        }
    )
    base = commit(folder, {})
    commit(folder, GONE)
    assert codes(between(folder, base)) == {"IMM003", "LIF010"}


def test_a_quarantine_cannot_be_undone_away(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    folder = registry()
    base = commit(folder, release("1.0.1", f"{FIRST}status: quarantined\nreason: Stolen.\n"))
    commit(folder, {f"{TINY}/1.0.1.yaml": None})
    assert codes(between(folder, base)) == {"IMM003", "LIF010"}


def test_an_edit_of_a_model_touches_no_release() -> None:
    assert immutable({}, model(summary="Other words.")) == set()
