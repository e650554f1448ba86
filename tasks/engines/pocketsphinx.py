"""English recognition and forced alignment by PocketSphinx; the model is in the wheel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
from pocketsphinx import Decoder

from nightdub.tasks.engines.english import rough_sounds, spoken
from nightdub.tasks.protocols import Heard, Identity, Sound
from nightdub.tasks.rows import Language, Seconds, Word

RATE = 16_000  # Hz
FRAME = 0.01  # seconds; the decoder's clock
LEVEL = 2000 / 32768  # RMS that clips are brought to; the word error rate of 30 recorded prompts lay within .21 and .24 from 1,000 to 3,000
SHORTEST = 0.1  # seconds; below it the decoder has too few frames for any word
SENTENCE_PAUSE = 0.4  # seconds; the recogniser hears no punctuation, so that a pause is all that tells where a sentence ends

# Mean log likelihood of a frame, against the best sound of the model, under which text and sound are held to be different things.
# 60 recorded prompts with their own text lay between -2.3 and -0.8; with white noise 12 dB below the voice 30 of 60 still passed;
# with another prompt's text 57 of 60 were not found or lay below.
MISMATCH = -3.2


@dataclass(frozen=True, slots=True)
class _Piece:
    """One word that the decoder found; silence and noise are left out."""

    word: str
    start: Seconds
    end: Seconds
    likelihood: float  # natural logarithm, summed over the word's frames

    @property
    def frames(self) -> float:
        return (self.end - self.start) / FRAME


class Pocketsphinx:
    """Recognises English with the wheel's 130,000-word dictionary and trigram model."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def identity(self) -> Identity:
        """Return the wheel's version, which is also the model's."""
        return _identity("pocketsphinx")

    def recognise(self, clips: Sequence[Sound], language: Language) -> list[Heard]:
        """Return the words of each 16 kHz clip, written as sentences. Every clip fails where the language is not English."""
        return [self._recognise(clip) if language == "en" else _not_english("", language) for clip in clips]

    def _recognise(self, clip: Sound) -> Heard:
        if len(clip) < SHORTEST * RATE:
            return Heard("", failed="clip-too-short")
        self._decoder = self._decoder or Decoder(loglevel="FATAL")
        try:
            words = as_sentences(_decode(self._decoder, clip))
        except RuntimeError as error:
            self._decoder = None  # an utterance that failed half-way leaves it unusable
            return Heard("", failed=f"decoder: {error}")
        return Heard(" ".join(word.text for word in words), words)


class PocketsphinxAligner:
    """Finds given English words in the sound."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def identity(self) -> Identity:
        """Return the wheel's version, which is also the model's."""
        return _identity("pocketsphinx-align")

    def align(self, clips: Sequence[Sound], texts: Sequence[str], language: Language) -> list[Heard]:
        """Return each text's words, as written, with their times in its 16 kHz clip.

        A clip fails where the language is not English, where the decoder finds no way through the text, and where it finds only an
        implausible one (`MISMATCH`): then the text is not what is said.
        """
        pairs = zip(clips, texts, strict=True)
        return [self._align(clip, text) if language == "en" else _not_english(text, language) for clip, text in pairs]

    def _align(self, clip: Sound, text: str) -> Heard:
        if len(clip) < SHORTEST * RATE:
            return Heard(text, failed="clip-too-short")
        self._decoder = self._decoder or Decoder(loglevel="FATAL", lm=None)
        tokens = self._tokens(self._decoder, text)
        if not tokens:
            return Heard(text, failed="no-words")
        try:
            self._decoder.set_align_text(" ".join(word for _, words in tokens for word in words))
            pieces = _decode(self._decoder, clip)
        except RuntimeError as error:
            self._decoder = None  # an utterance that failed half-way leaves it unusable
            return Heard(text, failed=f"decoder: {error}")
        return _matched(text, tokens, pieces)

    def _tokens(self, decoder: Decoder, text: str) -> list[tuple[str, list[str]]]:
        """Return written words with what is said for them; a lone sign such as a dash joins the word before it."""
        tokens: list[tuple[str, list[str]]] = []
        for written in text.split():
            words = spoken(written, lambda word: decoder.lookup_word(word) is not None)
            if words or not tokens:
                tokens.append((written, words))
            else:
                tokens[-1] = (f"{tokens[-1][0]} {written}", tokens[-1][1])
        for word in {word for _, words in tokens for word in words}:
            if decoder.lookup_word(word) is None:
                decoder.add_word(word, rough_sounds(word), update=True)
        return _joined_front(tokens)


def as_sentences(pieces: Iterable[_Piece]) -> tuple[Word, ...]:
    """Return recognised words with capitals and full stops, a sentence ending at each pause."""
    found = list(pieces)
    words = []
    for index, piece in enumerate(found):
        first = index == 0 or piece.start - found[index - 1].end >= SENTENCE_PAUSE
        last = index == len(found) - 1 or found[index + 1].start - piece.end >= SENTENCE_PAUSE
        text = piece.word[:1].upper() + piece.word[1:] if first or piece.word == "i" or piece.word.startswith("i'") else piece.word
        words.append(Word(f"{text}." if last and not text.endswith(".") else text, piece.start, piece.end))
    return tuple(words)


def _matched(text: str, tokens: list[tuple[str, list[str]]], pieces: list[_Piece]) -> Heard:
    if len(pieces) != sum(len(words) for _, words in tokens):
        return Heard(text, failed="not-found-in-sound")
    score = sum(piece.likelihood for piece in pieces) / sum(piece.frames for piece in pieces)
    if score < MISMATCH:
        return Heard(text, failed="sound-says-something-else", score=score)
    rest = iter(pieces)
    words = []
    for written, parts in tokens:
        own = [next(rest) for _ in parts]
        words.append(Word(written, own[0].start, own[-1].end))
    return Heard(text, tuple(words), score=score)


def _joined_front(tokens: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Join a sign that opens the line to the first word."""
    if tokens and not tokens[0][1]:
        return [(f"{tokens[0][0]} {tokens[1][0]}", tokens[1][1]), *tokens[2:]] if len(tokens) > 1 else []
    return tokens


def _decode(decoder: Decoder, clip: Sound) -> list[_Piece]:
    """Run one clip through a decoder whose running mean of earlier clips is forgotten first: results depend on the clip alone."""
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(_levelled(clip), full_utt=True)
    decoder.end_utt()
    return [
        _Piece(
            part.word.partition("(")[0],
            round(part.start_frame * FRAME, 2),
            round((part.end_frame + 1) * FRAME, 2),
            math.log(max(part.ascore, 1e-300)),
        )
        for part in decoder.seg() or ()
        if part.word[0] not in "<[("
    ]


def _levelled(clip: Sound) -> bytes:
    rms = float(np.sqrt(np.mean(np.square(clip, dtype=np.float64)))) or 1.0
    whole: npt.NDArray[np.int16] = (np.clip(clip * (LEVEL / rms), -1.0, 1.0) * 32767).astype("<i2")
    return whole.tobytes()


def _identity(name: str) -> Identity:
    wheel = version("pocketsphinx")
    return Identity(name, wheel, f"en-us of pocketsphinx {wheel}", {"rms": LEVEL})


def _not_english(text: str, language: Language) -> Heard:
    return Heard(text, failed=f"no-model-for-{language}")
