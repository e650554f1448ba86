"""Run in Coqui's environment with a folder's path: write an XTTS model of random weights there, smallest that its classes allow.

Two layers of 64 numbers speak up to 16 sounds; only the vocoder and the speaker encoder keep their real size (22 of 23 million numbers,
93 MB), which is fixed in the classes. What it says is noise, by the same code that speaks with the real weights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.models.xtts import Xtts

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "ja", "ko", "zh-cn")
SPECIAL = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{language}]" for language in LANGUAGES)]
SOUNDS = 64  # audio tokens


def write_vocabulary(path: Path) -> int:
    """Write a vocabulary of single letters, and return its size."""
    tokens = [*SPECIAL, *"abcdefghijklmnopqrstuvwxyz0123456789áéíóúñü'.,?!¿¡-"]
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, [], unk_token="[UNK]"))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(path))
    return len(tokens)


def write_model(folder: Path) -> None:
    config = XttsConfig()
    sizes = config.model_args
    sizes.gpt_layers, sizes.gpt_n_model_channels, sizes.gpt_n_heads, sizes.decoder_input_dim = 2, 64, 2, 64
    sizes.gpt_num_audio_tokens, sizes.gpt_start_audio_token, sizes.gpt_stop_audio_token = SOUNDS + 2, SOUNDS, SOUNDS + 1
    sizes.gpt_max_audio_tokens, sizes.gpt_use_perceiver_resampler = 16, True
    sizes.gpt_number_text_tokens = write_vocabulary(folder / "vocab.json")
    sizes.gpt_start_text_token, sizes.gpt_stop_text_token = SPECIAL.index("[START]"), SPECIAL.index("[STOP]")
    torch.manual_seed(0)
    torch.save({"model": Xtts(config).state_dict()}, folder / "model.pth")
    config.save_json(str(folder / "config.json"))


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
