"""Every rule finds its bad sample, keeps silent about its good one, and mends what it says it can."""

from __future__ import annotations

import ast
import datetime as dt
import importlib
import json
import os
import pkgutil
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import observations
import reviews
from galleryctl import checks, document, git, inspection, loading
from galleryctl.checks.rule import Ledger, Rule
from galleryctl.loading import comparing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import Result
    from galleryctl.checks.observed import Observed
    from galleryctl.problems import Problem

SAMPLES = Path(__file__).parent / "samples"
BASE = SAMPLES / "_base"
FOLDERS = sorted(path for path in SAMPLES.iterdir() if path.is_dir() and path != BASE)
NOW = "2026-01-02T03:04:05+00:00"
ELSEWHERE = {
    "PTH008",  # found by `schema --check`, not in a registry: proved by the tests of schemas
    "RUN006",  # a mistake of an exporter: proved by the tests of exports
}
FILES_BESIDE = {"expected.txt", "files.json", "ledger.json", "modes.json", "now.txt", "observed.json", "pull.json"}


class Sample(NamedTuple):
    """A registry as a tree: what a path holds and what git says of it."""

    files: Mapping[str, bytes]
    modes: Mapping[str, str]
    now: dt.datetime
    observed: Observed | None
    """What sources said, for rules that need the network."""
    base: Sample | None
    """What it is compared with, for rules that judge the way from one revision to another."""
    ledger: Ledger
    """What was published before."""
    pull: reviews.Recorded | None
    """What a forge recorded, for rules that only a review can judge."""


def read(folder: Path) -> Sample:
    files = {str(path.relative_to(BASE)): path.read_bytes() for path in BASE.rglob("*") if path.is_file()}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or name in FILES_BESIDE:
            continue
        if name.endswith(".delete"):
            del files[name.removesuffix(".delete")]
        elif name.endswith(".bytes"):
            files[name.removesuffix(".bytes")] = ast.literal_eval(path.read_text())
        else:
            files[name] = path.read_bytes()
    odd = folder / "files.json"
    files |= {name: text.encode() for name, text in (json.loads(odd.read_text()) if odd.exists() else {}).items()}
    modes, pull = folder / "modes.json", reviews.read(folder / "pull.json")
    now, observed = folder / "now.txt", folder / "observed.json"
    return Sample(
        files,
        json.loads(modes.read_text()) if modes.exists() else {},
        dt.datetime.fromisoformat(now.read_text().strip() if now.exists() else NOW),
        observations.read(observed) if observed.exists() else None,
        compared_with(folder, always=pull is not None),
        known(folder / "ledger.json"),
        pull,
    )


def compared_with(folder: Path, *, always: bool) -> Sample | None:
    """What a sample is compared with: its own base, or what all samples are laid over."""
    own = folder.parent / "base"
    if folder.name == "base":
        return None
    return read(own) if own.exists() else read(BASE / "nothing") if always else None


def known(path: Path) -> Ledger:
    """`{"acme/tiny": {"releases": ["1.0.0"], "audiences": ["public"]}}`."""
    told = json.loads(path.read_text()) if path.exists() else {}
    return Ledger(
        {identifier: frozenset(facts.get("releases", ())) for identifier, facts in told.items()},
        {identifier: frozenset(facts.get("audiences", ())) for identifier, facts in told.items()},
    )


def problems(sample: Sample, root: Path) -> tuple[Problem, ...]:
    """Lay the sample out below `root`, and check it."""
    folder = laid_out(sample, root)
    if sample.base is not None:
        before = laid_out(sample.base, root)
        old = loading.load(before, now=sample.now)
        new = loading.load(folder, now=sample.now, base=old)
        trees = git.working(before), git.working(folder)
        compared = comparing.of(old, new, *trees, name="registry", now=sample.now, ledger=sample.ledger)
        return sample.pull.judged(compared, trees[1]) if sample.pull else compared.problems
    loaded = loading.load(folder, now=sample.now)
    if sample.observed is None:
        return loaded.problems
    subjects = inspection.subjects(git.working(folder), "registry", loaded, now=sample.now)
    found = {problem for each in subjects for problem in checks.online_rules(each, sample.observed, "registry")}
    return (*loaded.problems, *sorted(found))


def laid_out(sample: Sample, root: Path) -> Path:
    folder = root / str(len(list(root.iterdir())))
    for name, data in sample.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if sample.modes.get(name) == "120000":
            path.symlink_to(data.decode())
        else:
            path.write_bytes(data)
            path.chmod(int(sample.modes.get(name, "100644")[-3:], 8))
    return folder


