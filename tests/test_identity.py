"""Names: their form, their owners, and whose they could be taken for."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest

import judged
from galleryctl.checks import identity
from galleryctl.checks.rule import Context, World
from galleryctl.gallery import Gallery
from galleryctl.git import TreeEntry
from galleryctl.spec import Policy, Publisher, Roles, Settings, Taxonomy
from judged import TINY, model, other
from made import NOW, TYPES, entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from galleryctl.gallery import Entry

FILE = TreeEntry("100644", 1, "0" * 40)


def world(entries: Iterable[Entry], publishers: Iterable[str] = ("acme",), **context: Any) -> World:  # noqa: ANN401
    """A world without files but those of models and publishers."""
    found = tuple(entries)
    names = {*publishers, *(item.outline.publisher for item in found)}
    paths = [f"models/{item.outline.type}/{item.id}/model.yaml" for item in found]
    return World(
        Gallery.of(found),
        Context(
            settings=Settings(title="Test"),
            roles=context.pop("roles", Roles()),
            policy=context.pop("policy", Policy()),
            taxonomy=context.pop("taxonomy", Taxonomy()),
            types=TYPES,
            runtimes={},
            publishers={name: Publisher(title=name) for name in names},
            now=NOW,
        ),
        {},
        {},
        {},
        dict.fromkeys([*paths, *(f"publishers/{name}.yaml" for name in names)], FILE),
    )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("qwen3", False),
        ("2.7b", False),
        ("a", False),
        ("a" * 96, False),
        ("a" * 97, True),
        ("Qwen", True),
        ("qwen3:8b", True),
        ("-a", True),
        (".a", True),
        ("a.", True),
        ("a..b", True),
        ("模型", True),
        ("", True),
        ("a\n", True),
    ],
)
def test_names(name: str, wrong: bool) -> None:
    assert bool(identity._wrong(name)) is wrong  # noqa: SLF001 - the form of a name
    if wrong:
        assert identity._wrong(identity._proposal(name)) == ""  # noqa: SLF001 - what is proposed is right


def test_the_newer_of_two_has_to_move() -> None:
    old = entry("acme/ti-ny", added="2025-01-01T00:00:00Z")
    new = entry("acme/ti_ny", added="2025-06-01T00:00:00Z")
    (found,) = identity.same_id(world([new, old]))
    assert found.path == "models/llm/acme/ti_ny/model.yaml"
    (found,) = identity.same_id(world([entry("acme/ti-ny", added="2025-09-01T00:00:00Z"), new]))
    assert found.path == "models/llm/acme/ti-ny/model.yaml"


def test_the_dot_is_not_folded() -> None:
    assert list(identity.same_id(world([entry("acme/2.7b"), entry("acme/27b"), entry("acme/2-7b")]))) == []


def test_one_id_under_two_types_names_the_other_file() -> None:
    (found,) = identity.same_id(
        world([entry("acme/tiny"), entry("acme/tiny", "embedding", added="2025-09-01T00:00:00Z")])
    )
    assert found.path == "models/embedding/acme/tiny/model.yaml"
    assert found.message == "id acme/tiny is taken: models/llm/acme/tiny/model.yaml"


def test_reserved_names_in_any_spelling() -> None:
    policy = Policy.model_validate(
        {"reserved": [{"name": "gallery_ctl", "reason": "Ours."}, {"name": "acme/x", "reason": "No."}]}
    )
    entries = [entry("gallery-ctl/a"), entry("gallery-ctl/b"), entry("acme/X".lower()), entry("other/x")]
    found = list(identity.taken_id(world(entries, policy=policy)))
    assert [(item.path, item.message) for item in found] == [
        ("models/llm/acme/x/model.yaml", "acme/x is reserved: No."),
        ("publishers/gallery-ctl.yaml", "publisher gallery-ctl is reserved: Ours."),
    ]


def test_what_was_removed_in_part_may_go_on() -> None:
    stone = "type: llm\nreason: A mistake.\nsince: 2025-11-20\nreleases: ['0.9.0']\n"
    assert len(judged.messages({"removed/acme/tiny.yaml": stone}, "IDN003")) == 1
    assert judged.messages({"removed/acme/tiny.yaml": stone + "whole: false\n"}, "IDN003") == []


def test_a_relation_explains_a_likeness() -> None:
    old = entry("qwen/falcon2", added="2025-01-01T00:00:00Z")
    assert len(list(identity.look_alike(world([old, entry("acme/falcom2")])))) == 1
    assert list(identity.look_alike(world([old, entry("acme/falcom2", base_models=["qwen/falcon2"])]))) == []
    assert list(identity.look_alike(world([old, entry("qwen/falcom2")]))) == []
    assert list(identity.look_alike(world([old, entry("acme/falcon2")]))) == []


def test_the_older_publisher_keeps_the_name() -> None:
    entries = [entry("qwne/a", added="2025-01-01T00:00:00Z"), entry("qwen/b", added="2025-02-01T00:00:00Z")]
    (found,) = identity.look_alike(world(entries))
    assert found.path == "publishers/qwen.yaml"


def test_same_files_need_a_relation() -> None:
    one = entry("acme/a", added="2025-01-01T00:00:00Z")
    assert [found.path for found in identity.same_bytes(world([one, entry("acme/b")]))] == [
        "models/llm/acme/b/model.yaml"
    ]
    assert list(identity.same_bytes(world([one, entry("acme/b", successor="acme/a")]))) == []
    assert list(identity.same_bytes(world([one, entry("acme/b", releases={})]))) == []


def test_a_title_is_compared_in_every_language() -> None:
    found = judged.messages(other("acme/two", title="{en: Two, zh: TINY}"), "IDN009")
    assert found == ["acme has a model with the title 'Two' already: acme/tiny (models/llm/acme/tiny/model.yaml)"]
    assert judged.messages(other("beta/two", title="Tiny"), "IDN009") == []


def test_aliases_are_ids() -> None:
    found = judged.problems(model("aliases: [acme/two]") | other("acme/two", "aliases: [acme/tiny]"), "IDN005")
    assert [problem.path.removeprefix("registry/") for problem in found] == [
        f"{TINY}/model.yaml",
        "models/llm/acme/two/model.yaml",
    ]


def test_ten_thousand_models_are_judged_quickly() -> None:
    one = entry("acme/tiny")
    outlines = [
        one.outline.model_copy(
            update={"id": f"lab-{index % 300}/model-{index}b", "title": f"Model {index}", "digests": (f"{index:064x}",)}
        )
        for index in range(10_000)
    ]
    many = world(type(one)(outline, b"{}", b"{}", {}) for outline in outlines)
    start = time.perf_counter()
    found = [item for each in identity.RULES if each.gallery for item in each.gallery(many)]
    assert found == []
    assert time.perf_counter() - start < dt.timedelta(seconds=3).total_seconds()
