"""What the job that signs takes from the job that ran a generator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

WORKFLOWS = Path(__file__).parents[1] / ".github/workflows"


def _unpack(name: str) -> str:
    steps = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))["jobs"]["sign"]["steps"]
    return next(str(step["run"]) for step in steps if step.get("name") == "Unpack it")


@pytest.mark.parametrize("name", ["publish.yml", "refresh.yml"])
@pytest.mark.parametrize("leads", ["/etc/passwd", "../secret", "nowhere", ".", ""])
def test_a_link_in_the_tree_is_not_published(tmp_path: Path, name: str, leads: str) -> None:
    """Pages takes what links lead to: of the job that holds the key, or can log in to it."""
    tree, job = tmp_path / "tree", tmp_path / "job"
    (tree / "v1").mkdir(parents=True)
    job.mkdir()
    (tree / "v1/catalog.json").write_text("{}")
    (tree / "v1/again.json").hardlink_to(tree / "v1/catalog.json")
    if leads:
        (tree / "v1/x").symlink_to(leads)
    subprocess.run(["tar", "-cf", str(job / "gallery.tar"), "-C", str(tree), "."], check=True)
    done = subprocess.run(["bash", "-e", "-c", _unpack(name)], cwd=job, check=False)
    assert (done.returncode == 0) == (leads == "")
