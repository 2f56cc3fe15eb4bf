"""Many new folders at once: all of them or none."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL, git
from galleryctl.authoring import arriving, house
from galleryctl.authoring.arriving import Arrival
from galleryctl.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Path]

BESIDE = {"publishers/globex.yaml": b"title: Globex\n"}


def arrivals(count: int, publisher: str = "globex") -> list[Arrival]:
    return [
        Arrival("llm", f"{publisher}/model-{index}", {"model.yaml": b"title: A\n", "1.0.0.yaml": b"notes: B\n"})
        for index in range(count)
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def test_all_arrive_and_nothing_else_is_left(registry: Make) -> None:
    folder = registry()
    before = contents(folder.parent)
    arriving.arrive(folder, arrivals(3), BESIDE)
    after = contents(folder.parent)
    new = {path for path in after if path not in before}
    assert new == {"registry/publishers/globex.yaml"} | {
        f"registry/models/llm/globex/model-{index}/{name}"
        for index in range(3)
        for name in ("model.yaml", "1.0.0.yaml")
    }
    assert {path: after[path] for path in before} == before
    assert (folder / "publishers/globex.yaml").read_bytes() == BESIDE["publishers/globex.yaml"]
    assert (folder / "publishers/globex.yaml").stat().st_nlink == 1


@pytest.mark.parametrize(
    "there", ["models/llm/globex/model-1/notes.txt", "publishers/globex.yaml", "models/llm/globex"]
)
def test_what_is_there_stays_and_nothing_is_written(registry: Make, there: str) -> None:
    folder = registry({there: "mine\n"})
    before = contents(folder.parent)
    with pytest.raises(OutputError, match="nothing was written"):
        arriving.arrive(folder, arrivals(3), BESIDE)
    assert contents(folder.parent) == before
    assert [path.name for path in folder.parent.iterdir()] in (["registry", ".git"], [".git", "registry"])


def test_an_empty_folder_is_no_hindrance(registry: Make) -> None:
    folder = registry()
    (folder / "models/llm/globex/model-0").mkdir(parents=True)
    arriving.arrive(folder, arrivals(1), {})
    assert (folder / "models/llm/globex/model-0/model.yaml").is_file()


@pytest.mark.parametrize("place", ["models", "models/llm", "models/llm/globex", "models/llm/globex/model-1"])
def test_links_are_not_followed(registry: Make, tmp_path: Path, place: str) -> None:
    folder, outside = registry(), tmp_path / "outside"
    outside.mkdir()
    if (folder / place).exists():
        shutil.rmtree(folder / place)
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).symlink_to(outside)
    with pytest.raises(OutputError, match=r"symbolic link|there already"):
        arriving.arrive(folder, arrivals(3), BESIDE)
    assert list(outside.iterdir()) == []
    assert not (folder / "publishers/globex.yaml").exists()


def test_a_failure_in_the_middle_is_undone(registry: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = registry()
    before = contents(folder.parent)
    rename = Path.rename

    def fails(source: Path, target: Path) -> Path:
        if target.name == "model-2":
            raise OSError(28, "No space left on device", str(target))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OutputError, match=r"No space left on device: .*model-2; nothing was changed"):
        arriving.arrive(folder, arrivals(4), BESIDE)
    assert contents(folder.parent) == before
    assert git(folder.parent, "status", "--porcelain", "--ignored") == ""


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from galleryctl.authoring import arriving
from test_authoring_arriving import BESIDE, arrivals
real, left = {of}, [{after}]
def counted(*words, **options):
    if not left[0]:
        os.kill(os.getpid(), signal.{signal})
    left[0] -= 1
    return real(*words, **options)
{of} = counted
arriving.arrive(Path(sys.argv[1]), arrivals(5), BESIDE)
"""


def killed(folder: Path, *, of: str, after: int, by: str = "SIGKILL") -> int:
    """Import in a process that ends itself before a call of `of`."""
    code = KILLED.format(of=of, after=after, signal=by, tests=str(Path(__file__).parent))
    return subprocess.run([sys.executable, "-c", code, str(folder)], check=False, capture_output=True).returncode


POINTS = [
    *[("Path.rename", after) for after in range(5)],
    ("os.open", 2),
    ("Path.hardlink_to", 0),
    ("Path.unlink", 0),
    ("Path.unlink", 1),
]


