"""Names of strangers: none leads out of the folder, and no two meet in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.client.errors import PullError
from galleryctl.client.places import WORK, places, unsafe, workplace

HOSTILE = (
    "", "..", "../x", "a/../../x", "a/./b", "a//b", "/etc/passwd", "//host/share/x", "~/x", "~root/x", "C:/x", "C:x",
    "c:\\x", "a\\..\\b", "\\\\host\\share", "a\0b", "a\nb", "\x1b[2Jx", "x\u202etxt.exe", "x\u200b", "con", "a/NUL.txt",
    "com1", "LPT9.gguf", "com²", "conin$", "a.", "a ", " a", "dir./x", "x:stream", "a|b", "a*", "a?", '"', "<x>",
    "x" * 241, "a/" * 1100 + "b", WORK, f"{WORK}/verified.json", WORK.upper() + "/x",
)  # fmt: skip
GOOD = (
    "a",
    "a/b/c.gguf",
    ".hidden",
    "a..b",
    "modèle/模型.bin",
    "model-00001-of-00002.safetensors",
    "a b",
    "conx",
    "com",
    "x~",
)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(PullError, match="would write"):
        places([name], tmp_path)


@pytest.mark.parametrize("name", GOOD)
def test_good_names(name: str, tmp_path: Path) -> None:
    assert places([name], tmp_path) == {name: tmp_path / name}


@given(st.text(alphabet="./\\aC:~\0 \u202e", max_size=12))
def test_what_is_let_pass_stays_inside(name: str) -> None:
    if not unsafe(name):
        inside = os.path.normpath(Path("/folder", *name.split("/")))
        assert inside.startswith("/folder/")
        assert Path(inside) == Path("/folder") / name


@pytest.mark.parametrize(
    "names",
    [
        ("a", "a"),
        ("a", "A"),
        ("dir/x", "DIR/x"),
        ("ﬁ", "fi"),
        ("é", "e\u0301"),
        ("straße", "STRASSE"),
        ("a", "a/b"),
        ("A/b", "a"),
    ],
)
def test_two_files_in_one_place(names: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(PullError, match="would write"):
        places(names, tmp_path)


@pytest.mark.parametrize("link", ["a", "a/b", "a/b/c"])
def test_links_are_not_followed(link: str, tmp_path: Path) -> None:
    into, elsewhere = tmp_path / "into", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (into / link).parent.mkdir(parents=True)
    (into / link).symlink_to(elsewhere)
    with pytest.raises(PullError, match="is a link"):
        places(["a/b/c"], into)


def test_a_link_that_leads_nowhere_is_one_too(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "missing")
    with pytest.raises(PullError, match="is a link"):
        places(["a"], tmp_path)


def test_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("file/x", "folder", "pipe"):
        with pytest.raises(PullError, match="in the way"):
            places([name], tmp_path)


def test_the_workplace_is_a_folder_of_its_own(tmp_path: Path) -> None:
    work = workplace(tmp_path / "deep" / "into")
    assert work.stat().st_mode & 0o777 == 0o700
    work.rmdir()
    work.symlink_to(tmp_path)
    with pytest.raises(PullError, match="in the way"):
        workplace(tmp_path / "deep" / "into")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PullError, match="cannot write"):
        workplace(tmp_path / "file")