def lines(found: tuple[Problem, ...], code: str) -> str:
    return "".join(
        f"{problem.path}:{problem.line}:{problem.column}: {problem.code} {problem.message}\n"
        + (f"  fix: {problem.fix}\n" if problem.fix else "")
        for problem in found
        if problem.code == code
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_good_sample_says_nothing(folder: Path, tmp_path: Path) -> None:
    assert lines(problems(read(folder / "good"), tmp_path), folder.name) == ""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_bad_sample_says_what_is_expected(folder: Path, tmp_path: Path) -> None:
    found = lines(problems(read(folder / "bad"), tmp_path), folder.name)
    expected = folder / "bad" / "expected.txt"
    if os.environ.get("GALLERYCTL_SAMPLES") == "rewrite":
        expected.write_text(found)
    assert found, "the bad sample is not found to be bad"
    assert found == expected.read_text()


def mended(sample: Sample, found: tuple[Problem, ...]) -> Sample:
    files = dict(sample.files)
    for path in {problem.path for problem in found if problem.edits}:
        edits = [edit for problem in found if problem.path == path for edit in problem.edits]
        files[path] = document.apply(files[path].decode(), edits).encode()
    return sample._replace(files=files)


def comments(files: Mapping[str, bytes]) -> Counter[str]:
    """Comments at the ends of lines and on lines of their own, of the definition files."""
    texts = [
        unicodedata.normalize("NFC", data.decode("utf-8", "replace"))
        for path, data in files.items()
        if path.endswith(".yaml")
    ]
    return Counter(line[line.index("# ") :].strip() for text in texts for line in text.splitlines() if "# " in line)


@pytest.mark.parametrize(
    "folder",
    [path for path in FOLDERS if (rule := checks.RULES.get(path.name)) and rule.fixable],
    ids=lambda path: path.name,
)
def test_a_fix_mends_and_keeps_comments(folder: Path, tmp_path: Path) -> None:
    bad = read(folder / "bad")
    found = tuple(problem for problem in problems(bad, tmp_path) if problem.code == folder.name)
    assert any(problem.edits for problem in found), "the rule is fixable, its bad sample is not"
    good, left = bad, found
    for _ in range(3):  # of edits that overlap, one waits for the next round
        good = mended(good, left)
        left = tuple(problem for problem in problems(good, tmp_path) if problem.code == folder.name)
    assert [problem for problem in left if problem.edits] == []
    assert len(left) == len([problem for problem in found if not problem.edits])
    assert not comments(bad.files) - comments(good.files)


def test_edits_are_only_made_by_fixable_rules(tmp_path: Path) -> None:
    for folder in FOLDERS:
        for problem in problems(read(folder / "bad"), tmp_path):
            assert not problem.edits or checks.RULES[problem.code].fixable, (folder.name, problem)


@pytest.mark.parametrize("code", sorted(set(checks.RULES) - ELSEWHERE))
def test_every_rule_has_a_good_and_a_bad_sample(code: str) -> None:
    assert (SAMPLES / code / "good").is_dir()
    assert (SAMPLES / code / "bad" / "expected.txt").is_file()


@pytest.mark.parametrize("rule", checks.RULES.values(), ids=lambda rule: rule.code)
def test_every_rule_has_a_page(rule: Rule) -> None:
    title, _, rest = rule.page.partition("\n")
    assert 0 < len(title) <= 120, "the first line is the title"
    assert len(rest.split()) > 15, "the page says why"
    assert "Bad:" in rest
    assert "Good:" in rest
    assert rest.count("```") % 2 == 0


def test_every_rule_module_is_in_the_catalogue() -> None:
    found = {
        rule.code
        for module in pkgutil.iter_modules(checks.__path__)
        for rule in getattr(importlib.import_module(f"galleryctl.checks.{module.name}"), "RULES", ())
        if isinstance(rule, Rule)
    }
    assert found == set(checks.RULES)


def test_files_that_are_a_list_are_told_what_they_are_a_map_of(
    registry: Callable[..., Path], run: Callable[..., Result]
) -> None:
    folder = registry()
    path = folder / "models/llm/acme/tiny/1.0.0.yaml"
    text = path.read_text()
    assert "    files:\n      none:\n" in text
    path.write_text(text.replace("    files:\n      none:\n", "    files:\n"))
    done = run("check", "-r", folder)
    assert "`files` must be a map of quantizations to lists of files, not a list" in done.stdout + done.stderr
