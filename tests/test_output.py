"""The writer: what it writes, what it leaves alone, what it refuses."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.errors import OutputError
from galleryctl.output import MANIFEST, Output, Written, unchanged, write

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXTS = {"index.html": "home", "models/a/index.html": "a", "models/b/index.html": "b", "v1/catalog.json": "{}"}
SHA = "0123456789abcdef" * 4


def pages(texts: Mapping[str, str], rendered: list[str] | None = None) -> list[Output]:
    """One output for each path and text, in no helpful order; `rendered` collects what is rendered in this process."""

    def page(path: str, text: str) -> Output:
        def render() -> bytes:
            if rendered is not None:
                rendered.append(path)
            return text.encode()

        return Output(path, text, render)

    return [page(path, text) for path, text in sorted(texts.items(), reverse=True)]


def files(folder: Path) -> dict[str, str]:
    """Everything that would be published."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(paths)}


def whole(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder, the manifest too, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}


def test_the_first_build(tmp_path: Path) -> None:
    out = tmp_path / "deep/site"
    assert write(out, pages(TEXTS)) == Written(tuple(sorted(TEXTS)), 0, (), 8)
    assert files(out) == TEXTS
    assert names(tmp_path / "deep") == ["site"]
    assert json.loads((out / MANIFEST).read_text())["files"].keys() == TEXTS.keys()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    out = tmp_path / "site"
    out.mkdir()
    write(out, pages(TEXTS))
    assert files(out) == TEXTS


def test_no_outputs(tmp_path: Path) -> None:
    assert write(tmp_path / "site", []) == Written((), 0, (), 0)
    assert files(tmp_path / "site") == {}


def test_a_second_build_renders_and_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "site", pages(TEXTS))
    before = stamps(tmp_path / "site")
    rendered: list[str] = []
    assert write(tmp_path / "site", pages(TEXTS, rendered)) == Written((), 4, (), 0)
    assert rendered == []
    assert stamps(tmp_path / "site") == before


def test_a_change_renders_what_depends_on_it(tmp_path: Path) -> None:
    write(tmp_path / "site", pages(TEXTS))
    before = stamps(tmp_path / "site/models/b")
    rendered: list[str] = []
    changed = TEXTS | {"models/a/index.html": "new text", "models/c/index.html": "c"}
    assert write(tmp_path / "site", pages(changed, rendered)) == Written(
        ("models/a/index.html", "models/c/index.html"), 3, (), 9
    )
    assert sorted(rendered) == ["models/a/index.html", "models/c/index.html"]
    assert files(tmp_path / "site") == changed
    assert stamps(tmp_path / "site/models/b") == before


def test_other_dependencies_with_the_same_bytes_write_no_file(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, [Output("a", "version 1", lambda: b"a")])
    before = (out / "a").stat()
    assert write(out, [Output("a", "version 2", lambda: b"a")]) == Written((), 1, (), 0)
    assert (out / "a").stat() == before
    assert write(out, [Output("a", "version 2", lambda: 1 / 0)]) == Written((), 1, (), 0)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("harm", ["gone", "shortened", "folder gone", "a link"])
def test_harm_is_mended(tmp_path: Path, harm: str) -> None:
    out = tmp_path / "site"
    write(out, pages(TEXTS))
    page = out / "models/a/index.html"
    page.unlink()
    if harm == "shortened":
        page.write_text("")
    elif harm == "folder gone":
        shutil.rmtree(out / "models")
    elif harm == "a link":
        page.symlink_to("../b/index.html")
    rendered: list[str] = []
    write(out, pages(TEXTS, rendered))
    assert "models/a/index.html" in rendered
    assert files(out) == TEXTS
    assert not page.is_symlink()


def test_what_is_not_wanted_any_more_goes_with_its_folders(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, pages(TEXTS | {"x/y/z/1": "1", "x/y/2": "2"}))
    assert write(out, pages(TEXTS)) == Written((), 4, ("x/y/2", "x/y/z/1"), 0)
    assert not (out / "x").exists()
    write(out, [])
    assert names(out) == [MANIFEST]


