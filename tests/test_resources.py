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
