"""The deliverable: the dub's picture, dubbed and original sound, and subtitles in one file that players understand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nightdub.infra.media.ffmpeg import AudioTrack, SubtitleTrack, mux
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.probe import SQUARE, to_facts
from nightdub.tasks.rows import Language, MediaFacts

MARK = "The dialogue in {} is synthetic speech, and the lips may be redrawn to it."  # read by people and machines alike


def package(
    picture: Path,
    programme: Path,
    original: Path,
    subtitles: Mapping[Language, Path],
    *,
    languages: tuple[Language, Language],
    source: MediaFacts,
    out: Path,
) -> MediaFacts:
    """Write `out` (.mp4 or .mkv) and return its facts: the silent film `picture`, the dub as default sound, the original beside it.

    `languages` is the original's and the dub's, `subtitles` a SRT for each language, `source` the facts that the frames are held
    against. The same inputs give the same bytes.

    Raises:
        MediaError: a frame or a track was lost, or a sound differs from the picture by over one frame.
    """
    spoken, dubbed = (LANGUAGES[language] for language in languages)
    sounds = [
        AudioTrack(programme, dubbed.iso639_2, f"{dubbed.name} (synthetic dub)", default=True),
        AudioTrack(original, spoken.iso639_2, f"{spoken.name} (original)"),
    ]
    texts = [SubtitleTrack(path, LANGUAGES[language].iso639_2, LANGUAGES[language].name) for language, path in subtitles.items()]
    aspect = source.pixel_aspect or SQUARE
    return to_facts(mux(picture, sounds, texts, out, pixel_aspect=aspect, tags={"comment": MARK.format(dubbed.name)}))
