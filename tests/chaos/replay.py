"""Run one history of kills again: `python tests/chaos/replay.py SEED [--moments]`; where it ends badly its home is left, and named."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from histories import Servers, Workshop, kill_history

from nightdub.apps.cluster.servers import PostgresServer, s3_server


def main(seed: int, *, moments: bool) -> int:
    """Replay a seed on servers of its own and say how it ended."""
    with PostgresServer() as postgres, s3_server() as s3:
        workshop = Workshop(Servers(str(postgres.folder), s3))
        history = kill_history(workshop, seed, moments=moments)
        sys.stdout.write(history["told"].replace("; ", "\n  ") + "\n")
        if history["problems"]:
            sys.stdout.write(f"left in {workshop.folder}\n")
        else:
            workshop.close()
        return int(bool(history["problems"]))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), moments="--moments" in sys.argv))
