"""The documents of the index: valid, canonical, addressed by content, and stable."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from galleryctl import canonical, index, layout, schemas
from galleryctl.spec import Roles, Settings, Tombstone
from made import NOW, RELEASE, NoFiles, entry, view
from publications import Kept

if TYPE_CHECKING:
    from galleryctl.audience import View
    from galleryctl.spec.published import Catalog

PUBLISHED = schemas.public(NoFiles())


def built(shown: View, before: dict[str, bytes] | None = None) -> dict[str, bytes]:
    earlier = None if before is None else Kept(before)
    return {output.path: output.render() for output in index.outputs(shown, schemas=PUBLISHED, earlier=earlier)}


def read(files: dict[str, bytes], path: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(files[path])


def head(files: dict[str, bytes]) -> Catalog:
    return index.catalog(files[layout.CATALOG])


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (layout.CATALOG, "catalog"),
        (layout.DIRECTORY, "directory"),
        (layout.REVOKED, "revoked"),
        (layout.DISCOVERY, "discovery"),
        ("v1/types/llm.json", "type"),
        ("v1/types/audio.json", "type"),
        ("v1/models/acme/tiny.json", "model"),
    ],
)
def test_every_document_obeys_its_published_schema_and_is_canonical(path: str, schema: str) -> None:
    files = built(view(entry(tags=["chat"], aliases=["acme/mini"], cards={"en": "x"})))
    validator = Draft202012Validator(json.loads(PUBLISHED[f"{schema}.schema.json"]))
    assert [error.message for error in validator.iter_errors(read(files, path))] == []
    assert canonical.dumps(read(files, path)) == files[path]


def test_documents_lie_under_their_digests_too() -> None:
    files = built(view(entry()))
    catalog = head(files)
    for path, ref in [("v1/types/llm.json", catalog.types["llm"]), (layout.DIRECTORY, catalog.directory)]:
        assert canonical.digest(files[path]) == ref.sha256
        assert len(files[path]) == ref.length
        assert files[layout.addressed(path, ref.sha256)] == files[path]
    model = read(files, layout.DIRECTORY)["models"]["acme/tiny"]
    assert files[layout.addressed("v1/models/acme/tiny.json", model["sha256"])] == files["v1/models/acme/tiny.json"]
    assert files[f"v1/{canonical.digest(files[layout.CATALOG])}.catalog.json"] == files[layout.CATALOG]


def test_type_documents_list_what_is_listed_and_the_directory_everything() -> None:
    hidden = entry("acme/hidden", listed=False, reason="Pause.")
    gone = entry("acme/gone", status="discontinued", reason="Broken.")
    files = built(view(entry(), hidden, gone))
    assert set(read(files, "v1/types/llm.json")["models"]) == {"acme/tiny"}
    assert set(read(files, layout.DIRECTORY)["models"]) == {"acme/tiny", "acme/hidden", "acme/gone"}
    assert read(files, "v1/models/acme/hidden.json")["listed"] is False
    assert head(files).types["llm"].count == 1


def test_expiry_takes_a_model_out_of_lists_on_the_day_and_changes_no_document_of_it() -> None:
    made = entry(expires="2026-03-01")
    before, after = built(view(made)), built(view(made, now=dt.datetime(2026, 3, 1, tzinfo=dt.UTC)))
    assert "acme/tiny" in read(before, "v1/types/llm.json")["models"]
    assert "acme/tiny" not in read(after, "v1/types/llm.json")["models"]
    assert before["v1/models/acme/tiny.json"] == after["v1/models/acme/tiny.json"]


def test_serial_grows_by_one_when_a_document_changes_and_since_stays_where_none_did() -> None:
    before = built(view(entry(), entry("acme/ear", "audio", releases={})))
    first = head(before)
    assert first.serial == 1
    changed = head(built(view(entry(title="Other"), entry("acme/ear", "audio", releases={})), before))
    assert changed.serial == 2
    assert changed.types["llm"].since == 2
    assert changed.types["image"].since == 1
    assert changed.types["image"].sha256 == first.types["image"].sha256


def test_nothing_changed_keeps_the_head_byte_for_byte() -> None:
    files = built(view(entry()))
    later = built(view(entry(), now=NOW + dt.timedelta(days=3)), files)
    assert later[layout.CATALOG] == files[layout.CATALOG]


def test_a_type_may_have_any_name() -> None:
    files = built(view(entry()))
    first = head(files)
    again = first.model_copy(update={"types": {**first.types, "revoked": first.revoked}})
    files[layout.CATALOG] = canonical.dumps(again.model_dump(mode="json", exclude_none=True))
    assert head(built(view(entry()), files)).serial == 2


def test_quarantine_reaches_the_revocations() -> None:
    bad = RELEASE | {"status": "quarantined", "reason": "Malicious."}
    files = built(view(entry(releases={"1.0.0": RELEASE, "1.1.0": bad})))
    (row,) = read(files, layout.REVOKED)["revoked"]
    assert row["id"] == "acme/tiny"
    assert row["releases"] == ["1.1.0"]
    assert row["reason"] == "Malicious."
    assert row["files"] == [RELEASE["variants"][0]["files"]["Q4_K_M"][0]["sha256"]]


def test_removed_ids_and_aliases_stay_known() -> None:
    day = dt.date(2026, 1, 1)
    stone = Tombstone(
        type="llm", reason="rights", since=day, releases=("1.10.0", "1.2.0", "1.2.0"), successor="acme/tiny"
    )
    part = Tombstone(type="llm", reason="one release", since=day, releases=("1.2.0",), whole=False)
    files = built(view(entry(aliases=["acme/mini"]), tombstones={"acme/old": stone, "acme/tiny": part}))
    directory = read(files, layout.DIRECTORY)
    assert directory["aliases"] == {"acme/mini": "acme/tiny"}
    assert directory["removed"] == {
        "acme/old": {
            "since": "2026-01-01",
            "reason": "rights",
            "successor": "acme/tiny",
            "releases": ["1.2.0", "1.10.0"],
        }
    }
    assert directory["models"]["acme/tiny"]["releases"] == ["1.0.0", "1.2.0"]


def test_the_directory_names_every_version_and_who_sees_it() -> None:
    releases = dict.fromkeys(("1.0.0", "1.10.0", "1.9.0"), RELEASE)
    releases["1.9.0"] = RELEASE | {"status": "discontinued", "reason": "Broken."}
    inner = entry("acme/inner", visibility="organisation")
    roles = Roles(groups={"staff": ("ada",)})
    settings = Settings(title="Test gallery", organisation="staff")
    seen = view(entry(releases=releases), inner, audience="staff", roles=roles, settings=settings)
    rows = read(built(seen), layout.DIRECTORY)["models"]
    assert rows["acme/tiny"]["releases"] == ["1.0.0", "1.9.0", "1.10.0"]
    assert {name: row.get("visibility") for name, row in rows.items()} == {
        "acme/inner": "organisation",
        "acme/tiny": None,
    }


def test_the_order_of_entries_changes_nothing() -> None:
    made = [entry("acme/a"), entry("acme/b"), entry("zeta/a")]
    assert built(view(*made)) == built(view(*reversed(made)))


def test_outside_git_there_is_no_commit() -> None:
    assert head(built(view(entry(added=None)))).commit is None
