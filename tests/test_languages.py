"""Codes of languages, and what was meant by those that are none."""

from __future__ import annotations

import langcodes
import pytest
from hypothesis import given
from hypothesis import strategies as st

import judged
from conftest import MINIMAL
from galleryctl.checks import languages


@pytest.mark.parametrize(
    ("text", "kind", "meant"),
    [
        ("en", "good", "en"),
        ("la", "good", "la"),
        ("tl", "good", "tl"),
        ("zh-Hant-TW", "good", "zh-Hant-TW"),
        ("de-1901", "good", "de-1901"),
        ("x-klingon", "good", "x-klingon"),
        ("EN", "form", "en"),
        ("FR", "form", "fr"),
        ("zh-hans", "form", "zh-Hans"),
        ("pt_BR", "form", "pt-BR"),
        ("JP", "country", "ja"),
        ("KR", "country", "ko"),
        ("kh", "country", "km"),
        ("ph", "country", "fil"),
        ("mm", "country", "my"),
        ("kz", "country", "kk"),
        ("aq", "country", ""),
        ("jp-JP", "country", "ja"),
        ("iw", "deprecated", "he"),
        ("in", "deprecated", "id"),
        ("zh-yue", "deprecated", "yue"),
        ("i-klingon", "deprecated", "tlh"),
        ("eng", "unknown", "en"),
        ("zh-ZH", "unknown", "zh"),
        ("zz", "unknown", ""),
        ("i-nothing", "unknown", ""),
        ("English", "prose", "en"),
        ("multilingual", "prose", ""),
        ("89 languages supported", "prose", ""),
        ("mul", "prose", ""),
        ("", "prose", ""),
    ],
)
def test_what_a_code_is(text: str, kind: str, meant: str) -> None:
    code = languages.read(text)
    assert (code.kind, code.meant) == (kind, meant)


@given(st.text("aeinzjpkUSxi-_01", max_size=12))
def test_what_is_proposed_is_right(text: str) -> None:
    code = languages.read(text)
    if code.meant and code.kind != "prose":
        assert languages.read(code.meant).kind == "good"


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("[th, km, la]", ["'la' is Latin; Laos is the country, its language is 'lo'"]),
        ("[en, la, it]", []),
        ("[th, la, lo]", []),
        ("[en, kr]", ["'kr' is Kanuri; Korea is the country, its language is 'ko'"]),
        ("[kr, ko]", []),
        ("[in]", ["'in' is a deprecated code of Indonesian, and the country India"]),
    ],
)
def test_codes_that_surely_mean_a_country(listed: str, expected: list[str]) -> None:
    found = judged.problems(judged.languages(listed), "LNG002")
    assert [problem.message for problem in found] == expected
    assert [problem.edits for problem in found] == [()] * len(expected)


def test_a_deprecated_code_beside_its_successor_goes() -> None:
    files = judged.languages("[he, iw]")
    assert "languages: [he]\n" in judged.mended(files, judged.problems(files, "LNG002"))


def test_odd_values_are_left_to_the_schema() -> None:
    for listed in ("en", "[1, en]", "{en: zh}"):
        assert judged.messages(judged.languages(listed), "LNG001") == []


def test_a_language_of_the_gallery_counts_in_any_case() -> None:
    settings = f"{MINIMAL['gallery.yaml']}languages: [en, zh-Hans]\n"
    translated = judged.model(title="{en: Tiny, zh-hans: 小型, zh: 小型}")
    (problem,) = judged.problems({"gallery.yaml": settings} | translated, "LNG005")
    assert problem.message == "title in 'zh', which the gallery does not have"


def test_common_codes_are_what_the_library_calls_good() -> None:
    for code in languages.COMMON:
        assert langcodes.tag_is_valid(code)
        assert langcodes.standardize_tag(code) == code
        assert code not in languages.DOUBTS
