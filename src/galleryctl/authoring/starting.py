"""`init`: a registry that checks and builds at once, and says in its files what can be said in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl import document, output
from galleryctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def init(folder: Path, *, title: str) -> tuple[str, ...]:
    """Write the files of an empty registry; their paths, relative to the folder. Nothing is overwritten."""
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder.name} is a file; name a folder")
    texts = {
        "gallery.yaml": _GALLERY.format(title=document.inline(title), folder=document.inline(folder.name)),
        "roles.yaml": _ROLES,
        "policy.yaml": _POLICY,
        "taxonomy.yaml": _TAXONOMY,
    }
    present = [name for path in texts for name in (path, path.replace(".yaml", ".json")) if (folder / name).exists()]
    if present:
        raise UsageError(f"{folder.name} is a registry already: it has {', '.join(present)}; nothing was written")
    for path, text in texts.items():
        output.replace(folder / path, text)
    return tuple(texts)


_GALLERY = """\
title: {title}
# description: One sentence about the gallery.
# url: https://models.example.org              # where it is published; feeds and the sitemap need it
# repository: https://github.com/you/gallery   # for links to source, history and editing
# branch: main
folder: {folder}
default_language: en
languages: [en]
# runtimes: [vllm, llama.cpp, ollama]          # whose native files are written: also xinference, localai, litellm, …
# organisation: staff                          # the group of roles.yaml that may see `visibility: organisation`
"""

_ROLES = """\
version: 1
# Who may do what. An account counts by its numeric id: https://api.github.com/users/LOGIN shows it.
# people:
#   ada: {github: {id: 1001, login: ada}}
# groups:
#   maintainers: [ada]
roles:
  owner: [edit, release, deploy, withdraw, deprecate, discontinue, reinstate, expire, renew]
  reviewer: [new, edit, release]
  clearance: [widen]
  steward: [quarantine, reinstate, remove, rename, transfer, override]
  admin: [govern]
# How many admins approve a change of these files, none of them its author: 2 unless said, of 3 or more.
# rules: {admin_quorum: 1}
# grants:
#   - {role: owner, to: maintainers, scope: "*"}
#   - {role: admin, to: maintainers, scope: "*"}
"""

_POLICY = """\
version: 1
# Severity by rule or group of rules: error, warn, note or off. `galleryctl explain` lists all rules.
# severities: {DOC: note, FIL001: warn}
# `private` where strangers cannot read the repository: then models may be anything but public.
repository: public
reserved:
  - {name: admin, reason: Would look like an office of this gallery.}
  - {name: official, reason: No publisher is more official than the others.}
"""

_TAXONOMY = """\
# The words models are sorted by: dimension → value → label. The site has one filter for each dimension.
dimensions:
  task:
    title: Task
    values:
      chat: {label: Chat, aliases: [conversational, chatbot]}
      reasoning: {label: Reasoning, aliases: [thinking]}
      coding: {label: Coding, aliases: [code, code-generation]}
      math: {label: Mathematics, aliases: [maths, mathematics]}
      vision: {label: Vision, aliases: [multimodal, image-understanding]}
      tool-use: {label: Tool use, aliases: [tools, function-calling]}
      translation: {label: Translation, aliases: [machine-translation]}
      retrieval: {label: Retrieval, aliases: [search, rag]}
      classification: {label: Classification, aliases: [classifier]}
      speech-recognition: {label: Speech recognition, aliases: [asr, transcription]}
      text-to-speech: {label: Text to speech, aliases: [tts, speech-synthesis]}
      text-to-image: {label: Text to image, aliases: [text2image, image-generation]}
      image-editing: {label: Image editing, aliases: [image-to-image, inpainting]}
      text-to-video: {label: Text to video, aliases: [text2video, video-generation]}
      image-to-video: {label: Image to video, aliases: [image2video]}
      ocr: {label: Text recognition (OCR), aliases: [text-recognition]}
      detection: {label: Detection, aliases: [object-detection]}
      segmentation: {label: Segmentation, aliases: [image-segmentation]}
  trait:
    title: Trait
    values:
      multilingual: {label: Multilingual, aliases: [cross-lingual]}
      long-context: {label: Long context}
      mixture-of-experts: {label: Mixture of experts, aliases: [moe]}
      small: {label: Small, aliases: [tiny, mini]}
      base-model: {label: Base model, aliases: [base, foundation]}
      distilled: {label: Distilled, aliases: [distillation]}
categories:
  title: Category
  values:
    assistant: {label: Assistants}
    developer-tools: {label: Developer tools}
    search: {label: Search}
    creative: {label: Creative work}
    documents: {label: Documents}
    speech: {label: Speech}
    science: {label: Science}
regions:
  title: Region
  values:
    global: {label: Worldwide, aliases: [world]}
    apac: {label: Asia-Pacific, aliases: [asia]}
    cn: {label: China, aliases: [china]}
    eu: {label: European Union, aliases: [europe]}
    us: {label: United States, aliases: [usa]}
frameworks:
  title: Framework
  values:
    pytorch: {label: PyTorch, aliases: [torch]}
    transformers: {label: Transformers}
    diffusers: {label: Diffusers}
    sentence-transformers: {label: Sentence Transformers, aliases: [sbert]}
    llama.cpp: {label: llama.cpp, aliases: [llama-cpp, ggml]}
    mlx: {label: MLX}
    onnx: {label: ONNX Runtime, aliases: [onnxruntime]}
    tensorflow: {label: TensorFlow, aliases: [tf]}
# Licences the gallery accepts, as SPDX names or LicenseRef-…; without this list any licence is accepted.
# licenses:
#   Apache-2.0: {label: Apache License 2.0, commercial: allowed}
"""
