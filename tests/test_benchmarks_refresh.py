"""The benchmark of a refresh runs, and what it claims holds in the small: what is new costs less than what is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks import refresh

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_refresh_costs_less_than_the_first_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refresh._days(tmp_path, 200, 3)  # noqa: SLF001 - the whole of it but for its sizes
    said = capsys.readouterr().out
    first = re.search(r"first synchronisation ([0-9,]+) in", said)
    rows = {int(row[1]): row for row in re.finditer(r"^\| (\d+) \| \d+ \| (\d+) \| ([0-9,]+) \|", said, re.MULTILINE)}
    assert first is not None
    assert (rows[0][2], number(rows[0][3]) < 1024) == ("2", True)
    assert number(rows[1][3]) < number(first[1]) / 4


def test_resolving_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refresh._resolving(tmp_path, 30)  # noqa: SLF001 - as above
    assert re.search(r"resolve [0-9.]+ ms in the median", capsys.readouterr().out)


def number(text: str) -> int:
    return int(text.replace(",", ""))
