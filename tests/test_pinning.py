"""`release` fills in what sources say, keeps what people wrote, and stops where something changed that may not."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

import sources
from conftest import git
from galleryctl import authoring, loading
from galleryctl.errors import GalleryError, UsageError
from galleryctl.hubs import RemoteFile
from galleryctl.problems import Severity
from sources import MemoryHub, commit, sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]

NOW = dt.datetime(2026, 11, 21, 15, 30, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
OLD, NEW = b"old weights", b"new weights, which are longer"
BEGUN = f"""\
notes: First.
spec: {{context_length: 4096, languages: [en], abilities: [chat]}}   # native
variants:
  - format: gguf
    parameters: 1B
    quantizations: [Q4_K_M, Q8_0]
    sources:
      huggingface: {{repo: acme/tiny-gguf, revision: {commit(1)}, file: "tiny-{{quantization}}.gguf"}}   # ours
    files:
      Q4_K_M:
        - path: tiny-Q4_K_M.gguf
          size: {len(OLD)}   # checked by hand
          sha256: {sha256(OLD)}
"""


def hub(*histories: dict[str, bytes], kind: str = "huggingface", **facts: object) -> MemoryHub:
    made = MemoryHub(kind)
    for files in histories:
        made.add("acme/tiny-gguf", files, **facts)
    return made


def both(data: bytes) -> dict[str, bytes]:
    return {"tiny-Q4_K_M.gguf": data, "tiny-Q8_0.gguf": data * 2, "README.md": b"# Tiny\n"}


def release(folder: Path, *hubs: MemoryHub) -> authoring.Released:
    return authoring.release(folder, "acme/tiny", now=NOW, notes="Second.", hub=sources.of(*hubs))


def written(folder: Path) -> str:
    return (folder / TINY / "1.0.1.yaml").read_text()


def errors(folder: Path) -> list[str]:
    found = loading.load(folder.parent, folder.name, now=NOW).problems
    wanted = [problem for problem in found if problem.path.endswith("1.0.1.yaml")]
    return [problem.code for problem in wanted if problem.severity is Severity.ERROR]


def test_a_pinned_release_takes_the_newest_commit_and_keeps_comments(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    made = release(folder, hub(both(OLD), both(NEW)))
    assert made.pinned
    assert (made.warnings, made.alarms) == ((), ())
    assert (
        written(folder)
        == f"""\
notes: Second.
released: "2026-11-21T15:30:00Z"
checked: "2026-11-21"
spec: {{context_length: 4096, languages: [en], abilities: [chat]}}   # native
variants:
  - format: gguf
    parameters: 1B
    quantizations: [Q4_K_M, Q8_0]
    sources:
      huggingface: {{repo: acme/tiny-gguf, revision: {commit(2)}, file: "tiny-{{quantization}}.gguf"}}   # ours
    files:
      Q4_K_M:
        - path: tiny-Q4_K_M.gguf
          size: {len(NEW)}   # checked by hand
          sha256: {sha256(NEW)}
      Q8_0:
        - path: tiny-Q8_0.gguf
          size: {len(NEW) * 2}
          sha256: {sha256(NEW * 2)}
