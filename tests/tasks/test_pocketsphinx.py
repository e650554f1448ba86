"""Recognition and alignment on real recordings; bounds are those measured, with room for other builds of the decoder."""

from __future__ import annotations

from collections.abc import Callable

import jiwer
import numpy as np
import pytest

from nightdub.tasks.engines.pocketsphinx import Pocketsphinx, PocketsphinxAligner
from nightdub.tasks.protocols import Sound

Prompt = Callable[[str], tuple[Sound, str]]
NAMES = ("agent-pass", "all-circuits-busy-now", "cannot-complete-as-dialed")


@pytest.fixture(scope="module")
def recogniser() -> Pocketsphinx:
    return Pocketsphinx()


@pytest.fixture(scope="module")
def aligner() -> PocketsphinxAligner:
    return PocketsphinxAligner()


def plain(text: str) -> str:
    return " ".join("".join(letter for letter in text.lower() if letter.isalpha() or letter in " '").split())


def test_real_speech_is_recognised(recogniser: Pocketsphinx, prompt: Prompt) -> None:
    clips, texts = zip(*map(prompt, NAMES), strict=True)
    heard = recogniser.recognise(clips, "en")
    assert jiwer.wer([plain(text) for text in texts], [plain(found.text) for found in heard]) < 0.25
    for found in heard:
        assert not found.failed
        assert found.text == " ".join(word.text for word in found.words)
        assert found.text[0].isupper()
        assert found.text.endswith(".")


def test_a_clip_is_heard_the_same_whatever_was_heard_before(recogniser: Pocketsphinx, prompt: Prompt) -> None:
    clip, _ = prompt("all-circuits-busy-now")
    alone = Pocketsphinx().recognise([clip], "en")
    other = prompt("cannot-complete-as-dialed")[0]
    assert recogniser.recognise([other * 0.1, clip, clip], "en")[1:] == alone * 2


def test_loudness_does_not_matter(recogniser: Pocketsphinx, prompt: Prompt) -> None:
    clip, _ = prompt("all-circuits-busy-now")
    quiet, loud = recogniser.recognise([clip * 0.01, clip], "en")
    assert quiet.text == loud.text


def test_given_words_are_found_in_time_as_written(aligner: PocketsphinxAligner, prompt: Prompt) -> None:
    clip, text = prompt("agent-pass")
    (found,) = aligner.align([clip], [text], "en")
    assert not found.failed
    assert " ".join(word.text for word in found.words) == text
    starts = [word.start for word in found.words]
    assert starts == sorted(starts)
    assert all(0 <= word.start < word.end <= len(clip) / 16_000 + 0.02 for word in found.words)
    assert not any(word.estimated for word in found.words)


def test_word_times_lie_on_the_sound(aligner: PocketsphinxAligner, prompt: Prompt) -> None:
    clip, text = prompt("all-circuits-busy-now")
    shifted = np.concatenate([np.zeros(8000, np.float32), clip])
    plain_words, later = (found.words for found in aligner.align([clip, shifted], [text, text], "en"))
    for early, late in zip(plain_words[1:], later[1:], strict=True):  # the first word may take silence before it
        assert late.start - early.start == pytest.approx(0.5, abs=0.05)


def test_words_that_no_dictionary_has_and_signs_are_aligned(
    aligner: PocketsphinxAligner, prompt: Prompt, flite: Callable[[str, str], Sound]
) -> None:
    clip, text = prompt("conf-now-unmuted")
    invented = flite("slt", "We bought 21 nightdubs for Waldo.")
    first, second = aligner.align([clip, invented], [f"— {text}", "We bought 21 nightdubs — for Waldo."], "en")
    assert [word.text for word in first.words] == ["— The", "conference", "is", "now", "unmuted."]
    assert [word.text for word in second.words] == ["We", "bought", "21", "nightdubs —", "for", "Waldo."]


def test_text_that_is_not_said_is_not_aligned(aligner: PocketsphinxAligner, prompt: Prompt) -> None:
    clip, text = prompt("agent-pass")
    wrong = "Nobody expected the glorious morning of that summer in the mountains."
    failed, right = aligner.align([clip, clip], [wrong, text], "en")
    assert failed.failed in {"not-found-in-sound", "sound-says-something-else"}
    assert not failed.words
    assert not right.failed  # the decoder goes on after a failure


def test_the_decoder_is_made_anew_after_it_broke(prompt: Prompt) -> None:
    clip, text = prompt("all-circuits-busy-now")
    aligner = PocketsphinxAligner()

    class Broken:
        lookup_word = staticmethod(str)

        def set_align_text(self, text: str) -> None:
            raise RuntimeError("Failed to stop utterance processing")

    aligner._decoder = Broken()
    broken, healed = aligner.align([clip, clip], [text, text], "en")
    assert broken.failed == "decoder: Failed to stop utterance processing"
    assert not healed.failed


def test_every_input_has_its_result_even_where_nothing_can_be_done(recogniser: Pocketsphinx, aligner: PocketsphinxAligner) -> None:
    empty, silence = np.zeros(0, np.float32), np.zeros(16_000, np.float32)
    assert [found.failed for found in recogniser.recognise([empty, silence], "en")] == ["clip-too-short", ""]
    assert [found.failed for found in recogniser.recognise([silence], "fr")] == ["no-model-for-fr"]
    reasons = [found.failed for found in aligner.align([empty, silence], ["hello", "..."], "en")]
    assert reasons == ["clip-too-short", "no-words"]
    assert aligner.align([silence], ["bonjour"], "fr")[0].failed == "no-model-for-fr"


def test_identity_names_the_model_without_loading_it() -> None:
    engine = Pocketsphinx()
    assert engine.identity().weights.startswith("en-us")
    assert engine._decoder is None
    assert PocketsphinxAligner().identity().name == "pocketsphinx-align"
