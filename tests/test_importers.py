"""Who reads which reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from galleryctl.errors import UsageError
from galleryctl.fetch import Response
from galleryctl.importers import claim, importers, reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.fetch import Fetcher, Limits


class Pages:
    """Addresses in memory, and how often each was read."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self._pages = pages
        self.asked: list[str] = []

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None) -> Response:  # noqa: ARG002
        self.asked.append(url)
        return Response(url, 200, {}, self._pages[url])


def fetcher(pages: Mapping[str, bytes] | None = None) -> Fetcher:
    return Pages(pages or {})  # type: ignore[return-value]  # the part of the port that is asked for


EXAMPLES = [(importer.NAME, example) for importer in importers() for example in importer.EXAMPLES]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_claimed_by_the_importer_that_gives_it_and_by_no_other(name: str, example: str) -> None:
    given = reference(example, fetcher({example: b"nothing that anybody knows"}))
    assert [importer.NAME for importer in importers() if importer.claims(given)] == [name]
    assert name == claim(given).NAME


def test_names_are_unique_and_titles_are_for_people() -> None:
    found = list(importers())
    assert len({importer.NAME for importer in found}) == len(found)
    assert all(importer.TITLE[:1].isupper() for importer in found)


def test_a_path_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "Qwen").mkdir()
    with pytest.raises(UsageError, match=r"there is no file or folder Qwen/Qwen3; .* is huggingface:Qwen/Qwen3$"):
        reference("Qwen/Qwen3", fetcher())
    with pytest.raises(UsageError, match=r"no file or folder \./missing\.json; sources are files"):
        reference("./missing.json", fetcher())
    with pytest.raises(UsageError, match="empty"):
        reference(" ", fetcher())


def test_a_file_is_read_once_and_a_folder_never(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"[]")
    given = reference(str(file), fetcher())
    assert (given.data, given.start, given.path, given.is_address) == (b"[]", "[]", file, False)
    file.write_bytes(b"{}")
    assert given.data == b"[]"
    assert reference(str(tmp_path), fetcher()).data == b""


def test_an_address_is_read_once_and_only_when_its_look_says_nothing() -> None:
    pages = Pages({"https://x.example/list": b"\0\1\2"})
    given = reference("https://x.example/list", pages)  # type: ignore[arg-type]  # as above
    assert given.is_address
    assert pages.asked == []
    with pytest.raises(UsageError, match=r"nothing is known that reads https://x\.example/list"):
        claim(given)
    assert given.data == b"\0\1\2"
    assert len(pages.asked) <= 1


def test_what_nobody_reads_is_told_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UsageError, match=r"nothing is known that reads .*cat\.jpg"):
        claim(reference(str(tmp_path / "cat.jpg"), fetcher()))
    with pytest.raises(UsageError, match=r"nothing is known that reads xyz:abc\. .*\n  Xinference catalogue\n"):
        claim(reference("xyz:abc", fetcher()))


DATA = Path(__file__).parents[2] / "shared/data"
CATALOGUES = [
    *[("xinference", f"xinference/{kind}.json") for kind in ("llm", "embedding", "rerank", "image", "audio", "video")],
    ("localai", "localai/index.yaml"),
    ("lmstudio", "lmstudio/catalog.json"),
    ("gpt4all", "gpt4all/models3.json"),
    ("modelsdev", "models.dev/models.json"),
    ("modelsdev", "models.dev/models"),
]


@pytest.mark.skipif(not DATA.exists(), reason="needs the recorded catalogues beside the repository")
@pytest.mark.parametrize(("name", "path"), CATALOGUES)
def test_a_recorded_catalogue_is_claimed_by_one(name: str, path: str) -> None:
    given = reference(str(DATA / path), fetcher())
    assert [importer.NAME for importer in importers() if importer.claims(given)] == [name]
    address = f"https://x.example/{Path(path).name}"
    if (DATA / path).is_file():
        assert name == claim(reference(address, fetcher({address: (DATA / path).read_bytes()}))).NAME


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("xinference", '[{"version": 2, "model_name": "a", "model_specs": []}]'),
        ("localai", "- name: a\n  url: github:x/y/z.yaml@master\n  files: []\n"),
        ("localai", "---\n- &a\n  name: a\n  urls: [https://x.example]\n- <<: *a\n  name: b\n"),
        ("list", "# all\nhttps://x.example/a.gguf\n\nTogether:\nhttps://x.example/b.gguf\n"),
        ("list", "huggingface:Qwen/Qwen3-8B\n"),
    ],
)
def test_a_small_catalogue_is_claimed_by_one(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "source").write_text(text)
    given = reference(str(tmp_path / "source"), fetcher())
    assert [importer.NAME for importer in importers() if importer.claims(given)] == [name]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "title: Tiny\n", "a\nb\n", "key: value\nother: https://x.example\n", "\0"]
)
def test_what_is_no_catalogue_is_claimed_by_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "source").write_text(text)
    given = reference(str(tmp_path / "source"), fetcher())
    assert [importer.NAME for importer in importers() if importer.claims(given)] == []
