"""The text below each field of a type, which schemas and messages repeat.

It is read from the source where it is asked for: Pydantic would do that for every type whenever a command starts.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from galleryctl.spec.base import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


def fields(kind: type[Frozen]) -> Mapping[str, str]:
    """Name of a field → its text; inherited ones as well, and none for a field without."""
    found: dict[str, str] = {}
    for each in (each for each in reversed(kind.__mro__) if issubclass(each, Frozen)):
        found |= _of(each.__module__).get(each.__name__, {})
    return found


@cache
def _of(module: str) -> Mapping[str, Mapping[str, str]]:
    """Class → field → text."""
    source = inspect.getsource(sys.modules[module])
    return {
        each.name: {
            field.target.id: inspect.cleandoc(below.value.value)
            for field, below in pairwise(each.body)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        }
        for each in ast.parse(source).body
        if isinstance(each, ast.ClassDef)
    }
