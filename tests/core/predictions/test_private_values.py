"""Private columns: every value has one label, nothing else changes, and messages quote no engine."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.paired.aggregates import CellTable, Key
from ghmlops.core.policy.regression import Drift
from ghmlops.core.predictions.behaviour.distribution import OTHERS, Distribution, Sentinel
from ghmlops.core.predictions.behaviour.drift_findings import distribution_row, judge_drift
from ghmlops.core.predictions.contract.facts import Facts, SchemaFacts, SideFacts
from ghmlops.core.predictions.observation import NoiseFloor, Observation
from ghmlops.core.predictions.private_values import mask_private, redact_message, withheld_values

VALUES = ("ann@acme.example", "bob@acme.example", None, True, 7)


def observed(**changes: object) -> Observation:
    """Return an observation with cells by a private and a public column."""
    keys: list[Key] = [(value, "tablet") for value in VALUES]
    table = CellTable(keys=keys, sums={}, missing_cells=[(("zoe@acme.example", "phone"), 12)])
    facts = Facts(task="binary", schema=SchemaFacts(columns=3), baseline=SideFacts(rows=1), candidate=SideFacts(rows=1))
    fields = {"facts": facts, "tables": {("email", "device"): table}} | changes
    return Observation(**fields)  # type: ignore[arg-type]


def test_each_value_has_one_label_everywhere() -> None:
    """Cells, missing cells, other data sets, the noise floor and listed rows share the labels; null stays null."""
    other = CellTable(keys=[("bob@acme.example",), ("ann@acme.example",)], sums={})
    noise = NoiseFloor(subgroups=observed(tables={("email",): other}))
    rows = [{"email": "bob@acme.example", "score": 0.5}, {"email": "true", "score": 0.1}, {"email": "new", "score": 1}]
    first, second = mask_private(
        [observed(noise=noise, changed_rows=rows), observed(dataset="eu", tables={("email",): other})], ["email"]
    )
    table = first.tables["email", "device"]
    label = dict(zip(VALUES, (key[0] for key in table.keys), strict=True))
    assert label[None] is None
    assert {name for name in label.values() if name} | {table.missing_cells[0][0][0]} == {
        f"private {number}" for number in range(1, 6)
    }
    assert [key[1] for key in table.keys] == ["tablet"] * 5
    swapped = [(label["bob@acme.example"],), (label["ann@acme.example"],)]
    assert second.tables["email",].keys == swapped
    assert first.noise is not None
    assert first.noise.subgroups is not None
    assert first.noise.subgroups.tables["email",].keys == swapped
    assert [row["email"] for row in first.changed_rows] == [label["bob@acme.example"], label[True], "private 6"]
    assert [row["score"] for row in first.changed_rows] == [0.5, 0.1, 1]


def test_labels_repeat_and_do_not_show_the_order_of_values() -> None:
    """The same values have the same labels in another order of the cells, and labels are not sorted like the values."""
    names = [f"user-{number:02}" for number in range(40)]
    first, second = (
        mask_private([observed(tables={("email",): CellTable(keys=[(n,) for n in order], sums={})})], ["email"])[0]
        for order in (names, names[::-1])
    )
    labels = [key[0] for key in first.tables["email",].keys]
    assert labels == [key[0] for key in second.tables["email",].keys][::-1]
    assert labels != sorted(labels, key=lambda text: int(str(text).split()[1]))


def test_without_private_columns_nothing_changes() -> None:
    """No private column: the observations are the same objects."""
    observation = observed()
    assert mask_private([observation], ())[0] is observation
    assert redact_message("query finished: zoe", ()) == "query finished: zoe"


def test_distributions_are_judged_but_not_described() -> None:
    """Distances of a private feature are those of its values; its edges, categories and sentinel values are labels."""
    numeric = Distribution(
        column="income",
        baseline=np.array([500, 500, 0]),
        candidate=np.array([0, 500, 500]),
        missing=(0, 0),
        edges=np.array([777.0, 778.0, 779.0, 780.0]),
        sentinels=(Sentinel(value=777.0, baseline=500, candidate=0),),
    )
    city = Distribution(
        column="city", baseline=np.array([9, 1]), candidate=np.array([9, 1]), missing=(0, 0), values=("Ulm", OTHERS)
    )
    (masked,) = mask_private([observed(features=(numeric, city))], ["income", "city"])
    plain, _ = judge_drift([numeric, city], Drift(), 100)
    findings, _ = judge_drift(masked.features, Drift(), 100)
    assert [(f.id, f.candidate, f.outcome) for f in findings] == [(f.id, f.candidate, f.outcome) for f in plain]
    rows = [distribution_row(feature) for feature in masked.features]
    assert (rows[0].edges, rows[0].values) == (None, ("private bin 1", "private bin 2", "private bin 3"))
    assert rows[0].candidate == (0, 500, 500)
    assert rows[1].values == ("private 1", OTHERS)
    assert not any("777" in f.reason for f in findings)
    assert any("777" in f.reason for f in plain)


@pytest.mark.parametrize(
    ("message", "remains"),
    [
        (
            "a value cannot be used: Conversion Error: Could not convert string 'ann' to DOUBLE",
            "a value cannot be used",
        ),
        ("a prediction artifact cannot be read: it's 'zoe'\nzoe", "a prediction artifact cannot be read"),
        ('p.parquet: column "email" has a value that DuckDB cannot represent: zoe', 'column "email"'),
        ('p.parquet: column "email" cannot be read by this version of DuckDB: zoe', "p.parquet"),
        ("DataFrame of the baseline: it cannot be exported to Arrow: ('zoe', 1)", "DataFrame of the baseline"),
        ("p (email=zoe/day=1/0.parquet): the file is empty", "day=1/0.parquet"),
        ("p (EMAIL=zoe%20b/0.parquet) is not a Parquet file", "0.parquet"),
    ],
)
def test_messages_quote_no_value(message: str, remains: str) -> None:
    """What an engine or a library says is left out, and so is the value of a partition folder; the rest remains."""
    with pytest.raises(DataError) as caught, withheld_values(["email"]):
        raise DataError(message, hint="check it")
    assert "zoe" not in str(caught.value)
    assert "zoe" not in caught.value.message
    assert remains in caught.value.message
    assert caught.value.hint == "check it"
