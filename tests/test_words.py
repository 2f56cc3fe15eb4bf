"""Tags, categories and regions against the taxonomy, and the taxonomy against itself."""

from __future__ import annotations

import pytest

import judged
from judged import model, other

TAXONOMY = {
    "taxonomy.yaml": """\
dimensions:
  ability:
    title: Ability
    values:
      chat: {label: Chat, aliases: [chats, Talk]}
      embedding: {label: Embedding}
  more:
    title: More
    values:
      llm: {label: LLM}
      en: {label: English}
      shared: {label: Shared, aliases: [both]}
      common: {label: Common, aliases: [BOTH]}
categories:
  title: Category
  values:
    text: {label: Text}
"""
}


@pytest.mark.parametrize(
    ("tag", "message", "after"),
    [
        ("chats", "'chats' is another spelling of 'chat'", "tags: [chat]"),
        ("talk", "'talk' is another spelling of 'chat'", "tags: [chat]"),
        ("Chat", "'Chat' is another spelling of 'chat'", "tags: [chat]"),
        ("embeddings", "'embeddings' is not in `dimensions` of taxonomy.yaml; nearest is 'embedding'", None),
        ("both", "'both' is not in `dimensions` of taxonomy.yaml", None),
        ("zzzz", "'zzzz' is not in `dimensions` of taxonomy.yaml", None),
        ("text", "'text' is not in `dimensions` of taxonomy.yaml", None),
    ],
)
def test_unknown_tags(tag: str, message: str, after: str | None) -> None:
    files = model(tags=f"[{tag}]")
    (problem,) = judged.problems(TAXONOMY | files, "TAX001")
    assert problem.message == message
    assert bool(problem.edits) is bool(after)
    if after:
        assert after in judged.mended(files, [problem])


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ("ocr", None),
        ("OCR", "'OCR' is not in `scenes` of taxonomy.yaml; nearest is 'ocr'"),
        ("weather", "'weather' is not in `scenes` of taxonomy.yaml"),
    ],
)
def test_the_scene_of_an_automl_task_is_a_word_of_the_taxonomy(scene: str, message: str | None) -> None:
    scenes = {"taxonomy.yaml": TAXONOMY["taxonomy.yaml"] + "scenes: {title: Scene, values: {ocr: {label: OCR}}}\n"}
    files = judged.release(origin={"kind": "automl", "scene": scene, "task": "receipts"})
    found = [text for text in judged.messages({**scenes, **files}, "TAX001") if "scenes" in text]
    assert found == ([message] if message else [])


def test_an_alias_beside_its_value_goes() -> None:
    files = model(tags="[chat, chats, llm]")
    assert "tags: [chat, llm]" in judged.mended(files, judged.problems(TAXONOMY | files, "TAX001"))


def test_repetitions_are_counted_once_each() -> None:
    found = judged.problems(TAXONOMY | model("categories: [text, text]", tags="[chat, llm, chat, chat]"), "TAX002")
    assert [problem.message for problem in found] == [
        "'chat' stands in `tags` already (tags[0])",
        "'chat' stands in `tags` already (tags[0])",
        "'text' stands in `categories` already (categories[0])",
    ]


@pytest.mark.parametrize("count", [10, 11])
def test_more_than_ten_tags(count: int) -> None:
    tags = ", ".join(f"t{number}" for number in range(count))
    assert len(judged.messages(model(tags=f"[{tags}]"), "TAX002")) == (count > 10)


@pytest.mark.parametrize(
    ("tag", "field"),
    [
        ("llm", "type"),
        ("PyTorch", "format"),
        ("1b", "parameters"),
        ("27b", "parameters"),
        ("apache-2.0", "license"),
        ("en", "languages"),
        ("embedding", None),
        ("chat", None),
    ],
)
def test_tags_that_repeat_a_field(tag: str, field: str | None) -> None:
    expected = [f"tag {tag!r} repeats the {field}"] if field else []
    assert judged.messages(TAXONOMY | model(tags=f"[{tag}]"), "TAX003") == expected


def test_a_taxonomy_that_contradicts_itself() -> None:
    taxonomy = TAXONOMY["taxonomy.yaml"].replace("BOTH", "both").replace("[chats, Talk]", "[embedding]")
    found = judged.problems({"taxonomy.yaml": taxonomy}, "TAX004")
    assert [(problem.line, problem.message) for problem in found] == [
        (5, "alias 'embedding' of 'chat' is a value itself (dimensions.ability.values.embedding)"),
        (13, "alias 'both' of 'common' is also an alias of 'shared'"),
    ]


def test_vocabularies_do_not_disturb_each_other() -> None:
    taxonomy = TAXONOMY["taxonomy.yaml"].replace("{label: Text}", "{label: Text, aliases: [chat]}")
    assert judged.messages({"taxonomy.yaml": taxonomy}, "TAX004") == []


def test_a_taxonomy_that_is_no_taxonomy_is_left_to_the_schema() -> None:
    assert judged.messages({"taxonomy.yaml": "dimensions: [chat]\n"} | other("acme/two"), "TAX004") == []
