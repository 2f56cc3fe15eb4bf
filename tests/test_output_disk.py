"""The writer and the disk: runs side by side, full disks, signals and sudden death."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from galleryctl.errors import OutputError
from galleryctl.output import Output, replace, write
from galleryctl.output.disk import workshop
from test_output import TEXTS, files, names, pages, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def test_a_run_waits_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "site"
    started, go_on = threading.Event(), threading.Event()

    def slow() -> bytes:
        started.set()
        assert go_on.wait(20)
        return b"slow"

    thread = threading.Thread(target=write, args=(out, [Output("a", "1", slow)]))
    thread.start()
    assert started.wait(20)
    monkeypatch.setattr("galleryctl.output.disk._PATIENCE", 0.1)
    with pytest.raises(OutputError, match=r"another run is writing .*site: wait for it to end"):
        write(out, [Output("b", "1", lambda: b"fast")])
    monkeypatch.setattr("galleryctl.output.disk._PATIENCE", 20)
    threading.Timer(0.2, go_on.set).start()
    assert write(out, [Output("b", "1", lambda: b"fast")]).pruned == ("a",)
    thread.join()
    assert files(out) == {"b": "fast"}
    assert names(tmp_path) == ["site"]


@pytest.mark.parametrize("reason", ["mounted", "not ours"])
def test_a_folder_whose_parent_is_no_place_to_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """A volume of a container: the work happens inside it, and nothing of that is left."""
    out = tmp_path / "site"
    out.mkdir()
    if reason == "not ours":
        monkeypatch.setattr("os.access", lambda _path, _mode: False)
    else:
        real = tmp_path.stat()
        other = os.stat_result((*real[:2], real.st_dev + 1, *real[3:10]))
        stat = Path.stat
        monkeypatch.setattr(Path, "stat", lambda path, **words: other if path == tmp_path else stat(path, **words))
    nothing: dict[str, str] = {}
    for texts in (nothing, TEXTS, TEXTS | {"index.html": "changed", "v1/catalog.json": "[]"}, {"a": "a"}):
        write(out, pages(texts))
        assert files(out) == texts
        assert names(tmp_path) == ["site"]


def test_a_link_to_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "site").symlink_to("www")
    write(tmp_path / "site", pages(TEXTS))
    assert (tmp_path / "site").is_symlink()
    assert files(tmp_path / "www") == TEXTS


def test_leftovers_of_a_run_that_died_are_removed(tmp_path: Path) -> None:
    left = tmp_path / ".site.galleryctl-work/staging/0"
    left.mkdir(parents=True)
    (left / "half").write_text("ha")
    write(tmp_path / "site", pages(TEXTS))
    assert files(tmp_path / "site") == TEXTS
    assert names(tmp_path) == ["site"]


def test_a_full_disk_or_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "site"
    write(out, pages(TEXTS))
    before = whole(out)

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(OutputError, match=r"cannot write .*: No space left on device"):
            write(out, pages(TEXTS | {"index.html": "more"}))
        with pytest.raises(OutputError, match=r"cannot write .*: No space left on device"):
            write(out, pages({}))
    assert whole(out) == before
    assert names(tmp_path) == ["site"]


def test_a_write_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: real(descriptor, data[:3]))
    write(tmp_path / "site", pages(TEXTS | {"long": "a long text"}))
    assert files(tmp_path / "site")["long"] == "a long text"


def test_replace(tmp_path: Path) -> None:
    path = tmp_path / "new/model.yaml"
    assert replace(path, "title: Tiny\n")
    assert path.read_bytes() == b"title: Tiny\n"
    path.chmod(0o640)
    before = path.stat()
    assert not replace(path, b"title: Tiny\n")
    assert path.stat() == before
    assert replace(path, "title: Zwölf\r\n")
    assert path.read_bytes() == "title: Zwölf\r\n".encode()
    assert path.stat().st_mode == before.st_mode
    assert names(path.parent) == ["model.yaml"]


def test_replace_refuses(tmp_path: Path) -> None:
    (tmp_path / "folder/x").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"cannot write .*folder: Is a directory"):
        replace(tmp_path / "folder", "text")
    (tmp_path / "file").write_text("f")
    with pytest.raises(OutputError, match="cannot write"):
        replace(tmp_path / "file/below", "text")
    assert names(tmp_path) == ["file", "folder"]


OLD = {"index.html": "old", "a/b/page.html": "old a", "x": "x", "same": "same", f"v1/{'0' * 64}.catalog.json": "0"}
NEW = {"index.html": "newer", "a/b/page.html": "new a", "x/y": "y", "same": "same", f"v1/{'1' * 64}.catalog.json": "1"}


def site(texts: Mapping[str, str], *, link: bool = True) -> list[Output]:
    """Pages, and a catalogue that names the document it is a copy of."""
    (document,) = (path for path in texts if path.startswith("v1/"))
    pointer = Output(".well-known/gallery.json", document, document.encode)
    catalog = [Output("v1/catalog.json", document, bytes, links=document)] if link else []
    return [*pages(texts), pointer, *catalog]


def clean(folder: Path, texts: Mapping[str, str]) -> dict[str, bytes | None]:
    write(folder, site(texts))
    return whole(folder)


def doomed(out: Path, texts: Mapping[str, str], fatal: int, number: int, jobs: int = 1) -> int:
    """Write in a child that gets signal `number` at its `fatal`-th touch of the disk; what `waitpid` says of it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    touched = 0

    def count(event: str, _arguments: object) -> None:
        nonlocal touched
        if event in {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.listdir", "os.scandir"}:
            touched += 1
            if touched == fatal:
                os.kill(os.getpid(), number)

    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.addaudithook(count)
        write(out, site(texts), jobs=jobs)
    except KeyboardInterrupt:
        os._exit(130)
    except BaseException:  # noqa: BLE001 - nothing of the test run may go on in the child
        os._exit(1)
    os._exit(0)


def steps(tmp_path: Path, number: int) -> Iterator[tuple[Path, int]]:
    """A folder written once, and what became of a second run that got the signal a little later each time."""
    for fatal in range(1, 1000):
        out = tmp_path / str(fatal) / "site"
        write(out, site(OLD))
        status = doomed(out, NEW, fatal, number)
        yield out, status
        if status == 0:
            assert fatal > 30  # the signal really came at many places
            return
    raise AssertionError("the run never came to its end")


def test_death_at_any_moment_is_mended_by_the_next_run(tmp_path: Path) -> None:
    old, new = clean(tmp_path / "old", OLD), clean(tmp_path / "new", NEW)
    mixed = 0
    for out, status in steps(tmp_path, signal.SIGKILL):
        assert status in {signal.SIGKILL, 0}
        now = whole(out)
        mixed += now not in (old, new)
        document = (out / (out / ".well-known/gallery.json").read_text()).read_bytes()
        assert document in {b"0", b"1"}  # what a reader is led to is there
        again = out.parent / "again"
        shutil.copytree(out, again)
        write(again, site(OLD))  # back to where it was
        assert whole(again) == old
        write(out, site(NEW))  # or on
        assert whole(out) == new
        assert names(out.parent) == ["again", "site"]
    assert 0 < mixed < 40  # between the mark and the last manifest, and only there


def test_an_interrupt_at_any_moment_leaves_one_build_or_the_other(tmp_path: Path) -> None:
    old, new = clean(tmp_path / "old", OLD), clean(tmp_path / "new", NEW)
    seen = []
    for out, status in steps(tmp_path, signal.SIGINT):
        assert os.waitstatus_to_exitcode(status) in {130, 0}
        assert whole(out) in (old, new)
        seen.append(whole(out) == new)
    assert seen == sorted(seen)
    assert set(seen) == {True, False}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_first_build_is_whole_or_not_there(tmp_path: Path, number: signal.Signals) -> None:
    new = clean(tmp_path / "new", NEW)
    there = []
    for fatal in range(1, 1000):
        out = tmp_path / str(fatal) / "site"
        status = doomed(out, NEW, fatal, number)
        there.append(out.exists())
        assert not out.exists() or whole(out) == new
        if status == 0:
            break
        write(out, site(OLD, link=False))
        write(out, site(NEW))
        assert whole(out) == new
        assert names(out.parent) == ["site"]
    assert there == sorted(there)
    assert there[0] is False
    assert len(there) > 20


@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_run_with_children_dies_at_some_time(tmp_path: Path, number: signal.Signals, attempt: int) -> None:
    """The children of a dead parent write on for a moment; the next run waits for them."""
    many = {f"models/{count}.html": str(count) for count in range(1000)}
    old, new = OLD | many, NEW | {path: text + "!" for path, text in many.items()}
    out = tmp_path / "site"
    write(out, site(old))
    before = whole(out)
    child = os.fork()
    if not child:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            write(out, site(new), jobs=2)
        except BaseException:  # noqa: BLE001 - nothing of the test run may go on in the child
            os._exit(130)
        os._exit(0)
    time.sleep(0.02 + 0.08 * attempt)
    os.kill(child, number)
    os.waitpid(child, 0)
    if number is signal.SIGINT:
        assert whole(out) in (before, clean(tmp_path / "clean", new))
    write(out, site(new))
    assert files(out) == published(new)
    assert names(tmp_path) == (["clean", "site"] if (tmp_path / "clean").exists() else ["site"])


def published(texts: Mapping[str, str]) -> dict[str, str]:
    (document,) = (path for path in texts if path.startswith("v1/"))
    return {**texts, ".well-known/gallery.json": document, "v1/catalog.json": texts[document]}


Watcher = Callable[[str, tuple[object, ...]], None]
watchers: list[Watcher] = []


@pytest.fixture(scope="module", autouse=True)
def _audited() -> None:
    """An audit hook cannot be removed, so there is one, which calls whoever watches."""
    sys.addaudithook(lambda event, arguments: [watcher(event, arguments) for watcher in watchers] and None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    watchers.append(watcher)
    try:
        yield
    finally:
        watchers.clear()


def test_the_catalogue_comes_last(tmp_path: Path) -> None:
    """While files move in, everything the discovery document leads to is of one build."""
    moved = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename":
            moved.append(Path(str(arguments[1])).relative_to(tmp_path / "site").as_posix())

    write(tmp_path / "site", site(OLD))
    with watched(watch):
        write(tmp_path / "site", site(NEW))
    order = list(dict.fromkeys(moved[1:]))  # one that needs a folder is tried twice
    assert moved[0] == order[-1] == ".galleryctl-manifest.json"
    assert order[0] == f"v1/{'1' * 64}.catalog.json"
    assert order[-3:-1] == ["v1/catalog.json", ".well-known/gallery.json"]
    assert sorted(order[:-1]) == sorted(published(NEW).keys() - {"same"})


def test_an_interrupt_waits_while_files_move(tmp_path: Path) -> None:
    out = tmp_path / "site"

    def interrupt(event: str, _arguments: tuple[object, ...]) -> None:
        if event == "os.rename":
            signal.raise_signal(signal.SIGINT)

    write(out, site(OLD))
    with pytest.raises(KeyboardInterrupt), watched(interrupt):
        write(out, site(NEW))
    assert files(out) == published(NEW)
    assert names(tmp_path) == ["site"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("again", [True, False])
def test_a_lock_on_what_is_gone_is_none(tmp_path: Path, again: bool) -> None:
    """The run before this one removes its folder between our opening and our locking it."""
    seen: list[str] = []

    def remove(event: str, _arguments: tuple[object, ...]) -> None:
        if event == "fcntl.flock" and not seen:
            seen.append(event)
            (tmp_path / ".site.galleryctl-work").rename(tmp_path / "gone")
            if again:
                (tmp_path / ".site.galleryctl-work").mkdir()

    with watched(remove):
        write(tmp_path / "site", site(NEW))
    assert files(tmp_path / "site") == published(NEW)
    assert names(tmp_path) == ["gone", "site"]


def test_a_link_in_place_of_the_workshop_leads_nowhere(tmp_path: Path) -> None:
    """It may come with a repository: what a workshop holds is removed before it is used."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("all of it")
    (tmp_path / ".site.galleryctl-work").symlink_to("precious")
    with pytest.raises(OutputError, match="it is no folder; remove it"), workshop(tmp_path / "site"):
        pass
    assert (precious / "file").read_text() == "all of it"
