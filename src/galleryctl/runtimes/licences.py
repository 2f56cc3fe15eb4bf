"""How hubs and catalogues spell licences: SPDX ids in lower case, licences of their own by name alone."""

from __future__ import annotations

_OWN = "LicenseRef-"
HUB: dict[str, str] = {
    "AGPL-3.0-only": "agpl-3.0",
    "C-UDA-1.0": "c-uda",
    "GPL-2.0-only": "gpl-2.0",
    "GPL-3.0-only": "gpl-3.0",
    "LGPL-2.1-only": "lgpl-2.1",
    "LGPL-3.0-only": "lgpl-3.0",
    "LicenseRef-openrail-plus-plus": "openrail++",
    "ODbL-1.0": "odbl",
    "PDDL-1.0": "pddl",
}
"""Ids of the hubs that are not the SPDX id in lower case."""


def back(expression: str) -> str:
    """The catalogues' spelling of an SPDX expression: `apache-2.0` for `Apache-2.0`, `llama3.1` for its reference."""
    if expression in HUB:
        return HUB[expression]
    if " " in expression:  # only single ids have a spelling of their own
        return expression
    return expression.removeprefix(_OWN) if expression.startswith(_OWN) else expression.lower()
