"""Views with canonical columns: windows, slices and groups of every type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.model import Outcome
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import BINARY, contract_outcomes, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


NAIVE = datetime(2025, 3, 1, 23, 30)  # noqa: DTZ001  (tests times without a zone)


LATE = datetime(2025, 3, 5, 3, 0)  # noqa: DTZ001  (tests times without a zone)


def test_naive_times_are_read_as_utc(read: Read) -> None:
    """Naive times on one side only are a warning; the windows are the same as with zones."""
    policy = replace(BINARY, time="t", window="1h", minimum_rows=1)
    naive = pa.array([NAIVE] * N, pa.timestamp("us"))
    zoned = pa.array([NAIVE] * N, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    result = read(rows(N, 1) | {"t": naive}, rows(N, 2) | {"t": zoned}, policy)
    assert Outcome.WARN is contract_outcomes(result, policy)["contract-column-type"]
    assert result.tables[WINDOW,].keys == [("2025-03-01T23:00:00Z",)]
    result = read(rows(N, 1) | {"t": naive}, rows(N, 2) | {"t": naive}, policy)
    assert contract_outcomes(result, policy) == {"contract-rows": Outcome.PASS}


@pytest.mark.parametrize(("window", "start"), [("1d", "2025-03-05"), ("1w", "2025-03-03"), ("1mo", "2025-03-01")])
def test_windows_follow_the_calendar_in_utc(window: str, start: str, read: Read) -> None:
    """Windows start at midnight UTC, on Monday, or on the first of the month, whatever the zone of the times."""
    policy = replace(BINARY, time="t", window=window, minimum_rows=1)
    late = pa.array([LATE] * N, pa.timestamp("us")).cast(pa.timestamp("us", tz="America/New_York"))
    result = read(rows(N, 1) | {"t": late}, rows(N, 2) | {"t": late}, policy)
    assert [(start,)] == result.tables[WINDOW,].keys


def test_null_and_conflicting_slice_values(read: Read) -> None:
    """Null is a separate slice; values that differ between the sides are counted, and the baseline's value is used."""
    policy = replace(BINARY, slices=(("device",),), minimum_rows=1)
    result = read(artifacts.with_values("device", dict.fromkeys(range(40)), 1, n=N), rows(N, 2), policy)
    assert None in {key[0] for key in result.tables["device",].keys}
    assert result.facts.pairs
    assert result.facts.pairs.slice_conflicts == {"device": 40}
    assert Outcome.FAIL is contract_outcomes(result, policy)["contract-slice-changed"]


@pytest.mark.parametrize(
    "column",
    [
        'a"b',
        "a'b",
        "a|b",
        "x; DROP TABLE pairs; --",
        "**bold** [x](http://e)",
        "<script>",
        "::error::x",
        "a b\tc",
        "ok",
    ],
)
def test_hostile_column_names_and_values_are_treated_as_data(column: str, read: Read) -> None:
    """Quotes, SQL, Markdown, HTML and workflow commands in names of columns and in slice values have no effect."""
    names = {"id": f"{column} id", "y": f"{column} y", "s": f"{column} s", "device": f"{column} device"}
    first, second = ({names[c]: rows(N, seed)[c] for c in names} for seed in (1, 2))
    for side in (first, second):
        side[names["device"]] = [column + "\n" + str(d) for d in side[names["device"]]]
        side["never\nused"] = list(range(N))
    policy = Regression(
        task="binary",
        key=(names["id"],),
        label=names["y"],
        score=names["s"],
        slices=((names["device"],),),
        minimum_rows=5,
    )
    result = read(first, second, policy)
    assert contract_outcomes(result, policy) == {"contract-rows": Outcome.PASS}
    assert {f"{column}\n{d}" for d in ("phone", "desktop", "tablet")} == {
        key[0] for key in result.tables[names["device"],].keys
    }


def test_slice_values_of_every_type_are_valid_json(read: Read) -> None:
    """Dates, decimals, huge integers, NaN, bytes, lists and long texts can be encoded; long texts are shortened."""
    import json
    from decimal import Decimal

    more = {
        "date": [NAIVE.date()] * N,
        "decimal": [Decimal("1.50")] * N,
        "huge": pa.array([2**64 - 1] * N, pa.uint64()),
        "nan": [float("nan")] * N,
        "bytes": [b"\xff\x00"] * N,
        "list": [[1, 2]] * N,
        "long": ["x" * 5000] * N,
        "flag": [True] * N,
    }
    policy = replace(BINARY, slices=tuple((name,) for name in more), minimum_rows=5)
    result = read(rows(N, 1) | more, rows(N, 2) | more, policy)
    values = {name: result.tables[name,].keys[0][0] for name in more}
    assert (values["date"], values["decimal"], values["nan"], values["flag"]) == ("2025-03-01", "1.50", "nan", True)
    assert len(str(values["long"])) < 250
    assert json.dumps(values, allow_nan=False)


