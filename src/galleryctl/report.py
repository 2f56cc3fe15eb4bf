"""What people and machines read of a run: values in, text out."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from galleryctl import __version__
from galleryctl.problems import Severity
from galleryctl.spec.base import localised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from galleryctl.building import Exported
    from galleryctl.checks.rule import Rule
    from galleryctl.output import Written
    from galleryctl.problems import Problem

Format = Literal["text", "json", "github", "sarif"]

_COLOURS = {Severity.ERROR: "\x1b[31m", Severity.WARN: "\x1b[33m", Severity.NOTE: "\x1b[36m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_LEVELS = {Severity.ERROR: "error", Severity.WARN: "warning", Severity.NOTE: "note"}
_COMMANDS = {Severity.ERROR: "error", Severity.WARN: "warning", Severity.NOTE: "notice"}
# What would move the cursor, end a line, turn the writing around, or cannot be encoded: texts of strangers.
_ODD = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSEEN = re.compile(f"[\x00-\x1f{_ODD}]")
_UNSEEN_JSON = re.compile(f"[{_ODD}]")  # the rest stands escaped already


def problems(found: Sequence[Problem], form: Format, rules: Mapping[str, Rule], *, colour: bool = False) -> str:
    """All problems in one form. Text and GitHub are lines; JSON and SARIF are whole documents."""
    if form == "json":
        return dumped([as_json(problem) for problem in found])
    if form == "sarif":
        return dumped(sarif(found, rules))
    if form == "github":
        return "".join(github(problem) + "\n" for problem in _for_github(found))
    return "".join(text(problem, colour=colour) for problem in found)


def dumped(value: object) -> str:
    """A JSON document; what nobody sees, or is no character (a byte of a name that is not UTF-8), stands escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _UNSEEN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def placed(found: Iterable[Problem], folder: str) -> list[Problem]:
    """Problems with paths from a folder further up, where the registry lies in `folder`."""
    return [replace(problem, path=f"{folder}/{problem.path}") for problem in found]


def visible(text: str) -> str:
    """Text whose control characters are written out, so that it stays on its line."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def as_json(problem: Problem) -> dict[str, Any]:
    """The fields of the machine form, which is part of the contract."""
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "fix": problem.fix,
    }


def text(problem: Problem, *, colour: bool = False) -> str:
    """`path:line:column: CODE message`, then `fix: …`."""
    code, place, fix = problem.code, f"{visible(problem.path)}:{problem.line}:{problem.column}", visible(problem.fix)
    level = "" if problem.severity is Severity.ERROR else f" {problem.severity.value}:"
    if colour:
        place, code = f"{_BOLD}{place}{_RESET}", f"{_COLOURS[problem.severity]}{code}{_RESET}"
        fix = f"{_DIM}fix:{_RESET} {fix}" if fix else ""
    elif fix:
        fix = f"fix: {fix}"
    return f"{place}: {code}{level} {visible(problem.message)}\n" + (f"  {fix}\n" if fix else "")


def github(problem: Problem) -> str:
    """A workflow command that annotates the line; https://docs.github.com/actions, workflow commands."""
    message = problem.message + (f"\nfix: {problem.fix}" if problem.fix else "")
    place = f"file={_escape(problem.path, ',:')},line={problem.line},col={problem.column},title={problem.code}"
    return f"::{_COMMANDS[problem.severity]} {place}::{_escape(message)}"


def _escape(text: str, also: str = "") -> str:
    text = "\n".join(visible(line) for line in text.split("\n"))
    for character in "%\r\n" + also:  # the percent sign first
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _for_github(found: Sequence[Problem]) -> list[Problem]:
    """Worst first: GitHub shows ten of a kind in one step and drops the rest."""
    return sorted(found, key=lambda problem: problem.severity.rank)


def sarif(found: Sequence[Problem], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """SARIF 2.1.0, one run."""
    used = sorted({problem.code for problem in found})
    place = {code: index for index, code in enumerate(used)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "galleryctl",
                        "version": __version__,
                        "rules": [_sarif_rule(code, rules) for code in used],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(problem, place[problem.code]) for problem in found],
            }
        ],
    }


def _sarif_rule(code: str, rules: Mapping[str, Rule]) -> dict[str, Any]:
    known = rules.get(code)
    title = known.title if known else code
    return {
        "id": code,
        "shortDescription": {"text": title},
        "help": {"text": known.page if known else title, "markdown": known.page if known else title},
        "defaultConfiguration": {"level": _LEVELS[known.severity] if known else "error"},
    }


def _sarif_result(problem: Problem, index: int) -> dict[str, Any]:
    return {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": _LEVELS[problem.severity],
        "message": {"text": problem.message + (f"\nfix: {problem.fix}" if problem.fix else "")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(problem.path)},
                    "region": {"startLine": problem.line, "startColumn": problem.column},
                }
            }
        ],
    }


def _uri(path: str) -> str:
    return "".join(
        chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "-._~/") else f"%{byte:02X}"
        for byte in path.encode("utf-8", "surrogateescape")
    )


def summary(found: Iterable[Problem], models: int, seconds: float | None = None) -> str:
    """One line that says how it went."""
    took = f" in {seconds:.1f} s" if seconds is not None else ""
    return f"{models} model{'' if models == 1 else 's'} checked{took}: {counted(found)}"


def counted(found: Iterable[Problem]) -> str:
    """`2 errors, 1 warning`, or `no problems`."""
    counts = Counter(problem.severity for problem in found)
    parts = [
        f"{counts[severity]} {word}{'' if counts[severity] == 1 else 's'}"
        for severity, word in ((Severity.ERROR, "error"), (Severity.WARN, "warning"), (Severity.NOTE, "note"))
        if counts[severity]
    ]
    return ", ".join(parts) or "no problems"


def most(found: Sequence[Problem], many: int = 20) -> str:
    """The rules that found most, where there is more than a screen of problems; empty otherwise."""
    counts = Counter(problem.code for problem in found).most_common(8)
    if len(found) <= many:
        return ""
    return f"most: {', '.join(f'{code} {count}' for code, count in counts)}; galleryctl explain CODE tells about each"


def written(done: Written) -> str:
    """One line that says what a build wrote."""
    parts = [f"{len(done.new):,} written" if done.new else "", f"{done.kept:,} unchanged" if done.kept else ""]
    parts.append(f"{len(done.pruned):,} removed" if done.pruned else "")
    return ", ".join(part for part in parts if part) or "nothing to write"


def exported(done: Exported) -> str:
    """The machine form of an export: files with new bytes, ids, and what was left out, with the reason."""
    left = [
        {
            "id": identifier,
            "variant": each.variant,
            "quantization": each.quantization,
            "reason": localised(each.reason, "en", "en"),
        }
        for identifier, each in done.left
    ]
    return dumped(
        {
            "runtime": done.runtime,
            "written": list(done.written.new) if done.written else [],
            "exported": list(done.exported),
            "left": left,
        }
    )
