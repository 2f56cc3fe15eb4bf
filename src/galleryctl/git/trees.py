"""Files as git has them: on disk, or in a commit."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
import weakref
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from galleryctl.errors import GitError
from galleryctl.git import differing, listing
from galleryctl.git import process as run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LIMIT = 8 * 2**20  # bytes of one file: a definition is text that people read
_CHUNK = 2**20
_NOTHING = "0" * 40  # where there is no blob
_SUBMODULE = "160000"
_DOUBLE = "000001"  # no mode of git's


class TreeEntry(NamedTuple):
    """One path of a tree: git's mode in octal (`100644`), length in bytes, blob id.

    Regular files are `100644` and `100755`. All else is there to be seen and cannot be read: a symbolic link `120000`,
    a repository inside this one `160000`, a folder where git has a file `040000`, a pipe or device by its own type.
    """

    mode: str
    size: int
    blob: str

    @property
    def regular(self) -> bool:
        return self.mode.startswith("100")


class Tree(Protocol):
    """Files by path: `/` between parts, relative to `root`. `root` is none where the files do not lie on the disk."""

    @property
    def root(self) -> Path | None: ...

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        """Every path at or below `under`, sorted; empty where there is none."""

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        """The bytes of a regular file. FileNotFoundError: no such file. ValueError: another kind, or over `limit`."""


class Listings(Protocol):
    """Where listings of commits are kept. It may lose them at any time."""

    def listing(self, name: str) -> bytes | None: ...

    def keep_listing(self, name: str, value: bytes) -> None: ...


class Folder:
    """Files on disk, outside git: every one is hashed."""

    def __init__(self, root: Path) -> None:
        self.root: Path = root
        self._algorithm = "sha1"
        self._base = os.path.join(root, "")  # noqa: PTH118 - a text to append to, forty thousand times
        self._plain: set[str] = {""}

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        found = ((path, self._entry(path)) for path in self._walk(under))
        return dict(sorted((path, entry) for path, entry in found if entry))

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        self._refuse_detours(path)
        try:
            descriptor = os.open(self._base + path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise
            if isinstance(error, PermissionError):
                raise _unreadable(path) from error
            raise ValueError(f"{path} is not a regular file") from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{path} is not a regular file")
            if status.st_size > limit:
                raise ValueError(f"{path} has more than {limit} bytes")
            return os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)

    def _refuse_detours(self, path: str) -> None:
        """A path that leaves the root, or passes through a link, could show any file of the machine."""
        folder = path.rpartition("/")[0]
        if folder in self._plain:
            return
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"{path} is not a path of the tree")
        if stat.S_ISLNK(os.lstat(self._base + folder).st_mode):
            raise ValueError(f"{path} passes through a symbolic link")
        self._refuse_detours(folder)
        self._plain.add(folder)

    def _walk(self, under: str) -> Iterator[str]:
        start = self._base + under
        if not os.path.isdir(start) or os.path.islink(start.rstrip("/")):  # noqa: PTH112, PTH114
            yield from [under] if os.path.lexists(start) else []
            return
        for folder, folders, files in os.walk(start):
            folders[:] = [name for name in folders if name != ".git"]
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
            for name in (*files, *links):
                yield os.path.join(folder, name)[len(self._base) :]  # noqa: PTH118

    def _entry(self, path: str) -> TreeEntry | None:
        """What lies on the disk; none where nothing does."""
        full = self._base + path
        try:
            status = os.lstat(full)
            kind = stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFLNK:
                target = os.fsencode(Path(full).readlink())
                return TreeEntry("120000", len(target), self._hash([target], len(target)))
            if kind == stat.S_IFREG:
                mode = "100755" if status.st_mode & stat.S_IXUSR else "100644"
                with Path(full).open("rb", buffering=0) as file:
                    blob = self._hash(iter(lambda: file.read(_CHUNK), b""), status.st_size)
                return TreeEntry(mode, status.st_size, blob)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            raise _unreadable(path) from error
        return TreeEntry(f"{kind:06o}", 0, _NOTHING)

    def _hash(self, chunks: Iterable[bytes], size: int) -> str:
        digest = hashlib.new(self._algorithm, b"blob %d\0" % size, usedforsecurity=False)
        for chunk in chunks:
            digest.update(chunk)
        return digest.hexdigest()


class Checkout(Folder):
    """Files of a repository on disk: three git processes side by side, and only what git calls changed is hashed."""

    def __init__(self, root: Path, algorithm: str) -> None:
        super().__init__(root)
        self._algorithm = algorithm
        self._listed: dict[str, Mapping[str, TreeEntry]] = {}

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        """What was listed once stays as it was then: all of one run sees the same files."""
        if under not in self._listed:
            above = next((known for known in self._listed if not known or under.startswith(f"{known}/")), None)
            self._listed[under] = self._list(under) if above is None else _below(self._listed[above], under)
        return self._listed[under]

    def _list(self, under: str) -> Mapping[str, TreeEntry]:
        scope = ("-z", "--", under or ".")
        commands = (
            ("ls-files", "--stage", "-v", *scope),
            ("diff-files", "--name-only", "--relative", "--ignore-submodules", *scope),
            ("ls-files", "--others", "--exclude-standard", *scope),
        )
        with ExitStack() as stack:
            running = [stack.enter_context(run.start(self.root, *words)) for words in commands]
            found, doubtful = self._index(run.names(run.finish(running[0])))
            doubtful.update(run.names(run.finish(running[1])))
            others = run.names(run.finish(running[2]))
        for path in doubtful:
            found.pop(path, None)
        for path in (*doubtful, *others):
            if path.endswith("/"):  # a repository inside this one, which git does not look into
                found[path.rstrip("/")] = TreeEntry(_SUBMODULE, 0, _NOTHING)
            elif entry := self._entry(path):
                found[path] = entry
        return dict(sorted(found.items()))

    def _index(self, records: list[str]) -> tuple[dict[str, TreeEntry], set[str]]:
        """Tracked files, and those of them that the index cannot vouch for: in conflict, or told to be left alone."""
        found: dict[str, TreeEntry] = {}
        doubtful = set()
        base, lstat, intern = self._base, os.lstat, sys.intern
        for record in records:  # "H 100644 <id> 0\t<path>"
            words, _, path = record.partition("\t")
            mode = intern(words[2:8])
            if mode == _SUBMODULE:
                found[path] = TreeEntry(mode, 0, words[9:-2])
                continue
            if words[0] != "H" or words[-1] != "0":
                doubtful.add(path)
                continue
            try:
                found[path] = TreeEntry(mode, lstat(base + path).st_size, words[9:-2])
            except (FileNotFoundError, NotADirectoryError):
                continue
            except PermissionError as error:
                raise _unreadable(path) from error
        return found, doubtful


class Revision:
    """A folder of a commit, from git's objects. May be used on both sides of a fork.

    With another revision that it is `like`, only what differs from that one is listed; with `only`, only these paths
    are there. A listing that is `kept` is not asked of git again.
    """

    root = None

    def __init__(
        self,
        place: run.Place,
        commit: str,
        like: Revision | None = None,
        only: Sequence[str] = (),
        kept: Listings | None = None,
    ) -> None:
        self.place = place
        self.commit = commit
        self._like = like
        self._only = only
        self._kept = kept
        self._objects: _Objects | None = None

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        if not under:
            return self._all
        return _below(self._all, under)

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        entry = self._all.get(path)
        if entry is None:
            raise FileNotFoundError(f"{path} is not in {self.commit}")
        if not entry.regular:
            raise ValueError(f"{path} is not a regular file")
        if entry.size > limit:
            raise ValueError(f"{path} has more than {limit} bytes")
        objects = self._objects
        if objects is None or objects.owner != os.getpid():
            objects = self._objects = _Objects(self.place.folder)
        return objects.read(entry.blob)

    def differing(self, other: Revision) -> Mapping[str, TreeEntry | None]:
        """Paths from the top of the repository that differ → what `other` has there, without its size."""
        if other.commit not in self._differing:
            found = differing.between(self.place.folder, self.commit, other.commit)
            self._differing[other.commit] = {path: TreeEntry(*entry) if entry else None for path, entry in found}
        return self._differing[other.commit]

    @cached_property
    def _differing(self) -> dict[str, Mapping[str, TreeEntry | None]]:
        return {}

    @cached_property
    def _all(self) -> dict[str, TreeEntry]:
        if self._like is not None:
            return self._changed(self._like)
        if self._kept is None or self._only:
            return self._listed()
        name = f"{self.commit}:{self.place.prefix}"
        raw = self._kept.listing(name)
        found = None if raw is None else listing.unpacked(raw, TreeEntry)
        if found is None:
            found = self._listed()
            self._kept.keep_listing(name, listing.packed(found))
        return found

    def _listed(self) -> dict[str, TreeEntry]:
        within = [f"{self.place.prefix}{path}".rstrip("/") for path in (self._only or [""])]
        scope = ["--", *within] if any(within) else []
        words = ["ls-tree", "-r", "-z", "--long", "--full-tree", self.commit, *scope]
        found: dict[str, TreeEntry] = {}
        skip, prefix, intern = len(self.place.prefix), self.place.prefix, sys.intern
        for record in run.names(run.finish(run.start(self.place.folder, *words))):  # "100644 blob <id>    123\t<path>"
            facts, _, path = record.partition("\t")
            mode, _, blob, size = facts.split()
            if path.startswith(prefix):
                path = path[skip:]
                if path in found:  # one name for two things: who reads it gets one or the other
                    mode = _DOUBLE
                found[path] = TreeEntry(intern(mode), 0 if size == "-" else int(size), blob)
        return dict(sorted(found.items()))

    def _changed(self, like: Revision) -> dict[str, TreeEntry]:
        found, skip = dict(like.entries()), len(self.place.prefix)
        inside = {
            path[skip:]: entry for path, entry in like.differing(self).items() if path.startswith(self.place.prefix)
        }
        sizes = differing.sizes(self.place.folder, [entry.blob for entry in inside.values() if entry and entry.regular])
        for path, entry in inside.items():
            if entry is None:
                found.pop(path, None)
            else:
                found[path] = entry._replace(size=sizes.get(entry.blob, 0))
        return dict(sorted(found.items()))


class _Objects:
    """One `git cat-file --batch`, started by this process and ended with it."""

    def __init__(self, folder: Path) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        command = [*run.COMMAND, "-C", str(folder), "cat-file", "--batch"]
        self._process = subprocess.Popen(
            command, env=run.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        weakref.finalize(self, _end, self._process, self.owner)

    def read(self, blob: str) -> bytes:
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101
        with self._lock, suppress(BrokenPipeError):
            requests.write(f"{blob}\n".encode())
            requests.flush()
            words = answers.readline().split()
            if len(words) == 3:  # noqa: PLR2004 - "<id> blob <size>", else "<id> missing" or nothing
                return answers.read(int(words[2]) + 1)[:-1]
        raise GitError(f"git cannot read the object {blob}: run `git fsck`")


class Unwritten:
    """Files that lie nowhere yet, by path."""

    root = None

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        found = {path: TreeEntry("100644", len(data), "") for path, data in sorted(self._files.items())}
        return _below(found, under) if under else found

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(path)
        if len(self._files[path]) > limit:
            raise ValueError(f"{path} has more than {limit} bytes")
        return self._files[path]


def _unreadable(path: str) -> GitError:
    return GitError(f"{path} may not be read: give this user the right to, `chmod u+r` for a file of your own")


def _below(entries: Mapping[str, TreeEntry], under: str) -> Mapping[str, TreeEntry]:
    inside = under.rstrip("/") + "/"
    found = {path: entry for path, entry in entries.items() if path.startswith(inside)}
    return {under: entries[under]} | found if under in entries else found


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:
        process.returncode = 0  # the parent's to end: a child must neither wait for it nor warn about it
    else:
        process.kill()  # it only reads; closing its input would not do while a forked child holds the other end
    with suppress(BrokenPipeError), process:
        pass
