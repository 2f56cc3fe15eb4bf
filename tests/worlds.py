"""Small signed galleries in memory, for tests of what reads them: every byte of them can be bent, and nothing is built.

They are written from the reference's rules and python-tuf alone, so that they do not repeat a mistake of ours.
"""

from __future__ import annotations

import copy
import datetime as dt
import gzip
import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from galleryctl import patches
from galleryctl.client import ClientError, DamagedError, Gallery, VerificationError
from galleryctl.fetch import Limits
from servers import Answer, Asked, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from servers import Served

START = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
_SPANS = {"root": 365, "targets": 365, "catalog": 30, "snapshot": 14, "timestamp": 7}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def listing(title: str, version: str = "1.0.0", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A model as its type's document has it."""
    variant = {
        "format": "gguf",
        "parameters": "1B",
        "engines": ["llama.cpp"],
        "quantizations": ["Q4_K_M"],
        "sources": {"huggingface": {"repo": "acme/x", "revision": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}},
        "files": {"Q4_K_M": [{"path": "x.gguf", "size": 1000, "sha256": "3f" * 32}]},
    }
    return {
        "title": title,
        "summary": f"{title} for tests.",
        "license": "MIT",
        "latest": version,
        "releases": {version: {"spec": {"context_length": 4096}, "variants": [variant]}},
        **more,
    }


@dataclass
class Keys:
    """Two for root and targets, one for what is signed often."""

    offline: list[CryptoSigner] = field(default_factory=lambda: [CryptoSigner.generate_ed25519() for _ in range(2)])
    online: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)


