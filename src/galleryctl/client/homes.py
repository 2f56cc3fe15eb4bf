"""The files that a runtime reads by itself, where it reads them: written whole, and only when they change.

A journal in the home says what was written there and for which state of the gallery. It is what tells our files from
those of the runtime and of people: a file that it does not know, or that somebody changed since, stays as it is.

What holds when a run is killed: every file is the old or the new one, whole, and the next run knows both as its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import canonical, output
from galleryctl.client import journals
from galleryctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

JOURNAL = ".galleryctl.json"

_PATIENCE = 10.0  # seconds for another run to end


class Reads(NamedTuple):
    """What a runtime reads of its home."""

    title: str
    source: str
    """Path of a file as the gallery publishes it; `{type}` stands for a model type."""
    target: str
    """Its path in the home."""
    empty: bytes
    """The file without a model."""
    variable: str = ""
    """Variable of the environment that names the home."""
    default: str = ""
    """The home where that is not set; empty where the runtime has none that is certain."""
    hint: str = ""
    """How the runtime takes notice; may name `{file}`."""


RUNTIMES: Mapping[str, Reads] = {
    "xinference": Reads(
        "Xinference",
        "{type}.json",
        "model/v2/builtin/{type}/{type}_models.json",
        b"[]",
        "XINFERENCE_HOME",
        "~/.xinference",
        "it is read when Xinference starts",
    ),
    # Not at the top of the models folder: each YAML file there is read as the configuration of models.
    "localai": Reads(
        "LocalAI",
        "index.yaml",
        "gallery/index.yaml",
        b"[]\n",
        "LOCALAI_MODELS_PATH",
        hint='LocalAI reads it with GALLERIES=[{{"name": "gallery", "url": "file://{file}"}}]',
    ),
    "llama.cpp": Reads(
        "llama.cpp",
        "models.ini",
        "models.ini",
        b"; Presets for: llama-server --models-preset models.ini\n",
        hint="llama-server --models-preset {file}",
    ),
    "litellm": Reads("LiteLLM", "config.yaml", "config.yaml", b"model_list: []\n", hint="litellm --config {file}"),
}


@dataclass(frozen=True, slots=True)
class State:
    """The state of a gallery that files were written for."""

    gallery: str
    """Address of the gallery."""
    epoch: int
    serial: int


@dataclass(frozen=True, slots=True)
class Laid:
    """What came of writing the files of a runtime. Paths are relative to its home."""

    home: Path
    written: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    """Files of ours that hold no model any more."""
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Files that are not ours, or were changed by somebody: left as they are."""
    newer: State | None = None
    """Later state that the files were written for already; nothing was done then, for want of force."""


class _Journal(NamedTuple):
    state: State
    files: Mapping[str, tuple[str, ...]]
    """Digests that a file may have and be ours: two while it is being replaced."""


def default(runtime: str, environment: Mapping[str, str]) -> Path | None:
    """The home that a runtime uses by itself; none where that is not certain."""
    reads = RUNTIMES[runtime]
    named = environment.get(reads.variable, "") if reads.variable else ""
    found = named or reads.default
    return Path(found).expanduser() if found else None


def places(runtime: str, natives: Mapping[str, bytes], types: Collection[str] = ()) -> dict[str, bytes]:
    """What belongs where in the home, of the files that a gallery publishes for a runtime; `types` narrows it."""
    reads = RUNTIMES[runtime]
    found = {}
    for path, data in sorted(natives.items()):
        match = _pattern(reads.source).fullmatch(path)
        if match and (not types or match.groupdict().get("type", "") in {"", *types}):
            found[reads.target.format(**match.groupdict())] = data
    return found


def _pattern(template: str) -> re.Pattern[str]:
    once = re.escape(template).replace(r"\{type\}", "(?P<type>[a-z][a-z0-9_-]{0,63})", 1)
    return re.compile(once.replace(r"\{type\}", "(?P=type)"))


def serial(home: Path, runtime: str, gallery: str) -> tuple[int, int]:
    """Epoch and serial that the files in a home were written for; zeros where none were."""
    journal = _read(home, runtime)
    return (journal.state.epoch, journal.state.serial) if journal and journal.state.gallery == gallery else (0, 0)


def lay(
    home: Path,
    runtime: str,
    natives: Mapping[str, bytes],
    state: State,
    *,
    types: Collection[str] = (),
    force: bool = False,
) -> Laid:
    """Make a home hold the files of a runtime, and those of ours that the gallery has no more hold no model.

    `force` replaces files that are not ours too, and those of a later state: a thief's, say, that was taken back.
    OutputError: the home cannot be written, holds the files of another gallery, or another run is writing it.
    """
    home = home.absolute()
    with _alone(home):
        journal = _read(home, runtime)
        ours: Mapping[str, tuple[str, ...]] = {}
        if journal is not None:
            before, ours = journal
            if before.gallery != state.gallery and not force:
                raise OutputError(f"{home} holds the files of {before.gallery}: choose another folder, or use --force")
            later = (before.epoch, before.serial) > (state.epoch, state.serial)
            if later and before.gallery == state.gallery and not force:
                return Laid(home, newer=before)
        return _Laying(home, runtime, state, ours, force=force).run(places(runtime, natives, types), types)


