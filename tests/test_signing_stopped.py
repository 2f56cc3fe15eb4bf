"""Signing that is stopped anywhere: a reader finds the old state or the new one, and the next run ends it."""

# ruff: noqa: F811 - fixtures are imported, and parameters have their names

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import UnsignedMetadataError

from made import NOW
from publishing import Published, _signed, renumber, rotate, signed  # noqa: F401 - fixtures
from test_signing import DAY, head, remembering, updated

if TYPE_CHECKING:
    from pathlib import Path

DYING = """
import os, sys
from galleryctl import output
from galleryctl.cli import main
stop, when, real, count = int(sys.argv[1]), sys.argv[2], output.replace, 0
def replace(path, text):
    global count
    count += 1
    if count == stop and when == "before":
        os._exit(9)
    done = real(path, text)
    if count == stop:
        os._exit(9)
    return done
output.replace = replace
sys.exit(main(sys.argv[3:]))
"""
LATER = "2026-01-04T03:04:05Z"


def dying(signed: Published, stop: int, when: str) -> int:
    """Sign in a process that ends at this write; 9, or the code of a run that had no such write."""
    command = [sys.executable, "-c", DYING, str(stop), when, "sign", str(signed.site), "--keys", str(signed.keys)]
    return subprocess.run([*command, "--now", LATER], capture_output=True, check=False).returncode


def seen_by(signed: Published, folder: Path, copy: Path) -> bytes | None:
    """What a reader with this memory, or a new one, gets; none where it can verify nothing."""
    shutil.copytree(folder, copy, symlinks=True) if folder.is_dir() else copy.mkdir()
    try:
        return updated(signed.site, signed.root, copy, NOW + 2 * DAY)
    except UnsignedMetadataError:
        return None


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("rotated", [False, True])
def test_killed_at_every_write(signed: Published, tmp_path: Path, when: str, rotated: bool) -> None:
    folder = remembering(tmp_path)
    old = updated(signed.site, signed.root, folder, NOW)
    if rotated:  # so that roots and targets are written too
        rotate(signed.keys, now=NOW)
    renumber(signed.site, serial=2)
    start, seen = tmp_path / "start", list[bytes | None]()
    signed.site.rename(start)
    new = head(start)
    for stop in range(1, 40):
        shutil.rmtree(signed.site, ignore_errors=True)
        shutil.copytree(start, signed.site)
        code = dying(signed, stop, when)
        remembered = seen_by(signed, folder, tmp_path / f"known-{stop}")
        seen.append(remembered)
        assert seen_by(signed, tmp_path / "nothing", tmp_path / f"new-{stop}") == remembered
        signed.sign(NOW + 2 * DAY)
        assert seen_by(signed, folder, tmp_path / f"later-{stop}") == new
        assert not list(signed.site.rglob("*.tmp"))
        if code == 0:
            break
        assert code == 9
    writes = 8 if rotated else 6  # targets, catalog, snapshot, discovery, root, timestamp: new ones and those that stay
    window = [None] if rotated else []  # the old timestamp, beneath the root that takes its key away
    states = [old] * (len(seen) - len(window) - (1 if when == "before" else 2)) + window
    assert len(seen) == writes + 1
    assert seen == ([*states, new] if when == "before" else [*states, new, new])


def test_killed_in_its_first_run(signed: Published, tmp_path: Path) -> None:
    shutil.rmtree(signed.site / "metadata")
    for stop in range(1, 7):
        assert dying(signed, stop, "before") == 9
        assert not (signed.site / "metadata/timestamp.json").exists()
    assert dying(signed, 7, "before") == 0
    assert updated(signed.site, signed.root, remembering(tmp_path), NOW + 2 * DAY) == head(signed.site)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_time(signed: Published, tmp_path: Path, number: signal.Signals) -> None:
    folder = remembering(tmp_path)
    old = updated(signed.site, signed.root, folder, NOW)
    renumber(signed.site, serial=2)
    new = head(signed.site)
    command = [sys.executable, "-m", "galleryctl", "sign", str(signed.site), "--keys", str(signed.keys)]
    for wait in (0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1):
        with subprocess.Popen(
            [*command, "--now", LATER], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            time.sleep(wait)
            os.kill(process.pid, number)
        shutil.copytree(folder, tmp_path / f"at-{wait}", symlinks=True)
        assert updated(signed.site, signed.root, tmp_path / f"at-{wait}", NOW + 2 * DAY) in {old, new}
    (signed.site / "metadata/.timestamp.json.123.tmp").write_bytes(b"half")  # what a kill in a write leaves
    signed.sign(NOW + 2 * DAY)
    assert updated(signed.site, signed.root, folder, NOW + 2 * DAY) == new
    assert not list(signed.site.rglob("*.tmp"))


def test_two_runs_at_once_take_turns(signed: Published, tmp_path: Path) -> None:
    renumber(signed.site, serial=2)
    command = [sys.executable, "-m", "galleryctl", "sign", str(signed.site), "--keys", str(signed.keys)]
    runs = [subprocess.Popen([*command, "--now", LATER], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert sum("nothing was due" in each for each in said) == 2
    assert updated(signed.site, signed.root, remembering(tmp_path), NOW + 2 * DAY) == head(signed.site)
