"""Exports as a whole: what is exported, what is kept, what is refused, and the command that writes one runtime's."""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import exported
from conftest import MINIMAL, Result, write
from galleryctl import building, document, exports
from galleryctl.errors import UsageError
from galleryctl.exports import localai
from galleryctl.exports.base import File, Made
from galleryctl.exports.store import NAME, Store
from galleryctl.runtimes.natives import NATIVES, line, use
from galleryctl.spec import Settings
from made import entry, view

if TYPE_CHECKING:
    from galleryctl.audience import View
    from galleryctl.gallery import Entry

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
Make = Callable[..., Path]
Run = Callable[..., Result]
ALL = tuple(sorted(exports.EXPORTERS))


def seen(*entries: Entry, runtimes: tuple[str, ...] = ALL) -> View:
    return view(*entries, settings=Settings(title="Test", runtimes=runtimes))


def written(shown: View, folder: Path | None = None, jobs: int = 1) -> dict[str, bytes]:
    with exports.prepared(shown, exports.enabled(shown), folder=folder, jobs=jobs) as made:
        return {output.path: output.render() for output in made.outputs()}


def fingerprints(shown: View, folder: Path | None = None) -> dict[str, str]:
    with exports.prepared(shown, exports.enabled(shown), folder=folder) as made:
        return {output.path: output.depends_on for output in made.outputs()}


def enabled(*names: str) -> dict[str, str]:
    settings = MINIMAL["gallery.yaml"] or ""
    return {"gallery.yaml": f"{settings}runtimes: [{', '.join(names)}]\n"}


def broken(monkeypatch: pytest.MonkeyPatch, *, files: tuple[File, ...], faults: list[str] | None = None) -> None:
    """An exporter that gives these files for every model."""
    module = ModuleType("galleryctl.exports.odd")
    module.__dict__.update(
        NAME="odd",
        one=lambda _item: Made(files=files),
        shared=lambda _settings: (),
        whole=lambda *_: iter(()),
        faults=lambda _path, _data: faults or [],
    )
    monkeypatch.setitem(exports.EXPORTERS, "odd", "odd")
    monkeypatch.setitem(sys.modules, "galleryctl.exports.odd", module)


def test_only_what_lists_show_is_exported() -> None:
    found = written(
        seen(
            entry("acme/there"),
            entry("acme/older", status="deprecated", reason="Old."),
            entry("acme/gone", status="discontinued", reason="Gone."),
            entry("acme/bad", status="quarantined", reason="Bad."),
            entry("acme/hidden", listed=False),
            entry("acme/ended", expires="2026-01-01"),
        )
    )
    told = b"".join([*found.values(), *(path.encode() for path in found)])
    assert b"acme/there" in told
    assert b"acme/older" in told
    assert not [name for name in (b"acme/gone", b"acme/hidden", b"acme/ended", b"acme/bad") if name in told]


@pytest.mark.parametrize("name", sorted(exports.EXPORTERS))
def test_a_type_that_no_runtime_knows_is_no_bug(name: str) -> None:
    """A registry may bring schemas of its own."""
    known = entry("acme/oracle")
    found = exported.left(name, replace(known, outline=known.outline.model_copy(update={"type": "timeseries"})))
    assert all(reason for reasons in found.values() for *_, reason in reasons)


def test_featured_models_come_first_then_ids() -> None:
    shown = seen(entry("acme/b"), entry("acme/a"), entry("zeta/c", featured=True), runtimes=("llama.cpp",))
    models = json.loads(written(shown)["runtimes/llama.cpp/models.json"])["models"]
    assert list(models) == ["zeta/c", "acme/a", "acme/b"]


def test_shared_files_are_there_for_nobody_too() -> None:
    found = written(seen())
    assert {path.split("/")[1] for path in found} >= {"llama.cpp", "vllm", "ollama", "localai", "xinference"}


def test_order_processes_and_the_store_change_no_byte(tmp_path: Path) -> None:
    entries = [entry(f"acme/m{number:03d}", featured=number % 50 == 0) for number in range(130)]
    first = written(seen(*entries), tmp_path, jobs=2)
    assert first == written(seen(*reversed(entries)))  # one process, nothing kept
    assert first == written(seen(*entries), tmp_path)  # all of it from the store
    with sqlite3.connect(tmp_path / NAME) as base:
        base.execute("DELETE FROM made")
    assert first == written(seen(*entries), tmp_path)  # made again where it is lost
    (tmp_path / NAME).write_bytes(b"no database")
    assert first == written(seen(*entries), tmp_path)


