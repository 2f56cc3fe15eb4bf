"""PTH: what may lie where, read from the tree alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.rule import Context, Finding, Rule
    from galleryctl.git import TreeEntry


def findings(entries: Mapping[str, TreeEntry], context: Context) -> Iterator[tuple[str, Finding]]:
    """What the rules about paths find, with the rule's code. Paths are relative to the registry."""
    yield from ()


RULES: tuple[Rule, ...] = ()
