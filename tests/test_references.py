"""What models, tombstones and consumers point to."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import judged
from galleryctl.checks import references
from judged import model, other

PRIVATE = {"policy.yaml": "version: 1\nrepository: private\n"}
STONE = "type: llm\nreason: Rights.\nsince: 2025-11-20\nreleases: ['1.0.0']\n"
QUARANTINED = "status: quarantined\nreason: Wrong weights.\n"


def consumer(*pins: str, owners: str = "[ada]") -> dict[str, str]:
    lines = "".join(f"  - {pin}\n" for pin in pins)
    return {"consumers/desk.yaml": f"title: Desk\nowners: {owners}\npins:\n{lines}"}


@pytest.mark.parametrize(
    ("name", "message", "fix"),
    [
        ("acme/two", None, None),
        ("acme/earlier", None, None),
        ("acme/twoo", "successor: acme/twoo does not exist", "write `acme/two`, or add acme/twoo, or remove it"),
        ("other/two", "successor: other/two does not exist", "write `acme/two`, or add other/two, or remove it"),
        ("zzz/yyy", "successor: zzz/yyy does not exist", "add zzz/yyy, or remove it"),
        (
            "acme/gone",
            "successor: acme/gone was removed on 2025-11-20 (removed/acme/gone.yaml)",
            "write `acme/two`, or remove it",
        ),
    ],
)
def test_targets(name: str, message: str | None, fix: str | None) -> None:
    stone = {"removed/acme/gone.yaml": f"{STONE}successor: acme/two\n"}
    found = judged.problems(
        stone | model(f"successor: {name}") | other("acme/two", "aliases: [acme/earlier]"), "REF001"
    )
    assert [(problem.message, problem.fix) for problem in found] == ([(message, fix)] if message else [])


def test_a_tombstone_points_somewhere_too() -> None:
    files = {"removed/acme/gone.yaml": f"{STONE}successor: acme/nothing\n"}
    (problem,) = judged.problems(files, "REF001")
    assert (problem.path, problem.line) == ("registry/removed/acme/gone.yaml", 5)


def brute_force(links: dict[str, list[str]]) -> bool:
    """Whether anything leads back to itself."""
    reach = {name: set(targets) for name, targets in links.items()}
    for _ in links:
        for targets in reach.values():
            targets |= set(itertools.chain.from_iterable(reach.get(step, ()) for step in set(targets)))
    return any(name in targets for name, targets in reach.items())


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefgh"), max_size=3), max_size=6))
def test_circles_are_found_and_are_circles(links: dict[str, list[str]]) -> None:
    cycles = list(references._cycles(links))  # noqa: SLF001 - the walk must find a circle where there is one
    assert bool(cycles) is brute_force(links)
    for cycle in cycles:
        assert all(after in links[before] for before, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
        assert cycle[0] == min(cycle)


def test_a_circle_by_an_earlier_id() -> None:
    files = model("base_models: [acme/earlier]") | other(
        "acme/two", "aliases: [acme/earlier]\nbase_models: [acme/tiny]"
    )
    (problem,) = judged.problems(files, "REF002")
    assert problem.message == "base_models leads in a circle: acme/tiny → acme/two → acme/tiny"
    assert (problem.line, problem.column) == (6, 15)


def test_a_long_line_of_successors_is_no_circle() -> None:
    links = {str(number): [str(number + 1)] for number in range(20_000)}
    assert list(references._cycles(links)) == []  # noqa: SLF001 - neither too deep nor too slow


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("", None),
        ("status: deprecated\nreason: Old.", None),
        ("status: discontinued\nreason: Old.", "is discontinued"),
        ("status: quarantined\nreason: Old.", "is quarantined"),
        ("listed: false\nreason: Soon.", "is withdrawn"),
        ("expires: 2026-01-02", "expired on 2026-01-02"),
        ("expires: 2026-01-03", None),
    ],
)
def test_dead_ends(state: str, why: str | None) -> None:
    found = judged.messages(model("successor: acme/two") | other("acme/two", state), "REF003")
    assert found == ([f"successor acme/two {why} (models/llm/acme/two/model.yaml)"] if why else [])


def test_base_models_may_be_anything() -> None:
    assert (
        judged.messages(
            model("base_models: [acme/two]") | other("acme/two", "status: discontinued\nreason: Old."), "REF003"
        )
        == []
    )


def test_the_way_out_is_followed_to_its_end_and_not_for_ever() -> None:
    gone = "status: discontinued\nreason: Old.\nsuccessor: "
    chain = model("successor: acme/b") | other("acme/b", f"{gone}acme/c") | other("acme/c", f"{gone}acme/d")
    fixes = [problem.fix for problem in judged.problems(chain | other("acme/d"), "REF003")]
    assert fixes == ["write `successor: acme/d`"] * 2
    fixes = [problem.fix for problem in judged.problems(chain | other("acme/d", f"{gone}acme/b"), "REF003")]
    assert fixes == ["name another successor, or none"] * 4


@pytest.mark.parametrize(
    ("pin", "message"),
    [
        ("{model: acme/tiny}", None),
        ("{model: acme/tiny, version: 1.0.0}", None),
        ("{model: acme/earlier, version: 1.0.0}", None),
        ("{model: acme/tiny, version: 1.0.9}", "acme/tiny has no release 1.0.9 (models/llm/acme/tiny/model.yaml)"),
        ("{model: acme/tinny}", "acme/tinny does not exist"),
        ("{model: acme/gone, version: 1.0.0}", "acme/gone was removed on 2025-11-20 (removed/acme/gone.yaml)"),
    ],
)
def test_pins(pin: str, message: str | None) -> None:
    files = model("aliases: [acme/earlier]") | {"removed/acme/gone.yaml": STONE} | consumer(pin)
    assert judged.messages(files, "REF004") == ([message] if message else [])


@pytest.mark.parametrize(
    ("audience", "owners", "seen"),
    [
        ("visibility: restricted\nallowed: [acme]", "[ada]", True),
        ("visibility: restricted\nallowed: [ada]", "[ada]", True),
        ("visibility: restricted\nallowed: [bob]", "[ada]", False),
        ("visibility: restricted\nallowed: [acme]", "[]", False),
        ("visibility: private\nmaintainers: [bob]", "[ada]", False),
        ("visibility: private\nmaintainers: [ada]", "[ada]", True),
        ("visibility: public", "[]", True),
    ],
)
def test_a_service_sees_what_its_owners_see(audience: str, owners: str, seen: bool) -> None:
    found = judged.messages(PRIVATE | model(audience) | consumer("{model: acme/tiny}", owners=owners), "REF004")
    assert (found == []) is seen


@pytest.mark.parametrize(
    ("state", "pin", "message"),
    [
        ("status: discontinued\nreason: Old.", "{model: acme/two, version: 1.0.0}", "acme/two@1.0.0 is discontinued"),
        ("status: discontinued\nreason: Old.", "{model: acme/two}", "acme/two is discontinued"),
        ("status: quarantined\nreason: Bad.\nexpires: 2025-01-01", "{model: acme/two}", "acme/two is quarantined"),
        ("expires: 2026-01-02", "{model: acme/two}", "acme/two expired on 2026-01-02"),
        ("status: deprecated\nreason: Old.", "{model: acme/two, version: 1.0.0}", None),
    ],
)
def test_pins_of_what_is_over(state: str, pin: str, message: str | None) -> None:
    found = judged.messages(other("acme/two", state) | consumer(pin), "REF005")
    assert found == ([f"{message} (models/llm/acme/two/model.yaml)"] if message else [])


def test_a_pin_of_a_quarantined_release_names_the_current_one() -> None:
    files = other("acme/two")
    good = files["models/llm/acme/two/1.0.0.yaml"]
    files |= {"models/llm/acme/two/1.0.0.yaml": QUARANTINED + good, "models/llm/acme/two/1.0.1.yaml": good}
    (problem,) = judged.problems(files | consumer("{model: acme/two, version: 1.0.0}"), "REF005")
    assert (problem.message.partition(" (")[0], problem.fix) == ("acme/two@1.0.0 is quarantined", "pin 1.0.1")
    assert judged.messages(files | consumer("{model: acme/two}"), "REF005") == []


def test_a_model_whose_releases_are_all_over() -> None:
    files = other("acme/two")
    path = "models/llm/acme/two/1.0.0.yaml"
    files |= {path: QUARANTINED + files[path]}
    expected = ["acme/two has no release that is still in use (models/llm/acme/two/model.yaml)"]
    assert judged.messages(files | consumer("{model: acme/two}"), "REF005") == expected
