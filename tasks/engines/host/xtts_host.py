"""Runs in Coqui's environment: one JSON request a line on standard input, one JSON answer a line on standard output.

Started with the model's folder and a device. Its first line is {"ready": true}, or {"ready": false, "why"} and the end. A request is
{"text", "language", "rate", "reference": path of a WAV named by its content, "out": path of the WAV to write}, the answer {"ok": true}
or {"ok": false, "why"}. What libraries print goes to standard error.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

VOICES = 64  # reference clips whose latents are kept: a few kilobytes each, against a second of work


def main(folder: Path, device: str) -> int:
    """Load the model and answer requests until standard input ends; return 1 where it cannot be loaded."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    try:
        speak = load(folder, device)
    except Exception as error:
        answers.write(json.dumps({"ready": False, "why": said(error)}) + "\n")
        return 1
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps(answer(speak, line)) + "\n")
    return 0


def answer(speak: Callable[[dict[str, Any]], None], line: str) -> dict[str, Any]:
    """Do one request; a line that cannot be spoken stops no other."""
    try:
        speak(json.loads(line))
    except Exception as error:
        return {"ok": False, "why": said(error)}
    return {"ok": True}


def said(error: Exception) -> str:
    """Return an error's type and message on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def load(folder: Path, device: str) -> Callable[[dict[str, Any]], None]:
    """Load the model and return what speaks a request with it, with the figures of the model's own config.json."""
    import soundfile
    import torch
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    torch.set_num_threads(1)  # the fan-out owns the cores, and sums come out the same on every machine
    config = XttsConfig()
    config.load_json(str(folder / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
    model.to(device)
    clone = {"gpt_cond_len": config.gpt_cond_len, "gpt_cond_chunk_len": config.gpt_cond_chunk_len, "max_ref_length": config.max_ref_len}
    figures = {name: config[name] for name in ("temperature", "length_penalty", "repetition_penalty", "top_k", "top_p")}

    @functools.lru_cache(maxsize=VOICES)
    def voice(reference: str) -> Any:
        return model.get_conditioning_latents(audio_path=[reference], sound_norm_refs=config.sound_norm_refs, **clone)

    def speak(request: dict[str, Any]) -> None:
        latents, speaker = voice(request["reference"])
        torch.manual_seed(0)  # the same line gives the same bytes
        made = model.inference(request["text"], request["language"], latents, speaker, speed=request["rate"], **figures)
        soundfile.write(request["out"], made["wav"], config.model_args.output_sample_rate, subtype="FLOAT")

    return speak


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
