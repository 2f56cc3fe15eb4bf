"""YML: the subset of YAML that every reader understands alike. `document` finds most of it while it reads."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from galleryctl.checks import fields
from galleryctl.checks.rule import Finding, Rule, rule
from galleryctl.problems import Edit, Severity
from galleryctl.spec import Model, Release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.rule import Subject
    from galleryctl.document import Document

_MODEL = {name: rank for rank, name in enumerate(fields.names(Model))}
_RELEASE = {name: rank for rank, name in enumerate(fields.names(Release))}


def canonical(subject: Subject) -> Iterator[Finding]:
    """A file that is not in the form in which all of them are kept.

    With one order of fields, one indentation and one newline at the end, a change shows only what changed, and two
    people who add the same field do not write it in two places. `check --fix` puts it right and keeps comments.

    Bad: the licence before the title.

    ```yaml
    license: Apache-2.0
    title: Tiny
    ```

    Good: fields in the order in which the documentation lists them, maps indented by two.

    ```yaml
    title: Tiny
    license: Apache-2.0
    links:
      homepage: https://acme.example
    ```
    """
    for name, document in subject.documents.items():
        path = f"{subject.root}/{name}"
        yield from _ordered(path, document, _MODEL if name.startswith("model.") else _RELEASE)
        for place, column, outer in document.indents():
            if column - outer not in {0, 2}:
                message = f"indented by {column - outer}"
                yield Finding(path, (), message, "indent by two", position=place)
                break


def _ordered(path: str, document: Document, ranks: dict[str, int]) -> Iterator[Finding]:
    present = [name for name in document.data if name in ranks]
    for before, name in pairwise(present):
        if ranks[name] < ranks[before]:
            edits = _sorted(document, ranks)
            yield Finding(
                path, (name,), f"`{name}` stands behind `{before}`", f"put it before `{before}`", edits, at="key"
            )
            return


def _sorted(document: Document, ranks: dict[str, int]) -> tuple[Edit, ...]:
    """One edit that puts the fields into order, each with the comment lines above it and behind it."""
    text, places = document.text, document.fields()
    if document.is_json or not places or any(name not in ranks for name, _, _ in places):
        return ()
    ends = [_line_end(text, end) for _, _, end in places]
    first = places[0][1]
    head = text.rfind("\n\n", 0, first) + 2 if "\n\n" in text[:first] else 0
    starts = [head, *ends[:-1]]
    if any(place[1] < start for place, start in zip(places, starts, strict=True)):
        return ()
    parts = [(ranks[name], text[start:end]) for (name, _, _), start, end in zip(places, starts, ends, strict=True)]
    ordered = "\n".join(part.removesuffix("\n") for _, part in sorted(parts, key=lambda part: part[0]))
    last = "\n" if text[ends[-1] - 1] == "\n" else ""
    return (Edit(head, ends[-1], ordered + last),)


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _fixed(code: str, page: str, *, fixable: bool = False, fixed: bool = True) -> Rule:
    return rule(code, Severity.ERROR, page=page, fixed=fixed, fixable=fixable)


RULES: tuple[Rule, ...] = (
    _fixed(
        "YML001",
        """
        The file does not parse.

        One character can hide a whole file from every reader: a second colon in a line, a bracket that is not closed, a
        missing space behind a dash.

        Bad: a second colon.

        ```yaml
        summary: Tiny: a small chat model
        tags: [chat]
        ```

        Good: the text in quotes.

        ```yaml
        summary: "Tiny: a small chat model"
        tags: [chat]
        ```
        """,
    ),
    _fixed(
        "YML002",
        """
        A field twice in one map.

        Some readers keep the last one and say nothing, others refuse the file. Either way what one of the two lines
        says is lost.

        Bad:

        ```yaml
        license: MIT
        title: Tiny
        license: Apache-2.0
        ```

        Good:

        ```yaml
        title: Tiny
        license: Apache-2.0
        ```
        """,
    ),
    _fixed(
        "YML003",
        """
        An anchor, an alias or a merge key.

        Not every reader resolves them, nested ones unfold to gigabytes, and a reviewer of one entry does not see what
        it inherits from another.

        Bad:

        ```yaml
        variants:
          - &small {format: gguf, parameters: 1B}
          - <<: *small
        ```

        Good: the values written out.

        ```yaml
        variants:
          - {format: gguf, parameters: 1B}
          - {format: mlx, parameters: 1B}
        ```
        """,
    ),
    _fixed(
        "YML004",
        """
        An explicit tag.

        Tags make readers build objects of their own choice, which has been used to run code. The kind of a value
        follows from its field.

        Bad:

        ```yaml
        title: !!str 1.10
        ```

        Good:

        ```yaml
        title: "1.10"
        ```
        """,
    ),
    _fixed(
        "YML005",
        """
        Bytes that readers treat differently: several documents, directives, a byte-order mark, tabs, CRLF, not UTF-8.

        Readers take the first document and drop the rest, take the mark for a part of the first name, or fail.
        `check --fix` removes marks, tabs and carriage returns.

        Bad: two documents in one file.

        ```yaml
        title: Tiny
        ---
        title: Small
        ```

        Good: one file each, in UTF-8, with plain newlines.

        ```yaml
        title: Tiny
        ```
        """,
        fixable=True,
    ),
    _fixed(
        "YML006",
        """
        An unquoted word that some readers take for true or false.

        YAML 1.1 reads `yes`, `no`, `on`, `off`, `y` and `n` as switches, YAML 1.2 as text. The language code `no`
        (Norwegian) became `false` in more than one catalogue. The same happens with `true` where text is meant.

        Bad:

        ```yaml
        languages: [en, no]
        ```

        Good:

        ```yaml
        languages: [en, "no"]
        ```
        """,
        fixable=True,
        fixed=False,
    ),
    _fixed(
        "YML007",
        """
        An unquoted text that looks like a number.

        `1.10` becomes 1.1, `0123` becomes 83 or 123, `12:30` becomes 750, and a revision of digits alone loses its last
        ones: each reader in its own way.

        Bad:

        ```yaml
        title: 1.10
        ```

        Good:

        ```yaml
        title: "1.10"
        ```
        """,
        fixable=True,
        fixed=False,
    ),
    _fixed(
        "YML008",
        """
        A number in quotes.

        Readers that compare and add numbers get text: filters by size and context sort 4096 behind 32768, and strict
        readers refuse the file.

        Bad:

        ```yaml
        context_length: "40960"
        ```

        Good:

        ```yaml
        context_length: 40960
        ```
        """,
        fixable=True,
        fixed=False,
    ),
    _fixed(
        "YML009",
        """
        A date where text is meant, or a time of day where a date is meant.

        Many readers turn an unquoted `2024-05-13` into a date of their own, which is no longer the text that was
        written. Days are written without a time, so that they mean the same in every time zone.

        Bad:

        ```yaml
        title: 2024-05-13
        expires: 2026-01-01T00:00:00Z
        ```

        Good:

        ```yaml
        title: "2024-05-13"
        expires: 2026-01-01
        ```
        """,
        fixable=True,
        fixed=False,
    ),
    _fixed(
        "YML010",
        """
        A field without a value.

        An empty value is neither an empty list nor an empty text, and readers that expect one of them stop. A field
        that says nothing is left out.

        Bad:

        ```yaml
        title: Tiny
        tags:
        ```

        Good:

        ```yaml
        title: Tiny
        ```
        """,
        fixable=True,
        fixed=False,
    ),
    _fixed(
        "YML011",
        """
        A file that is too deep, too full or too large.

        Definitions are small. A file of a hundred thousand values, or nested without end, is a mistake or an attack,
        and it would cost every reader time and memory.

        Bad: a map inside a map inside a map, twenty-one times.

        ```yaml
        spec: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}}
        ```

        Good: flat fields; long text in `README.md`.

        ```yaml
        spec: {context_length: 4096}
        ```
        """,
    ),
    _fixed(
        "YML012",
        r"""
        Text that one reader takes and another refuses.

        `\'` inside double quotes is no escape: some readers let it pass, others refuse the whole file, so a file that
        works for its author is gone for everybody else. Names that are lists or maps have the same fate.

        Bad:

        ```yaml
        summary: "it\'s small"
        ```

        Good:

        ```yaml
        summary: "it's small"
        ```
        """,
        fixable=True,
    ),
    rule("YML013", Severity.WARN, entry=canonical, fixable=True),
    _fixed(
        "YML014",
        """
        JSON that is none: comments, a trailing comma, `NaN`, `Infinity`, integers above 2^53.

        Readers in other languages stop at each of them, or round the number, and the published index could not carry
        it.

        Bad:

        ```yaml
        {"title": "Tiny", "tags": ["chat",],}
        ```

        Good:

        ```yaml
        {"title": "Tiny", "tags": ["chat"]}
        ```
        """,
    ),
)
