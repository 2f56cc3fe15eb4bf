from pathlib import Path

import pytest

from galleryctl import resources


def test_a_checkout_uses_its_own_folders() -> None:
    checkout = Path(__file__).parents[1]
    assert resources.root("schemas") == checkout / "schemas"
    assert resources.root("site_templates") == checkout / "site_templates"
    assert (resources.root("vendor") / "minisearch.js").is_file()


def test_what_is_missing_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="its folder nowhere is missing"):
        resources.root("nowhere")


def test_a_digest_covers_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    file = tmp_path / "inner" / "a"
    file.write_text("1")
    first = resources.folder_digest(tmp_path)
    assert resources.folder_digest(tmp_path) == first
    file.write_text("2")
    second = resources.folder_digest(tmp_path)
    file.rename(tmp_path / "inner" / "b")
    third = resources.folder_digest(tmp_path)
    assert len({first, second, third}) == 3


def test_the_program_has_one_digest() -> None:
    assert resources.program() == resources.program()
    assert len(resources.program()) == 64
