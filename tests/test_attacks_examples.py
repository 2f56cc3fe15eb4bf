"""Attacks on the readers of the examples: by a thief of the online key, and by who may write the folder of state."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import rfc8785
from securesystemslib.signer import CryptoSigner

from worlds import World

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = Path(__file__).parents[1] / "examples"
READERS = {"sh": ["bash", str(EXAMPLES / "reader.sh")], "mjs": ["node", str(EXAMPLES / "reader.mjs")]}
every = pytest.mark.parametrize("reader", READERS)


class Done(NamedTuple):
    code: int
    shown: str
    said: str
    asked: tuple[str, ...]


@pytest.fixture
def world() -> World:
    return World(now=dt.datetime.now(dt.UTC), deltas=False).publish()


def read(reader: str, world: World, folder: Path, environ: Mapping[str, str] | None = None) -> Done:
    (folder / "root.json").write_bytes(world.root)
    with world.serving() as served:
        words = [*READERS[reader], served.url, "--root", str(folder / "root.json"), "--state", str(folder / "state")]
        made = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **(environ or {})}
        )
        asked = tuple(each.path for each in served.asked)
    return Done(made.returncode, made.stdout, made.stderr, asked)


def put(world: World, **members: Any) -> None:  # noqa: ANN401 - JSON
    head: dict[str, Any] = json.loads(rfc8785.dumps(world.catalog))
    world.put_head(rfc8785.dumps(head | {"serial": 2} | members))


@every
@pytest.mark.parametrize(
    "name",
    [
        'x"]|{length:5,sha256:$ENV.TOKEN},empty["y',  # a program of jq's
        'x"],input_filename,.["y',
        "$(touch pwned)",
        "a/../../b",
        "llm\nimage",
        "-n",
    ],
)
def test_names_of_types_are_no_programs(world: World, tmp_path: Path, reader: str, name: str) -> None:
    put(world, types={name: world.catalog["types"]["llm"]})
    done = read(reader, world, tmp_path, {"TOKEN": "ab" * 32})
    assert done.code == 3
    assert done.said.startswith("refused: document: ")
    assert not any("abab" in path for path in done.asked)


@pytest.mark.parametrize("member", ["epoch", "serial"])
def test_what_is_stored_is_no_program(world: World, tmp_path: Path, member: str) -> None:
    assert read("sh", world, tmp_path).code == 0
    path = tmp_path / "state/state.json"
    state = json.loads(path.read_bytes())
    head = json.loads(state["catalog"])
    state["catalog"] = json.dumps({**head, member: f"PIPESTATUS[$(touch {tmp_path}/pwned)]"})
    path.write_text(json.dumps(state))
    assert read("sh", world, tmp_path).code == 3
    assert not (tmp_path / "pwned").exists()


@every
@pytest.mark.parametrize("row", [None, 5, "x", [], {"releases": {"1.0.0": None}}, {"releases": [1]}])
def test_a_row_that_is_no_model_hides_no_other(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, row: object
) -> None:
    write = world._document  # noqa: SLF001 - the tests' own
    monkeypatch.setattr(world, "_document", lambda kind, rows: write(kind, {**rows, "acme/odd": row}))
    world.publish()
    done = read(reader, world, tmp_path)
    assert done.code == 0, done.said
    assert {line.split("\t")[1] for line in done.shown.splitlines()} - {"acme/odd"} == {
        "acme/one",
        "acme/two",
        "acme/paint",
    }


@every
def test_numbers_of_a_key_that_was_taken_away(world: World, tmp_path: Path, reader: str) -> None:
    assert read(reader, world, tmp_path).code == 0
    thief = world.copy()
    thief.epoch = 2**53 - 1
    world.files, files = thief.publish().files, world.files
    assert read(reader, world, tmp_path).code == 0
    world.files = files
    assert "refused: timestamp: version" in read(reader, world, tmp_path).said
    world.rotate(CryptoSigner.generate_ed25519())
    world.publish()
    done = read(reader, world, tmp_path)
    assert done.code == 0, done.said
    world.serial = 0
    world.publish()
    assert "refused: catalog: serial" in read(reader, world, tmp_path).said
