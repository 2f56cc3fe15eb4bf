"""Releases and edits: what changes, what stays, what is refused."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git, write
from galleryctl import authoring, loading
from galleryctl.authoring.numbering import raised
from galleryctl.errors import UsageError
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files
    from galleryctl.problems import Problem

    Make = Callable[..., Path]
    Commit = Callable[..., str]

NOW = dt.datetime(2026, 11, 21, 15, 30, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"


def problems(registry: Path) -> tuple[Problem, ...]:
    return loading.load(registry.parent, registry.name, now=NOW).problems


def errors(registry: Path) -> list[str]:
    return [problem.code for problem in problems(registry) if problem.severity is Severity.ERROR]


def read(registry: Path, path: str) -> str:
    return (registry / path).read_bytes().decode()


# -- release

BEGUN = """\
# made by hand
notes: First.  # says little
released: "2025-05-01T08:00:00Z"
status: deprecated
reason: Old.
spec: {context_length: 4096}   # native
variants:
  - format: pytorch
    sources:
      huggingface: {repo: acme/tiny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
"""


def test_release_copies_the_newest_and_keeps_comments(registry: Make) -> None:
    folder = registry(
        {f"{TINY}/1.10.0.yaml": BEGUN, f"{TINY}/1.10.0.jinja": "{{ messages }}", f"{TINY}/1.9.0.yaml": BEGUN}
    )
    made = authoring.release(folder, "acme/tiny", now=NOW, notes="Better: faster.")
    assert (made.version, made.copied) == ("1.10.1", "1.10.0")
    assert made.paths == (f"registry/{TINY}/1.10.1.yaml", f"registry/{TINY}/1.10.1.jinja")
    assert (
        read(folder, f"{TINY}/1.10.1.yaml")
        == """\
# made by hand
notes: "Better: faster."  # says little
released: "2026-11-21T15:30:00Z"
spec: {context_length: 4096}   # native
variants:
  - format: pytorch
    sources:
      huggingface: {repo: acme/tiny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
"""
    )
    assert read(folder, f"{TINY}/1.10.1.jinja") == "{{ messages }}"
    assert read(folder, f"{TINY}/1.10.0.yaml") == BEGUN


def test_release_without_notes_has_none(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    authoring.release(folder, "acme/tiny", now=NOW)
    assert "notes" not in read(folder, f"{TINY}/1.0.1.yaml")


def test_release_of_a_json_file_stays_json(registry: Make) -> None:
    text = '{\n  "notes": "First.",\n  "spec": {"context_length": 4096}\n}\n'
    folder = registry({f"{TINY}/1.0.0.yaml": None, f"{TINY}/1.0.0.json": text})
    authoring.release(folder, "acme/tiny", now=NOW, bump="major", notes="Second.")
    assert json.loads(read(folder, f"{TINY}/2.0.0.json")) == {
        "notes": "Second.",
        "released": "2026-11-21T15:30:00Z",
        "spec": {"context_length": 4096},
    }


REMOVED = "type: llm\nreason: Broken.\nsince: 2025-06-01\nreleases: [1.2.0]\nwhole: false\n"


@pytest.mark.parametrize(("bump", "version"), [("patch", "1.2.1"), ("minor", "1.3.0"), ("major", "2.0.0")])
def test_release_counts_removed_versions(registry: Make, bump: authoring.Part, version: str) -> None:
    release = MINIMAL[f"{TINY}/1.0.0.yaml"]
    folder = registry({f"{TINY}/1.1.0.yaml": release, "removed/acme/tiny.yaml": REMOVED})
    assert authoring.release(folder, "acme/tiny", now=NOW, bump=bump).version == version


@pytest.mark.parametrize(
    ("identifier", "version", "said"),
    [
        ("acme/tiny", "1.0.0", "1.0.0 was used before; the next are 1.2.1, 1.3.0, 2.0.0"),
        ("acme/tiny", "1.2.0", "was used before"),
        ("acme/tiny", "1.1.9", "is not above 1.2.0"),
        ("acme/tiny", "v2", "is no version"),
        ("acme/tiny", "2.0.00", "is no version"),
        ("acme/tyni", "2.0.0", "there is no model acme/tyni; did you mean acme/tiny"),
    ],
)
def test_release_refuses_used_and_lower_numbers(registry: Make, identifier: str, version: str, said: str) -> None:
    folder = registry({"removed/acme/tiny.yaml": REMOVED})
    with pytest.raises(UsageError) as refused:
        authoring.release(folder, identifier, now=NOW, version=version)
    assert said in str(refused.value)
    assert git(folder, "status", "--porcelain") == ""


def test_release_overwrites_nothing_that_git_ignores(registry: Make) -> None:
    folder = registry()
    write(folder.parent, {".gitignore": "1.0.1.yaml\n"})
    write(folder, {f"{TINY}/1.0.1.yaml": "mine"})
    with pytest.raises(UsageError, match="there already"):
        authoring.release(folder, "acme/tiny", now=NOW)
    assert read(folder, f"{TINY}/1.0.1.yaml") == "mine"


def test_raised() -> None:
    assert [raised("1.4.9", part) for part in authoring.PARTS] == ["1.4.10", "1.5.0", "2.0.0"]


# -- edit

MODEL = """\
# who and what
title: Tiny          # short
summary: A small chat model for tests.
license: Apache-2.0
tags: [chat]
links: {repository: https://huggingface.co/acme/tiny}   # where
"""


def edited(registry: Path, *assignments: str, target: str = "acme/tiny") -> str:
    """The model file after an edit that must succeed."""
    made = authoring.edit(registry, target, assignments, now=NOW)
    assert made.problems == ()
    assert made.changes
    return read(registry, made.path.removeprefix("registry/"))


@pytest.mark.parametrize(
    ("assignment", "before", "after"),
    [
        ("title=Tiny 2", "title: Tiny          # short", "title: Tiny 2          # short"),
        ("title=2", "title: Tiny ", 'title: "2" '),
        ("summary=Small: it is [very] small.", "A small chat model for tests.", '"Small: it is [very] small."'),
        ("summary=true", "summary: A small chat model for tests.", 'summary: "true"'),
        ("tags+=reasoning", "[chat]", "[chat, reasoning]"),
        ("tags=[reasoning, chat]", "[chat]", "[reasoning, chat]"),
        ("tags-=chat", "tags: [chat]\n", ""),
        ("links.paper=https://arxiv.org/abs/1", "tiny}", "tiny, paper: https://arxiv.org/abs/1}"),
        ("links.homepage=", "", ""),
        ("license=MIT", "license: Apache-2.0", "license: MIT"),
        ("visibility=public", "tags: [chat]\n", "tags: [chat]\n"),
        ("terms.free_days=30", "# where\n", "# where\nterms: {free_days: 30}\n"),
        ("featured=true", "# where\n", "# where\nfeatured: true\n"),
        ("expires=2027-01-31", "# where\n", '# where\nexpires: "2027-01-31"\n'),
        ("categories=", "", ""),
    ],
)
def test_edit_moves_only_what_it_changes(registry: Make, assignment: str, before: str, after: str) -> None:
    folder = registry({f"{TINY}/model.yaml": MODEL})
    made = authoring.edit(folder, "acme/tiny", [assignment], now=NOW)
    assert made.problems == ()
    text = read(folder, f"{TINY}/model.yaml")
    if assignment.startswith("visibility"):
        assert set(text.splitlines()) - set(MODEL.splitlines()) == {"visibility: public"}
    elif assignment.startswith("expires"):
        assert text.replace('"', "") == MODEL.replace(before, after).replace('"', "")
    else:
        assert text == MODEL.replace(before, after, 1)
    assert errors(folder) == []


def test_edit_says_what_changed(registry: Make) -> None:
    made = authoring.edit(registry(), "acme/tiny", ["title=Two", "tags+=reasoning", "license=Apache-2.0"], now=NOW)
    assert made.path == f"registry/{TINY}/model.yaml"
    assert [tuple(change) for change in made.changes] == [
        ("title", "Tiny", "Two"),
        ("tags", ["chat"], ["chat", "reasoning"]),
    ]


def test_edit_that_changes_nothing_writes_nothing(registry: Make) -> None:
    folder = registry()
    assert authoring.edit(folder, "acme/tiny", ["title=Tiny", "tags+=chat"], now=NOW).changes == ()
    assert git(folder, "status", "--porcelain") == ""


def test_edit_turns_a_text_into_a_map_by_language(registry: Make) -> None:
    gallery = "title: Test gallery\nlanguages: [en, zh]\n"
    folder = registry({"gallery.yaml": gallery})
    assert "title: {en: Tiny, zh: 小模型}\n" in edited(folder, "title.zh=小模型")
    assert "title: {en: Small, zh: 小模型}\n" in edited(folder, "title.en=Small")


@pytest.mark.parametrize(
    ("target", "assignment", "said"),
    [
        (
            "acme/tiny",
            "listed=false",
            'listed is not edited, as it goes with a reason: galleryctl withdraw acme/tiny --reason "…"',
        ),
        ("acme/tiny", "listed=true", "galleryctl deploy acme/tiny"),
        ("acme/tiny", "status=deprecated", "status is not edited, as it goes with a reason: galleryctl deprecate acme"),
        ("acme/tiny", "status=", "galleryctl reinstate acme/tiny"),
        ("acme/tiny@1.0.0", "status=quarantined", "galleryctl quarantine acme/tiny@1.0.0 --reason"),
        ("acme/tiny", "sumary=x", "there is no field sumary; did you mean summary?"),
        ("acme/tiny", "terms.fee=1", "there is no field fee in terms"),
        ("acme/tiny", "spec.context_length=1", "galleryctl edit acme/tiny@VERSION spec.context_length=…"),
        ("acme/tiny", "titel", "'titel' is no assignment"),
        ("acme/tiny", "title+=x", "title is no list"),
        ("acme/tiny", "tags-=reasoning", "tags does not have reasoning; it has chat"),
        ("acme/tiny", "tags+=", "tags+= needs a value"),
        ("acme/tiny", "featured={a", "the value of featured cannot be read"),
        ("acme/tiny@9.0.0", "notes=x", "acme/tiny has no release 9.0.0; it has 1.0.0"),
        ("acme/none", "title=x", "there is no model acme/none"),
        (
            "acme/tiny@1.0.0",
            "spec.context_length=8192",
            "make a new release: galleryctl release acme/tiny --bump patch",
        ),
        ("acme/tiny@1.0.0", "variants.0.format=gguf", "acme/tiny 1.0.0 is released, so its variants cannot change"),
    ],
)
def test_edit_refuses(registry: Make, target: str, assignment: str, said: str) -> None:
    folder = registry()
    with pytest.raises(UsageError) as refused:
        authoring.edit(folder, target, [assignment], now=NOW)
    assert said in str(refused.value)
    assert git(folder, "status", "--porcelain") == ""


def test_edit_opens_notes_and_reason_of_a_published_release(registry: Make) -> None:
    text = edited(registry(), "notes=Second thoughts.", target="acme/tiny@1.0.0")
    assert text == (MINIMAL[f"{TINY}/1.0.0.yaml"] or "").replace("First release.", "Second thoughts.")


def test_edit_changes_everything_in_a_release_that_is_not_committed(registry: Make) -> None:
    folder = registry()
    made = authoring.release(folder, "acme/tiny", now=NOW)
    target = f"acme/tiny@{made.version}"
    assert "context_length: 8192" in edited(folder, "spec.context_length=8192", target=target)
    assert 'languages: [en, "no"]' in edited(folder, "spec.languages+=no", target=target)
    assert "engines: [transformers, vllm]" in edited(folder, "variants.0.engines+=vllm", target=target)
    assert "llama.cpp:" in edited(folder, "runtimes.llama.cpp.name=tiny-1b", target=target)


def test_edit_that_breaks_the_file_is_refused(registry: Make) -> None:
    folder = registry()
    made = authoring.edit(folder, "acme/tiny", ["license=apache two", "title=Better"], now=NOW)
    assert {problem.code for problem in made.problems} == {"LIC002"}
    assert all(problem.path == f"registry/{TINY}/model.yaml" for problem in made.problems)
    assert git(folder, "status", "--porcelain") == ""


def test_edit_sees_the_whole_gallery(registry: Make) -> None:
    folder = registry()
    made = authoring.edit(folder, "acme/tiny", ["successor=acme/none"], now=NOW)
    assert {problem.code for problem in made.problems} == {"REF001"}


def test_edit_of_a_file_that_has_errors_may_mend_them_one_by_one(registry: Make) -> None:
    files: Files = {f"{TINY}/model.yaml": "title: Tiny\nlicense: apache two\ntags: [nonsense]\n"}
    folder = registry(files)
    assert "summary: Better.\n" in edited(folder, "summary=Better.")
    assert "license: MIT\n" in edited(folder, "license=MIT")


def test_edit_keeps_json(registry: Make) -> None:
    text = '{\n  "title": "Tiny",\n  "summary": "A small one.",\n  "license": "MIT"\n}\n'
    folder = registry({f"{TINY}/model.yaml": None, f"{TINY}/model.json": text})
    assert json.loads(edited(folder, "tags+=chat"))["tags"] == ["chat"]


def test_edit_outside_git(tmp_path: Path) -> None:
    write(tmp_path / "registry", MINIMAL)
    assert "context_length: 8192" in edited(tmp_path / "registry", "spec.context_length=8192", target="acme/tiny@1.0.0")


def test_a_broken_file_is_named(registry: Make) -> None:
    folder = registry({f"{TINY}/model.yaml": "title: [\n"})
    with pytest.raises(UsageError, match=r"registry/models/llm/acme/tiny/model\.yaml:.*YML001.*mend it first"):
        authoring.edit(folder, "acme/tiny", ["title=x"], now=NOW)


def test_a_folder_that_is_no_registry_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="galleryctl init"):
        authoring.edit(tmp_path, "acme/tiny", ["title=x"], now=NOW)
    with pytest.raises(UsageError, match="galleryctl init"):
        authoring.claim(tmp_path, "llm", "acme/tiny", now=NOW)
