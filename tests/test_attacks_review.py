"""Pull requests that want to be merged without the review that they need, or to change what was published."""

from __future__ import annotations

import datetime as dt
import pathlib
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git
from galleryctl.problems import Severity
from galleryctl.spec.review import Login
from proposing import MODEL, NOW, PUSHED, RELEASE, ROLES, Story, changed, codes, missing, release, said, with_more

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files
    from galleryctl.policy import Verdict

ALL = "\n".join(
    f"override {code}: It is urgent." for code in ("SCH001", "SCH002", "SCH003", "SCH004", "LIF003", "PTH007")
)
EVERYBODY = (said("bob"), said("chen", text=ALL), said("dora", text=ALL), said("eve"))


@pytest.fixture
def story(registry: Callable[..., Path], commit: Callable[..., str]) -> Story:
    return Story(registry({"roles.yaml": ROLES}), commit)


def rebased(story: Story, files: Files) -> Story:
    """Another base: these files are on the default branch."""
    git(story.registry, "checkout", "-q", "main")
    story.base = story.commit(story.registry, files)
    return story


def like(name: str, more: str = "") -> dict[str, str | None]:
    """Another model, with bytes of its own."""
    found = {}
    for path, text in MINIMAL.items():
        if "acme/tiny" in path and text:
            words = text.replace("Tiny", name.title()).replace("3f79", "abab").replace("acme/tiny", f"acme/{name}")
            found[path.replace("tiny", name)] = words + (more if path == MODEL else "")
    return dict(found)


def errors(found: Verdict) -> set[str]:
    return {problem.code for problem in found.problems if problem.severity is Severity.ERROR}


# -- what drops out of the gallery without being deleted


@pytest.mark.parametrize(
    "files",
    [
        changed(MODEL, "title: Tiny", "title: [Tiny]"),
        changed(MODEL, "title: Tiny\n", ""),
        changed(RELEASE, "notes: First release.", "notes: [x]"),
        changed(RELEASE, "variants:", "variant:"),
        {MODEL: None},
    ],
    ids=["a model", "a model without its title", "a release", "a release without variants", "a folder alone"],
)
@pytest.mark.parametrize("policy", ["", "severities: {SCH001: warn, SCH002: warn, SCH003: warn, SCH004: off}\n"])
def test_nobody_sets_aside_that_something_published_cannot_be_read(story: Story, files: Files, policy: str) -> None:
    rebased(story, release("1.1.0") | {"policy.yaml": f"version: 1\n{policy}"})
    found = story.verdict(files, "ada", *EVERYBODY)
    assert found.state == "failure"
    assert errors(found) & {"IMM001", "IMM003"}


def test_what_could_not_be_read_in_base_comes_back_by_hand_only(story: Story) -> None:
    """Nobody knows which bytes it had, so no lane takes it for new."""
    rebased(story, changed(MODEL, "title: Tiny", "title: [Tiny]"))
    other = {MODEL: MINIMAL[MODEL], **changed(RELEASE, "3f79bb7b", "ffffffff")}
    found = story.verdict(other, "ada", now=NOW + dt.timedelta(days=30))
    assert (found.state, found.lane) == ("pending", "manual")


def test_a_release_that_could_not_be_read_in_base_is_no_new_one(story: Story) -> None:
    ((path, text),) = release("1.1.0").items()
    assert text is not None
    rebased(story, {path: text.replace("notes: Release 1.1.0.", "notes: [x]")})
    found = story.verdict({path: text.replace("aaaabb7b", "ffffffff")}, "ada", now=NOW + dt.timedelta(hours=1))
    assert (found.state, found.lane) == ("pending", "manual")


# -- more than a lane is for


def test_a_quarantine_in_haste_leads_nobody_elsewhere(story: Story) -> None:
    rebased(story, like("big"))
    act = "status: quarantined\nreason: It answers nonsense.\n"
    assert story.verdict(with_more(MODEL, act), "chen").lane == "urgent"
    found = story.verdict(with_more(MODEL, f"{act}successor: acme/big\n"), "chen")
    assert (found.state, found.lane) == ("pending", "manual")


