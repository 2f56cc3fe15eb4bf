"""`docs/features.md`: every rule of the product documents once, its proof there, and what is missing said."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from conftest import MINIMAL
from galleryctl import checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]

ROOT = Path(__file__).parent.parent
COUNTS = {"S1": 17, "S2": 34, "S3": 3, "S4": 21, "S5": 32}
TINY = "models/llm/acme/tiny"


class Row(NamedTuple):
    """One rule: what answers it, and what proves that."""

    id: str
    rule: str
    answer: str
    test: str

    @property
    def built(self) -> bool:
        return not self.answer.startswith("not yet")


def rows() -> list[Row]:
    text = (ROOT / "docs/features.md").read_text()
    lines = [line for line in text.splitlines() if re.match(r"\| S\d", line)]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


@cache
def proofs_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_rule_is_there_once_and_in_order() -> None:
    assert [row.id for row in rows()] == [
        f"{seed}-{number:02}" for seed, count in COUNTS.items() for number in range(1, count + 1)
    ]
    assert len(rows()) == 107


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_a_row_is_proved_or_says_that_it_is_not_built(row: Row) -> None:
    assert row.rule
    assert row.answer
    if not row.built:
        assert re.match(r"not yet: \S", row.answer), "say what is missing"
        assert row.test == "", "what is not built is not proved"
        return
    match = re.fullmatch(r"`(tests/test_\w+\.py)::(test_\w+)`", row.test)
    assert match, "name one test"
    assert match[2] in proofs_in(match[1])


def test_rules_of_the_rows_exist() -> None:
    for row in rows():
        if row.built:
            assert set(re.findall(r"\b[A-Z]{3}\d{3}\b", row.answer)) <= checks.RULES.keys(), row.id


def test_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    built = {seed: sum(row.built for row in rows() if row.id.startswith(seed)) for seed in COUNTS}
    with capsys.disabled():
        parts = ", ".join(f"{seed} {built[seed]} of {count}" for seed, count in COUNTS.items())
        print(f"\nbuilt {sum(built.values())} of {sum(COUNTS.values())}: {parts}")  # noqa: T201 - what `make features` is for
    assert sum(built.values()) >= 105, "a row that was built is built no more"


# -- what no other test proves


def test_new_names_the_page_of_its_type(registry: Make, run: Run) -> None:
    done = run("new", "embedding", "acme/more", "--yes", "-r", registry())
    assert done.exit_code == 0
    assert "/types/embedding/" in done.stderr


def test_the_site_has_no_accounts(registry: Make, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert run("build", "-r", registry(), "--out", out).exit_code == 0
    about = (out / "about/index.html").read_text()
    assert "no login" in about
    assert "sign in at the forge" in about
    assert 'href="./models/acme/tiny/"' in (out / "index.html").read_text()
    for page in out.rglob("*.html"):
        assert 'type="password"' not in page.read_text()


def test_a_release_says_where_it_was_made_and_may_be_used(registry: Make, run: Run, tmp_path: Path) -> None:
    words = "regions:\n  title: Region\n  values: {eu: {label: European Union}, us: {label: United States}}\n"
    made = "origin: {kind: training, platform: modelarts, ref: tiny-app}\n"
    root = registry(
        {
            "taxonomy.yaml": f"{MINIMAL['taxonomy.yaml']}{words}",
            f"{TINY}/model.yaml": f"{MINIMAL[f'{TINY}/model.yaml']}regions: [eu, us]\n",
            f"{TINY}/1.0.0.yaml": f"{MINIMAL[f'{TINY}/1.0.0.yaml']}{made}regions: [eu]\n",
        }
    )
    assert run("build", "-r", root, "--out", tmp_path / "site").exit_code == 0
    document = json.loads((tmp_path / "site/v1/models/acme/tiny.json").read_text())
    assert document["regions"] == ["eu", "us"]
    assert document["releases"]["1.0.0"]["regions"] == ["eu"]
    assert document["releases"]["1.0.0"]["origin"] == {"kind": "training", "platform": "modelarts", "ref": "tiny-app"}
    home = (tmp_path / "site/index.html").read_text()
    assert 'name="region" value="eu"' in home
    assert 'name="region" value="us"' not in home, "its only release is for Europe"


def test_releases_are_added_from_the_page(registry: Make, run: Run, tmp_path: Path) -> None:
    assert run("build", "-r", registry(), "--out", tmp_path / "site").exit_code == 0
    page = (tmp_path / "site/models/acme/tiny/index.html").read_text()
    new = f"https://github.com/acme/gallery/new/main/registry/{TINY}?filename=1.1.0.yaml&amp;value="
    assert re.search(f'<a href="{re.escape(new)}[^"]*">add a release</a>', page)
