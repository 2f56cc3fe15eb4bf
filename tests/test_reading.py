"""Folders → definitions: one broken file hides only itself, and nothing is silently left out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import MINIMAL
from fakes import MemoryTree
from galleryctl import checks, document, layout, schemas
from galleryctl.checks import Reading, fields, near
from galleryctl.checks.rule import Context
from galleryctl.problems import Severity
from galleryctl.spec import Model, Policy, Publisher, Release, Roles, Settings, Taxonomy

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "registry/models/llm/acme/tiny/"
FILES = {name.removeprefix("models/llm/acme/tiny/"): text or "" for name, text in MINIMAL.items() if "/tiny/" in name}
CONTEXT = Context(
    Settings(title="Test"),
    Roles(),
    Policy(),
    Taxonomy(),
    schemas.types(MemoryTree({})),
    schemas.runtimes(MemoryTree({})),
    {},
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
)


def read(files: Mapping[str, str | bytes], kind: str = "llm", modes: Mapping[str, str] | None = None) -> Reading:
    root = ROOT.replace("llm", kind)
    tree = MemoryTree(
        {root + name: data for name, data in files.items()}, {root + name: mode for name, mode in (modes or {}).items()}
    )
    entries = {path.removeprefix(root): entry for path, entry in tree.entries().items()}
    place = layout.Place("model", type=kind, publisher="acme", name="tiny")
    return checks.definition(tree, "registry", place, entries, CONTEXT)


def told(reading: Reading) -> list[str]:
    return [f"{problem.path.removeprefix(ROOT)}:{problem.line} {problem.code}" for problem in reading.problems]


def test_a_good_folder_is_a_subject() -> None:
    found = read({**FILES, "README.zh.md": "# 小\n", "cover.webp": b"RIFF", "1.0.0.jinja": "{{ messages }}"})
    assert found.problems == ()
    assert found.subject is not None
    assert found.definition is not None
    assert found.definition.model.title == "Tiny"
    assert list(found.definition.releases) == ["1.0.0"]
    assert sorted(found.cards) == ["en", "zh"]
    assert sorted(found.subject.texts) == ["1.0.0.jinja", "README.md", "README.zh.md"]
    assert found.subject.blobs == {"cover.webp": b"RIFF"}
    assert found.subject.model_file == "models/llm/acme/tiny/model.yaml"


def test_a_broken_release_hides_only_itself() -> None:
    found = read({**FILES, "1.1.0.yaml": "notes: [\n", "1.2.0.yaml": "variants: 1\n", "1.3.0.yaml": "notes: Fine.\n"})
    assert told(found) == ["1.1.0.yaml:2 YML001", "1.2.0.yaml:1 SCH003"]
    assert found.definition is not None
    assert sorted(found.definition.releases) == ["1.0.0", "1.3.0"]


def test_without_a_model_the_releases_are_still_checked() -> None:
    found = read({**FILES, "model.yaml": "title: [\n", "1.0.0.yaml": "note: x\n"})
    assert told(found) == ["1.0.0.yaml:1 SCH001", "model.yaml:2 YML001"]
    assert found.subject is None


def test_an_unknown_type_gives_no_subject() -> None:
    assert read(FILES, "llms").subject is None


def test_unknown_fields_do_not_hide_the_others() -> None:
    found = read({**FILES, "model.yaml": "title: Tiny\nsumary: x\nlicens: MIT\n"})
    assert told(found) == ["model.yaml:2 SCH001", "model.yaml:3 SCH001"]
    assert found.definition is not None
    assert found.definition.model.title == "Tiny"


def test_parts_of_a_block_that_do_not_fit_are_not_seen_by_other_rules() -> None:
    text = "spec: {abilities: chat, languages: [en]}\nruntimes: {localai: {name: 1}, vllm: {name: x}, other: {}}\n"
    found = read({**FILES, "1.0.0.yaml": text})
    assert told(found) == ["1.0.0.yaml:1 SCH005", "1.0.0.yaml:2 YML007", "1.0.0.yaml:2 SCH006"]
    assert found.definition is not None
    release = found.definition.releases["1.0.0"]
    assert release.spec == {"languages": ["en"]}
    assert release.runtimes == {"vllm": {"name": "x"}}


def test_links_and_programs_are_not_read() -> None:
    found = read(FILES, modes={"1.0.0.yaml": "120000", "README.md": "160000"})
    assert found.definition is not None
    assert found.definition.releases == {}
    assert found.cards == {}


def test_a_file_too_large_is_told_and_not_read() -> None:
    found = read({**FILES, "1.0.0.yaml": "notes: " + "x" * 2_000_000 + "\n"})
    assert told(found) == ["1.0.0.yaml:1 YML011"]


def test_json_and_yaml_are_typed_alike() -> None:
    found = read({**FILES, "model.yaml": '{"title": "Tiny", "sumary": 1}\n'})
    other = read(
        {name: text for name, text in FILES.items() if name != "model.yaml"}
        | {"model.json": '{"title": "Tiny", "sumary": 1}\n'}
    )
    assert [(problem.code, problem.column) for problem in found.problems] == [
        (problem.code, problem.column) for problem in other.problems
    ]
    assert other.subject is not None
    assert other.subject.model_file.endswith("model.json")


def test_policy_decides_about_severity() -> None:
    policy = Policy(severities={"SCH": "note", "SCH001": "off", "YML002": "off", "TXT": "warn"})
    assert checks.severity_of("SCH001", policy) is None
    assert checks.severity_of("SCH002", policy) is Severity.NOTE
    assert checks.severity_of("YML002", policy) is Severity.ERROR, "fixed"
    assert checks.severity_of("TXT005", policy) is Severity.WARN
    assert checks.severity_of("TXT001", policy) is Severity.ERROR, "fixed"
    assert checks.severity_of("YML013", policy) is Severity.WARN


def test_files_beside_the_models_are_typed() -> None:
    tree = MemoryTree({"registry/publishers/acme.yaml": "title: Acme\nmaintainer: [ada]\n"})
    value, parsed, problems = checks.typed("registry/publishers/acme.yaml", tree, Publisher, Policy())
    assert value == Publisher(title="Acme")
    assert parsed is not None
    assert [(problem.code, problem.line, problem.fix) for problem in problems] == [("SCH001", 2, "write `maintainers`")]


WRONG = [
    ("title: 1", "YML007"), ("title: {en: 1}", "YML007"), ("title: [a]", "SCH003"), ("title: {en: [a]}", "SCH003"),
    ("tags: chat", "SCH003"), ("tags: [[a]]", "SCH003"), ("tags: {a: b}", "SCH003"), ("links: x", "SCH003"),
    ("links: {a: {b: c}}", "SCH003"), ("links: {a: 1}", "YML007"), ("links: {a: [1]}", "YML007"),
    ("listed: 'true'", "SCH003"),
    ("listed: yes", "YML006"), ("expires: soon", "SCH003"), ("expires: 20260101", "SCH003"),
    ("expires: '20260101'", "SCH003"),
    ("expires: 2026-01-01T10:00:00Z", "YML009"), ("terms: [a]", "SCH003"), ("terms: {free_days: '3'}", "YML008"),
    ("terms: {free_days: 1.5}", "SCH003"), ("agreements: {publishing: true}", "SCH003"),
    ("title: 2024-01-01", "YML009"),
    ("status: Active", "SCH003"), ("base_models: [Qwen]", "SCH003"), ("upstream: [{repo: a/b}]", "SCH002"),
    ("readme: {source: no}", "YML006"), ("featured: maybe", "SCH003"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code"), WRONG)
def test_what_does_not_fit_is_told_in_words_for_people(line: str, code: str) -> None:
    text = f"{line}\n" if line.startswith("title") else f"title: Tiny\n{line}\n"
    found = [problem for problem in read({**FILES, "model.yaml": text}).problems if problem.code != "TXT007"]
    assert code in {problem.code for problem in found}
    for problem in found:
        assert problem.fix
        assert not any(
            word in problem.message.lower() for word in ("pydantic", "input should", "validation", "type=", "str")
        )


def test_dates_are_dates() -> None:
    """Pydantic takes a text of digits for seconds since 1970, which nobody means."""
    found = read({**FILES, "model.yaml": "title: Tiny\nexpires: '20260101'\n"})
    assert [problem.code for problem in found.problems] == ["SCH003"]


def test_fields_and_their_homes() -> None:
    assert fields.meant(Release, ("variants", 0, "files", "Q8_0", 0, "as")) == (str,)
    assert fields.siblings(Model, ("terms", "x")) == ("price", "edition", "free_days", "effective_from")
    assert fields.is_date(Release, ("metrics", 3, "date"))
    assert not fields.is_date(Model, ("aliases", 0))
    assert fields.homes()["quantizations"][0] == "variants[]"
    assert fields.homes()["notes"] == ("the release",)


NEAR = [
    ("sumary", "summary", 1),
    ("summray", "summary", 1),
    ("a", "a", 0),
    ("ab", "ba", 1),
    ("abc", "xyz", 3),
    ("", "abcd", 3),
]


@pytest.mark.parametrize(("one", "other", "far"), NEAR)
def test_distances(one: str, other: str, far: int) -> None:
    assert near.distance(one, other) == near.distance(other, one) == far


def test_only_one_near_word_is_sure() -> None:
    assert near.sure("licens", ["license", "links"]) == "license"
    assert near.sure("tag", ["tags", "tar"]) is None
    assert near.guess("langauge", ["languages", "title"]) == "languages"
    assert near.guess("zzz", ["languages"]) is None


VALUES: Any = st.recursive(
    st.sampled_from(
        [True, 0, -1, 1.5, "", "x", "no", "../x", "8GiB", "1.0.0", "2025-01-01", "\u202e", "{quantization}", "{% if"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "path", "en"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(list(fields.names(Model))), VALUES, max_size=4),
    st.dictionaries(st.sampled_from(list(fields.names(Release))), VALUES, max_size=4),
)
def test_any_values_give_a_subject_or_an_error(model: dict[str, Any], release: dict[str, Any]) -> None:
    texts = {"model.yaml": document.dump({"title": "Tiny"} | model), "1.0.0.yaml": document.dump(release)}
    found = read({**FILES, **texts})
    problems = list(found.problems)
    if found.subject is None:
        assert any(problem.severity is Severity.ERROR for problem in problems)
    else:
        problems += checks.entry_rules(found.subject, "registry")
        hidden = {"1.0.0"} - found.subject.definition.releases.keys()
        assert not hidden or any(problem.path.endswith("1.0.0.yaml") for problem in problems)
    assert all(problem.line > 0 and problem.column > 0 and problem.message for problem in problems)