"""
    )
    assert errors(folder) == []


def test_a_branch_becomes_its_commit(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN.replace(commit(1), "main")})
    asked = hub(both(OLD), both(NEW))
    release(folder, asked)
    assert asked.asked == [("acme/tiny-gguf", "main")]
    assert f"revision: {commit(2)}" in written(folder)
    assert errors(folder) == []


def test_a_digest_that_changed_under_one_revision_is_an_alarm(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    made = release(folder, hub(both(NEW)))
    (alarm,) = made.alarms
    assert (alarm.path, alarm.line, alarm.code) == (f"registry/{TINY}/1.0.0.yaml", 13, "FIL002")
    assert sha256(OLD) in alarm.message
    assert sha256(NEW) in alarm.message
    assert made.paths == ()
    assert git(folder, "status", "--porcelain") == ""
    again = release(folder, hub(both(NEW), both(NEW)))  # the alarm is about the old commit, whatever came since
    assert [alarm.code for alarm in again.alarms] == ["FIL002"]


def test_weights_that_differ_between_hubs_are_an_alarm(registry: Make) -> None:
    line = '      modelscope: {repo: acme/tiny-gguf, file: "tiny-{quantization}.gguf"}\n    files:'
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN.replace("    files:", line)})
    other = hub({**both(OLD), "tiny-Q4_K_M.gguf": b"another"}, kind="modelscope")
    (alarm,) = release(folder, hub(both(OLD)), other).alarms
    assert alarm.code == "SRC009"
    assert "at huggingface" in alarm.message
    assert "at modelscope" in alarm.message
    assert git(folder, "status", "--porcelain") == ""
    same = hub(both(OLD), kind="modelscope")
    same.commits = False
    assert release(folder, hub(both(OLD)), same).warnings == ("1b-gguf: acme/tiny-gguf has no commits",)


def test_no_answer_writes_nothing(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    silent = hub(both(OLD))
    silent.broken = True
    with pytest.raises(GalleryError, match=r"did not answer.*nothing was written\. The same command with --offline"):
        release(folder, silent)
    assert git(folder, "status", "--porcelain") == ""


WHOLE = f"""\
spec: {{context_length: 4096, languages: [en], abilities: [chat]}}
variants:
  - format: pytorch
    parameters: 1B
    quantizations: [none]
    sources:
      huggingface: {{repo: acme/tiny-gguf, revision: {commit(1)}}}
"""
REPOSITORY = {
    "README.md": b"# Tiny\n",
    ".gitattributes": b"*",
    "config.json": b"{}",
    "model-00001-of-00002.safetensors": b"1",
    "model-00002-of-00002.safetensors": b"22",
    "pytorch_model.bin": b"333",
    "tokenizer.json": b"{}",
    "LICENSE": b"MIT",
    "figures/one.png": b"png",
}


def test_a_whole_repository_lists_what_a_runtime_loads(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": WHOLE})
    release(folder, hub(REPOSITORY))
    lines = [line for line in written(folder).splitlines() if "path:" in line]
    assert [line.split("path: ")[1].partition(",")[0] for line in lines] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "config.json",
        "tokenizer.json",
    ]
    assert "role: tokenizer" in written(folder)
    assert errors(folder) == []


def test_shards_that_are_gone_are_listed_anew(registry: Make) -> None:
    stated = f"    files: {{none: [{{path: model.safetensors, size: 3, sha256: {sha256(b'333')}}}]}}\n"
    folder = registry({f"{TINY}/1.0.0.yaml": WHOLE + stated})
    release(folder, hub({"model.safetensors": b"333"}, REPOSITORY))
    assert "model-00002-of-00002.safetensors" in written(folder)
    assert "model.safetensors," not in written(folder)


PARTS = """\
spec: {context_length: 4096, languages: [en], abilities: [chat]}
variants:
  - format: gguf
    parameters: 1B
    quantizations: [Q8_0]
    sources:
      huggingface:
        repo: acme/tiny-gguf
        revision: main
        file: "tiny-{quantization}.gguf"
        parts_file: "{quantization}/tiny-{part}.gguf"
        parts: {Q8_0: [00001-of-00002, 00002-of-00002]}
        projectors: [mmproj.gguf, lost.gguf]
        draft: {repo: acme/draft, revision: main}
