"""Every kind of fault and of harmless change."""

from __future__ import annotations

from nightdub.infra.errors import ConfigError
from nightdub.quality.faults import account, delivery, harmless, lines, mix, picture, subtitles, text
from nightdub.quality.faults.kinds import Fault

FAULTS: dict[str, Fault] = {
    fault.kind: fault for module in (lines, mix, delivery, picture, subtitles, text, account, harmless) for fault in module.FAULTS
}


def find_fault(kind: str) -> Fault:
    """Return a kind by name. Raises: ConfigError."""
    if kind not in FAULTS:
        raise ConfigError(f"no fault {kind!r}", where="faults", allowed=", ".join(FAULTS), fix="docs/faults.md says what each is")
    return FAULTS[kind]
