"""Is one spoken line fit to be used? Its own rules say so before it is laid into the dub, while another engine can still speak it."""

from __future__ import annotations

from collections.abc import Sequence

from nightdub.quality.metrics.line import line_measurements
from nightdub.quality.policy import Rule
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import Samples


def broken_rules(samples: Samples, rate: int, expected: Seconds, rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return what is wrong with one line, with the numbers; empty where it is fit to be used.

    What cannot be measured of a line breaks no rule: a text without letters has no length to be held to.

    Args:
        samples: The line's sound in [-1, 1], shape (samples,).
        rate: Its sample rate in Hz.
        expected: Seconds that its text should take at the rate that was asked for; 0 = not known.
        rules: The policy's rules of scope "line".
    """
    values = {row.metric: row.value for row in line_measurements(samples, rate, expected)}
    return tuple(rule.against(value) for rule in rules if (value := values[rule.metric]) is not None and not rule.holds(value))