"""


def test_parts_projectors_drafts_and_the_flag(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": PARTS})
    files = {"Q8_0/tiny-00001-of-00002.gguf": b"1", "Q8_0/tiny-00002-of-00002.gguf": b"2", "mmproj.gguf": b"m"}
    asked = hub(files, gated=True)
    asked.add("acme/draft", {"draft.gguf": b"d"})
    asked.add("acme/draft", {"draft.gguf": b"e"})
    made = release(folder, asked)
    assert made.warnings == ("1b-gguf: acme/tiny-gguf has no file lost.gguf",)
    text = written(folder)
    assert f"draft: {{repo: acme/draft, revision: {commit(2)}}}" in text
    assert "gated: true" in text
    assert (
        "        - path: mmproj.gguf\n          role: projector\n          size: 1\n"
        f"          sha256: {sha256(b'm')}\n" in text
    )
    assert text.count("path:") == 3


def test_what_a_source_does_not_say_stays_absent(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    asked = hub(both(OLD), both(NEW))
    snapshot = asked.snapshot("acme/tiny-gguf")
    files = tuple(file._replace(sha256=None, size=2**30) for file in snapshot.files)
    asked.repos["acme/tiny-gguf"][1] = (both(NEW), {"files": files})
    made = release(folder, asked)
    assert "1b-gguf: huggingface states no digest of tiny-Q4_K_M.gguf" in made.warnings
    assert "sha256" not in written(folder)


def test_small_files_without_a_digest_are_read(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": WHOLE})
    asked = hub(REPOSITORY)
    files = tuple(
        file if file.path.endswith(".safetensors") else file._replace(sha256=None)
        for file in asked.snapshot("acme/tiny-gguf").files
    )
    asked.repos["acme/tiny-gguf"][0] = (REPOSITORY, {"files": files})
    assert release(folder, asked).warnings == ()
    assert written(folder).count(sha256(b"{}")) == 2


def test_a_release_that_no_commit_has_is_pinned_where_it_stands(registry: Make) -> None:
    folder = registry()
    path = folder / TINY / "1.1.0.yaml"
    path.write_text(BEGUN.replace(commit(1), "main"))
    made = authoring.release(folder, "acme/tiny", now=NOW, version="1.1.0", hub=sources.of(hub(both(OLD))))
    assert (made.version, made.copied, made.paths) == ("1.1.0", "1.1.0", (f"registry/{TINY}/1.1.0.yaml",))
    assert path.read_text().startswith('notes: First.\nreleased: "2026-11-21T15:30:00Z"\nchecked: "2026-11-21"\n')
    assert f"revision: {commit(1)}" in path.read_text()
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "release")
    with pytest.raises(UsageError, match="was used before"):
        authoring.release(folder, "acme/tiny", now=NOW, version="1.1.0", hub=sources.of(hub(both(OLD))))


STORED = """\
spec: {context_length: 4096, languages: [en], abilities: [chat]}
variants:
  - key: image
    format: gguf
    sources: {oci: {image: "registry.acme.example/tiny:stable"}}
    files: {default: [{path: tiny.gguf}]}
  - key: store
    format: onnx
    sources: {object: {prefix: "s3://models/tiny"}}
    files: {default: [{path: tiny.onnx}]}
