"""Import from anywhere: catalogues of runtimes, hubs, stores, training runs, other galleries.

A reference is claimed by exactly one importer: first by its look, then, where it is a file or an unknown address, by
what is in it.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from galleryctl.errors import UsageError
from galleryctl.importers.base import FIRST, Candidate, Importer, Options, Reference, Rejected, Remark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galleryctl.fetch import Fetcher

__all__ = [
    "FIRST",
    "SOURCES",
    "Candidate",
    "Importer",
    "Options",
    "Reference",
    "Rejected",
    "Remark",
    "claim",
    "importers",
    "reference",
]

SOURCES: dict[str, str] = {
    "xinference": "galleryctl.importers.xinference",
    "localai": "galleryctl.importers.localai",
    "lmstudio": "galleryctl.importers.lmstudio",
    "gpt4all": "galleryctl.importers.gpt4all",
    "modelsdev": "galleryctl.importers.modelsdev",
    "huggingface": "galleryctl.importers.huggingface",
    "modelscope": "galleryctl.importers.modelscope",
    "mlflow": "galleryctl.importers.mlflow",
    "objects": "galleryctl.importers.objects",
    "oci": "galleryctl.importers.oci",
    "ollama": "galleryctl.importers.ollama",
    "gallery": "galleryctl.importers.gallery",
    "web": "galleryctl.importers.web",
    "list": "galleryctl.importers.listing",
}
"""Importers: name → module, imported on use."""

_LARGEST = 256 * 2**20  # bytes of a catalogue on this machine
_PREFIX = re.compile(r"[a-z][a-z0-9+.-]*:")
_ADDRESS = ("https://", "http://")


def importers() -> Iterator[Importer]:
    """All importers, in the order in which help texts name them."""
    return (_module(name) for name in SOURCES)


@cache
def _module(name: str) -> Importer:
    module: Importer = import_module(SOURCES[name])
    return module


def reference(text: str, fetcher: Fetcher) -> Reference:
    """What somebody typed: an address, a reference with a prefix such as `huggingface:`, else a file or folder here.

    A path never becomes the name of a hub's repository by itself. `UsageError` where nothing is there.
    """
    if not text.strip():
        raise UsageError(f"a source is empty; name one, such as {_forms()}")
    if text.startswith(_ADDRESS):
        return Reference(text, _once(lambda: fetcher.get(text).body))
    path = Path(text).expanduser()
    if path.exists():
        return Reference(text, _once(lambda: _contents(path)), path.resolve())
    if _PREFIX.match(text):
        return Reference(text, bytes)
    meant = ""
    if re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", text):
        meant = f"; a repository of Hugging Face is huggingface:{text}"
    raise UsageError(f"there is no file or folder {text}{meant or f'; sources are files, or {_forms()}'}")


def claim(reference: Reference) -> Importer:
    """The one importer that reads this. `UsageError` where none does, or several would."""
    known = list(importers())
    by_look = [importer for importer in known if importer.EXAMPLES]
    for group in (by_look, [importer for importer in known if not importer.EXAMPLES]):
        found = [importer for importer in group if importer.claims(reference)]
        if len(found) > 1:
            names = " and ".join(importer.TITLE for importer in found)
            raise UsageError(f"{reference.text} could be {names}; give it in another form, such as {_forms()}")
        if found:
            return found[0]
    contents = "".join(f"\n  {importer.TITLE}" for importer in known if not importer.EXAMPLES)
    forms = "".join(f"\n  {importer.EXAMPLES[0]}" for importer in by_look)
    raise UsageError(
        f"nothing is known that reads {reference.text}. A file or folder can be:{contents}\n"
        f"anything else is named as in:{forms}"
    )


def _forms() -> str:
    return ", ".join(importer.EXAMPLES[0] for importer in importers() if importer.EXAMPLES)


def _contents(path: Path) -> bytes:
    """The bytes of a file; none of a folder, which an importer looks into by itself."""
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path} has more than {_LARGEST >> 20} MiB: no catalogue is as large")
    return data


def _once(read: Callable[[], bytes]) -> Callable[[], bytes]:
    return cache(read)
