"""The schedule that signs anew: freshness does not depend on a build that succeeds."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import ExpiredMetadataError

from conftest import git
from publishing import serve
from tufclient import Yesterday

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files, Result

    Run = Callable[..., Result]

MODEL = "models/llm/acme/tiny/model.yaml"


def test_what_is_published_is_signed_again_while_nothing_builds(
    registry: Callable[..., Path], commit: Callable[[Path, Files], str], run: Run, tmp_path: Path
) -> None:
    live, keys, now = tmp_path / "live", tmp_path / "keys", dt.datetime.now(dt.UTC).replace(microsecond=0)
    folder = registry()
    root = folder.parent
    assert run("keys", "init", "--out", keys).exit_code == 0
    with serve(live) as served:
        lines = (folder / "gallery.yaml").read_text().splitlines()
        text = "".join(f"{line}\n" for line in lines if not line.startswith("url:"))
        trust = {f"trust/{path.name}": path.read_text() for path in (keys / "trust").iterdir()}
        commit(folder, {"gallery.yaml": f"{text}url: {served.url}\n", **trust})
        online = ("--online", f"file2:{keys / 'online.pem'}")
        assert run("build", "--out", live, "--now", now.isoformat(), cwd=root).exit_code == 0
        done = run("sign", live, *online, "--now", now.isoformat(), cwd=root)
        assert done.exit_code == 0, done.stderr
        client = Yesterday(tmp_path / "client", served.url, (folder / "trust/1.root.json").read_bytes())
        head = client.head()
        good = git(root, "rev-parse", "HEAD").strip()

        commit(folder, {MODEL: "title: [\n"})
        failed = run("build", "--earlier", "site", "--allow-private", "--out", tmp_path / "site", cwd=root)
        assert failed.exit_code == 1
        late = now + dt.timedelta(days=6)
        told = run("verify", "--format", "json", "--now", late.isoformat(), cwd=root)
        assert told.exit_code == 0, told.stderr
        found = json.loads(told.stdout)
        assert found["built"] == now.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert git(root, "merge-base", "--is-ancestor", found["commit"], good) == ""

        assert found["gallery"] == served.url, "the settings of that commit may name another"
        words = ("--earlier", found["gallery"], "--allow-private", "--head", found["commit"], "--now", found["built"])
        again = run("build", *words, "--out", tmp_path / "site", cwd=root)
        assert again.exit_code == 0, again.stderr
        more = (*online, "--refuse-rollback-from", "site", "--now", late.isoformat())
        done = run("sign", tmp_path / "site", *more, cwd=root)
        assert done.exit_code == 0, done.stderr

        after = now + dt.timedelta(days=8)
        with pytest.raises(ExpiredMetadataError, match="timestamp"):
            client.head(after)
        shutil.rmtree(live)
        shutil.copytree(tmp_path / "site", live)
        assert client.head(after) == head, "the same head, to the byte, signed again"
        assert run("verify", "--online-for", "2d", "--now", after.isoformat(), cwd=root).exit_code == 0
        assert run("verify", "--online-for", "6d", "--now", after.isoformat(), cwd=root).exit_code != 0
