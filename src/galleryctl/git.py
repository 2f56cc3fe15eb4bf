"""Git, and a folder outside git, as trees of files and as history: the only module that runs git.

* Inherited `GIT_*` go (a hook sets them for another repository), but for those that say where git and its settings are.
* Names are NUL-terminated everywhere; one that is not UTF-8 comes out with surrogate escapes.
* Nothing is checked out, no lock is taken, no symbolic link is followed and nothing is written.
* A clean file's blob id comes from git's index and its bytes are not read.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
import sys
import threading
import weakref
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from galleryctl.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LIMIT = 8 * 2**20  # bytes of one file: a definition is text that people read

_KEPT = re.compile(r"GIT_(CONFIG|EXEC_PATH|CEILING_DIRECTORIES)")
_COMMAND = ("git", "--literal-pathspecs", "--no-optional-locks")
_CHUNK = 2**20
_NOTHING = "0" * 40  # where there is no blob
_SUBMODULE = "160000"
_ASKED = ("--show-prefix", "--show-object-format", "--is-inside-work-tree", "--is-shallow-repository")


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


class Commit(NamedTuple):
    """Who and when: the author's name, and the time of the commit (UTC), which for a merge is the time of the merge."""

    id: str
    author: str
    when: datetime


class _Place(NamedTuple):
    folder: Path  # the nearest existing folder
    prefix: str  # from the top of the repository to what was asked for: "" or "registry/"
    top: Path | None  # none in a bare repository
    directory: Path
    shallow: bool
    algorithm: str


def working(root: Path) -> Tree:
    """The files on disk: in a repository those tracked and those neither tracked nor ignored, elsewhere all."""
    place = _place(root) if root.is_dir() else None
    return _Folder(root) if place is None or place.top is None else _Checkout(root, place.algorithm)


def at(root: Path, revision: str) -> Tree:
    """The same folder in a revision, read from the objects; the folder itself need not exist on disk."""
    place = _required(root)
    return _Revision(place, _commit(place, revision))


def history(root: Path, under: str = "", revision: str = "HEAD") -> Mapping[str, tuple[Commit, ...]] | None:
    """Path relative to `root` → its commits, newest first, since it was last added: the last one brought the file.

    Along first parents, so what came with a pull request is dated by its merge. Only paths that `revision` has. None
    outside git and before the first commit; a shallow clone raises GitError, since its dates would be wrong.
    """
    place = _place(root)
    if place is None or (revision == "HEAD" and head(root) is None):
        return None
    if place.shallow:
        raise GitError(
            f"the clone at {place.directory} is shallow, so the dates of its files are unknown: "
            "run `git fetch --unshallow`, or in a workflow set `fetch-depth: 0` for the checkout"
        )
    words = ["-c", "log.showRoot=true", "log", "--first-parent", "-m", "--name-status", "-z", "--no-renames"]
    words += ["--no-color", "--no-ext-diff", "--no-show-signature", "--encoding=UTF-8", "--no-relative"]
    words += ["--ignore-submodules=none", "--format=%x01%H%x00%aN%x00%ct", _commit(place, revision)]
    scope = (place.prefix + under).rstrip("/")
    log = _finish(_start(place.top or place.folder, *words, *(["--", scope] if scope else [])))
    return _walk(log.decode("utf-8", "surrogateescape"), len(place.prefix))


def head(root: Path) -> str | None:
    """Id of the commit that is checked out; none outside git and before the first commit."""
    return _resolve(_existing(root), "HEAD") if _place(root) else None


def resolve(root: Path, revision: str) -> str:
    """Id of the commit that a revision names; GitError where there is none."""
    return _commit(_required(root), revision)


def toplevel(root: Path) -> Path | None:
    """The working folder of the repository that `root` lies in."""
    place = _place(root)
    return place.top if place else None


def private(root: Path) -> Path | None:
    """A folder inside the git directory, for what may be thrown away at any time. It may not exist yet."""
    place = _place(root)
    return place.directory / "galleryctl" if place else None


def dirty(root: Path, under: str = "") -> bool:
    """Whether anything at or below `under` differs from the commit that is checked out. False outside git."""
    place = _place(root)
    if place is None or place.top is None:
        return False
    words = ["status", "--porcelain", "-z", "--untracked-files=normal", "--no-renames"]
    return bool(_finish(_start(_existing(root), *words, "--", under or ".")))


class _Folder:
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
            if isinstance(error, FileNotFoundError | PermissionError):
                raise
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
        return TreeEntry(f"{kind:06o}", 0, _NOTHING)

    def _hash(self, chunks: Iterable[bytes], size: int) -> str:
        digest = hashlib.new(self._algorithm, b"blob %d\0" % size, usedforsecurity=False)
        for chunk in chunks:
            digest.update(chunk)
        return digest.hexdigest()


class _Checkout(_Folder):
    """Files of a repository on disk: three git processes side by side, and only what git calls changed is hashed."""

    def __init__(self, root: Path, algorithm: str) -> None:
        super().__init__(root)
        self._algorithm = algorithm

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        scope = ("-z", "--", under or ".")
        commands = (
            ("ls-files", "--stage", "-v", *scope),
            ("diff-files", "--name-only", "--relative", "--ignore-submodules", *scope),
            ("ls-files", "--others", "--exclude-standard", *scope),
        )
        with ExitStack() as stack:
            running = [stack.enter_context(_start(self.root, *words)) for words in commands]
            found, doubtful = self._index(_names(_finish(running[0])))
            doubtful.update(_names(_finish(running[1])))
            others = _names(_finish(running[2]))
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
        return found, doubtful


