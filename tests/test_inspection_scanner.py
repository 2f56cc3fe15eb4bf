"""Outside scanners: real programs, which find something, hang, flood, or are not there."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from galleryctl.checks.observed import Scan
from galleryctl.inspection import scanner
from galleryctl.spec import Scanner

if TYPE_CHECKING:
    from pathlib import Path


def program(script: str, seconds: int = 30) -> Scanner:
    return Scanner.model_validate({"for": "files", "command": (sys.executable, "-c", script), "seconds": seconds})


def test_no_finding() -> None:
    assert scanner.run(program("print('all is well')"), "image") == Scan()


def test_the_exit_code_decides_and_the_first_lines_tell() -> None:
    script = "import sys; print('bad:', sys.argv[1]); print(); print('x' * 500); sys.exit(1)"
    found = scanner.run(program(script), "host/image@sha256:00")
    assert found.findings == ("bad: host/image@sha256:00", "x" * 200)
    assert scanner.run(program("import sys; sys.exit(7)"), "image").findings == (f"{sys.executable} ended with 7",)


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    start = time.monotonic()
    assert scanner.run(program(script, seconds=2), "image").trouble == f"{sys.executable} took longer than 2 s"
    assert time.monotonic() - start < 20
    for _ in range(100):
        if not _alive(int(pid.read_text())):
            return
        time.sleep(0.05)
    pytest.fail("what it started still runs")


def test_what_closes_its_output_and_stays_is_ended() -> None:
    start = time.monotonic()
    script = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    assert scanner.run(program(script, seconds=2), "image").trouble == f"{sys.executable} took longer than 2 s"
    assert time.monotonic() - start < 20


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - a file of the kernel
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_flood_is_cut() -> None:
    found = scanner.run(program("import sys\nfor _ in range(300): print('y' * 1000)\nsys.exit(1)"), "image")
    assert len(found.findings) == 5


def test_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_WORD", "hush")
    script = "import os, sys; print(sorted(os.environ)); print(os.getcwd() == os.environ['HOME']); sys.exit(1)"
    names, home = scanner.run(program(script), "image").findings
    assert "SECRET_WORD" not in names
    assert home == "True"


def test_a_program_that_is_not_there_is_trouble() -> None:
    given = Scanner.model_validate({"for": "images", "command": ("no-such-scanner-anywhere",)})
    assert scanner.run(given, "image").trouble == "no-such-scanner-anywhere cannot be run: No such file or directory"


def test_an_image_that_looks_like_an_option_is_not_passed_on() -> None:
    assert scanner.run(program("raise SystemExit(1)"), "--output=/etc/passwd").trouble
