"""The account of lines: what went in is spoken, excused with a reason, or failed with a cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.rows import Account, Clip, Dropped, Measurement, Segment, Worst

_OURS, _ALWAYS = "definition of this project: lines = spoken + excused + failed", "never"

FACTS: dict[str, MetricFact] = {
    "account.lines": MetricFact("lines", 0, inf, "lines of dialogue in the original, before anything was left out", _OURS, _ALWAYS),
    "account.spoken": MetricFact("lines", 0, inf, "lines with sound in the dub", _OURS, _ALWAYS),
    "account.excused": MetricFact("lines", 0, inf, "lines left out on purpose, each with a reason code", _OURS, _ALWAYS),
    "account.missing_lines": MetricFact(
        "lines", 0, inf, "lines of dialogue that are neither spoken, excused with a reason nor failed with a cause", _OURS, _ALWAYS
    ),
    "account.failed_lines": MetricFact("lines", 0, inf, "lines that could not be made, with their causes", _OURS, _ALWAYS),
    "account.fallback_lines": MetricFact(
        "lines", 0, inf, "lines that a later engine of the chain made, after one before it was asked in vain", _OURS, _ALWAYS
    ),
    "account.double_lines": MetricFact(
        "lines",
        0,
        inf,
        "lines that are counted twice: in two rows, as spoken and as left out, or with a row and in no script",
        _OURS,
        _ALWAYS,
    ),
    "account.lost_corrections": MetricFact(
        "corrections", 0, inf, "corrections and locks of people whose line the script no longer has", _OURS, _ALWAYS
    ),
    "account.excused_share": MetricFact(
        "%", 0, 100, "lines left out on purpose, with a reason code, of all lines", _OURS, "the title has no lines"
    ),
}


def make_account(segments: Sequence[Segment], dropped: Sequence[Dropped], clips: Sequence[Clip]) -> Account:
    """Return the account of one title-language.

    Args:
        segments: The lines that were to be spoken, after cleaning.
        dropped: The lines that were left out before, each with its reason.
        clips: What the last step that makes sound says of each line. A line that it does not mention is missing.
    """
    last = {clip.segment: clip for clip in clips}
    reasons = Counter(row.reason for row in dropped)
    spoken = excused = failed = 0
    for segment in segments:
        clip = last.get(segment.id)
        if clip is None:
            reasons["missing"] += 1
        elif clip.failed:
            failed += 1
            reasons[clip.failed] += 1
        elif clip.skipped:
            excused += 1
            reasons[clip.skipped] += 1
        else:
            spoken += 1
    double = tuple(sorted(_double(segments, dropped, clips)))
    return Account(len(segments) + len(dropped), spoken, excused + len(dropped), failed, dict(sorted(reasons.items())), double)


def _double(segments: Sequence[Segment], dropped: Sequence[Dropped], clips: Sequence[Clip]) -> set[str]:
    """Return the lines that are counted twice: in two rows, as spoken and as left out, or with a sound and in no script."""
    lines, rows = Counter([row.id for row in segments] + [row.id for row in dropped]), Counter(clip.segment for clip in clips)
    twice = {name for name, count in (*lines.items(), *rows.items()) if count > 1}
    return twice | (set(rows) - {segment.id for segment in segments})


def account_measurements(account: Account, clips: Sequence[Clip], lost: Sequence[str] = ()) -> list[Measurement]:
    """Return the account as measurements, so that a policy can rule on it; `lost` names the lines of corrections that found none."""
    missing = account.segments - account.spoken - account.excused - account.failed
    failed = tuple(Worst(clip.segment, 1.0, clip.failed) for clip in clips if clip.failed)[:WORST]
    second = [clip for clip in clips if clip.tried and clip.sound]
    passed_on = sorted(second, key=lambda clip: -len(clip.tried))[:WORST]
    reasons = "; ".join(f"{count} x {reason}" for reason, count in account.reasons.items())
    gone = tuple(Worst(name, 1.0, "no such line any more") for name in lost[:WORST])
    share = 100 * account.excused / account.segments if account.segments else None
    return [
        Measurement("account.lines", float(account.segments), "lines", account.segments, "nightdub"),
        Measurement("account.spoken", float(account.spoken), "lines", account.segments, "nightdub"),
        Measurement("account.excused", float(account.excused), "lines", account.segments, "nightdub", detail=reasons),
        Measurement("account.failed_lines", float(account.failed), "lines", account.segments, "nightdub", worst=failed, detail=reasons),
        Measurement(
            "account.fallback_lines",
            float(len(second)),
            "lines",
            account.segments,
            "nightdub",
            worst=tuple(Worst(clip.segment, float(len(clip.tried)), "; ".join(clip.tried)) for clip in passed_on),
        ),
        Measurement("account.missing_lines", float(missing), "lines", account.segments, "nightdub", detail=reasons),
        Measurement(
            "account.double_lines",
            float(len(account.double)),
            "lines",
            account.segments,
            "nightdub",
            worst=tuple(Worst(name, 1.0) for name in account.double[:WORST]),
        ),
        Measurement("account.lost_corrections", float(len(lost)), "corrections", account.segments, "nightdub", worst=gone),
        Measurement("account.excused_share", share, "%", account.segments, "nightdub", not_measured="" if account.segments else "no lines"),
    ]
