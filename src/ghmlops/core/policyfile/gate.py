"""Reads the section `gate`."""

from __future__ import annotations

from ghmlops.core import quantities
from ghmlops.core.policy.document import EXTRA_EVIDENCE, PILLARS
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, text


def read_gate(at: Located) -> Gate:
    readers = {
        "environment": text,
        "require": listing(one_of(*PILLARS, *EXTRA_EVIDENCE)),
        "max-age": scalar(quantities.duration),
    }
    return record(Gate, readers)(at)