def test_what_others_put_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, pages(TEXTS))
    (out / "CNAME").write_text("gallery.example")
    (out / "models/b/note").write_text("mine")
    (out / "empty").mkdir()
    assert write(out, []).pruned == tuple(sorted(TEXTS))
    assert files(out) == {"CNAME": "gallery.example", "models/b/note": "mine"}
    assert (out / "empty").is_dir()


def test_what_is_pruned_may_be_gone_already(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, pages(TEXTS | {"x/y": "y"}))
    shutil.rmtree(out / "x")
    (out / "models/a/index.html").unlink()
    write(out, pages({"index.html": "home"}))
    assert files(out) == {"index.html": "home"}
    assert not (out / "models").exists()


def test_earlier_generations_are_kept_as_long_as_asked(tmp_path: Path) -> None:
    out = tmp_path / "site"
    old = f"v1/types/llm/{SHA}.json"
    write(out, pages({old: "old", "gone": "g"}))
    assert write(out, pages(TEXTS), keep={old, "never/there"}).pruned == ("gone",)
    assert files(out) == TEXTS | {old: "old"}
    assert write(out, pages(TEXTS), keep=[old]).pruned == ()
    assert write(out, pages(TEXTS)).pruned == (old,)
    assert files(out) == TEXTS


def test_what_is_kept_but_lost_is_forgotten(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, pages({"old": "old"}))
    (out / "old").unlink()
    write(out, pages(TEXTS), keep=["old"])
    assert json.loads((out / MANIFEST).read_text())["files"].keys() == TEXTS.keys()


def test_what_is_kept_after_a_run_died_counts_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, pages({"old": "old"}))
    manifest = json.loads((out / MANIFEST).read_text())
    manifest["files"]["old"] = ["", "", -1]  # the mark of a run that died while it moved files
    (out / MANIFEST).write_text(json.dumps(manifest))
    write(out, pages(TEXTS), keep=["old"], stamp="1")
    assert unchanged(out, "1") == Written((), 5, (), 0)
    write(out, pages(TEXTS))
    assert files(out) == TEXTS


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="holds files that galleryctl did not write: choose a folder that is empty"):
        write(tmp_path, pages(TEXTS))
    assert files(tmp_path) == {"thesis.txt": "years of work"}
    with pytest.raises(OutputError, match="is a file"):
        write(tmp_path / "thesis.txt", pages(TEXTS))
    with pytest.raises(OutputError, match="cannot write"):
        write(tmp_path / "thesis.txt/site", pages(TEXTS))
    assert files(tmp_path) == {"thesis.txt": "years of work"}


DAMAGE = [
    "", "[]", "{}", "\x00", "[" * 100_000, '{"format": 1, "files": {"a": 1}}', '{"format": 1, "files": []}',
    '{"format": 1, "files": {"../mine": ["", "", 1]}}', '{"format": 1, "files": {"a/../../mine": ["", "", 1]}}',
    '{"format": 1, "files": {"/etc/passwd": ["", "", 1]}}', '{"format": 1, "files": {"a\\u0000": ["", "", 1]}}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    out = tmp_path / "site"
    write(out, pages(TEXTS))
    (out / MANIFEST).write_text(text)
    with pytest.raises(OutputError, match=r"is damaged: delete .*site and build again"):
        write(out, pages(TEXTS))


def test_a_link_in_place_of_a_folder_leads_nowhere(tmp_path: Path) -> None:
    out, theirs = tmp_path / "site", tmp_path / "theirs"
    write(out, pages({"a/x": "1", "b": "2"}))
    (out / "a").rename(theirs)
    (out / "a").symlink_to(theirs)
    for texts in ({"b": "2"}, {"a/x": "3", "b": "2"}):
        with pytest.raises(OutputError, match="a is in the way"):
            write(out, pages(texts))
    assert files(theirs) == {"x": "1"}


def test_a_folder_in_place_of_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "site" / MANIFEST).mkdir(parents=True)
    with pytest.raises(OutputError, match="is damaged"):
        write(tmp_path / "site", pages(TEXTS))


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [])
    (tmp_path / MANIFEST).write_text('{"format": 2, "files": {}}')
    with pytest.raises(OutputError, match="another version of galleryctl"):
        write(tmp_path, pages(TEXTS))