@dataclass
class World:
    """A gallery: change `models` or `revoked`, `publish`, and read `files`."""

    now: dt.datetime = START
    keys: Keys = field(default_factory=Keys)
    models: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "llm": {"acme/one": listing("One"), "acme/two": listing("Two")},
            "image": {"acme/paint": listing("Paint")},
        }
    )
    revoked: list[dict[str, Any]] = field(default_factory=list)
    removed: dict[str, Any] = field(default_factory=dict)
    natives: dict[str, dict[str, bytes]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    catalog: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SPANS, 0))
    epoch: int = 1
    serial: int = 0
    deltas: bool = True
    head: dict[str, Any] = field(default_factory=dict)
    """Members of the next heads, above what they would say."""
    document: dict[str, Any] = field(default_factory=dict)
    """Members of the next type documents."""
    bend: Callable[[Asked, Answer], Answer] = lambda _, answer: answer
    """What the host does to an answer."""
    past: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def copy(self) -> World:
        """Another world with the same keys and past: what a second gallery, or a thief, would publish."""
        other = copy.copy(self)
        for name in ("models", "revoked", "natives", "files", "catalog", "versions", "head", "document", "past"):
            setattr(other, name, copy.deepcopy(getattr(self, name)))
        return other

    @property
    def root(self) -> bytes:
        return self.files["metadata/1.root.json"]

    def publish(self, **models: dict[str, Any]) -> World:
        """A new serial with these models (by type), signed."""
        self.models.update(models)
        self.serial += 1
        refs = {kind: self._document(kind, rows) for kind, rows in self.models.items()}
        documents = {each: (kind, row) for kind, rows in self.models.items() for each, row in rows.items()}
        entries: dict[str, Any] = {}
        for each, (kind, row) in documents.items():
            data = rfc8785.dumps({"schema": "1.0", "id": each, "type": kind, **row})
            self.files[f"v1/models/{each}/{sha(data)}.json"] = data
            entries[each] = {"type": kind, "sha256": sha(data), "length": len(data), "releases": [row["latest"]]}
        aliases = {f"{each}-old": each for each in documents}
        directory = rfc8785.dumps({"schema": "1.0", "models": entries, "aliases": aliases, "removed": self.removed})
        revoked = rfc8785.dumps({"schema": "1.0", "revoked": self.revoked})
        self.catalog = {
            "schema": "1.0",
            "serial": self.serial,
            "epoch": self.epoch,
            "audience": "public",
            "built": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "types": refs,
            "directory": self._ref("directory", directory, "v1/directory"),
            "revoked": self._ref("revoked", revoked, "v1/revoked"),
            **({"runtimes": self._natives()} if self.natives else {}),
            **self.head,
        }
        self.put_head(rfc8785.dumps(self.catalog))
        return self

    def put_head(self, data: bytes) -> None:
        self.files[f"v1/{sha(data)}.catalog.json"] = self.files["v1/catalog.json"] = data
        self.sign(data)

    def sign(self, head: bytes | None = None) -> None:
        """New metadata of every role that is signed online, for a head."""
        head = self.files["v1/catalog.json"] if head is None else head
        if not self.versions["root"]:
            self.rotate()
        target = TargetFile.from_data("v1/catalog.json", head, ["sha256"])
        targets = {"v1/catalog.json": target}
        self._put("catalog", Targets(self._next("catalog"), expires=self.until("catalog"), targets=targets))
        self.snap()

    def snap(self) -> None:
        """A new snapshot of the same roles."""
        meta = {f"{role}.json": self._meta(role) for role in ("targets", "catalog")}
        self._put("snapshot", Snapshot(self._next("snapshot"), expires=self.until("snapshot"), meta=meta))
        self.stamp()

    def stamp(self) -> None:
        """A new timestamp for the same snapshot."""
        snapshot = self._meta("snapshot")
        self._put(
            "timestamp", Timestamp(self._next("timestamp"), expires=self.until("timestamp"), snapshot_meta=snapshot)
        )

    def rotate(self, online: CryptoSigner | None = None, offline: list[CryptoSigner] | None = None) -> None:
        """A new root, and new targets; with other keys where given."""
        before = self.keys.offline
        self.keys = Keys(offline or before, online or self.keys.online)
        root = Root(self._next("root"), expires=self.until("root"), consistent_snapshot=True)
        for key in self.keys.offline:
            root.add_key(key.public_key, "root")
            root.add_key(key.public_key, "targets")
        root.roles["root"].threshold = 2
        for role in ("snapshot", "timestamp"):
            root.add_key(self.keys.online.public_key, role)
        signers = {each.public_key.keyid: each for each in (*before, *self.keys.offline)}
        self._put("root", root, list(signers.values()))
        delegated = DelegatedRole("catalog", [self.keys.online.public_key.keyid], 1, True, paths=["v1/catalog.json"])
        delegations = Delegations(
            {self.keys.online.public_key.keyid: self.keys.online.public_key}, {"catalog": delegated}
        )
        self._put("targets", Targets(self._next("targets"), expires=self.until("targets"), delegations=delegations))

    def until(self, role: str) -> dt.datetime:
        return self.now + dt.timedelta(days=_SPANS[role])

    def answer(self, asked: Asked) -> Answer:
        """What a host says, compressed where that is asked for."""
        data = self.files.get(asked.path.partition("?")[0].lstrip("/"))
        if data is None:
            return self.bend(asked, Answer(404, b"there is nothing of that name"))
        headers = {"ETag": f'"{sha(data)[:16]}"'}
        if asked.headers.get("if-none-match") == headers["ETag"]:
            return self.bend(asked, Answer(304, b"", headers))
        if "gzip" in asked.headers.get("accept-encoding", "") and len(data) > 500:
            data, headers["Content-Encoding"] = gzip.compress(data, mtime=0), "gzip"
        return self.bend(asked, Answer(200, data, headers))

    def serving(self) -> AbstractContextManager[Served]:
        return serving(self.answer)

    def _document(self, kind: str, rows: dict[str, Any]) -> dict[str, Any]:
        data = rfc8785.dumps({"schema": "1.0", "type": kind, "models": rows, **self.document})
        ref = {**self._ref(kind, data, f"v1/types/{kind}"), "count": len(rows), "deltas": []}
        if self.deltas and f"{kind} before" in self.past:
            since, older = self.past[f"{kind} before"]
            patch = patches.between(json.loads(older), json.loads(data))
            ends = {
                "from": {"serial": since, "sha256": sha(older)},
                "to": {"serial": ref["since"], "sha256": sha(data)},
            }
            delta = rfc8785.dumps({"schema": "1.0", "type": kind, **ends, "patch": patch})
            self.files[f"v1/delta/{kind}/{sha(delta)}.json"] = delta
            ref["deltas"] = [{"from": since, "sha256": sha(delta), "length": len(delta)}]
        return ref

    def _ref(self, name: str, data: bytes, path: str) -> dict[str, Any]:
        since, before = self.past.get(name, (0, b""))
        if data != before:
            if before:
                self.past[f"{name} before"] = (since, before)
            since = self.serial
            self.past[name] = (since, data)
        self.files[f"{path}/{sha(data)}.json"] = data
        return {"since": since, "sha256": sha(data), "length": len(data)}

    def _natives(self) -> dict[str, Any]:
        listed: dict[str, dict[str, Any]] = {}
        for runtime, found in self.natives.items():
            for path, data in found.items():
                stem, _, suffix = path.rpartition(".")
                self.files[f"runtimes/{runtime}/{stem}/{sha(data)}.{suffix}"] = data
                listed.setdefault(runtime, {})[path] = {"sha256": sha(data), "length": len(data)}
        return self._ref("runtimes", rfc8785.dumps({"schema": "1.0", "runtimes": listed}), "v1/runtimes")

    def _next(self, role: str) -> int:
        self.versions[role] += 1
        return self.versions[role]

    def _name(self, role: str) -> str:
        return "metadata/timestamp.json" if role == "timestamp" else f"metadata/{self.versions[role]}.{role}.json"

    def _meta(self, role: str) -> MetaFile:
        data = self.files[self._name(role)]
        return MetaFile(self.versions[role], len(data), {"sha256": sha(data)})

    def _put(self, role: str, signed: Any, signers: list[CryptoSigner] | None = None) -> None:  # noqa: ANN401 - of the library
        metadata = Metadata(signed)
        offline = self.keys.offline if role in {"root", "targets"} else [self.keys.online]
        for signer in signers or offline:
            metadata.sign(signer, append=True)
        self.files[self._name(role)] = metadata.to_bytes(JSONSerializer(compact=True))


