"""Files of runtimes in their homes: where they land, when they change, whose they are, and what a kill leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from galleryctl.client import homes
from galleryctl.client.homes import JOURNAL, State
from galleryctl.errors import OutputError
from galleryctl.runtimes.natives import NATIVES

if TYPE_CHECKING:
    from collections.abc import Mapping

GALLERY = "https://models.acme.example/"
LLM = "model/v2/builtin/llm/llm_models.json"
IMAGE = "model/v2/builtin/image/image_models.json"
ONE, TWO = {"llm.json": b'[{"model_name":"one"}]'}, {"llm.json": b'[{"model_name":"two"}]'}


def at(serial: int, *, epoch: int = 1, gallery: str = GALLERY) -> State:
    return State(gallery, epoch, serial)


def tree(home: Path) -> dict[str, bytes]:
    found = {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return {path: data for path, data in found.items() if not path.endswith(JOURNAL)}


def stamps(home: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in home.rglob("*") if path.is_file()}


# -- where


@pytest.mark.parametrize(
    ("runtime", "natives", "expected"),
    [
        ("xinference", {"llm.json": b"1", "image.json": b"2"}, {LLM: b"1", IMAGE: b"2"}),
        ("xinference", {"register/llm/one.json": b"1", "../llm.json": b"2", ".json": b"3", "LLM.json": b"4"}, {}),
        ("localai", {"index.yaml": b"1", "other.yaml": b"2"}, {"gallery/index.yaml": b"1"}),
        ("llama.cpp", {"models.ini": b"1", "models.json": b"2"}, {"models.ini": b"1"}),
        ("litellm", {"config.yaml": b"1"}, {"config.yaml": b"1"}),
    ],
)
def test_every_file_has_its_place(runtime: str, natives: Mapping[str, bytes], expected: dict[str, bytes]) -> None:
    assert homes.places(runtime, natives) == expected


def test_types_narrow_what_is_kept_by_type() -> None:
    both = {"llm.json": b"1", "image.json": b"2"}
    assert homes.places("xinference", both, {"image"}) == {IMAGE: b"2"}
    assert homes.places("localai", {"index.yaml": b"1"}, {"image"}) == {"gallery/index.yaml": b"1"}


def test_the_place_is_the_one_that_the_pages_of_the_gallery_name() -> None:
    (use,) = (use for use in NATIVES["xinference"].uses if use.path == "{type}.json")
    assert "/" + homes.RUNTIMES["xinference"].target in use.line
    for runtime, reads in homes.RUNTIMES.items():
        assert reads.source in {use.path for use in NATIVES[runtime].uses}
        assert reads.title == NATIVES[runtime].title


def test_the_home_is_known_only_where_it_is_certain() -> None:
    assert homes.default("xinference", {}) == Path("~/.xinference").expanduser()
    assert homes.default("xinference", {"XINFERENCE_HOME": "/srv/xinference"}) == Path("/srv/xinference")
    assert homes.default("localai", {}) is None
    assert homes.default("localai", {"LOCALAI_MODELS_PATH": "/models"}) == Path("/models")
    assert [homes.default(runtime, {}) for runtime in ("llama.cpp", "litellm")] == [None, None]


# -- when


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    first = homes.lay(tmp_path, "xinference", {**ONE, "image.json": b"[1]"}, at(1))
    assert first.written == (IMAGE, LLM)
    assert tree(tmp_path) == {LLM: ONE["llm.json"], IMAGE: b"[1]"}
    before = stamps(tmp_path)
    again = homes.lay(tmp_path, "xinference", {**ONE, "image.json": b"[1]"}, at(1))
    assert (again.written, again.unchanged) == ((), (IMAGE, LLM))
    assert stamps(tmp_path) == before
    changed = homes.lay(tmp_path, "xinference", {**TWO, "image.json": b"[1]"}, at(2))
    assert (changed.written, changed.unchanged) == ((LLM,), (IMAGE,))
    after = stamps(tmp_path)
    assert {path.name for path in after if after[path] != before[path]} == {"llm_models.json", JOURNAL}
    assert homes.serial(tmp_path, "xinference", GALLERY) == (1, 2)
    assert homes.serial(tmp_path, "xinference", "https://other.example/") == (0, 0)


def test_a_home_that_is_not_there_is_made(tmp_path: Path) -> None:
    homes.lay(tmp_path / "a" / "b", "litellm", {"config.yaml": b"model_list: [1]\n"}, at(1))
    assert tree(tmp_path) == {"a/b/config.yaml": b"model_list: [1]\n"}


@pytest.mark.parametrize(
    ("runtime", "path", "full", "empty"),
    [
        ("xinference", "llm.json", b"[1]", b"[]"),
        ("localai", "index.yaml", b"- name: x\n", b"[]\n"),
        ("llama.cpp", "models.ini", b"[x]\n", b"; Presets for: llama-server --models-preset models.ini\n"),
        ("litellm", "config.yaml", b"model_list: [1]\n", b"model_list: []\n"),
    ],
)
def test_a_file_that_left_the_gallery_is_emptied(
    tmp_path: Path, runtime: str, path: str, full: bytes, empty: bytes
) -> None:
    (target,) = homes.lay(tmp_path, runtime, {path: full}, at(1)).written
    gone = homes.lay(tmp_path, runtime, {}, at(2))
    assert gone.emptied == (target,)
    assert tree(tmp_path) == {target: empty}
    assert homes.lay(tmp_path, runtime, {}, at(3)).unchanged == (target,)
    assert homes.lay(tmp_path, runtime, {path: full}, at(4)).written == (target,), "it is still ours"


def test_an_empty_list_makes_no_file_and_no_quarrel(tmp_path: Path) -> None:
    (tmp_path / LLM).parent.mkdir(parents=True)
    (tmp_path / LLM).write_bytes(b"[7]")
    laid = homes.lay(tmp_path, "xinference", {"llm.json": b"[]", "image.json": b"[]\n"}, at(1))
    assert laid == homes.Laid(tmp_path)
    assert tree(tmp_path) == {LLM: b"[7]"}
    assert homes.lay(tmp_path, "xinference", {"llm.json": b"[]"}, at(1), force=True).emptied == (LLM,)


def test_other_types_stay_where_only_one_is_asked_for(tmp_path: Path) -> None:
    homes.lay(tmp_path, "xinference", {**ONE, "image.json": b"[1]"}, at(1))
    laid = homes.lay(tmp_path, "xinference", TWO, at(2), types={"llm"})
    assert laid.written == (LLM,)
    assert tree(tmp_path) == {LLM: TWO["llm.json"], IMAGE: b"[1]"}
    assert homes.lay(tmp_path, "xinference", TWO, at(2)).emptied == (IMAGE,), "it is remembered as ours"


def test_two_runtimes_share_a_home(tmp_path: Path) -> None:
    homes.lay(tmp_path, "litellm", {"config.yaml": b"model_list: [1]\n"}, at(1))
    homes.lay(tmp_path, "llama.cpp", {"models.ini": b"[x]\n"}, at(1))
    assert homes.lay(tmp_path, "litellm", {"config.yaml": b"model_list: [2]\n"}, at(2)).written == ("config.yaml",)
    assert homes.lay(tmp_path, "llama.cpp", {"models.ini": b"[y]\n"}, at(2)).written == ("models.ini",)


# -- whose


def test_a_file_that_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / LLM).parent.mkdir(parents=True)
    (tmp_path / LLM).write_bytes(b"[7]")
    laid = homes.lay(tmp_path, "xinference", {**ONE, "image.json": b"[1]"}, at(1))
    assert (laid.kept, laid.written) == ((LLM,), (IMAGE,))
    assert (tmp_path / LLM).read_bytes() == b"[7]"
    assert homes.lay(tmp_path, "xinference", {}, at(2)).emptied == (IMAGE,)
    assert (tmp_path / LLM).read_bytes() == b"[7]"
    assert homes.lay(tmp_path, "xinference", ONE, at(3), force=True).written == (LLM,)
    assert homes.lay(tmp_path, "xinference", TWO, at(4)).written == (LLM,)


def test_a_file_of_ours_that_somebody_changed_stays(tmp_path: Path) -> None:
    homes.lay(tmp_path, "xinference", ONE, at(1))
    (tmp_path / LLM).write_bytes(b"[7]")
    assert homes.lay(tmp_path, "xinference", TWO, at(2)).kept == (LLM,)
    assert homes.lay(tmp_path, "xinference", {}, at(3)) == homes.Laid(tmp_path), "and it is not emptied"
    assert (tmp_path / LLM).read_bytes() == b"[7]"


def test_a_file_with_the_right_bytes_becomes_ours(tmp_path: Path) -> None:
    (tmp_path / LLM).parent.mkdir(parents=True)
    (tmp_path / LLM).write_bytes(ONE["llm.json"])
    assert homes.lay(tmp_path, "xinference", ONE, at(1)).unchanged == (LLM,)
    assert homes.lay(tmp_path, "xinference", TWO, at(2)).written == (LLM,)


def test_a_file_of_ours_that_is_gone_comes_back(tmp_path: Path) -> None:
    homes.lay(tmp_path, "xinference", ONE, at(1))
    (tmp_path / LLM).unlink()
    assert homes.lay(tmp_path, "xinference", ONE, at(1)).written == (LLM,)
    (tmp_path / LLM).unlink()
    assert homes.lay(tmp_path, "xinference", {}, at(1)) == homes.Laid(tmp_path)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_plain_file_is_not_ours(tmp_path: Path, kind: str) -> None:
    home, other = tmp_path / "home", tmp_path / "other.json"
    (home / LLM).parent.mkdir(parents=True)
    other.write_bytes(ONE["llm.json"])
    if kind == "link":
        (home / LLM).symlink_to(other)
    else:
        (home / LLM).mkdir()
    assert homes.lay(home, "xinference", ONE, at(1)).kept == (LLM,)
    assert homes.lay(home, "xinference", TWO, at(2)).kept == (LLM,)
    assert other.read_bytes() == ONE["llm.json"]
    if kind == "link":
        assert homes.lay(home, "xinference", TWO, at(2), force=True).written == (LLM,)
        assert not (home / LLM).is_symlink()
        assert other.read_bytes() == ONE["llm.json"], "the link is replaced, not what it names"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"journal":2,"runtimes":{}}', '{"journal":1,"runtimes":[]}', "[" * 9000, "null"]
)
def test_a_journal_that_nobody_understands_makes_nothing_ours(tmp_path: Path, text: str) -> None:
    homes.lay(tmp_path, "xinference", ONE, at(1))
    (tmp_path / JOURNAL).write_text(text)
    assert homes.lay(tmp_path, "xinference", TWO, at(2)).kept == (LLM,)
    assert homes.lay(tmp_path, "xinference", ONE, at(2)).unchanged == (LLM,)
    assert homes.lay(tmp_path, "xinference", TWO, at(3)).written == (LLM,)


def test_the_files_of_another_gallery_stay(tmp_path: Path) -> None:
    homes.lay(tmp_path, "xinference", ONE, at(1))
    other = at(9, gallery="https://other.example/")
    with pytest.raises(OutputError, match=r"holds the files of https://models\.acme\.example/: .* --force"):
        homes.lay(tmp_path, "xinference", TWO, other)
    assert tree(tmp_path) == {LLM: ONE["llm.json"]}
    assert homes.lay(tmp_path, "xinference", TWO, other, force=True).written == (LLM,)


def test_an_older_state_does_not_follow_a_newer_one(tmp_path: Path) -> None:
    homes.lay(tmp_path, "xinference", TWO, at(7))
    assert homes.lay(tmp_path, "xinference", ONE, at(6)) == homes.Laid(tmp_path, newer=at(7))
    assert tree(tmp_path) == {LLM: TWO["llm.json"]}
    assert homes.lay(tmp_path, "xinference", ONE, at(1, epoch=2)).written == (LLM,)


def test_by_force_a_state_that_was_taken_back_is_replaced(tmp_path: Path) -> None:
    """A thief's epoch, which clients forget with his key, and a home cannot know of."""
    homes.lay(tmp_path, "xinference", TWO, at(1, epoch=2**53 - 1))
    assert homes.lay(tmp_path, "xinference", ONE, at(6)).newer == at(1, epoch=2**53 - 1)
    assert homes.lay(tmp_path, "xinference", ONE, at(6), force=True).written == (LLM,)
    assert tree(tmp_path) == {LLM: ONE["llm.json"]}
    assert homes.lay(tmp_path, "xinference", TWO, at(7)).written == (LLM,), "from then on it goes on by itself"


