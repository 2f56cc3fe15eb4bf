"""The choice among builds: what fits, then formats, then the largest, then the author's order; why not the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galleryctl.client.choosing import Choice, choose, gib, selected
from galleryctl.client.errors import NoFitError, UnknownError
from galleryctl.client.results import Host, Rejected
from galleryctl.memory import GIB
from galleryctl.runtimes import Target, targets
from galleryctl.spec.release import Memory, Release

if TYPE_CHECKING:
    from random import Random

FACTS = Memory(layers=36, kv_heads=8, head_size=128)
"""144 KiB a token."""
PARTS = "weights 6.0 GiB, cache 0.56 GiB, working space 0.78 GiB"


def made(*variants: dict[str, Any], type_: str = "llm") -> tuple[Target, ...]:
    release = Release.model_validate({"variants": list(variants)})
    return tuple(targets("acme/tiny", type_, "1.0.0", release))


def sized(quantization: str, size: float | None, format_: str = "gguf", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """A variant with one quantization, of so many GiB."""
    file = {"path": f"{quantization}.bin"} | ({"size": round(size * GIB)} if size is not None else {})
    return (
        {"format": format_, "quantizations": [quantization], "key": f"v-{quantization.lower()}"}
        | {"files": {quantization: [file]}}
        | more
    )


THREE = (sized("Q4_K_M", 4), sized("Q6_K", 6), sized("Q8_0", 8))
MIXED = (*THREE, sized("Int4", 5, "gptq"), sized("none", 16, "pytorch"))


def chosen(choice: Choice) -> str:
    return choice.target.quantization


@pytest.mark.parametrize(
    ("memory", "expected"), [(24, "Q8_0"), (9.5, "Q8_0"), (9, "Q6_K"), (7, "Q4_K_M"), (5.5, "Q4_K_M")]
)
def test_the_largest_that_fits_is_chosen(memory: float, expected: str) -> None:
    choice = choose(made(*THREE), Host(memory=round(memory * GIB)), facts=FACTS)
    assert chosen(choice) == expected
    assert choice.need is not None
    assert choice.need.total <= memory * GIB


def test_without_memory_the_authors_first_is_chosen() -> None:
    choice = choose(made(*THREE), Host(), facts=FACTS)
    assert chosen(choice) == "Q4_K_M"
    assert choice.why == (
        (
            "v-q4_k_m Q4_K_M needs 5.3 GiB at 4,096 tokens of context: weights 4.0 GiB, cache 0.56 GiB, working space "
            "0.72 GiB. No memory was given to compare it with."
        ),
        "It is the author's first build that can be used.",
    )


def test_context_and_requests_take_memory() -> None:
    host = Host(memory=round(9.5 * GIB))
    assert chosen(choose(made(*THREE), host, facts=FACTS)) == "Q8_0"
    longer = Host(memory=host.memory, context=16_384)
    assert chosen(choose(made(*THREE), longer, facts=FACTS)) == "Q6_K"
    more = Host(memory=host.memory, context=8192, requests=3)
    assert chosen(choose(made(*THREE), more, facts=FACTS)) == "Q4_K_M"
    assert chosen(choose(made(*THREE), longer, facts=FACTS, limit=4096)) == "Q8_0"


def test_the_choice_is_explained_with_numbers() -> None:
    choice = choose(made(*THREE), Host(memory=8 * GIB), facts=FACTS)
    assert choice.why == (
        f"v-q6_k Q6_K needs 7.3 GiB of 8.0 GiB at 4,096 tokens of context: {PARTS}.",
        "It is the largest of the 2 builds that fit.",
    )
    assert choice.rejected == (
        Rejected("v-q4_k_m", "Q4_K_M", "fits with 5.3 GiB; the weights of v-q6_k Q6_K are larger"),
        Rejected(
            "v-q8_0",
            "Q8_0",
            "needs 9.4 GiB of 8.0 GiB: weights 8.0 GiB, cache 0.56 GiB, working space 0.84 GiB",
        ),
    )


def test_a_runtime_takes_what_it_loads() -> None:
    choice = choose(made(*MIXED), Host(memory=64 * GIB, runtime="llama.cpp"), facts=FACTS)
    assert chosen(choice) == "Q8_0"
    assert Rejected("v-none", "none", "llama.cpp does not load pytorch") in choice.rejected
    assert chosen(choose(made(*MIXED), Host(memory=64 * GIB, runtime="vllm"), facts=FACTS)) == "none"
    assert chosen(choose(made(*MIXED), Host(memory=8 * GIB, runtime="vllm"), facts=FACTS)) == "Int4"


def test_given_formats_come_in_order_once_something_fits() -> None:
    wanted = ("gptq", "gguf")
    choice = choose(made(*MIXED), Host(memory=24 * GIB, formats=wanted), facts=FACTS)
    assert chosen(choice) == "Int4"
    assert Rejected("v-q8_0", "Q8_0", "gptq comes before gguf") in choice.rejected
    assert Rejected("v-none", "none", "pytorch is not among gptq, gguf") in choice.rejected
    assert chosen(choose(made(*MIXED), Host(memory=round(5.5 * GIB), formats=wanted), facts=FACTS)) == "Q4_K_M"
    assert chosen(choose(made(*MIXED), Host(formats=("PyTorch",)), facts=FACTS)) == "none"


def test_what_cannot_be_told_comes_after_what_fits() -> None:
    builds = made(sized("Q8_0", 8), sized("Q4_K_M", 4, memory=FACTS.model_dump()))
    choice = choose(builds, Host(memory=24 * GIB))
    assert chosen(choice) == "Q4_K_M"
    assert choice.certain
    (other,) = choice.rejected
    assert other.reason == ("cannot tell whether it fits: layers and heads are not recorded; it needs at least 8.8 GiB")


def test_what_cannot_be_told_is_said_of_the_choice() -> None:
    choice = choose(made(*THREE), Host(memory=7 * GIB))
    assert chosen(choice) == "Q4_K_M"
    assert not choice.certain
    assert choice.why[0] == (
        "v-q4_k_m Q4_K_M: cannot tell whether it fits: layers and heads are not recorded; it needs at least 4.7 GiB "
        "of 7.0 GiB."
    )
    assert choice.rejected[1].reason.startswith("needs at least 8.8 GiB of 7.0 GiB")
    unknown = choose(made(sized("odd", None)), Host(memory=GIB))
    assert "neither sizes of its files nor its parameters are recorded" in unknown.why[0]


@pytest.mark.parametrize("type_", ["embedding", "rerank", "image", "audio", "video"])
def test_only_what_keeps_a_cache_needs_layers(type_: str) -> None:
    choice = choose(made(*THREE, type_=type_), Host(memory=7 * GIB))
    assert choice.certain
    assert chosen(choice) == "Q6_K"


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("8b-gguf", ["Q4_K_M", "Q8_0"]), ("q8_0", ["Q8_0"]), ("Q8_0", ["Q8_0"]), ("8b-gguf-q4_k_m", ["Q4_K_M"]),
        ("8b", ["Q4_K_M", "Q8_0"]), ("gguf", ["Q4_K_M", "Q8_0"]), ("8b-q8_0", ["Q8_0"]), ("1b", ["none"]),
        ("", ["Q4_K_M", "Q8_0", "none"]),
    ],
)  # fmt: skip
def test_a_build_is_named_in_any_of_these_ways(build: str, expected: list[str]) -> None:
    every = made(
        {"format": "gguf", "parameters": "8B", "quantizations": ["Q4_K_M", "Q8_0"]},
        {"format": "pytorch", "parameters": "1B", "quantizations": ["none"]},
    )
    assert [every[place].quantization for place in sorted(selected(every, build))] == expected


def test_the_name_of_a_variant_wins_over_a_format_of_that_name() -> None:
    every = made({"key": "gguf", "format": "mlx"}, {"key": "other", "format": "gguf"})
    assert selected(every, "gguf") == {0}


def test_a_build_that_is_not_there_is_answered_with_the_likest() -> None:
    with pytest.raises(UnknownError, match=r"acme/tiny 1\.0\.0 has no build `q4_k`; did you mean Q4_K_M"):
        choose(made(*THREE), Host(), build="q4_k")


def test_an_unknown_runtime_is_answered_with_the_likest() -> None:
    with pytest.raises(UnknownError, match=r"no runtime `lama\.cpp` is known here; did you mean llama\.cpp"):
        choose(made(*THREE), Host(runtime="lama.cpp"))


def test_nothing_that_fits_is_told_with_every_reason() -> None:
    with pytest.raises(NoFitError, match=r"the smallest, v-q4_k_m Q4_K_M, needs 5\.3 GiB of 2\.0 GiB") as caught:
        choose(made(*MIXED), Host(memory=2 * GIB), facts=FACTS)
    assert len(caught.value.rejected) == len(MIXED)
    with pytest.raises(NoFitError, match="does not load"):
        choose(made(*THREE), Host(runtime="vllm"), facts=FACTS)


def test_a_named_build_that_does_not_fit_is_no_other() -> None:
    with pytest.raises(NoFitError, match=r"the smallest, v-q8_0 Q8_0, needs"):
        choose(made(*THREE), Host(memory=6 * GIB), build="q8_0", facts=FACTS)


def test_what_is_barred_is_never_chosen() -> None:
    choice = choose(made(*THREE), Host(memory=24 * GIB), facts=FACTS, barred={("v-q8_0", "Q8_0"): "it is bad"})
    assert chosen(choice) == "Q6_K"
    assert Rejected("v-q8_0", "Q8_0", "it is bad") in choice.rejected


def test_a_hair_too_much_does_not_look_like_enough() -> None:
    need = choose(made(THREE[0]), Host(memory=GIB * 64), facts=FACTS).need
    assert need is not None
    with pytest.raises(NoFitError, match=rf"needs {need.total:,} bytes, a little more than {gib(need.total)}"):
        choose(made(THREE[0]), Host(memory=need.total - 1), facts=FACTS)


NAMES = ("Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0")
builds = st.lists(
    st.tuples(st.sampled_from(NAMES), st.floats(0.1, 40), st.sampled_from(("gguf", "mlx", "gptq", None))),
    min_size=1, max_size=6, unique_by=(lambda each: each[0], lambda each: each[1]),
)  # fmt: skip


def drawn(found: list[tuple[str, float, str | None]]) -> tuple[Target, ...]:
    return made(*(sized(name, size, format_ or "") for name, size, format_ in found))


def outcome(targets: tuple[Target, ...], host: Host) -> tuple[Choice | None, frozenset[object]]:
    """What is chosen, if anything, and what is said of the others."""
    try:
        choice = choose(targets, host, facts=FACTS)
    except NoFitError as error:
        return None, frozenset(error.rejected)
    return choice, frozenset(choice.rejected)


@given(builds, st.integers(1, 60), st.integers(1, 100_000), st.integers(1, 8))
def test_the_choice_never_needs_more_than_there_is(
    found: list[tuple[str, float, str | None]], memory: int, context: int, requests: int
) -> None:
    choice, rejected = outcome(drawn(found), Host(memory=memory * GIB, context=context, requests=requests))
    if choice is None:
        assert len(rejected) == len(found)
        assert all("needs" in str(getattr(each, "reason", "")) for each in rejected)
    else:
        assert choice.need is not None
        assert choice.need.total <= memory * GIB
        assert len(rejected) == len(found) - 1


@settings(max_examples=60)
@given(builds, st.integers(1, 60), st.randoms(use_true_random=False), st.sampled_from([(), ("mlx", "gguf")]))
def test_the_order_of_the_builds_does_not_matter_once_sizes_differ(
    found: list[tuple[str, float, str | None]], memory: int, random: Random, formats: tuple[str, ...]
) -> None:
    mixed = list(found)
    random.shuffle(mixed)
    host = Host(memory=memory * GIB, formats=formats)
    (one, rejected), (other, again) = outcome(drawn(found), host), outcome(drawn(mixed), host)
    assert rejected == again
    assert (one and one.target.quantization) == (other and other.target.quantization)
