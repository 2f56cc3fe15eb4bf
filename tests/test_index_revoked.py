"""What runtimes must refuse: from the moment a release is in quarantine, until it is reinstated."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import canonical, layout
from galleryctl.errors import OutputError
from galleryctl.spec import Tombstone
from made import DIGEST, RELEASE, entry, view
from publications import head, publish

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER = "b" * 64
FIRST, SECOND, THIRD = "2026-03-01T09:00:00Z", "2026-04-01T09:00:00Z", "2026-05-01T09:00:00Z"


def release(digest: str = DIGEST, **fields: str) -> dict[str, Any]:
    variant = {**RELEASE["variants"][0]}
    variant["files"] = {"Q4_K_M": [{"path": "t-Q4_K_M.gguf", "size": 5, "sha256": digest}]}
    return {**RELEASE, "variants": [variant], **fields}


def bad(digest: str = DIGEST, reason: str = "Malicious.") -> dict[str, Any]:
    return release(digest, status="quarantined", reason=reason)


def rows(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files[layout.REVOKED])["revoked"]
    return found


def test_a_revocation_keeps_its_first_time() -> None:
    first = publish(view(entry(releases={"1.0.0": bad()}, updated=FIRST)))
    second = publish(view(entry(releases={"1.0.0": bad()}, updated=SECOND, title="Other")), first)
    (row,) = rows(second)
    assert row == {
        "id": "acme/tiny", "releases": ["1.0.0"], "files": [DIGEST], "since": FIRST, "reason": "Malicious.",
    }  # fmt: skip
    assert head(second).revoked == head(first).revoked


def test_another_release_has_a_time_of_its_own() -> None:
    first = publish(view(entry(releases={"1.0.0": bad(), "1.1.0": release(OTHER)}, updated=FIRST)))
    second = publish(view(entry(releases={"1.0.0": bad(), "1.1.0": bad(OTHER)}, updated=SECOND)), first)
    assert [(row["releases"], row["files"], row["since"]) for row in rows(second)] == [
        (["1.0.0"], [DIGEST], FIRST),
        (["1.1.0"], [OTHER], SECOND),
    ]


def test_a_whole_model_is_one_row() -> None:
    releases = {"1.9.0": release(), "1.10.0": release(OTHER)}
    files = publish(view(entry(releases=releases, status="quarantined", reason="Stolen.", updated=FIRST)))
    (row,) = rows(files)
    assert (row["releases"], row["files"], row["reason"]) == (["1.9.0", "1.10.0"], [DIGEST, OTHER], "Stolen.")


def test_what_is_reinstated_is_no_longer_revoked() -> None:
    first = publish(view(entry(releases={"1.0.0": bad(), "1.1.0": bad(OTHER)}, updated=FIRST)))
    second = publish(view(entry(releases={"1.0.0": release(), "1.1.0": bad(OTHER)}, updated=SECOND)), first)
    (row,) = rows(second)
    assert (row["releases"], row["files"], row["since"]) == (["1.1.0"], [OTHER], FIRST)
    third = publish(view(entry(releases={"1.0.0": release(), "1.1.0": release(OTHER)}, updated=THIRD)), second)
    assert rows(third) == []
    again = publish(view(entry(releases={"1.0.0": bad(), "1.1.0": release(OTHER)}, updated=THIRD)), third)
    assert [row["since"] for row in rows(again)] == [THIRD]


def stone(**fields: object) -> Tombstone:
    return Tombstone.model_validate({"type": "llm", "reason": "malware", "since": "2026-04-02"} | fields)


@pytest.mark.parametrize("status", ["quarantined", "active"])
def test_what_was_removed_stays_revoked_with_its_files(status: str) -> None:
    """A model that is active may have had one release in quarantine: its tombstone says active."""
    first = publish(view(entry(releases={"1.0.0": bad()}, updated=FIRST), entry("acme/other")))
    gone = stone(status=status, releases=("1.0.0",))
    second = publish(view(entry("acme/other"), tombstones={"acme/tiny": gone}), first)
    assert rows(second) == rows(first)
    third = publish(view(entry("acme/other", title="New"), tombstones={"acme/tiny": gone}), second)
    assert rows(third) == rows(first)


def test_a_release_that_was_removed_stays_revoked() -> None:
    first = publish(view(entry(releases={"1.0.0": bad(), "1.1.0": release(OTHER)}, updated=FIRST)))
    gone = stone(releases=("1.0.0",), whole=False)
    second = publish(view(entry(releases={"1.1.0": release(OTHER)}), tombstones={"acme/tiny": gone}), first)
    assert rows(second) == rows(first)


def test_a_file_that_a_reinstated_release_has_too_is_free() -> None:
    first = publish(view(entry(releases={"1.0.0": bad(), "1.1.0": bad(OTHER)}, updated=FIRST)))
    gone = stone(releases=("1.0.0",), whole=False)
    second = publish(view(entry(releases={"1.1.0": release(OTHER)}), tombstones={"acme/tiny": gone}), first)
    (row,) = rows(second)
    assert (row["releases"], row["files"]) == (["1.0.0"], [DIGEST])


def test_a_removal_from_quarantine_is_told_without_the_last_publication_too() -> None:
    stones = {
        "acme/tiny": stone(status="quarantined", releases=("1.0.0", "1.1.0")),
        "acme/bare": stone(status="quarantined"),
    }
    files = publish(view(entry("acme/other"), tombstones=stones))
    since = "2026-04-02T00:00:00Z"
    assert rows(files) == [
        {"id": "acme/bare", "releases": [], "files": [], "since": since, "reason": "malware"},
        {"id": "acme/tiny", "releases": ["1.0.0", "1.1.0"], "files": [], "since": since, "reason": "malware"},
    ]
    assert rows(publish(view(entry("acme/other", title="New"), tombstones=stones), files)) == rows(files)
    assert rows(publish(view(entry("acme/other"), tombstones={"acme/tiny": stone(releases=("1.0.0",))}))) == []


def test_a_model_that_was_renamed_keeps_the_time() -> None:
    first = publish(view(entry(releases={"1.0.0": bad()}, updated=FIRST)))
    renamed = entry("acme/renamed", releases={"1.0.0": bad()}, updated=SECOND, aliases=["acme/tiny"])
    (row,) = rows(publish(view(renamed), first))
    assert (row["id"], row["since"]) == ("acme/renamed", FIRST)
    free = entry("acme/renamed", releases={"1.0.0": release()}, updated=SECOND, aliases=["acme/tiny"])
    assert rows(publish(view(free), first)) == []


def test_what_an_audience_no_longer_sees_stays_revoked_for_it() -> None:
    first = publish(view(entry(releases={"1.0.0": bad()}, updated=FIRST), entry("acme/other")))
    hidden = entry(releases={"1.0.0": bad()}, updated=SECOND, visibility="private")
    assert rows(publish(view(hidden, entry("acme/other")), first)) == rows(first)


def test_an_advisory_stays() -> None:
    first = publish(view(entry(releases={"1.0.0": bad()}, updated=FIRST)))
    told = json.loads(first[layout.REVOKED])
    told["revoked"][0]["advisory"] = "https://acme.example/advisory"
    data = canonical.dumps(told)
    catalog = json.loads(first[layout.CATALOG])
    catalog["revoked"] |= {"sha256": canonical.digest(data), "length": len(data)}
    first |= {layout.addressed(layout.REVOKED, canonical.digest(data)): data, layout.CATALOG: canonical.dumps(catalog)}
    assert rows(publish(view(entry(releases={"1.0.0": bad()}, updated=SECOND)), first)) == told["revoked"]


def test_outside_git_a_revocation_has_no_time() -> None:
    (row,) = rows(publish(view(entry(releases={"1.0.0": bad()}, added=None))))
    assert "since" not in row


def test_revocations_that_cannot_be_read_stop_the_build() -> None:
    first = publish(view(entry()))
    del first[layout.addressed(layout.REVOKED, head(first).revoked.sha256)]
    with pytest.raises(OutputError, match="no build may forget them"):
        publish(view(entry()), first)


def test_times_are_in_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=8))
    when = dt.datetime.fromisoformat(FIRST).astimezone(zone).isoformat()
    (row,) = rows(publish(view(entry(releases={"1.0.0": bad()}, updated=when))))
    assert row["since"] == FIRST
