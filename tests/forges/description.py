"""GitHub's published description of its API, as the judge of each request and answer, and as the shape of answers.

The file is fetched by `make github`, kept out of git, and pinned by its digest there. What is let pass against it is
data: `GENERAL` and `WRONG`, each with its reason.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache, cached_property, reduce
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import unquote

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json: TypeAlias = Any  # shapes of answers are what this module is about
FILE = Path(__file__).parents[2] / ".openapi/api.github.com.json"
_URN = "urn:github"
_SLASHES = {"path", "ref", "branch", "basehead"}  # these may hold slashes
GENERAL = {401, 403, 404, 422, 429, 500, 502, 503}
"""Statuses that any call may be answered with; the description names them only where it has more to say."""
_PULLS = ("pull-request", "pull-request-simple")
_CONTENTS = ("paths", "/repos/{owner}/{repo}/contents/{path}", "get", "responses", "200", "content", "application/json")
_WRITTEN = ("paths", "/repos/{owner}/{repo}/contents/{path}", "put", "responses", "409", "content", "application/json")
_EITHER = [{"$ref": f"#/components/schemas/{name}"} for name in ("basic-error", "repository-rule-violation-error")]
_HEADS = [("components", "schemas", name, "properties", "head", "properties") for name in _PULLS]
_OR_NOTHING = {"oneOf": [{"$ref": "#/components/schemas/repository"}, {"enum": [None], "nullable": True}]}
WRONG: tuple[tuple[tuple[str, ...], str, Json, str], ...] = (
    # where, the word that is wrong, what it should be (none: left out), reason
    ((*_CONTENTS, "schema"), "discriminator", None, "chooses by `type`, which the list of a folder cannot have"),
    (
        _WRITTEN,
        "schema",
        {"anyOf": _EITHER},
        "`oneOf` two schemas of which any error of the first is one of the second",
    ),
    *((place, "repo", _OR_NOTHING, "null once a fork is deleted, as GitHub answers in fact") for place in _HEADS),
)
_WORDS: Mapping[str, Json] = {"date-time": "2026-01-02T03:04:05Z", "date": "2026-01-02", "email": "a@acme.example"}


class Operation(NamedTuple):
    """One call that the description knows, with the words of its address."""

    method: str
    path: str
    given: Mapping[str, str]


def needed() -> None:
    """Skip the test that calls this where the description was not fetched; in CI, where it has to be, fail."""
    if FILE.is_file():
        return
    if os.environ.get("CI"):
        pytest.fail("GitHub's description is missing: run `make github`")
    pytest.skip("needs GitHub's description: run `make github`")


@cache
def description() -> Description:
    return Description(json.loads(FILE.read_bytes()))


class Description:
    def __init__(self, document: Json) -> None:
        self._document = document
        for place, word, right, _ in WRONG:
            here = reduce(getitem, place, document)
            here[word] = right
            if right is None:
                del here[word]
        resource = Resource.from_contents(document, default_specification=DRAFT4)
        self._registry: Registry[Json] = Registry().with_resource(_URN, resource)
        self._validators: dict[str, OAS30Validator] = {}

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], tuple[str, ...], str]]:
        routes = []
        for path in self._document["paths"]:
            words = re.split(r"\{([^}]+)\}", path)
            pattern = "".join(
                (r"(.+)" if word in _SLASHES else r"([^/]+)") if index % 2 else re.escape(word)
                for index, word in enumerate(words)
            )
            routes.append((re.compile(pattern), tuple(words[1::2]), path))
        # Fixed words win over what may be anything.
        return sorted(routes, key=lambda each: (len(each[1]), -len(re.sub(r"\{[^}]+\}", "", each[2]))))

    def operation(self, method: str, path: str) -> Operation | None:
        for pattern, names, template in self._routes:
            if (found := pattern.fullmatch(path)) and method.lower() in self._document["paths"][template]:
                given = dict(zip(names, map(unquote, found.groups()), strict=True))
                return Operation(method.lower(), template, given)
        return None

    def _at(self, operation: Operation, *rest: str) -> str:
        parts = ("paths", operation.path, operation.method, *rest)
        return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)

    def _look(self, pointer: str) -> Json:
        found = self._document
        for part in pointer[1:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901 - the word itself
            found = found[int(part)] if isinstance(found, list) else found[part]
        return found

    def _followed(self, pointer: str) -> str:
        while "$ref" in (found := self._look(pointer)):
            pointer = found["$ref"].removeprefix("#")
        return pointer

    def _errors(self, pointer: str, value: Json) -> Iterator[str]:
        validator = self._validators.get(pointer)
        if validator is None:
            fragment = "".join(f"%{ord(each):02X}" if each in "{}" else each for each in pointer)
            validator = OAS30Validator({"$ref": f"{_URN}#{fragment}"}, registry=self._registry)
            self._validators[pointer] = validator
        for error in validator.iter_errors(value):
            place = "/".join(str(part) for part in error.absolute_path)
            yield f"{place}: {error.message[:300]}" if place else error.message[:300]

    def of_request(self, operation: Operation, query: Mapping[str, str], body: Json) -> list[str]:
        """What is wrong with a request."""
        pointer = self._at(operation)
        here = self._look(pointer)
        found = list(self._of_parameters(pointer, here, operation, query))
        if "requestBody" in here:
            inside = self._followed(f"{pointer}/requestBody")
            if body is not None:
                found += self._errors(f"{inside}/content/application~1json/schema", body)
            elif self._look(inside).get("required"):
                found.append("a body is missing")
        elif body is not None:
            found.append("a body that nobody reads")
        return [f"request: {each}" for each in found]

    def _of_parameters(self, pointer: str, here: Json, operation: Operation, query: Mapping[str, str]) -> Iterator[str]:
        known: set[str] = set()
        for index, _ in enumerate(here.get("parameters", [])):
            at = self._followed(f"{pointer}/parameters/{index}")
            parameter = self._look(at)
            name, given = parameter["name"], query if parameter["in"] == "query" else operation.given
            if parameter["in"] == "query":
                known.add(name)
            if parameter["in"] in {"query", "path"} and name in given:
                kind = self._look(self._followed(f"{at}/schema")).get("type")
                yield from (f"{name}: {each}" for each in self._errors(f"{at}/schema", _read(given[name], kind)))
            elif parameter["in"] == "query" and parameter.get("required"):
                yield f"{name} is missing"
        yield from (f"{name} is no parameter" for name in query if name not in known)

    def of_answer(self, operation: Operation, status: int, body: Json) -> list[str]:
        """What is wrong with an answer."""
        schema = self._schema(operation, status)
        if schema is None:
            return [f"answer: the description knows no status {status}"]
        if not schema:
            return [] if body is None else ["answer: a body where there is none"]
        return [f"answer: {each}" for each in self._errors(schema, body)]

    def _schema(self, operation: Operation, status: int) -> str | None:
        """Pointer to the schema of an answer; empty where it has no body, none where there is no such answer."""
        pointer = self._at(operation, "responses", str(status))
        if str(status) not in self._look(self._at(operation, "responses")):
            return "/components/schemas/basic-error" if status in GENERAL else None
        inside = self._followed(pointer)
        content = self._look(inside).get("content", {})
        if "application/json" in content:
            return f"{inside}/content/application~1json/schema"
        return "/components/schemas/basic-error" if status >= 400 else ""

    def answer(self, operation: Operation, status: int, real: Json, base: str) -> Json:
        """The least that the description allows, with real values laid over; every address begins with `base`."""
        schema = self._schema(operation, status)
        assert schema, f"{operation.method} {operation.path} has no answer {status}"
        return self._laid(schema, real, base)

    def _laid(self, pointer: str, real: Json, base: str) -> Json:
        pointer = self._followed(pointer)
        if isinstance(real, list):
            items = next((each for each in self._branches(pointer) if "items" in self._look(each)), None)
            return [self._laid(f"{items}/items", each, base) for each in real] if items else real
        if not isinstance(real, dict):
            return real
        branch = next((each for each in self._branches(pointer) if self._properties(each)), None)
        if branch is None:
            return dict(real) if real else self._least(pointer, base)
        inside, required = self._properties(branch), self._required(branch)
        least = {name: self._least(inside[name], base) for name in required if name not in real and name in inside}
        given = {name: self._laid(inside[name], each, base) if name in inside else each for name, each in real.items()}
        return {**least, **given}

    def _branches(self, pointer: str) -> Iterator[str]:
        """Pointers to what a schema may be, first choice first."""
        pointer = self._followed(pointer)
        yield pointer
        for word in ("oneOf", "anyOf"):
            for index, _ in enumerate(self._look(pointer).get(word, [])):
                yield from self._branches(f"{pointer}/{word}/{index}")

    def _properties(self, pointer: str) -> dict[str, str]:
        pointer = self._followed(pointer)
        schema = self._look(pointer)
        found: dict[str, str] = {}
        for index, _ in enumerate(schema.get("allOf", [])):
            found |= self._properties(f"{pointer}/allOf/{index}")
        names = schema.get("properties", {})
        return found | {name: f"{pointer}/properties/{name.replace('~', '~0').replace('/', '~1')}" for name in names}

    def _required(self, pointer: str) -> list[str]:
        pointer = self._followed(pointer)
        schema = self._look(pointer)
        inherited = [self._required(f"{pointer}/allOf/{index}") for index, _ in enumerate(schema.get("allOf", []))]
        return [*(name for names in inherited for name in names), *schema.get("required", [])]

    def _least(self, pointer: str, base: str) -> Json:
        pointer = self._followed(pointer)
        schema = self._look(pointer)
        if schema.get("nullable") or pointer.endswith("nullable-simple-user"):
            return None
        if "enum" in schema:
            return schema["enum"][0]
        if self._properties(pointer) or schema.get("type") == "object":
            return self._laid(pointer, {}, base) if self._properties(pointer) else {}
        for word in ("oneOf", "anyOf", "allOf"):
            if word in schema:
                return self._least(f"{pointer}/{word}/0", base)
        if schema.get("type") == "string":
            name = pointer.rpartition("/")[2]
            address = schema.get("format") == "uri" or name.endswith("url")
            return f"{base}/{name}" if address else _WORDS.get(schema.get("format", ""), "")
        return {"integer": schema.get("minimum", 0), "number": 0, "boolean": False, "array": []}.get(schema.get("type"))


def _read(text: str, kind: str | None) -> Json:
    """A word of an address as the type that it should have; as it is where it is not of that type."""
    if kind in {"integer", "number"} and re.fullmatch("-?[0-9]+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text