# -- what interruptions leave


KILLED = """
import os, sys
from pathlib import Path
from galleryctl.client import homes
left = int(sys.argv[2])
def count(event, arguments):
    global left
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and sys.argv[1] in str(arguments[0])
    if writes or event in {"os.rename", "os.mkdir", "os.remove"}:
        left -= 1
        if left == 0:
            os._exit(9)
real = os.write
def half(descriptor, data):
    global left
    left -= 1
    if left == 0:
        real(descriptor, data[: len(data) // 2])
        os._exit(9)
    return real(descriptor, data)
os.write = half
sys.addaudithook(count)
new = {"llm.json": b'[{"model_name":"two"}]', "image.json": b"[2]"}
homes.lay(Path(sys.argv[1]), "xinference", new, homes.State("https://models.acme.example/", 1, 2))
"""


def test_a_kill_anywhere_leaves_whole_files_that_are_ours(tmp_path: Path) -> None:
    whole = {LLM: {ONE["llm.json"], TWO["llm.json"]}, IMAGE: {b"[1]", b"[2]"}}
    for step in range(1, 60):
        home = tmp_path / str(step)
        homes.lay(home, "xinference", {**ONE, "image.json": b"[1]", "audio.json": b"[1]"}, at(1))
        done = subprocess.run([sys.executable, "-c", KILLED, home, str(step)], check=False)
        found = {path: data for path, data in tree(home).items() if not path.endswith(".tmp")}
        assert all(found[path] in states for path, states in whole.items()), step
        if done.returncode == 0:
            break
        laid = homes.lay(home, "xinference", {**TWO, "image.json": b"[2]"}, at(2))
        assert laid.kept == (), step
        assert tree(home) == {
            LLM: TWO["llm.json"],
            IMAGE: b"[2]",
            "model/v2/builtin/audio/audio_models.json": b"[]",
        }, step
    assert done.returncode == 0
    assert step > 10


def test_another_run_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []

    def write(number: int) -> None:
        try:
            homes.lay(tmp_path, "xinference", {"llm.json": b"[%d]" % number}, at(number))
        except OutputError as error:  # pragma: no cover - only where it is broken
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert tree(tmp_path) == {LLM: b"[8]"}, "the newest state wins, in whatever order they come"
    monkeypatch.setattr(homes, "_PATIENCE", 0.0)
    with homes._alone(tmp_path), pytest.raises(OutputError, match="another run is writing"):  # noqa: SLF001
        homes.lay(tmp_path, "xinference", ONE, at(9))


def test_a_home_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(OutputError, match="cannot write"):
        homes.lay(tmp_path / "home", "xinference", ONE, at(1))


def test_the_journal_is_plain(tmp_path: Path) -> None:
    homes.lay(tmp_path, "localai", {"index.yaml": b"- name: x\n"}, at(3))
    assert [path.name for path in tmp_path.iterdir()] == ["gallery"], "nothing at the top of LocalAI's folder of models"
    told = json.loads((tmp_path / "gallery" / JOURNAL).read_text())["runtimes"]["localai"]
    assert (told["gallery"], told["serial"], list(told["files"])) == (GALLERY, 3, ["gallery/index.yaml"])
