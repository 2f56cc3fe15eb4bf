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


DELEGATING = signed(ROOTS[2:], targets(1, ONLINE))
NEWER = {**TINY, "latest": "1.1.0", "releases": {"1.1.0": TINY["releases"]["1.0.0"]}}
CHANGED: Json = {"llm": {"acme/old": OLD, "acme/tiny": NEWER, "beta/bad": BAD}, "image": {}}
REVOKED = {
    "id": "beta/bad",
    "releases": ["2.0.0"],
    "files": [],
    "since": "2026-05-02T00:00:00Z",
    "reason": "A test.",
}
ONE = published(1, CHANGED | {"llm": CHANGED["llm"] | {"acme/tiny": TINY}})
TWO = published(2, CHANGED, before=ONE, revoked=(REVOKED,))
THREE = published(3, CHANGED, before=TWO, more={"commit": "3" * 40})


def trees() -> dict[str, Files]:
    """Files by tree. Trees are laid over each other in the order that a case names."""
    first = {
        layout.metadata("root", 1): signed(ROOTS[:2], root(1, ROOTS, ONLINE)),
        layout.DISCOVERY: _written({"gallery": 1, "title": "Vectors", "metadata": "metadata/", "targets": ""}),
        **ONE.files,
        **metadata(ONE.head, DELEGATING, ONLINE, Versions()),
    }
    second = {**TWO.files, **metadata(TWO.head, DELEGATING, ONLINE, Versions(1, 2, 2, 2))}
    third = {
        **THREE.files,
        # the new key starts its numbers anew: readers forget those of the old one
        **metadata(THREE.head, signed([LAST_ROOTS[0]], targets(2, NEXT_ONLINE)), NEXT_ONLINE, Versions(2, 1, 1, 1)),
    }
    good = {"first": first, "second": second, "third": {**_roots()["third"], **third}, "third-without-root": third}
    return {**_roots(), **good, **_spoiled(first, second), **_judged()}


def _roots() -> dict[str, Files]:
    """The next roots, and what must not pass for them."""
    second, third = root(2, NEXT_ROOTS, NEXT_ONLINE), root(3, LAST_ROOTS, NEXT_ONLINE)
    foreign = root(2, LAST_ROOTS, NEXT_ONLINE)
    path, last = layout.metadata("root", 2), signed((*LAST_ROOTS, ROOTS[0]), third)
    return {
        "third": {path: signed(NEXT_ROOTS[:2], second), layout.metadata("root", 3): last},
        "one-key-twice": {path: signed((ROOTS[0], ROOTS[0]), second)},
        "new-keys-only": {path: signed(LAST_ROOTS, foreign)},
        "old-keys-only": {path: signed(ROOTS[:2], foreign)},
        "skipped-root": {path: last},
    }


def _spoiled(first: Files, second: Files) -> dict[str, Files]:
    """What lies over the second publication and does not verify."""
    head = layout.addressed(layout.CATALOG, canonical.digest(TWO.head))
    llm = layout.addressed(layout.type_document("llm"), TWO.refs["llm"]["sha256"])
    timestamp, role = second[layout.TIMESTAMP], layout.metadata("catalog", 2)
    snapshot = signed([ONLINE], _role("snapshot", 3, meta={"targets.json": _meta(DELEGATING, 1)}))
    announced = signed([ONLINE], _role("timestamp", 3, meta={"snapshot.json": _meta(snapshot, 3)}))
    return {
        "changed-catalog": {head: with_one_change(TWO.head)},
        "longer-catalog": {head: TWO.head + b"\n"},
        "changed-type": {llm: with_one_change(TWO.files[llm])},
        "changed-role": {role: with_one_change(second[role])},
        "changed-timestamp": {layout.TIMESTAMP: with_one_change(timestamp)},
        "unsigned-timestamp": {layout.TIMESTAMP: _written(json.loads(timestamp) | {"signatures": []})},
        "truncated-timestamp": {layout.TIMESTAMP: timestamp[:-40]},
        "long-timestamp": {layout.TIMESTAMP: timestamp + b" " * 16_384},
        "expired-timestamp": metadata(TWO.head, DELEGATING, ONLINE, Versions(1, 2, 2, 3), expires=PAST),
        "old-snapshot": {layout.metadata("snapshot", 2): first[layout.metadata("snapshot", 1)]},
        "without-role": {layout.metadata("snapshot", 3): snapshot, layout.TIMESTAMP: announced},
    }


