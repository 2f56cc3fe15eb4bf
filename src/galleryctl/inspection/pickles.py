"""What pickles import, without loading them. Of an archive only its pickles are read, by ranges.

The names come from picklescan, of which this is the only home; the archives are opened here, as it would read all of
their members and needs numpy for arrays. Where a stream cannot be taken apart a loader may still go on: then names are
searched for in what follows, and the file counts as not looked at.
"""

from __future__ import annotations

import ast
import bz2
import io
import itertools
import logging
import lzma
import pickletools
import re
import tarfile
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from picklescan.relaxed_zipfile import RelaxedZipFile
from picklescan.scanner import SafetyLevel, scan_pickle_bytes

from galleryctl.checks.observed import Scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO
    from zipfile import ZipInfo

MOST = 32 * 2**20
"""Bytes of one pickle that are read."""
_OPERATIONS = 2_000_000
_MEMBERS = 1_000
_SNIFFED = 200
_NUMPY = b"\x93NUMPY"
_ENDINGS = (".pkl", ".pickle", ".joblib", ".dill", ".dat", ".data", ".npy")
_STARTS = (_NUMPY, *(bytes([0x80, protocol]) for protocol in range(6)))
_ARCHIVE = b"PK\x03\x04"
_TORCH = re.compile(rb"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.")
"""How the older form of PyTorch begins: five pickles, then bare numbers."""
_NUMBERS = re.compile(r"(?:.*/)?data/[0-9]+")
"""Members of PyTorch's archives that hold bare numbers."""
_GGML = (b"lmgg", b"fmgg", b"tjgg")
_HEAD = 2**16
_PLAIN = re.compile(r"[<>|=]?[?biufcmMSUV][0-9]*(?:\[\w+\])?")
"""Types of NumPy that hold no objects, as it writes them."""
_GLOBAL = re.compile(rb"[ci]([A-Za-z_][\w.]*)\r?\n([A-Za-z_][\w.]*)\r?\n")
_TEXT = re.compile(rb"(?:\x8c.|X.{4}|\x8d.{8})([A-Za-z_][\w.]*)", re.DOTALL)
_MOST_NAMES = 100_000
_CODES = frozenset(each.code for each in pickletools.opcodes)

logging.getLogger("picklescan").addHandler(logging.NullHandler())
logging.getLogger("picklescan").propagate = False


class _Apart(NamedTuple):
    """What became of taking a stream apart."""

    many: bool = False
    broken: int | None = None
    """Where the pickle begins that cannot be taken apart, and that a loader would read."""


def scan(file: IO[bytes], size: int) -> Scan:
    """Look at a seekable file of `size` bytes; what cannot be read is trouble, never an exception."""
    try:
        start = file.read(min(size, 64))
        file.seek(0)
        if start.startswith(_ARCHIVE):
            return _archive(file)
        data = file.read(MOST)
        return _file(data, whole=len(data) == size)
    except Exception as error:  # noqa: BLE001 - four decoders and a disassembler read what strangers made
        return Scan(trouble=" ".join(str(error).split())[:200] or type(error).__name__)


def _archive(file: IO[bytes]) -> Scan:
    """The pickles of a zip archive: `data.pkl` of PyTorch, arrays of objects of NumPy."""
    found: dict[str, None] = {}
    trouble = ""
    with RelaxedZipFile(file) as archive:
        members = archive.infolist()
        named = [each for each in members if each.filename.lower().endswith(_ENDINGS)]
        if len(named) > _MEMBERS:
            return Scan(trouble=f"it has {len(named)} pickles, more than {_MEMBERS}")
        others = [each for each in members if each not in named and not _NUMBERS.fullmatch(each.filename)]
        for member in itertools.chain(named, _begun(archive, others[:_SNIFFED])):
            try:
                with archive.open(member) as opened:  # by its entry: of two with one name each may be what is loaded
                    data = opened.read(MOST + 1)
                one = _file(data[:MOST], whole=len(data) <= MOST)
            except Exception as error:  # noqa: BLE001 - as above; the other members are looked at all the same
                one = Scan(trouble=str(error) or type(error).__name__)
            found |= dict.fromkeys(one.findings)
            trouble = trouble or (f"{member.filename}: {one.trouble}" if one.trouble else "")
    return Scan(tuple(found), " ".join(trouble.split())[:200])


def _begun(archive: RelaxedZipFile, members: list[ZipInfo]) -> Iterator[ZipInfo]:
    """Members that begin as pickles and arrays do: NumPy goes by that, and not by names."""
    for member in members:
        try:
            with archive.open(member) as opened:
                start = opened.read(8)
        except Exception:  # noqa: BLE001, S112 - what cannot be opened is no pickle by its name either
            continue
        if start.startswith(_STARTS):
            yield member


