"""Where files come from: addresses in their order, secrets for their own hosts, and what a definition may not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from galleryctl.client.errors import PullError
from galleryctl.client.results import Resolved
from galleryctl.client.sources import Address, Wanted, itself, wanted, weight
from galleryctl.spec.release import File, Hub, Oci, Prefix, Sources

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "ab" * 32
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILE = File(path="sub dir/model.gguf", size=5, sha256=DIGEST)


def resolved(*files: File, quantization: str = "Q4_K_M", **sources: Any) -> Resolved:  # noqa: ANN401
    return Resolved(
        id="acme/tiny", type="llm", version="1.0.0", variant="8b-gguf", quantization=quantization, format="gguf",
        files=files or (FILE,), sources=Sources(**sources) if sources else None, bytes=5, needed=None, pinned=True,
        sha256=DIGEST, why=(),
    )  # fmt: skip


def urls(found: Resolved, **given: Any) -> list[str]:  # noqa: ANN401
    (file,) = wanted(found, **({"environ": {}} | given))
    return [address.url for address in file.addresses]


EVERYWHERE: dict[str, Any] = {
    "huggingface": Hub(repo="acme/tiny", revision=COMMIT),
    "modelscope": Hub(repo="Acme/Tiny", revision="v1"),
    "csghub": Hub(repo="acme/tiny", revision=COMMIT),
    "object": Prefix(prefix="s3://bucket/models/tiny"),
    "url": Prefix(prefix="https://example.org/tiny/?sig=a%2Fb"),
}


def test_addresses_come_in_the_order_of_the_definition() -> None:
    file = FILE.model_copy(update={"url": "https://example.net/own"})
    assert urls(resolved(file, **EVERYWHERE), mirrors=["https://mirror.example.org/gallery/"]) == [
        "https://example.net/own",
        f"https://huggingface.co/acme/tiny/resolve/{COMMIT}/sub%20dir/model.gguf",
        "https://www.modelscope.cn/models/Acme/Tiny/resolve/v1/sub%20dir/model.gguf",
        f"https://hub.opencsg.com/hf/acme/tiny/resolve/{COMMIT}/sub%20dir/model.gguf",
        "s3://bucket/models/tiny/sub dir/model.gguf",
        "https://example.org/tiny/sub%20dir/model.gguf?sig=a%2Fb",
        f"https://mirror.example.org/gallery/weights/ab/{DIGEST}",
    ]


def test_the_operator_may_choose_another_order() -> None:
    found = urls(
        resolved(**EVERYWHERE), order=["mirror", "modelscope"], own=["https://one.example", "https://two.example"]
    )
    assert [url.split("/")[2] for url in found[:4]] == [
        "one.example", "two.example", "www.modelscope.cn", "huggingface.co",
    ]  # fmt: skip
    with pytest.raises(PullError, match="no kind of source is called 'hugging'"):
        wanted(resolved(**EVERYWHERE), order=["hugging"])


def test_endpoints_and_tokens_of_the_environment() -> None:
    environ = {
        "HF_ENDPOINT": "https://hf-mirror.com/", "HF_TOKEN": "hf_secret", "MODELSCOPE_DOMAIN": "modelscope.ai",
        "MODELSCOPE_API_TOKEN": "ms_secret", "CSGHUB_DOMAIN": "https://hub.example.org", "CSGHUB_TOKEN": "csg_secret",
    }  # fmt: skip
    file = FILE.model_copy(update={"url": "https://huggingface.co/evil/model/resolve/main/x"})
    (found,) = wanted(resolved(file, **EVERYWHERE), environ=environ, mirrors=["https://mirror.example"])
    headers = {address.url.split("/")[2]: dict(address.headers) for address in found.addresses}
    assert headers == {
        "huggingface.co": {},
        "hf-mirror.com": {"authorization": "Bearer hf_secret"},
        "modelscope.ai": {"cookie": "m_session_id=ms_secret"},
        "hub.example.org": {"authorization": "Bearer csg_secret"},
        "bucket": {},
        "example.org": {},
        "mirror.example": {},
    }
    assert "secret" not in repr(found)


def test_a_token_that_would_be_two_headers_is_none() -> None:
    (found,) = wanted(resolved(huggingface=Hub(repo="a/b")), environ={"HF_TOKEN": "x\r\nhost: evil"})
    assert dict(found.addresses[0].headers) == {}


def test_a_hub_that_has_not_this_quantization() -> None:
    some = Hub(repo="acme/{quantization}", revision="main", quantizations=("Q8_0",))
    assert urls(resolved(huggingface=some)) == []
    found = urls(resolved(huggingface=some, quantization="Q8_0"))
    assert found == ["https://huggingface.co/acme/Q8_0/resolve/main/sub%20dir/model.gguf"]


def test_branches_where_no_revision_is_pinned() -> None:
    hubs: dict[str, Any] = {"huggingface": Hub(repo="a/b"), "modelscope": Hub(repo="a/b")}
    assert [url.split("/resolve/")[1].split("/")[0] for url in urls(resolved(**hubs))] == ["main", "master"]


@pytest.mark.parametrize(
    "hub",
    [
        Hub(repo="../../api", revision=COMMIT), Hub(repo="a/b/c"), Hub(repo="a"), Hub(repo="a/b?x="), Hub(repo="a/b#"),
        Hub(repo="a/..", revision="x"), Hub(repo="a/b", revision="../x"), Hub(repo="a/b", revision="x?y"),
        Hub(repo="a/b\n"), Hub(repo="@evil.example/b"), Hub(repo="a/b", revision="a..b"),
    ],
)  # fmt: skip
def test_hostile_repositories(hub: Hub) -> None:
    with pytest.raises(PullError, match="is no repository of Hugging Face; nothing was fetched"):
        wanted(resolved(huggingface=hub), environ={})


@pytest.mark.parametrize("digest", ["x", "AB" * 31, "sha256:" + DIGEST, "../" + DIGEST])
def test_digests_that_are_none(digest: str) -> None:
    with pytest.raises(PullError, match="is no SHA-256"):
        wanted(resolved(File(path="x", sha256=digest)), environ={})


def test_digests_are_read_in_either_case() -> None:
    (found,) = wanted(resolved(File(path="x", sha256=DIGEST.upper())), environ={})
    assert found.sha256 == DIGEST


def test_files_of_this_machine_are_for_those_who_allow_it() -> None:
    found = resolved(url=Prefix(prefix="file:///srv/models"))
    assert urls(found) == []
    assert urls(found, allow_private=True) == ["file:///srv/models/sub%20dir/model.gguf"]
    assert urls(found, own=["file:///media/mirror"]) == [f"file:///media/mirror/weights/ab/{DIGEST}"]


def test_a_folder_that_the_operator_named_comes_first() -> None:
    folder, far = "file:///media/mirror", "https://two.example"
    asked = resolved(**EVERYWHERE)
    assert urls(asked, own=[far, folder])[0].startswith(folder)
    assert urls(asked, own=[far])[0] == urls(asked)[0]
    assert urls(asked, own=[folder], order=["huggingface"])[0].startswith("https://huggingface.co/")


def test_a_gallery_in_a_folder_is_a_source_where_it_keeps_files(tmp_path: Path) -> None:
    folder = f"{(tmp_path / 'my copy').as_uri()}/"
    assert (itself(folder), itself("https://models.example.org/")) == ([], ["https://models.example.org/"])
    (tmp_path / "my copy/weights").mkdir(parents=True)
    assert itself(folder) == [folder]


def test_installed_under_another_name() -> None:
    (found,) = wanted(resolved(FILE.model_copy(update={"install_as": "m.gguf"})), environ={})
    assert (found.path, found.name) == ("sub dir/model.gguf", "m.gguf")


def test_what_has_no_address_says_why() -> None:
    image = "registry.example.org/acme/tiny@sha256:" + DIGEST
    (oci,) = wanted(resolved(oci=Oci(image=image)), environ={})
    assert image in oci.missing
    assert "a runtime pulls by itself" in oci.missing
    (other,) = wanted(resolved(openmind_hub=Hub(repo="a/b")), environ={})
    assert "openMind" in other.missing
    (gs,) = wanted(resolved(object=Prefix(prefix="gs://bucket/x"), url=Prefix(prefix="https://[")), environ={})
    assert gs.addresses == ()
    assert "no source that is read here" in gs.missing
    with pytest.raises(PullError, match="galleryctl release"):
        wanted(Resolved(**{**_fields(resolved()), "files": ()}), environ={})


def _fields(found: Resolved) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Resolved.__dataclass_fields__}


def test_the_layout_of_mirrors() -> None:
    assert weight(DIGEST) == f"weights/ab/{DIGEST}"


def test_labels_keep_signatures_to_themselves() -> None:
    address = Address("https://example.org/x?secret=1", "url", {"authorization": "secret"})
    assert address.label == "web folder (https://example.org/x)"
    assert "secret" not in repr(address) + repr(Wanted("x", "x", addresses=(address,)))
