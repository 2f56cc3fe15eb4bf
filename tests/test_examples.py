"""The readers of `examples/` do what `docs/verify.md` says: real programs, a real server, real attacks."""

from __future__ import annotations

import json
import mimetypes
import re
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import browsing
import readers
import vectors
from galleryctl import canonical, layout
from made import NOW
from publishing import publish, serve
from servers import Answer, Asked, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Protocol

    from playwright.sync_api import Browser, Page

    class Reader(Protocol):
        __name__: str

        def __hash__(self) -> int: ...

        def __call__(self, url: str, root: Path, state: Path, *more: str) -> readers.Outcome: ...


CASES: list[dict[str, Any]] = json.loads((vectors.FOLDER / "cases.json").read_bytes())["cases"]
GUIDE = (readers.ROOT / "docs/verify.md").read_text()
ROOT = vectors.FOLDER / "root.json"
THEN = ("--now", vectors.NOW)
BUILT = ("--now", canonical.moment(NOW))
every = pytest.mark.parametrize("reader", readers.OURS)


def refused(done: readers.Outcome, step: str, reason: str) -> bool:
    """Nothing is shown; the complaint says where and what, with found and expected, on one line."""
    line = re.escape(f"refused: {step}: {reason}: ") + r"found .+, expected .+\n"
    assert (done.code, done.shown) == (3, "")
    assert re.fullmatch(line, done.said), done.said
    return True


# -- the recorded trees


