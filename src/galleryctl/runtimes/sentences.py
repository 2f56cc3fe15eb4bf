"""What the runtimes have to say to people, in the languages of the site."""

# ruff: noqa: RUF001 - Chinese sentences have Chinese punctuation

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "type": ("{runtime} loads no {type} models.", "{runtime} 不支持 {type} 模型。"),
    "format": ("{runtime} does not load {format}.", "{runtime} 不加载 {format} 格式。"),
    "no format": ("{runtime} must know the format, which is not recorded.", "未记录格式，{runtime} 无法加载。"),
    "no hub": ("{runtime} loads from none of the sources of this variant.", "{runtime} 不能从该变体的任何来源加载。"),
    "no file": ("The name of the file is not recorded.", "未记录文件名。"),
    "no path": ("{path} is no path that may be published.", "{path} 不是可以发布的路径。"),
    "no environment": (
        "A preset cannot name ModelScope: start {runtime} with the command instead.",
        "预设无法指定 ModelScope：请改用命令启动 {runtime}。",
    ),
    "no preset": ("{text} cannot be written in the format of the file.", "该文件格式无法写入 {text}。"),
    "no option": (
        "{option} is no option of a model at {runtime}.",
        "{option} 不是 {runtime} 的模型选项。",
    ),
    "lacks": ("{runtime} needs what is not recorded: {fields}.", "{runtime} 需要未记录的 {fields}。"),
    "no variant": (
        "The release has no build, so there is nothing for {runtime} to load.",
        "该版本没有任何构建，{runtime} 无可加载。",
    ),
    "refused": ("{runtime} would refuse it: {faults}.", "{runtime} 会拒绝它：{faults}。"),
    "one name": (
        "{runtime} cannot tell it from another build called {name}: engine and format are the same.",
        "{runtime} 无法将其与另一个名为 {name} 的构建区分：引擎和格式相同。",
    ),
    "unregistered": (
        (
            "In the catalogue of {runtime}, but without a registration file: with {ability} it registers only models"
            " of families that it knows, and {family} is none; `register_family` names one."
        ),
        (
            "已列入 {runtime} 的目录，但没有注册文件：具备 {ability} 能力的模型只能注册为其已知系列，"
            "{family} 不在其中；可用 `register_family` 指定。"
        ),
    ),
    "export": (
        "Xinference must know the model first: give it the native file /{export}, as shown below.",
        "Xinference 须先知道此模型：请按下文提供原生文件 /{export}。",
    ),
    "pinned": ("Loads exactly the recorded revision from the hub.", "从模型平台加载所记录的确切版本。"),
    "unpinned": (
        "No revision is recorded, so it loads whatever the hub has now.",
        "未记录版本，因此加载平台上的当前内容。",
    ),
    "newest": (
        "Takes the newest commit of the source: {runtime} cannot be told a revision.",
        "取来源的最新提交：{runtime} 不能指定版本。",
    ),
    "address": (
        "Loads the file from its address; {runtime} checks no digest.",
        "从地址加载文件；{runtime} 不校验摘要。",
    ),
    "parts": ("{runtime} cannot load weights in several parts from a hub.", "{runtime} 不能从模型平台加载分片的权重。"),
    "source checks": (
        "Pulls from the source repository, so the source checks the digest and not this gallery.",
        "从来源仓库拉取，因此由来源而不是本模型库校验摘要。",
    ),
    "no engine": ("No engine is stated, so LocalAI has no backend for it.", "未注明引擎，LocalAI 没有对应的后端。"),
    "no backend": ("LocalAI has no backend for {engine}.", "LocalAI 没有 {engine} 的后端。"),
    "no entrypoint": (
        "{engine} loads a repository, and no entrypoint is stated.",
        "{engine} 加载整个仓库，但未注明入口。",
    ),
    "no files": ("LocalAI installs files, and none are recorded.", "LocalAI 安装文件，但未记录文件。"),
    "no digest": ("A file has no digest, so LocalAI could not check it.", "有文件没有摘要，LocalAI 无法校验。"),
    "galleries": (
        "LocalAI must know this gallery first: start it with the index under GALLERIES, as shown below.",
        "LocalAI 须先知道本模型库：请按下文在 GALLERIES 中加入索引后启动。",
    ),
    "unchecked": (
        "Takes the file from the source; LocalAI checks no digest of it.",
        "直接从来源取文件；LocalAI 不校验其摘要。",
    ),
    "no place": (
        "{runtime} cannot be told this repository, or a revision of this name.",
        "无法向 {runtime} 指定该仓库或该名称的版本。",
    ),
    "no server": (
        "{runtime} passes requests on to engines, and none that it is given here serves this.",
        "{runtime} 将请求转发给推理引擎，而此处提供的引擎都不能运行它。",
    ),
}


@lru_cache(4096)
def say(sentence: str, **words: str) -> dict[str, str]:
    """A sentence by language. Ten thousand models are refused for the same few reasons."""
    en, zh = _SENTENCES[sentence]
    return {"en": en.format(**words), "zh": zh.format(**words)}
