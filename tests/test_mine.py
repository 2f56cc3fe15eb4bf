"""Which models are mine, how that is known, and who depends on a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL, git
from galleryctl.errors import UsageError
from galleryctl.git import configured
from galleryctl.reviewing.mine import Somebody, somebody
from galleryctl.spec import Roles
from test_life_commands import HELPDESK, NOW, TINY, WHOLE, other

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files, Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]
    Commit = Callable[..., str]

ROLES = Roles.model_validate(
    {
        "people": {
            "ada": {"github": {"id": 1001, "login": "Ada-L"}},
            "bob": {"github": {"id": 1002, "login": "bobby"}},
        }
    }
)


@pytest.mark.parametrize(
    ("given", "name", "email", "found", "how"),
    [
        ("ada", "", "", "ada", "You asked for ada"),
        ("ada-l", "", "", "ada", "You asked for ada"),
        ("1002", "", "", "bob", "You asked for bob"),
        ("", "Somebody", "1002+bobby@users.noreply.github.com", "bob", "has the number of that account"),
        ("", "ADA", "x@acme.example", "ada", "git's user.name is ADA. If not, add --as NAME."),
        ("", "Ada Lovelace", "bobby@acme.example", "bob", "git's user.email is bobby@acme.example"),
        ("", "Eve", "eve@acme.example", "", "Git calls you Eve <eve@acme.example>, whom roles.yaml does not know"),
        ("", "Eve", "9+ada@users.noreply.github.com", "", "whom roles.yaml does not know"),
    ],
)
def test_who_i_am(given: str, name: str, email: str, found: str, how: str) -> None:
    person = somebody(ROLES, given, name, email)
    assert person.name == found
    assert how in person.how


def test_nobody_is_told_how_to_say_who() -> None:
    with pytest.raises(UsageError, match="add --as NAME"):
        somebody(ROLES, "", "", "")
    with pytest.raises(UsageError, match=r"there are: ada, bob"):
        somebody(ROLES, "eve", "Ada", "")


def test_whoever_is_asked_for_did_not_write_my_commits() -> None:
    assert somebody(ROLES, "bob", "Ada", "ada@acme.example") == Somebody(
        "bob", "bob", "You asked for bob of roles.yaml."
    )


def test_git_says_who_commits(tmp_path: Path, registry: Make) -> None:
    folder = registry().parent
    assert configured.author(folder) == ("Ada", "ada@acme.example")
    git(folder, "config", "user.name", 'Eve: the "first"')
    git(folder, "config", "user.email", "")
    assert configured.author(folder) == ('Eve: the "first"', "")
    assert configured.author(tmp_path / "nowhere") == ("", "")


# -- list --mine

GLOBEX: Files = {
    "publishers/globex.yaml": "title: Globex\nmaintainers: [eve]\n",
    **{path.replace("acme/", "globex/"): text for path, text in other("huge").items()},
    **other("shared", "maintainers: [eve]\n"),
    **other("hidden", "listed: false\nreason: Later.\nexpires: 2027-01-31\n"),
}


def listed(run: Run, folder: Path, *words: str) -> dict[str, list[str]]:
    """Id → why."""
    done = run("list", "--mine", *words, "--format", "json", "--registry", folder, "--now", NOW)
    assert done.exit_code == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return {row["id"]: row["why"] for row in rows}


def test_mine_is_what_i_maintain_am_granted_or_brought(run: Run, registry: Make, commit: Commit) -> None:
    folder = registry({"roles.yaml": (MINIMAL["roles.yaml"] or "").replace("scope: acme/*", "scope: acme/tiny")})
    commit(folder, GLOBEX, author="eve")
    group = "maintains publisher acme, in group acme"
    assert listed(run, folder) == {
        "acme/hidden": [group],
        "acme/shared": [group],
        "acme/tiny": [group, "role owner for acme/tiny, in group acme", "added it"],
    }
    assert listed(run, folder, "--as", "eve") == {
        "acme/hidden": ["added it"],
        "acme/shared": ["maintains acme/shared", "added it"],
        "globex/huge": ["maintains publisher globex", "added it"],
    }
    assert list(listed(run, folder, "--as", "1003", "--publisher", "globex")) == ["globex/huge"]


def test_the_table_says_status_expiry_and_how_it_knows(run: Run, registry: Make) -> None:
    done = run("list", "--mine", "--registry", registry(GLOBEX), "--now", NOW)
    assert done.stderr.startswith("You are ada of roles.yaml: git's user.name is Ada.")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("acme/hidden"))
    assert line.split()[:6] == ["acme/hidden", "active,", "withdrawn", "public", "2027-01-31", "1.0.0"]
    assert "maintains publisher acme" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--as", "ada"), "use both"), (("--mine", "--as", "zoe"), "zoe is neither a name, nor a login")],
)
def test_wrong_words(run: Run, registry: Make, words: tuple[str, ...], said: str) -> None:
    done = run("list", *words, "--registry", registry())
    assert (done.exit_code, said in done.stderr) == (2, True)


# -- dependents

UPSTREAM = "upstream: [{repo: vllm/recipes, path: tiny.yaml, runtime: vllm}]\n"
NEEDED: Files = {
    **WHOLE,
    f"{TINY}/model.yaml": (WHOLE[f"{TINY}/model.yaml"] or "") + UPSTREAM,
    **other("heir", "base_models: [acme/tiny]\n"),
    **other("former", "successor: acme/tiny\n"),
    "consumers/helpdesk.yaml": HELPDESK,
    "consumers/web.yaml": "title: Web\npins: [{model: acme/tiny}]\n",
    "removed/acme/gone.yaml": "type: llm\nreason: Over.\nsince: 2025-06-01\nreleases: [1.0.0]\nsuccessor: acme/tiny\n",
}


def dependents(run: Run, folder: Path, what: str) -> list[dict[str, Any]]:
    done = run("dependents", what, "--format", "json", "--registry", folder, "--now", NOW)
    assert done.exit_code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_everybody_who_depends_on_a_model(run: Run, registry: Make) -> None:
    folder = registry(NEEDED)
    assert dependents(run, folder, "acme/tiny") == [
        {
            "kind": "base_model",
            "name": "acme/heir",
            "path": "registry/models/llm/acme/heir/model.yaml",
            "owners": ["acme"],
        },
        {
            "kind": "consumer",
            "name": "helpdesk",
            "path": "registry/consumers/helpdesk.yaml",
            "version": "1.0.0",
            "owners": ["bob"],
        },
        {"kind": "consumer", "name": "web", "path": "registry/consumers/web.yaml"},
        {"kind": "removed", "name": "acme/gone", "path": "registry/removed/acme/gone.yaml"},
        {
            "kind": "successor",
            "name": "acme/former",
            "path": "registry/models/llm/acme/former/model.yaml",
            "owners": ["acme"],
        },
        {"kind": "upstream", "name": "vllm/recipes", "path": f"registry/{TINY}/model.yaml", "detail": "vllm"},
    ]
    done = run("dependents", "acme/tiny", "--registry", folder, "--now", NOW)
    assert done.stdout.splitlines() == [
        "acme/heir was made from it (registry/models/llm/acme/heir/model.yaml).",
        "Service helpdesk pins acme/tiny@1.0.0 (registry/consumers/helpdesk.yaml; owners: bob).",
        "Service web pins the newest release of acme/tiny (registry/consumers/web.yaml).",
        "acme/gone, which was removed, leads to it (registry/removed/acme/gone.yaml).",
        "acme/former names it as its successor (registry/models/llm/acme/former/model.yaml).",
        f"vllm/recipes gets its export for vllm (registry/{TINY}/model.yaml).",
    ]
    assert done.stderr == "6 depend on acme/tiny\n"


def test_of_a_release_those_who_pin_it_or_follow_the_newest(run: Run, registry: Make) -> None:
    folder = registry(NEEDED)
    assert [each["name"] for each in dependents(run, folder, "acme/tiny@1.0.0")] == ["helpdesk"]
    assert [each["name"] for each in dependents(run, folder, "acme/tiny@1.1.0")] == ["web"]


def test_aliases_and_removed_ids_have_dependents_too(run: Run, registry: Make) -> None:
    files = {**NEEDED, **other("renamed", "aliases: [acme/before]\n"), "consumers/web.yaml": "title: Web\n"
             "pins: [{model: acme/before}, {model: acme/gone, version: 1.0.0}]\n"}  # fmt: skip
    folder = registry(files)
    assert [each["name"] for each in dependents(run, folder, "acme/before")] == ["web"]
    assert [each["name"] for each in dependents(run, folder, "acme/renamed")] == ["web"]
    assert [each["name"] for each in dependents(run, folder, "acme/gone@1.0.0")] == ["web"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("acme/tyni", "there is no model acme/tyni; did you mean acme/tiny"),
        ("acme/tiny@7.0.0", "acme/tiny has no release 7.0.0; it has 1.0.0"),
    ],
)
def test_what_is_not_there(run: Run, registry: Make, what: str, said: str) -> None:
    done = run("dependents", what, "--registry", registry())
    assert (done.exit_code, said in done.stderr) == (2, True)


def test_nobody_depends(run: Run, registry: Make) -> None:
    done = run("dependents", "acme/tiny", "--registry", registry())
    assert (done.stdout, done.stderr) == ("", "nobody depends on acme/tiny\n")
