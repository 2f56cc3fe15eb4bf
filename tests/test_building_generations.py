"""Building on what was published last: the folder's own, another folder's, that of an address or of a reader."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import MINIMAL, Result, write
from galleryctl import building, canonical, exports, index, layout, output
from galleryctl.errors import OutputError
from galleryctl.fetch import FetchError, Http
from galleryctl.spec.published import Discovery, Generations
from servers import Answer, Asked, files, serving
from test_building import others, read, tree

START = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
Make = Callable[..., Path]
NAMES = [f"m{number}" for number in range(12)]


def made(registry: Make, **settings: str) -> Path:
    text = (MINIMAL["gallery.yaml"] or "") + "".join(f"{key}: {value}\n" for key, value in settings.items())
    return registry({**MINIMAL, **others(*NAMES), "gallery.yaml": text})


def change(registry: Path, name: str, title: str) -> None:
    path = registry / f"models/llm/acme/{name}/model.yaml"
    path.write_text(re.sub("title: .*", f"title: {title}", path.read_text()))


def build(registry: Path, out: Path, day: int = 0, **options: object) -> building.Done:
    """`day` after the first; `earlier` and `audience` are wanted, everything else is an option of `building.build`."""
    wanted = {key: options.pop(key) for key in ("earlier", "audience") if key in options}
    chosen = building.Wanted(registry, out, now=START + dt.timedelta(days=day), **wanted)  # type: ignore[arg-type]
    done = building.build(chosen, **options)  # type: ignore[arg-type]
    assert done.errors == ()
    return done


def grown(registry: Path, out: Path, days: int) -> None:
    """A gallery that was published every day, one model changed each time."""
    for day in range(days):
        change(registry, NAMES[day % len(NAMES)], f"Day {day}")
        build(registry, out, day)


def index_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path.startswith("v1/") and "/search/" not in path}


def moved(source: Path, target: Path) -> Path:
    """A copy of what is published, without what the writer knows of it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".galleryctl*"))
    return target


def test_a_new_folder_becomes_what_the_old_one_becomes(registry: Make, tmp_path: Path) -> None:
    root, old = made(registry), tmp_path / "old"
    grown(root, old, 5)
    copy = moved(old, tmp_path / "copy")
    change(root, "m7", "Last")
    build(root, old, 5)
    build(root, tmp_path / "folder", 5, earlier=str(copy))
    with serving(files(tree(copy))) as server:
        build(root, tmp_path / "address", 5, earlier=server.url, fetcher=Http(allow_private=True))
        (cache,) = (root.parent / ".git/galleryctl/published").iterdir()
        kept = {path.name for path in cache.iterdir()}
        first = len(server.asked)
        change(root, "m8", "Later")
        build(root, tmp_path / "again", 6, earlier=server.url, fetcher=Http(allow_private=True))
        asked = [each.path for each in server.asked[first:]]
    expected = tree(old)
    change(root, "m8", "M8")  # as it was
    with serving(files(expected)) as server:
        build(root, tmp_path / "same", 7, earlier=server.url, fetcher=Http(allow_private=True))
    assert index_of(tree(tmp_path / "same")) == index_of(expected)
    assert tree(tmp_path / "folder") == expected
    assert tree(tmp_path / "address") == expected
    assert len(Generations.model_validate_json(expected[layout.GENERATIONS]).generations) == 5
    assert len(kept) > 20
    assert [path.rpartition("/")[0] for path in asked] == ["/v1", "/v1/models/acme/m8"]  # the head, and what is new


def test_a_folder_is_not_what_was_published_last_if_others_published(registry: Make, tmp_path: Path) -> None:
    root, mine, theirs = made(registry), tmp_path / "mine", tmp_path / "theirs"
    build(root, mine)
    shutil.copytree(mine, theirs)
    change(root, "m1", "Theirs")
    build(root, theirs)
    change(root, "m1", "M1")  # as it was
    assert build(root, mine).written == building.build(building.Wanted(root, mine, now=START)).written
    build(root, mine, earlier=str(theirs))
    assert read(mine, layout.CATALOG)["serial"] == 3
    done = build(root, mine, earlier=str(theirs)).written
    assert done is not None
    assert done.new == ()


