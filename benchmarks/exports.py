"""Measure what native exports add to a build; run by hand.

    python -m benchmarks.exports [--models 10000] [--runs 1] [--keep DIR]

One generated registry is built in turn with no runtime, with all runtimes but without their exports (pages then have
the commands, and no file), with all of it, again with nothing changed, and with one model changed. Seconds of
processors count: the wall says more about what else the machine does.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.__main__ import Bench, Run, measure, median
from galleryctl.exports import EXPORTERS

_BOUND = 0.25
_WITHOUT = (
    "import sys\n"
    "from galleryctl import exports\n"
    "from galleryctl.cli import main\n"
    "exports.enabled = lambda view: ()\n"
    "sys.exit(main(sys.argv[1:]))\n"
)


class ExportBench(Bench):
    """The registry of the other benchmark, with and without runtimes."""

    def runtimes(self, *names: str) -> None:
        path = self.git / "registry/gallery.yaml"
        path.write_text(re.sub(r"(?m)^runtimes:.*$", f"runtimes: [{', '.join(names)}]", path.read_text()))

    def none(self) -> Run:
        self.runtimes()
        return self.full()

    def pages(self) -> Run:
        self.runtimes(*EXPORTERS)
        self.forget()
        return measure([sys.executable, "-c", _WITHOUT, "build", "--jobs", "2"], self.git)

    def exports(self) -> Run:
        self.runtimes(*EXPORTERS)
        return self.full()


def report(found: dict[str, Run], files: int, size: int) -> str:
    """The figures as Markdown."""
    lines = ["| build | wall | processors | memory | more than without exports |", "|---|---|---|---|---|"]
    base = found["all runtimes, no exports"].cpu
    for name, run in found.items():
        more = f"{run.cpu / base - 1:+.0%}" if name in {"no runtime", "all exports"} else ""
        lines.append(f"| {name} | {run.wall:.1f} s | {run.cpu:.1f} s | {run.memory} MB | {more} |")
    added = found["all exports"].cpu / base - 1
    lines += ["", f"{files:,} files of {size / 2**20:.0f} MB below `/runtimes/`."]
    lines.append(f"Exports add {added:.0%} to a full build; the bound of {_BOUND:.0%} is {_said(added <= _BOUND)}.")
    return "\n".join(lines) + "\n"


def _said(met: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "met" if met else "missed"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports")
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the generated registry; default is a temporary one")
    wanted = parser.parse_args()
    folder = wanted.keep or Path(tempfile.mkdtemp(prefix="galleryctl-bench-"))
    try:
        bench = ExportBench(folder, wanted.models)
        steps = {
            "no runtime": bench.none, "all runtimes, no exports": bench.pages, "all exports": bench.exports,
            "nothing changed": bench.same, "one model changed": bench.one,
        }  # fmt: skip
        found: dict[str, list[Run]] = {name: [] for name in steps}
        for _ in range(wanted.runs):
            for name, step in steps.items():
                found[name].append(step())
        made = [path for path in (bench.git / "site/runtimes").rglob("*") if path.is_file()]
        sizes = sum(path.stat().st_size for path in made)
        print(report({name: median(runs) for name, runs in found.items()}, len(made), sizes))
    finally:
        if wanted.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