def _judged() -> dict[str, Files]:
    """Well signed third publications, on which the catalog decides."""
    later = {**CHANGED, "later": {"acme/later": _later()}}
    found = {
        "lower-serial": published(1, CHANGED, more={"commit": "1" * 40}),
        "new-epoch": published(1, CHANGED, epoch=2),
        "later-minor": published(3, later, schema="1.9", more={"news": {"a": [1]}}),
        "later-major": published(3, CHANGED, schema="2.0"),
        "later-reader": published(3, CHANGED, more={"reader": "1.1"}),
        "other-audience": published(3, CHANGED, more={"audience": "acme"}),
    }
    versions = Versions(1, 3, 3, 3)
    return {name: {**each.files, **metadata(each.head, DELEGATING, ONLINE, versions)} for name, each in found.items()}


def _later() -> Json:
    return _model("Later", "1.0.0", requires=["later"], unheard={"of": 1})


STARTED = [{"trees": ["first"], "models": 3, "serial": 1}]
UP_TO_DATE = [*STARTED, {"trees": ["first", "second"], "models": 3, "serial": 2}]
FRESH = {"trees": ["first", "second", "third"], "models": 3, "serial": 3}
# name of the case and of the tree over the second publication, the step that refuses, why, and what it is
TO_WHO_SAW_THE_FIRST = (
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
)
TO_WHO_SAW_THE_SECOND = (
    ("without-role", "snapshot", "version", "The snapshot has lost a role."),
    ("third-without-root", "timestamp", "signature", "The roots between the pinned and the present one are gone."),
)
# TUF has nothing against them: what decides stands in the catalog
BEYOND_TUF = (
    ("lower-serial", "catalog", "serial", "Well signed, but of a lower serial in the same epoch."),
    ("later-major", "catalog", "schema", "Well signed, but of schema 2.0."),
    ("later-reader", "catalog", "schema", "Well signed, but for readers that know schema 1.1."),
    ("other-audience", "catalog", "audience", "Well signed, but for somebody else."),
)


def cases() -> list[Json]:
    """Stories: what one reader with one folder of state is shown, step by step, and what it must say."""

    def story(name: str, says: str, *steps: Json, **members: Any) -> Json:  # noqa: ANN401 - JSON
        return {"name": name, "says": says, "root": "root.json", "steps": list(steps), **members}

    def refused(step: str, reason: str, *names: str, tuf: str = "refused") -> Json:
        return {"trees": ["first", *names], "refused": {"step": step, "reason": reason}, "tuf": tuf}

    def accepted(tree: str, serial: int) -> Json:
        return {"trees": ["first", "second", tree], "models": 3, "serial": serial}

    found = [
        story("first", "A gallery, read for the first time.", *STARTED),
        story("update", "The next publication; a delta leads to it.", *UP_TO_DATE),
        story("rotation", "Two new roots, a new online key of the other type, numbers anew.", *UP_TO_DATE, FRESH),
        story("rotation-at-once", "The same for who was never here.", FRESH),
        story("new-epoch", "A lower serial, on purpose: the epoch grew.", *UP_TO_DATE, accepted("new-epoch", 1)),
        story(
            "later-minor",
            "Schema 1.9; one model asks for more and is left out.",
            *UP_TO_DATE,
            accepted("later-minor", 3),
        ),
        story("rollback", "The first publication again.", *UP_TO_DATE, refused("timestamp", "version")),
        story("wrong-root", "The root of another gallery.", refused("timestamp", "signature"), root="other.root.json"),
    ]
    for name, step, reason, says in TO_WHO_SAW_THE_FIRST:
        found.append(story(name, says, *STARTED, refused(step, reason, "second", name)))
    for name, step, reason, says in TO_WHO_SAW_THE_SECOND:
        found.append(story(name, says, *UP_TO_DATE, refused(step, reason, "second", name)))
    for name, step, reason, says in BEYOND_TUF:
        found.append(story(name, says, *UP_TO_DATE, refused(step, reason, "second", name, tuf="accepted")))
    changed = refused("document", "sha256", "second", "changed-type", tuf="accepted")
    return [*found, story("changed-type", "A document is not what the catalog names.", changed)]


def forms() -> Json:
    """One value in both canonical forms, and signatures of the first."""
    value = {"b": ["line\nfeed", 'quote " and \\', "tab\t", "é小"], "a": {"nothing": None, "yes": True, "number": 1}}
    message = encode_canonical(value) or ""
    signed = [{"key": key.public.to_dict(), "sig": key.sign(message.encode())} for key in (ONLINE, NEXT_ONLINE)]
    return {"value": value, "tuf": message, "jcs": canonical.dumps(value).decode(), "signatures": signed}


def written() -> Files:
    """Every file below `examples/vectors` by path."""
    everything = trees()
    files = {f"trees/{tree}/{path}": data for tree, content in everything.items() for path, data in content.items()}
    others = tuple(Key(f"other {number}") for number in range(3))
    files["root.json"] = everything["first"]["metadata/1.root.json"]
    files["other.root.json"] = signed(others, root(1, others, Key("other online")))
    files["forms.json"] = (json.dumps(forms(), indent=1) + "\n").encode()
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
