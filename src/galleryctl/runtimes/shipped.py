"""Names of the models that Xinference brings along, by type, as of December 2025, and what some of them can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = {
    "llm": """
        Baichuan-M2 DeepSeek-V3.2 DeepSeek-V3.2-Exp Deepseek-V3.1 DianJin-R1 Ernie4.5 HuatuoGPT-o1-LLaMA-3.1
        HuatuoGPT-o1-Qwen2.5 InternVL3 KAT-V1 MiniCPM-V-2.6 MiniCPM-V-4.5 MiniMax-M2 Ovis2 QvQ-72B-Preview
        QwQ-32B QwQ-32B-Preview Qwen3-Coder Qwen3-Instruct Qwen3-Next-Instruct Qwen3-Next-Thinking
        Qwen3-Omni-Instruct Qwen3-Omni-Thinking Qwen3-Thinking Qwen3-VL-Instruct Qwen3-VL-Thinking Skywork
        Skywork-Math XiYanSQL-QwenCoder-2504 Yi Yi-1.5 Yi-1.5-chat Yi-1.5-chat-16k Yi-200k Yi-chat baichuan-2
        baichuan-2-chat code-llama code-llama-instruct code-llama-python codegeex4 codeqwen1.5 codeqwen1.5-chat
        codeshell codeshell-chat codestral-v0.1 cogagent deepseek deepseek-chat deepseek-coder
        deepseek-coder-instruct deepseek-prover-v2 deepseek-r1 deepseek-r1-0528 deepseek-r1-0528-qwen3
        deepseek-r1-distill-llama deepseek-r1-distill-qwen deepseek-v2-chat deepseek-v2-chat-0628 deepseek-v2.5
        deepseek-v3 deepseek-v3-0324 deepseek-vl2 fin-r1 gemma-3-1b-it gemma-3-it glm-4.1v-thinking glm-4.5
        glm-4.5v glm-4v glm-edge-chat glm4-0414 glm4-chat glm4-chat-1m gorilla-openfunctions-v2 gpt-2 gpt-oss
        internlm3-instruct llama-2 llama-2-chat llama-3 llama-3-instruct llama-3.1 llama-3.1-instruct
        llama-3.2-vision llama-3.2-vision-instruct llama-3.3-instruct marco-o1 minicpm-2b-dpo-bf16
        minicpm-2b-dpo-fp16 minicpm-2b-dpo-fp32 minicpm-2b-sft-bf16 minicpm-2b-sft-fp32 minicpm3-4b minicpm4
        mistral-instruct-v0.1 mistral-instruct-v0.2 mistral-instruct-v0.3 mistral-large-instruct
        mistral-nemo-instruct mistral-v0.1 mixtral-8x22B-instruct-v0.1 mixtral-instruct-v0.1 mixtral-v0.1
        moonlight-16b-a3b-instruct openhermes-2.5 opt orion-chat phi-2 phi-3-mini-128k-instruct
        phi-3-mini-4k-instruct qwen-chat qwen1.5-chat qwen1.5-moe-chat qwen2-audio qwen2-audio-instruct
        qwen2-instruct qwen2-moe-instruct qwen2-vl-instruct qwen2.5 qwen2.5-coder qwen2.5-coder-instruct
        qwen2.5-instruct qwen2.5-instruct-1m qwen2.5-omni qwen2.5-vl-instruct qwen3 qwenLong-l1 seallm_v2
        seallm_v2.5 seallms-v3 seed-oss skywork-or1 skywork-or1-preview telechat tiny-llama
        wizardcoder-python-v1.0 wizardmath-v1.0 xverse xverse-chat
    """,
    "embedding": """
        Qwen3-Embedding-0.6B Qwen3-Embedding-4B Qwen3-Embedding-8B bce-embedding-base_v1 bge-base-en
        bge-base-en-v1.5 bge-base-zh bge-base-zh-v1.5 bge-large-en bge-large-en-v1.5 bge-large-zh
        bge-large-zh-noinstruct bge-large-zh-v1.5 bge-m3 bge-small-en-v1.5 bge-small-zh bge-small-zh-v1.5
        e5-large-v2 gme-Qwen2-VL-2B-Instruct gme-Qwen2-VL-7B-Instruct gte-Qwen2 gte-base gte-large jina-clip-v2
        jina-embeddings-v2-base-en jina-embeddings-v2-base-zh jina-embeddings-v2-small-en jina-embeddings-v3
        jina-embeddings-v4 m3e-base m3e-large m3e-small multilingual-e5-large text2vec-base-chinese
        text2vec-base-chinese-paraphrase text2vec-base-chinese-sentence text2vec-base-multilingual
        text2vec-large-chinese
    """,
    "rerank": """
        Qwen3-Reranker-0.6B Qwen3-Reranker-4B Qwen3-Reranker-8B bce-reranker-base_v1 bge-reranker-base
        bge-reranker-large bge-reranker-v2-gemma bge-reranker-v2-m3 bge-reranker-v2-minicpm-layerwise
        jina-reranker-v2 jina-reranker-v3 minicpm-reranker
    """,
    "image": """
        DeepSeek-OCR FLUX.1-Kontext-dev FLUX.1-dev FLUX.1-schnell FLUX.2-dev GOT-OCR2_0 HunyuanDiT-v1.2
        HunyuanDiT-v1.2-Distilled HunyuanOCR PaddleOCR-VL Qwen-Image Qwen-Image-Edit Qwen-Image-Edit-2509
        Qwen-Image-Layered Z-Image-Turbo cogview4 kolors sd-turbo sd3-medium sd3.5-large sd3.5-large-turbo
        sd3.5-medium sdxl-turbo stable-diffusion-2-inpainting stable-diffusion-inpainting stable-diffusion-v1.5
        stable-diffusion-xl-base-1.0 stable-diffusion-xl-inpainting
    """,
    "audio": """
        Belle-distilwhisper-large-v2-zh Belle-whisper-large-v2-zh Belle-whisper-large-v3-zh ChatTTS
        CosyVoice-300M CosyVoice-300M-Instruct CosyVoice-300M-SFT CosyVoice2-0.5B F5-TTS F5-TTS-MLX
        FishSpeech-1.5 Fun-ASR-MLT-Nano-2512 Fun-ASR-Nano-2512 IndexTTS2 Kokoro-82M Kokoro-82M-MLX
        Kokoro-82M-v1.1-zh MegaTTS3 MeloTTS-Chinese MeloTTS-English MeloTTS-English-v2 MeloTTS-English-v3
        MeloTTS-French MeloTTS-Japanese MeloTTS-Korean MeloTTS-Spanish SenseVoiceSmall paraformer-zh
        paraformer-zh-hotword paraformer-zh-long paraformer-zh-spk seaco-paraformer-zh whisper-base
        whisper-base-mlx whisper-base.en whisper-base.en-mlx whisper-large-v3 whisper-large-v3-mlx
        whisper-large-v3-turbo whisper-large-v3-turbo-mlx whisper-medium whisper-medium-mlx whisper-medium.en
        whisper-medium.en-mlx whisper-small whisper-small-mlx whisper-small.en whisper-small.en-mlx whisper-tiny
        whisper-tiny-mlx whisper-tiny.en whisper-tiny.en-mlx
    """,
    "video": """
        CogVideoX-2b CogVideoX-5b HunyuanVideo Wan2.1-1.3B Wan2.1-14B Wan2.1-flf2v-14B-720p Wan2.1-i2v-14B-480p
        Wan2.1-i2v-14B-720p Wan2.2-A14B Wan2.2-i2v-A14B Wan2.2-ti2v-5B
    """,
}
_TOOLS = """
    Baichuan-M2 DeepSeek-V3.2 DeepSeek-V3.2-Exp Deepseek-V3.1 DianJin-R1 HuatuoGPT-o1-LLaMA-3.1
    HuatuoGPT-o1-Qwen2.5 MiniMax-M2 QwQ-32B Qwen3-Coder Qwen3-Instruct Qwen3-Next-Instruct Qwen3-Next-Thinking
    Qwen3-Omni-Instruct Qwen3-Omni-Thinking Qwen3-Thinking Qwen3-VL-Instruct Qwen3-VL-Thinking
    XiYanSQL-QwenCoder-2504 deepseek-r1-0528 glm-4.1v-thinking glm-4.5 glm-4.5v glm4-0414 glm4-chat glm4-chat-1m
    internlm3-instruct llama-3.1-instruct llama-3.3-instruct marco-o1 qwen1.5-chat qwen1.5-moe-chat
    qwen2-instruct qwen2-moe-instruct qwen2.5-coder-instruct qwen2.5-instruct qwen3 seed-oss
"""
_VISION = """
    InternVL3 MiniCPM-V-2.6 MiniCPM-V-4.5 Ovis2 QvQ-72B-Preview Qwen3-Omni-Instruct Qwen3-Omni-Thinking
    Qwen3-VL-Instruct Qwen3-VL-Thinking cogagent deepseek-vl2 gemma-3-it glm-4.1v-thinking glm-4.5v glm-4v
    llama-3.2-vision llama-3.2-vision-instruct qwen2-vl-instruct qwen2.5-omni qwen2.5-vl-instruct
"""
XINFERENCE: Mapping[str, frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _NAMES.items()}
XINFERENCE_TOOLS = frozenset(_TOOLS.split())
"""Families of which a model must be that is registered with the ability `tools`."""
XINFERENCE_VISION = frozenset(_VISION.split())
"""The same for `vision`."""
