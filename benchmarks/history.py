"""A generated registry as a repository with its whole history: one commit for each model and each later release."""

from __future__ import annotations

import random
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generate
from galleryctl import document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.generate import Made

_START = 1_735_689_600  # 2025-01-01; a commit every half an hour


def write(repository: Path, made: list[Made], base: Path) -> int:
    """Make a repository whose `main` has every model, with a work tree; the number of its commits."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    number = 0
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=repository, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101 - a pipe
        for number, (message, files) in enumerate(_steps(made, base), 1):
            process.stdin.write(_commit(number, message, files))
    if process.returncode:
        raise SystemExit("git fast-import failed")
    subprocess.run(["git", "reset", "-q", "--hard", "main"], cwd=repository, check=True)
    subprocess.run(["git", "commit-graph", "write", "--reachable"], cwd=repository, check=True, capture_output=True)
    return number


def _steps(made: list[Made], base: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        generate.write_registry(root, [], base)
        publishers = sorted({model.id.partition("/")[0] for model in made})
        beside = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    for publisher in publishers:
        beside[f"registry/publishers/{publisher}.yaml"] = f"title: {publisher.title()}\nmaintainers: [curator-a]\n"
    yield "Start", beside
    later: list[tuple[str, Mapping[str, str]]] = []
    for model in made:
        folder = f"registry/{model.folder}"
        first, *rest = sorted(model.releases)
        files = {f"{folder}/model.yaml": document.dump(model.model), f"{folder}/README.md": model.card}
        yield f"Add {model.id}", files | {f"{folder}/{first}.yaml": document.dump(model.releases[first])}
        later += [
            (f"Release {model.id} {version}", {f"{folder}/{version}.yaml": document.dump(model.releases[version])})
            for version in rest
        ]
    random.Random(7).shuffle(later)  # noqa: S311 - made-up facts
    yield from later


def _commit(number: int, message: str, files: Mapping[str, str]) -> bytes:
    when = _START + 1800 * number
    lines = [
        b"commit refs/heads/main\n",
        f"committer Curator <curator@example.org> {when} +0000\n".encode(),
        _data(message),
    ]
    for path, text in files.items():
        lines += [f"M 100644 inline {path}\n".encode(), _data(text)]
    return b"".join(lines)


def _data(text: str) -> bytes:
    raw = text.encode()
    return b"data %d\n%s\n" % (len(raw), raw)
