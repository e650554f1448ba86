"""The emotions that speech is labelled with: RAVDESS' eight, numbered as its file names do, from 0."""

from __future__ import annotations

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