def test_what_was_not_needed_is_not_kept(registry: Make, tmp_path: Path) -> None:
    root, old = made(registry), tmp_path / "old"
    grown(root, old, 3)
    with serving(files(tree(old))) as server:
        build(root, tmp_path / "one", 3, earlier=server.url, fetcher=Http(allow_private=True))
    (cache,) = (root.parent / ".git/galleryctl/published").iterdir()
    (cache / ("0" * 64)).write_bytes(b"left by a build of long ago")
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes() + b" damaged")
    with serving(files(tree(old))) as server:
        build(root, tmp_path / "two", 3, earlier=server.url, fetcher=Http(allow_private=True))
    assert tree(tmp_path / "two") == tree(tmp_path / "one")
    assert all(canonical.digest(path.read_bytes()) == path.name for path in cache.iterdir())
    build(root, old, 4)
    assert list(cache.iterdir())


def test_a_published_file_with_other_bytes_is_left_out(registry: Make, tmp_path: Path) -> None:
    root, old = made(registry), tmp_path / "old"
    grown(root, old, 4)
    published = tree(old)
    row = Generations.model_validate_json(published[layout.GENERATIONS]).generations[1]
    wrong, gone = sorted(row.files)[:2]
    published[wrong] = b"x" * row.files[wrong]
    del published[gone]
    change(root, "m9", "Last")
    with serving(files(published)) as server:
        build(root, tmp_path / "new", 4, earlier=server.url, fetcher=Http(allow_private=True))
    after = tree(tmp_path / "new")
    assert {wrong, gone}.isdisjoint(after)
    assert sorted(row.files)[2] in after
    assert read(tmp_path / "new", layout.CATALOG)["serial"] == 5


def test_a_host_that_fails_in_the_middle_stops_the_build(registry: Make, tmp_path: Path) -> None:
    root, old = made(registry), tmp_path / "old"
    grown(root, old, 3)
    answer = files(tree(old))

    def failing(asked: Asked) -> Answer:
        return Answer(403) if "/v1/directory/" in asked.path else answer(asked)

    with serving(failing) as server, pytest.raises(FetchError):
        build(root, tmp_path / "new", 3, earlier=server.url, fetcher=Http(allow_private=True))
    assert not (tmp_path / "new").exists()


def test_the_newer_of_two_counts(registry: Make, tmp_path: Path) -> None:
    root, ahead, behind = made(registry), tmp_path / "ahead", tmp_path / "behind"
    grown(root, behind, 2)
    shutil.copytree(behind, ahead)
    change(root, "m3", "Ahead")
    build(root, ahead, 2)
    change(root, "m4", "Next")
    build(root, behind, 3, earlier=str(ahead))
    assert read(behind, layout.CATALOG)["serial"] == 4
    build(root, ahead, 3)
    assert tree(behind) == tree(ahead)