def _file(data: bytes, *, whole: bool) -> Scan:
    """A file that is no zip archive, or a member of one."""
    if data.startswith(_NUMPY):
        return _array(data, whole=whole)
    if (opened := _unpacked(data)) is not None:
        return _pickle(opened[:MOST], whole=whole and len(opened) <= MOST)
    if _is_tar(data):
        return Scan(trouble="it is a tar archive, which is not looked into")
    return _pickle(data, whole=whole)


def _unpacked(data: bytes) -> bytes | None:
    """What joblib compressed, as far as it is read; none where nothing is compressed."""
    if data[:2] in {b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"\x1f\x8b"}:
        return zlib.decompressobj(47).decompress(data, MOST + 1)
    if data.startswith(b"BZh"):
        return bz2.BZ2Decompressor().decompress(data, MOST + 1)
    if data.startswith((b"\xfd7zXZ\0", b"]\0\0")):
        return lzma.LZMADecompressor(memlimit=2**28).decompress(data, MOST + 1)
    return None


def _is_tar(data: bytes) -> bool:
    """The oldest form of PyTorch."""
    try:
        tarfile.TarInfo.frombuf(data[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _array(data: bytes, *, whole: bool) -> Scan:
    """An array of NumPy holds pickles only where it holds objects."""
    wide = data[6:7] in {b"\x02", b"\x03"}
    length = int.from_bytes(data[8 : 12 if wide else 10], "little")
    begin = (12 if wide else 10) + length
    return Scan() if _is_plain(data[begin - length : begin]) else _pickle(data[begin:], whole=whole)


def _is_plain(head: bytes) -> bool:
    """Whether the header of an array names no type that holds objects, as far as it can be read."""
    try:
        said = ast.literal_eval(head.decode("utf-8")) if len(head) <= _HEAD else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return isinstance(said, dict) and _holds_numbers(said.get("descr"))


def _holds_numbers(type_: Any) -> bool:  # noqa: ANN401 - any literal
    if isinstance(type_, list):
        return all(isinstance(field, tuple) and len(field) > 1 and _holds_numbers(field[1]) for field in type_)
    if isinstance(type_, tuple):
        return bool(type_) and _holds_numbers(type_[0])
    return isinstance(type_, str) and _PLAIN.fullmatch(type_) is not None


def _pickle(data: bytes, *, whole: bool) -> Scan:
    torch = _TORCH.match(data) is not None
    apart = _taken_apart(data, 5 if torch else None)
    if apart.many:
        return Scan(trouble=f"it has more than {_OPERATIONS} operations")
    stream = io.BytesIO(data)
    found: dict[str, None] = {}
    for _ in range(5 if torch else 1):
        found |= dict.fromkeys(_dangers(stream, several=not torch))
    if apart.broken is not None:
        found |= dict.fromkeys(_dangers(io.BytesIO(_named(data[apart.broken :])), several=False))
    if not whole and (not torch or apart.broken is not None):
        return Scan(tuple(found), f"it is larger than {MOST // 2**20} MiB")
    return Scan(tuple(found), "" if apart.broken is None else "it is a pickle that cannot be taken apart")


def _dangers(stream: io.BytesIO, *, several: bool) -> list[str]:
    result = scan_pickle_bytes(stream, "file", multiple_pickles=several)
    return sorted({f"{each.module}.{each.name}" for each in result.globals if each.safety is SafetyLevel.Dangerous})


def _taken_apart(data: bytes, pickles: int | None) -> _Apart:
    """Whether every pickle that is loaded can be: the first one, or this many; of the others their number counts.

    A list of operations takes a hundred bytes for each: of small ones no more than `_OPERATIONS` are taken apart.
    """
    stream, count = io.BytesIO(data), 0
    for number in itertools.count():
        begin = stream.tell()
        if begin >= len(data) or number == pickles:
            break
        try:
            for _ in pickletools.genops(stream):
                count += 1
                if count > _OPERATIONS:
                    return _Apart(many=True)
        except Exception:  # noqa: BLE001 - whatever it says of what is no pickle
            begun = chr(data[begin]) in _CODES and not data.startswith(_GGML)
            return _Apart(broken=begin if begun and number < (pickles or 1) else None)
    return _Apart()


def _named(data: bytes) -> bytes:
    """A pickle that imports whatever looks like an import in these bytes."""
    pairs = [found.groups() for found in itertools.islice(_GLOBAL.finditer(data), _MOST_NAMES)]
    texts = [found[1] for found in itertools.islice(_TEXT.finditer(data), _MOST_NAMES)]
    names = dict.fromkeys([*pairs, *itertools.pairwise(texts)])
    return b"".join(b"c%s\n%s\n" % (module, name) for module, name in names) + b"."