def test_only_what_depends_on_a_model_changes_with_it() -> None:
    before = fingerprints(seen(entry("acme/a"), entry("acme/b")))
    after = fingerprints(seen(entry("acme/a"), entry("acme/b", summary="Another.")))
    changed = {path for path in before if before[path] != after[path]}
    assert "runtimes/ollama/acme/a/Modelfile" not in changed
    assert {"runtimes/ollama/acme/b/Modelfile", "runtimes/llama.cpp/models.ini"} <= changed
    assert "runtimes/xinference/audio.json" not in changed


def test_an_unchanged_model_is_not_exported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(seen(entry("acme/a"), entry("acme/b")), tmp_path)
    asked: list[str] = []
    real = exports._make

    def make(each: Entry, names: Any) -> Any:  # noqa: ANN401 - as the real one
        asked.append(each.id)
        return real(each, names)

    monkeypatch.setattr(exports, "_make", make)
    written(seen(entry("acme/a"), entry("acme/b", summary="Another.")), tmp_path)
    assert asked == ["acme/b"]


def test_the_store_forgets_what_is_long_gone(tmp_path: Path) -> None:
    for number in range(6):
        written(seen(entry("acme/a", summary=f"Number {number}.")), tmp_path)
    with sqlite3.connect(tmp_path / NAME) as base:
        assert base.execute("SELECT count(*) FROM told").fetchone()[0] <= 3
    assert Store(tmp_path / "none" / NAME).names(["x"]) == {}


def test_an_entry_that_is_written_by_its_members_is_that_of_a_listing() -> None:
    odd = {
        "name": "a",
        "b": [1, {"c": "x\ny\n"}],
        "d": {},
        "e": True,
        "f": 1,
        "g": "1",
        "h": [],
        "l": None,
        "m": "a\n\nb",
    }
    known: dict[localai.Mark, str] = {}
    deep = {"overrides": {"name": "b", "h": odd["b"], "parameters": {"model": "b"}}, "i": {"j": {"k": ["a", [1, 2]]}}}
    other = odd | {"name": "b", "f": True} | deep
    for found in (odd, other, other | {"overrides": {}}, {"overrides": {"a": 1}}):
        assert localai.as_listed(found, known) == document.listing([found])


def test_what_a_crash_left_is_not_trusted(tmp_path: Path) -> None:
    first = written(seen(entry()), tmp_path)
    with sqlite3.connect(tmp_path / NAME) as base:
        base.execute("UPDATE made SET data = 'wrong'")
        base.execute("PRAGMA user_version = 1")
    assert written(seen(entry()), tmp_path) == first


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    first = written(seen(entry()))
    with Store(tmp_path / NAME).keeping():
        assert written(seen(entry()), tmp_path) == first
    assert written(seen(entry()), tmp_path) == first


@pytest.mark.parametrize("path", ["../../etc/x", "a/../b", "/x", ".hidden/x", "a//b", "a b", "a\nb"])
def test_names_of_overlays_reach_no_other_file(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, files=(File(path, b"x"), File("fine", b"y")))
    shown = seen(entry(), runtimes=("odd",))
    assert written(shown) == {"runtimes/odd/fine": b"y"}
    with exports.prepared(shown, ("odd",)) as made:
        (report,) = made.reports()
        assert "no path that may be published" in str(report.left)


def test_of_two_files_of_one_name_the_first_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, files=(File("Same", b"x"), File("same", b"y")))
    assert written(seen(entry(), entry("acme/other"), runtimes=("odd",))) == {"runtimes/odd/Same": b"x"}


def test_a_file_that_the_runtime_would_refuse_stops_the_build(
    registry: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = registry(enabled("odd"))
    out = tmp_path / "site"
    wanted = building.Wanted(folder, out, now=NOW)
    broken(monkeypatch, files=(File("x.json", b"x"),), faults=["it is no list"])
    done = building.build(wanted)
    (problem,) = done.errors
    assert (problem.code, problem.path, problem.message) == ("RUN006", "runtimes/odd/x.json", "it is no list")
    assert "report it" in problem.fix
    assert not out.exists()
    broken(monkeypatch, files=(File("x.json", b"x"),))
    assert building.build(wanted).written is not None


def test_a_build_writes_the_runtimes_of_its_gallery(registry: Make, tmp_path: Path) -> None:
    out = tmp_path / "site"
    done = building.build(building.Wanted(registry(enabled("vllm", "tencent-ti")), out, now=NOW))
    assert done.errors == ()
    assert sorted(path.name for path in (out / "runtimes").iterdir()) == ["vllm"]
    page = (out / "models/acme/tiny/index.html").read_text()
    assert 'href="../../../runtimes/vllm/acme/tiny.yaml"' in page
    assert (
        "curl -O https://gallery.example/runtimes/vllm/acme/tiny.yaml &amp;&amp; vllm serve --config tiny.yaml" in page
    )
    assert "https://gallery.example/runtimes/vllm/models.json" in (out / "about/index.html").read_text()


def test_the_page_says_why_a_runtime_gets_nothing(registry: Make, tmp_path: Path) -> None:
    out = tmp_path / "site"
    building.build(building.Wanted(registry(enabled("vllm", "ollama")), out, now=NOW))
    assert "Ollama does not load pytorch." in (out / "models/acme/tiny/index.html").read_text()


def test_the_command_writes_what_the_build_does(registry: Make, tmp_path: Path, run: Run) -> None:
    folder = registry(enabled(*ALL))
    site = tmp_path / "site"
    building.build(building.Wanted(folder, site, now=NOW))
    for name in ALL:
        out = tmp_path / name
        done = run("export", name, "--registry", folder, "--out", out, "--now", "2026-01-02")
        assert done.exit_code == 0, done.stderr
        assert done.stdout == ""
        published = files(site / "runtimes" / name)
        assert files(out) == {path: data for path, data in published.items() if not re.search("[0-9a-f]{64}", path)}


def files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".galleryctl")}


