"""`doctor`: every way round the gate is found, nothing is said of a repository that is well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from galleryctl.forge import Settings
from galleryctl.reviewing.doctor import examine, quorum

CHECKS: dict[str, Any] = {
    "strict_required_status_checks_policy": True,
    "required_status_checks": [{"context": "galleryctl/verdict", "integration_id": 77}],
}
RULES: tuple[dict[str, Any], ...] = (
    {"type": "pull_request", "parameters": {}},
    {"type": "required_status_checks", "parameters": CHECKS},
    {"type": "non_fast_forward"},
    {"type": "deletion"},
)
WELL = Settings(
    "main",
    private=False,
    workflow_token="read",  # noqa: S106 - a right, no secret
    workflows_approve=False,
    first_timers="first_time_contributors",
    rules=RULES,
    environments={"verdict": ("main",), "github-pages": ("(protected branches)",)},
    writers=(),
    pages="workflow",
)


def ill(settings: Settings, *, public: bool = True) -> list[str]:
    return [sign.about for sign in examine(settings, "https://forge.example/a/b", public=public) if sign.state == "ill"]


def test_a_repository_that_is_well() -> None:
    signs = examine(WELL, "https://forge.example/a/b")
    assert {sign.state for sign in signs} == {"well"}
    assert len(signs) == 14


def test_a_gallery_with_keys_needs_a_place_for_the_online_one() -> None:
    def found(settings: Settings) -> list[str]:
        return [
            sign.found for sign in examine(settings, "https://forge.example/a/b", signed=True) if sign.state == "ill"
        ]

    assert found(WELL) == ["it does not exist"]
    assert WELL.environments is not None
    for branches, said in (((), ["any branch may use its secrets"]), (("main",), [])):
        assert found(replace(WELL, environments={**WELL.environments, "signing": branches})) == said


@pytest.mark.parametrize(
    ("admins", "needed", "click"),
    [
        (3, 2, ""),
        (2, 1, ""),
        (2, 2, "grant `govern` to 1 more, or write `rules: {admin_quorum: 1}`"),
        (0, 2, "grant `govern` to 3 more"),
        (1, 1, "grant `govern` to 1 more"),
    ],
)
def test_rules_that_nobody_could_change(admins: int, needed: int, click: str) -> None:
    sign = quorum(admins, needed, "https://forge.example/a/b")
    assert (sign.state, sign.click.removeprefix("roles.yaml: ")) == ("ill" if click else "well", click)


def without(kind: str) -> tuple[dict[str, Any], ...]:
    return tuple(rule for rule in RULES if rule["type"] != kind)


def checks(**fields: Any) -> tuple[dict[str, Any], ...]:  # noqa: ANN401 - JSON
    return (*without("required_status_checks"), {"type": "required_status_checks", "parameters": CHECKS | fields})


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"workflow_token": "write"}, "token of workflows"),
        ({"workflows_approve": True}, "approval by workflows"),
        ({"first_timers": "first_time_contributors_new_to_github"}, "workflows of strangers"),
        ({"rules": without("pull_request")}, "pull requests only"),
        ({"rules": checks(required_status_checks=[])}, "the gate"),
        ({"rules": checks(required_status_checks=[{"context": "galleryctl/verdict"}])}, "who opens the gate"),
        (
            {"rules": checks(required_status_checks=[{"context": "galleryctl/verdict", "integration_id": 15368}])},
            "who opens the gate",
        ),
        ({"rules": checks(strict_required_status_checks_policy=False)}, "merged as judged"),
        ({"rules": without("deletion")}, "history"),
        ({"rules": without("non_fast_forward")}, "history"),
        ({"writers": ("bob",)}, "who may write"),
        ({"environments": {"github-pages": ("main",)}}, "environment verdict"),
        ({"environments": {"verdict": (), "github-pages": ("main",)}}, "environment verdict"),
        (
            {"environments": {"verdict": ("main",), "github-pages": ("main",), "merge": ("main", "dev")}},
            "environment merge",
        ),
        ({"pages": "legacy"}, "pages"),
        ({"private": True}, "privacy"),
    ],
)
def test_each_way_round_the_gate_is_found(change: dict[str, Any], about: str) -> None:
    assert ill(replace(WELL, **change)) == [about]


def test_every_ill_sign_says_what_to_click_and_where() -> None:
    signs = examine(Settings("main", private=False, rules=(), environments={}), "https://forge.example/a/b")
    ill = [sign for sign in signs if sign.state != "well"]
    assert len(ill) > 5
    for sign in ill:
        assert sign.click
        assert sign.where.startswith("https://forge.example/a/b/settings")


def test_what_the_token_may_not_see_is_unknown() -> None:
    states = {sign.about: sign.state for sign in examine(Settings("main", private=False), "https://forge.example/a/b")}
    assert states.pop("privacy") == "well"
    assert set(states.values()) == {"unknown"}


def test_a_merge_queue_is_as_good_as_a_branch_that_is_up_to_date() -> None:
    rules = (*checks(strict_required_status_checks_policy=False), {"type": "merge_queue", "parameters": {}})
    assert ill(replace(WELL, rules=rules)) == []
