"""Pickles: what loading them would run is told, and they are never loaded."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import IO, cast

import numpy as np
import pytest

import sources
from galleryctl.checks.observed import Scan
from galleryctl.errors import GalleryError
from galleryctl.inspection import pickles

LEGACY = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)


def scan(data: bytes) -> Scan:
    return pickles.scan(io.BytesIO(data), len(data))


def array(value: object, **given: bool) -> bytes:
    opened = io.BytesIO()
    np.save(opened, np.array(value, dtype=object if given else None), **given)
    return opened.getvalue()


def legacy(data: bytes) -> bytes:
    """The older form of PyTorch: five pickles, then bare numbers."""
    rest = [pickle.dumps(each, protocol=2) for each in (1001, {"little_endian": True})]
    return b"".join([LEGACY, *rest, data, pickle.dumps(["0"], protocol=2), bytes(range(256)) * 10])


@pytest.mark.parametrize(
    "data",
    [
        sources.dangerous(),
        sources.archive(sources.dangerous()),
        sources.harmless() + sources.dangerous(),
        legacy(sources.dangerous()),
        sources.dangerous() + b"\x00garbage",
    ],
    ids=["plain", "archive", "second", "legacy", "with a tail"],
)
def test_what_would_run_is_told(data: bytes) -> None:
    assert scan(data) == Scan(("posix.system",))


def test_arrays_of_objects_are_pickles() -> None:
    head = array([{"a": 1}], allow_pickle=True)
    begin = head[: 10 + int.from_bytes(head[8:10], "little")]
    assert scan(begin + sources.dangerous()) == Scan(("posix.system",))
    assert scan(head).findings == ()
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("weights.npy", begin + sources.dangerous())
    assert scan(opened.getvalue()) == Scan(("posix.system",))


@pytest.mark.parametrize(
    "data",
    [
        sources.harmless(),
        sources.archive(sources.harmless()),
        legacy(sources.harmless()),
        array([1.0, 2.0]),
        b"no pickle at all",
        b"",
    ],
    ids=["plain", "archive", "legacy", "array", "text", "empty"],
)
def test_what_is_clean_is_not_told(data: bytes) -> None:
    assert scan(data) == Scan()


def test_only_the_pickle_of_an_archive_is_read() -> None:
    data = sources.archive(sources.dangerous(), weights=5_000_000)
    read: list[int] = []

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            read.append(len(found))
            return found

    assert pickles.scan(Counted(data), len(data)).findings == ("posix.system",)
    assert sum(read) < 200_000


def test_a_broken_archive_is_trouble() -> None:
    assert scan(b"PK\x03\x04" + b"x" * 100).trouble


def test_a_source_that_fails_is_trouble() -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002 - the signature of a file
            raise GalleryError("the hub closed the connection")

    assert pickles.scan(cast("IO[bytes]", Failing()), 100) == Scan(trouble="the hub closed the connection")


def test_a_file_that_is_too_large_is_looked_at_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MOST", 2**20)
    data = sources.dangerous() + bytes(2**20)
    found = pickles.scan(io.BytesIO(data), len(data))
    assert found.findings == ("posix.system",)
    assert found.trouble == "it is larger than 1 MiB"


def test_more_operations_than_any_model_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "_OPERATIONS", 100)
    assert scan(b"\x80\x04" + b"N0" * 200 + b"N.").trouble == "it has more than 100 operations"
