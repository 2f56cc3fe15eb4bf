"""Fixtures: a real registry in a real git repository, the command line at its boundary, and a sealed surrounding."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import settings

from browsing import browser, served, site, visit  # noqa: F401 - fixtures, shared by all that use a browser
from forges.fixtures import forge_server  # noqa: F401 - fixture, shared by all that talk to a forge
from stores import s3, s3_server  # noqa: F401 - fixtures, shared by all that use an object store

if TYPE_CHECKING:
    from pathlib import Path

settings.register_profile("shared", deadline=None)  # other processes slow a run down; that is no failure
settings.load_profile("shared")

Files = Mapping[str, str | None]

LOOPBACK = ("127.", "::1", "localhost")
NOW = "2026-01-02T03:04:05Z"

MINIMAL: Files = {
    "gallery.yaml": """\
title: Test gallery
url: https://gallery.example
repository: https://github.com/acme/gallery
""",
    "roles.yaml": """\
version: 1
people:
  ada: {github: {id: 1001, login: ada}}
  bob: {github: {id: 1002, login: bob}}
  eve: {github: {id: 1003, login: eve}}
groups:
  acme: [ada, bob]
roles:
  owner: [edit, release, deploy, withdraw, deprecate, discontinue, reinstate, expire, renew]
  reviewer: [new, edit, release]
  clearance: [widen]
  steward: [quarantine, reinstate, remove, rename, transfer, override]
  admin: [govern]
grants:
  - {role: owner, to: acme, scope: acme/*}
  - {role: reviewer, to: [ada, bob, eve], scope: "*"}
  - {role: clearance, to: [ada, bob, eve], scope: "*"}
  - {role: steward, to: [ada, bob, eve], scope: "*"}
  - {role: admin, to: [ada, bob, eve], scope: "*"}
rules:
  admin_quorum: 2
""",
    "policy.yaml": "version: 1\n",
    "taxonomy.yaml": """\
dimensions:
  ability:
    title: Ability
    values:
      chat: {label: Chat, aliases: [chats]}
      reasoning: {label: Reasoning}
licenses:
  Apache-2.0: {label: Apache License 2.0, commercial: allowed}
  MIT: {label: MIT License, commercial: allowed}
""",
    "publishers/acme.yaml": """\
title: Acme
links: {homepage: https://acme.example}
maintainers: [acme]
""",
    "models/llm/acme/tiny/model.yaml": """\
title: Tiny
summary: A small chat model for tests.
license: Apache-2.0
tags: [chat]
links: {repository: https://huggingface.co/acme/tiny}
""",
    "models/llm/acme/tiny/README.md": """\
# Tiny

## Background

Made for tests.

## Introduction

A small chat model.

## Usage

Load it and chat.

## Constraints

It knows nothing.
""",
    "models/llm/acme/tiny/1.0.0.yaml": """\
notes: First release.
released: "2025-05-01T08:00:00Z"
spec:
  context_length: 4096
  languages: [en]
  abilities: [chat]
variants:
  - format: pytorch
    parameters: 1B
    engines: [transformers]
    quantizations: [none]
    sources:
      huggingface: {repo: acme/tiny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
    files:
      none:
        - path: model.safetensors
          size: 2000000000
          sha256: 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea
""",
}


class Result(NamedTuple):
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str


def _loopback(address: object) -> bool:
    return not isinstance(address, tuple) or str(address[0]).startswith(LOOPBACK)


def _guarded(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def guard(sock: socket.socket, address: object, *rest: object) -> Any:  # noqa: ANN401 - as the real one
        if not _loopback(address):
            message = f"a test may reach only this machine, and {name} was called with {address}"
            raise RuntimeError(message)
        return real(sock, address, *rest)

    return guard


def _guarded_lookup(real: Callable[..., Any]) -> Callable[..., Any]:
    def guard(host: object, *rest: object, **options: object) -> Any:  # noqa: ANN401 - as the real one
        if host and not _loopback((host.decode() if isinstance(host, bytes) else host,)):
            message = f"a test may reach only this machine, and the address of {host!r} was asked for"
            raise RuntimeError(message)
        return real(host, *rest, **options)

    return guard


@pytest.fixture(scope="session", autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No network but loopback, and no git configuration but this one; for fixtures of every scope."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded("connect", socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _guarded("connect_ex", socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        config = tmp_path_factory.mktemp("git") / "config"
        measured = config.with_name("ignore")  # processes that are measured leave their figures where they work
        measured.write_text(".coverage*\n")
        config.write_text(
            "[user]\n\tname = Ada\n\temail = ada@acme.example\n[init]\n\tdefaultBranch = main\n"
            f"[core]\n\texcludesFile = {measured}\n"
            "[commit]\n\tgpgSign = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
        )
        for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "GITHUB_"))]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line as a process sees it: `run("check", "--registry", path)`; `stdin` and `cwd` are options."""

    def call(*args: str | Path, stdin: str = "", cwd: Path | None = None) -> Result:
        from galleryctl.cli import main  # noqa: PLC0415 - tests that need no command line should not wait for it

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
            if cwd is not None:
                patch.chdir(cwd)
            code = main([str(arg) for arg in args])
        return Result(code, _text(out), _text(err))

    return call


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def write(folder: Path, files: Files) -> None:
    """Write texts by relative path; `None` deletes."""
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")


def git(folder: Path, *words: str, **environment: str) -> str:
    """Run git in a folder; standard output without its last newline."""
    command = ["git", *words]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.removesuffix("\n")


@pytest.fixture
def commit() -> Callable[..., str]:
    """Write files into a registry (`None` deletes) and commit all: `commit(registry, files, …)` gives the id."""

    def call(folder: Path, files: Files, *, message: str = "change", author: str = "ada", date: str = NOW) -> str:
        write(folder, files)
        git(folder, "add", "--all", ".")
        who = f"{author.title()} <{author}@acme.example>"
        git(
            folder,
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            message,
            "--author",
            who,
            "--date",
            date,
            GIT_COMMITTER_DATE=date,
        )
        return git(folder, "rev-parse", "HEAD")

    return call


@pytest.fixture(scope="session")
def _minimal(tmp_path_factory: pytest.TempPathFactory, _sealed: None) -> Path:
    repository = tmp_path_factory.mktemp("minimal")
    git(repository, "init", "-q")
    write(repository / "registry", MINIMAL)
    return repository


@pytest.fixture
def registry(tmp_path: Path, _minimal: Path, commit: Callable[..., str]) -> Callable[..., Path]:
    """`registry(files)`: the folder `registry` of a fresh git repository with one commit, `MINIMAL` changed by `files`.

    The repository is its parent. `None` leaves a file out; `name` tells several registries of one test apart.
    """

    def make(files: Files | None = None, *, name: str = "repository") -> Path:
        repository = tmp_path / name
        shutil.copytree(_minimal, repository)
        commit(repository / "registry", files or {}, message="start")
        return repository / "registry"

    return make