def test_a_private_model_that_nobody_reviews_takes_no_other_names(story: Story) -> None:
    rebased(story, {"policy.yaml": "version: 1\nrepository: private\n"})
    later = NOW + dt.timedelta(days=9)
    assert story.verdict(like("own", "visibility: private\n"), "zoe", now=later).state == "success"
    found = story.verdict(like("squat", "visibility: private\naliases: [acme/next]\n"), "zoe", now=later)
    assert found.state == "pending"
    assert missing(found)


# -- who is who


def test_accounts_that_were_deleted_are_nobody(story: Story) -> None:
    """The forge shows all of them as one: an approval of any would be that of whoever has no number yet."""
    rebased(story, {"roles.yaml": ROLES.replace("{id: 1002, login: bob}", "{id: 0, login: bob}")})
    ghost = {"by": Login(id=0, login="ghost"), "state": "approved", "at": PUSHED}
    found = story.verdict(changed(MODEL, "for tests", "for trials"), "zoe", ghost)
    assert found.state == "pending"
    assert "OWN002" in codes(found)


# -- what git makes of files


def test_attributes_of_base_neither_run_nor_join_anything(story: Story, tmp_path: Path) -> None:
    """The forge looks at none of them, so a tree that they gave would not be the one that is merged."""
    root, canary = story.registry.parent, tmp_path / "ran"
    for rule in ("merge=evil", "merge=union", "merge=ours", "-merge"):
        git(root, "config", "merge.evil.driver", f"touch {canary}")
        git(root, "config", "merge.ours.driver", "true")
        git(root, "config", "merge.default", "evil")
        git(root, "checkout", "-q", "main")
        story.base = story.commit(
            root, {".gitattributes": f"registry/** {rule}\n", f"registry/{MODEL}": MINIMAL[MODEL]}
        )
        head = story.propose(changed(MODEL, "tags: [chat]", "tags: [chat]\nhomepage: x"))
        rebased(story, changed(MODEL, "tags: [chat]", "tags: [reasoning]"))
        judged = story.judged(head, "ada", said("bob"))
        assert (judged.merged, judged.conflicts) == (None, (f"registry/{MODEL}",))
        assert not canary.exists()


# -- files that run


@pytest.mark.parametrize(
    "path",
    [
        "pip.py", "pip/__init__.py", "json.py", "sitecustomize.py", "setup.py", "setup.cfg", "uv.toml",
        "requirements.txt", "constraints-ci.txt", ".gitattributes", ".gitmodules", "docs/CODEOWNERS",
        ".GitHub/workflows/x.yml",
        "tools/x.sh", "site_templates", "schemas", "src/x.txt", "hatch_build.py",
    ],
)  # fmt: skip
def test_one_reviewer_brings_in_nothing_that_runs(story: Story, path: str) -> None:
    """Workflows with secrets install the program beside a checkout of the default branch: Python looks there."""
    git(story.registry, "checkout", "-q", "main")
    head = story.commit(story.registry.parent, {path: "import os\n"})
    found = story.verdict(head, "zoe", said("chen"), now=NOW + dt.timedelta(days=9))
    assert (found.state, found.lane, missing(found)) == ("pending", "governance", [("admin", "govern", 1)])


def test_the_program_is_installed_without_modules_of_the_repository() -> None:
    files = (pathlib.Path(__file__).parents[1] / ".github").rglob("*.yml")
    lines = [line for path in files for line in path.read_text().splitlines() if "python" in line and " -m " in line]
    installing = [line for line in lines if "pytest" not in line]
    assert installing
    assert [line for line in installing if " -P -m " not in line] == []


# -- overrides that nobody said


@pytest.mark.parametrize(
    "text",
    [
        "> override LIF003: no",
        "Please no:\n```\noverride LIF003: no\n```",
        "~~~~\noverride LIF003: never closed",
        "<!--\noverride LIF003: no\n-->",
        "<!-- never closed\noverride LIF003: no",
        "`override LIF003: no`",
        "override LIF003 : \t",
        "no override LIF003: no",
    ],
)
def test_what_an_approval_quotes_sets_nothing_aside(story: Story, text: str) -> None:
    ended = with_more(RELEASE, "status: discontinued\nreason: It answers nonsense.\n")
    assert story.verdict(ended, "ada", said("bob"), said("chen", text="override LIF003: It has to go.")).overrides
    found = story.verdict(ended, "ada", said("bob"), said("chen", text=text))
    assert (found.state, found.overrides) == ("failure", ())
