"""What a machine is made of, without saying which one it is."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

from nightdub.infra.digests import digest_of
from nightdub.infra.environment import environment


def test_the_facts_that_can_change_a_number() -> None:
    facts = environment()
    assert (facts["cores"], facts["python"], facts["machine"]) == (os.cpu_count(), platform.python_version(), platform.machine())
    assert facts["libraries"]["numpy"] == version("numpy")
    assert facts["programs"]["ffmpeg"].startswith("ffmpeg version ")
    assert facts["memory_gib"] >= 1


def test_the_same_machine_has_one_digest_and_no_name() -> None:
    first = digest_of(environment())
    environment.cache_clear()
    assert digest_of(environment()) == first
    told = json.dumps(environment())
    assert platform.node() not in told
    assert str(Path.home()) not in told
