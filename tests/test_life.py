"""Versions, audiences, states and terms."""

from __future__ import annotations

import pytest

import judged
from conftest import MINIMAL
from galleryctl.checks import life
from judged import TINY, model, other

PRIVATE = {"policy.yaml": "version: 1\nrepository: private\n"}
ROLES = {
    "roles.yaml": """\
version: 1
people:
  ada: {github: {id: 1001, login: ada}}
  bob: {github: {id: 1002, login: bob}}
  eve: {github: {id: 1003, login: eve}}
groups:
  acme: [ada, bob]
  partners: [ada, bob, eve]
  staff: [ada, bob, eve]
"""
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("v1.0.0.yaml", "1.0.0.yaml"),
        ("v1.0.yaml", "1.0.0.yaml"),
        ("1.yaml", "1.0.0.yaml"),
        ("01.2.0.json", "1.2.0.json"),
        ("1.0.0-rc1.yml", "1.0.0.yaml"),
        ("1_2_3.yaml", "1.2.3.yaml"),
        ("latest.yaml", ""),
        ("Model.yaml", "model.yaml"),
        ("models.yml", "model.yaml"),
    ],
)
def test_names_that_are_no_version(name: str, meant: str) -> None:
    assert list(life.misnamed_releases([name])) == [(name, meant)]


@pytest.mark.parametrize(
    "name",
    [
        "model.yaml",
        "model.json",
        "model.yml",
        "1.0.0.yaml",
        "10.20.30.json",
        "1.0.0.yml",
        "README.md",
        "a/b.yaml",
        "x.jinja",
    ],
)
def test_names_that_others_judge(name: str) -> None:
    assert list(life.misnamed_releases([name])) == []


def test_a_misnamed_release_is_told_whatever_else_is_broken() -> None:
    files = {
        f"{TINY}/1.0.yaml": MINIMAL[f"{TINY}/1.0.0.yaml"],
        f"{TINY}/1.0.0.yaml": None,
        f"{TINY}/model.yaml": "title: [",
    }
    (problem,) = judged.problems(files, "VER001")
    assert (problem.path, problem.fix) == (f"registry/{TINY}/1.0.yaml", "rename it to 1.0.0.yaml")
    assert judged.messages(files, "PTH002") == []


def test_a_version_that_is_there_already_is_not_proposed() -> None:
    (problem,) = judged.problems({f"{TINY}/v1.0.0.yaml": MINIMAL[f"{TINY}/1.0.0.yaml"]}, "VER001")
    assert problem.fix == "1.0.0.yaml is there already: delete v1.0.0.yaml, or give it its own version"


AUDIENCES = {
    "public": "visibility: public",
    "organisation": "visibility: organisation",
    "partners": "visibility: restricted\nallowed: [partners]",
    "acme": "visibility: restricted\nallowed: [acme]",
    "people": "visibility: restricted\nallowed: [ada, bob]",
    "private": "visibility: private",
}
INCLUDES = {  # audience → those whose members are all in it
    "public": {"public", "organisation", "partners", "acme", "people", "private"},
    "organisation": {"organisation", "partners", "acme", "people", "private"},
    "partners": {"partners", "acme", "people", "private"},
    "acme": {"acme", "people", "private"},
    "people": {"acme", "people", "private"},
    "private": {"private"},
}


@pytest.mark.parametrize("source", AUDIENCES)
@pytest.mark.parametrize("target", AUDIENCES)
def test_a_reference_never_reaches_into_a_narrower_audience(source: str, target: str) -> None:
    settings = {"gallery.yaml": f"{MINIMAL['gallery.yaml']}organisation: staff\n"}
    files = (
        settings
        | PRIVATE
        | ROLES
        | model(f"{AUDIENCES[source]}\nsuccessor: acme/two")
        | other("acme/two", AUDIENCES[target])
    )
    assert bool(judged.messages(files, "VIS004")) is (source not in INCLUDES[target])


def test_without_an_organisation_nothing_is_known_to_be_in_it() -> None:
    files = (
        PRIVATE
        | ROLES
        | model(f"{AUDIENCES['acme']}\nsuccessor: acme/two")
        | other("acme/two", AUDIENCES["organisation"])
    )
    assert len(judged.messages(files, "VIS004")) == 1


def test_an_alias_of_a_hidden_model_is_not_named() -> None:
    files = (
        PRIVATE | model("base_models: [acme/old]") | other("acme/two", "aliases: [acme/old]\nvisibility: organisation")
    )
    assert judged.messages(files, "VIS004") == ["acme/tiny (public) names acme/old, which is organisation"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("visibility: organisation", {"VIS003"}),
        ("visibility: restricted\nallowed: [acme]", {"VIS003"}),
        ("visibility: restricted", {"VIS003", "VIS005"}),
        ("allowed: [acme]", {"VIS005"}),
        ("visibility: private\nterms: {edition: enterprise}", {"VIS003", "VIS007"}),
        ("terms: {edition: enterprise}", set()),
        ("status: deprecated", {"LIF002", "LIF009"}),
        ("status: deprecated\nreason: There is no direct replacement.", set()),
        ("status: discontinued\nreason: 没有替代", set()),
        ("status: quarantined\nreason: Wrong weights.", set()),
        ("listed: false", {"LIF002"}),
        ("listed: false\nreason: Soon.", set()),
        ("status: deprecated\nreason: Old.\nsuccessor: acme/two", set()),
        ("renewable: false", {"TRM003"}),
        ("renewable: true\nexpires: 2027-01-01", set()),
        ("renewable: true\nterms: {free_days: 3}", set()),
        ("expires: 2026-01-02", set()),
        ("expires: 2026-01-03", {"TRM004"}),
        ("expires: 2026-02-01", {"TRM004"}),
        ("expires: 2026-02-02", set()),
        ("expires: 2025-02-02", set()),
    ],
)
def test_states_and_terms(text: str, codes: set[str]) -> None:
    every = ["VIS003", "VIS005", "VIS007", "LIF002", "LIF009", "TRM003", "TRM004"]
    files = model(text) | other("acme/two")
    assert {code for code in every if judged.messages(files, code)} == codes


def test_a_release_gives_its_own_reason() -> None:
    release = f"status: discontinued\n{MINIMAL[f'{TINY}/1.0.0.yaml']}"
    files = {f"{TINY}/1.1.0.yaml": release} | model("reason: Of the model.")
    assert judged.messages(files, "LIF002") == ["acme/tiny@1.1.0 is discontinued without a reason"]


def test_a_week_before_the_end_is_told_apart() -> None:
    assert judged.messages(model("expires: 2026-01-09"), "TRM004")[0].endswith(": within a week")
    assert not judged.messages(model("expires: 2026-01-10"), "TRM004")[0].endswith(": within a week")
