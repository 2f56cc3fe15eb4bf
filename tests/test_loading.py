"""A registry read whole: from disk and from git objects, with provenance, and with every problem of a run."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from conftest import MINIMAL, git, write
from galleryctl import loading
from galleryctl.errors import GitError, UsageError
from galleryctl.loading.store import Row, Store

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
Make = Callable[..., Path]


def load(registry: Path, *, revision: str | None = None, jobs: int = 1) -> loading.Loaded:
    return loading.load(registry.parent, registry.name, now=NOW, revision=revision, jobs=jobs)


def twin(name: str) -> dict[str, str]:
    """A second model, like the first."""
    files = {path.replace("/tiny/", f"/{name}/"): text for path, text in MINIMAL.items() if text and "/tiny/" in path}
    return {path: text.replace("title: Tiny", f"title: {name.title()}") for path, text in files.items()}


def test_a_registry_is_loaded_with_its_provenance(registry: Make, commit: Callable[..., str]) -> None:
    root = registry()
    first = load(root).gallery.by_id["acme/tiny"].outline
    commit(
        root,
        {f"{TINY}/README.md": "# Tiny\n"},
        author="Bob",
        date="2026-03-01T00:00:00Z",
    )
    later = load(root).gallery.by_id["acme/tiny"].outline
    assert later.added == first.added
    assert later.by == first.by
    assert later.updated == dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert later.commit == git(root, "rev-parse", "HEAD")
    assert first.updated == first.added


def test_a_model_that_came_back_was_added_when_it_came_back(registry: Make, commit: Callable[..., str]) -> None:
    root = registry({**MINIMAL, **twin("other")})
    gone = dict.fromkeys(twin("other"))
    commit(root, gone, date="2026-03-01T00:00:00Z")
    commit(root, twin("other"), date="2026-04-01T00:00:00Z")
    assert load(root).gallery.by_id["acme/other"].outline.added == dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


def test_a_release_is_dated_by_the_commit_that_brought_it(registry: Make, commit: Callable[..., str]) -> None:
    root = registry()
    release = MINIMAL[f"{TINY}/1.0.0.yaml"]
    commit(root, {f"{TINY}/1.1.0.yaml": release}, date="2026-05-01T00:00:00Z")
    document = load(root).gallery.by_id["acme/tiny"].document()
    assert document.releases["1.1.0"].published == dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    assert document.releases["1.0.0"].published != document.releases["1.1.0"].published


def test_outside_git_everything_works_without_provenance(tmp_path: Path) -> None:
    write(tmp_path / "registry", MINIMAL)
    loaded = load(tmp_path / "registry")
    assert [problem.code for problem in loaded.problems if problem.severity == "error"] == []
    assert loaded.gallery.by_id["acme/tiny"].outline.added is None


def test_a_shallow_clone_is_refused_with_what_to_do(registry: Make, commit: Callable[..., str], tmp_path: Path) -> None:
    root = registry()
    commit(root, {"policy.yaml": "version: 1\nrepository: public\n"})
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", root.parent.as_uri(), clone], check=True)
    with pytest.raises(GitError, match="fetch-depth: 0"):
        load(clone / "registry")


def test_a_revision_is_read_without_a_checkout(registry: Make, commit: Callable[..., str]) -> None:
    root = registry()
    old = git(root, "rev-parse", "HEAD")
    commit(root, twin("other"))
    shutil.rmtree(root)
    assert set(load(root, revision="HEAD").gallery.by_id) == {"acme/tiny", "acme/other"}
    assert set(load(root, revision=old).gallery.by_id) == {"acme/tiny"}


def test_a_revision_and_its_checkout_are_the_same(registry: Make) -> None:
    root = registry({**MINIMAL, **twin("other")})
    disk, objects = load(root), load(root, revision="HEAD")
    assert disk.gallery == objects.gallery
    assert disk.problems == objects.problems


def test_an_unknown_revision_is_an_error(registry: Make) -> None:
    with pytest.raises(GitError, match="nowhere"):
        load(registry(), revision="nowhere")


@pytest.mark.parametrize("name", ["registry", "missing"])
def test_where_there_is_no_registry_it_says_how_to_start_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "registry").mkdir()
    with pytest.raises(UsageError, match=f"galleryctl init {name}"):
        load(tmp_path / name)


def test_one_bad_model_never_hides_another(registry: Make) -> None:
    bad = {
        f"models/llm/acme/{name}/model.yaml": text for name, text in {"a": "- a\n", "b": "title: [\n", "c": ""}.items()
    }
    root = registry({**MINIMAL, **bad})
    loaded = load(root)
    assert list(loaded.gallery.by_id) == ["acme/tiny"]
    assert {problem.path.split("/")[4] for problem in loaded.problems if problem.severity == "error"} == {"a", "b", "c"}
    assert list(loaded.problems) == sorted(loaded.problems)


def test_a_folder_whose_name_is_no_text_hides_nothing(registry: Make) -> None:
    folder = registry()
    shutil.copytree(folder / "models/llm/acme/tiny", folder / "models/llm/acme" / os.fsdecode(b"\xff"))
    found = load(folder)
    assert [entry.id for entry in found.gallery] == ["acme/tiny"]
    assert {problem.code for problem in found.problems if r"\xff" in problem.path} == {"PTH003"}


def test_bad_governance_hides_no_model(registry: Make) -> None:
    broken = {
        "roles.yaml": "people: 3\n",
        "taxonomy.yaml": "x: [\n",
        "policy.yaml": "",
        "publishers/other.yaml": "titel: x\n",
    }
    loaded = load(registry({**MINIMAL, **broken}))
    assert "acme/tiny" in loaded.gallery.by_id
    assert {problem.path for problem in loaded.problems} >= {f"registry/{path}" for path in broken}


def test_two_processes_give_what_one_gives(registry: Make) -> None:
    many = {path: text for number in range(150) for path, text in twin(f"m{number}").items()}
    root = registry({**MINIMAL, **many})
    one = load(root, jobs=1)
    shutil.rmtree(root.parent / ".git" / "galleryctl")
    two = load(root, jobs=2)
    assert one.gallery == two.gallery
    assert one.problems == two.problems


def test_only_what_changed_is_parsed_again(registry: Make) -> None:
    root = registry({**MINIMAL, **twin("other")})
    first = load(root)
    assert first.parsed == 2
    again = load(root)
    assert again.parsed == 0
    assert again.gallery == first.gallery
    assert again.problems == first.problems
    card = root / TINY / "README.md"
    card.write_text(card.read_text() + "\nMore.\n")
    assert load(root).parsed == 1
    policy = root / "policy.yaml"
    policy.write_text("version: 1\nseverities: {DOC002: error}\n")
    assert load(root).parsed == 2


def test_the_reading_is_kept_for_a_day_because_rules_know_the_date(registry: Make) -> None:
    root = registry()
    load(root)
    later = loading.load(root.parent, root.name, now=NOW + dt.timedelta(days=1))
    assert later.parsed == 1


def test_progress_is_told_to_the_end(registry: Make) -> None:
    said: list[tuple[int, int]] = []
    root = registry({**MINIMAL, **twin("other")})
    loading.load(root.parent, root.name, now=NOW, progress=lambda done, of: said.append((done, of)))
    assert said[-1] == (2, 2)


def test_a_damaged_store_is_thrown_away(registry: Make) -> None:
    root = registry()
    load(root)
    (path,) = (root.parent / ".git" / "galleryctl").iterdir()
    path.write_bytes(b"not a database, but long enough to look like one" * 10)
    assert load(root).parsed == 1
    assert load(root).parsed == 0


def test_a_store_with_a_damaged_row_is_thrown_away(registry: Make) -> None:
    root = registry()
    load(root)
    (path,) = (root.parent / ".git" / "galleryctl").iterdir()
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE folder SET outline = ?", (b"\xff",))
    assert load(root).parsed == 1
    assert load(root).parsed == 0


def test_a_template_in_a_file_is_published_as_text(registry: Make) -> None:
    text = "{% for message in messages %}\r\n{{ message.content }} \n{% endfor %}"
    release = MINIMAL["models/llm/acme/tiny/1.0.0.yaml"] or ""
    root = registry()
    folder = root / "models/llm/acme/tiny"
    named = release.replace("[chat]\n", "[chat]\n  prompt: {template: {file: 1.0.0.jinja}, stop: [x]}\n")
    (folder / "1.0.0.yaml").write_text(named)
    assert _prompt(root) == {"template": {"file": "1.0.0.jinja"}, "stop": ["x"]}
    (folder / "1.0.0.jinja").write_bytes(text.encode())
    assert _prompt(root) == {"template": text, "stop": ["x"]}
    assert text in json.loads(load(root).gallery.entries[0].listing)["releases"]["1.0.0"]["spec"]["prompt"]["template"]


def _prompt(root: Path) -> object:
    (entry,) = load(root).gallery
    return entry.document().releases["1.0.0"].spec["prompt"]


def test_a_registry_that_is_the_whole_repository_is_refused_with_the_way_out(registry: Make) -> None:
    root = registry()
    (root.parent / ".git").rename(root / ".git")
    with pytest.raises(UsageError, match="registry/registry"):
        load(root)


def test_a_store_that_cannot_be_written_is_done_without(registry: Make) -> None:
    root = registry()
    (root.parent / ".git" / "galleryctl").write_text("a file where the folder would be")
    assert load(root).parsed == 1
    assert load(root).parsed == 1


def test_the_store_forgets_what_is_not_used_when_it_is_much(tmp_path: Path) -> None:
    store, row = Store(tmp_path), Row(b"1", b"2", b"3", b"4", b"5")
    store.put({"a": row, "b": row}, [])
    store.put({"c": row}, ["a"])
    assert store.get(["a", "b", "c"]) == {"a": row, "b": row, "c": row}
    store.put({"d": row}, [])
    assert store.get(["a", "b", "c", "d"]) == {"d": row}


def test_without_a_place_nothing_is_kept() -> None:
    store = Store(None)
    store.put({"a": Row(b"", b"", b"", b"", b"")}, [])
    assert store.get(["a"]) == {}


def test_history_is_read_once_and_goes_on(registry: Make, commit: Callable[..., str]) -> None:
    root = registry()
    first = load(root).gallery.by_id["acme/tiny"].outline
    (path,) = (root.parent / ".git" / "galleryctl").iterdir()
    commit(root, {f"{TINY}/README.md": "# Tiny\n", **twin("other")}, author="Bob", date="2026-03-01T00:00:00Z")
    kept = load(root).gallery
    path.unlink()
    assert load(root).gallery == kept
    assert kept.by_id["acme/tiny"].outline.added == first.added
    assert kept.by_id["acme/other"].outline.by == "Bob"
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE history SET value = ?", ('{"commits": [], "paths": {"x": [7]}}',))
    assert load(root).gallery == kept


def test_two_registries_of_one_repository_have_their_own_history(registry: Make, commit: Callable[..., str]) -> None:
    one = registry()
    two = one.parent / "deep" / "registry"
    write(two, MINIMAL)
    git(one.parent, "add", "--all")
    commit(one, {}, author="Bob", date="2026-03-01T00:00:00Z")
    assert load(one).gallery.by_id["acme/tiny"].outline.by == "Ada"
    assert load(two).gallery.by_id["acme/tiny"].outline.by == "Bob"
    assert load(one).gallery.by_id["acme/tiny"].outline.by == "Ada"
