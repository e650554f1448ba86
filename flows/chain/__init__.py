"""The chain: every step of a dub, in the order in which data moves. The only list of steps there is."""

from __future__ import annotations

from nightdub.flows.chain.characters import CAST, VOICES
from nightdub.flows.chain.data_gates import DATA_GATES
from nightdub.flows.chain.dialogue import DIALOGUE
from nightdub.flows.chain.hearing import HEARING
from nightdub.flows.chain.lips import LIPS
from nightdub.flows.chain.mixing import MIXING
from nightdub.flows.chain.packing import PACKING
from nightdub.flows.chain.shots import SHOTS
from nightdub.flows.chain.speech import SPEECH
from nightdub.flows.chain.subtitles import MARKS, SUBTITLES
from nightdub.flows.chain.verification import VERIFICATION

TITLE_STEPS = (*HEARING, *DIALOGUE, *SHOTS, VOICES)
LANGUAGE_STEPS = (CAST, *SPEECH, *MIXING, *LIPS, MARKS, SUBTITLES, *PACKING, *VERIFICATION, *DATA_GATES)
CHAIN = TITLE_STEPS + LANGUAGE_STEPS
