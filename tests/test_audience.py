"""Who sees what: the view of an audience holds nothing that the audience may not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from galleryctl import index
from galleryctl.audience import may_see
from galleryctl.spec import Consumer, Roles, Settings
from made import entry, view

if TYPE_CHECKING:
    from galleryctl.gallery import Entry

ROLES = Roles.model_validate({"groups": {"staff": ["ada"], "lab": ["bob"]}})
SETTINGS = Settings(title="Test", organisation="staff")


@pytest.mark.parametrize(
    ("audience", "seen"),
    [
        ("public", {"public"}),
        ("ada", {"public", "organisation", "private"}),
        ("staff", {"public", "organisation"}),
        ("bob", {"public", "restricted"}),
        ("lab", {"public", "restricted"}),
        ("eve", {"public"}),
    ],
)
def test_each_audience_sees_its_own(audience: str, seen: set[str]) -> None:
    models = {
        "public": entry("acme/public"),
        "organisation": entry("acme/organisation", visibility="organisation"),
        "restricted": entry("acme/restricted", visibility="restricted", allowed=["lab"]),
        "private": entry("acme/private", visibility="private", maintainers=["ada"]),
    }
    assert {name for name, made in models.items() if may_see(made.outline, audience, ROLES, "staff")} == seen


def test_the_public_build_of_everything_is_the_build_of_the_public_part() -> None:
    public = [entry("acme/a", aliases=["acme/alpha"]), entry("beta/b", base_models=["acme/a"])]
    secret = [
        entry("acme/s", visibility="organisation", updated="2026-01-01T00:00:00Z"),
        entry("hidden/r", visibility="restricted", allowed=["lab"]),
        entry("acme/p", visibility="private", maintainers=["ada"], aliases=["acme/psst"]),
    ]
    consumers = {"bot": Consumer.model_validate({"title": "Bot", "pins": [{"model": "acme/a"}]})}
    spy = {"spy": Consumer.model_validate({"title": "Spy", "pins": [{"model": "hidden/r"}]})}

    def built(*entries: Entry, known: dict[str, Consumer]) -> dict[str, bytes]:
        shown = view(*entries, roles=ROLES, settings=SETTINGS, consumers=known)
        return {output.path: output.render() for output in index.outputs(shown, schemas={})}

    assert built(*public, *secret, known=consumers | spy) == built(*public, known=consumers)


def test_projecting_twice_is_projecting_once() -> None:
    once = view(entry(), entry("acme/s", visibility="private"))
    assert view(*once.gallery).gallery == once.gallery


def test_groups_of_a_view() -> None:
    shown = view(
        entry("acme/a", added="2025-01-01T00:00:00Z"),
        entry("acme/b", "audio", releases={"1.0.0": {"spec": {}}}, added="2025-02-01T00:00:00Z"),
        entry("beta/c", listed=False, reason="Pause."),
        consumers={"bot": Consumer.model_validate({"title": "Bot", "pins": [{"model": "acme/a"}, {"model": "x/y"}]})},
    )
    assert [item.id for item in shown.by_publisher["acme"]] == ["acme/b", "acme/a"]
    assert "beta" not in shown.by_publisher
    assert [item.id for item in shown.by_type["audio"]] == ["acme/b"]
    assert shown.by_type["video"] == ()
    assert shown.used_by == {"acme/a": ("bot",)}
    assert shown.consumers["bot"].pins[0].model == "acme/a"
    assert len(shown.consumers["bot"].pins) == 1
    assert shown.commit == "c" * 40
