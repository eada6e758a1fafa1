"""Names of commands, legs and artifacts: plain, so that they can be part of a file's name and of any text."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HEAD_POLICY = "head-policy"
"""End of the name of a leg that the policy of the change judges, where that of the baseline's commit differs."""
RERUN_LEGS = ("replay", "confirm")
"""Last part of the name of a leg that repeats a measurement; such a leg satisfies no requirement."""


def is_plain_name(text: str) -> bool:
    """Return whether `text` has 1 to 64 ASCII letters, digits, `-`, `_` and `.` and begins with a letter or digit."""
    return _PLAIN.fullmatch(text) is not None


def repeats_a_leg(leg: str) -> bool:
    """Return whether a leg repeats another one: `replay`, `confirm`, or a name that ends in `-replay` or `-confirm`."""
    return leg.rpartition("-")[2] in RERUN_LEGS


def is_of_head_policy(leg: str) -> bool:
    """Return whether the policy of the change judges a leg, in addition to that of the baseline's commit.

    Such a leg can only make a verdict worse: it satisfies no requirement, and its margins are not the trusted ones.
    """
    measured = leg.rpartition("-")[0] if repeats_a_leg(leg) else leg
    return measured == HEAD_POLICY or measured.endswith(f"-{HEAD_POLICY}")


def check_leg(text: str) -> str:
    """Return the name of a required leg.

    Raises:
        ValueError: It is no plain name, or a leg that repeats another one.
    """
    if not is_plain_name(text):
        raise ValueError(f"{text[:80]!r} is not a plain name of at most 64 letters, digits, `-`, `_` and `.`")
    if is_of_head_policy(text):
        raise ValueError(f'"{text}" is judged by the policy of the change, and a gate requires the trusted one')
    if repeats_a_leg(text):
        raise ValueError(f'"{text}" repeats a measurement, and a gate requires the measurement itself')
    return text


def evidence_file_name(command: str, leg: str) -> str:
    """Return the canonical name of an evidence file: `<command>[-<leg>].json`."""
    return f"{command}-{leg}.json" if leg else f"{command}.json"
