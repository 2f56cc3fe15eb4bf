"""The run book of the keys, command by command, with a client that follows through all of it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from conftest import git
from galleryctl.signing.trust import Trust
from publishing import serve
from terminals import Terminal
from test_docs import ROOT, scripts
from tufclient import Yesterday

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]

GUIDE = ROOT / "docs/signing.md"
MODEL = "models/llm/acme/tiny/model.yaml"


class Office:
    """A repository, the keys of everybody, and the host."""

    def __init__(self, root: Path, url: str, run: Run) -> None:
        self.root, self.url, self.run, self.live = root, url, run, root / "published"

    def follow(self, heading: str, part: int | None = None) -> str:
        """Run the commands below a heading, or one block of them; what they printed."""
        blocks = scripts(GUIDE, heading)
        lines = "".join(blocks if part is None else blocks[part : part + 1]).splitlines()
        return "".join(self.line(line) for line in lines)

    def line(self, line: str) -> str:
        words = shlex.split(line)
        asks = words[1:4] == ["keys", "ceremony", "sign"]
        if (
            asks and not (self.root / "registry/trust/1.root.json").exists()
        ):  # as people meet it; later without a terminal
            return self.signed(line)
        if words[0] == "galleryctl":
            found = self.run(*words[1:], *(["--yes"] if asks else []), cwd=self.root)
            assert found.exit_code == 0, f"{line}\n{found.stdout}{found.stderr}"
            return found.stdout + found.stderr
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=self.root, check=False)
        assert done.returncode == 0, line
        return ""

    def signed(self, line: str) -> str:
        terminal = Terminal(*line.split()[1:], cwd=self.root)
        end = time.monotonic() + 30
        while "y/N" not in terminal.text and time.monotonic() < end:
            terminal.until("y/N", seconds=0.1)
        terminal.until(seconds=0.2)
        terminal.say("y\r")
        assert terminal.ended() == 0, terminal.text
        return terminal.text

    def publish(self) -> bytes:
        """Upload; the head."""
        shutil.rmtree(self.live, ignore_errors=True)
        shutil.copytree(self.root / "site", self.live)
        return (self.live / "v1/catalog.json").read_bytes()

    def save(self) -> None:
        git(self.root, "add", "--all", "registry")
        git(self.root, "commit", "-q", "--allow-empty", "-m", "save")

    def change(self, summary: str) -> None:
        path = self.root / "registry" / MODEL
        path.write_text(re.sub(r"(?m)^summary: .*$", f"summary: {summary}", path.read_text()))
        self.save()

    @property
    def trust(self) -> Trust:
        return Trust.read(self.root / "registry/trust")

    def client(self, name: str) -> Yesterday:
        return Yesterday(self.root / name, self.url, (self.root / "registry/trust/1.root.json").read_bytes())


@pytest.fixture
def office(registry: Callable[..., Path], run: Run) -> Iterator[Office]:
    folder = registry()
    with serve(folder.parent / "published") as served:
        lines = [line for line in (folder / "gallery.yaml").read_text().splitlines() if not line.startswith("url:")]
        (folder / "gallery.yaml").write_text("\n".join([*lines, f"url: {served.url}", ""]))
        found = Office(folder.parent, served.url, run)
        found.save()
        yield found


def test_the_trial(office: Office) -> None:
    printed = office.follow("Try it")
    assert "trial: verified" in printed
    assert "root: version 1 until " in printed


def test_the_run_book(office: Office) -> None:
    office.follow("The first ceremony")
    assert (office.root / "ada.pem").stat().st_mode & 0o777 == 0o600
    (office.root / "published").mkdir()
    office.line("galleryctl build --out site")
    office.line("galleryctl sign site --online file2:online.pem")
    head, client = office.publish(), office.client("client")
    assert client.head() == head

    office.change("A tiny model, told better.")
    office.follow("Every day", 1)
    assert office.publish() != head
    office.follow("Every day", 0)
    for heading, online, roots in (
        ("Before root and targets expire", "online", 2),
        ("Another holder", "online", 4),
        ("Another online key", "online-2", 5),
        ("The online key is lost", "online-3", 6),
        ("The online key is stolen", "online-4", 7),
        ("A root key is lost, or stolen", "online-4", 10),
    ):
        office.follow(heading)
        office.save()
        assert len(office.trust.roots) == roots, heading
        if heading.startswith(("Before", "Another holder", "A root key")):
            office.line("galleryctl build --earlier published --out site")
            office.line(f"galleryctl sign site --earlier published --online file2:{online}.pem")
        head = office.publish()
        if roots != 5:  # one step that this client skips
            assert client.head() == head, heading
        assert office.client(f"new-{roots}").head() == (office.live / "v1/catalog.json").read_bytes()
    assert json.loads((office.live / "v1/catalog.json").read_bytes())["epoch"] == 2

    office.change("A model that is something else.")
    office.line("galleryctl build --earlier published --out site")
    office.line("galleryctl sign site --earlier published --online file2:online-4.pem")
    wrong = json.loads(office.publish())
    client.head()
    office.follow("Something wrong was published")
    mended = json.loads(office.publish())
    assert mended["serial"] == wrong["serial"] + 1
    assert json.loads(client.head()) == mended

    shutil.rmtree(office.live)
    office.follow("The site is gone")
    head = office.publish()
    assert (json.loads(head)["serial"], json.loads(head)["epoch"]) == (1, 3)
    assert client.head() == head
    held = office.trust
    office.follow("A ceremony went wrong")
    assert office.trust == held
    office.follow("Every day", 0)


def test_every_role_is_told_with_the_life_it_has() -> None:
    from galleryctl.signing.metadata import LIFETIME  # noqa: PLC0415 - here only

    (online,) = re.findall(r"^\| catalog, snapshot, timestamp \|.*\| (.+) days \|$", GUIDE.read_text(), re.MULTILINE)
    assert [int(days) for days in online.split(", ")] == [
        LIFETIME[role].days for role in ("catalog", "snapshot", "timestamp")
    ]
