"""Pickles: what loading them would run is told, and they are never loaded."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import pickletools
import struct
import tarfile
import warnings
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, cast

import numpy as np
import pytest

import sources
from galleryctl.checks.observed import Scan
from galleryctl.errors import GalleryError
from galleryctl.inspection import pickles

if TYPE_CHECKING:
    from collections.abc import Callable

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


# -- what a loader runs, and a disassembler does not see

TEXTUAL = b"cposix\nsystem\n(S'true'\ntR."


@pytest.mark.parametrize("start", [b"I0x1\n0", b"S'\xc3\xa9'\n0"], ids=["hexadecimal number", "text of another coding"])
def test_what_comes_after_an_operation_that_only_loaders_understand_is_told(start: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(pickletools.genops(start + TEXTUAL))
    found = scan(start + TEXTUAL)
    assert found.findings == ("posix.system",)
    assert found.trouble == "it is a pickle that cannot be taken apart"
    assert "posix.system" in scan(start + sources.dangerous()).findings


def test_the_hexadecimal_number_is_one_that_python_reads() -> None:
    assert pickle.loads(b"I0x1f\n.") == 31  # noqa: S301 - written here


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    opened = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(opened, "w", method) as file:
        warnings.simplefilter("ignore")  # of two members with one name
        for name, data in members:
            file.writestr(name, data)
    return opened.getvalue()


def test_of_two_members_with_one_name_both_are_looked_at() -> None:
    evil, fine = ("a/data.pkl", sources.dangerous()), ("a/data.pkl", sources.harmless())
    assert scan(zipped(evil, fine)) == scan(zipped(fine, evil)) == Scan(("posix.system",))


def header(text: str) -> bytes:
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode()


@pytest.mark.parametrize(
    "descr", ["'|O'", "[('a', '|O')]", "[('a', [('b', '<i4'), ('c', '|O', (2,))])]", r"'|\x4f'", "'object'", "'i4,O'"]
)
def test_arrays_of_objects_however_they_are_written(descr: str) -> None:
    made = header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}")
    assert scan(made + sources.dangerous()) == Scan(("posix.system",))
    assert scan(zipped(("weights", made + sources.dangerous()))) == Scan(("posix.system",))  # NumPy needs no ending


def test_arrays_with_fields_of_numbers_are_no_pickles() -> None:
    made = header("{'descr': [('a', '<i4'), ('b', '<f8', (2,))], 'fortran_order': False, 'shape': (1,), }")
    assert scan(made + bytes(20)) == Scan()


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, bz2.compress, lzma.compress])
def test_what_is_compressed_is_opened(pack: Callable[[bytes], bytes]) -> None:
    assert scan(pack(sources.dangerous())) == Scan(("posix.system",))
    assert scan(pack(sources.harmless())) == Scan()


def test_what_is_compressed_counts_as_large_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MOST", 2**20)
    assert scan(gzip.compress(b"\x80\x04" + bytes(2**24))).trouble == "it is larger than 1 MiB"


def test_a_tar_archive_is_not_taken_for_clean() -> None:
    opened = io.BytesIO()
    with tarfile.open(fileobj=opened, mode="w") as file:
        member = tarfile.TarInfo("pickle")
        member.size = len(sources.dangerous())
        file.addfile(member, io.BytesIO(sources.dangerous()))
    assert scan(opened.getvalue()).trouble


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_broken_member_hides_no_other(method: int) -> None:
    data = bytearray(zipped(("a/data.pkl", sources.harmless() * 50), ("b.pkl", sources.dangerous()), method=method))
    begin = data.find(b"data.pkl") + len(b"data.pkl")
    data[begin + 5 : begin + 20] = b"\xff" * 15
    found = scan(bytes(data))
    assert found.findings == ("posix.system",)
    assert found.trouble.startswith("a/data.pkl: ")


def test_the_older_form_of_pytorch_hides_nothing_behind_much_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MOST", 2**20)
    padded = b"\x80\x02T" + struct.pack("<I", 2**20) + bytes(2**20) + b"0" + sources.dangerous()
    assert scan(legacy(padded)).trouble == "it is larger than 1 MiB"


def test_operations_of_a_second_pickle_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "_OPERATIONS", 100)
    assert scan(b"N." + b"N0" * 200 + b"N.").trouble == "it has more than 100 operations"
