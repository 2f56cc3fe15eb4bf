"""Measure `galleryctl check` beside the validation of models.dev, each on its own form of the same definitions.

    python -m benchmarks.modelsdev CHECKOUT [--runs 3] [--peer "bun run validate"] [--keep DIR]

CHECKOUT is a clone of anomalyco/models.dev at any commit, with its dependencies installed. Its definitions become model
folders of a registry in a temporary git repository: title, licence, links, release date, context, abilities, base model
and benchmark scores. Prices and the like have no field here and become a sentence of the notes. Every figure is the
median of whole processes, run in turn.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import galleryctl
from benchmarks import generate
from benchmarks.__main__ import GALLERYCTL, HERE, Run, measure, median

if TYPE_CHECKING:
    from collections.abc import Iterator

Facts = dict[str, Any]

PEER = "bun run validate"
_LONGEST = 90
"""Of a name, so that a number still fits behind it."""
_OWN = {"benchmarks", "license", "links", "weights", "id"}
"""What their definitions do not inherit."""
_MODALITIES = {("input", "image"): "vision", ("input", "audio"): "audio", ("output", "audio"): "omni"}


@dataclass(frozen=True)
class Definition:
    """One TOML file: who publishes it, its path below their folder, its facts with the inherited ones."""

    publisher: str
    path: str
    facts: Facts
    base: str | None = None
    """Key of the definition it inherits from: `lab/model`."""


def definitions(checkout: Path) -> list[Definition]:
    """Every definition; links to files that are not there are no definitions for their validation either."""
    labs = {_key(path, checkout / "models"): _toml(path) for path in _files(checkout / "models")}
    found = [Definition(key.partition("/")[0], key.partition("/")[2], facts) for key, facts in labs.items()]
    for provider in sorted(path for path in (checkout / "providers").iterdir() if path.is_dir()):
        for path in _files(provider / "models"):
            facts = _toml(path)
            base = facts.get("base_model")
            merged = _merge(labs[base], facts) if base else facts
            found.append(Definition(provider.name, _key(path, provider / "models"), merged, base))
    return found


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*.toml") if path.is_file())


def _key(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix().removesuffix(".toml")


def _toml(path: Path) -> Facts:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _merge(base: Facts, facts: Facts) -> Facts:
    merged = {key: value for key, value in base.items() if key not in _OWN}
    for key, value in facts.items():
        there = merged.get(key)
        merged[key] = {**there, **value} if isinstance(there, dict) and isinstance(value, dict) else value
    return merged


def convert(found: list[Definition]) -> list[generate.Made]:
    """Each definition as a model of ours, under an id of its own."""
    taken: set[str] = set()
    ids: dict[str, str] = {}
    made = []
    for each in found:
        identifier = _identifier(each, taken)
        taken.add(_fold(identifier))
        ids.setdefault(f"{each.publisher}/{each.path}", identifier)
        model, release = _model(each, ids), _release(each)
        made.append(generate.Made(identifier, "llm", model, {"1.0.0": release}, _card(each, model["title"])))
    return made


def _identifier(each: Definition, taken: set[str]) -> str:
    """A lab and a provider of one name may both define a model, and ids here know no capitals."""
    wanted = f"{_slug(each.publisher)}/{_slug(each.path)}"
    number, identifier = 1, wanted
    while _fold(identifier) in taken:
        number += 1
        identifier = f"{wanted}-{number}"
    return identifier


def _slug(text: str) -> str:
    plain = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9._-]+", "-", text.lower()))
    return plain.strip("-_.")[:_LONGEST].strip("-_.") or "model"


def _fold(identifier: str) -> str:
    return identifier.replace("_", "-")


def _model(each: Definition, ids: dict[str, str]) -> Facts:
    facts = each.facts
    title = str(facts["name"])
    model: Facts = {"title": title, "summary": _summary(each, title)}
    model |= {"license": facts["license"]} if "license" in facts else _UNSTATED
    if tags := [tag for field, tag in (("reasoning", "reasoning"), ("tool_call", "tool-use")) if facts.get(field)]:
        model["tags"] = tags
    if links := _links(facts):
        model["links"] = links
    if each.base:
        model["base_models"] = [ids[each.base]]
    if facts.get("status") == "deprecated":
        model |= {"status": "deprecated", "reason": "Marked as deprecated by its provider."}
    return model


_UNSTATED = {"license": "LicenseRef-Unstated", "license_url": "https://models.dev"}
"""A definition without a licence would be an error here, and nearly all of theirs state none."""


def _summary(each: Definition, title: str) -> str:
    kind = "Open-weight" if each.facts.get("open_weights") else "Hosted"
    return f"{kind} model {title[:80]} as listed by {each.publisher}."


def _links(facts: Facts) -> dict[str, str | list[str]]:
    kinds: dict[str, list[str]] = {}
    for link in facts.get("links", []):
        kinds.setdefault(link.get("type", "other").replace("_", "-"), []).append(link["url"])
    for weights in facts.get("weights", []):
        kinds.setdefault("weights", []).append(weights["url"])
    unique = {kind: list(dict.fromkeys(addresses)) for kind, addresses in sorted(kinds.items())}
    return {kind: addresses[0] if len(addresses) == 1 else addresses for kind, addresses in unique.items()}


def _release(each: Definition) -> Facts:
    facts = each.facts
    release: Facts = {"notes": _notes(facts)}
    if released := _day(facts.get("release_date", "")):
        release["released"] = f"{released}T00:00:00Z"
    spec: Facts = {}
    if family := facts.get("family"):
        spec["family"] = family
    if abilities := _abilities(facts.get("modalities", {})):
        spec["abilities"] = abilities
    if context := facts.get("limit", {}).get("context"):
        spec["context_length"] = context
    release["spec"] = spec
    if metrics := _metrics(facts):
        release["metrics"] = metrics
    return release


def _abilities(modalities: dict[str, list[str]]) -> list[str]:
    found = ["chat"] if "text" in modalities.get("output", []) else []
    return found + [name for (way, kind), name in _MODALITIES.items() if kind in modalities.get(way, [])]


def _metrics(facts: Facts) -> list[Facts]:
    """The scores that are numbers with a source and a date: others are errors here."""
    return [
        {"name": each["name"], "value": float(each["score"]), "date": day, "source": each["source"]}
        for each in facts.get("benchmarks", [])
        if isinstance(each["score"], int | float) and "source" in each and (day := _day(each.get("date", "")))
    ]


def _day(text: str) -> str:
    """They allow months, and days that no calendar has: those are left out."""
    day = text if text.count("-") > 1 else f"{text}-01"
    try:
        return dt.date.fromisoformat(day).isoformat()
    except ValueError:
        return ""


def _notes(facts: Facts) -> str:
    """What has no field here, in words."""
    cost, limit = facts.get("cost", {}), facts.get("limit", {})
    said = [f"Knows the world until {facts['knowledge']}."] if "knowledge" in facts else []
    if "input" in cost and "output" in cost:
        said.append(f"A million tokens cost {cost['input']} dollars to read and {cost['output']} to write.")
    if "output" in limit:
        said.append(f"An answer has at most {limit['output']} tokens.")
    if "last_updated" in facts:
        said.append(f"Last updated {facts['last_updated']}.")
    return " ".join(said) or "Listed."


def _card(each: Definition, title: str) -> str:
    return (
        f"## Background\n\n## Introduction\n\n`{title}` is listed by `{each.publisher}`.\n\n## Usage\n\n"
        f"Ask for `{each.path}`.\n\n## Limitations\n"
    )


def write(root: Path, made: list[generate.Made]) -> None:
    """A registry that exports to no runtime: models offered by many providers would share one name there."""
    generate.write_registry(root, made, HERE.parent / "registry")
    settings = root / "registry" / "gallery.yaml"
    settings.write_text(re.sub(r"(?m)^runtimes: .*$", "runtimes: []", settings.read_text(encoding="utf-8")))


class Bench:
    """Both forms of the definitions, and how each is checked."""

    def __init__(self, checkout: Path, folder: Path, peer: str) -> None:
        self.checkout, self.git, self.command = checkout, folder / "git", shlex.split(peer)
        self.made = convert(definitions(checkout))
        write(self.git, self.made)
        author = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"]
        for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "Add all models"]):
            subprocess.run(["git", *words], cwd=self.git, check=True)

    def peer(self) -> Run:
        return measure(self.command, self.checkout)

    def cold(self) -> Run:
        shutil.rmtree(self.git / ".git" / "galleryctl", ignore_errors=True)
        return self.warm()

    def warm(self) -> Run:
        return measure([*GALLERYCTL, "check", "--jobs", "2"], self.git)

    def verdict(self) -> str:
        """The line in which `check` counts; raises where it finds errors."""
        done = subprocess.run([*GALLERYCTL, "check"], cwd=self.git, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the converted definitions have errors:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
        lines = (done.stdout + done.stderr).splitlines()
        return next((line for line in lines if "models checked" in line), "nothing of its count")


def why_not(bench: Bench) -> str:
    """Why their validation cannot be run here; empty where it can."""
    try:
        bench.peer()
    except (OSError, SystemExit) as error:
        return str(error).strip()
    return ""


def table(bench: Bench, runs: int, *, beside: bool) -> dict[str, Run]:
    """Every figure, peers in turn."""
    steps = {"models.dev": bench.peer} if beside else {}
    steps |= {"galleryctl, cold": bench.cold, "galleryctl, warm": bench.warm}
    found: dict[str, list[Run]] = {name: [] for name in steps}
    for number in range(runs):
        for name, step in steps.items():
            found[name].append(step())
            print(f"run {number + 1} of {runs}: {name} {found[name][-1].wall:.2f} s", file=sys.stderr)
    return {name: median(each) for name, each in found.items()}


def report(bench: Bench, found: dict[str, Run], runs: int, verdict: str) -> str:
    """The results as Markdown."""
    count, peer = len(bench.made), found.get("models.dev")
    lines = [
        f"{count:,} definitions of models.dev at {_commit(bench.checkout)}; medians of {runs} runs.",
        f"{_versions(bench)}.",
        "",
        f"`{shlex.join(bench.command)}` beside `galleryctl check --jobs 2`, which says: {verdict}.",
        "",
        "| | wall | processors | for each definition | ratio of wall | of processors | memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, run in found.items():
        ratios = f"{run.wall / peer.wall:.2f} | {run.cpu / peer.cpu:.2f}" if peer else "– | –"
        each = f"{run.wall / count * 1000:.2f} ms"
        lines.append(f"| {name} | {run.wall:.2f} s | {run.cpu:.2f} s | {each} | {ratios} | {run.memory} MB |")
    return "\n".join(lines) + "\n"


def _commit(checkout: Path) -> str:
    words = ["git", "log", "-1", "--format=%h of %cs"]
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "an unknown commit"


def _versions(bench: Bench) -> str:
    try:
        asked = subprocess.run([bench.command[0], "--version"], capture_output=True, text=True, check=False)
        tool = f"{Path(bench.command[0]).name} {asked.stdout.split()[-1]}, " if asked.stdout.split() else ""
    except OSError:
        tool = ""
    return (
        f"galleryctl {galleryctl.__version__}, Python {platform.python_version()}, {tool}{platform.system()}, "
        f"{os.cpu_count()} processors, {time.strftime('%Y-%m-%d', time.gmtime())}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.modelsdev")
    parser.add_argument("checkout", type=Path, help="clone of anomalyco/models.dev, its dependencies installed")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer", default=PEER, help="their validation, run in the checkout (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="folder for the registry; default is a temporary one")
    wanted = parser.parse_args()
    folder = wanted.keep or Path(tempfile.mkdtemp(prefix="galleryctl-modelsdev-"))
    try:
        bench = Bench(wanted.checkout.resolve(), folder, wanted.peer)
        verdict = bench.verdict()
        reason = why_not(bench)
        found = table(bench, wanted.runs, beside=not reason)
        print(report(bench, found, wanted.runs, verdict))
        if reason:
            print(f"Their validation could not be run, so only ours is measured: {reason}")
    finally:
        if wanted.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
