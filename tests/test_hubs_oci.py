"""Artifacts of registries, read from one that behaves as the distribution specification says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from galleryctl.errors import UsageError
from galleryctl.fetch import DeniedError, FetchError, Http, MissingError
from galleryctl.hubs import RemoteFile
from galleryctl.hubs.oci import Image, Oci, decoded, inside
from registries import INDEX, MANIFEST, OLLAMA, TOKEN, Registry, digest, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

WEIGHT = "application/vnd.cncf.model.weight.v1"
NAME = "acme/tiny"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as found:
        yield found


@pytest.fixture
def hub() -> Oci:
    return Oci(Http(allow_private=True))


def pushed(registry: Registry, config: object | None = None) -> str:
    layers = (
        registry.blob(b"weights of a model", f"{WEIGHT}.raw", "model.safetensors"),
        registry.blob(b"an archive", f"{WEIGHT}.tar", "more.safetensors"),
        registry.blob(b'{"a": 1}', "application/vnd.cncf.model.weight.config.v1.raw", "config.json"),
    )
    return registry.push(NAME, "1.0", registry.model(config or {"descriptor": {"name": "tiny"}}, *layers))


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("ghcr.io/acme/tiny", Image("ghcr.io", "acme/tiny")),
        ("ghcr.io/acme/tiny:1.0", Image("ghcr.io", "acme/tiny", "1.0")),
        (f"127.0.0.1:5000/t@sha256:{'a' * 64}", Image("127.0.0.1:5000", "t", None, f"sha256:{'a' * 64}")),
        (f"h.io/a/b/c:x@sha256:{'a' * 64}", Image("h.io", "a/b/c", "x", f"sha256:{'a' * 64}")),
    ],
)
def test_an_image_is_taken_apart_and_put_together(text: str, image: Image) -> None:
    assert Image.parse(text) == image
    assert str(image) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tiny",
        "h.io/",
        "h.io/../x",
        "h.io/a//b",
        "h.io/a:",
        "h.io/a@sha256:12",
        "h.io/a b",
        "u:p@h.io/a",
        "h.io/a?b",
    ],
)
def test_what_is_no_image_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no image"):
        Image.parse(text)


def test_a_tag_becomes_its_digest_and_layers_become_files(registry: Registry, hub: Oci) -> None:
    pinned = pushed(registry)
    found = hub.snapshot(f"{registry.host}/{NAME}:1.0")
    assert (found.repo, found.revision) == (f"{registry.host}/{NAME}:1.0", pinned)
    assert found.files == (
        RemoteFile("config.json", 8, digest(b'{"a": 1}').removeprefix("sha256:")),
        RemoteFile("model.safetensors", 18, digest(b"weights of a model").removeprefix("sha256:")),
        RemoteFile("more.safetensors", None, None),  # the digest of an archive is not the file's
    )
    assert found.raw["config"] == {"descriptor": {"name": "tiny"}}
    assert hub.snapshot(f"{registry.host}/{NAME}", pinned).revision == pinned


def test_a_token_is_asked_for_once_and_only_by_registries_that_want_one(registry: Registry, hub: Oci) -> None:
    pushed(registry)
    hub.snapshot(f"{registry.host}/{NAME}:1.0")
    paths = [path for path, _ in registry.asked]
    assert paths[1] == "/token?service=tests&scope=repository%3Aacme%2Ftiny%3Apull"
    assert [said for _, said in registry.asked] == ["", "", f"Bearer {TOKEN}", f"Bearer {TOKEN}"]
    registry.login = False
    registry.asked.clear()
    Oci(Http(allow_private=True)).snapshot(f"{registry.host}/{NAME}:1.0")
    assert [said for _, said in registry.asked] == ["", ""]


def test_files_are_read_whole_and_in_parts(registry: Registry, hub: Oci) -> None:
    pushed(registry)
    found = hub.snapshot(f"{registry.host}/{NAME}:1.0")
    assert hub.read(found, "config.json") == b'{"a": 1}'
    assert hub.part(found, "model.safetensors", 7, 11) == b" of "
    assert hub.part(found, "model.safetensors", 16, 4096) == b"el"
    assert hub.part(found, "model.safetensors", 100, 200) == b""
    assert hub.address(found, "config.json") == f"{registry.address}/v2/{NAME}/blobs/" + digest(b'{"a": 1}')
    with pytest.raises(FetchError, match=r"8 bytes, more than the 4 that are read"):
        hub.read(found, "config.json", limit=4)
    for path in ("missing", "more.safetensors"):
        with pytest.raises(MissingError, match="no file"):
            hub.read(found, path)


def test_an_index_leads_to_the_model_in_it(registry: Registry, hub: Oci) -> None:
    pinned = pushed(registry)
    entry = {"mediaType": MANIFEST, "digest": pinned, "size": 1}
    other = {"mediaType": MANIFEST, "digest": f"sha256:{'b' * 64}", "size": 1}
    model = {**entry, "artifactType": "application/vnd.cncf.model.manifest.v1+json"}
    registry.push(NAME, "all", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [other, model]})
    registry.push(NAME, "two", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [other, entry]})
    registry.push(NAME, "odd", {"schemaVersion": 2, "mediaType": INDEX, "manifests": None})
    assert hub.snapshot(f"{registry.host}/{NAME}:all").revision == pinned
    with pytest.raises(FetchError, match="an index of 2 manifests; name the one"):
        hub.snapshot(f"{registry.host}/{NAME}:two")
    with pytest.raises(FetchError, match="an index of no manifest"):
        hub.snapshot(f"{registry.host}/{NAME}:odd")


def test_an_index_in_itself_ends(registry: Registry, hub: Oci) -> None:
    inner = registry.push(NAME, "in", {"mediaType": INDEX, "manifests": [{"digest": f"sha256:{'b' * 64}"}]})
    registry.push(NAME, "out", {"mediaType": INDEX, "manifests": [{"digest": inner}]})
    with pytest.raises(FetchError, match="an index inside an index"):
        hub.snapshot(f"{registry.host}/{NAME}:out")


def test_other_bytes_than_the_digest_says_are_an_alarm(registry: Registry, hub: Oci) -> None:
    pinned = pushed(registry)
    registry.manifests[NAME, pinned] = (MANIFEST, b"{}")
    with pytest.raises(FetchError, match=r"sent another manifest.*do not use this source"):
        hub.snapshot(f"{registry.host}/{NAME}@{pinned}")
    again = pushed(registry, {"descriptor": {"name": "again"}})
    config = json.loads(registry.manifests[NAME, again][1])["config"]["digest"]
    registry.blobs[config] = b'{"descriptor": {"name": "evil"}}'
    with pytest.raises(FetchError, match="other bytes than its digest"):
        hub.snapshot(f"{registry.host}/{NAME}:1.0")


def test_what_is_not_there_or_not_for_us_is_said(registry: Registry, hub: Oci) -> None:
    with pytest.raises(MissingError, match="nothing"):
        hub.snapshot(f"{registry.host}/{NAME}:9.9")


@pytest.mark.parametrize(
    "token", [b"{}", b'{"token": null}', b'{"token": ""}', b'{"token": "a\\nb"}', b"[]", b"<html>", b'{"token": ["a"]}']
)
def test_a_login_that_gives_no_token_ends_in_words(
    registry: Registry, hub: Oci, token: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(registry)
    real = registry.answer
    monkeypatch.setattr(
        registry, "answer", lambda path, said: (200, {}, token) if path.startswith("/token") else real(path, said)
    )
    with pytest.raises(FetchError, match=r"gives no token to strangers|is no JSON"):
        hub.snapshot(f"{registry.host}/{NAME}:1.0")


@pytest.mark.parametrize("challenge", ["", "Basic realm=x", 'Bearer realm="file:///etc/passwd"', "Bearer", "Bearer x"])
def test_a_refusal_without_a_way_in_stays_one(
    registry: Registry, hub: Oci, challenge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "answer", lambda *_: (401, {"WWW-Authenticate": challenge}, b""))
    with pytest.raises(DeniedError, match="401"):
        hub.snapshot(f"{registry.host}/{NAME}:1.0")


GOOD = {"mediaType": f"{WEIGHT}.raw", "digest": f"sha256:{'a' * 64}", "size": 1}


@pytest.mark.parametrize(
    "layers",
    [
        None,
        {},
        [None],
        [[]],
        [{**GOOD, "digest": "sha256:12"}],
        [{**GOOD, "digest": f"sha512:{'a' * 128}"}],
        [{**GOOD, "digest": None}],
        [{**GOOD, "size": -1}],
        [{**GOOD, "size": True}],
        [{**GOOD, "size": 10**40}],
        [{**GOOD, "mediaType": 7}],
    ],
)
def test_layers_that_cannot_be_meant_end_in_words(registry: Registry, hub: Oci, layers: object) -> None:
    registry.push(NAME, "odd", {**registry.model({}), "layers": layers})
    with pytest.raises(FetchError, match=r"no list of layers|no media type, SHA-256 digest or size"):
        hub.snapshot(f"{registry.host}/{NAME}:odd")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\\b", "C:x", "a//b", "a\nb", ".", "x" * 300])
def test_a_path_that_leads_out_is_no_file(registry: Registry, hub: Oci, path: str) -> None:
    assert not inside(path)
    registry.push(NAME, "odd", registry.model({}, registry.blob(b"x", f"{WEIGHT}.raw", path)))
    found = hub.snapshot(f"{registry.host}/{NAME}:odd")
    assert found.files == ()
    assert found.raw["layers"][0].named == path


def test_annotations_of_any_shape_are_survived(registry: Registry, hub: Oci) -> None:
    odd: list[object] = [None, [], "x", {"org.cncf.model.filepath": 7}, {"org.cncf.model.file.metadata+json": "{"}]
    layers = [{**registry.blob(b"%d" % index, f"{WEIGHT}.tar"), "annotations": each} for index, each in enumerate(odd)]
    registry.push(NAME, "odd", registry.model({}, *layers))
    assert hub.snapshot(f"{registry.host}/{NAME}:odd").files == ()


def test_an_archive_says_the_size_of_its_file(registry: Registry, hub: Oci) -> None:
    layer = registry.blob(b"archive", f"{WEIGHT}.tar", "a.bin")
    layer["annotations"]["org.cncf.model.file.metadata+json"] = json.dumps({"name": "a.bin", "size": 5})
    registry.push(NAME, "tar", registry.model({}, layer))
    assert hub.snapshot(f"{registry.host}/{NAME}:tar").files == (RemoteFile("a.bin", 5, None),)


def test_two_layers_of_one_name_are_one_file(registry: Registry, hub: Oci) -> None:
    layers = [registry.blob(data, f"{WEIGHT}.raw", "a.bin") for data in (b"1", b"2")]
    registry.push(NAME, "two", registry.model({}, *layers))
    assert len(hub.snapshot(f"{registry.host}/{NAME}:two").files) == 1


def test_layers_of_ollama_get_names(registry: Registry, hub: Oci) -> None:
    layers = [registry.blob(b"a", f"{OLLAMA}.model"), registry.blob(b"b", f"{OLLAMA}.projector")]
    layers += [registry.blob(b"c", f"{OLLAMA}.model"), registry.blob(b"d", f"{OLLAMA}.template")]
    registry.push(NAME, "o", registry.model({}, *layers))
    names = [file.path for file in hub.snapshot(f"{registry.host}/{NAME}:o").files]
    assert names == ["model-2.gguf", "model.gguf", "projector.gguf"]


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff", b"1" * 5000])
def test_an_answer_that_is_no_object_ends_in_words(data: bytes) -> None:
    with pytest.raises(FetchError, match="is no JSON"):
        decoded("it", data)
