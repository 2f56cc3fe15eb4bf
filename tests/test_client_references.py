"""References: what is meant by them, one spelling of each, and what is said of those that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.client.errors import UnknownError
from galleryctl.client.references import Reference, nearest, parse, short, versions

KNOWN = ("qwen/qwen3", "qwen/qwen2.5", "acme/tiny", "other/tiny")
HINT = "write publisher/name, publisher/name@1.2.0 or publisher/name@^1:q4_k_m"
FORMS = "write 1.2.0 for exactly that release, or a range: 1, 1.2, ^1.2, ~1.2.3, `>=1.0,<2.0`, latest"

number = st.integers(0, 12)
version = st.tuples(number, number, number).map(lambda parts: ".".join(map(str, parts)))


@pytest.mark.parametrize(
    ("text", "identifier", "spec", "build"),
    [
        ("acme/tiny", "acme/tiny", "", ""),
        ("acme/tiny@1.2.0", "acme/tiny", "1.2.0", ""),
        ("acme/tiny@=1.2.0:q4_k_m", "acme/tiny", "1.2.0", "q4_k_m"),
        ("acme/tiny@^1:8b-gguf-Q4_K_M", "acme/tiny", "^1", "8b-gguf-Q4_K_M"),
        ("acme/tiny:8b", "acme/tiny", "", "8b"),
        ("acme/tiny@latest", "acme/tiny", "", ""),
        ("acme/tiny@>=1.0, <2.0:gguf", "acme/tiny", ">=1.0,<2.0", "gguf"),
        (" acme/tiny ", "acme/tiny", "", ""),
        ("acme/tiny:odd@name", "acme/tiny", "", "odd@name"),
    ],
)
def test_a_reference_is_taken_apart(text: str, identifier: str, spec: str, build: str) -> None:
    found = parse(text)
    assert (found.id, found.versions.text, found.build) == (identifier, spec, build)
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    ("spec", "inside", "outside"),
    [
        ("1", ["1.0.0", "1.99.3"], ["0.9.9", "2.0.0"]),
        ("1.2", ["1.2.0", "1.2.9"], ["1.1.9", "1.3.0"]),
        ("1.2.0", ["1.2.0"], ["1.2.1", "1.1.9"]),
        ("^1.2", ["1.2.0", "1.9.0"], ["1.1.9", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.2.2", "0.3.0", "1.0.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.2", "0.0.4"]),
        ("^0", ["0.0.0", "0.9.0"], ["1.0.0"]),
        ("~1.2.3", ["1.2.3", "1.2.10"], ["1.2.2", "1.3.0"]),
        ("~1", ["1.0.0", "1.9.9"], ["2.0.0"]),
        (">=1.0,<2.0", ["1.0.0", "1.10.0"], ["0.9.0", "2.0.0"]),
        (">1.2", ["1.3.0", "999999999.0.0"], ["1.2.9"]),
        ("<=1.2", ["0.0.0", "1.2.9"], ["1.3.0"]),
        ("<1.2.3", ["1.2.2"], ["1.2.3"]),
        ("latest", ["0.0.0", "999999999.999999999.999999999"], []),
        ("*", ["3.0.0"], []),
    ],
)
def test_a_range_is_a_set_of_versions(spec: str, inside: list[str], outside: list[str]) -> None:
    found = versions(spec)
    assert [each for each in inside if not found.allows(each)] == []
    assert [each for each in outside if found.allows(each)] == []


def test_only_a_whole_version_is_a_pin() -> None:
    assert parse("acme/tiny@1.2.0").pinned
    assert parse("acme/tiny@==1.2.0").pinned
    assert not parse("acme/tiny@1.2").pinned
    assert not parse("acme/tiny@>=1.2.0").pinned
    assert not parse("acme/tiny").pinned


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("qwen3", "`qwen3` names no publisher; did you mean qwen/qwen3?"),
        ("tiny", "`tiny` names no publisher; did you mean acme/tiny or other/tiny?"),
        ("Acme/Tiny", "`Acme/Tiny` is no id: ids are lower case; did you mean acme/tiny?"),
        ("acme/tiny@", "`acme/tiny@` has no version after the @: leave the @ out for the newest release"),
        ("acme/tiny:", "`acme/tiny:` has nothing after the colon: name a variant, a quantization, size or format"),
        ("acme/tiny@v1.0.0", "`v1.0.0` is no version or range: did you mean 1.0.0?"),
        ("acme/tiny@1.x", "`1.x` is no version or range: did you mean 1?"),
        (
            "acme/tiny@1.02",
            f"`1.02` is no version or range: {FORMS}",
        ),
        (
            "acme/tiny@>=2,<1",
            "nothing can be in the range `>=2,<1`: its lower end is not below its upper end",
        ),
        (
            "https://huggingface.co/acme/tiny",
            f"`https://huggingface.co/acme/tiny` is an address, not a model of a gallery: {HINT}",
        ),
        ("a/b/c", f"`a/b/c` is a path, not a model of a gallery: {HINT}"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(UnknownError) as caught:
        parse(text, lambda: KNOWN)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "@", ":", "acme/", "/tiny", "../../etc/passwd", "acme/..", "acme/tiny\x1b[31m", "acme/tiny\n",
        "acme/tiny\u202egnp", "a" * 5_000_000, "acme/tiny@" + ",".join(["1"] * 10_000), "acme/tiny@" + "9" * 200,
        "acme/tiny@1.0.0\x00", "-rf/x", "acme/tíny", "acme/tiny@1.0.0@2.0.0", "acme/tiny@1 .0",
    ],
)  # fmt: skip
def test_hostile_text_is_refused_shortly(text: str) -> None:
    with pytest.raises(UnknownError) as caught:
        parse(text, lambda: KNOWN)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except UnknownError:
        return
    assert parse(str(found)) == found


@given(version, version)
def test_a_caret_keeps_the_first_number_that_counts(low: str, other: str) -> None:
    if versions(f"^{low}").allows(other):
        assert versions(f">={low}").allows(other)
        first = [part for part in low.split(".") if part != "0"][:1]
        assert [part for part in other.split(".") if part != "0"][:1] == first


@given(version, version)
def test_what_is_not_below_a_version_is_from_it_on(one: str, other: str) -> None:
    assert versions(f">={one}").allows(other) is not (one != "0.0.0" and versions(f"<{one}").allows(other))


def test_suggestions_are_the_likest_first() -> None:
    assert nearest("qwen/qwen", KNOWN)[0] == "qwen/qwen3"
    assert nearest("zzz", KNOWN) == []
    assert nearest("q", KNOWN) == ["qwen/qwen2.5", "qwen/qwen3"]


def test_text_of_strangers_stays_on_one_line() -> None:
    assert short("a\nb") == "`a·b`"
    assert short("x" * 100) == f"`{'x' * 60}…`"
    assert str(Reference("acme/tiny")) == "acme/tiny"
