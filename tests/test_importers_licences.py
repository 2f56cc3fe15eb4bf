"""Licence ids of hubs and catalogues."""

from __future__ import annotations

import pytest

from galleryctl.importers.licences import back, spdx


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("mit", "MIT"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("odbl", "ODbL-1.0"),
        ("llama3.1", "LicenseRef-llama3.1"),
        ("gemma", "LicenseRef-gemma"),
        ("flux-1-dev-non-commercial-license", "LicenseRef-flux-1-dev-non-commercial-license"),
        ("openrail++", "LicenseRef-openrail-plus-plus"),
        ("etalab-2.0", "etalab-2.0"),
    ],
)
def test_usual_spellings_come_back(text: str, expression: str) -> None:
    assert spdx(text) == expression
    assert back(expression) == text


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("MIT", "MIT"),
        (" apache-2 ", "Apache-2.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("licenseref-Own", "LicenseRef-Own"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("Llama 3 Community", "LicenseRef-Llama-3-Community"),
    ],
)
def test_other_spellings_are_understood(text: str, expression: str) -> None:
    assert spdx(text) == expression


@pytest.mark.parametrize(
    "text", [None, "", "  ", "other", "Unknown", "none", "n/a", "---", "https://example.org/licence", "x" * 500]
)
def test_what_names_no_licence_is_none(text: str | None) -> None:
    assert spdx(text) is None


def test_a_choice_of_licences_is_not_respelt() -> None:
    assert back("MIT OR Apache-2.0") == "MIT OR Apache-2.0"
