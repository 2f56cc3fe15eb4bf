"""SEC: what the files of a source would do, and what scanners said of them. Found by `check --online` only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from galleryctl.checks import placed, safety
from galleryctl.checks.observed import Observed, living, repositories
from galleryctl.checks.online import addresses
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.checks.templates import judge
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.observed import Repository, Scan


def flagged_source(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The hub flags files of the source as unsafe.

    Hubs look for viruses and for pickles that run commands. What they found concerns everybody who loads the model. A
    model that is published already is put into quarantine. Found by `check --online`.

    Bad:

    ```yaml
    huggingface: {repo: acme/tiny}   # the hub marks pytorch_model.bin as unsafe
    ```

    Good:

    ```yaml
    huggingface: {repo: acme/tiny-safetensors}   # nothing is marked
    ```
    """
    for each in repositories(subject):
        found = observed.snapshot(each.kind, each.repo, each.revision)
        if found is not None and found.unsafe:
            names = ", ".join(found.unsafe[:3]) + (", …" if len(found.unsafe) > 3 else "")  # noqa: PLR2004
            message = f"{each.kind} marks {names} of {each.repo} as unsafe"
            fix = "do not publish it; put it into quarantine if it is published"
            yield Finding(each.path, each.place, message, fix)


def scanned_image(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The scan of a container image found something, or there is none for this digest.

    An image brings an operating system along, with all its holes. The scanner is a command of `policy.yaml`; it is
    given the image with its digest, so that what was scanned is what runs. Without a scanner nobody looked, which is a
    warning. Found by `check --online`.

    Bad:

    ```yaml
    environment: {image: registry.acme.example/serve@sha256:3f79…}   # the scanner found CVE-2026-1
    ```

    Good:

    ```yaml
    environment: {image: registry.acme.example/serve@sha256:8a1c…}   # built anew from a mended base
    ```
    """
    configured = any(scanner.looks_at == "images" for scanner in subject.context.policy.scanners)
    for image, path, pointer in images(subject):
        found = observed.images.get(image)
        if not configured:
            message = f"no scanner has looked at {image}: policy.yaml names none for images"
            fix = "ask for one in policy.yaml: scanners: [{for: images, command: [trivy, image, --exit-code, '1']}]"
            yield Finding(path, pointer, message, fix, severity=Severity.WARN)
        elif found is None or found.trouble:
            why = found.trouble if found else "the scanner was not run"
            yield Finding(path, pointer, f"there is no scan of {image}: {why}", "run the check again")
        elif found.findings:
            yield Finding(path, pointer, f"the scan of {image} found: {_listed(found)}", "mend the image: a new digest")


def images(subject: Subject) -> Iterator[tuple[str, str, Pointer]]:
    """Container images of releases that may be used: reference, file, place."""
    alive = set(living(subject))
    for each in placed.releases(subject):
        image = each.release.environment.image if each.release.environment else None
        if image and each.path in alive:
            yield image, each.path, ("environment", "image")


def _listed(scan: Scan) -> str:
    return "; ".join(scan.findings[:3]) + ("; …" if len(scan.findings) > 3 else "")  # noqa: PLR2004


def dangerous_file(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """A file does what no model needs when it is loaded.

    A pickle is a program: it may start commands, open connections, read files. The names that it imports tell; the
    file is never loaded for that. A scanner of files in `policy.yaml` adds what it finds. A file that could not be
    looked at as a whole is a warning. Found by `check --online`.

    Bad:

    ```yaml
    files: {none: [{path: pytorch_model.bin}]}   # imports posix.system
    ```

    Good:

    ```yaml
    files: {none: [{path: model.safetensors}]}
    ```
    """
    for each in repositories(subject):
        prefix = f"{each.key}:"
        for name, scan in observed.pickles.items():
            if name.startswith(prefix):
                path = name.removeprefix(prefix)
                yield from _loaded(each.path, _place(each, path), f"{path} of {each.repo}", scan)
    for address, path, pointer, is_file in addresses(subject):
        if is_file and address in observed.pickles:
            yield from _loaded(path, pointer, address, observed.pickles[address])
    yield from _outside(subject, observed)


_FIX = "do not publish it: take safetensors, or files of a publisher whom you trust"


def _loaded(path: str, pointer: Pointer, name: str, scan: Scan) -> Iterator[Finding]:
    if scan.findings:
        yield Finding(path, pointer, f"loading {name} runs {_listed(scan)}", _FIX)
    if scan.trouble:
        message = f"{name} could not be looked at: {scan.trouble}"
        yield Finding(path, pointer, message, "prefer safetensors, which need no look", severity=Severity.WARN)


def _place(each: Repository, name: str) -> Pointer:
    for quantization, group in each.variant.files.items():
        for index, file in enumerate(group):
            if file.path == name:
                return (*each.pointer[:2], "files", quantization, index, "path")
    return each.place


def _outside(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """What the scanner of files said, each file told once."""
    told = set()
    for address, scan in observed.outside.items():
        for path, pointer, file, *_ in placed.files(subject):
            if not address.endswith(quote(file.path)) or address in told:
                continue
            told.add(address)
            if scan.findings:
                yield Finding(path, pointer, f"a scanner says of {file.path}: {_listed(scan)}", _FIX)
            elif scan.trouble:
                message = f"{file.path} was not scanned: {scan.trouble}"
                yield Finding(path, pointer, message, "run the check again", severity=Severity.WARN)


def code_of_the_source(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """Code in the pinned source runs when the model is loaded: the online half of `SEC002`."""
    declared = {each.path: each.release.remote_code for each in placed.releases(subject)}
    told = {finding.path for finding in safety.undeclared_code(subject)}
    for each in repositories(subject):
        config = observed.configs.get(f"{each.key}:default")
        if config is None or not config.code or each.path in told:
            continue
        known, review = ", ".join(config.code[:3]), declared[each.path]
        if review is None:
            told.add(each.path)
            message = f"`auto_map` of {each.repo} runs {known}, and no review is declared"
            fix = "add `remote_code: {revision: <commit>, reviewed_by: <person>}`"
            yield Finding(each.path, each.place, message, fix)
        elif each.revision and review.revision != each.revision:
            told.add(each.path)
            message = f"{known} of {each.repo} was reviewed at {review.revision[:12]}, the source is at {each.revision}"
            fix = f"review the code at {each.revision}, then write it"
            yield Finding(each.path, ("remote_code", "revision"), message, fix, severity=Severity.WARN)


def hostile_template(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """The chat template in the pinned source reaches out of the sandbox: the online half of `TPL003`."""
    for each in repositories(subject):
        for quantization in dict.fromkeys((*each.variant.quantizations, "default")):
            config = observed.configs.get(f"{each.key}:{quantization}")
            if config is None or not config.template:
                continue
            verdict = judge(config.template, tools=False)
            if verdict.code == "TPL003":
                message = f"line {verdict.line} of the template in {config.file} of {each.repo}: {verdict.message}"
                yield Finding(each.path, each.place, message, "do not publish it: the source is hostile")
                break


RULES: tuple[Rule, ...] = (
    rule("SEC003", Severity.ERROR, online=flagged_source),
    rule("SEC004", Severity.ERROR, online=scanned_image),
    rule("SEC006", Severity.ERROR, online=dangerous_file, fixed=True),
)
HALVES = {"SEC002": code_of_the_source, "TPL003": hostile_template}
"""What rules of other modules find in the answers of sources, by code."""