class Verified:
    """Another reader of a folder, which counts what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.head_bytes = (folder / layout.CATALOG).read_bytes()
        self.head = index.catalog(self.head_bytes)
        self.asked: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        found = self.folder / path
        return found.read_bytes() if found.exists() else None


def test_a_reader_that_verifies_takes_the_place_of_the_address(registry: Make, tmp_path: Path) -> None:
    root, old = made(registry), tmp_path / "old"
    grown(root, old, 3)
    copy = moved(old, tmp_path / "copy")
    change(root, "m5", "Last")
    reader = Verified(copy)
    opened: list[str] = []

    def opening(where: str) -> Verified:
        opened.append(where)
        return reader

    build(root, tmp_path / "new", 3, earlier="site", reader=opening)
    assert opened == ["https://gallery.example"]
    build(root, old, 3)
    assert tree(tmp_path / "new") == tree(old)
    assert reader.asked
    assert all(index.named(path) for path in reader.asked)


def test_each_audience_goes_on_from_its_own(registry: Make, tmp_path: Path) -> None:
    secret = {
        path: text.replace("tags: [chat]", "tags: [chat]\nmaintainers: [acme]\nvisibility: private")
        for path, text in others("one").items()
    }
    root = registry({**MINIMAL, **secret, **others("two"), "policy.yaml": "version: 1\nrepository: private\n"})
    public, eve = tmp_path / "public", tmp_path / "acme"
    for day, title in enumerate(("One", "Two")):
        change(root, "one", title)
        build(root, public, day)
        build(root, eve, day, audience="acme")
    assert read(public, layout.CATALOG)["serial"] == 1
    assert not any(
        "acme/one" in path or b"acme/one" in data for path, data in tree(public).items() if path[:3] == "v1/"
    )
    assert read(eve, layout.CATALOG)["serial"] == 2
    with pytest.raises(OutputError, match="each audience has a folder"):
        build(root, public, 2, audience="acme")
    with pytest.raises(OutputError, match="each audience has a folder"):
        build(root, tmp_path / "new", 2, earlier=str(eve))


def test_private_changes_leave_the_public_index_as_it_was(registry: Make, tmp_path: Path) -> None:
    hide = "tags: [chat]\nvisibility: private"
    secret = {path: text.replace("tags: [chat]", hide) for path, text in others("one").items()}
    policy = {"policy.yaml": "version: 1\nrepository: private\n"}
    full = registry({**MINIMAL, **secret, **others("two"), **policy}, name="full")
    bare = registry({**MINIMAL, **others("two"), **policy}, name="bare")
    for day, title in enumerate(("A", "B", "C")):
        change(full, "one", title)
        for root in (full, bare):
            if day:
                change(root, "two", title)
            build(root, tmp_path / f"site-{root.parent.name}", day)
    index_of = [
        {path: data for path, data in tree(tmp_path / name).items() if path.startswith("v1/")}
        for name in ("full", "bare")
    ]
    assert index_of[0].keys() == index_of[1].keys()
    dated = {path for path in index_of[0] if index_of[0][path] != index_of[1][path]}
    assert dated == set()


def test_a_quarantine_is_revoked_in_the_same_publication(
    registry: Make, commit: Callable[..., str], tmp_path: Path
) -> None:
    root, out = made(registry), tmp_path / "site"
    build(root, out)
    path = root / "models/llm/acme/m3/model.yaml"
    text = path.read_text() + "status: quarantined\nreason: Malicious pickle.\n"
    commit(root, {"models/llm/acme/m3/model.yaml": text}, date="2026-01-03T00:00:00Z")
    build(root, out, 1)
    (row,) = json.loads((out / layout.REVOKED).read_bytes())["revoked"]
    assert (row["id"], row["releases"], row["reason"]) == ("acme/m3", ["1.0.0"], "Malicious pickle.")
    assert row["since"] == "2026-01-03T00:00:00Z"
    head = json.loads((out / layout.CATALOG).read_bytes())
    assert head["serial"] == 2
    assert head["revoked"]["sha256"] == canonical.digest((out / layout.REVOKED).read_bytes())


def test_the_files_that_models_share_are_named_by_their_digest(registry: Make, tmp_path: Path) -> None:
    root, out = made(registry, runtimes="[xinference, kubeflow, ollama]"), tmp_path / "site"
    build(root, out)
    first = tree(out)
    document = json.loads(first[layout.NATIVES])
    assert document["runtimes"].keys() == {"xinference", "kubeflow", "ollama"}
    for runtime, paths in document["runtimes"].items():
        for path, file in paths.items():
            stable = layout.native(runtime, path)
            assert (canonical.digest(first[stable]), len(first[stable])) == (file["sha256"], file["length"])
            assert first[layout.addressed(stable, file["sha256"])] == first[stable]
    assert json.loads(first[layout.CATALOG])["runtimes"]["sha256"] == canonical.digest(first[layout.NATIVES])
    assert not any(path in document["runtimes"]["ollama"] for path in ("acme/tiny.json", "acme/tiny/Modelfile"))
    path = root / "models/llm/acme/m3/model.yaml"
    path.write_text(path.read_text().replace("A small", "Another"))
    build(root, out, 1)
    old = {path: data for path, data in first.items() if path.startswith("runtimes/") and index.named(path)}
    assert old.items() <= tree(out).items()
    assert read(out, layout.NATIVES) != document


def test_a_shared_file_is_rendered_once_and_only_if_it_changed(
    registry: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    whole = exports.Exports._whole  # noqa: SLF001 - counted, not replaced

    def counted(self: exports.Exports, name: str, path: str, members: object) -> bytes:
        rendered.append(path)
        return whole(self, name, path, members)  # type: ignore[arg-type]

    monkeypatch.setattr(exports.Exports, "_whole", counted)
    root, out = made(registry, runtimes="[openai, vllm]"), tmp_path / "site"
    shared = ["runtimes/openai/models.json", "runtimes/vllm/models.json"]
    build(root, out)
    assert sorted(rendered) == shared
    write(root, {"models/llm/acme/m3/README.md": "# M3\n\nOther words.\n"})
    build(root, out, 1)
    assert sorted(rendered) == shared
    change(root, "m3", "Other")
    build(root, out, 2)
    assert sorted(rendered) == sorted([*shared, *shared])
    build(root, tmp_path / "new", 2)
    assert sorted(rendered) == sorted([*shared, *shared, *shared])
    assert tree(tmp_path / "new")[shared[0]] == tree(out)[shared[0]]


def test_no_runtime_means_no_list_of_native_files(registry: Make, tmp_path: Path) -> None:
    root = made(registry, runtimes="[openai]")
    build(root, tmp_path / "site")
    write(root, {"gallery.yaml": MINIMAL["gallery.yaml"]})
    build(root, tmp_path / "site", 1)
    head = read(tmp_path / "site", layout.CATALOG)
    assert "runtimes" not in head
    assert head["serial"] == 2
    assert not (tmp_path / "site" / layout.NATIVES).exists()


def signed(out: Path) -> None:
    """What `sign` leaves behind, as far as a build looks at it."""
    (out / "metadata").mkdir()
    (out / layout.TIMESTAMP).write_text("{}")
    said = json.loads((out / layout.DISCOVERY).read_bytes()) | {"signed": True, "metadata": "metadata/"}
    output.replace(out / layout.DISCOVERY, canonical.dumps(said))


def test_a_build_leaves_the_signature_where_it_is(registry: Make, tmp_path: Path) -> None:
    root, out = made(registry), tmp_path / "site"
    assert not build(root, out).signed
    assert Discovery.model_validate_json((out / layout.DISCOVERY).read_bytes()).signed is False
    signed(out)
    before = tree(out)
    for _ in range(2):
        done = build(root, out)
        assert done.signed
        assert tree(out) == before
    change(root, "m1", "Other")
    build(root, out, 1)
    assert (out / layout.DISCOVERY).read_bytes() == before[layout.DISCOVERY]
    assert (out / layout.TIMESTAMP).read_text() == "{}"
    (out / layout.TIMESTAMP).unlink()
    assert not build(root, out, 1).signed
    assert "metadata" not in read(out, layout.DISCOVERY)


def test_the_line_of_a_build_says_what_is_missing(registry: Make, run: Callable[..., Result], tmp_path: Path) -> None:
    root, out = made(registry), tmp_path / "site"
    words = ("build", "-r", root, "-o", out)
    assert run(*words).stderr.rstrip().endswith(" s; unsigned: galleryctl sign")
    signed(out)
    assert re.search(r" in \d+\.\d s$", run(*words).stderr.rstrip())
    change(root, "m1", "Other")
    assert run(*words).stderr.rstrip().endswith(" s; sign it again: galleryctl sign")


def test_a_higher_epoch_of_the_settings_starts_anew(registry: Make, tmp_path: Path) -> None:
    root, out = made(registry), tmp_path / "site"
    grown(root, out, 3)
    before = {path: data for path, data in tree(out).items() if index.named(path)}
    write(root, {"gallery.yaml": (MINIMAL["gallery.yaml"] or "") + "epoch: 2\nmirrors: [https://mirror.example/g]\n"})
    build(root, out, 3)
    head = read(out, layout.CATALOG)
    assert (head["epoch"], head["serial"], head["mirrors"]) == (2, 1, ["https://mirror.example/g"])
    assert before.items() <= tree(out).items()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_killed_leaves_a_whole_index(registry: Make, tmp_path: Path, number: signal.Signals) -> None:
    root, out = made(registry), tmp_path / "site"
    grown(root, out, 3)
    shutil.copytree(out, tmp_path / "twin")
    before = tree(out)
    change(root, "m11", "Last")
    words = [
        sys.executable,
        "-m",
        "galleryctl",
        "build",
        "-r",
        str(root),
        "--jobs",
        "1",
        "--now",
        "2026-01-06T12:00:00Z",
    ]
    subprocess.run([*words, "-o", str(tmp_path / "twin")], check=True, stderr=subprocess.DEVNULL, env=dict(os.environ))
    after = tree(tmp_path / "twin")
    for delay in (0.4, 0.8, 1.2):
        process = subprocess.Popen([*words, "-o", str(out)], stderr=subprocess.DEVNULL, env=dict(os.environ))
        time.sleep(delay)
        process.send_signal(number)
        process.wait()
        left = tree(out)
        reachable = left[layout.CATALOG]
        assert reachable in (before[layout.CATALOG], after[layout.CATALOG])
        whole = before if reachable == before[layout.CATALOG] else after
        assert {path for path in whole if index.named(path)} <= left.keys()
    build(root, out, 4)
    assert tree(out) == after
