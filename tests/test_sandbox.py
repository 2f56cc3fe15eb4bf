"""A stranger's template renders as in a runtime, and cannot do harm or run without end."""

from __future__ import annotations

import pytest

from galleryctl.checks.sandbox import (
    LONGEST,
    Compiled,
    ExhaustedError,
    RefusedError,
    SecurityError,
    TemplateError,
    TemplateSyntaxError,
    mistake,
)

GROW = "{% set s = namespace(t='aaaaaaaa') %}{% for i in range(60) %}{% set s.t = s.t OP %}{% endfor %}"
BIG = "{% set a = range(40000) | list %}"
LONG = "{% set s = 'a' * 40000 %}"


def render(text: str, **variables: object) -> str:
    return Compiled(text).render(variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% if true %}\n  x\n{% endif %}\ny", "  x\ny"),
        ("{{ {'a': 'ü<'} | tojson }}", '{"a": "ü<"}'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        ("{{ strftime_now('%Y-%m-%d') }}", "2026-01-02"),
        ("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"),
        ("{% generation %}x{% endgeneration %}", "x"),
        ("{% for i in [1, 2] %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{% endfor %}", "1/2,2/2"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('a') ~ m('b') }}", "<a><b>"),
        ("{{ nothing }}{{ nothing is defined }}", "False"),
        ("{% set n = namespace(x=1) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}", "4"),
        ("{{ 'a-b'.split('-') | join('+') | upper }}", "A+B"),
        ("{{ '%s is %d' % ('x', 3) }} {{ '{:>4}'.format(1) }}", "x is 3    1"),
    ],
)
def test_renders_like_a_runtime(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(99999999) %}x{% endfor %}",
        "{% for i in range(40000) %}{% for j in range(40000) %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "{% for i in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 9 ** 999999999 }}",
        GROW.replace("OP", "+ s.t"),
        GROW.replace("OP", "~ s.t"),
        GROW.replace("OP", "* 2"),
        GROW.replace("OP", ".replace('a', 'aaaaaaaaaaaaaaaa')"),
        GROW.replace("OP", ".join(s.t)"),
        GROW.replace("OP", "| replace('a', 'aaaaaaaaaaaaaaaa')"),
        GROW.replace("s.t OP", "[s.t, s.t]") + "{{ s.t }}",
        GROW.replace("s.t OP", "{'a': s.t, 'b': s.t}") + "{{ s.t | tojson }}",
        "{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{{ 'a'.ljust(999999999) }}",
        "{{ 'a' | center(999999999) }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{{ '{:>{w}}'.format(1, w=9999) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (999999999, 1) }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ 1 | round(999999999) }}",
        "{{ [1] | batch(999999999, 0) | list }}",
        "{{ '\\t'.expandtabs(999999999) }}",
        "{{ ('\\t' * 40000).expandtabs(9999) }}",
        "{{ 'aaaa'.translate({97: 'x' * 40000}) }}",
        LONG + "{{ [s] * 40000 }}",
        LONG + "{{ ([s] * 40000) | join }}",
        LONG + "{{ s.join(range(40000) | map('string')) }}",
        LONG + "{{ range(40000) | join(s) }}",
        LONG + "{% for i in range(40000) %}{{ s }}{% endfor %}",
        LONG + "{% macro m() %}{% for i in range(40000) %}{{ s }}{% endfor %}{% endmacro %}{% set x = m() %}",
        LONG + "{% set x %}{% for i in range(40000) %}{{ s }}{% endfor %}{% endset %}",
        "{% set s = '\\n' * 40000 %}{{ s | indent(9999) }}",
        LONG + "{{ ('\\n' * 40000) | indent(s) }}",
        BIG + "{% set b = [a, a] %}",
        BIG + "{{ [a, a, a, a] | tojson }}",
        BIG + "{{ [a, a, a, a] }}",
    ],
)
def test_comes_to_an_end(text: str) -> None:
    with pytest.raises(ExhaustedError):
        render(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ x.__class__.__mro__ }}",
        "{{ x | attr('__class__') | attr('mro') }}",
        "{{ x['__cla' ~ 'ss__'].mro() }}",
        "{{ x.append(1) }}",
    ],
)
def test_stays_inside(text: str) -> None:
    with pytest.raises(SecurityError):
        render(text, x=[1])


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("{% include 'a' %}", ((1, "{% include %}"),)),
        ("\n{% import 'a' as b %}", ((2, "{% import %}"),)),
        ("{% from 'a' import b %}", ((1, "{% import %}"),)),
        ("{% extends 'a' %}", ((1, "{% extends %}"),)),
        ("{{ x.__class__ }}", ((1, "__class__"),)),
        ("{{ x['__class__'] }}", ((1, "__class__"),)),
        ("{{ x | attr('__class__') }}", ((1, "__class__"),)),
        ("{{ x.content['__'] }}", ()),
    ],
)
def test_tells_what_a_template_reaches_for(text: str, reaches: tuple[tuple[int, str], ...]) -> None:
    assert Compiled(text).reaches == reaches


@pytest.mark.parametrize(
    "text", ["{% if %}", "{{ " + "(" * 5000, "{{ " + "9" * 5000 + " }}", "x" * 200_001, "{% nosuch %}"]
)
def test_what_does_not_parse_is_told(text: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        Compiled(text)


def test_a_refusal_is_told_from_a_failure() -> None:
    with pytest.raises(RefusedError, match="no system"):
        render("{{ raise_exception('no system') }}")
    with pytest.raises(TemplateError, match="TypeError"):
        render("{{ 'a' + 1 }}")


def test_the_budget_is_that_of_one_rendering() -> None:
    compiled = Compiled("{% for i in range(20000) %}{{ i }}{% endfor %}")
    assert {len(compiled.render({})) for _ in range(8)} == {88890}


def test_a_long_conversation_is_no_trouble() -> None:
    messages = [{"role": "user", "content": "hello " * 100}] * 200
    text = "{% for m in messages %}<|im_start|>{{ m.role + '\\n' + m.content | trim ~ '<|im_end|>' }}{% endfor %}"
    assert len(render(text, messages=messages)) > LONGEST


@pytest.mark.parametrize(
    "text", ["{% if %}", "{{ a", "{% endfor %}", "{{ " + "(" * 5000, "{{ " + "9" * 5000 + " }}", "x" * 200_001]
)
def test_a_mistake_is_found_without_running_anything(text: str) -> None:
    assert mistake(text)


@pytest.mark.parametrize("text", ["", "plain", "{{ messages | urlize }}", "{% generation %}{{ x }}{% endgeneration %}"])
def test_what_parses_has_no_mistake(text: str) -> None:
    assert mistake(text) == ""
