"""`gallery.lock`: the same pins are the same bytes, and what was pinned stays what it was, or is refused."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.client import locking
from galleryctl.client.errors import LockError, RefusedError
from galleryctl.client.locking import Lock, Locked, Pin, fingerprint
from galleryctl.client.resolving import locked, resolve
from galleryctl.client.results import Host
from made import DIGEST, RELEASE, entry
from shelves import TODAY, MemoryShelf

if TYPE_CHECKING:
    from pathlib import Path

    from galleryctl.gallery import Entry

GALLERY = "https://gallery.example/"


def tiny(releases: dict[str, Any] | None = None, **fields: Any) -> Entry:  # noqa: ANN401 - fields of a model
    return entry("acme/tiny", releases=releases or {"1.0.0": RELEASE, "1.1.0": RELEASE}, **fields)


def changed(*way: str | int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a block
    """The release of `made`, with other fields in one of its blocks; those that are none go."""
    found: Any = copy.deepcopy(RELEASE)
    block = found
    for part in way:
        block = block[part]
    for name, value in fields.items():
        block.pop(name, None)
        if value is not None:
            block[name] = value
    return dict(found)


FILE = ("variants", 0, "files", "Q4_K_M", 0)
HUB = ("variants", 0, "sources", "huggingface")


def lock(shelf: MemoryShelf, *references: str) -> Lock:
    pins = (locking.of(each, resolve(shelf, each), shelf.today) for each in references)
    return Lock(GALLERY).adding(*pins)


def test_a_lock_file_is_what_it_says() -> None:
    written = locking.dumps(lock(MemoryShelf(tiny()), "acme/tiny@^1:q4_k_m"))
    assert json.loads(written) == {
        "schema": "1.0",
        "gallery": GALLERY,
        "pins": {
            "acme/tiny@^1:q4_k_m": {
                "id": "acme/tiny", "type": "llm", "version": "1.1.0", "variant": "8b-gguf", "quantization": "Q4_K_M",
                "sha256": fingerprint(RELEASE), "since": "2026-11-21", "revisions": {"huggingface": "0" * 40},
                "files": [{"path": "t-Q4_K_M.gguf", "size": 5_000_000_000, "sha256": DIGEST}],
            }
        },
    }  # fmt: skip
    assert written.endswith(b"}\n")
    assert not written.endswith(b"\n\n")
    assert locking.dumps(locking.loads(written)) == written


def test_the_order_of_the_pins_does_not_matter(tmp_path: Path) -> None:
    shelf = MemoryShelf(tiny(), entry("acme/other"))
    one = lock(shelf, "acme/tiny", "acme/other", "acme/tiny@1.0.0")
    other = lock(shelf, "acme/tiny@1.0.0", "acme/tiny", "acme/other")
    assert locking.dumps(one) == locking.dumps(other)
    assert locking.write(tmp_path / "gallery.lock", one) is True
    assert locking.write(tmp_path / "gallery.lock", other) is False
    assert locking.read(tmp_path / "gallery.lock") == other


text = st.text(max_size=12)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
files = st.builds(Locked, text, st.none() | st.integers(0, 2**53), st.none() | digests)
pins = st.builds(
    Pin, st.sampled_from(("acme/tiny", "acme/tiny@^1", "a/b@1.0.0:q4")), st.just("acme/tiny"), st.just("1.0.0"), text,
    text, text, digests, st.none() | st.dates(), st.dictionaries(text, st.text(min_size=1), max_size=2),
    st.lists(files, max_size=3, unique_by=lambda each: each.path).map(
        lambda found: tuple(sorted(found, key=lambda each: each.path))
    ),
)  # fmt: skip


@given(st.lists(pins, max_size=3))
def test_what_is_written_is_read_back(found: list[Pin]) -> None:
    whole = Lock(GALLERY, {pin.reference: pin for pin in found})
    assert locking.loads(locking.dumps(whole)) == whole


@pytest.mark.parametrize(
    "other",
    [
        {**RELEASE, "notes": "Better said."},
        {**RELEASE, "status": "deprecated", "reason": "Old.", "published": "2026-01-01T00:00:00Z"},
        {**RELEASE, "checked": "2026-11-01", "metrics": []},
        changed(*FILE, sha256=None),
        changed(*FILE, size=None),
        changed(*HUB, revision=None),
    ],
    ids=["notes", "status", "empty", "no digest yet", "no size yet", "no revision yet"],
)
def test_what_may_change_leaves_the_digest_alone(other: dict[str, Any]) -> None:
    assert fingerprint(other) == fingerprint(RELEASE)


@pytest.mark.parametrize(
    "other",
    [
        changed("spec", context_length=8192),
        changed("spec", adapters={}),
        changed(*FILE, path="other.gguf"),
        changed(*HUB, repo="evil/tiny"),
        changed("variants", 0, quantizations=["Q8_0"]),
        {**RELEASE, "remote_code": {"revision": "a" * 40, "reviewed_by": "eve"}},
        {**RELEASE, "colour": "a field that nobody knows yet"},
    ],
    ids=["spec", "an empty block of the spec", "path", "repository", "quantization", "code", "unknown"],
)
def test_what_may_not_change_changes_the_digest(other: dict[str, Any]) -> None:
    assert fingerprint(other) != fingerprint(RELEASE)


def test_the_digest_is_of_the_release_alone() -> None:
    one = resolve(MemoryShelf(tiny({"1.0.0": RELEASE})), "acme/tiny@1.0.0")
    more = MemoryShelf(tiny({"1.0.0": RELEASE, "1.1.0": RELEASE | {"notes": "New."}}, title="Renamed", listed=False))
    assert resolve(more, "acme/tiny@1.0.0").sha256 == one.sha256


def test_revisions_of_adapters_are_facts_too() -> None:
    net = {"repo": "acme/net", "revision": "a" * 40}
    one = changed("spec", adapters={"controlnet": [net]})
    assert fingerprint(one) == fingerprint(changed("spec", adapters={"controlnet": [{"repo": "acme/net"}]}))
    assert fingerprint(one) != fingerprint(changed("spec", adapters={"controlnet": [{"repo": "acme/other"}]}))
    image = changed("variants", 0, sources={"oci": {"image": "host/name@sha256:" + "a" * 64}})
    assert fingerprint(image) == fingerprint(changed("variants", 0, sources={"oci": {"image": "host/name"}}))


def test_a_lock_holds_its_release_whatever_comes() -> None:
    held = lock(MemoryShelf(tiny({"1.0.0": RELEASE})), "acme/tiny@^1")
    later = MemoryShelf(
        tiny({"1.0.0": RELEASE | {"status": "discontinued", "reason": "Old."}, "1.1.0": RELEASE, "1.2.0": RELEASE})
    )
    assert resolve(later, "acme/tiny@^1").version == "1.2.0"
    found = locked(later, held, "acme/tiny@^1")
    assert (found.version, found.pinned) == ("1.0.0", True)
    assert found.why == ("1.0.0 is what the lock holds for acme/tiny@^1.",)
    assert found.warnings == ("acme/tiny 1.0.0 is discontinued: Old. It resolves because it is pinned.",)


def test_a_lock_never_holds_what_is_quarantined() -> None:
    held = lock(MemoryShelf(tiny({"1.0.0": RELEASE})), "acme/tiny")
    bad = MemoryShelf(tiny({"1.0.0": RELEASE | {"status": "quarantined", "reason": "Bad."}}))
    with pytest.raises(RefusedError, match="quarantined"):
        locked(bad, held, "acme/tiny")
    with pytest.raises(RefusedError, match="revoked"):
        locked(MemoryShelf(tiny(), revoked=[{"id": "acme/tiny", "releases": ["1.0.0"]}]), held, "acme/tiny")
    with pytest.raises(RefusedError, match="revoked"):
        locked(
            MemoryShelf(tiny(), revoked=[{"id": "x/y", "releases": ["1.0.0"], "files": [DIGEST]}]), held, "acme/tiny"
        )


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (changed(*FILE, sha256="b" * 64), f"sha256 of `t-Q4_K_M.gguf` was {DIGEST[:12]} and is {'b' * 12}"),
        (changed(*FILE, size=7), "size of `t-Q4_K_M.gguf` was 5000000000 and is 7"),
        (changed(*FILE, sha256=None), f"sha256 of `t-Q4_K_M.gguf` was {DIGEST[:12]} and is gone"),
        (changed(*HUB, revision="1" * 40), "revision of huggingface was 000000000000 and is 111111111111"),
        (changed("spec", context_length=8192), "its digest was"),
        (changed(*FILE, path="other.gguf"), "`t-Q4_K_M.gguf` is gone; `other.gguf` is new"),
    ],
)
def test_the_same_version_with_something_else_is_told(other: dict[str, Any], said: str) -> None:
    held = lock(MemoryShelf(tiny({"1.0.0": RELEASE})), "acme/tiny")
    shelf = MemoryShelf(tiny({"1.0.0": other}))
    with pytest.raises(LockError) as caught:
        locked(shelf, held, "acme/tiny")
    assert said in str(caught.value)
    assert "acme/tiny 1.0.0 is not what was locked" in str(caught.value)
    with pytest.raises(LockError, match="is not what was locked"):
        held.adding(locking.of("acme/tiny@^1", resolve(shelf, "acme/tiny"), shelf.today))


def test_facts_that_become_known_are_no_contradiction() -> None:
    bare = changed(*FILE, sha256=None, size=None)
    held = lock(MemoryShelf(tiny({"1.0.0": bare})), "acme/tiny")
    filled = MemoryShelf(tiny({"1.0.0": RELEASE}))
    found = locked(filled, held, "acme/tiny")
    assert found.files[0].sha256 == DIGEST
    again = held.adding(locking.of("acme/tiny", found, filled.today))
    assert again.pins["acme/tiny"].files == (Locked("t-Q4_K_M.gguf", 5_000_000_000, DIGEST),)


def test_a_locked_build_that_is_gone_or_unsuitable_is_told() -> None:
    shelf = MemoryShelf(tiny({"1.0.0": RELEASE}))
    held = lock(shelf, "acme/tiny")
    found = locked(shelf, held, "acme/tiny", Host(memory=2**30, runtime="vllm"))
    assert found.warnings == ("The locked build does not suit this machine: vLLM does not load gguf.",)
    pin = Pin("acme/tiny", "acme/tiny", "1.0.0", "llm", "8b-mlx", "4-bit", fingerprint(RELEASE))
    with pytest.raises(LockError, match="has no build 8b-mlx 4-bit any more"):
        locked(shelf, Lock(GALLERY, {"acme/tiny": pin}), "acme/tiny")
    with pytest.raises(LockError, match=r"no pin for acme/tiny@\^2; it has acme/tiny: `galleryctl resolve"):
        locked(shelf, held, "acme/tiny@^2")


def test_a_pin_that_moves_on_keeps_its_day() -> None:
    shelf = MemoryShelf(tiny(), today=dt.date(2026, 1, 1))
    held = lock(shelf, "acme/tiny")
    later = MemoryShelf(tiny({"1.2.0": RELEASE}), today=TODAY)
    moved = held.adding(locking.of("acme/tiny", resolve(later, "acme/tiny"), TODAY))
    assert moved.pins["acme/tiny"].version == "1.2.0"
    assert moved.pins["acme/tiny"].since == dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "damaged: it is no lock file; restore it, or delete it and resolve again"),
        (b"[]", "damaged: it is no lock file"),
        (b"[" * 100_000, "damaged: it is no lock file"),
        (b'{"schema":"2.0"}', "it has schema `2.0`, and 1.0 is known: update galleryctl"),
        (b'{"schema":"1.0","pins":{}}', "damaged: `gallery` or `pins` is missing"),
        (b'{"schema":"1.0","gallery":"x","pins":{"acme/tiny":7}}', "the pin `acme/tiny` is no object"),
        (b'{"schema":"1.0","gallery":"x","pins":{"tiny":{}}}', "`tiny` names no publisher"),
        (b'{"schema":"1.0","gallery":"x","pins":{"acme/tiny":{"id":"acme/tiny"}}}', "`version` of the pin `acme/tiny`"),
        (
            b'{"schema":"1.0","gallery":"x","pins":{"acme/tiny":{"id":"a/b","version":"1.0.0","sha256":"zz"}}}',
            "`sha256` of the pin",
        ),
        (
            b'{"schema":"1.0","gallery":"x","pins":{"acme/tiny":{"id":"a/b","version":"1.0.0","files":[{}]}}}',
            "`files` of the pin `acme/tiny` must be a list of files, each with its path, size and sha256",
        ),
        (
            b'{"schema":"1.0","gallery":"x","pins":{"acme/tiny":{"id":"a/b","version":"1.0.0","files":{"a":1}}}}',
            "`files` of the pin `acme/tiny` must be a list of files",
        ),
        (
            b'{"schema":"1.0","gallery":"x","pins":{"acme/tiny":{"id":"a/b","version":"1.0.0","since":"soon"}}}',
            "`since` of the pin",
        ),
        (
            b'{"schema":"1.0","gallery":"x","pins":{"acme/tiny":{"id":"a/b","version":"1.0.0","revisions":[]}}}',
            "`revisions` of the pin",
        ),
    ],
)
def test_a_damaged_lock_file_says_so(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gallery.lock"
    path.write_bytes(data)
    with pytest.raises(LockError) as caught:
        locking.read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_later_minor_schema_is_read() -> None:
    held = lock(MemoryShelf(tiny()), "acme/tiny")
    raw = json.loads(locking.dumps(held)) | {"schema": "1.9", "colour": "joy"}
    raw["pins"]["acme/tiny"]["mood"] = {"of": "joy"}
    assert locking.loads(json.dumps(raw).encode()) == held


def test_a_lock_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"cannot read .*: No such file or directory; `galleryctl resolve --lock`"):
        locking.read(tmp_path / "gallery.lock")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LockError, match="cannot write"):
        locking.write(tmp_path / "folder", Lock(GALLERY))