@pytest.mark.parametrize(("of", "after"), POINTS)
def test_what_a_killed_run_left_is_undone_by_the_next(registry: Make, of: str, after: int) -> None:
    folder = registry()
    before = contents(folder.parent)
    assert killed(folder, of=of, after=after) == -signal.SIGKILL
    assert git(folder.parent, "status", "--porcelain", "--", ".registry.galleryctl-work") == ""
    arriving.undo(folder)
    assert contents(folder.parent) == before
    arriving.arrive(folder, arrivals(5), BESIDE)
    assert len(contents(folder.parent)) == len(before) + 11


def test_something_was_moved_when_the_run_was_killed(registry: Make) -> None:
    """Else the test above would show nothing."""
    folder = registry()
    killed(folder, of="Path.rename", after=3)
    assert sorted(path.name for path in (folder / "models/llm/globex").iterdir()) == ["model-0", "model-1", "model-2"]


def test_a_termination_is_as_a_kill(registry: Make) -> None:
    folder = registry()
    before = contents(folder.parent)
    assert killed(folder, of="Path.rename", after=2, by="SIGTERM") == -signal.SIGTERM
    arriving.undo(folder)
    assert contents(folder.parent) == before


def test_an_interrupt_waits_until_all_have_arrived(registry: Make) -> None:
    folder = registry()
    assert killed(folder, of="Path.rename", after=2, by="SIGINT") != 0
    assert len(list((folder / "models/llm/globex").iterdir())) == 5
    assert not (folder.parent / ".registry.galleryctl-work").exists()


def test_what_was_changed_or_committed_after_a_kill_stays(registry: Make) -> None:
    folder = registry()
    killed(folder, of="Path.rename", after=3)
    models = folder / "models/llm/globex"
    (models / "model-0/model.yaml").write_text("title: Mine\n")
    (models / "model-1/README.md").write_text("mine\n")
    git(folder.parent, "add", "registry/models/llm/globex/model-2")
    git(folder.parent, "commit", "-qm", "mine")
    arriving.undo(folder)
    assert sorted(path.name for path in models.iterdir()) == ["model-0", "model-1", "model-2"]
    assert not (folder / "publishers/globex.yaml").exists()


