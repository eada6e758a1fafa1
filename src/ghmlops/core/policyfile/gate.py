"""Reads the section `gate`."""

from __future__ import annotations

from ghmlops.core import quantities
from ghmlops.core.pillars import PILLARS
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, text


def read_gate(at: Located) -> Gate:
    """Read the section.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "environment": text,
        "require": listing(one_of(*(pillar.command for pillar in PILLARS))),
        "max-age": scalar(quantities.duration),
    }
    return record(Gate, readers)(at)
