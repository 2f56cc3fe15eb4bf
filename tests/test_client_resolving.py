"""What a reference stands for: pins and ranges, what is refused, what is told, and what is asked for it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl import canonical
from galleryctl.client.errors import NoFitError, OfflineError, RefusedError, SchemaError, UnknownError
from galleryctl.client.resolving import resolve
from galleryctl.client.results import Host, Resolved
from galleryctl.gallery import Entry
from galleryctl.spec.base import version_key
from made import DIGEST, RELEASE, entry
from shelves import TODAY, MemoryShelf

TOKENS = "Wrong stop tokens."


def release(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a release
    return RELEASE | fields


def tiny(**fields: Any) -> Entry:  # noqa: ANN401 - fields of a model, or its releases
    releases = fields.pop("releases", None) or {
        "1.0.0": release(),
        "1.1.0": release(),
        "1.2.0": release(status="deprecated", reason="Slower."),
        "0.9.0": release(status="discontinued", reason=TOKENS),
        "2.0.0": release(status="quarantined", reason="Malicious pickle."),
    }
    return entry("acme/tiny", releases=releases, **fields)


def published(found: Entry, **changes: Any) -> tuple[bytes, Entry]:  # noqa: ANN401 - members of the document
    """The document of an entry as a later schema could have it, and the entry with the same in its listing."""
    document = json.loads(found.wire) | changes
    listing = json.loads(found.listing) | {key: value for key, value in changes.items() if key != "releases"}
    return canonical.dumps(document), Entry(found.outline, canonical.dumps(document), canonical.dumps(listing), {})


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        ("acme/tiny", "1.1.0"), ("acme/tiny@latest", "1.1.0"), ("acme/tiny@^1.0", "1.1.0"), ("acme/tiny@1.0", "1.0.0"),
        ("acme/tiny@>=1.2", "1.2.0"), ("acme/tiny@~1.2.0", "1.2.0"), ("acme/tiny@<1.1,>=1", "1.0.0"),
        ("acme/tiny@0.9.0", "0.9.0"), ("acme/tiny@1.2.0", "1.2.0"), ("acme/tiny@=1.0.0", "1.0.0"),
    ],
)  # fmt: skip
def test_the_newest_that_may_be_used(reference: str, version: str) -> None:
    found = resolve(MemoryShelf(tiny()), reference)
    assert (found.id, found.version, found.type) == ("acme/tiny", version, "llm")
    assert found.pinned is (reference.count(".") == 2 and "~" not in reference)
    assert found.files[0].sha256 == DIGEST
    assert found.bytes == 5_000_000_000


def test_a_deprecated_release_is_told() -> None:
    found = resolve(MemoryShelf(tiny(successor="acme/next")), "acme/tiny@1.2")
    assert found.warnings == ("acme/tiny 1.2.0 is deprecated: Slower; use acme/next instead.",)
    assert found.why[0] == "1.2.0 is the newest deprecated release in 1.2."


def test_discontinued_resolves_only_when_pinned() -> None:
    shelf = MemoryShelf(tiny(successor="acme/next"))
    found = resolve(shelf, "acme/tiny@0.9.0")
    assert found.warnings == (
        "acme/tiny 0.9.0 is discontinued: Wrong stop tokens; use acme/next instead. It resolves because it is pinned.",
    )
    with pytest.raises(RefusedError) as caught:
        resolve(shelf, "acme/tiny@0.9")
    assert str(caught.value) == (
        "acme/tiny 0.9.0 is discontinued: Wrong stop tokens; use acme/next instead; who uses it already may pin it: "
        "acme/tiny@0.9.0"
    )
    assert (caught.value.reason, caught.value.successor) == (TOKENS, "acme/next")


@pytest.mark.parametrize("reference", ["acme/tiny@2.0.0", "acme/tiny@2", "acme/tiny@>=2"])
def test_quarantined_never_resolves(reference: str) -> None:
    with pytest.raises(RefusedError, match=r"acme/tiny 2\.0\.0 is quarantined and must not be used: Malicious pickle"):
        resolve(MemoryShelf(tiny()), reference)


def test_revoked_never_resolves_and_says_since_when() -> None:
    revocation = {
        "id": "acme/tiny", "releases": ["1.0.0"], "since": "2026-11-19T09:12:00Z", "reason": "It phones home.",
        "advisory": "https://acme.example/a1",
    }  # fmt: skip
    shelf = MemoryShelf(tiny(), revoked=[revocation])
    assert resolve(shelf, "acme/tiny@^1").version == "1.1.0"
    for reference in ("acme/tiny@1.0.0", "acme/tiny@1.0"):
        with pytest.raises(RefusedError) as caught:
            resolve(shelf, reference)
        assert str(caught.value) == (
            "acme/tiny 1.0.0 is revoked since 2026-11-19 and must not be used: It phones home; "
            "see https://acme.example/a1"
        )
        assert (caught.value.since, caught.value.advisory) == (dt.date(2026, 11, 19), "https://acme.example/a1")


def test_a_revocation_goes_before_a_listing_that_does_not_know_it() -> None:
    shelf = MemoryShelf(tiny(), revoked=[{"id": "acme/tiny", "releases": ["1.1.0"]}])
    assert resolve(shelf, "acme/tiny").version == "1.0.0"
    whole = MemoryShelf(tiny(), revoked=[{"id": "acme/tiny", "releases": []}])
    with pytest.raises(RefusedError, match="must not be used"):
        resolve(whole, "acme/tiny")


def test_a_revoked_file_is_refused_wherever_it_lies() -> None:
    revoked = [{"id": "evil/origin", "releases": ["1.0.0"], "files": [DIGEST], "reason": "Malicious pickle."}]
    with pytest.raises(RefusedError, match=r"acme/tiny 1\.0\.0 is revoked and must not be used: Malicious pickle"):
        resolve(MemoryShelf(tiny(), revoked=revoked), "acme/tiny@1.0.0")
    good = {"path": "good.gguf", "size": 4_000_000_000, "sha256": "a" * 64}
    more = {"format": "gguf", "parameters": "8B", "key": "good", "quantizations": ["Q4_0"], "files": {"Q4_0": [good]}}
    two = {"1.0.0": release(variants=[*RELEASE["variants"], more])}
    found = resolve(MemoryShelf(tiny(releases=two), revoked=revoked), "acme/tiny")
    assert found.variant == "good"
    assert found.rejected[0].reason == "one of its files is revoked: Malicious pickle"
    with pytest.raises(RefusedError, match="is revoked"):
        resolve(MemoryShelf(tiny(releases=two), revoked=revoked), "acme/tiny:q4_k_m")


@pytest.mark.parametrize(("path", "resolves"), [("tokenizer.json", True), ("model.bin", False), ("modeling.py", False)])
def test_what_a_whole_family_shares_takes_none_of_the_others_along(path: str, resolves: bool) -> None:
    file = {"path": path, "size": 7, "sha256": "c" * 64, "role": "config"}
    both = [*RELEASE["variants"][0]["files"]["Q4_K_M"], file]
    one = {"1.0.0": release(variants=[RELEASE["variants"][0] | {"files": {"Q4_K_M": both}}])}
    shelf = MemoryShelf(
        tiny(releases=one), revoked=[{"id": "acme/bad", "releases": ["1.0.0"], "files": ["c" * 64, "d" * 64]}]
    )
    if resolves:
        assert resolve(shelf, "acme/tiny").version == "1.0.0"
    else:
        with pytest.raises(RefusedError, match="is revoked"):
            resolve(shelf, "acme/tiny")


@pytest.mark.parametrize(
    ("expires", "resolves", "said"),
    [
        ("2027-05-01", True, ()),
        ("2026-12-01", True, ("acme/tiny expires on 2026-12-01: from that day it resolves only where it is pinned.",)),
        ("2026-11-21", False, ("acme/tiny expired on 2026-11-21 and counts as discontinued.",)),
        ("2026-01-01", False, ("acme/tiny expired on 2026-01-01 and counts as discontinued.",)),
    ],
)
def test_expiry_is_judged_here(expires: str, resolves: bool, said: tuple[str, ...]) -> None:
    early = MemoryShelf(tiny(expires=expires), today=dt.date(2025, 12, 1))  # as it was listed once
    early.today = TODAY
    assert resolve(early, "acme/tiny@1.0.0").warnings == said
    if resolves:
        assert resolve(early, "acme/tiny").version == "1.1.0"
    else:
        with pytest.raises(RefusedError, match=rf"acme/tiny expired on {expires}") as caught:
            resolve(early, "acme/tiny")
        assert caught.value.since == dt.date.fromisoformat(expires)


def test_withdrawn_resolves_when_it_is_named() -> None:
    found = resolve(MemoryShelf(tiny(listed=False, reason="Being reviewed.")), "acme/tiny")
    assert found.version == "1.1.0"
    assert found.warnings == ("acme/tiny is withdrawn from lists: Being reviewed. Who names it still gets it.",)


def test_an_earlier_id_leads_to_the_present_one() -> None:
    found = resolve(MemoryShelf(tiny(aliases=["acme/teeny"])), "acme/teeny@^1")
    assert found.id == "acme/tiny"
    assert found.warnings == ("acme/teeny is called acme/tiny now: write that.",)


class Circular(MemoryShelf):
    """A directory whose earlier ids lead round and round."""

    def alias(self, identifier: str) -> str | None:
        return {"a/a": "b/b", "b/b": "c/c", "c/c": "a/a"}.get(identifier)


def test_names_that_lead_round_and_round_lead_nowhere() -> None:
    with pytest.raises(UnknownError, match="the gallery has no model `b/b`"):
        resolve(Circular(tiny()), "b/b")


def test_what_was_removed_says_why() -> None:
    gone = {"acme/old": {"since": "2026-03-01", "reason": "rights", "successor": "acme/tiny"}}
    with pytest.raises(RefusedError) as caught:
        resolve(MemoryShelf(tiny(), removed=gone), "acme/old@1.0.0")
    assert str(caught.value) == "acme/old was removed on 2026-03-01: rights; use acme/tiny instead"
    assert caught.value.since == dt.date(2026, 3, 1)
    shelf = MemoryShelf(tiny(), gone={"acme/tiny": ["0.1.0"]})
    with pytest.raises(RefusedError, match=r"acme/tiny 0\.1\.0 was removed, and does not come back"):
        resolve(shelf, "acme/tiny@0.1.0")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("acme/tinny", "the gallery has no model `acme/tinny`; did you mean acme/tiny?"),
        ("zzz/zzz", "the gallery has no model `zzz/zzz`; `galleryctl sync` fetches what is new"),
        ("acme/tiny@3.0.0", "acme/tiny has no release 3.0.0: there are 2.0.0, 1.2.0, 1.1.0, 1.0.0, 0.9.0"),
        ("acme/tiny@^3", "acme/tiny has no release in the range ^3: there are 2.0.0, 1.2.0, 1.1.0, 1.0.0, 0.9.0"),
        ("acme/tiny:q4_k", "acme/tiny 1.1.0 has no build `q4_k`; did you mean Q4_K_M or 8B-Q4_K_M?"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(reference: str, said: str) -> None:
    with pytest.raises(UnknownError) as caught:
        resolve(MemoryShelf(tiny()), reference)
    assert str(caught.value) == said


@pytest.mark.parametrize("reference", ["acme/tiny", "acme/tiny@1.1.0", "acme/tiny@^1.1", "acme/tiny:q4_k_m"])
def test_a_listed_model_needs_its_listing_alone(reference: str) -> None:
    shelf = MemoryShelf(tiny())
    resolve(shelf, reference)
    assert shelf.calls == {"listing": 1}


def test_a_type_that_is_not_at_hand_is_read_by_its_document() -> None:
    shelf = MemoryShelf(tiny(), synced=["image"])
    assert resolve(shelf, "acme/tiny").warnings == ()
    assert shelf.calls == {"listing": 1, "document": 1}


def test_what_the_terms_and_sources_ask_is_told() -> None:
    hub = {"repo": "acme/tiny-gguf", "gated": True}
    bare = {"path": "t.gguf", "size": 5_000_000_000}
    variant = {
        "format": "gguf", "parameters": "8B", "quantizations": ["Q4_K_M"], "sources": {"huggingface": hub},
        "files": {"Q4_K_M": [bare]}, "requirements": {"vram": "80GiB"},
    }  # fmt: skip
    code = {"revision": "a" * 40, "reviewed_by": "ada"}
    one = {"1.0.0": release(variants=[variant], regions=["cn"], remote_code=code)}
    terms = {"edition": "enterprise", "price": "paid", "free_days": 30}
    host = Host(memory=2**35, context=8192)
    assert resolve(MemoryShelf(tiny(releases=one, terms=terms)), "acme/tiny", host).warnings == (
        "acme/tiny is an enterprise model: its use needs a permission of its own.",
        "The use of acme/tiny is paid for.",
        "acme/tiny may be used for 30 days from the day of the pin.",
        "acme/tiny may be used in cn only.",
        "acme/tiny was made for 4,096 tokens of context, and 8,192 are wanted.",
        "8b-gguf Q4_K_M: huggingface (acme/tiny-gguf) asks for an agreement before the download.",
        "8b-gguf Q4_K_M: no digest is recorded for 1 of 1 files, so what arrives cannot be checked.",
        "Loading acme/tiny runs code of its repository, reviewed at aaaaaaaaaaaa.",
        "8b-gguf Q4_K_M: its author asks for 80GiB of accelerator memory.",
    )


def test_a_release_without_builds_is_one_all_the_same() -> None:
    shelf = MemoryShelf(tiny(releases={"1.0.0": {"spec": {"context_length": 1}}}))
    found = resolve(shelf, "acme/tiny", Host(memory=1))
    assert (found.variant, found.files, found.why[1]) == ("", (), "It has no builds, so there is nothing to choose.")
    with pytest.raises(NoFitError, match="has no builds"):
        resolve(shelf, "acme/tiny", Host(runtime="vllm"))
    with pytest.raises(UnknownError, match="has no builds"):
        resolve(shelf, "acme/tiny:8b")


def test_unknown_fields_of_a_later_schema_are_left_alone() -> None:
    raw, later = published(tiny(), schema="1.9", colour={"of": "joy"}, visibility="by-invitation")
    shelf = MemoryShelf(later, documents={"acme/tiny": raw})
    assert resolve(shelf, "acme/tiny").version == "1.1.0"
    assert resolve(shelf, "acme/tiny@0.9.0").version == "0.9.0"


def test_another_major_schema_is_refused_with_advice() -> None:
    raw, _ = published(tiny(listed=False), schema="2.0")
    shelf = MemoryShelf(tiny(listed=False), documents={"acme/tiny": raw})
    with pytest.raises(SchemaError, match=r"schema `2\.0`, and 1\.0 is known; update galleryctl"):
        resolve(shelf, "acme/tiny")


def test_what_requires_something_unknown_is_left_out() -> None:
    raw, later = published(tiny(), requires=["time-travel"])
    with pytest.raises(SchemaError, match="it requires `time-travel`, which is not known here; update galleryctl"):
        resolve(MemoryShelf(later, documents={"acme/tiny": raw}), "acme/tiny")
    releases = json.loads(tiny().wire)["releases"]
    releases["1.1.0"]["requires"] = ["time-travel"]
    raw, later = published(tiny(listed=False), releases=releases)
    found = resolve(MemoryShelf(later, documents={"acme/tiny": raw}), "acme/tiny")
    assert found.version == "1.0.0"
    assert "acme/tiny 1.1.0 cannot be read by this version: it requires `time-travel`" in found.warnings[0]
    releases["1.0.0"]["variants"][0]["requires"] = ["time-travel"]
    raw, later = published(tiny(listed=False), releases=releases)
    with pytest.raises(NoFitError, match="requires time-travel, which this version does not know"):
        resolve(MemoryShelf(later, documents={"acme/tiny": raw}), "acme/tiny@1.0.0")


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"nothing", b"[" * 100_000, b'{"status":"paused"}', b'{"expires":"never"}', b"\xff"],
    ids=["empty", "a list", "no JSON", "deep", "an unknown status", "no day", "no UTF-8"],
)
def test_a_document_that_cannot_be_read_is_one_kind_of_error(raw: bytes) -> None:
    with pytest.raises(SchemaError, match=r"acme/tiny cannot be read by this version: .*; update galleryctl"):
        resolve(MemoryShelf(tiny(listed=False), documents={"acme/tiny": raw}), "acme/tiny")


def test_a_release_with_an_unknown_status_is_left_out() -> None:
    releases = json.loads(tiny().wire)["releases"]
    releases["1.1.0"]["status"] = "paused"
    raw, later = published(tiny(listed=False), releases=releases)
    shelf = MemoryShelf(later, documents={"acme/tiny": raw})
    assert resolve(shelf, "acme/tiny").version == "1.0.0"
    with pytest.raises(SchemaError, match="it has the status `paused`"):
        resolve(shelf, "acme/tiny@1.1.0")


class Offline(MemoryShelf):
    """A shelf from which nothing more can be fetched."""

    def document(self, identifier: str) -> bytes | None:
        raise OfflineError(f"{identifier}: nothing answers")


def test_what_is_at_hand_resolves_without_a_network() -> None:
    assert resolve(Offline(tiny()), "acme/tiny").version == "1.1.0"
    with pytest.raises(OfflineError):
        resolve(Offline(tiny()), "acme/tiny@0.9.0")


number = st.integers(0, 3)
versions = st.tuples(number, number, number).map(lambda parts: ".".join(map(str, parts)))
statuses = st.sampled_from(("active", "deprecated", "discontinued", "quarantined"))
histories = st.dictionaries(versions, statuses, min_size=1, max_size=5)


def history(found: dict[str, str]) -> MemoryShelf:
    return MemoryShelf(tiny(releases={version: release(status=status) for version, status in found.items()}))


@given(histories)
def test_a_pin_is_itself_or_refused(found: dict[str, str]) -> None:
    shelf = history(found)
    for version, status in found.items():
        if status == "quarantined":
            with pytest.raises(RefusedError):
                resolve(shelf, f"acme/tiny@{version}")
        else:
            one: Resolved = resolve(shelf, f"acme/tiny@{version}")
            assert (one.version, one.pinned) == (version, True)


@given(histories, versions)
def test_a_range_is_the_newest_that_may_be_used(found: dict[str, str], low: str) -> None:
    shelf = history(found)
    inside = [version for version in found if version_key(version) >= version_key(low)]
    usable = [version for status in ("deprecated", "active") for version in inside if found[version] == status]
    active = [version for version in usable if found[version] == "active"] or usable
    if active:
        assert resolve(shelf, f"acme/tiny@>={low}").version == max(active, key=version_key)
    else:
        with pytest.raises(RefusedError if inside else UnknownError):
            resolve(shelf, f"acme/tiny@>={low}")
