"""Intake: what a source must be before anything is built on it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import check_decodes
from nightdub.infra.media.header import read_header
from nightdub.infra.media.probe import Probed, probe
from nightdub.infra.media.safety import LIMITS, Limits
from nightdub.infra.media.sniff import check_suffix, sniff
from nightdub.tasks.rows import MediaFacts

HDR = ("smpte2084", "arib-std-b67")  # PQ and HLG transfer functions: 8-bit SDR shots would look washed out
SQUARE = "1:1"
USUAL_RATES = ("24000/1001", "24/1", "25/1", "30000/1001", "30/1", "50/1", "60000/1001", "60/1")  # frames a second


def probe_source(path: Path, suffix: str = "", limits: Limits = LIMITS) -> MediaFacts:
    """Return the facts of a source that can be dubbed; cheap checks come first, the strict decode last.

    `suffix` is the ending of the name that the source was delivered under, where `path` no longer has it.

    Raises:
        MediaError: not media or misnamed, above a limit, without picture or sound, of no length or uneven frame rate, in HDR,
            damaged or truncated; each message names the cause.
    """
    check_suffix(sniff(path), suffix, str(path))
    _check_streams(path, limits)
    found = probe(path, limits)
    _check_contents(path, found)
    _check_pictures(path, found, check_decodes(path, limits))
    return to_facts(found)


def to_facts(found: Probed) -> MediaFacts:
    """Return the row of what was probed; where there is a picture, its frames decide the duration."""
    return MediaFacts(
        container=found.container,
        duration=float(found.frames / Fraction(found.frame_rate)) if found.frames else found.duration,
        size=found.size,
        video_codec=found.video_codec,
        width=found.width,
        height=found.height,
        frame_rate=found.frame_rate,
        frames=found.frames,
        audio_codec=found.audio_codec,
        sample_rate=found.sample_rate,
        channels=found.channels,
        audio_duration=found.audio_duration,
        pixel_aspect="" if found.pixel_aspect == SQUARE else found.pixel_aspect,
        fields=found.fields,
    )


def _check_streams(path: Path, limits: Limits) -> None:
    header = read_header(path, limits)
    if header.picture is None:
        raise MediaError("no video stream", where=str(path), allowed="one picture and at least one sound", fix="deliver the film itself")
    if not header.sounds:
        raise MediaError("no audio stream", where=str(path), allowed="one picture and at least one sound", fix="deliver it with its sound")
    if header.picture.transfer in HDR:
        allowed = "SDR (BT.601 or BT.709)"
        raise MediaError(f"HDR picture ({header.picture.transfer})", where=str(path), allowed=allowed, fix="deliver the SDR grade")


def _check_contents(path: Path, found: Probed) -> None:
    if not found.frames:
        raise MediaError("zero length: no frame in the video stream", where=str(path), allowed="one or more", fix="deliver it again")
    if not found.audio_duration:
        raise MediaError("zero length: no sound in the audio stream", where=str(path), allowed="some", fix="deliver it again")
    if found.variable_rate:
        command = f"ffmpeg -i FILM -map 0 -fps_mode cfr -r {_usual_rate(path, found)} -c:a copy -c:s copy OUT.mkv"
        fix = f"make it constant; sound and picture stay together: {command}"
        allowed = f"every frame within half a frame of {found.frame_rate or 'one rate'}: shots are counted in frames"
        raise MediaError("variable frame rate", where=str(path), allowed=allowed, fix=fix)
    if found.width % 2 or found.height % 2:
        what, fix = f"a picture of {found.width}x{found.height}", "crop or pad it by one pixel"
        raise MediaError(what, where=str(path), allowed="even width and height", fix=fix)


def _usual_rate(path: Path, found: Probed) -> str:
    """Return the usual rate that a film of uneven rate is to have: the one that its times fit, else the next above its mean."""
    picture = read_header(path).picture
    fits = [rate for rate in USUAL_RATES if picture and rate in picture.rates[-1:]]  # ffprobe names the one that fits last
    mean = found.frames / found.duration if found.duration else 0.0
    return next((rate for rate in (*fits, *USUAL_RATES) if float(Fraction(rate)) > 0.999 * mean), USUAL_RATES[-1])


def _check_pictures(path: Path, found: Probed, decoded: int) -> None:
    if decoded != found.frames:
        what = f"{found.frames} frames in the container, but {decoded} pictures decode"
        raise MediaError(what, where=str(path), allowed="as many", fix="deliver it again, cut at a key frame")