@pytest.mark.parametrize("theirs", ["about/mine", "about/", "models/a/index.html/mine", "models/c"])
def test_what_is_not_ours_and_in_the_way_is_refused(tmp_path: Path, theirs: str) -> None:
    out = tmp_path / "site"
    write(out, pages(TEXTS))
    (out / "models/a/index.html").unlink()
    (out / theirs).parent.mkdir(exist_ok=True)
    if theirs.endswith("/"):
        (out / theirs).mkdir()
    else:
        (out / theirs).write_text("mine")
    before = whole(out)
    changed = TEXTS | {"about": "ours", "models/a/index.html": "changed", "models/c/index.html": "c"}
    with pytest.raises(OutputError, match="is in the way, and galleryctl did not make it: move it away"):
        write(out, pages(changed))
    assert whole(out) == before
    shutil.rmtree(out / theirs.partition("/")[0])
    write(out, pages(changed))
    assert files(out) == changed


def test_a_stamp_tells_that_a_whole_run_would_do_nothing(tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert unchanged(out, "") is None
    write(out, pages(TEXTS), stamp="1")
    assert unchanged(out, "2") is None
    before = whole(out)
    assert write(out, pages(TEXTS), stamp="1").new == ()
    assert whole(out) == before
    assert write(out, pages(TEXTS), stamp="2").new == ()
    assert unchanged(out, "1") is None
    assert unchanged(out, "2") == Written((), 4, (), 0)
    (out / "index.html").write_text("longer than before")
    assert unchanged(out, "2") is None
    write(out, pages(TEXTS), stamp="2")
    assert unchanged(out, "2") == Written((), 4, (), 0)
    (out / MANIFEST).write_text("damaged")
    assert unchanged(out, "2") is None


def test_links_are_one_file(tmp_path: Path) -> None:
    out = tmp_path / "site"

    def build(text: str, name: str) -> Written:
        document = Output("v1/types/llm.json", text, text.encode)
        return write(out, [Output(name, text, lambda: 1 / 0, links=document.path), document])  # type: ignore[arg-type,return-value]

    assert build("one", "v1/types/llm/1.json").new == ("v1/types/llm.json", "v1/types/llm/1.json")
    assert (out / "v1/types/llm.json").samefile(out / "v1/types/llm/1.json")
    assert build("one", "v1/types/llm/1.json") == Written((), 2, (), 0)
    assert build("two", "v1/types/llm/2.json").pruned == ("v1/types/llm/1.json",)
    assert (out / "v1/types/llm.json").samefile(out / "v1/types/llm/2.json")
    assert files(out) == {"v1/types/llm.json": "two", "v1/types/llm/2.json": "two"}
    assert build("two", "v1/types/llm/3.json").new == ("v1/types/llm/3.json",)
    assert (out / "v1/types/llm.json").samefile(out / "v1/types/llm/3.json")


def test_an_earlier_generation_is_not_changed_through_its_link(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, [Output("stable", "1", lambda: b"one"), Output("one", "1", lambda: b"", links="stable")])
    write(out, [Output("stable", "2", lambda: b"two"), Output("two", "2", lambda: b"", links="stable")], keep=["one"])
    assert files(out) == {"one": "one", "stable": "two", "two": "two"}


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: str, _target: str) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    write(tmp_path / "site", [Output("a", "1", lambda: b"a"), Output("b", "1", lambda: b"", links="a")])
    assert files(tmp_path / "site") == {"a": "a", "b": "a"}
    assert (tmp_path / "site/a").stat().st_nlink == 1


def test_a_file_becomes_a_folder_and_back(tmp_path: Path) -> None:
    out = tmp_path / "site"
    for texts in (
        {"a": "1", "b/c/d": "2"},
        {"a/x/y": "3", "b": "4"},
        {"a": "5", "b/c": "6"},
        {"a/x": "7", "b/c/d": "8"},
    ):
        write(out, pages(texts))
        assert files(out) == texts


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/", "../a", "a/../b", "./a", MANIFEST])
def test_paths_that_are_none(tmp_path: Path, path: str) -> None:
    with pytest.raises(AssertionError, match="is not a path of an output"):
        write(tmp_path / "site", pages({path: "x"}))
    assert names(tmp_path) == []


