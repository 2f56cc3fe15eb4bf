"""The recorded trees of `examples/vectors`: small signed galleries, good and bad, for whoever writes a reader.

`python tests/vectors.py` writes them anew; a test compares. The keys follow from their names: they protect nothing.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import SSlibKey

from galleryctl import canonical, layout, patches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parents[1] / "examples/vectors"
NOW = "2026-06-01T00:00:00Z"
FAR = "2100-01-01T00:00:00Z"
PAST = "2026-02-01T00:00:00Z"

Json = dict[str, Any]
Files = dict[str, bytes]


class Key(NamedTuple):
    """A test key. Ed25519, or P-256 where its name says so."""

    name: str

    @property
    def _private(self) -> Any:  # noqa: ANN401 - one of two kinds that share no type
        seed = hashlib.sha256(f"galleryctl test key {self.name}".encode()).digest()
        if "p256" in self.name:
            return ec.derive_private_key(int.from_bytes(seed) >> 1, ec.SECP256R1())
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> SSlibKey:
        return SSlibKey.from_crypto(self._private.public_key())

    @property
    def id(self) -> str:
        return str(self.public.keyid)

    def sign(self, message: bytes) -> str:
        if "p256" in self.name:  # RFC 6979: the same bytes each time
            signature: bytes = self._private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        else:
            signature = self._private.sign(message)
        return signature.hex()


ROOTS = (Key("root 1"), Key("root 2 p256"), Key("root 3"))
ONLINE = Key("online 1")
NEXT_ROOTS = (Key("root 1"), Key("root 2 p256"), Key("root 4 p256"))
LAST_ROOTS = (Key("root 5"), Key("root 2 p256"), Key("root 4 p256"))
NEXT_ONLINE = Key("online 2 p256")


def signed(keys: Iterable[Key], body: Json) -> bytes:
    message = (encode_canonical(body) or "").encode()
    return _written({"signatures": [{"keyid": key.id, "sig": key.sign(message)} for key in keys], "signed": body})


def _written(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _role(kind: str, version: int, expires: str = FAR, **members: Any) -> Json:  # noqa: ANN401 - JSON
    return {"_type": kind, "spec_version": "1.0.31", "version": version, "expires": expires, **members}


def _keys(keys: Iterable[Key]) -> Json:
    return {key.id: key.public.to_dict() for key in keys}


def root(version: int, roots: tuple[Key, ...], online: Key, threshold: int = 2) -> Json:
    def role(keys: tuple[Key, ...], threshold: int = 1) -> Json:
        return {"keyids": [key.id for key in keys], "threshold": threshold}

    roles = {
        "root": role(roots, threshold),
        "targets": role(roots),
        "snapshot": role((online,)),
        "timestamp": role((online,)),
    }
    return _role("root", version, consistent_snapshot=True, keys=_keys([*roots, online]), roles=roles)


def targets(version: int, online: Key) -> Json:
    role = {
        "name": "catalog",
        "keyids": [online.id],
        "threshold": 1,
        "paths": [layout.CATALOG],
        "terminating": True,
    }
    return _role("targets", version, targets={}, delegations={"keys": _keys([online]), "roles": [role]})


def _meta(data: bytes, version: int) -> Json:
    return {"version": version, "length": len(data), "hashes": {"sha256": canonical.digest(data)}}


class Versions(NamedTuple):
    targets: int = 1
    catalog: int = 1
    snapshot: int = 1
    timestamp: int = 1


def metadata(head: bytes, delegating: bytes, online: Key, versions: Versions, *, expires: str = FAR) -> Files:
    """The online roles for a head. `expires` is that of the timestamp."""
    target = {layout.CATALOG: {"length": len(head), "hashes": {"sha256": canonical.digest(head)}}}
    role = signed([online], _role("targets", versions.catalog, targets=target))
    meta = {"targets.json": _meta(delegating, versions.targets), "catalog.json": _meta(role, versions.catalog)}
    snapshot = signed([online], _role("snapshot", versions.snapshot, meta=meta))
    announced = {"snapshot.json": _meta(snapshot, versions.snapshot)}
    timestamp = signed([online], _role("timestamp", versions.timestamp, expires, meta=announced))
    return {
        layout.metadata("targets", versions.targets): delegating,
        layout.metadata("catalog", versions.catalog): role,
        layout.metadata("snapshot", versions.snapshot): snapshot,
        layout.TIMESTAMP: timestamp,
    }


# -- documents


def _model(title: str, latest: str, **members: Any) -> Json:  # noqa: ANN401 - JSON
    release = {"notes": "A release.", "spec": {"context_length": 4096}, "variants": []}
    base = {"title": title, "summary": "For tests.", "license": "Apache-2.0", "status": "active", "latest": latest}
    return {**base, "releases": {latest: release}, **members}


TINY = _model("Tiny “quoted” \\ 小模型", "1.0.0", added="2026-01-01T00:00:00Z")
OLD = _model("Old", "1.0.0", expires="2026-05-01")
BAD = _model("Bad", "2.0.0")


class Published(NamedTuple):
    """One publication: every file but metadata, and what the next one needs of it."""

    files: Files
    head: bytes
    types: Json
    refs: Json
    directory: Json


def _put(files: Files, path: str, document: Json) -> Json:
    data = canonical.dumps(document)
    digest = canonical.digest(data)
    files[layout.addressed(path, digest)] = data
    return {"sha256": digest, "length": len(data)}


def published(
    serial: int,
    types: Mapping[str, Json],
    *,
    before: Published | None = None,
    revoked: tuple[Json, ...] = (),
    epoch: int = 1,
    schema: str = "1.0",
    more: Json | None = None,
) -> Published:
    """A gallery of these models by type. `more` are members of the head."""
    files: Files = {}
    kinds = {name: {"schema": schema, "type": name, "models": models} for name, models in types.items()}
    refs: Json = {}
    for name, document in kinds.items():
        ref = _put(files, layout.type_document(name), document) | {"count": len(document["models"]), "deltas": []}
        known = before.refs.get(name, {}) if before else {}
        ref["since"] = known["since"] if known.get("sha256") == ref["sha256"] else serial
        if before and known and known["sha256"] != ref["sha256"]:
            delta = {
                "schema": schema,
                "type": name,
                "from": {"serial": known["since"], "sha256": known["sha256"]},
                "to": {"serial": serial, "sha256": ref["sha256"]},
                "patch": patches.between(before.types[name], document),
            }
            ref["deltas"] = [{"from": known["since"], **_put_delta(files, name, delta)}]
        refs[name] = ref
    models = {}
    for kind, members in types.items():
        for identifier, listing in members.items():
            whole: Json = {"schema": schema, "id": identifier, "type": kind, "listed": True, **listing}
            models[identifier] = {"type": kind, **_put(files, layout.model_document(identifier), whole)}
    removed = {"acme/gone": {"since": "2026-03-01", "reason": "rights", "successor": "acme/tiny"}}
    directory = {"schema": schema, "models": models, "aliases": {"acme/small": "acme/tiny"}, "removed": removed}
    head = {
        "schema": schema,
        "serial": serial,
        "epoch": epoch,
        "audience": "public",
        "built": f"2026-05-0{serial}T00:00:00Z",
        "types": refs,
        "directory": {"since": serial, "deltas": [], **_put(files, layout.DIRECTORY, directory)},
        "revoked": {
            "since": serial,
            "deltas": [],
            **_put(files, layout.REVOKED, {"schema": schema, "revoked": list(revoked)}),
        },
        "reader": "1.0",
        **(more or {}),
    }
    data = canonical.dumps(head)
    files[layout.addressed(layout.CATALOG, canonical.digest(data))] = data
    return Published(files, data, kinds, refs, directory)


def _put_delta(files: Files, name: str, delta: Json) -> Json:
    data = canonical.dumps(delta)
    digest = canonical.digest(data)
    files[layout.delta_document(name, digest)] = data
    return {"sha256": digest, "length": len(data)}


def with_one_change(data: bytes) -> bytes:
    """The same length, another value."""
    for old, new in ((b"For tests.", b"For toots."), (b'"serial":', b'"sereal":'), (b'"version":2', b'"version":7')):
        if old in data:
            return data.replace(old, new, 1)
    raise AssertionError("unreachable: nothing to change")


# -- trees


def trees() -> dict[str, Files]:
    """Files by tree. Trees are laid over each other in the order that a case names."""
    root_1 = root(1, ROOTS, ONLINE)
    by_root = ROOTS[:2]
    delegating = signed(ROOTS[2:], targets(1, ONLINE))
    one = published(1, {"llm": {"acme/old": OLD, "acme/tiny": TINY, "beta/bad": BAD}, "image": {}})
    first = {
        layout.metadata("root", 1): signed(by_root, root_1),
        layout.DISCOVERY: _written({"gallery": 1, "title": "Vectors", "metadata": "metadata/", "targets": ""}),
        **one.files,
        **metadata(one.head, delegating, ONLINE, Versions()),
    }
    newer = {**TINY, "latest": "1.1.0", "releases": {"1.1.0": TINY["releases"]["1.0.0"]}}
    changed = {"llm": {"acme/old": OLD, "acme/tiny": newer, "beta/bad": BAD}, "image": {}}
    bad = {"id": "beta/bad", "releases": ["2.0.0"], "files": [], "since": "2026-05-02T00:00:00Z", "reason": "A test."}
    two = published(2, changed, before=one, revoked=(bad,))
    seconds = Versions(1, 2, 2, 2)
    second = {**two.files, **metadata(two.head, delegating, ONLINE, seconds)}

    root_2, root_3 = root(2, NEXT_ROOTS, NEXT_ONLINE), root(3, LAST_ROOTS, NEXT_ONLINE)
    delegating_2 = signed([LAST_ROOTS[0]], targets(2, NEXT_ONLINE))
    three = published(3, changed, before=two, more={"commit": "3" * 40})
    third = {
        layout.metadata("root", 2): signed(NEXT_ROOTS[:2], root_2),
        layout.metadata("root", 3): signed((*LAST_ROOTS, ROOTS[0]), root_3),
        **three.files,
        # the new key starts its numbers anew: readers forget those of the old one
        **metadata(three.head, delegating_2, NEXT_ONLINE, Versions(2, 1, 1, 1)),
    }

    catalog_2 = layout.addressed(layout.CATALOG, canonical.digest(two.head))
    llm_2 = layout.addressed(layout.type_document("llm"), two.refs["llm"]["sha256"])
    timestamp_2 = second[layout.TIMESTAMP]
    thirds = Versions(1, 3, 3, 3)
    lower = published(1, changed, more={"commit": "1" * 40})
    again = published(1, changed, epoch=2)
    later = published(3, {**changed, "later": {"acme/later": _later()}}, schema="1.9", more={"news": {"a": [1]}})
    major = published(3, changed, schema="2.0")
    asking = published(3, changed, more={"reader": "1.5"})
    private = published(3, changed, more={"audience": "acme"})
    headless = {"targets.json": _meta(delegating, 1)}
    snapshot = signed([ONLINE], _role("snapshot", 3, meta=headless))
    announced = {"snapshot.json": _meta(snapshot, 3)}
    return {
        "first": first,
        "second": second,
        "third": third,
        "changed-catalog": {catalog_2: with_one_change(two.head)},
        "longer-catalog": {catalog_2: two.head + b"\n"},
        "changed-type": {llm_2: with_one_change(two.files[llm_2])},
        "changed-role": {"metadata/2.catalog.json": with_one_change(second["metadata/2.catalog.json"])},
        "changed-timestamp": {layout.TIMESTAMP: with_one_change(timestamp_2)},
        "unsigned-timestamp": {layout.TIMESTAMP: _written(json.loads(timestamp_2) | {"signatures": []})},
        "truncated-timestamp": {layout.TIMESTAMP: timestamp_2[:-40]},
        "long-timestamp": {layout.TIMESTAMP: timestamp_2 + b" " * 16_384},
        "expired-timestamp": metadata(two.head, delegating, ONLINE, Versions(1, 2, 2, 3), expires=PAST),
        "old-snapshot": {"metadata/2.snapshot.json": first["metadata/1.snapshot.json"]},
        "without-role": {
            "metadata/3.snapshot.json": snapshot,
            layout.TIMESTAMP: signed([ONLINE], _role("timestamp", 3, meta=announced)),
        },
        "one-key-twice": {layout.metadata("root", 2): signed((ROOTS[0], ROOTS[0]), root_2)},
        "new-keys-only": {layout.metadata("root", 2): signed(LAST_ROOTS, root(2, LAST_ROOTS, NEXT_ONLINE))},
        "old-keys-only": {layout.metadata("root", 2): signed(ROOTS[:2], root(2, LAST_ROOTS, NEXT_ONLINE))},
        "skipped-root": {layout.metadata("root", 2): third["metadata/3.root.json"]},
        "third-without-root": {path: data for path, data in third.items() if "root" not in path},
        "lower-serial": {**lower.files, **metadata(lower.head, delegating, ONLINE, thirds)},
        "new-epoch": {**again.files, **metadata(again.head, delegating, ONLINE, thirds)},
        "later-minor": {**later.files, **metadata(later.head, delegating, ONLINE, thirds)},
        "later-major": {**major.files, **metadata(major.head, delegating, ONLINE, thirds)},
        "later-reader": {**asking.files, **metadata(asking.head, delegating, ONLINE, thirds)},
        "other-audience": {**private.files, **metadata(private.head, delegating, ONLINE, thirds)},
    }


def _later() -> Json:
    model = _model("Later", "1.0.0")
    return {**model, "releases": {"1.0.0": {**model["releases"]["1.0.0"], "requires": "9.0"}}, "unheard": {"of": 1}}


STARTED = [{"trees": ["first"], "models": 3, "serial": 1}]
UP_TO_DATE = [*STARTED, {"trees": ["first", "second"], "models": 3, "serial": 2}]


def cases() -> list[Json]:
    """Stories: what one reader with one folder of state is shown, step by step, and what it must say."""

    def story(name: str, says: str, *steps: Json, **members: Any) -> Json:  # noqa: ANN401 - JSON
        return {"name": name, "says": says, "root": "root.json", "steps": list(steps), **members}

    def refused(step: str, reason: str, *names: str, tuf: str = "refused") -> Json:
        return {"trees": ["first", *names], "refused": {"step": step, "reason": reason}, "tuf": tuf}

    fresh = {"trees": ["first", "second", "third"], "models": 3, "serial": 3}
    on_second = [
        ("changed-catalog", "catalog", "sha256", "One byte of the catalog differs."),
        ("longer-catalog", "catalog", "length", "The catalog has a byte more."),
        ("changed-role", "catalog", "sha256", "The role that signs the catalog was edited."),
        ("changed-timestamp", "timestamp", "signature", "The timestamp was edited."),
        ("unsigned-timestamp", "timestamp", "signature", "Nobody signed the timestamp."),
        ("truncated-timestamp", "timestamp", "format", "The timestamp ends too early."),
        ("long-timestamp", "timestamp", "length", "The timestamp is longer than 16 384 bytes."),
        ("expired-timestamp", "timestamp", "expired", "Signed, but too long ago."),
        ("old-snapshot", "snapshot", "sha256", "An old snapshot under the new name."),
        ("one-key-twice", "root", "signature", "One key signs a new root twice; the threshold is two."),
        ("new-keys-only", "root", "signature", "A new root that only its own keys signed."),
        ("old-keys-only", "root", "signature", "A new root that only the old keys signed."),
        ("skipped-root", "root", "version", "Version 3 of the root in the place of version 2."),
    ]
    found = [
        story("first", "A gallery, read for the first time.", *STARTED),
        story("update", "The next publication; a delta leads to it.", *UP_TO_DATE),
        story("rotation", "Two new roots, a new online key of the other type, numbers anew.", *UP_TO_DATE, fresh),
        story("rotation-at-once", "The same for who was never here.", fresh),
    ]
    found += [
        story(name, says, *STARTED, refused(step, reason, "second", name)) for name, step, reason, says in on_second
    ]
    kept = [
        story("rollback", "The first publication again.", *UP_TO_DATE, refused("timestamp", "version")),
        story(
            "without-role",
            "The snapshot has lost a role.",
            *UP_TO_DATE,
            refused("snapshot", "version", "second", "without-role"),
        ),
        story(
            "missing-step",
            "A root between the pinned and the present one is gone.",
            *UP_TO_DATE,
            refused("timestamp", "signature", "second", "third-without-root"),
        ),
        story(
            "lower-serial",
            "Well signed, but of a lower serial in the same epoch.",
            *UP_TO_DATE,
            refused("catalog", "serial", "second", "lower-serial", tuf="accepted"),
        ),
        story(
            "new-epoch",
            "A lower serial, on purpose: the epoch grew.",
            *UP_TO_DATE,
            {"trees": ["first", "second", "new-epoch"], "models": 3, "serial": 1},
        ),
        story(
            "later-minor",
            "Schema 1.9: what is unknown is ignored, a model that asks for more is left out.",
            *UP_TO_DATE,
            {"trees": ["first", "second", "later-minor"], "models": 3, "serial": 3},
        ),
    ]
    for name, reason in (("later-major", "schema"), ("later-reader", "schema"), ("other-audience", "audience")):
        step = refused("catalog", reason, "second", name, tuf="accepted")
        kept.append(story(name, f"Well signed, but for other readers: {reason}.", *STARTED, step))
    changed = refused("document", "sha256", "second", "changed-type", tuf="accepted")
    kept.append(story("changed-type", "A document is not what the catalog names.", changed))
    other = refused("timestamp", "signature", "second")
    kept.append(story("wrong-root", "The root of another gallery.", other, root="other.root.json"))
    return [*found, *kept]


def written() -> Files:
    """Every file below `examples/vectors` by path."""
    everything = trees()
    files = {f"trees/{tree}/{path}": data for tree, content in everything.items() for path, data in content.items()}
    others = tuple(Key(f"other {number}") for number in range(3))
    files["root.json"] = everything["first"]["metadata/1.root.json"]
    files["other.root.json"] = signed(others, root(1, others, Key("other online")))
    files["cases.json"] = (json.dumps({"now": NOW, "cases": cases()}, indent=1) + "\n").encode()
    return files


def lay(folder: Path, names: Iterable[str]) -> None:
    """Bring a folder to what the trees, laid over each other, are."""
    content: Files = {}
    for name in names:
        tree = FOLDER / "trees" / name
        content |= {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.unlink()
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def main() -> None:
    import shutil  # noqa: PLC0415 - of no use to who imports this

    for name in ("trees",):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    for name, data in written().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
