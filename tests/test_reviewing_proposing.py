"""Pull requests of our own: what has expired, and what goes upstream. One each, kept up to date."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL
from forges.accounts import ADA, MALLORY
from forges.memory import Hub
from galleryctl import loading
from galleryctl.errors import GalleryError
from galleryctl.forge import ForgeError
from galleryctl.reviewing import expiring, upstream
from galleryctl.reviewing.proposing import propose
from made import RELEASE, entry, view

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = "models/llm/acme/tiny/model.yaml"
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def proposal(hub: Hub, files: dict[str, bytes], body: str = "Why.") -> str:
    return propose(hub.forge(ADA), files, branch="gallery/x", base="main", title="Title", body=body).what


def test_a_proposal_is_opened_once_updated_and_closed() -> None:
    hub = Hub()
    assert proposal(hub, {}) == "nothing"
    assert hub.calls == []
    assert proposal(hub, {"a": b"1"}) == "opened"
    before = len(hub.calls)
    assert proposal(hub, {"a": b"1"}) == "unchanged"
    assert len(hub.calls) == before, "a second run with nothing new wrote something"
    assert proposal(hub, {"a": b"2"}) == "updated"
    assert proposal(hub, {"a": b"2"}, body="More.") == "updated"
    assert len(hub.pulls) == 1
    assert proposal(hub, {}) == "closed"
    assert proposal(hub, {"a": b"2"}) == "opened"


def test_who_may_not_push_proposes_from_a_fork() -> None:
    hub = Hub()
    made = propose(hub.forge(MALLORY), {"a": b"1"}, branch="x", base="main", title="T", body="B")
    assert made.pull is not None
    assert made.pull.repository == f"{MALLORY.login}/gallery"
    calls = list(hub.calls)
    assert propose(hub.forge(MALLORY), {"a": b"1"}, branch="x", base="main", title="T", body="B").what == "unchanged"
    assert [call for call in hub.calls[len(calls) :] if call != "fork"] == []


# what has expired


def expiring_on(registry: Callable[..., Path], **days: str) -> Path:
    files: dict[str, str] = {}
    for name, day in days.items():
        for path, text in MINIMAL.items():
            if text and "/tiny/" in path:
                more = f"expires: {day}\nrenewable: true\n" if path.endswith("model.yaml") else ""
                files[path.replace("/tiny/", f"/{name}/")] = (
                    text.replace("title: Tiny", f"title: {name.title()}") + more
                )
    return registry(files)


def swept(hub: Hub, root: Path, now: dt.datetime = NOW) -> expiring.Expired:
    loaded = loading.load(root.parent, root.name, now=now)
    return expiring.expire(hub.forge(ADA), root, loaded, base="main", now=now)


def test_all_that_is_due_is_one_pull_request(registry: Callable[..., Path]) -> None:
    root, hub = expiring_on(registry, one="2026-02-01", two="2026-03-01", later="2027-01-01"), Hub()
    done = swept(hub, root)
    assert done.due == ("acme/one", "acme/two")
    pull = done.proposed.pull
    assert pull is not None
    assert done.proposed.what == "opened"
    assert pull.title == "Discontinue 2 expired models"
    files = hub.trees[pull.head]
    assert set(files) == {"README.md", *(f"registry/models/llm/acme/{name}/model.yaml" for name in ("one", "two"))}
    text = files["registry/models/llm/acme/one/model.yaml"].decode()
    assert "status: discontinued" in text
    assert "Expired on 2026-02-01." in text
    assert "expires: 2026-02-01" in text
    assert swept(hub, root).proposed.what == "unchanged"
    assert len(hub.pulls) == 1
    assert "status" not in (root / "models/llm/acme/one/model.yaml").read_text(), "the work tree is left alone"


def test_what_was_renewed_is_no_longer_proposed(registry: Callable[..., Path]) -> None:
    root, hub = expiring_on(registry, one="2026-02-01"), Hub()
    swept(hub, root)
    path = root / "models/llm/acme/one/model.yaml"
    path.write_text(path.read_text().replace("2026-02-01", "2027-02-01"))
    assert swept(hub, root).proposed.what == "closed"
    assert swept(hub, root).proposed.what == "nothing"


def test_owners_are_told_ahead(registry: Callable[..., Path]) -> None:
    root, hub = expiring_on(registry, near="2026-03-02", month="2026-03-30", later="2026-05-01"), Hub()
    done = swept(hub, root)
    assert done.soon == (("acme/near", 1), ("acme/month", 29))
    assert done.issue is not None
    title, body = hub.issues[done.issue]
    assert title == "Models that expire soon"
    assert "`acme/near` expires **tomorrow**, on 2026-03-02: @ada, @bob" in body
    assert "acme/later" not in body
    assert swept(hub, root).issue == done.issue
    assert len(hub.issues) == 1


# what goes upstream


LIST = """\
[
    {
        "model_name": "other",
        "version": 2,   "odd":[1,2]
    },
    {
        "model_name": "tiny",
        "version": 1
    }
]
"""


def test_a_json_list_keeps_what_is_not_ours() -> None:
    made = {"llm.json": json.dumps([{"model_name": "tiny", "version": 2}]).encode()}
    text = upstream.merged(LIST.encode(), "x/llm_family.json", made, "acme/tiny").decode()
    assert text == LIST.replace('"version": 1', '"version": 2')
    assert upstream.merged(text.encode(), "x/llm_family.json", made, "acme/tiny").decode() == text


def test_a_new_entry_comes_last() -> None:
    made = {"llm.json": json.dumps([{"model_name": "new", "version": 2}]).encode()}
    text = upstream.merged(LIST.encode(), "x/llm_family.json", made, "acme/tiny").decode()
    assert json.loads(text)[2] == {"model_name": "new", "version": 2}
    assert text.startswith(LIST[: LIST.rindex("\n]")])
    assert json.loads(upstream.merged(b"[]", "a.json", made, "acme/tiny")) == [{"model_name": "new", "version": 2}]


def test_a_yaml_list_keeps_comments_and_order() -> None:
    theirs = '# theirs\n- name: one\n  urls: [a]  # kept\n- &anchor\n  name: "tiny"\n  urls: [old]\n- name: last\n'
    made = {"index.yaml": b"- name: tiny\n  urls: [new]\n"}
    text = upstream.merged(theirs.encode(), "gallery/index.yaml", made, "acme/tiny").decode()
    assert text == "# theirs\n- name: one\n  urls: [a]  # kept\n- name: tiny\n  urls: [new]\n- name: last\n"
    fresh = upstream.merged(
        theirs.encode(), "gallery/index.yaml", {"index.yaml": b"- name: new\n  urls: [n]\n"}, "acme/tiny"
    ).decode()
    assert fresh == theirs + "- name: new\n  urls: [n]\n"


@pytest.mark.parametrize(("text", "path"), [(b'{"a": 1}', "a.json"), (b"[1, 2", "a.json"), (b"x", "notes.txt")])
def test_what_nobody_knows_how_to_change_is_left(text: bytes, path: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        upstream.merged(text, path, {"llm.json": b'[{"model_name": "tiny"}]'}, "acme/tiny")


def test_a_file_of_the_model_alone_is_replaced_and_no_others() -> None:
    made = {"acme/tiny.yaml": b"model: tiny\n"}
    assert upstream.merged(None, "configs/any.yaml", made, "acme/tiny") == b"model: tiny\n"
    assert upstream.merged(b"model: old\n", "configs/tiny.yaml", made, "acme/tiny") == b"model: tiny\n"
    with pytest.raises(ValueError, match="not named after the model"):
        upstream.merged(b"- name: theirs\n", "gallery/index.yaml", made, "acme/tiny")


def seen(**fields: Any) -> Any:  # noqa: ANN401 - a view
    target = {"repo": "acme/gallery", "path": "models/llm.json", "runtime": "xinference"}
    release = RELEASE | {"runtimes": {"xinference": {"model_family": "tiny", "name": "tiny"}}}
    return view(entry("acme/tiny", upstream=[target], releases={"1.0.0": release}, **fields), entry("acme/other"))


def test_one_pull_request_for_each_upstream_repository() -> None:
    hub = Hub()
    hub.push("main", {"models/llm.json": LIST.encode()})
    done = upstream.push(seen(), lambda _: hub.forge(ADA), title="Models of Acme", about="Acme's gallery")
    assert [each.models for each in done] == [("acme/tiny",)]
    pull = done[0].proposed.pull
    assert pull is not None
    listed = json.loads(hub.trees[pull.head]["models/llm.json"])
    assert [item["model_name"] for item in listed] == ["other", "tiny"]
    assert listed[1] != {"model_name": "tiny", "version": 1}
    again = upstream.push(seen(), lambda _: hub.forge(ADA), title="Models of Acme", about="Acme's gallery")
    assert again[0].proposed.what == "unchanged"
    later = upstream.push(
        seen(summary="Another."), lambda _: hub.forge(ADA), title="Models of Acme", about="Acme's gallery"
    )
    assert later[0].proposed.what == "updated"
    assert len(hub.pulls) == 1, "two changes update one pull request"


def test_what_upstream_has_already_is_not_proposed() -> None:
    hub = Hub()
    hub.push("main", {"models/llm.json": LIST.encode()})
    first = upstream.push(seen(), lambda _: hub.forge(ADA), title="T", about="A")[0].proposed.pull
    assert first is not None
    hub.push("main", {"models/llm.json": hub.trees[first.head]["models/llm.json"]})
    assert upstream.push(seen(), lambda _: hub.forge(ADA), title="T", about="A")[0].proposed.what == "closed"


def test_only_what_the_public_sees_goes_upstream() -> None:
    assert upstream.push(seen(visibility="private"), lambda _: Hub().forge(ADA), title="T", about="A") == ()
    assert upstream.push(seen(listed=False, reason="Old."), lambda _: Hub().forge(ADA), title="T", about="A") == ()


def test_a_repository_that_fails_does_not_hold_up_the_others() -> None:
    good, bad = Hub(), Hub(failing=ForgeError("the forge is away"))
    good.push("main", {"models/llm.json": LIST.encode()})
    targets = [{"repo": name, "path": "models/llm.json", "runtime": "xinference"} for name in ("a/bad", "b/good")]
    release = RELEASE | {"runtimes": {"xinference": {"model_family": "tiny"}}}
    both = view(entry("acme/tiny", upstream=targets, releases={"1.0.0": release}))
    with pytest.raises(GalleryError, match="a/bad: the forge is away"):
        upstream.push(both, lambda name: (bad if name == "a/bad" else good).forge(ADA), title="T", about="A")
    assert len(good.pulls) == 1
