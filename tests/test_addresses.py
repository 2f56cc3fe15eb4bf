"""Addresses that nobody can follow, or not for long."""

from __future__ import annotations

import pytest

import judged
from judged import model, release


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://acme.example/a%20b?x=1#y", None),
        ("https://8.8.8.8/tiny", None),
        ("http://acme.example", "is not https"),
        ("HTTPS://acme.example", None),
        ("file:///etc/passwd", "has the scheme file"),
        ("javascript:alert(1)", "has the scheme javascript"),
        ("//acme.example", "has no scheme"),
        ("https://acme.example/a b", "has a space"),
        ("https://[::1", "is no address"),
        ("https://acme.example:99999/", "is no address"),
        ("https://user@acme.example/", "holds a name or password"),
        ("https://169.254.169.254/latest/meta-data", "leads to a private network"),
        ("https://[::1]/", "leads to a private network"),
        ("https://[fd00::1]/", "leads to a private network"),
        ("https://100.64.0.1/", "leads to a private network"),
        ("https://intranet/", "leads to a private network"),
        ("https://db.internal/", "leads to a private network"),
    ],
)
def test_addresses(address: str, said: str | None) -> None:
    found = judged.messages(model(links=f"{{homepage: '{address}'}}"), "URL001")
    assert len(found) == (0 if said is None else 1)
    assert said is None or found[0].endswith(said)


@pytest.mark.parametrize(("run", "wrong"), [("8a1f", []), ("9b2e", ["'mlflow:9b2e' has the scheme mlflow"])])
def test_a_metric_may_name_the_run_that_made_the_model(run: str, wrong: list[str]) -> None:
    origin = {"kind": "training", "platform": "mlflow", "ref": "8a1f"}
    metric = {"name": "loss", "value": 0.5, "source": f"mlflow:{run}"}
    assert judged.messages(release(origin=origin, metrics=[metric]), "URL001") == wrong


def test_a_password_is_not_repeated_in_the_message() -> None:
    (message,) = judged.messages(model(links="{homepage: 'https://ada:geheim@acme.example/'}"), "URL001")
    assert "geheim" not in message


def test_a_page_for_people_may_be_a_page() -> None:
    assert judged.problems(model(links="{repository: 'https://github.com/acme/tiny/blob/main/x.py'}"), "URL002") == []


@pytest.mark.parametrize(
    ("address", "passing"),
    [
        ("https://acme.example/?lang=en&page=2", False),
        ("https://t.co/abc", True),
        ("https://acme.example/x?Expires=1&Signature=y&Key-Pair-Id=z", True),
        ("https://acme.blob.example/x?sv=2020&sig=abc", True),
    ],
)
def test_addresses_that_pass_away(address: str, passing: bool) -> None:
    assert (judged.problems(model(links=f"{{homepage: '{address}'}}"), "URL006") != []) is passing


@pytest.mark.parametrize(
    ("address", "copy"),
    [
        ("https://huggingface.co/acme/tiny", False),
        ("https://huggingface.co/acme/tiny-AWQ", True),
        ("https://huggingface.co/TheBloke/tiny-GGUF/tree/main", True),
        ("https://www.modelscope.cn/models/acme/tiny-GPTQ-Int4", True),
        ("https://github.com/acme/gguf", False),
        ("https://huggingface.co/acme/awqua", False),
    ],
)
def test_homepages_of_copies(address: str, copy: bool) -> None:
    assert (judged.problems(model(links=f"{{homepage: {address}}}"), "URL005") != []) is copy


def test_links_of_publishers_are_read_too() -> None:
    profile = "title: Acme\nlinks: {homepage: 'http://acme.example', code: ['https://acme.example', 'x y']}\n"
    found = judged.problems({"publishers/acme.yaml": profile}, "URL001")
    assert [(problem.path, problem.line, problem.column) for problem in found] == [
        ("registry/publishers/acme.yaml", 2, 19),
        ("registry/publishers/acme.yaml", 2, 73),
    ]