"""


def test_artifacts_and_stores_are_read_too(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": STORED})
    oci, store = MemoryHub("oci"), MemoryHub("object", commits=False)
    oci.add("registry.acme.example/tiny:stable", {"tiny.gguf": OLD})
    store.add("s3://models/tiny", {"tiny.onnx": NEW})
    assert release(folder, oci, store).warnings == ()
    text = written(folder)
    assert f"registry.acme.example/tiny:stable@{commit(1)}" in text
    assert sha256(OLD) in text
    assert sha256(NEW) in text


def test_a_release_in_json_stays_json(registry: Make) -> None:
    variant = {"format": "gguf", "quantizations": ["Q8_0"], "sources": {"huggingface": {"repo": "acme/tiny-gguf"}}}
    variant["sources"]["huggingface"]["file"] = "tiny-{quantization}.gguf"  # type: ignore[index]
    text = json.dumps({"spec": {"context_length": 4096}, "variants": [variant]}, indent=2)
    folder = registry({f"{TINY}/1.0.0.yaml": None, f"{TINY}/1.0.0.json": text})
    release(folder, hub(both(OLD)))
    data = json.loads((folder / TINY / "1.0.1.json").read_text())
    (made,) = data["variants"]
    assert made["sources"]["huggingface"]["revision"] == commit(1)
    assert made["files"] == {"Q8_0": [{"path": "tiny-Q8_0.gguf", "size": len(OLD) * 2, "sha256": sha256(OLD * 2)}]}
    assert data["checked"] == "2026-11-21"


@pytest.mark.parametrize("files", ["{Q8_0: [{path: tiny-Q8_0.gguf}]}", "{Q8_0: [{path: lost.gguf}]}"])
def test_lists_in_one_line_are_spliced(registry: Make, files: str) -> None:
    text = (
        "spec: {context_length: 4096, languages: [en], abilities: [chat]}\n"
        "variants: [{format: gguf, parameters: 1B, quantizations: [Q8_0], files: " + files + ", "
        'sources: {huggingface: {repo: acme/tiny-gguf, file: "tiny-{quantization}.gguf"}}}]  # one line\n'
    )
    folder = registry({f"{TINY}/1.0.0.yaml": text})
    release(folder, hub(both(OLD)))
    assert sha256(OLD * 2) in written(folder)
    assert "lost" not in written(folder)
    assert written(folder).endswith("# one line\n")
    assert errors(folder) == []


def test_a_release_without_sources_is_a_copy(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": "spec: {context_length: 4096}\n"})
    made = release(folder)
    assert not made.pinned
    assert "checked" not in written(folder)


# -- what a source cannot do to a digest that was reviewed


def saying(contents: dict[str, bytes], files: tuple[RemoteFile, ...]) -> MemoryHub:
    made = MemoryHub()
    made.repos["acme/tiny-gguf"] = [(contents, {"files": files})]
    return made


def without_digests(files: dict[str, bytes]) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(path, len(data)) for path, data in sorted(files.items()))


def test_a_small_file_with_other_bytes_under_the_same_revision_is_an_alarm(registry: Make) -> None:
    """The hub states no digest of it, so it is read."""
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    other = {**both(OLD), "tiny-Q4_K_M.gguf": b"evil weight"}
    made = release(folder, saying(other, files=without_digests(other)))
    assert [alarm.code for alarm in made.alarms] == ["FIL002"]
    assert not (folder / TINY / "1.0.1.yaml").exists()


def test_a_digest_stays_where_the_source_no_longer_states_it(registry: Make) -> None:
    large = BEGUN.replace(f"size: {len(OLD)} ", f"size: {2**30} ")
    folder = registry({f"{TINY}/1.0.0.yaml": large})
    silent = (RemoteFile("tiny-Q4_K_M.gguf", 2**30), RemoteFile("tiny-Q8_0.gguf", 2**30))
    made = release(folder, saying(both(OLD), files=silent))
    assert made.alarms == ()
    assert any("states no digest of tiny-Q4_K_M.gguf" in warning for warning in made.warnings)
    assert f"sha256: {sha256(OLD)}" in written(folder)


def test_another_size_is_an_alarm_where_the_source_no_longer_states_a_digest(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    made = release(folder, saying(both(OLD), files=(RemoteFile("tiny-Q4_K_M.gguf", 2**30),)))
    assert [alarm.code for alarm in made.alarms] == ["FIL002"]
    assert not (folder / TINY / "1.0.1.yaml").exists()


def test_digests_of_another_commit_do_not_stand_under_the_pinned_one(registry: Make) -> None:
    """A source that names no commit of its newest files: the pinned ones are what the release has."""
    folder = registry({f"{TINY}/1.0.0.yaml": BEGUN})
    made = hub(both(OLD), both(NEW))
    made.repos["acme/tiny-gguf"][1] = (both(NEW), {"revision": None})
    release(folder, made)
    text = written(folder)
    assert f"revision: {commit(1)}" in text
    assert sha256(NEW) not in text
    assert sha256(OLD) in text
