"""Ids, licences and words that others rely on."""

from __future__ import annotations

import pytest

import crossed
from conftest import MINIMAL
from galleryctl.checks.licences import unlisted
from judged import TINY, other
from test_immutable import DIGEST, GONE, moved
from test_released import FIRST, MODEL, release, tombstone, variant, written

TAXONOMY = MINIMAL["taxonomy.yaml"] or ""


# -- ids


def test_a_rename_keeps_the_old_id() -> None:
    assert crossed.messages({}, moved(), "IDN006") == []
    (problem,) = crossed.problems({}, moved(extra=""), "IDN006")
    assert problem.path == "registry/models/llm/acme/tiny-chat/model.yaml"
    assert problem.message == f"acme/tiny-chat has the files of acme/tiny ({TINY}/model.yaml of base), which is gone"


def test_weights_tell_a_rename_whose_release_was_written_anew() -> None:
    changed = {"models/llm/acme/tiny-chat/1.0.0.yaml": f"# moved\n{FIRST}"}
    assert len(crossed.messages({}, moved(extra="") | changed, "IDN006")) == 1
    others = {"models/llm/acme/tiny-chat/1.0.0.yaml": FIRST[:-65] + DIGEST + "\n"}
    assert crossed.messages({}, moved(extra="") | others, "IDN006") == []


def test_a_copy_is_no_rename_and_neither_is_a_removal_with_a_successor() -> None:
    copy = {path: text for path, text in moved(extra="").items() if path not in GONE}
    assert crossed.messages({}, copy, "IDN006") == []
    assert crossed.messages({}, moved(extra="") | tombstone("1.0.0", whole=True), "IDN006") == []


def test_the_type_of_a_model_cannot_change() -> None:
    folder = "models/audio/acme/tiny"
    release = FIRST.replace("  context_length: 4096\n", "").replace("abilities: [chat]", "abilities: [tts]")
    merged = GONE | {f"{folder}/model.yaml": MODEL, f"{folder}/1.0.0.yaml": release}
    (message,) = crossed.messages({}, merged, "IDN006")
    assert message == f"acme/tiny moved from {TINY} to {folder}: its type cannot change"


def test_an_earlier_id_stays_an_alias() -> None:
    base = {f"{TINY}/model.yaml": MODEL + "aliases: [acme/older]\n"}
    (message,) = crossed.messages(base, {f"{TINY}/model.yaml": MODEL}, "IDN006")
    assert message == f"acme/tiny was also known as acme/older ({TINY}/model.yaml of base), and no model is any more"
    assert len(crossed.messages(base, moved(), "IDN006")) == 1
    assert crossed.messages(base, moved(extra="aliases: [acme/tiny, acme/older]\n"), "IDN006") == []


def test_an_alias_may_become_an_id_again() -> None:
    folder = "models/llm/acme/older"
    base = {f"{TINY}/model.yaml": MODEL + "aliases: [acme/older]\n"}
    back = GONE | {f"{folder}/model.yaml": MODEL + "aliases: [acme/tiny]\n", f"{folder}/1.0.0.yaml": FIRST}
    assert crossed.codes(base, back).isdisjoint({"IDN006", "IMM003"})


# -- licences


@pytest.mark.parametrize(
    ("expression", "lacking"),
    [
        ("MIT", ()),
        ("mit", ()),
        ("BSD-3-Clause", ("BSD-3-Clause",)),
        ("MIT OR BSD-3-Clause", ()),
        ("BSD-3-Clause OR GPL-2.0-only", ("BSD-3-Clause", "GPL-2.0-only")),
        ("MIT AND BSD-3-Clause", ("BSD-3-Clause",)),
        ("MIT AND (BSD-3-Clause OR Apache-2.0)", ()),
        ("GPL-3.0-only WITH Classpath-exception-2.0", ("GPL-3.0-only",)),
        ("Apache-2.0 WITH LLVM-exception", ()),
        ("Apache-2.0+", ()),
        ("LicenseRef-Acme", ()),
        ("LicenseRef-Eve", ("LicenseRef-Eve",)),
        ("MIT AND LicenseRef-Eve", ("LicenseRef-Eve",)),
        ("MIT AND LicenseRef-Acme", ()),
        ("other", ()),
        ("nonsense AND (", ()),
        ("(" * 400, ()),
    ],
)
def test_licences_that_a_list_lacks(expression: str, lacking: tuple[str, ...]) -> None:
    assert unlisted(expression, {"MIT", "Apache-2.0", "LicenseRef-Acme"}) == lacking


