"""The section `harvest` is read strictly."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy
from harvest_logs import POLICY


def test_defaults() -> None:
    """A sample needs fields; everything else has a default."""
    harvest = read_policy(POLICY).harvest
    assert harvest is not None
    assert harvest.keep is not None
    assert (harvest.keep.file, harvest.keep.rare, harvest.traffic.client_share) == ("data/requests.parquet", 30, 0.2)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("logs/*.jsonl", "../x.jsonl", "traffic.files"),
        ("logs/*.jsonl", "logs/*.csv", "JSON Lines"),
        ("id: request_id", "id: a.*", "traffic.id"),
        ("slices: [device, country]", "slices: [device, mail]", "mail"),
        ("fields: [device, country, features]", "fields: [device, country, device.kind]", "device.kind"),
        ("fields: [device, country, features]", "fields: [device, country, country]", "country"),
        ("fields: [device, country, features]", 'fields: [device, country, "a b"]', "a b"),
        ("rows: 100", "rows: 100001", "keep.rows"),
        ("rows: 100", "file: data/x.csv", ".parquet"),
        ("client: client", "client: client, client-share: 0%", "client-share"),
        ("rows: 100", "row: 100", "rows"),
    ],
)
def test_mistakes_are_named(old: str, new: str, word: str) -> None:
    """The error names the place."""
    with pytest.raises(PolicyError) as error:
        read_policy(POLICY.replace(old, new))
    assert word in error.value.message + error.value.hint


ANSWERS = "disagreements: {baseline: a.parquet, candidate: b.parquet, value: y, tolerance: 0.1}"
OUTCOMES = POLICY.replace("client: client", "client: client, score: score") + (
    "  outcomes: {file: o.parquet, key: id, label: y, mature: 7d}\n"
    "  retrain: {cost: {retrain: 5, point-of-auc-per-day: 40}, dispatch: retrain.yml}\n"
)


def test_outcomes_and_retraining() -> None:
    """Prices are numbers in one unit."""
    harvest = read_policy(OUTCOMES).harvest
    assert harvest is not None
    assert harvest.retrain is not None
    assert (harvest.retrain.cost.point_of_auc_per_day, harvest.retrain.cooldown) == (40.0, 7 * 86_400.0)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (", score: score", "", "traffic.score"),
        ("o.parquet", "o.xlsx", ".parquet"),
        ("retrain: 5", "retrain: 0", "above 0"),
        ("retrain.yml", "../retrain.yml", "workflow"),
        ("dispatch:", "cooldown: 1h, dispatch:", "day"),
        ("mature: 7d", "mature: 1w", "duration"),
        ("  retrain:", "  golden: {add: [best]}\n  retrain:", "errors"),
        ("  retrain:", "  golden: {add: [disagreements]}\n  retrain:", "baseline"),
        ("  retrain:", f"  golden: {{add: [random], {ANSWERS}}}\n  retrain:", "never used"),
        ("  retrain:", f"  golden: {{add: [disagreements], {ANSWERS.replace('b.', 'a.')}}}\n  retrain:", "same file"),
        ("  retrain:", f"  golden: {{add: [disagreements], {ANSWERS.replace('0.1', '-1')}}}\n  retrain:", "tolerance"),
        ("  retrain:", f"  golden: {{add: [disagreements], {ANSWERS.replace(', value: y', '')}}}\n  retrain:", "value"),
        ("  retrain:", "  golden: {rows: 0}\n  retrain:", "golden.rows"),
    ],
)
def test_mistakes_about_outcomes_are_named(old: str, new: str, word: str) -> None:
    """The error names the place."""
    with pytest.raises(PolicyError) as error:
        read_policy(OUTCOMES.replace(old, new))
    assert word in error.value.message + error.value.hint
