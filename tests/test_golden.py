"""The whole output of one small registry with every state, byte for byte.

`make golden` writes `tests/golden/site` anew; plain pytest only compares. `files.txt` names every published file; of
those that are copies of something else here, or grow with it, the bytes are left out (`LEFT_OUT`).
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import git
from galleryctl import building

if TYPE_CHECKING:
    from collections.abc import Mapping

GOLDEN = Path(__file__).parent / "golden"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
LEFT_OUT = re.compile(
    r"assets/.*"  # copies of site_templates/, and MiniSearch
    r"|v1/schemas/.*"  # copies of schemas/
    r"|rules/.*|about/.*"  # the pages of all rules, and their number
    r"|.*[/.][0-9a-f]{64}(?:\.\w+)*|v1/[0-9a-f]{64}\..*"  # the same bytes as the stable name
    r"|(?:v1/types|v1/search|types|feeds/types)/(?:audio|image|rerank|video|vision)[/.].*"  # nothing is in them
)
TINY = "models/llm/acme/tiny"
STEPS = (  # what each commit brings, by whom, and when
    ("Ada", "2025-05-02T10:00:00Z", ["models/llm/acme/old", f"{TINY}/1.0.0.yaml", f"{TINY}/model.yaml"]),
    ("Ada", "2025-06-16T10:00:00Z", [TINY, "removed"]),
    ("Bob", "2025-08-02T10:00:00Z", ["models/llm/beta"]),
    ("Eve", "2025-09-03T10:00:00Z", ["."]),
)  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """Every published file of `golden/registry`, whose history is the same on every machine."""
    root = tmp_path_factory.mktemp("golden")
    shutil.copytree(GOLDEN / "registry", root / "registry")
    git(root, "init", "-q")
    for author, date, paths in STEPS:
        git(root, "add", "--", *(f"registry/{path}" for path in paths))
        who = {"NAME": author, "EMAIL": f"{author.lower()}@acme.example", "DATE": date}
        environment = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
        git(root, "commit", "-q", "-m", "registry: change", **environment)
    assert git(root, "status", "--short") == ""
    done = building.build(building.Wanted(root / "registry", root / "site", NOW))
    assert done.errors == ()
    found = {path.relative_to(root / "site").as_posix(): path for path in (root / "site").rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.startswith(".galleryctl")}


def difference(name: str, before: bytes, after: bytes) -> str:
    """The first lines that differ; a long line around its first difference."""
    old, new = ([line[:400] for line in re.split(r"\n|(?<=>)(?=<)|(?<=,)", data.decode())] for data in (before, after))
    lines = difflib.unified_diff(old, new, f"golden {name}", f"built {name}", lineterm="", n=1)
    return "\n".join(list(lines)[:30])


def test_the_output_is_the_golden_one(built: Mapping[str, bytes]) -> None:
    kept = {name: data for name, data in built.items() if not LEFT_OUT.fullmatch(name)}
    files = {"files.txt": "".join(f"{name}\n" for name in built).encode(), **kept}
    site = GOLDEN / "site"
    if os.environ.get("GALLERYCTL_GOLDEN") == "rewrite":
        shutil.rmtree(site, ignore_errors=True)
        for name, data in files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_bytes(data)
    golden = {
        path.relative_to(site).as_posix(): path.read_bytes() for path in sorted(site.rglob("*")) if path.is_file()
    }
    different = sorted(name for name in golden.keys() & files.keys() if golden[name] != files[name])
    told = [difference(name, golden[name], files[name]) for name in different[:3]]
    told += [f"not built: {name}" for name in sorted(golden.keys() - files.keys())]
    told += [f"not in golden: {name}" for name in sorted(files.keys() - golden.keys())]
    if told:
        pytest.fail(
            f"{len(different)} files differ; if you meant that, `make golden`\n" + "\n".join(told), pytrace=False
        )


def test_what_is_left_out_is_a_copy(built: Mapping[str, bytes]) -> None:
    """An immutable name has the bytes of its stable one."""
    addressed = [name for name in built if re.search(r"[0-9a-f]{64}", name)]
    assert len(addressed) > 10
    for name in addressed:
        stable = re.sub(r"/[0-9a-f]{64}(\.\w+)$", r"\1", re.sub(r"[0-9a-f]{64}\.(catalog)", r"\1", name))
        assert built[name] == built[stable], name


def test_the_golden_registry_has_every_state(built: Mapping[str, bytes]) -> None:
    pages = {
        name: data.decode() for name, data in built.items() if name.startswith("models/") and name.endswith(".html")
    }
    words = {
        "acme/old": "Deprecated", "acme/vector": "until its licence is clear", "acme/lost": "gone from their source",
        "beta/tuned": "30 Jun 2026", "acme/tiny": "Wrong stop tokens.",
    }  # fmt: skip
    for model, word in words.items():
        assert word in pages[f"models/{model}/index.html"], model
    assert 'lang="zh"' in pages["models/acme/tiny/index.html"]
