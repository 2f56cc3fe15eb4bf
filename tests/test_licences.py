"""Expressions of licences: what is spelled wrong, what is no licence, and what is freer than its base."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import judged
from galleryctl.checks import licences
from galleryctl.spec import Taxonomy
from judged import TINY, model, other

TAXONOMY = Taxonomy.model_validate(
    {
        "licenses": {
            "CC-BY-NC-4.0": {"label": "CC BY-NC 4.0", "commercial": "forbidden"},
            "LicenseRef-Llama-3": {"label": "Llama 3", "commercial": "terms", "url": "https://llama.example/licence"},
            "LicenseRef-Free": {"label": "Free", "commercial": "allowed"},
        }
    }
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("apache 2", "Apache-2.0"),
        ("apache-2", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"),
        ("cc by 4", "CC-BY-4.0"),
        ("mit license", "MIT"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("gpl-3.0+", "GPL-3.0-or-later"),
        ("mit or apache-2.0", "MIT OR Apache-2.0"),
        ("licenseref-Qwen", "LicenseRef-Qwen"),
        ("bsd 3", "BSD-3-Clause"),
    ],
)
def test_known_spellings_are_mended(written: str, meant: str) -> None:
    files = model(license=f"{written}  # as the card says")
    (problem,) = judged.problems(files, "LIC002")
    assert problem.fix == f"write `license: {meant}`"
    assert f"license: {meant}  # as the card says\n" in judged.mended(files, [problem])


@pytest.mark.parametrize(
    "written", ["gpl", "gpl 3", "agpl v3", "inf", "MIT AND", "()", "( AND MIT", "MIT WITH MIT", "🙂"]
)
def test_what_could_be_several_licences_is_not_guessed(written: str) -> None:
    (problem,) = judged.problems(model(license=f'"{written}"'), "LIC002")
    assert problem.edits == ()


@pytest.mark.parametrize(
    "written",
    [
        "MIT",
        "Apache-2.0+",
        "LicenseRef-Qwen",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "(MIT OR Apache-2.0) AND CC-BY-4.0",
        "CC-BY-4.0 AND LicenseRef-Data",
    ],
)
def test_expressions_are_accepted(written: str) -> None:
    assert judged.messages(model(license=written), "LIC002") == []


def test_an_unknown_licence_is_likened_to_the_list_of_the_gallery() -> None:
    taxonomy = {"taxonomy.yaml": "licenses:\n  LicenseRef-Llama-3: {label: Llama 3}\n"}
    (problem,) = judged.problems(taxonomy | model(license="llama3"), "LIC002")
    assert problem.message.endswith("nearest is LicenseRef-Llama-3")
    assert (
        problem.fix
        == "write `license: LicenseRef-Llama-3` if that is meant, else `LicenseRef-llama3` with `license_url`"
    )


def test_a_long_expression_is_not_parsed() -> None:
    (problem,) = judged.problems(model(license='"' + "(" * 20_000 + '"'), "LIC002")
    assert "it has 20000 characters" in problem.message
    assert len(problem.message) < 200


@given(
    st.lists(
        st.sampled_from(["MIT", "gpl", "AND", "OR", "WITH", "(", ")", "+", "LicenseRef-x", "foo", "中"]), max_size=6
    )
)
def test_no_expression_breaks_the_reader(words: list[str]) -> None:
    reading = licences._read(" ".join(words))  # noqa: SLF001 - the function that must not raise
    if reading.spelling:
        assert licences._read(reading.spelling).kind in {"good", "reference"}  # noqa: SLF001 - as above


@pytest.mark.parametrize("written", ["other", "Other", "unknown", "proprietary"])
def test_a_licence_that_says_nothing(written: str) -> None:
    assert judged.messages(model(license=written), "LIC003") == [f"license {written!r} does not say which one"]
    assert judged.messages(model(license=written), "LIC002") == []


def test_a_reference_needs_the_address_of_its_text() -> None:
    assert judged.messages(model(license="LicenseRef-Qwen"), "LIC003") == ["license LicenseRef-Qwen has no license_url"]
    assert judged.messages(model("license_url: https://acme.example/l", license="LicenseRef-Qwen"), "LIC003") == []


def test_a_missing_licence_stands_at_the_file_and_an_empty_one_at_the_field() -> None:
    text = model()[f"{TINY}/model.yaml"].replace("license: Apache-2.0\n", "")
    (absent,) = judged.problems({f"{TINY}/model.yaml": text}, "LIC001")
    (empty,) = judged.problems({f"{TINY}/model.yaml": 'license: " "\n' + text}, "LIC001")
    assert (absent.line, absent.column, empty.line, empty.column) == (1, 1, 1, 10)


@pytest.mark.parametrize(
    ("expression", "rank"),
    [
        ("MIT", 0),
        ("Apache-2.0+", 0),
        ("LGPL-3.0-only", 1),
        ("GPL-3.0-only", 2),
        ("GPL-2.0-only WITH Classpath-exception-2.0", 2),
        ("LicenseRef-Unheard-Of", 3),
        ("LicenseRef-Llama-3", 3),
        ("LicenseRef-Free", 0),
        ("CC-BY-NC-4.0", 4),
        ("CC-BY-NC-SA-3.0", 4),
        ("MIT OR CC-BY-NC-4.0", 0),
        ("MIT AND CC-BY-NC-4.0", 4),
        ("MIT AND (GPL-3.0-only OR CC-BY-NC-4.0)", 2),
        ("apache 2", None),
    ],
)
def test_how_much_a_licence_asks(expression: str, rank: int | None) -> None:
    assert licences._strictness(expression, TAXONOMY) == rank  # noqa: SLF001 - the order is the rule


def test_a_fine_tune_is_not_freer_than_its_base_by_an_earlier_id() -> None:
    base = other("acme/base", "aliases: [acme/old]")
    base = {path: text.replace("Apache-2.0", "CC-BY-NC-4.0") for path, text in base.items()}
    (message,) = judged.messages(base | model(base_models="[acme/old]"), "LIC007")
    assert "freer than CC-BY-NC-4.0 of its base model acme/base" in message
