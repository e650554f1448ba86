"""Every ffmpeg and ffprobe call."""
