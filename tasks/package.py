"""The deliverable: dubbed shots, dubbed and original sound, and subtitles in one file that players understand."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import AudioTrack, SubtitleTrack, join_shots, mux
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.probe import SQUARE, to_facts
from nightdub.tasks.rows import Language, MediaFacts

MARK = "The dialogue in {} is synthetic speech, and the lips may be redrawn to it."  # read by people and machines alike


def package(
    shots: Sequence[Path],
    programme: Path,
    original: Path,
    subtitles: Mapping[Language, Path],
    *,
    languages: tuple[Language, Language],
    source: MediaFacts,
    out: Path,
) -> MediaFacts:
    """Write `out` (.mp4 or .mkv) and return its facts: the shots in order, the dub as default sound, the original beside it.

    `languages` is the original's and the dub's, `subtitles` a SRT for each language, `source` the facts that the frames are held
    against. The same inputs give the same bytes.

    Raises:
        MediaError: shots do not join, frames are not as many as the source's, or a sound differs from the picture by over one frame.
    """
    spoken, dubbed = (LANGUAGES[language] for language in languages)
    sounds = [
        AudioTrack(programme, dubbed.iso639_2, f"{dubbed.name} (synthetic dub)", default=True),
        AudioTrack(original, spoken.iso639_2, f"{spoken.name} (original)"),
    ]
    texts = [SubtitleTrack(path, LANGUAGES[language].iso639_2, LANGUAGES[language].name) for language, path in subtitles.items()]
    with tempfile.TemporaryDirectory(prefix="nightdub-package-") as folder:
        picture = Path(folder) / "picture.mp4"
        frames = join_shots(shots, picture)
        if frames != source.frames:
            allowed = f"{source.frames}, as the source has"
            raise MediaError(
                f"{frames} frames in {len(shots)} shots", where=str(out), allowed=allowed, fix="report this: a shot is missing"
            )
        aspect = source.pixel_aspect or SQUARE
        return to_facts(mux(picture, sounds, texts, out, pixel_aspect=aspect, comment=MARK.format(dubbed.name)))
