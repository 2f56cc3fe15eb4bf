"""How pins stand: one table, from what is current to what must go."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl.client import locking
from galleryctl.client.errors import OfflineError
from galleryctl.client.locking import Lock, Pin
from galleryctl.client.outdated import ORDER, URGENT, Outdated, outdated, subscriptions
from galleryctl.client.resolving import resolve
from galleryctl.spec import Consumer
from made import DIGEST, RELEASE, entry
from shelves import MemoryShelf

if TYPE_CHECKING:
    from galleryctl.gallery import Entry

EARLIER = dt.date(2026, 1, 1)


def file(sha256: str | None = DIGEST, path: str = "t-Q4_K_M.gguf") -> dict[str, Any]:
    """A release whose only file is this one."""
    facts = {"path": path, "size": 5_000_000_000} | ({"sha256": sha256} if sha256 else {})
    return RELEASE | {"variants": [RELEASE["variants"][0] | {"files": {"Q4_K_M": [facts]}}]}


def tiny(releases: dict[str, Any], **fields: Any) -> Entry:  # noqa: ANN401 - fields of a model
    return entry("acme/tiny", releases=releases, **fields)


def lock(reference: str, version: str = "1.0.0") -> Lock:
    """A pin of a release that was active once."""
    shelf = MemoryShelf(tiny({version: RELEASE}), today=EARLIER)
    return Lock("https://gallery.example/").adding(locking.of(reference, resolve(shelf, "acme/tiny"), EARLIER))


def one(shelf: MemoryShelf, held: Lock) -> Outdated:
    (found,) = outdated(shelf, held)
    return found


def ended(status: str, reason: str = "Wrong stop tokens.") -> dict[str, Any]:
    return RELEASE | {"status": status, "reason": reason}


@pytest.mark.parametrize(
    ("reference", "releases", "model", "status", "newest", "latest", "says"),
    [
        ("acme/tiny", {"1.0.0": RELEASE}, {}, "current", "1.0.0", "1.0.0", "it is the newest release"),
        ("acme/tiny@^1", {"1.0.0": RELEASE, "1.1.0": RELEASE}, {}, "update", "1.1.0", "1.1.0",
         "1.1.0 is newer, with the same files"),
        ("acme/tiny@^1", {"1.0.0": RELEASE, "2.0.0": RELEASE}, {}, "newer", "1.0.0", "2.0.0",
         "2.0.0 is newer, outside the range, with the same files"),
        ("acme/tiny@1.0.0", {"1.0.0": RELEASE, "1.1.0": file("b" * 64)}, {}, "newer", "1.0.0", "1.1.0",
         "1.1.0 is newer, outside the range, with other files (1 changed)"),
        ("acme/tiny", {"1.0.0": RELEASE, "1.1.0": file("b" * 64, "new.gguf")}, {}, "update", "1.1.0", "1.1.0",
         "1.1.0 is newer, with other files (1 new, 1 gone)"),
        ("acme/tiny", {"1.0.0": RELEASE, "1.1.0": file(None)}, {}, "update", "1.1.0", "1.1.0",
         "1.1.0 is newer, and whether its files changed cannot be told"),
        ("acme/tiny", {"1.0.0": RELEASE, "1.1.0": {"spec": {}}}, {}, "update", "1.1.0", "1.1.0",
         "1.1.0 is newer, and does not have this build"),
        ("acme/tiny", {"1.0.0": ended("deprecated"), "1.1.0": RELEASE}, {"successor": "acme/next"}, "deprecated",
         "1.1.0", "1.1.0",
         ("acme/tiny 1.0.0 is deprecated: Wrong stop tokens; use acme/next instead; "
          "1.1.0 is newer, with the same files")),
        ("acme/tiny", {"1.0.0": ended("discontinued")}, {}, "discontinued", None, None,
         "acme/tiny 1.0.0 is discontinued: Wrong stop tokens"),
        ("acme/tiny", {"1.0.0": RELEASE}, {"expires": "2026-11-21"}, "expired", None, None,
         "acme/tiny expired on 2026-11-21"),
        ("acme/tiny", {"1.0.0": RELEASE}, {"terms": {"free_days": 30}}, "expired", "1.0.0", "1.0.0",
         "the days for which acme/tiny may be used ended on 2026-01-31"),
        ("acme/tiny", {"1.0.0": RELEASE}, {"terms": {"free_days": 30, "effective_from": "2026-06-01"}}, "current",
         "1.0.0", "1.0.0", "it is the newest release"),
        ("acme/tiny", {"1.0.0": RELEASE}, {"listed": False, "reason": "Under review."}, "withdrawn", "1.0.0", "1.0.0",
         "acme/tiny is withdrawn from lists: Under review"),
        ("acme/tiny", {"1.0.0": ended("quarantined"), "1.0.1": RELEASE}, {}, "quarantined", "1.0.1", "1.0.1",
         "acme/tiny 1.0.0 is quarantined and must not be used: Wrong stop tokens; 1.0.1 is newer"),
        ("acme/tiny", {"1.1.0": RELEASE}, {}, "removed", "1.1.0", "1.1.0",
         "acme/tiny has no release 1.0.0: there is 1.1.0; 1.1.0 is newer"),
    ],
)  # fmt: skip
def test_a_pin_has_one_main_status(
    reference: str,
    releases: dict[str, Any],
    model: dict[str, Any],
    status: str,
    newest: str | None,
    latest: str | None,
    says: str,
) -> None:
    found = one(MemoryShelf(tiny(releases, **model)), lock(reference))
    assert (found.status, found.newest, found.latest, found.says) == (status, newest, latest, says)
    assert found.urgent is (status in URGENT)
    assert list(found.statuses) == sorted(found.statuses, key=ORDER.index)


def test_files_that_were_uploaded_again_come_with_a_new_release() -> None:
    """S4-07: a pin stays with what it had, and `outdated` says that there is something else."""
    shelf = MemoryShelf(tiny({"1.0.0": RELEASE, "1.0.1": file("b" * 64)}))
    held = lock("acme/tiny@^1")
    found = one(shelf, held)
    assert (found.status, found.changed) == ("update", True)
    assert one(MemoryShelf(tiny({"1.0.0": RELEASE, "1.0.1": RELEASE})), held).changed is False
    assert one(MemoryShelf(tiny({"1.0.0": RELEASE})), held).changed is None


def test_a_revocation_counts_whatever_the_listing_says() -> None:
    revocation = {
        "id": "acme/tiny", "releases": ["1.0.0"], "since": "2026-11-19T09:12:00Z", "reason": "It phones home.",
        "advisory": "https://acme.example/a1",
    }  # fmt: skip
    found = one(MemoryShelf(tiny({"1.0.0": RELEASE}), revoked=[revocation]), lock("acme/tiny"))
    assert (found.status, found.reason, found.since) == ("revoked", "It phones home.", dt.date(2026, 11, 19))
    assert found.says == ("acme/tiny 1.0.0 is revoked since 2026-11-19: It phones home; see https://acme.example/a1")
    shelf = MemoryShelf(tiny({"1.0.0": ended("quarantined")}), revoked=[revocation])
    assert one(shelf, lock("acme/tiny")).status == "quarantined"
    by_file = MemoryShelf(tiny({"1.0.0": RELEASE}), revoked=[{"id": "x/y", "releases": ["1.0.0"], "files": [DIGEST]}])
    assert one(by_file, lock("acme/tiny")).says.startswith("a file of acme/tiny 1.0.0 is revoked")


def test_what_is_gone_or_renamed_is_told() -> None:
    stone = {"since": "2026-03-01", "reason": "rights", "successor": "acme/next"}
    found = one(MemoryShelf(removed={"acme/tiny": stone}), lock("acme/tiny"))
    assert (found.status, found.reason, found.successor) == ("removed", "rights", "acme/next")
    renamed = entry("acme/small", releases={"1.0.0": RELEASE}, aliases=["acme/tiny"])
    found = one(MemoryShelf(renamed), lock("acme/tiny"))
    assert (found.status, found.id, found.says) == ("renamed", "acme/small", "it is called acme/small now")
    assert one(MemoryShelf(), lock("acme/tiny")).status == "removed"


def test_a_current_pin_needs_its_listing_alone() -> None:
    shelf = MemoryShelf(tiny({"1.0.0": RELEASE}))
    one(shelf, lock("acme/tiny"))
    assert set(shelf.calls) == {"listing"}


class Offline(MemoryShelf):
    """A shelf from which nothing more can be fetched."""

    def document(self, identifier: str) -> bytes | None:
        raise OfflineError(f"{identifier}: nothing answers")


def test_revocations_count_without_a_network() -> None:
    releases = {"1.0.0": RELEASE, "1.1.0": RELEASE}
    with pytest.raises(OfflineError):
        outdated(Offline(tiny(releases)), lock("acme/tiny"))
    revoked = [{"id": "acme/tiny", "releases": ["1.0.0"]}]
    assert one(Offline(tiny(releases), revoked=revoked), lock("acme/tiny")).status == "revoked"


def test_what_this_version_cannot_read_is_told() -> None:
    raw = b'{"schema":"2.0"}'
    shelf = MemoryShelf(tiny({"1.0.0": RELEASE}, listed=False), documents={"acme/tiny": raw})
    found = one(shelf, lock("acme/tiny"))
    assert found.status == "unreadable"
    assert "update galleryctl" in found.says


def test_subscriptions_are_pins_without_digests() -> None:
    consumer = Consumer.model_validate(
        {
            "title": "Chat",
            "pins": [
                {"model": "acme/tiny", "version": "1.0.0", "variant": "8b-gguf", "since": "2026-01-01"},
                {"model": "acme/other"},
            ],
        }
    )
    found = tuple(subscriptions(consumer))
    assert found == (
        Pin("acme/tiny@1.0.0:8b-gguf", "acme/tiny", "1.0.0", variant="8b-gguf", since=EARLIER),
        Pin("acme/other", "acme/other", ""),
    )
    shelf = MemoryShelf(
        tiny({"1.0.0": RELEASE, "1.1.0": file("b" * 64)}), entry("acme/other", releases={"2.0.0": ended("deprecated")})
    )
    other, pinned = outdated(shelf, Lock("", {pin.reference: pin for pin in found}))
    assert (pinned.status, pinned.changed) == ("newer", True)
    assert (other.status, other.version, other.newest) == ("deprecated", "", "2.0.0")


@pytest.mark.parametrize(
    ("releases", "model", "status"),
    [
        ({"1.0.0": RELEASE}, {}, "current"),
        ({"1.0.0": ended("discontinued")}, {}, "discontinued"),
        ({"1.0.0": ended("quarantined")}, {}, "quarantined"),
        ({"1.0.0": RELEASE}, {"expires": "2026-01-01"}, "expired"),
    ],
)
def test_a_subscription_to_the_newest_stands_as_the_model_does(
    releases: dict[str, Any], model: dict[str, Any], status: str
) -> None:
    held = Lock("", {"acme/tiny": Pin("acme/tiny", "acme/tiny", "")})
    assert one(MemoryShelf(tiny(releases, **model)), held).status == status
