"""One list of problems, four forms."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from galleryctl import checks, report
from galleryctl.output import Written
from galleryctl.problems import Problem, Severity

ERROR = Problem("registry/models/llm/acme/tiny/model.yaml", 3, 10, "LIC002", "no 100%: licence", "write, say: `MIT`")
WARN = Problem("registry/a b,c:d%.yaml", 1, 1, "TAX002", "twice", "", Severity.WARN)
NOTE = Problem("registry/é\udc80.yaml", 2, 5, "XYZ999", "first\nsecond\x1b[31m\u202e", "", Severity.NOTE)
ALL = (ERROR, WARN, NOTE)

# What SARIF 2.1.0 says of the parts we use, closed, so that a property of another name or level fails.
_TEXT = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string"}},
}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}


def _object(required: str, **properties: object) -> dict[str, object]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": properties}


_RULE = _object(
    "id",
    id={"type": "string"},
    shortDescription=_TEXT,
    help=_object("text", text={"type": "string"}, markdown={"type": "string"}),
    defaultConfiguration=_object("", level=_LEVEL),
)
_REGION = _object(
    "startLine", startLine={"type": "integer", "minimum": 1}, startColumn={"type": "integer", "minimum": 1}
)
_RESULT = _object(
    "message",
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    message=_TEXT,
    locations={
        "type": "array",
        "items": _object(
            "",
            physicalLocation=_object(
                "artifactLocation", artifactLocation=_object("", uri={"pattern": r"^[\x21-\x7e]+$"}), region=_REGION
            ),
        ),
    },
)
SARIF = _object(
    "version runs",
    **{"$schema": {"type": "string"}},
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "items": _object(
            "tool results",
            tool=_object(
                "driver",
                driver=_object(
                    "name", name={"type": "string"}, version={"type": "string"}, rules={"type": "array", "items": _RULE}
                ),
            ),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            results={"type": "array", "items": _RESULT},
        ),
    },
)


def test_text_is_a_place_and_a_fix() -> None:
    assert report.problems((ERROR, WARN), "text", checks.RULES) == (
        "registry/models/llm/acme/tiny/model.yaml:3:10: LIC002 no 100%: licence\n"
        "  fix: write, say: `MIT`\n"
        "registry/a b,c:d%.yaml:1:1: TAX002 warn: twice\n"
    )


def test_text_in_colour_says_the_same() -> None:
    coloured = report.problems(ALL, "text", checks.RULES, colour=True)
    assert "\x1b[31mLIC002\x1b[0m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == report.problems(ALL, "text", checks.RULES)


def test_texts_of_strangers_stay_on_their_line() -> None:
    text = report.problems((NOTE,), "text", checks.RULES)
    assert text == "registry/é\\udc80.yaml:2:5: XYZ999 note: first\\nsecond\\x1b[31m\\u202e\n"
    text.encode()


def test_json_has_the_fields_of_the_contract() -> None:
    found: list[dict[str, Any]] = json.loads(report.problems(ALL, "json", checks.RULES))
    assert [list(item) for item in found] == [["code", "severity", "path", "line", "column", "message", "fix"]] * 3
    assert found[0] == {
        "code": "LIC002",
        "severity": "error",
        "path": "registry/models/llm/acme/tiny/model.yaml",
        "line": 3,
        "column": 10,
        "message": "no 100%: licence",
        "fix": "write, say: `MIT`",
    }
    assert [item["severity"] for item in found] == ["error", "warn", "note"]
    assert found[2]["path"] == NOTE.path
    assert json.loads(report.problems((), "json", checks.RULES)) == []


def test_github_annotations_are_escaped_and_the_worst_come_first() -> None:
    lines = report.problems((NOTE, WARN, ERROR), "github", checks.RULES).splitlines()
    assert lines == [
        f"::error file={ERROR.path},line=3,col=10,title=LIC002::no 100%25: licence%0Afix: write, say: `MIT`",
        "::warning file=registry/a b%2Cc%3Ad%25.yaml,line=1,col=1,title=TAX002::twice",
        "::notice file=registry/é\\udc80.yaml,line=2,col=5,title=XYZ999::first%0Asecond\\x1b[31m\\u202e",
    ]


@pytest.mark.parametrize("message", ["a\n::add-mask::x", "a\r::error::x", "a\u2028::error::x"])
def test_no_message_begins_a_command_of_its_own(message: str) -> None:
    problem = Problem("registry/x.yaml", 1, 1, "TXT002", message, message)
    for form in ("text", "github"):
        lines = report.problems((problem,), form, checks.RULES).splitlines()
        assert [line for line in lines if line.startswith("::")] == ([lines[0]] if form == "github" else [])


def test_sarif_is_what_its_specification_says() -> None:
    found = json.loads(report.problems(ALL, "sarif", checks.RULES))
    jsonschema.validate(found, SARIF)
    (run,) = found["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [problem.code for problem in ALL]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert uris[1:] == ["registry/a%20b%2Cc%3Ad%25.yaml", "registry/%C3%A9%80.yaml"]
    assert rules[0]["shortDescription"]["text"] == checks.RULES["LIC002"].title
    jsonschema.validate(json.loads(report.problems((), "sarif", checks.RULES)), SARIF)


def test_paths_from_further_up() -> None:
    assert [problem.path for problem in report.placed((ERROR,), "data/sets")] == [f"data/sets/{ERROR.path}"]


@pytest.mark.parametrize(
    ("found", "models", "text"),
    [
        ((), 0, "0 models checked: no problems"),
        ((), 1, "1 model checked: no problems"),
        (ALL, 2, "2 models checked: 1 error, 1 warning, 1 note"),
        ((ERROR, ERROR), 2, "2 models checked: 2 errors"),
    ],
)
def test_summary(found: tuple[Problem, ...], models: int, text: str) -> None:
    assert report.summary(found, models) == text


def test_summary_says_how_long_it_took() -> None:
    assert report.summary((), 3, 1.25) == "3 models checked in 1.2 s: no problems"


def test_written() -> None:
    assert report.written(Written(("a", "b"), 1200, (), 10)) == "2 written, 1,200 unchanged"
    assert report.written(Written((), 3, ("c",), 0)) == "3 unchanged, 1 removed"
    assert report.written(Written((), 0, (), 0)) == "nothing to write"


def test_the_rules_that_found_most_are_named_where_there_is_more_than_a_screen() -> None:
    few = [Problem("a", 1, 1, "TAX001", "x")]
    assert report.most(few) == ""
    many = [*few, *(Problem("a", line, 1, "SRC002", "x") for line in range(30))]
    assert report.most(many).startswith("most: SRC002 30, TAX001 1;")
