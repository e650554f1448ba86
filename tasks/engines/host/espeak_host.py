"""Runs espeak-ng's shared library, in processes of its own: one JSON request a line on standard input, one JSON answer a line back.

Its first line is {"version"}, or {"why"} and the end. A request is {"text", "voice", "speed": words a minute}; the answer is {"rate",
"sound": base64 of 16-bit samples, "marks": [[phoneme, sample], ...]}, or {"why"}.

The library keeps state between lines (measured with 1.51: the same line differs in length by up to 9 samples from call to call). So
each line is spoken by a forked copy of this process in which the library has never spoken, and a line that crashes it takes no other
with it. Standard library only.
"""

from __future__ import annotations

import base64
import ctypes
import itertools
import json
import os
import sys
from typing import Any

LIBRARY = "libespeak-ng.so.1"

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_PARAMETER_RATE = 1
_UTF8 = 1
_POSITION_CHARACTER = 1
_LIST_TERMINATED, _PHONEME = 0, 7
_SEED = 1  # of the C library's `rand`, which shapes the breath of some variants


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """`espeak_EVENT` of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


# text, size, position, position type, end position, flags, identifier, user data
_SYNTH_ARGUMENTS = (
    ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
)  # fmt: skip
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def main() -> int:
    """Answer requests until standard input ends; return 1 where the library is not there."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        _write(answers, {"why": str(error)})
        return 1
    library.espeak_Info.restype = ctypes.c_char_p
    _write(answers, {"version": library.espeak_Info(None).decode()})
    for line in sys.stdin.buffer:
        _write(answers, in_a_copy(library, json.loads(line)))
    return 0


def in_a_copy(library: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return what a forked copy of this process answers to a request."""
    ours, theirs = os.pipe()
    copy = os.fork()
    if copy == 0:
        os.close(ours)
        code = 1
        try:
            with os.fdopen(theirs, "wb") as stream:
                stream.write(json.dumps(speak(library, **request)).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        said = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
    if code != 0:
        return {"why": f"the library crashed (signal {-code})" if code < 0 else "the library failed; see standard error"}
    answer: dict[str, Any] = json.loads(said)
    return answer


def speak(library: Any, text: str, voice: str, speed: int) -> dict[str, Any]:
    """Speak one line with a library that has never spoken."""
    blocks: list[bytes] = []
    marks: list[tuple[str, int]] = []
    receive = _Callback(lambda wave, count, events: _receive(wave, count, events, blocks, marks))
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT)
    if rate <= 0:
        return {"why": "espeak-ng cannot read its voices: apt-get install espeak-ng-data"}
    ctypes.CDLL(None).srand(_SEED)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        return {"why": f"no voice {voice!r}: apt-get install espeak-ng-data"}
    library.espeak_SetSynthCallback(receive)
    library.espeak_SetParameter(_PARAMETER_RATE, speed, 0)
    data = text.encode() + b"\0"
    library.espeak_Synth.argtypes = _SYNTH_ARGUMENTS
    if library.espeak_Synth(data, len(data), 0, _POSITION_CHARACTER, 0, _UTF8, None, None) != 0:
        return {"why": f"espeak-ng refused {text!r}"}
    return {"rate": rate, "sound": base64.b64encode(b"".join(blocks)).decode(), "marks": marks}


def _receive(wave: Any, count: int, events: Any, blocks: list[bytes], marks: list[tuple[str, int]]) -> int:
    if count > 0 and wave:
        blocks.append(ctypes.string_at(wave, 2 * count))
    for index in itertools.count():
        event = events[index]
        if event.type == _LIST_TERMINATED:
            break
        if event.type == _PHONEME:
            marks.append((event.id.string.decode(errors="ignore"), event.sample))
    return 0


def _write(stream: Any, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
