"""The layers and library homes of the design, over the syntax tree."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = SOURCE / "galleryctl"

LAYERS = (  # a line imports only from lines below it
    ("__main__",),
    ("cli",),
    ("reviewing",),
    ("serve", "report", "forge", "importers", "signing", "client", "terminal"),
    ("building",),
    ("authoring", "policy", "index", "search", "site", "exports", "inspection"),
    ("loading",),
    ("checks",),
    ("changes",),
    ("audience", "runtimes", "visibility"),
    ("gallery", "hubs"),
    ("document", "git", "fetch", "output", "schemas"),
    ("spec", "layout", "memory"),
    ("problems", "errors", "resources", "canonical", "patches"),
    ("parallel",),
    ("__init__",),
)
SIDEWAYS = {  # within one line, each with its reason
    ("layout", "spec"),  # paths are made of the ids and versions that spec defines
    ("schemas", "output"),  # all writing goes through one writer
    ("memory", "spec"),  # an estimate from a release's facts
    ("signing", "client"),  # what is signed goes on from what a client verifies
    ("site", "search"),  # the facets of a page and of the search documents are the same
}
HOMES = {  # third-party library, or part of the standard library that needs care → the modules that may import it
    "botocore": ("hubs.objects",),
    "click": ("cli",),
    "concurrent": ("parallel", "client.pulling"),
    "cryptography": ("signing",),
    "github": ("forge.api",),
    "httpcore2": ("fetch",),
    "httpx2": ("fetch", "hubs.huggingface"),
    "huggingface_hub": ("hubs.huggingface",),
    "jinja2": ("site", "checks.sandbox"),
    "jsonschema": ("checks",),
    "langcodes": ("checks",),
    "license_expression": ("checks.licences",),
    "markdown_it": ("site",),
    "markupsafe": ("site",),
    "mlflow": ("hubs.mlflow",),
    "multiprocessing": ("parallel",),
    "nh3": ("site",),
    "packaging": ("checks",),
    "picklescan": ("inspection.pickles",),
    "pydantic": ("",),  # the language of the types
    "pydantic_core": ("",),
    "questionary": ("terminal",),
    "referencing": ("checks",),
    "requests": ("forge.api",),  # for its exceptions: PyGithub lets them through
    "rfc8785": ("canonical",),
    "rich": ("terminal",),
    "s3fs": ("hubs.objects",),
    "securesystemslib": ("signing", "client.trust"),
    "subprocess": ("git", "inspection.scanner"),  # the scanner is one that the policy names
    "tuf": ("signing", "client.trust"),
    "watchfiles": ("serve",),
    "yaml": ("document",),
}
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
CLIENT_NEVER = {"git", "checks", "loading", "site", "forge"}  # a runtime installs the client light

FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted(Path(__file__).parent.rglob("*.py"))


def module(path: Path) -> str:
    """`checks/licences.py` as `checks.licences`, `checks/__init__.py` as `checks`."""
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__")


def top(name: str) -> str:
    return name.partition(".")[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Absolute names, wherever the import stands: at the top, in a function or under TYPE_CHECKING."""
    package = ["galleryctl", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*whole, alias.name]) for alias in node.names)


def ours(path: Path) -> Iterator[str]:
    """Top-level parts of the package that a file imports; a name of the package itself counts as `__init__`."""
    parts = {name for line in LAYERS for name in line}
    for name in imported(path):
        if top(name) == "galleryctl":
            inner = top(name.removeprefix("galleryctl").removeprefix("."))
            yield (
                inner
                if inner in parts or (PACKAGE / f"{inner}.py").exists() or (PACKAGE / inner).is_dir()
                else "__init__"
            )


def backwards(importer: str, target: str) -> bool:
    height = {name: len(LAYERS) - index for index, line in enumerate(LAYERS) for name in line}
    reach = height.get(target, len(LAYERS))  # what has no layer yet is named like what lies above
    return importer != target and reach >= height.get(importer, 0) and (importer, target) not in SIDEWAYS


def at_home(name: str, homes: tuple[str, ...]) -> bool:
    return any(not home or name == home or name.startswith(f"{home}.") for home in homes)


def test_every_module_has_a_layer() -> None:
    placed = {name for line in LAYERS for name in line}
    assert {top(module(path)) for path in FILES} - placed == set()


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_point_down(path: Path) -> None:
    importer = top(module(path))
    assert [target for target in ours(path) if backwards(importer, target)] == []


@pytest.mark.parametrize("path", FILES, ids=module)
def test_libraries_stay_at_home(path: Path) -> None:
    foreign = {top(name) for name in imported(path)} - {"galleryctl", "__future__"}
    watched = {name for name in foreign if name in HOMES or name not in sys.stdlib_module_names}
    assert sorted(name for name in watched if not at_home(module(path), HOMES.get(name, ()))) == []


def test_client_is_light() -> None:
    reach = {top(module(path)): set[str]() for path in FILES}
    for path in FILES:
        reach[top(module(path))] |= set(ours(path))
    seen: set[str] = set()
    queue = ["client"]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue.extend(reach.get(name, ()))
    assert seen & CLIENT_NEVER == set()


@pytest.mark.parametrize("path", FILES, ids=module)
def test_names_say_something(path: Path) -> None:
    assert NAMELESS.isdisjoint(module(path).split("."))


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=lambda path: path.name)
def test_sizes(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [node.name for node in functions if (node.end_lineno or node.lineno) - node.lineno + 1 > 60] == []


@pytest.mark.parametrize(
    ("importer", "target", "wrong"),
    [
        ("cli", "checks", False),
        ("checks", "cli", True),
        ("checks", "changes", False),
        ("changes", "checks", True),
        ("policy", "forge", True),
        ("spec", "layout", True),
        ("layout", "spec", False),
        ("checks", "checks", False),
        ("problems", "spec", True),
    ],
)
def test_the_contract_itself(importer: str, target: str, wrong: bool) -> None:
    assert backwards(importer, target) is wrong
