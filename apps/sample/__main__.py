"""Build the sample catalogue in the folder that is named."""

from __future__ import annotations

import sys
from pathlib import Path

from nightdub.apps.sample import build_sample

sys.stdout.write(f"{build_sample(Path(sys.argv[1]))}\n")
