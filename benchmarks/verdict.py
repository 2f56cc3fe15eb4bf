"""Measure a verdict on a registry with its whole history: one commit for each model and each later release.

    python -m benchmarks.verdict [--models 10000] [--runs 3] [--keep DIR]

Whole processes, by the clock and by processors, beside the least that git itself needs for the same question: a merge
of the two trees and a listing of what differs. Cold is a machine that never saw the registry; warm has seen the base;
after a merge it has seen the base before.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import generate, history
from benchmarks.__main__ import GALLERYCTL, HERE, Run, measure, median
from galleryctl import git
from galleryctl.git import Signature

_WHO = Signature("Curator", "curator@example.org")
_PEER = "git merge-tree --write-tree main {head} && git diff-tree -r -z main {head}"
_BOUNDS = {"one model": 2.0, "500 models": 10.0}


class Bench:
    """A repository with heads that change one model, and five hundred."""

    def __init__(self, folder: Path, models: int) -> None:
        self.folder = folder
        if not (folder / ".git").is_dir():
            self.commits = history.write(folder, generate.models(models), HERE.parent / "registry")
        self.commits = int(self._git("rev-list", "--count", "main"))
        self._head("one", 1)
        self._head("five-hundred", 500)

    def _git(self, *words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def _head(self, name: str, count: int) -> None:
        tree = git.at(self.folder, "main")
        models = [path for path in tree.entries("registry/models") if path.endswith("/model.yaml")]
        step = max(1, len(models) // count)
        chosen = models[step // 2 :: step][:count]
        files = {path: tree.read(path).replace(b"summary: ", b"summary: Very ", 1) for path in chosen}
        git.commit(self.folder, name, files, message=f"Edit {count}", base="main", author=_WHO)

    def forget(self) -> None:
        shutil.rmtree(self.folder / ".git" / "galleryctl", ignore_errors=True)

    def go_on(self) -> None:
        """Another merge into the base."""
        tree = git.at(self.folder, "main")
        path = next(path for path in tree.entries("registry/models") if path.endswith("/README.md"))
        made = git.commit(
            self.folder, "next", {path: tree.read(path) + b"\nMore.\n"}, message="More", base="main", author=_WHO
        )
        self._git("update-ref", "refs/heads/main", made)

    def verdict(self, head: str) -> Run:
        words = ("review", "verdict", "--base", "main", "--head", head, "--actor", "1", "--jobs", "2")
        return measure([*GALLERYCTL, *words], self.folder, fine=(0, 1))

    def check(self, head: str) -> Run:
        words = ("check", "--base", "main", "--head", head, "--jobs", "2")
        return measure([*GALLERYCTL, *words], self.folder, fine=(0, 1))

    def peer(self, head: str) -> Run:
        return measure(["sh", "-c", _PEER.format(head=head)], self.folder)


def table(bench: Bench, runs: int) -> dict[str, Run]:
    """Every figure; what is repeated takes turns."""
    bench.forget()
    found = {"cold, one model": bench.verdict("one"), "500 models, first time": bench.verdict("five-hundred")}
    repeated: dict[str, list[Run]] = {}
    for _ in range(runs):
        for name, head in (("one model", "one"), ("500 models", "five-hundred")):
            repeated.setdefault(name, []).append(bench.verdict(head))
            repeated.setdefault(f"check --base, {name}", []).append(bench.check(head))
            repeated.setdefault(f"git alone, {name}", []).append(bench.peer(head))
    bench.go_on()
    repeated["one model, after a merge"] = [bench.verdict("one")]
    return found | {name: median(each) for name, each in repeated.items()}


def report(bench: Bench, models: int, found: dict[str, Run]) -> str:
    lines = [
        f"{models:,} models, {bench.commits:,} commits; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.",
        "",
        "| verdict | wall | processors | memory | bound | |",
        "|---|---|---|---|---|---|",
    ]
    for name, run in found.items():
        bound = _BOUNDS.get(name)
        met = "" if bound is None else "met" if run.wall <= bound else "missed"
        limit = f"{bound:.0f} s" if bound else ""
        lines.append(f"| {name} | {run.wall:.2f} s | {run.cpu:.2f} s | {run.memory} MB | {limit} | {met} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdict")
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the generated repository; default is a temporary one")
    wanted = parser.parse_args()
    folder = wanted.keep or Path(tempfile.mkdtemp(prefix="galleryctl-bench-"))
    try:
        bench = Bench(folder, wanted.models)
        sys.stdout.write(report(bench, wanted.models, table(bench, wanted.runs)))
    finally:
        if wanted.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
