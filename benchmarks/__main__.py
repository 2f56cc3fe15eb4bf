"""Measure galleryctl beside Hugo on one generated registry; run by `make bench`.

    python -m benchmarks [--models 10000] [--runs 3] [--keep DIR]

Both render the same facts: a page and a JSON document for each model, and pages of lists. Every figure is the median of
whole processes, run in turn so that both see the same machine; memory is the largest process of a run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generate

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
GALLERYCTL = [sys.executable, "-m", "galleryctl"]


@dataclass(frozen=True)
class Run:
    """One process: seconds on the clock and of all processors, resident MB of its largest process."""

    wall: float
    cpu: float
    memory: int


def measure(command: list[str], folder: Path, fine: tuple[int, ...] = (0,)) -> Run:
    """Run a command to its end; raises where its exit is not `fine`."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if process.returncode not in fine:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read().decode()[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024)


def median(runs: list[Run]) -> Run:
    return Run(
        statistics.median(run.wall for run in runs),
        statistics.median(run.cpu for run in runs),
        max(run.memory for run in runs),
    )


def count(folder: Path) -> tuple[int, int]:
    """Files below a folder, and how many of them are names of their own rather than links."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".galleryctl")]
    return len(files), len({path.stat().st_ino for path in files})


class Bench:
    """One generated registry as a git repository, and the same as a Hugo site."""

    def __init__(self, folder: Path, models: int) -> None:
        self.folder, self.models = folder, models
        self.git, self.hugo = folder / "git", folder / "hugo"
        self.made = generate.models(models)
        generate.write_registry(self.git, self.made, HERE.parent / "registry")
        generate.write_hugo(self.hugo, self.made, HERE / "hugo")
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "Add all models"]):
            subprocess.run(["git", *words], cwd=self.git, check=True)

    def ours(self, *words: str) -> Run:
        return measure([*GALLERYCTL, *words], self.git)

    def forget(self) -> None:
        """Back to a machine that has never seen this registry."""
        shutil.rmtree(self.git / ".git" / "galleryctl", ignore_errors=True)
        shutil.rmtree(self.git / "site", ignore_errors=True)

    def full(self) -> Run:
        self.forget()
        return self.ours("build", "--jobs", "2")

    def same(self) -> Run:
        return self.ours("build", "--jobs", "2")

    def one(self) -> Run:
        path = self.git / "registry" / self.made[self.models // 2].folder / "model.yaml"
        path.write_text(path.read_text().replace("summary: ", "summary: Very ", 1))
        return self.ours("build", "--jobs", "2")

    def check(self) -> Run:
        shutil.rmtree(self.git / ".git" / "galleryctl", ignore_errors=True)
        return self.ours("check", "--jobs", "2")

    def check_one(self) -> Run:
        path = self.git / "registry" / self.made[self.models // 3].folder / "model.yaml"
        path.write_text(path.read_text().replace("summary: ", "summary: Very ", 1))
        return self.ours("check", str(path.relative_to(self.git)), "--jobs", "2")

    def peer(self) -> Run:
        shutil.rmtree(self.hugo / "public", ignore_errors=True)
        return measure([hugo(), "--quiet"], self.hugo)


def hugo() -> str:
    found = Path(sys.executable).with_name("hugo")
    if not found.exists():
        raise SystemExit("hugo is not installed: run `make bench`, which installs it")
    return str(found)


def table(bench: Bench, runs: int) -> dict[str, Run]:
    """Every figure, peers in turn."""
    steps: dict[str, Callable[[], Run]] = {
        "hugo": bench.peer, "full": bench.full, "same": bench.same, "one": bench.one, "check": bench.check,
        "check one": bench.check_one,
    }  # fmt: skip
    found: dict[str, list[Run]] = {name: [] for name in steps}
    for number in range(runs):
        for name, step in steps.items():
            found[name].append(step())
            print(f"run {number + 1} of {runs}: {name} {found[name][-1].wall:.2f} s", file=sys.stderr)
    return {name: median(each) for name, each in found.items()}


def report(bench: Bench, found: dict[str, Run]) -> str:
    """The results as Markdown, with the bounds they are held to."""
    peer, full = found["hugo"], found["full"]
    theirs, _ = count(bench.hugo / "public")
    ours, own = count(bench.git / "site")
    rows = [
        ("full build", full.wall, full.wall / peer.wall, 2.5),
        ("full build, for each file written", full.wall / own * 1000, (full.wall / own) / (peer.wall / theirs), 1.0),
        ("nothing changed", found["same"].wall, found["same"].wall / peer.wall, 0.1),
        ("one model changed", found["one"].wall, found["one"].wall / peer.wall, 0.15),
        ("check of everything", found["check"].wall, found["check"].wall / peer.wall, 0.5),
    ]
    lines = [
        f"{bench.models:,} models, {sum(len(model.releases) for model in bench.made):,} releases; {_machine()}.",
        "",
        f"Hugo: {peer.wall:.2f} s ({peer.cpu:.1f} s of processors), {theirs:,} files, {peer.memory} MB.",
        f"galleryctl: {ours:,} names of {own:,} files.",
        "",
        "| what | galleryctl | ratio to Hugo | bound | |",
        "|---|---|---|---|---|",
    ]
    for name, value, ratio, bound in rows:
        unit = "ms" if "file" in name else "s"
        lines.append(
            f"| {name} | {value:.2f} {unit} | {ratio:.2f} | {bound} | {'met' if ratio <= bound else 'missed'} |"
        )
    one, memory = found["check one"].wall, max(run.memory for name, run in found.items() if name != "hugo")
    lines.append(f"| check of one changed file | {one:.2f} s | | 1 s | {'met' if one <= 1 else 'missed'} |")
    lines.append(f"| memory of the largest process | {memory} MB | | 400 MB | {'met' if memory <= 400 else 'missed'} |")  # noqa: PLR2004 - the bound
    return "\n".join(lines) + "\n"


def _machine() -> str:
    version = subprocess.run([hugo(), "version"], capture_output=True, text=True, check=True).stdout
    name = next((word for word in version.split() if word.startswith("v0")), "").partition("-")[0]
    return (
        f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}, Hugo {name}, "
        f"{time.strftime('%Y-%m-%d', time.gmtime())}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the generated registry; default is a temporary one")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    wanted = parser.parse_args()
    folder = wanted.keep or Path(tempfile.mkdtemp(prefix="galleryctl-bench-"))
    try:
        bench = Bench(folder, wanted.models)
        found = table(bench, wanted.runs)
        figures = {name: vars(run) for name, run in found.items()}
        print(json.dumps(figures, indent=2) if wanted.json else report(bench, found))
    finally:
        if wanted.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