def test_time_of_the_candidate_alone_defines_the_windows(read: Read) -> None:
    """If only the candidate has the time, windows and the count of rows without a window come from it."""
    policy = replace(BINARY, time="t", window="1d", slices=(("device",),), minimum_rows=1)
    first, second = rows(N, 1), rows(N, 2)
    del first["t"]
    second["t"] = pa.array([None, *second["t"].to_pylist()[1:]], second["t"].type)
    result = read(first, second, policy)
    assert len(result.tables[WINDOW,].keys) == 14
    assert result.facts.pairs
    assert result.facts.pairs.windows_without_time == 1


@pytest.mark.parametrize(
    ("window", "starts"),
    [
        ("1h", ["2024-12-31T23:00:00Z", "2025-01-01T00:00:00Z"]),
        ("1d", ["2024-12-31", "2025-01-01"]),
        ("1w", ["2024-12-30"]),
        ("1mo", ["2024-12-01", "2025-01-01"]),
    ],
)
def test_windows_do_not_depend_on_zone_and_unit(window: str, starts: list[str], read: Read) -> None:
    """The same times in other zones and units are in the same windows, which are in UTC."""
    moments = [datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC)] * (N // 2)
    policy = replace(BINARY, time="t", window=window, minimum_rows=1)
    types = (pa.timestamp("ms", tz="Asia/Tokyo"), pa.timestamp("ns", tz="UTC"), pa.timestamp("us", tz="-08:00"))
    for time_type in types:
        time = {"t": pa.array(moments, pa.timestamp("us", tz="UTC")).cast(time_type)}
        result = read(rows(N, 1) | time, rows(N, 2) | time, policy)
        assert [key[0] for key in result.tables[WINDOW,].keys] == starts


def test_dates_before_1970_have_windows(read: Read) -> None:
    """A date is the start of its day; weeks before the epoch start on Monday too."""
    policy = replace(BINARY, time="t", window="1w", minimum_rows=1)
    days = pa.array([datetime(1969, 12, 30, tzinfo=UTC).date()] * N)
    result = read(rows(N, 1) | {"t": days}, rows(N, 2) | {"t": days}, policy)
    assert [key[0] for key in result.tables[WINDOW,].keys] == ["1969-12-29"]


def test_groups_of_one_side_apply_to_the_pairs(read: Read) -> None:
    """A group column of the candidate alone gives the same clusters; rows without a group are their own cluster."""
    policy = replace(BINARY, group="user", slices=(("device",),), minimum_rows=10)
    first, second = rows(N, 1), rows(N, 2)
    plain = judge_observations([read(first, second, policy)], policy)
    without_user = {k: v for k, v in first.items() if k != "user"}
    result = read(without_user, second, policy)
    judgement = judge_observations([result], policy)
    assert [(f.id, f.metric, f.change) for f in plain.findings] == [
        (f.id, f.metric, f.change) for f in judgement.findings
    ]
    users = [None if i < 7 else int(u) for i, u in enumerate(second["user"])]
    partial = read(without_user, second | {"user": users}, policy)
    assert partial.facts.pairs
    assert partial.facts.pairs.ungrouped == 7
    assert partial.columns
    assert partial.columns.group is not None
    assert len(np.unique(partial.columns.group)) == len(set(users)) - 1 + 7


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("day", ["1969-12-30", "2025-03-01"])
def test_the_last_nanosecond_of_a_day_is_in_its_window(read: Read, day: str, zone: str | None) -> None:
    """A time in nanoseconds is rounded down to microseconds, before and after 1970, with and without a zone."""
    policy = replace(BINARY, time="t", window="1d", minimum_rows=1)
    last = np.datetime64(day, "ns") + np.timedelta64(86_399_999_999_999, "ns")
    times = pa.array(np.full(N, last)).cast(pa.timestamp("ns", tz=zone))
    result = read(rows(N, 1) | {"t": times}, rows(N, 2) | {"t": times}, policy)
    assert result.tables[WINDOW,].keys == [(day,)]
