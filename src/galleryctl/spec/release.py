"""`<version>.yaml`: one release, all that a runtime needs. Immutable once published, but for notes, status, reason."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from galleryctl.spec.base import Count, Frozen, Line, Parameters, Size, Slug, Status


class File(Frozen):
    """One file of a variant: facts, written by a command, never typed by hand."""

    path: str
    """Path inside the source."""
    size: Count | None = None
    """Size in bytes."""
    sha256: str | None = None
    """SHA-256 as 64 lower-case hex digits."""
    install_as: Annotated[str | None, Field(alias="as")] = None
    """Installed path, where it must differ from `path`."""
    url: str | None = None
    """Address of the file, where it lies outside `sources`."""
    role: str | None = None
    """What the file is for: model (the default), projector, draft, tokenizer, config, template, …"""


class Draft(Frozen):
    """A small model that drafts tokens for speculative decoding."""

    repo: str
    """Repository as `owner/name`."""
    revision: str | None = None
    """Commit of the repository."""
    file: str | None = None
    """File name; `{draft_quantization}` stands for the quantization."""
    quantizations: tuple[Line, ...] = ()
    """Quantizations offered."""


class Gguf(Frozen):
    """A GGUF add-on on top of a repository in another format."""

    repo: str
    """Repository as `owner/name`."""
    file: str | None = None
    """File name; `{quantization}` stands for the quantization."""
    quantizations: tuple[Line, ...] = ()
    """Quantizations offered."""


class Lora(Frozen):
    """A LoRA add-on, such as a distillation for fewer steps."""

    repo: str
    """Repository as `owner/name`."""
    revision: str | None = None
    """Commit of the repository."""
    file: str | None = None
    """File name; `{lightning_version}` stands for the version."""
    versions: tuple[str, ...] = ()
    """Versions offered."""
    configs: dict[str, JsonValue] | None = None
    """Settings by version."""


class Hub(Frozen):
    """A repository of a model hub at a pinned revision."""

    repo: str
    """Repository as `owner/name`."""
    revision: str | None = None
    """Commit, 40 hex digits where the hub has commits."""
    file: str | None = None
    """File name; `{quantization}` stands for the quantization."""
    parts_file: str | None = None
    """Name of one shard; `{quantization}` and `{part}` are filled in."""
    parts: dict[str, tuple[str, ...]] | None = None
    """Shards by quantization."""
    projectors: tuple[str, ...] | None = None
    """Projector files of a vision model."""
    draft: Draft | None = None
    """Draft model for speculative decoding."""
    quantizations: tuple[Line, ...] | None = None
    """Quantizations of this hub, where they differ from those of the variant."""
    gguf: Gguf | None = None
    """GGUF add-on of this hub."""
    lora: Lora | None = None
    """LoRA add-on of this hub."""
    gated: bool | None = None
    """Whether the hub asks for an agreement before the download."""


class Oci(Frozen):
    """An OCI artifact or image."""

    image: Line
    """Reference with a digest: `registry/name@sha256:…`."""


class Prefix(Frozen):
    """A folder of an object store or web server."""

    prefix: str
    """Address under which the files lie."""


HUBS = ("huggingface", "modelscope", "openmind_hub", "csghub")


class Sources(Frozen):
    """Where the bytes of a variant come from, by kind."""

    huggingface: Hub | None = None
    """Hugging Face repository."""
    modelscope: Hub | None = None
    """ModelScope repository."""
    openmind_hub: Hub | None = None
    """openMind repository."""
    csghub: Hub | None = None
    """CSGHub repository."""
    oci: Oci | None = None
    """OCI artifact."""
    object: Prefix | None = None
    """Object-store prefix."""
    url: Prefix | None = None
    """Web folder."""

    def hubs(self) -> dict[str, Hub]:
        """The hub repositories by kind, in the order of the fields."""
        return {kind: hub for kind in HUBS if (hub := getattr(self, kind)) is not None}


class Requirements(Frozen):
    """What a machine must have."""

    gpus: Count | None = None
    """Number of accelerators."""
    vram: Size | None = None
    """Accelerator memory."""
    memory: Size | None = None
    """System memory."""


class Memory(Frozen):
    """What the size of the key-value cache follows from."""

    layers: Annotated[int, Field(ge=1)]
    """Layers that keep keys and values."""
    kv_heads: Annotated[int, Field(ge=1)]
    """Key-value heads of a layer."""
    head_size: Annotated[int, Field(ge=1)]
    """Numbers in one head."""


class Variant(Frozen):
    """One loadable form of a release: format and size, with its quantizations, sources and files."""

    key: Slug | None = None
    """Name of the variant, unique in the release; default `<parameters>-<format>`."""
    format: str | None = None
    """File format: pytorch, gguf, mlx, awq, gptq, fp8, fp4, bnb, onnx, …"""
    parameters: Parameters | None = None
    """Size as users ask for it: `8B`, `1.8B`, `335M`."""
    active: Parameters | None = None
    """Parameters used per token by a mixture of experts."""
    engines: tuple[str, ...] = ()
    """Inference engines, best first."""
    quantizations: tuple[Line, ...] = ()
    """Quantizations in exact spelling, the default first; `none` for plain weights."""
    sources: Sources | None = None
    """Where the files come from."""
    gguf: Gguf | None = None
    """GGUF add-on for all hubs."""
    lora: Lora | None = None
    """LoRA add-on for all hubs."""
    files: dict[str, tuple[File, ...]] = {}
    """Files by quantization; key `default` where nothing is quantized."""
    entrypoint: str | None = None
    """What the engine is told to load, if not the first file; empty for nothing."""
    license: str | None = None
    """Licence of this size, where it differs from the model's."""
    requirements: Requirements | None = None
    """Requirements of this size, where they differ from the release's."""
    memory: Memory | None = None
    """Facts for memory estimates."""

    @cached_property
    def name(self) -> str:
        """`key`, or its default."""
        return self.key or "-".join(part.lower() for part in (self.parameters, self.format) if part) or "default"