def test_the_recorded_trees_are_what_their_program_writes() -> None:
    found = {path.relative_to(vectors.FOLDER).as_posix(): path for path in vectors.FOLDER.rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == vectors.written()


@cache
def _after(reader: Reader, folder: Path, steps: tuple[tuple[str, ...], ...]) -> Path:
    """A state that has seen these trees; made once for all stories that begin alike."""
    made = folder / f"{reader.__name__}-{'-'.join('_'.join(step) for step in steps)}"
    if steps:
        before = _after(reader, folder, steps[:-1])
        if before.exists():
            shutil.copytree(before, made)
        site = folder / "site"
        site.mkdir(exist_ok=True)
        vectors.lay(site, steps[-1])
        with readers.address(site) as url:
            done = reader(url, ROOT, made, *THEN)
        assert (done.code, done.said) == (0, "")
    return made


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("states")


@every
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_recorded_trees_are_judged_as_their_list_says(
    case: Mapping[str, Any], reader: Reader, tmp_path: Path, states: Path
) -> None:
    *before, last = case["steps"]
    state, site = tmp_path / "state", tmp_path / "site"
    if before:
        shutil.copytree(_after(reader, states, tuple(tuple(step["trees"]) for step in before)), state)
    kept = (state / "state.json").read_bytes() if before else None
    site.mkdir()
    vectors.lay(site, last["trees"])
    with readers.address(site) as url:
        done = reader(url, vectors.FOLDER / case["root"], state, *THEN)
    if wanted := last.get("refused"):
        assert refused(done, wanted["step"], wanted["reason"])
        assert kept is None or (state / "state.json").read_bytes() == kept
    else:
        assert (done.code, len(done.shown.splitlines())) == (0, last["models"]), done
        assert json.loads(json.loads((state / "state.json").read_bytes())["catalog"])["serial"] == last["serial"]


@every
def test_what_is_shown_tells_what_is_revoked_and_what_has_expired(reader: Reader, states: Path) -> None:
    state = _after(reader, states, (("first",), ("first", "second")))
    vectors.lay(states / "site", ["first", "second"])
    with readers.address(states / "site") as url:
        done = reader(url, ROOT, state, *THEN, "--type", "llm")
        assert [line.split("\t") for line in done.shown.splitlines()] == [
            ["llm", "acme/old", "1.0.0", "expired", "Apache-2.0", "Old"],
            ["llm", "acme/tiny", "1.1.0", "active", "Apache-2.0", "Tiny “quoted” \\ 小模型"],
            ["llm", "beta/bad", "2.0.0", "revoked", "Apache-2.0", "Bad"],
        ]
        model = json.loads(reader(url, ROOT, state, *THEN, "--model", "acme/small").shown)  # an earlier id
        assert (model["id"], model["revoked"]) == ("acme/tiny", [])
        assert json.loads(reader(url, ROOT, state, *THEN, "--model", "beta/bad").shown)["revoked"] == ["2.0.0"]
        gone = reader(url, ROOT, state, *THEN, "--model", "acme/gone")
        assert refused(gone, "document", "removed")
        assert gone.said.endswith("expected acme/tiny\n")
        assert refused(reader(url, ROOT, state, *THEN, "--model", "acme/none"), "document", "missing")
        assert refused(reader(url, ROOT, state, *THEN, "--type", "none"), "document", "missing")


# -- what a gallery publishes


@every
def test_a_published_gallery_is_read_as_its_index_says(
    registry: Callable[..., Path], reader: Reader, tmp_path: Path
) -> None:
    signed = publish(registry(), tmp_path / "site", tmp_path / "keys", now=NOW)
    with readers.address(signed.site) as url:
        done = reader(url, signed.root, tmp_path / "state", *BUILT)
        one = reader(url, signed.root, tmp_path / "state", *BUILT, "--model", "acme/tiny")
    assert (done.code, done.said) == (0, "")
    expected = []
    for path in sorted((signed.site / "v1/types").glob("*.json")):
        document = json.loads(path.read_bytes())
        for identifier, model in document["models"].items():
            title, status = model["title"], model["status"]
            expected.append([document["type"], identifier, model["latest"], status, model["license"], title])
    assert [line.split("\t") for line in done.shown.splitlines()] == expected != []
    document = json.loads((signed.site / layout.model_document("acme/tiny")).read_bytes())
    assert json.loads(one.shown) == document | {"revoked": []}


@every
def test_the_state_of_one_reader_binds_the_other(reader: Reader, states: Path, tmp_path: Path) -> None:
    other = {readers.mjs: readers.sh, readers.sh: readers.mjs}[reader]
    shutil.copytree(_after(reader, states, (("first",), ("first", "second"))), tmp_path / "state")
    (tmp_path / "site").mkdir()
    vectors.lay(tmp_path / "site", ["first"])
    with readers.address(tmp_path / "site") as url:
        assert refused(other(url, ROOT, tmp_path / "state", *THEN), "timestamp", "version")


@every
def test_a_damaged_state_is_discarded(reader: Reader, states: Path, tmp_path: Path) -> None:
    shutil.copytree(_after(reader, states, (("first",),)), tmp_path / "state")
    for path in (tmp_path / "state").glob("*.json"):
        path.write_bytes(path.read_bytes()[:-20])
    (tmp_path / "site").mkdir()
    vectors.lay(tmp_path / "site", ["first"])
    with readers.address(tmp_path / "site") as url:
        done = reader(url, ROOT, tmp_path / "state", *THEN)
        assert (done.code, len(done.shown.splitlines())) == (0, 3)
        assert "starting anew" in done.said
        assert reader(url, ROOT, tmp_path / "state", *THEN).said == ""


@every
def test_a_reader_that_is_killed_leaves_the_state_before(reader: Reader, states: Path, tmp_path: Path) -> None:
    shutil.copytree(_after(reader, states, (("first",),)), tmp_path / "state")
    kept = (tmp_path / "state/state.json").read_bytes()
    running: list[subprocess.Popen[bytes]] = []

    def answers(path: str) -> Answer | None:
        if "/revoked/" in path:  # everything is verified, and nothing stored
            running[0].kill()
        return None

    with serving(hostile(tmp_path, answers, "second")) as served:
        words = [readers.base(served), "--root", str(ROOT), "--state", str(tmp_path / "state"), *THEN]
        running.append(subprocess.Popen([*readers.PROGRAMS[reader.__name__], *words]))
        assert running[0].wait(60) == -9
        assert (tmp_path / "state/state.json").read_bytes() == kept


# -- hostile servers


def hostile(tmp_path: Path, answers: Callable[[str], Answer | None], *more: str) -> Callable[[Asked], Answer]:
    """The first recorded tree and more, but for what `answers` says by path."""
    site = tmp_path / "site"
    site.mkdir()
    vectors.lay(site, ["first", *more])

    def answer(asked: Asked) -> Answer:
        path = asked.path.lstrip("/")
        said = answers(path)
        if said is not None:
            return said
        return ranged(asked, (site / path).read_bytes()) if (site / path).is_file() else Answer(404)

    return answer


def endless() -> Iterator[bytes]:
    while True:
        yield b" " * 65_536


@every
@pytest.mark.parametrize(
    ("pattern", "step"),
    [
        (r"\.well-known/gallery.json", "discovery"),
        (r"metadata/2.root.json", "root"),
        (r"metadata/timestamp.json", "timestamp"),
        (r"metadata/1.snapshot.json", "snapshot"),
        (r"v1/\w+.catalog.json", "catalog"),
        (r"v1/types/llm/\w+.json", "document"),
    ],
)
@pytest.mark.parametrize("told", [True, False], ids=["with a length", "without"])
def test_endless_data_ends(reader: Reader, tmp_path: Path, pattern: str, step: str, *, told: bool) -> None:
    headers = {"Content-Length": str(10**12)} if told else {}

    def answers(path: str) -> Answer | None:
        return Answer(200, endless, headers) if re.fullmatch(pattern, path) else None

    with serving(hostile(tmp_path, answers)) as served:
        done = reader(readers.base(served), ROOT, tmp_path / "state", *THEN)
    assert refused(done, step, "length")


@every
def test_redirects_are_not_followed(reader: Reader, tmp_path: Path) -> None:
    def answers(path: str) -> Answer | None:
        elsewhere = {"Location": "/elsewhere/timestamp.json"}
        return Answer(302, b"", elsewhere) if path == layout.TIMESTAMP else None

    with serving(hostile(tmp_path, answers)) as served:
        done = reader(readers.base(served), ROOT, tmp_path / "state", *THEN)
        assert refused(done, "timestamp", "unreachable")
        assert [asked.path for asked in served.asked if "elsewhere" in asked.path] == []


@every
@pytest.mark.parametrize("folder", ["../", "https://other.example/", "//other.example/", "/", "metadata", 7])
def test_discovery_cannot_lead_away(reader: Reader, tmp_path: Path, folder: object) -> None:
    def answers(path: str) -> Answer | None:
        said = json.dumps({"gallery": 1, "metadata": folder}).encode()
        return Answer(200, said) if path == layout.DISCOVERY else None

    with serving(hostile(tmp_path, answers)) as served:
        assert refused(reader(readers.base(served), ROOT, tmp_path / "state", *THEN), "discovery", "format")


@every
def test_one_key_under_two_names_counts_once(reader: Reader, tmp_path: Path) -> None:
    """Also where its PEM is spelled in two ways."""
    key = vectors.Key("root 2 p256")
    public = key.public.to_dict()
    spelled = public["keyval"]["public"].replace("\n", "").replace("KEY-----M", "KEY-----\nM").replace("==", "==\n")
    spelled = re.sub(r"([^\n])-----END", r"\1\n-----END", spelled)
    assert spelled != public["keyval"]["public"]
    body = vectors.root(1, vectors.ROOTS, vectors.ONLINE)
    body["keys"] = body["keys"] | {"aa": public, "bb": {**public, "keyval": {"public": spelled}}}
    body["roles"]["root"] = {"keyids": ["aa", "bb"], "threshold": 2}
    envelope = json.loads(vectors.signed([key, key], body))
    for signature, name in zip(envelope["signatures"], ("aa", "bb"), strict=True):
        signature["keyid"] = name
    twins = tmp_path / "twins.root.json"
    twins.write_text(json.dumps(envelope))
    with serving(hostile(tmp_path, lambda _: None)) as served:
        done = reader(readers.base(served), twins, tmp_path / "state", *THEN)
        assert refused(done, "root", "signature")
        assert "found 1 good signatures, expected 2 by distinct keys" in done.said
        body["roles"]["root"]["threshold"] = 1  # and both spellings are read
        twins.write_bytes(vectors.signed([key], body).replace(key.id.encode(), b"bb", 1))
        assert reader(readers.base(served), twins, tmp_path / "state", *THEN).code == 0


@every
def test_what_a_reader_does_not_know_is_ignored(reader: Reader, tmp_path: Path) -> None:
    """Keys of a later kind, fields of a later minor of TUF, a second signature nobody can judge."""
    body = vectors.root(1, vectors.ROOTS, vectors.ONLINE) | {"x-later": {"a": [True, None]}}
    body["keys"]["cc"] = {"keytype": "ml-dsa", "scheme": "ml-dsa-65", "keyval": {"public": "00"}, "more": 1}
    body["roles"]["root"]["keyids"].append("cc")
    envelope = json.loads(vectors.signed(vectors.ROOTS[:2], body))
    envelope["signatures"].insert(0, {"keyid": "cc", "sig": "00"})
    (tmp_path / "root.json").write_text(json.dumps(envelope))
    with serving(hostile(tmp_path, lambda _: None)) as served:
        assert reader(readers.base(served), tmp_path / "root.json", tmp_path / "state", *THEN).code == 0


@every
@pytest.mark.parametrize("words", [(), ("--root",), ("--nothing", "x"), ("http://127.0.0.1:1/", "--state", "x")])
def test_wrong_use_is_told(reader: Reader, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = readers.started([*readers.PROGRAMS[reader.__name__], *words], tmp_path)
    assert done.code == 2
    assert "usage: reader." in done.said
    assert list(tmp_path.iterdir()) == []


# -- deltas


@readers.node
@pytest.mark.parametrize("spoiled", [False, True])
def test_a_delta_saves_the_document_and_a_wrong_one_costs_it(states: Path, tmp_path: Path, *, spoiled: bool) -> None:
    shutil.copytree(_after(readers.mjs, states, (("first",),)), tmp_path / "state")
    site = tmp_path / "site"
    site.mkdir()
    vectors.lay(site, ["first", "second"])
    if spoiled:
        (delta,) = (site / "v1/delta/llm").iterdir()
        delta.write_bytes(vectors.with_one_change(delta.read_bytes().replace(b"A release.", b"For tests.")))
    with serve(site) as served:
        done = readers.mjs(readers.base(served), ROOT, tmp_path / "state", *THEN)
        asked = [asked.path.split("/")[2] for asked in served.asked if "/llm/" in asked.path]
    assert (done.code, len(done.shown.splitlines()), done.said) == (0, 3, "")
    assert asked == (["delta", "types"] if spoiled else ["delta"])


# -- the page


@pytest.fixture
def page(tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """The page, open at a gallery in the folder `g` beside it."""
    mimetypes.add_type("text/javascript", ".mjs")  # as every host that serves modules has it
    for name in ("browser.html", "reader.mjs", "verify.mjs"):
        shutil.copy(readers.EXAMPLES / name, tmp_path / name)
    (tmp_path / "g").mkdir()
    complaints: list[str] = []
    with browsing.serving(tmp_path) as url:
        context = browser.new_context()
        opened = context.new_page()
        opened.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        opened.on(
            "request", lambda asked: None if asked.url.startswith((url, "data:")) else complaints.append(asked.url)
        )
        opened.goto(f"{url}browser.html?gallery={url}g/")
        opened.wait_for_selector("html[data-ready]", state="attached")
        yield opened
        context.close()
    assert complaints == []


def _verify(page: Page, state: str) -> str:
    page.click("button")
    page.wait_for_selector("button:not([disabled])")
    page.wait_for_selector(f"#outcome[data-state={state}]")
    return page.inner_text("#outcome")


@browsing.needed
def test_the_page_verifies_and_remembers(page: Page, tmp_path: Path) -> None:
    vectors.lay(tmp_path / "g", ["first", "second"])
    page.set_input_files("input[name=root]", ROOT)
    assert "publication 2" in _verify(page, "verified")
    rows = page.eval_on_selector_all("tbody tr", "rows => rows.map(row => row.innerText.replace(/\\s+/g, ' ').trim())")
    assert rows == [
        "Old acme/old 1.0.0 Apache-2.0 expired",
        "Tiny “quoted” \\ 小模型 acme/tiny 1.1.0 Apache-2.0 active",
        "Bad beta/bad 2.0.0 Apache-2.0 revoked",
    ]
    assert [text.split("\n")[0] for text in page.locator("#trail li").all_inner_texts()] == [
        "root", "timestamp", "snapshot", "targets", "catalog",
    ]  # fmt: skip
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    page.set_input_files("input[name=root]", ROOT)
    vectors.lay(tmp_path / "g", ["first"])
    assert _verify(page, "refused") == "Refused at timestamp: version: found 1, expected at least 2"
    assert page.locator("#result").is_hidden()
    vectors.lay(tmp_path / "g", ["first", "second", "third"])  # P-256 keys
    assert "publication 3" in _verify(page, "verified")


@browsing.needed
def test_the_page_refuses_another_root(page: Page, tmp_path: Path) -> None:
    vectors.lay(tmp_path / "g", ["first"])
    page.set_input_files("input[name=root]", vectors.FOLDER / "other.root.json")
    assert "timestamp: signature" in _verify(page, "refused")


# -- what the guide says


def test_the_guide_lists_the_recorded_trees() -> None:
    rows = [line.strip("| ").split(" | ") for line in GUIDE.splitlines() if line.startswith("| `")]
    told = {tuple(row) for row in rows if len(row) == 3}
    expected = set()
    for case in CASES:
        wanted = case["steps"][-1].get("refused")
        verdict = f"refused: {wanted['step']}, {wanted['reason']}" if wanted else "verified"
        expected.add((f"`{case['name']}`", case["says"], verdict))
    assert told == expected


def test_the_guide_has_the_limits_and_reasons_of_the_readers() -> None:
    code = "".join((readers.EXAMPLES / name).read_text() for name in ("reader.mjs", "verify.mjs"))
    limits = {int(number.replace("_", "")) for number in re.findall(r"\b\d{1,3}(?:_\d{3})+\b", code)} - {86_400_000}
    told = {int(number.replace(" ", "")) for number in re.findall(r"\b\d{1,3}(?: \d{3})+\b", GUIDE)}
    assert limits == told
    asking = "".join(line for line in code.splitlines() if "demand(" in line or "Refused(" in line)
    reasons = set(re.findall(r"""(?:step|name|'\w+'), '(\w+)', """, asking))
    table = GUIDE.split("## When something fails")[1].split("##")[0]
    assert reasons == set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))


@readers.node
def test_both_canonical_forms_and_signatures_are_as_recorded(tmp_path: Path) -> None:
    program = tmp_path / "forms.mjs"
    program.write_text(f"""\
import {{ canonical, jcs, verified }} from '{(readers.EXAMPLES / "verify.mjs").as_uri()}';
import {{ readFileSync }} from 'node:fs';
const {{ value, tuf, jcs: other, signatures }} = JSON.parse(readFileSync('{vectors.FOLDER / "forms.json"}'));
console.log(JSON.stringify([canonical(value) === tuf, jcs(value) === other]));
for (const {{ key, sig }} of signatures) {{
  const envelope = JSON.stringify({{ signed: value, signatures: [{{ keyid: 'a', sig }}] }});
  const authority = {{ keys: {{ a: key }}, role: {{ keyids: ['a'], threshold: 1 }} }};
  const work = verified('root', new TextEncoder().encode(envelope), 'root', authority);
  console.log((await work.catch((error) => error)).reason); // it is signed, and it is no root
}}
""")
    done = readers.started([readers.NODE, program])
    assert (done.shown.split(), done.said) == (["[true,true]", "type", "type"], "")


@readers.node
@pytest.mark.parametrize(
    "value",
    [1e21, 1e-7, 0.1, 1.0, -0.0, 333333333.33333329, 2**53 - 1, '\u2028\x7f\x1f"\\/', {"\U0001f600": 1, "\ufb33": 2}],
)
def test_the_form_of_documents_is_rfc_8785(tmp_path: Path, value: object) -> None:
    program = tmp_path / "jcs.mjs"
    program.write_text(f"""\
import {{ jcs }} from '{(readers.EXAMPLES / "verify.mjs").as_uri()}';
process.stdout.write(jcs(JSON.parse(process.argv[2])));
""")
    assert readers.started([readers.NODE, program, json.dumps(value)]).shown.encode() == canonical.dumps(value)
