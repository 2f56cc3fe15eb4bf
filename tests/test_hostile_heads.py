"""Pull requests that attack who reads them: real objects, made by plumbing as no work tree would hold them."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import subprocess
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git
from galleryctl import git as reading
from galleryctl.errors import GitError
from galleryctl.git import ExcessError
from galleryctl.loading import comparing
from galleryctl.problems import Severity
from test_loading import TINY, twin

if TYPE_CHECKING:
    from galleryctl.loading.comparing import Compared

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
Make = Callable[..., Path]
CARD = "registry/models/llm/acme/tiny/README.md"


def fed(folder: Path, words: list[str], data: bytes) -> str:
    done = subprocess.run(["git", *words], cwd=folder, input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


def blob(folder: Path, data: bytes) -> str:
    return fed(folder, ["hash-object", "-w", "--no-filters", "-t", "blob", "--stdin"], data)


def tree(folder: Path, entries: list[tuple[str, str, bytes]]) -> str:
    """A tree object of any entries: git itself would refuse some of their names."""
    raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(each) for mode, each, name in entries)
    return fed(folder, ["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], raw)


def listed(folder: Path, name: str) -> list[tuple[str, str, bytes]]:
    raw = subprocess.run(["git", "ls-tree", "-z", name], cwd=folder, capture_output=True, check=True).stdout
    found = []
    for record in raw.split(b"\0")[:-1]:
        words, _, path = record.partition(b"\t")
        mode, _, each = words.decode().split()
        found.append((mode.lstrip("0"), each, path))
    return found


def grafted(folder: Path, name: str, parts: list[bytes], added: list[tuple[str, str, bytes]]) -> str:
    """The tree `name` with entries added (or replaced) in the folder that `parts` lead to."""
    known = listed(folder, name) if name else []
    if not parts:
        new = {each[2] for each in added}
        return tree(folder, sorted([each for each in known if each[2] not in new] + added, key=lambda each: each[2]))
    below = next((each for mode, each, path in known if path == parts[0] and mode == "40000"), "")
    inner = grafted(folder, below, parts[1:], added)
    return grafted(folder, name, [], [("40000", inner, parts[0])])


def head(registry: Path, where: str | bytes, added: list[tuple[str, str, bytes]]) -> str:
    """A commit on `main` with entries added in a folder of the repository."""
    root = registry.parent
    path = where.encode() if isinstance(where, str) else where
    made = grafted(root, "main^{tree}", path.split(b"/") if path else [], added)
    return git(root, "commit-tree", "-p", "main", "-m", "hostile", made)


def compare(registry: Path, commit: str) -> Compared:
    return comparing.compare(registry.parent, registry.name, base="main", head=commit, now=NOW)


def errors(found: Compared) -> set[str]:
    return {problem.code for problem in found.problems if problem.severity is Severity.ERROR}


def model(folder: Path, name: str) -> list[tuple[str, str, bytes]]:
    """The files of a good model."""
    files = {path.rpartition("/")[2]: text for path, text in twin(name).items()}
    return [("100644", blob(folder, text.encode()), file.encode()) for file, text in sorted(files.items())]


@pytest.mark.parametrize(
    ("mode", "name", "code"),
    [
        ("120000", b"README.zh.md", "PTH001"),
        ("100755", b"README.zh.md", "PTH001"),
        ("160000", b"sub", "PTH001"),
        ("100644", b"readme.md", "PTH003"),
        ("100644", b"RE\xc3\x84DME.md", "PTH002"),
        ("100644", "model\u202elmay.yaml".encode(), "VER001"),
        ("100644", b"\xff\xfe", "PTH003"),
        ("100644", b"a\nb", "PTH003"),
        ("100644", b".gitattributes", "PTH006"),
        ("100644", b".gitmodules", "PTH006"),
        ("100644", b"model.yml", "PTH004"),
        ("100644", b"con.yaml", "PTH003"),
        ("100644", b"hook.sh", "PTH002"),
    ],
)
def test_entries_that_are_no_content(registry: Make, mode: str, name: bytes, code: str) -> None:
    root = registry()
    target = git(root.parent, "rev-parse", "main") if mode == "160000" else blob(root.parent, b"/etc/passwd")
    found = compare(root, head(root, f"registry/{TINY}", [(mode, target, name)]))
    assert code in errors(found)
    assert "acme/tiny" in found.merged.gallery.by_id


def test_a_definition_that_is_a_link_is_not_followed(registry: Make) -> None:
    root = registry()
    link = blob(root.parent, b"../tiny/model.yaml")
    added = [each for each in model(root.parent, "evil") if each[2] != b"model.yaml"]
    found = compare(root, head(root, "registry/models/llm/acme/evil", [("120000", link, b"model.yaml"), *added]))
    assert {"PTH001", "PTH007"} & errors(found)
    assert "acme/evil" not in found.merged.gallery.by_id


@pytest.mark.parametrize(
    "where",
    [
        "registry/models/llm/acme/..",
        "registry/models/llm/../..",
        "registry/models/llm/acme/.",
        "registry/models/llm/acme/.git",
        "registry/models/llm/acme/.GIT",
        "registry/models/llm/acme/git~1",
        "registry/models/llm/.git/hooks",
        "..",
        ".git/hooks",
    ],
)
def test_folders_that_lead_elsewhere(registry: Make, where: str) -> None:
    """Either git does not merge them, which is an error too, or they are problems. Nothing is written."""
    root = registry()
    before = sorted(str(path) for path in root.parent.parent.rglob("*") if ".git/objects" not in str(path))
    commit = head(root, where, model(root.parent, "evil"))
    try:
        found = compare(root, commit)
    except GitError:
        found = None
    after = sorted(str(path) for path in root.parent.parent.rglob("*") if ".git/objects" not in str(path))
    assert [path for path in after if path not in before and "/.git/galleryctl" not in path] == []
    if found and where.startswith("registry"):
        assert errors(found)
    if found and not where.startswith("registry"):
        assert any(path.startswith(where) for path in found.comparison.touched)


def test_one_name_for_two_files(registry: Make) -> None:
    """Who reads such a tree gets one or the other: it may not pass for either."""
    root = registry()
    good, evil = model(root.parent, "twice"), blob(root.parent, b"title: Evil\n")
    twice = sorted([*good, ("100644", evil, b"model.yaml")], key=lambda each: each[2])
    folder = tree(root.parent, twice)
    commit = head(root, "registry/models/llm/acme", [("40000", folder, b"twice")])
    with contextlib.suppress(GitError):  # git may refuse to merge it
        assert "PTH001" in errors(compare(root, commit))
    assert "PTH001" in errors(comparing.compare(root.parent, root.name, base="main", merged=commit, now=NOW))


def test_twins_by_case_and_by_folder(registry: Make) -> None:
    root = registry()
    for where in ("registry/models/llm/Acme/tiny", "registry/models/llm/acme/Tiny"):
        assert "PTH003" in errors(compare(root, head(root, where, model(root.parent, "tiny"))))


def test_oversized_files_are_not_read(registry: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = registry()
    huge = blob(root.parent, b"title: x\n" + b"# y\n" * 3_000_000)
    files = [("100644", huge, name) for name in (b"model.yaml", b"1.0.0.yaml", b"README.md", b"cover.webp")]
    commit = head(root, "registry/models/llm/acme/huge", files)
    read: list[str] = []
    real = reading.trees.Revision.read

    def watched(self: reading.trees.Revision, path: str, limit: int = reading.LIMIT) -> bytes:
        data = real(self, path, limit)
        read.append(f"{path} {len(data)}")
        return data

    monkeypatch.setattr(reading.trees.Revision, "read", watched)
    found = compare(root, commit)
    assert {"PTH005", "YML011"} <= errors(found)
    assert [each for each in read if "/huge/" in each] == []


def test_a_pointer_of_lfs_is_no_file(registry: Make) -> None:
    root = registry()
    pointer = blob(root.parent, b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n")
    found = compare(root, head(root, f"registry/{TINY}", [("100644", pointer, b"cover.webp")]))
    assert "PTH006" in errors(found)


def test_no_filter_and_no_hook_runs(registry: Make, tmp_path: Path) -> None:
    root = registry()
    canary = tmp_path / "ran"
    for key in ("smudge", "clean", "process"):
        git(root.parent, "config", f"filter.evil.{key}", f"touch {canary}")
    git(root.parent, "config", "diff.evil.textconv", f"touch {canary}")
    git(root.parent, "config", "diff.evil.command", f"touch {canary}")
    git(root.parent, "config", "diff.external", f"touch {canary}")
    git(root.parent, "config", "merge.evil.driver", f"touch {canary}")
    rules = blob(root.parent, b"* filter=evil diff=evil merge=evil\n")
    commit = head(root, "", [("100644", rules, b".gitattributes")])
    hooks = root.parent / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "post-merge", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {canary}\n")
        (hooks / hook).chmod(0o755)
    assert compare(root, commit).comparison.touched == {".gitattributes"}
    assert not canary.exists()


def test_replaced_objects_and_alternates_are_not_looked_at(registry: Make, tmp_path: Path) -> None:
    """What a head is called elsewhere in the repository says nothing about what it is."""
    root = registry()
    evil = head(root, f"registry/{TINY}", [("100644", blob(root.parent, b"evil\n"), b"hook.sh")])
    good = head(root, "registry/models/llm/acme/good", model(root.parent, "good"))
    git(root.parent, "update-ref", f"refs/replace/{evil}", good)
    assert "PTH002" in errors(compare(root, evil))
    stranger = tmp_path / "stranger"
    git(tmp_path, "init", "-q", str(stranger))
    hidden = blob(stranger, b"hidden\n")
    with pytest.raises((GitError, subprocess.CalledProcessError)):
        compare(root, head(root, f"registry/{TINY}", [("100644", hidden, b"README.zh.md")]))


def many(registry: Path, count: int, each: Callable[[int], Mapping[str, str]]) -> str:
    """A commit with files of `count` numbers, by a fast import."""
    lines = [b"commit refs/hostile\ncommitter M <m@m> 1767312000 +0000\ndata 1\nm\nfrom refs/heads/main\n"]
    for number in range(count):
        for path, text in each(number).items():
            lines.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(text.encode()), text.encode()))
    fed(registry.parent, ["fast-import", "--quiet"], b"".join(lines))
    found = git(registry.parent, "rev-parse", "refs/hostile")
    git(registry.parent, "update-ref", "-d", "refs/hostile")
    return found


@pytest.mark.parametrize("count", [10_000, 100_000])
def test_ten_thousand_files_and_ten_times_as_many(registry: Make, count: int) -> None:
    root = registry()
    commit = many(
        root, count, lambda number: {f"registry/models/llm/p{number // 500}/m{number:06d}/model.yaml": "title: x\n"}
    )
    start = time.monotonic()
    found = compare(root, commit)
    assert time.monotonic() - start < 60  # seconds; a bound against standing still, not a measure
    assert "PRQ001" in errors(found)
    assert len(found.comparison.touched) == count
    assert found.merged is found.base  # nothing of it was read


def test_a_tree_of_few_bytes_and_billions_of_paths(registry: Make) -> None:
    root = registry()
    inner = tree(root.parent, [("100644", blob(root.parent, b"x"), b"f%d" % number) for number in range(10)])
    for _ in range(9):
        inner = tree(root.parent, [("40000", inner, b"d%d" % number) for number in range(10)])
    start = time.monotonic()
    for where in ("registry/models/llm/acme", "", "elsewhere"):
        with pytest.raises(ExcessError, match="differ") as caught:
            compare(root, head(root, where, [("40000", inner, b"bomb")]))
        assert caught.value.exit_code == 1
    assert time.monotonic() - start < 30


def test_a_very_deep_path(registry: Make) -> None:
    root = registry()
    raw = tree(root.parent, [("100644", blob(root.parent, b"x"), b"x")])
    for _ in range(3_000):
        raw = _object(root.parent, bytes.fromhex(raw))
    with pytest.raises(ExcessError, match="deep"):
        compare(root, head(root, "registry/models/llm/acme", [("40000", raw, b"deep")]))


def _object(folder: Path, inner: bytes) -> str:
    """The tree with one folder `d`, written as a loose object without a process for each."""
    body = b"40000 d\0" + inner
    raw = b"tree %d\0" % len(body) + body
    name = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    path = folder / ".git/objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_bytes(zlib.compress(raw))
    return name


def test_a_policy_that_would_approve_itself(registry: Make) -> None:
    root = registry()
    lax = MINIMAL["roles.yaml"].replace("admin_quorum: 2", "admin_quorum: 0")  # type: ignore[union-attr]
    policy = (
        b"version: 1\nseverities: {PTH: off, PRQ: off, OWN: off, GOV: off, TAX: off}\nlimits: {definition: 9999999}\n"
    )
    added = [
        ("100644", blob(root.parent, lax.encode()), b"roles.yaml"),
        ("100644", blob(root.parent, policy), b"policy.yaml"),
    ]
    commit = head(root, "registry", added)
    found = compare(root, commit)
    assert found.comparison.merged.context.policy == found.comparison.base.context.policy
    assert found.comparison.merged.context.roles.rules.admin_quorum == 2
    assert set(found.comparison.touched) == {"registry/policy.yaml", "registry/roles.yaml"}


def test_a_rename_is_seen_at_both_ends(registry: Make) -> None:
    root = registry()
    git(root.parent, "config", "diff.renames", "copies")
    git(root.parent, "switch", "-q", "-c", "rename")
    git(root.parent, "mv", "registry/models/llm/acme/tiny", "registry/models/llm/acme/large")
    git(root.parent, "commit", "-qm", "rename")
    git(root.parent, "switch", "-q", "main")
    found = compare(root, "rename")
    assert {path.split("/")[4] for path in found.comparison.touched} == {"tiny", "large"}


def test_odd_names_stay_odd(registry: Make) -> None:
    """Paths that are not UTF-8 are kept byte for byte, so that nothing else is taken for them."""
    root = registry()
    name = b"\xff\xfe\xfd"
    commit = head(root, f"registry/{TINY}", [("100644", blob(root.parent, b"x"), name)])
    found = compare(root, commit)
    assert f"registry/{TINY}/{os.fsdecode(name)}" in found.comparison.touched
    assert all(problem.path.isprintable() for problem in found.problems)
