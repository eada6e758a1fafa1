"""The badge: what shields.io accepts, for every outcome and any name of a service."""

from __future__ import annotations

import json

import msgspec
import pytest

from ghmlops.core.model import Outcome
from ghmlops.report.formats.badge import COLOURS, MAX_LABEL, badge
from report import samples
from report.hostile_samples import ATTACKS


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_has_a_badge(outcome: Outcome) -> None:
    """The message is the outcome; only an error is one, so that a style in the address cannot hide it."""
    verdict = msgspec.structs.replace(samples.merged(samples.latency()), outcome=outcome)
    content = json.loads(badge(verdict))
    assert content == {
        "schemaVersion": 1,
        "label": verdict.service,
        "message": outcome.value,
        "color": COLOURS[outcome],
        "isError": outcome is Outcome.ERROR,
    }


@pytest.mark.parametrize("name", [*ATTACKS, "x" * 500, "\u202eabc\x00\n", ""])
def test_hostile_names_are_truncated_and_escaped(name: str) -> None:
    """No name adds markup, a control character or a second line, and a long one is truncated."""
    verdict = msgspec.structs.replace(samples.merged(samples.latency()), service=name)
    text = badge(verdict)
    label = json.loads(text)["label"]
    assert 1 <= len(label) <= MAX_LABEL
    assert label.isprintable()
    assert not set("<>&'") & set(text)
    assert text.count("\n") == 1
