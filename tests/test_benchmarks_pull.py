"""The benchmark of pulling: its server sends what it should, and its commands end with the right file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import pull
from benchmarks.__main__ import Run

from pulls import DATA, pulled, sha256, wanted

ROOT = Path(__file__).parents[1]


def test_the_server_sends_parts(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(DATA)
    command = [sys.executable, "-m", "benchmarks.pull", "--serve", str(tmp_path / "source")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/x"
            assert pulled(tmp_path / "into", wanted(url)).fetched == len(DATA)
        finally:
            server.kill()


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sha256sum")), reason="needs curl and sha256sum")
def test_every_command_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.pull", "--bytes", "300000", "--runs", "1", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    rows = [line.split("|")[1].strip() for line in done.stdout.splitlines() if line.startswith("| ")]
    assert {"curl, tee, sha256sum", "pull", "pull, one connection"} <= set(rows)
    assert list(tmp_path.iterdir()) == []


def test_the_bound_is_of_neighbours() -> None:
    fast, slow = Run(1.0, 1.0, 50), Run(2.0, 1.0, 50)
    told = pull.report({"curl, tee, sha256sum": [fast, slow], "pull": [fast, slow]}, 2**31)
    assert told.splitlines()[-1].endswith("| 1.00 × | met |")
    told = pull.report({"curl, tee, sha256sum": [fast], "pull": [slow]}, 2**31)
    assert told.splitlines()[-1].endswith("| 0.50 × | missed |")
    assert told.startswith("2 GiB, 1 runs")


def test_files_are_what_their_digest_says(tmp_path: Path) -> None:
    assert pull.make(tmp_path / "x", 1000) == sha256((tmp_path / "x").read_bytes())
    assert (tmp_path / "x").stat().st_size == 1000