QUICK = Limits(seconds=5.0, attempts=1)


class Clock:
    """A clock that stands, until it is moved."""

    def __init__(self, now: dt.datetime = START) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def world() -> World:
    return World().publish()


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    with world.serving() as served:
        yield served


@pytest.fixture
def gallery(world: World, served: Served, tmp_path: Path) -> Callable[..., Gallery]:
    def make(**options: Any) -> Gallery:  # noqa: ANN401 - those of the class
        root = None if options.get("unsigned") else world.root
        given = {"root": root, "cache": tmp_path / "cache", "now": Clock(), "limits": QUICK, **options}
        return Gallery(given.pop("url", served.url), **given)

    return make


def titles(gallery: Gallery, kind: str | None = None) -> dict[str, object]:
    return {each.id: each.listing.title for each in gallery.models(kind)}


def asked(served: Served) -> list[str]:
    found = [each.path.lstrip("/") for each in served.asked]
    served.asked.clear()
    return found


@contextmanager
def intact(reader: Gallery) -> Iterator[None]:
    """The state and every model are the same afterwards."""
    before = reader.state(), list(reader.models()), reader.resolve("acme/one")
    yield
    assert (reader.state(), list(reader.models()), reader.resolve("acme/one")) == before


def bent(pattern: str, change: Callable[[bytes], Answer | bytes]) -> Callable[[Asked, Answer], Answer]:
    """A host that changes what lies at some paths."""

    def bend(asked: Asked, answer: Answer) -> Answer:
        if asked.method != "GET" or answer.status != 200 or not re.fullmatch(pattern, asked.path.lstrip("/")):
            return answer
        assert isinstance(answer.body, bytes)
        coded = answer.headers.get("Content-Encoding") == "gzip"
        made = change(gzip.decompress(answer.body) if coded else answer.body)
        return made if isinstance(made, Answer) else Answer(200, made)

    return bend


def flipped(data: bytes) -> bytes:
    """The same length, one letter of a text changed: `e` is in every document."""
    at = data.rindex(b"e")
    return data[:at] + b"E" + data[at + 1 :]


def news(world: World) -> None:
    world.models["llm"]["acme/one"] = listing("Uno", "2.0.0")
    world.models["llm"]["acme/new"] = listing("New")
    world.publish()


def refused(reader: Gallery, kind: type[ClientError], match: str, step: str | None = None) -> None:
    with intact(reader), pytest.raises(kind, match=match) as caught:
        reader.sync()
    if step is not None:
        assert isinstance(caught.value, VerificationError)
        assert caught.value.step == step


TAMPERED = [
    (r"metadata/timestamp\.json", VerificationError, "timestamp"),
    (r"metadata/2\.snapshot\.json", DamagedError, "snapshot"),
    (r"metadata/2\.catalog\.json", DamagedError, "catalog"),
    (r"v1/[0-9a-f]+\.catalog\.json", DamagedError, "catalog"),
    (r"v1/revoked/.*", DamagedError, "document"),
    (r"v1/(types|delta)/llm/.*", DamagedError, "document"),
]
"""A document, how it is refused when it is changed, and at which step."""
STEPS = [row[0] for row in TAMPERED]
