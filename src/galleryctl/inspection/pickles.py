"""What pickles import, without loading them. Of an archive only its pickles are read, by ranges.

The names come from picklescan, of which this is the only home; the archives are opened here, as it would read all of
their members and needs numpy for arrays.
"""

from __future__ import annotations

import io
import logging
import pickletools
import re
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from picklescan.relaxed_zipfile import RelaxedZipFile
from picklescan.scanner import SafetyLevel, scan_pickle_bytes

from galleryctl.checks.observed import Scan
from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    from typing import IO

MOST = 32 * 2**20
"""Bytes of one pickle that are read."""
_OPERATIONS = 2_000_000
_MEMBERS = 1_000
_NUMPY = b"\x93NUMPY"
_ENDINGS = (".pkl", ".pickle", ".joblib", ".dill", ".dat", ".data", ".npy")
_ARCHIVE = b"PK\x03\x04"
_TORCH = re.compile(rb"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.")
"""How the older form of PyTorch begins: five pickles, then bare numbers."""

logging.getLogger("picklescan").addHandler(logging.NullHandler())
logging.getLogger("picklescan").propagate = False


def scan(file: IO[bytes], size: int) -> Scan:
    """Look at a seekable file of `size` bytes; what cannot be read is trouble, never an exception."""
    try:
        start = file.read(min(size, 64))
        file.seek(0)
        if start.startswith(_ARCHIVE):
            return _archive(file)
        data = file.read(MOST)
        return _array(data, size) if start.startswith(_NUMPY) else _pickle(data, whole=len(data) == size)
    except (GalleryError, BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        return Scan(trouble=" ".join(str(error).split())[:200] or type(error).__name__)


def _archive(file: IO[bytes]) -> Scan:
    """The pickles of a zip archive: `data.pkl` of PyTorch, arrays of objects of NumPy."""
    found: dict[str, None] = {}
    trouble = ""
    with RelaxedZipFile(file) as archive:
        members = [each for each in archive.infolist() if each.filename.lower().endswith(_ENDINGS)]
        if len(members) > _MEMBERS:
            return Scan(trouble=f"it has {len(members)} pickles, more than {_MEMBERS}")
        for member in members:
            with archive.open(member.filename) as opened:
                data = opened.read(MOST + 1)
            whole = len(data) <= MOST
            data = data[:MOST]
            one = _array(data, member.file_size) if data.startswith(_NUMPY) else _pickle(data, whole=whole)
            found |= dict.fromkeys(one.findings)
            trouble = trouble or (f"{member.filename}: {one.trouble}" if one.trouble else "")
    return Scan(tuple(found), trouble)


def _array(data: bytes, size: int) -> Scan:
    """An array of NumPy holds pickles only where it holds objects."""
    wide = data[6:7] in {b"\x02", b"\x03"}
    length = int.from_bytes(data[8 : 12 if wide else 10], "little")
    begin = (12 if wide else 10) + length
    if b"O" not in data[10:begin].partition(b"descr")[2].partition(b",")[0]:
        return Scan()
    return _pickle(data[begin:], whole=len(data) == size)


def _pickle(data: bytes, *, whole: bool) -> Scan:
    if many := _too_many(data):
        return Scan(trouble=many)
    torch = _TORCH.match(data) is not None
    found: dict[str, None] = {}
    stream = io.BytesIO(data)
    for _ in range(5 if torch else 1):
        result = scan_pickle_bytes(stream, "file", multiple_pickles=not torch)
        dangerous = [each for each in result.globals if each.safety is SafetyLevel.Dangerous]
        found |= dict.fromkeys(sorted(f"{each.module}.{each.name}" for each in dangerous))
    trouble = "" if whole or torch else f"it is larger than {MOST // 2**20} MiB"
    return Scan(tuple(found), trouble)


def _too_many(data: bytes) -> str:
    """A list of operations takes a hundred bytes for each: of small ones no more than this are taken apart."""
    stream, count = io.BytesIO(data), 0
    try:
        for count, _ in enumerate(pickletools.genops(stream)):
            if count > _OPERATIONS:
                return f"it has more than {_OPERATIONS} operations"
    except Exception:  # noqa: BLE001 - where it ends, picklescan says what was found until then
        return ""
    return ""
