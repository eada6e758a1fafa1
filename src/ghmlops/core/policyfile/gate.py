"""Reads the section `gate`."""

from __future__ import annotations

from typing import get_args

from ghmlops.core import quantities
from ghmlops.core.pillars import PILLARS
from ghmlops.core.policy.gate import FirstRun, Gate
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, table, text
from ghmlops.core.text.plain_name import check_leg


def read_gate(at: Located) -> Gate:
    """Read the section.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "environment": text,
        "require": listing(one_of(*(pillar.command for pillar in PILLARS))),
        "max-age": scalar(quantities.duration),
        "legs": table(_command, _legs),
        "first-run": one_of(*get_args(FirstRun)),
    }
    return record(Gate, readers)(at)


def _command(name: str) -> str:
    commands = tuple(pillar.command for pillar in PILLARS)
    if name not in commands:
        raise ValueError(f"expected a command that produces evidence: {', '.join(commands)}")
    return name


def _legs(at: Located) -> tuple[str, ...]:
    legs = listing(scalar(check_leg))(at)
    if not legs or len(set(legs)) < len(legs):
        raise at.error("expected the names of the legs, each once", "for example `latency: [eu, us]`")
    return legs