def test_the_machine_form_tells_every_model(registry: Make, tmp_path: Path, run: Run) -> None:
    folder, out = registry(), tmp_path / "out"  # a gallery that enables no runtime
    done = run("export", "ollama", "--registry", folder, "--out", out, "--format", "json")
    assert json.loads(done.stdout) == {
        "runtime": "ollama",
        "written": ["models.json"],
        "exported": [],
        "left": [
            {
                "id": "acme/tiny",
                "variant": "1b-pytorch",
                "quantization": "none",
                "reason": "Ollama does not load pytorch.",
            }
        ],
    }
    assert "0 models exported" in done.stderr


def test_a_registry_with_errors_is_exported_as_far_as_it_can_be_read(registry: Make, tmp_path: Path, run: Run) -> None:
    other = {path.replace("/tiny/", "/odd/"): text for path, text in MINIMAL.items() if text and "/tiny/" in path}
    folder = registry({**other, "models/llm/acme/odd/model.yaml": "title: [\n"})
    done = run("export", "vllm", "--registry", folder, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "the registry has 1 error; galleryctl check" in done.stderr
    assert sorted(files(tmp_path / "out")) == ["acme/tiny.yaml", "models.json"]


def test_only_its_own_files_are_removed(registry: Make, tmp_path: Path, run: Run) -> None:
    folder, out = registry(), tmp_path / "out"
    run("export", "vllm", "--registry", folder, "--out", out)
    (out / "mine.txt").write_text("mine")
    write(
        folder,
        {"models/llm/acme/tiny/model.yaml": (MINIMAL["models/llm/acme/tiny/model.yaml"] or "") + "listed: false\n"},
    )
    run("export", "vllm", "--registry", folder, "--out", out)
    assert sorted(files(out)) == ["mine.txt", "models.json"]
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "x").write_text("x")
    refused = run("export", "vllm", "--registry", folder, "--out", foreign)
    assert refused.exit_code == 3
    assert "did not write" in refused.stderr


def test_without_a_folder_it_is_written_into_export(registry: Make, tmp_path: Path, run: Run) -> None:
    assert run("export", "vllm", "--registry", registry(), cwd=tmp_path).exit_code == 0
    assert (tmp_path / "export/vllm/models.json").is_file()


@pytest.mark.parametrize(
    ("name", "near"), [("olama", "did you mean ollama?"), ("llamacpp", "llama.cpp"), ("zzz", "Known are")]
)
def test_an_unknown_runtime_names_those_near(registry: Make, run: Run, name: str, near: str) -> None:
    done = run("export", name, "--registry", registry())
    assert done.exit_code == 2
    assert near in done.stderr
    with pytest.raises(UsageError):
        exports.exporter(name)


EVERY = [(name, each.path) for name, facts in NATIVES.items() for each in facts.uses]


@pytest.mark.parametrize(("runtime", "path"), EVERY)
def test_every_kind_of_native_file_has_a_line(runtime: str, path: str) -> None:
    filled = path.format(type="llm", name="ti-ny", id="acme/ti-ny")
    found = use(runtime, filled)
    assert found is not None
    assert found.path == path
    said = line(runtime, filled, "https://g.example/a b", "My Gallery!")
    assert "{" not in said.replace("${XINFERENCE_HOME", "").replace('[{"name"', "")
    assert not said or "'https://g.example/a b'" in said or '"url": "https://g.example/a b"' in said


def test_every_exporter_has_a_line_for_each_of_its_files() -> None:
    found = written(seen(entry(), runtimes=ALL))
    assert set(NATIVES) == set(ALL)
    assert [path for path in found if use(path.split("/")[1], path.split("/", 2)[2]) is None] == []
    assert use("odd", "x") is None
    assert line("odd", "x", "https://g.example", "G") == ""
