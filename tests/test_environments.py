"""Images, requirements and frameworks."""

from __future__ import annotations

import pytest

import judged
from galleryctl.problems import Severity
from judged import release

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
TAXONOMY = """\
frameworks:
  title: Framework
  values:
    pytorch: {label: PyTorch, aliases: [torch]}
"""


@pytest.mark.parametrize(
    ("image", "bare"),
    [
        (f"ghcr.io/acme/serve@sha256:{'a' * 64}", None),
        ("ghcr.io/acme/serve", "ghcr.io/acme/serve"),
        ("ghcr.io/acme/serve:1.2", "ghcr.io/acme/serve"),
        ("localhost:5000/serve", "localhost:5000/serve"),
        (f"serve@sha256:{'A' * 64}", "serve"),
        ("", "host/name"),
    ],
)
def test_images(image: str, bare: str | None) -> None:
    found = judged.problems(release({"key": "a"}, environment={"image": image}), "ENV001")
    fix = f"write {bare}@sha256:<64 hex digits>, as the registry shows it"
    assert [problem.fix for problem in found] == ([fix] if bare else [])


@pytest.mark.parametrize(
    ("requirement", "fix"),
    [
        ("transformers", None),
        ("transformers[torch]>=4.57,<5 ; python_version >= '3.10'", None),
        (f"diffusers @ git+https://github.com/huggingface/diffusers@{COMMIT}", None),
        (f"diffusers @ git+https://github.com/huggingface/diffusers@{COMMIT}#subdirectory=x", None),
        ("torch @ https://acme.example/torch-2.0-py3-none-any.whl", None),
        (
            "diffusers @ git+https://github.com/a/b",
            "write diffusers @ git+https://github.com/a/b@<commit>, 40 hex digits",
        ),
        (
            "diffusers @ git+ssh://git@github.com/a/b@main",
            "write diffusers @ git+ssh://git@github.com/a/b@<commit>, 40 hex digits",
        ),
        ("git+https://github.com/a/b.git@v1", "write b @ git+https://github.com/a/b.git@<commit>"),
        ("transformers=4.57", "write it as in PEP 508: name>=1.2"),
        ("-r requirements.txt", "write it as in PEP 508: name>=1.2"),
    ],
)
def test_requirements(requirement: str, fix: str | None) -> None:
    found = judged.problems(
        release({"key": "a"}, environment={"framework": "x", "requirements": [requirement]}), "ENV002"
    )
    assert [(problem.fix, problem.severity) for problem in found] == ([(fix, Severity.ERROR)] if fix else [])


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("#system_torch#", False),
        ('#vllm_dependencies# ; #engine# == "vllm"', False),
        ('transformers>=4.57 ; #engine# == "Transformers"', False),
        ('transformers=4.57 ; #engine# == "Transformers"', True),
        ("git+https://github.com/huggingface/transformers", True),
    ],
)
def test_packages_of_an_overlay_may_have_its_macros(package: str, said: bool) -> None:
    overlay = {"xinference": {"virtualenv": {"packages": [package]}}}
    found = judged.problems(release({"key": "a"}, runtimes=overlay), "ENV002")
    assert [problem.severity for problem in found] == ([Severity.WARN] if said else [])


@pytest.mark.parametrize(
    ("environment", "fix"),
    [
        (None, None),
        ({"framework": "pytorch"}, None),
        ({"image": "x"}, None),
        ({"framework": "torch"}, "write `pytorch`"),
        ({"framework": "PyTorch"}, "write `pytorch`"),
        ({"framework": "caffe"}, "use `pytorch`"),
        ({}, "add `framework`: `pytorch`"),
    ],
)
def test_frameworks(environment: dict[str, object] | None, fix: str | None) -> None:
    files = release({"key": "a"}, **({} if environment is None else {"environment": environment}))
    found = judged.problems({**files, "taxonomy.yaml": TAXONOMY}, "ENV004")
    assert [problem.fix for problem in found] == ([fix] if fix else [])


def test_any_framework_will_do_where_the_taxonomy_has_none() -> None:
    files = release({"key": "a"}, environment={"framework": "caffe"})
    assert judged.problems(files, "ENV004") == []
