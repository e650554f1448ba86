"""The chain: every step of a dub, in the order in which data moves. The only list of steps there is."""

from __future__ import annotations

from nightdub.flows.chain.characters import CAST, VOICES
from nightdub.flows.chain.data_gates import DATA_GATES
from nightdub.flows.chain.perception import PERCEPTION
from nightdub.flows.chain.programme import PROGRAMME
from nightdub.flows.chain.speech import SPEECH
from nightdub.flows.chain.verification import VERIFICATION

TITLE_STEPS = (*PERCEPTION, VOICES)
LANGUAGE_STEPS = (CAST, *SPEECH, *PROGRAMME, *VERIFICATION, *DATA_GATES)
CHAIN = TITLE_STEPS + LANGUAGE_STEPS