class _Revision:
    """A folder of a commit, from git's objects. May be used on both sides of a fork."""

    root = None

    def __init__(self, place: _Place, commit: str) -> None:
        self._place = place
        self._commit = commit
        self._objects: _Objects | None = None

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        if not under:
            return self._all
        inside = under.rstrip("/") + "/"
        return {path: entry for path, entry in self._all.items() if path == under or path.startswith(inside)}

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        entry = self._all.get(path)
        if entry is None:
            raise FileNotFoundError(f"{path} is not in {self._commit}")
        if not entry.regular:
            raise ValueError(f"{path} is not a regular file")
        if entry.size > limit:
            raise ValueError(f"{path} has more than {limit} bytes")
        objects = self._objects
        if objects is None or objects.owner != os.getpid():
            objects = self._objects = _Objects(self._place.folder)
        return objects.read(entry.blob)

    @cached_property
    def _all(self) -> dict[str, TreeEntry]:
        scope = self._place.prefix.rstrip("/")
        words = ["ls-tree", "-r", "-z", "--long", "--full-tree", self._commit, *(["--", scope] if scope else [])]
        found = {}
        for record in _names(_finish(_start(self._place.folder, *words))):  # "100644 blob <id>    123\t<path>"
            words, path = record.split("\t", 1)[0].split(), record.partition("\t")[2]
            if path.startswith(self._place.prefix):
                size = int(words[3]) if words[3] != "-" else 0
                found[path[len(self._place.prefix) :]] = TreeEntry(sys.intern(words[0]), size, words[2])
        return dict(sorted(found.items()))


class _Objects:
    """One `git cat-file --batch`, started by this process and ended with it."""

    def __init__(self, folder: Path) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        command = [*_COMMAND, "-C", str(folder), "cat-file", "--batch"]
        self._process = subprocess.Popen(
            command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
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


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:
        process.returncode = 0  # the parent's to end: a child must neither wait for it nor warn about it
    else:
        process.kill()  # it only reads; closing its input would not do while a forked child holds the other end
    with suppress(BrokenPipeError), process:
        pass


def _walk(log: str, skip: int) -> dict[str, tuple[Commit, ...]]:
    """Newest first: a path is done with where it was added, and is gone where a deletion comes first."""
    found: dict[str, list[Commit]] = {}
    done = set()
    commit = None
    fields = iter(log.split("\0"))
    for field in fields:
        if field.startswith("\1"):
            commit = Commit(field[1:], next(fields), datetime.fromtimestamp(int(next(fields)), UTC))
        elif status := field.strip("\n"):
            path = next(fields)[skip:]
            if path in done or commit is None:
                continue
            if status != "D":
                found.setdefault(path, []).append(commit)
            if status in {"A", "D"}:
                done.add(path)
    return {path: tuple(commits) for path, commits in sorted(found.items())}


def _names(output: bytes) -> list[str]:
    names = os.fsdecode(output).split("\0")
    names.pop()
    return names


def _existing(root: Path) -> Path:
    return next((folder for folder in (root, *root.absolute().parents) if folder.is_dir()), root)


def _place(root: Path) -> _Place | None:
    """Where `root` lies in its repository; none outside of one, and where there is no git."""
    folder = _existing(root)
    try:
        process = _start(folder, "rev-parse", *_ASKED, "--absolute-git-dir")
    except FileNotFoundError:  # no git
        return None
    output, complaint = process.communicate()
    if process.returncode:
        if b"not a git repository" in complaint:
            return None
        raise _error(process, complaint)
    prefix, algorithm, inside, shallow, directory = os.fsdecode(output).rstrip("\n").split("\n", 4)
    top = (folder.resolve() / ("../" * prefix.count("/"))).resolve() if inside == "true" else None
    prefix += "".join(f"{part}/" for part in root.absolute().relative_to(folder.absolute()).parts)
    return _Place(folder, prefix, top, Path(directory), shallow == "true", algorithm)


def _required(root: Path) -> _Place:
    if place := _place(root):
        return place
    raise GitError(f"{root} is not in a git repository, or git is missing: install git, run `git init` and commit")


def _resolve(folder: Path, revision: str) -> str | None:
    process = _start(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    output, _ = process.communicate()
    return output.decode().strip() or None


def _commit(place: _Place, revision: str) -> str:
    found = None if revision.startswith("-") else _resolve(place.folder, revision)
    if found is None:
        raise GitError(f"git knows no commit {revision!r}: fetch it first, `git fetch origin` gets the branches")
    return found


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _KEPT.match(name)}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}  # messages are compared, so they have one language


def _start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [*_COMMAND, "-C", str(folder), *words]
    return subprocess.Popen(
        command, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _finish(process: subprocess.Popen[bytes]) -> bytes:
    output, complaint = process.communicate()
    if process.returncode:
        raise _error(process, complaint)
    return output


def _error(process: subprocess.Popen[bytes], complaint: bytes) -> GitError:
    text = complaint.decode(errors="replace").strip()
    if found := re.search(r"dubious ownership in repository at '(.+)'", text):
        return GitError(
            f"the repository at {found[1]} belongs to another user, so git does not read it: "
            f"if you trust it, run `git config --global --add safe.directory {found[1]}`"
        )
    assert isinstance(process.args, list)  # noqa: S101 - _start made it
    return GitError(f"`{' '.join(process.args)}` failed: {text or f'exit {process.returncode}'}")