def test_an_undoing_that_is_killed_is_done_again(registry: Make) -> None:
    folder = registry()
    before = contents(folder.parent)
    killed(folder, of="Path.rename", after=4)
    code = (
        "import os, shutil, signal, sys; from pathlib import Path; from galleryctl.authoring import arriving\n"
        "real = shutil.rmtree\n"
        "def once(path, *words, **options):\n"
        "    real(path, *words, **options); os.kill(os.getpid(), signal.SIGKILL)\n"
        "shutil.rmtree = once; arriving.undo(Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code, folder], check=False).returncode == -signal.SIGKILL
    arriving.undo(folder)
    assert contents(folder.parent) == before


def test_two_runs_do_not_meet(registry: Make) -> None:
    folder = registry()
    work = folder.parent / ".registry.galleryctl-work"
    code = (
        "import fcntl, os, sys, time; os.mkdir(sys.argv[1]); fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "fcntl.flock(fd, fcntl.LOCK_EX); print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, work], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("galleryctl.output.disk._PATIENCE", 0.2)
                with pytest.raises(OutputError, match="another run is writing"):
                    arriving.arrive(folder, arrivals(1), {})
        finally:
            other.kill()
    assert not (folder / "models/llm/globex").exists()


# -- a release for an existing model

RELEASE: dict[str, Any] = {
    "variants": [{"quantizations": ["Q8_0"], "format": "gguf"}],
    "spec": {"prompt": {"template": {"file": "1.0.0.jinja"}}},
    "notes": "New.",
}


def test_a_release_is_added_above_all_that_ever_were(registry: Make) -> None:
    tombstone = "type: llm\nreason: Broken.\nsince: 2026-01-01\nreleases: [1.2.0]\nwhole: false\n"
    folder = registry(
        {
            "removed/acme/tiny.yaml": tombstone,
            "models/llm/acme/tiny/1.1.0.yaml": MINIMAL["models/llm/acme/tiny/1.0.0.yaml"],
        }
    )
    made = arriving.add_release(folder, "acme/tiny", "llm", RELEASE, {"1.0.0.jinja": b"{{ x }}\n"}, bump="minor")
    assert made == (
        "acme/tiny",
        "1.3.0",
        tuple(f"registry/models/llm/acme/tiny/1.3.0.{end}" for end in ("yaml", "jinja")),
    )
    assert git(folder.parent, "status", "--porcelain", "-uall").splitlines() == [
        "?? registry/models/llm/acme/tiny/1.3.0.jinja",
        "?? registry/models/llm/acme/tiny/1.3.0.yaml",
    ]
    assert (folder / "models/llm/acme/tiny/1.3.0.yaml").read_text() == (
        "notes: New.\nspec:\n  prompt: {template: {file: 1.3.0.jinja}}\n"
        "variants:\n  - {format: gguf, quantizations: [Q8_0]}\n"
    )


def test_a_release_of_another_type_or_model_or_number_is_refused(registry: Make) -> None:
    folder = registry()
    with pytest.raises(UsageError, match="acme/tiny is of type llm, and this is of type image"):
        arriving.add_release(folder, "acme/tiny", "image", RELEASE, {})
    with pytest.raises(UsageError, match=r"there is no model acme/tinny; did you mean acme/tiny\?"):
        arriving.add_release(folder, "acme/tinny", "llm", RELEASE, {})
    with pytest.raises(UsageError, match=r"1\.0\.0 was used before"):
        arriving.add_release(folder, "acme/tiny", "llm", RELEASE, {}, version="1.0.0")
    assert git(folder.parent, "status", "--porcelain") == ""


# -- the form of the files


def test_fields_stand_in_the_order_of_their_types() -> None:
    data: dict[str, Any] = {
        "runtimes": {"xinference": {"b": 1, "a": 2}},
        "variants": [
            {
                "files": {"Q8_0": [{"as": "x.gguf", "sha256": "a" * 64, "size": 1, "path": "y.gguf"}]},
                "sources": {"modelscope": {"revision": "r", "repo": "a/b"}, "huggingface": {"repo": "a/b"}},
                "format": "gguf",
            }
        ],
        "spec": {"z": 1, "a": [1, 2]},
        "notes": "New.",
    }
    assert house.release(data).decode() == (
        "notes: New.\n"
        "spec:\n  z: 1\n  a: [1, 2]\n"
        "variants:\n"
        "  - format: gguf\n"
        "    sources: {huggingface: {repo: a/b}, modelscope: {repo: a/b, revision: r}}\n"
        "    files:\n      Q8_0:\n"
        f"        - path: y.gguf\n          size: 1\n          sha256: {'a' * 64}\n          as: x.gguf\n"
        "runtimes:\n  xinference: {b: 1, a: 2}\n"
    )
    assert house.model({"tags": ["a"], "title": "T"}) == b"title: T\ntags: [a]\n"
    assert house.publisher("Globex: a company") == b'title: "Globex: a company"\n'


def test_files_have_the_permissions_of_other_new_files(registry: Make) -> None:
    folder = registry()
    before = os.umask(0o027)
    try:
        arriving.arrive(folder, arrivals(1), {})
    finally:
        os.umask(before)
    assert (folder / "models/llm/globex/model-0/model.yaml").stat().st_mode & 0o777 == 0o640


# -- a repository of strangers


@pytest.mark.parametrize("target", ["../../kept.txt", "models/../../../kept.txt", "roles.yaml", "models/llm/out/kept"])
def test_a_journal_that_came_with_a_repository_removes_nothing(registry: Make, target: str) -> None:
    folder = registry()
    outside = folder.parent.parent / "outside"
    (outside / "kept").mkdir(parents=True)
    for path in (folder.parent.parent / "kept.txt", outside / "kept" / "model.yaml", folder / "roles.yaml"):
        path.write_text("all: mine\n")
    (folder / "models/llm/out").symlink_to(outside)
    digest = hashlib.sha256(b"all: mine\n").hexdigest()
    digests = {"model.yaml" if target.endswith("/kept") else "": digest}
    work = folder.parent / ".registry.galleryctl-work"
    work.mkdir()
    (work / "journal.json").write_text(json.dumps({target: digests}))
    before = contents(folder.parent.parent)
    arriving.undo(folder)
    gone = {str(path.relative_to(folder.parent.parent)) for path in (work / "journal.json",)}
    assert {path for path in before if path not in contents(folder.parent.parent)} == gone
    assert not work.exists()


def test_a_journal_that_is_none_stops_nothing(registry: Make) -> None:
    folder = registry()
    work = folder.parent / ".registry.galleryctl-work"
    for text in ("[]", "1", '{"a": 1}', '{"a": []}', '{"models/llm/a/b": {}}'):
        work.mkdir()
        (work / "journal.json").write_text(text)
        arriving.undo(folder)
        assert not work.exists()