def test_outputs_that_exclude_each_other(tmp_path: Path) -> None:
    twice = [*pages({"a": "1"}), *pages({"a": "2"})]
    with pytest.raises(AssertionError, match="where case does not count: 'a' and 'a'"):
        write(tmp_path / "site", twice)
    with pytest.raises(AssertionError, match="where case does not count: 'Models/A' and 'models/a'"):
        write(tmp_path / "site", pages({"models/a": "1", "Models/A": "2"}))
    with pytest.raises(AssertionError, match="'Models' is a file and a folder: it holds 'models/deep/a'"):
        write(tmp_path / "site", pages({"models/deep/a": "1", "Models": "2"}))
    for target in ("absent", "b", "c"):
        links = [Output("b", "", bytes, links=target), Output("c", "", bytes, links="a"), *pages({"a": "1"})]
        with pytest.raises(AssertionError, match=f"'b' links to '{target}', which is not an output with bytes"):
            write(tmp_path / "site", links)
    assert names(tmp_path) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_while_rendering_changes_nothing(tmp_path: Path, jobs: int) -> None:
    out = tmp_path / "site"
    texts = {f"{number:03}": str(number) for number in range(200)}

    def fail() -> bytes:
        raise KeyError

    broken = [*pages({path: text + "!" for path, text in texts.items()}), Output("200", "", fail)]
    with pytest.raises(KeyError):
        write(out, broken, jobs=jobs)
    assert names(tmp_path) == []
    write(out, pages(texts))
    before = whole(out)
    with pytest.raises(KeyError):
        write(out, broken, jobs=jobs)
    assert whole(out) == before
    assert names(tmp_path) == ["site"]


@pytest.mark.parametrize("jobs", [2, 3])
def test_the_number_of_jobs_does_not_show(tmp_path: Path, jobs: int) -> None:
    texts = {f"models/{number % 7}/{number}.html": f"page {number}" * number for number in range(300)}
    links = [
        Output(f"links/{number}", str(number), bytes, links=f"models/{number % 7}/{number}.html") for number in range(9)
    ]
    changed = texts | {path: text + "!" for path, text in list(texts.items())[::2]}
    one, many = tmp_path / "one", tmp_path / "many"
    for stage in (texts, changed, dict(list(changed.items())[:250])):
        assert write(one, [*pages(stage), *links]) == write(many, [*pages(stage), *links], jobs=jobs)
        assert whole(one) == whole(many)


def test_progress_counts_what_is_rendered(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    texts = {str(number): "x" for number in range(150)}
    write(tmp_path / "site", pages(texts), jobs=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(64, 150), (128, 150), (150, 150)]
    seen.clear()
    write(tmp_path / "site", pages(texts | {"0": "y"}), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]


TREES = st.dictionaries(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join),
    st.text("xy", max_size=2),
    max_size=8,
).map(
    lambda texts: {
        path: text for path, text in texts.items() if not any(other.startswith(f"{path}/") for other in texts)
    }
)


@given(st.lists(st.tuples(TREES, st.booleans(), st.sets(st.sampled_from(["a", "b", "a/a"]))), max_size=5), TREES)
def test_incremental_equals_clean(steps: list[tuple[dict[str, str], bool, set[str]]], last: dict[str, str]) -> None:
    """Whatever was built before, and whatever was lost between, byte for byte and with no folder left over."""
    with tempfile.TemporaryDirectory() as folder:
        grown, clean = Path(folder, "grown"), Path(folder, "clean")
        for texts, linked, lost in steps:
            extra = [Output("d/link", "", bytes, links=min(texts))] if linked and texts else []
            write(grown, [*pages(texts), *extra], jobs=1)
            for path in lost & files(grown).keys():
                (grown / path).unlink()
        rendered: list[str] = []
        write(grown, pages(last))
        write(clean, pages(last))
        assert whole(grown) == whole(clean)
        write(grown, pages(last, rendered))
        assert rendered == []
