"""A bare repository, worked on by git's plumbing: no work tree, and no commit that git did not make."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ZERO = "0" * 40
WHO = {
    "GIT_AUTHOR_NAME": "Forge", "GIT_AUTHOR_EMAIL": "forge@acme.example",
    "GIT_COMMITTER_NAME": "Forge", "GIT_COMMITTER_EMAIL": "forge@acme.example",
}  # fmt: skip


class Refused(Exception):  # noqa: N818 - what git said no to, no mistake of a test
    """Git will not do that; the text is git's."""


class Bare:
    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def made(cls, path: Path, source: Path | None = None) -> Bare:
        """A new one, empty or with everything of another."""
        if source is None:
            subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
        else:
            subprocess.run(["git", "clone", "-q", "--bare", "--shared", str(source), str(path)], check=True)
        return cls(path)

    def git(self, *words: str, given: bytes = b"", **environment: str) -> bytes:
        command = ["git", "-C", str(self.path), *words]
        done = subprocess.run(
            command, input=given, env={**os.environ, **WHO, **environment}, capture_output=True, check=False
        )
        if done.returncode:
            raise Refused(f"{words}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def say(self, *words: str, given: bytes = b"", **environment: str) -> str:
        return self.git(*words, given=given, **environment).decode().strip()

    def branches(self) -> dict[str, str]:
        lines = self.say("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/").splitlines()
        return {line.split(" ")[0]: line.split(" ")[1] for line in lines}

    def commit(self, name: str) -> str | None:
        """The commit of a branch, reference or id; none where there is none."""
        for each in (f"refs/heads/{name}", name):
            try:
                return self.say("rev-parse", "--verify", "--quiet", f"{each}^{{commit}}")
            except Refused:
                continue
        return None

    def read(self, commit: str, path: str) -> tuple[str, bytes] | None:
        """Blob id and bytes of a file."""
        listed = self.say("ls-tree", "-z", commit, "--", path).rstrip("\0")
        if not listed or listed.split("\t")[0].split(" ")[1] != "blob":
            return None
        blob = listed.split("\t")[0].split(" ")[2]
        return blob, self.git("cat-file", "blob", blob)

    def listed(self, commit: str, folder: str) -> list[tuple[str, str, str, str]]:
        """Mode, type, id and path of what lies directly in a folder."""
        where = [f"{folder.rstrip('/')}/"] if folder else []
        entries = self.git("ls-tree", "-z", commit, "--", *where).decode().split("\0")[:-1]
        found = []
        for entry in entries:
            mode, kind, name = entry.partition("\t")[0].split(" ")
            found.append((mode, kind, name, entry.partition("\t")[2]))
        return found

    def blob(self, data: bytes) -> str:
        return self.say("hash-object", "-w", "--stdin", given=data)

    def tree(self, start: str | None, changes: Mapping[str, tuple[str, str] | None]) -> str:
        """A tree like `start` with entries laid over: mode and blob by path; none removes."""
        with tempfile.TemporaryDirectory() as folder:
            index = str(Path(folder) / "index")
            self.git("read-tree", *([start] if start else ["--empty"]), GIT_INDEX_FILE=index)
            lines = [
                f"0 {ZERO}\t{path}" if entry is None else f"{entry[0]} {entry[1]}\t{path}"
                for path, entry in changes.items()
            ]
            self.git("update-index", "-z", "--index-info", given="\0".join([*lines, ""]).encode(), GIT_INDEX_FILE=index)
            return self.say("write-tree", GIT_INDEX_FILE=index)

    def committed(self, tree: str, parents: list[str], message: str, author: Mapping[str, str] | None = None) -> str:
        names = {"name": "GIT_AUTHOR_NAME", "email": "GIT_AUTHOR_EMAIL", "date": "GIT_AUTHOR_DATE"}
        who = {names[key]: text for key, text in (author or {}).items() if key in names}
        words = [word for parent in parents for word in ("-p", parent)]
        return self.say("commit-tree", tree, *words, given=message.encode(), **who)

    def move(self, ref: str, new: str, old: str) -> None:
        """Compare and swap; `ZERO` as `old` where the reference must be new."""
        self.git("update-ref", ref, new, old)

    def files(self, branch: str, files: Mapping[str, bytes | None], message: str = "Change", base: str = "main") -> str:
        """A commit with these files on a branch, which starts at `base` where it is new. Returns its id."""
        old = self.commit(f"refs/heads/{branch}")
        start = old or self.commit(base)
        changes = {path: None if data is None else ("100644", self.blob(data)) for path, data in files.items()}
        new = self.committed(self.tree(start, changes), [start] if start else [], message)
        self.move(f"refs/heads/{branch}", new, old or ZERO)
        return new

    def take(self, source: Bare, commit: str, ref: str) -> None:
        """Bring a commit of another repository here, under a reference."""
        if source.path != self.path:
            self.git("fetch", "-q", "--no-tags", str(source.path), commit)
        self.git("update-ref", ref, commit)

    def follows(self, new: str, old: str) -> bool:
        try:
            self.git("merge-base", "--is-ancestor", old, new)
        except Refused:
            return False
        return True

    def merged(self, ours: str, theirs: str) -> str | None:
        """Tree of a merge; none where there is a conflict."""
        try:
            return self.say("merge-tree", "--write-tree", ours, theirs).splitlines()[0]
        except Refused:
            return None