class Environment(Frozen):
    """In what a release runs: a framework of the taxonomy, or an image of one's own."""

    framework: str | None = None
    """Framework from `taxonomy.yaml`."""
    image: str | None = None
    """Container image with its digest: `host/name@sha256:…`."""
    requirements: tuple[str, ...] = ()
    """Python requirements (PEP 508)."""


class Metric(Frozen):
    """One measured figure, with who says so and when."""

    name: str | None = None
    """Name of the benchmark."""
    value: float | None = None
    """The figure."""
    date: dt.date | None = None
    """Day of the measurement or its publication."""
    source: str | None = None
    """Address that reports it, or the task of `origin` that measured it, as `platform:ref`."""
    unit: str | None = None
    """Unit, where the figure is no plain score."""


class Origin(Frozen):
    """The task that made the model."""

    kind: str
    """Kind of origin: training, automl, conversion, …"""
    platform: str | None = None
    """Platform of the task."""
    ref: str | None = None
    """Name of the task or application there."""
    scene: str | None = None
    """Scene of an AutoML task, from `taxonomy.yaml`."""
    task: str | None = None
    """Task of an AutoML run."""
    task_version: str | None = None
    """Version of that task."""
    preference: str | None = None
    """What the run preferred: speed, accuracy, …"""


class Download(Frozen):
    """Something to download beside the weights, such as an SDK."""

    label: str
    """What it is."""
    url: str
    """Where it is."""
    sha256: str | None = None
    """SHA-256 as 64 lower-case hex digits."""
    requires: str | None = None
    """What must be installed first."""


class RemoteCode(Frozen):
    """Code of the source repository that runs when the model is loaded."""

    revision: str
    """Commit that was reviewed."""
    reviewed_by: str
    """Who reviewed it."""


class Release(Frozen):
    """One published version of a model. Its number is its file name, so it does not stand in the file."""

    notes: str | None = None
    """What is new, in plain text."""
    released: AwareDatetime | None = None
    """When the publisher released it, in UTC; filled in by commands."""
    checked: dt.date | None = None
    """Day on which revisions, sizes and digests were last read from the source."""
    status: Status = "active"
    """Whether this release should be used."""
    reason: str | None = None
    """Why it is deprecated, discontinued or quarantined."""
    spec: dict[str, JsonValue] = {}
    """What the schema of the model's type describes."""
    requirements: Requirements | None = None
    """What a machine must have."""
    environment: Environment | None = None
    """In what it runs."""
    metrics: tuple[Metric, ...] = ()
    """Measured figures."""
    variants: tuple[Variant, ...] = ()
    """Loadable forms."""
    origin: Origin | None = None
    """The task that made it."""
    downloads: tuple[Download, ...] = ()
    """Further downloads."""
    remote_code: RemoteCode | None = None
    """Reviewed code of the source that must run."""
    regions: tuple[str, ...] | None = None
    """Regions of this release, where they are narrower than the model's."""
    runtimes: dict[str, dict[str, JsonValue]] = {}
    """What only one runtime understands, by runtime."""