class _Laying:
    """One call of `lay`: what is to be done to each file, then doing it."""

    def __init__(
        self, home: Path, runtime: str, state: State, ours: Mapping[str, tuple[str, ...]], *, force: bool
    ) -> None:
        self._home = home
        self._runtime = runtime
        self._state = state
        self._ours = ours
        self._force = force
        self._writing: dict[str, bytes] = {}
        self._done: dict[str, list[str]] = {"written": [], "emptied": [], "unchanged": [], "kept": []}

    def run(self, wanted: Mapping[str, bytes], types: Collection[str]) -> Laid:
        reads = RUNTIMES[self._runtime]
        after = {path: digests for path, digests in self._ours.items() if path not in wanted}
        gone = {path for path in after if not types or path in {reads.target.format(type=each) for each in types}}
        for path, data in sorted({**wanted, **dict.fromkeys(gone, reads.empty)}.items()):
            outcome = self._judge(path, data)
            if outcome == "absent" or (outcome == "kept" and path not in wanted):
                after.pop(path, None)
                continue
            self._done[outcome].append(path)
            if outcome != "kept":
                after[path] = (canonical.digest(data),)
            if outcome in {"written", "emptied"}:
                self._writing[path] = data
        self._write(after)
        written, emptied, unchanged, kept = (tuple(paths) for paths in self._done.values())
        return Laid(self._home, written, emptied, unchanged, kept)

    def _judge(self, path: str, data: bytes) -> str:
        """What becomes of one file. A list without models is worth no file, and no quarrel with others'."""
        found, empty = _digest(self._home / path), data.strip() == RUNTIMES[self._runtime].empty.strip()
        if found == canonical.digest(data):
            return "unchanged"
        if not found:
            return "absent" if empty else "written"
        if self._force or found in self._ours.get(path, ()):
            return "emptied" if empty else "written"
        return "absent" if empty else "kept"

    def _write(self, after: Mapping[str, tuple[str, ...]]) -> None:
        if self._writing:
            both = {path: (*self._ours.get(path, ()), *digests) for path, digests in after.items()}
            self._note({**self._ours, **both})
        for path, data in self._writing.items():
            _replace(self._home / path, data)
        self._note(after)

    def _note(self, files: Mapping[str, tuple[str, ...]]) -> None:
        path = _journal(self._home, self._runtime)
        if not files and not path.exists():
            return
        known = _load(path)
        known[self._runtime] = {
            "gallery": self._state.gallery,
            "epoch": self._state.epoch,
            "serial": self._state.serial,
            "files": {path: list(dict.fromkeys(digests)) for path, digests in sorted(files.items())},
        }
        _replace(path, f"{json.dumps({'journal': 1, 'runtimes': known}, indent=1, sort_keys=True)}\n".encode())


def _replace(path: Path, data: bytes) -> None:
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):  # of a run that was killed
        leftover.unlink(missing_ok=True)
    output.replace(path, data)


def _journal(home: Path, runtime: str) -> Path:
    """Beside what it tells of, where the top of the home is read by the runtime."""
    return home / "gallery" / JOURNAL if runtime == "localai" else home / JOURNAL


def _load(path: Path) -> dict[str, dict[str, object]]:
    """Runtimes of a journal. One that cannot be understood knows nothing, so nothing it tells of is taken for ours."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found = json.loads(journals.read(path))
        if found["journal"] == 1 and all(isinstance(each, dict) for each in found["runtimes"].values()):
            return dict(found["runtimes"])
    return {}


def _read(home: Path, runtime: str) -> _Journal | None:
    match _load(_journal(home, runtime)).get(runtime):
        case {"gallery": str(gallery), "epoch": int(epoch), "serial": int(serial), "files": dict(files)}:
            lies = _pattern(RUNTIMES[runtime].target).fullmatch  # who writes the home must not lead us out of it
            ours = {
                path: tuple(map(str, digests))
                for path, digests in files.items()
                if lies(path) and isinstance(digests, list)
            }
            return _Journal(State(gallery, epoch, serial), ours)
        case _:
            return None


def _digest(path: Path) -> str:
    """Digest of a file; empty where there is none, and no digest where what is there is no plain file."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return "no plain file"
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from error


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """The home, made where it is missing, for this run alone."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OutputError(f"cannot write {home}: {error.strerror}") from error
    try:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise OutputError(f"another run is writing {home}: wait for it to end") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)