BSD = {f"{TINY}/model.yaml": MODEL.replace("Apache-2.0", "BSD-3-Clause")}
LISTED = {"taxonomy.yaml": TAXONOMY + "  BSD-3-Clause: {label: BSD, commercial: allowed}\n"}


def test_the_list_of_base_counts() -> None:
    assert len(crossed.messages({}, BSD, "LIC004")) == 1
    assert len(crossed.messages({}, BSD | LISTED, "LIC004")) == 1
    assert crossed.messages(LISTED, BSD, "LIC004") == []
    assert crossed.messages({"taxonomy.yaml": None}, BSD, "LIC004") == []


def test_a_licence_that_was_there_before_is_told_with_the_next_release() -> None:
    edited = {path: (text or "").replace("Tiny", "Tiny!") for path, text in BSD.items()}
    assert crossed.messages(BSD, edited, "LIC004") == []
    assert len(crossed.messages(BSD, release("1.1.0"), "LIC004")) == 1


def test_the_licence_of_a_variant_counts() -> None:
    (problem,) = crossed.problems({}, written("1.1.0", variants=[variant(license="BSD-3-Clause")]), "LIC004")
    assert problem.path == f"registry/{TINY}/1.1.0.json"
    assert problem.line > 1


def test_another_licence_of_a_model_with_releases() -> None:
    (problem,) = crossed.problems({}, {f"{TINY}/model.yaml": MODEL.replace("Apache-2.0", "MIT")}, "LIC005")
    assert problem.severity == "warn"
    assert crossed.messages({}, other("acme/other", "license_url: https://a.example"), "LIC005") == []


# -- words


def without(line: str, *, instead: str = "") -> dict[str, str | None]:
    assert line in TAXONOMY
    return {"taxonomy.yaml": TAXONOMY.replace(line, instead)}


CHAT = "      chat: {label: Chat, aliases: [chats]}\n"


def test_a_word_that_models_use_cannot_go() -> None:
    (problem,) = crossed.problems({}, without(CHAT), "TAX005")
    assert problem.message == "`chat` is gone from dimensions.ability.values, and 1 model uses it: acme/tiny"
    assert (problem.path, problem.line) == ("registry/taxonomy.yaml", 4)
    assert (
        crossed.messages({}, {**without(CHAT), f"{TINY}/model.yaml": MODEL.replace("chat]", "reasoning]")}, "TAX005")
        == []
    )


@pytest.mark.parametrize(
    "merged",
    [
        without("      reasoning: {label: Reasoning}\n"),  # nobody uses it
        without("chats]", instead="talk]"),  # an alias that nobody uses
        without(CHAT, instead="      talk: {label: Talk, aliases: [chat]}\n"),
        {"taxonomy.yaml": TAXONOMY.replace("licenses", "categories: {title: C, values: {x: {label: X}}}\nlicenses")},
        {"taxonomy.yaml": "dimensions: ["},  # another rule tells it
        {"taxonomy.yaml": "dimensions: 3\n"},
    ],
)
def test_words_that_may_go(merged: crossed.Files) -> None:
    assert crossed.messages({}, merged, "TAX005") == []


@pytest.mark.parametrize("merged", [{"taxonomy.yaml": None}, {"taxonomy.yaml": "licenses: {}\n"}])
def test_all_words_gone_at_once(merged: crossed.Files) -> None:
    assert len(crossed.messages({}, merged, "TAX005")) == 1


def test_words_of_releases_count() -> None:
    words = "frameworks: {title: F, values: {pytorch: {label: P}}}\nscenes: {title: S, values: {ocr: {label: O}}}\n"
    base = {"taxonomy.yaml": TAXONOMY + words}
    used = written("1.1.0", environment={"framework": "pytorch"}, origin={"kind": "automl", "scene": "ocr"})
    found = crossed.messages({**base, **used}, {"taxonomy.yaml": TAXONOMY}, "TAX005")
    assert found == [
        "`ocr` is gone from scenes.values, and 1 model uses it: acme/tiny",
        "`pytorch` is gone from frameworks.values, and 1 model uses it: acme/tiny",
    ]
    assert crossed.messages(base, {"taxonomy.yaml": TAXONOMY}, "TAX005") == []
