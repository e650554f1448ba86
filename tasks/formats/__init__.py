"""Scripts and subtitles as they are delivered, one file for each format; `files.py` tells them apart."""
