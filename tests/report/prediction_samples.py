"""Evidence of a prediction diff with all its tables, for the tests of the report."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import msgspec

from ghmlops.core.details.regression import (
    ChangedRow,
    ColumnRow,
    DistributionRow,
    DriftRow,
    FlipRow,
    MetricRow,
    NoiseRow,
    RankRow,
    RegressionDetails,
    RegressionSettings,
    ScoreBinsRow,
    SubgroupRow,
    TimelineRow,
)
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Direction, Finding, Interval, NotMeasured, Outcome
from report import samples

DOCS = "actions/regression/README.md#slices-and-windows"
HOLM = "Holm at 0.01 fails, Benjamini-Hochberg at 0.05 warns"
START = date(2025, 1, 1)
FIRST_BAD_DAY = 20
"""The first day on which the candidate is worse."""
BAD_DAYS = (FIRST_BAD_DAY, FIRST_BAD_DAY + 1, FIRST_BAD_DAY + 3)
HOSTILE = "a|b `c` </td><script>x()</script> @team #1 \u202e\n::error::x"
METRICS = (
    ("accuracy", "ratio", 0.8123, 0.7961, 0.0021, 0.005, Direction.HIGHER),
    ("auc", "", 0.8634, 0.8601, 0.0011, 0.002, Direction.HIGHER),
    ("log-loss", "", 0.4031, 0.4102, 0.0020, 0.00403, Direction.LOWER),
    ("brier", "", 0.1311, 0.1315, 0.0008, 0.0026, Direction.LOWER),
    ("positive-rate", "ratio", 0.241, 0.2432, 0.002, 0.01, Direction.TARGET),
    ("ece", "ratio", 0.0213, 0.0219, 0.0015, None, Direction.LOWER),
)
SETTINGS = RegressionSettings(
    task="binary",
    alpha=0.01,
    margins={name: margin for name, _, _, _, _, margin, _ in METRICS if margin is not None},
    either_way=("positive-rate",),
    minimum_rows=200,
    threshold=0.5,
    intent="improve",
)


def predictions(*, datasets: tuple[str, ...] = ("",), broken: bool = True, leg: str = "") -> Evidence:
    """Return the evidence of a diff; a broken candidate is worse from the 20th day on, most on tablets in FR."""
    findings = [finding for name in datasets for finding in _findings(name, broken=broken)]
    tables = [_tables(name, broken=broken) for name in datasets]
    details = RegressionDetails(settings=SETTINGS)
    for one in tables:
        for field in RegressionDetails.__struct_fields__:
            if isinstance(rows := getattr(one, field), list):
                getattr(details, field).extend(rows)
    small = NotMeasured(what="slices by country", why="3 have fewer than 200 usable rows each (120 rows together)")
    return samples.evidence("regression", findings, leg=leg, details=details, not_measured=[small])


def texts() -> Evidence:
    """Return the evidence of a diff of texts whose answers got worse, with hostile answers among the changed rows."""
    metric = ("normalised-match", "ratio", 0.8123, 0.7411, 0.0101, 0.005, Direction.HIGHER)
    values = _values(metric, broken=True)
    finding = Finding(
        id="regression-normalised-match",
        metric="normalised-match",
        outcome=Outcome.FAIL,
        reason="Normalised match fell from 81 to 74 % (-7.1 points), more than the 0.5 points allowed; 2,000 rows.",
        docs="actions/regression/README.md#the-verdict",
        unit="ratio",
        direction=Direction.HIGHER,
        baseline=values["baseline"],
        candidate=values["candidate"],
        change=Interval(estimate=values["change"], low=values["low"], high=values["high"]),
        margin=0.005,
        method="paired",
        n=2_000,
    )
    answers = [("Paris", HOSTILE), ("It is 12 km.", "[click](javascript:x) " + "far " * 80), ("Yes", "No")]
    rows = [
        ChangedRow(
            dataset="",
            values={
                "id": str(index),
                "label": before,
                "baseline": before,
                "candidate": after,
                "baseline judge": 4.5,
                "candidate judge": 1.0 + index,
            },
        )
        for index, (before, after) in enumerate([*answers, ("a", "b")])
    ]
    settings = msgspec.structs.replace(SETTINGS, task="text", margins={"normalised-match": 0.005}, threshold=None)
    row = msgspec.structs.replace(_metric(metric, "", broken=True), rows=2_000, outcome=Outcome.FAIL)
    details = RegressionDetails(settings=settings, metrics=[row], changed_rows=rows)
    return samples.evidence("regression", [finding], details=details)


def details_of(evidence: Evidence) -> RegressionDetails:
    """Return the details of a sample."""
    assert isinstance(evidence.details, RegressionDetails)
    return evidence.details


def with_tables(evidence: Evidence, **tables: Any) -> Evidence:
    """Return `evidence` with some of its tables replaced."""
    return msgspec.structs.replace(evidence, details=msgspec.structs.replace(details_of(evidence), **tables))


def _outcome(name: str, *, broken: bool) -> Outcome:
    return Outcome.FAIL if broken and name in ("accuracy", "auc", "log-loss") else Outcome.PASS


def _values(row: tuple[Any, ...], *, broken: bool) -> dict[str, Any]:
    _, _, before, after, spread, *_ = row
    after = after if broken else before + 0.1 * (after - before)
    change = after - before
    return {
        "baseline": before,
        "candidate": after,
        "change": change,
        "low": change - spread,
        "high": change + spread,
    }


def _findings(dataset: str, *, broken: bool) -> list[Finding]:
    findings = []
    for row in METRICS:
        name, unit, _, _, _, margin, direction = row
        if margin is None:
            continue
        values = _values(row, broken=broken)
        findings.append(
            Finding(
                id=f"regression-{name}",
                metric=name,
                dataset=dataset,
                outcome=_outcome(name, broken=broken),
                reason=f"{name} went from {values['baseline']:.4f} to {values['candidate']:.4f}; 327,350 rows.",
                docs="actions/regression/README.md#the-verdict",
                unit=unit,
                direction=direction,
                baseline=values["baseline"],
                candidate=values["candidate"],
                change=Interval(estimate=values["change"], low=values["low"], high=values["high"]),
                margin=margin,
                method="paired",
                n=327_350,
            )
        )
    outcome = Outcome.FAIL if broken else Outcome.PASS
    if broken:
        findings.append(_subgroup_finding("slice", dataset, {"device": "tablet", "country": "FR"}, None, 0.83, 0.741))
        findings.append(_subgroup_finding("slice", dataset, {"campaign": HOSTILE}, None, 0.81, 0.762))
        findings += [_subgroup_finding("window", dataset, {}, _day(n), 0.812, 0.75) for n in (23, 20, 21)]
    windows = "30 windows of at least 200 rows were tested"
    worse = f"{windows}: 3 failed and 0 warned; accuracy is worse since {_day(FIRST_BAD_DAY)}."
    findings.append(_summary("slices", dataset, outcome, 1204, "1,204 slices of at least 200 rows were tested."))
    findings.append(
        _summary("windows", dataset, outcome, 30, worse if broken else f"{windows}: no regression was found.")
    )
    return findings


def _subgroup_finding(
    kind: str, dataset: str, conditions: Any, window: str | None, before: float, after: float
) -> Finding:
    change = after - before
    name = window or ", ".join(f"{k} = {v}" for k, v in conditions.items())
    return Finding(
        id=f"{kind}-accuracy",
        metric="accuracy",
        dataset=dataset,
        outcome=Outcome.FAIL,
        reason=f"{name}: accuracy fell from {before:.3f} to {after:.3f}; 5,462 rows.",
        docs=DOCS,
        unit="ratio",
        direction=Direction.HIGHER,
        slice=conditions,
        window=window,
        baseline=before,
        candidate=after,
        change=Interval(estimate=change, low=change - 0.02, high=change + 0.02),
        margin=0.005,
        method=f"McNemar; {HOLM}",
        n=5462,
    )


def _summary(metric: str, dataset: str, outcome: Outcome, n: int, reason: str) -> Finding:
    method = f"{HOLM}, over {2 * n:,} tests"
    return Finding(
        id=f"{metric}-summary",
        metric=metric,
        dataset=dataset,
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        method=method,
        n=n,
    )


def _day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def _tables(dataset: str, *, broken: bool) -> RegressionDetails:
    slices = [_tested(f"country = C{i:02d}", dataset, i, worse=False) for i in range(8)]
    if broken:
        slices = [
            _tested("device = tablet, country = FR", dataset, 0, worse=True),
            _tested(f"campaign = {HOSTILE}", dataset, 1, worse=True),
            *slices,
        ]
    days = [_tested(_day(i), dataset, i, worse=broken and i in BAD_DAYS) for i in range(30)]
    return RegressionDetails(
        metrics=[_metric(row, dataset, broken=broken) for row in METRICS],
        slices=slices,
        searched=[_tested("age ≥ 61, hour = 3", dataset, 4, worse=broken)],
        windows=sorted(days, key=lambda row: row.p),
        timeline=[_moment(day) for day in days],
        classes=[
            _class(name, metric, dataset, i, Outcome.FAIL if i == 1 and broken else Outcome.PASS)
            for i, name in enumerate(("cat", "dog"))
            for metric in ("recall", "f1")
        ],
        flips=[
            FlipRow(dataset=dataset, label=label, baseline=before, candidate=after, rows=rows)
            for label, before, after, rows in (
                ("cat", "cat", "cat", 700),
                ("cat", "cat", "dog", 41),
                ("dog", "cat", "dog", 12),
                ("", "dog", "cat", 3),
            )
        ],
        columns=_columns(dataset),
        drift=_drift(dataset, Outcome.WARN if broken else Outcome.PASS),
        distributions=_distributions(dataset),
        score_bins=[
            ScoreBinsRow(
                dataset=dataset,
                baseline=(_bell(60, 20, 9), _bell(60, 42, 8)),
                candidate=(_bell(60, 24, 9), _bell(60, 38, 9)),
            )
        ],
        rank=[
            RankRow(
                dataset=dataset, spearman=0.9871, low=0.9868, high=0.9874, rows=327_350, method="Spearman, midranks"
            )
        ],
        noise=[
            NoiseRow(
                dataset=dataset,
                quantity="churn",
                value=0.0153,
                floor=0.0112,
                rows=327_350,
                floor_rows=327_350,
                low=0.0036,
                high=0.0046,
                outcome=Outcome.WARN if broken else Outcome.PASS,
            )
        ],
        changed_rows=[
            ChangedRow(
                dataset=dataset,
                values={
                    "id": 1_234_567 + i,
                    "label": 1,
                    "baseline": 0.91 - i / 100,
                    "candidate": 0.2,
                    "country": HOSTILE,
                },
            )
            for i in range(5)
        ],
    )


def _metric(row: tuple[Any, ...], dataset: str, *, broken: bool) -> MetricRow:
    name, unit, _, _, _, margin, _ = row
    return MetricRow(
        dataset=dataset,
        metric=name,
        rows=327_350,
        unit=unit,
        margin=margin,
        outcome=None if margin is None else _outcome(name, broken=broken),
        method="paired",
        **_values(row, broken=broken),
    )


def _tested(name: str, dataset: str, number: int, *, worse: bool) -> SubgroupRow:
    before = 0.812 + 0.006 * math.sin(number)
    change = -0.062 if worse else 0.003 * math.cos(2.3 * number)
    p = 1e-9 * (number + 1) if worse else 0.02 + 0.9 * (number % 17) / 17
    return SubgroupRow(
        subgroup=name,
        dataset=dataset,
        metric="accuracy",
        rows=5400 + number,
        baseline=before,
        candidate=before + change,
        change=change,
        low=change - 0.008,
        high=change + 0.008,
        p=p,
        holm=min(1.0, 1000 * p),
        bh=min(1.0, 30 * p),
        outcome=Outcome.FAIL if worse else Outcome.PASS,
    )


def _moment(day: SubgroupRow) -> TimelineRow:
    assert day.outcome
    return TimelineRow(
        dataset=day.dataset,
        window=day.subgroup,
        metric=day.metric,
        rows=day.rows,
        baseline=day.baseline,
        candidate=day.candidate,
        low=day.low,
        high=day.high,
        outcome=day.outcome,
    )


def _class(name: str, metric: str, dataset: str, number: int, outcome: Outcome) -> SubgroupRow:
    change = -0.03 * number
    return SubgroupRow(
        subgroup=name,
        dataset=dataset,
        metric=metric,
        rows=1000 + number,
        baseline=0.8,
        candidate=0.8 + change,
        change=change,
        low=change - 0.01,
        high=change + 0.01,
        p=0.001,
        holm=0.004,
        bh=0.002,
        outcome=outcome,
    )


def _columns(dataset: str) -> list[ColumnRow]:
    rows: list[dict[str, Any]] = [
        {"column": "y_pred", "determinism": "bit-identical", "changed": 0, "largest": 0.0, "tolerance": 0.0},
        {"column": "p_click", "determinism": "changed", "changed": 5021, "largest": 0.31, "tolerance": 1e-6},
        {"column": "rank", "determinism": "within tolerance", "changed": 7, "largest": 2e-7, "tolerance": 1e-6},
    ]
    return [ColumnRow(dataset=dataset, rows=327_350, **row) for row in rows]


def _drift(dataset: str, age: Outcome) -> list[DriftRow]:
    rows = (
        ("p_click", 0.024, 0.031, 0.004, 0.05, Outcome.PASS),
        ("age", 0.31, 0.18, 0.06, 0.4, age),
        ("device", 0.001, None, 0.0, None, None),
    )
    return [
        DriftRow(dataset=dataset, column=name, psi=psi, ks=ks, js=js, wasserstein=distance, outcome=outcome)
        for name, psi, ks, js, distance, outcome in rows
    ]


def _distributions(dataset: str) -> list[DistributionRow]:
    return [
        DistributionRow(
            dataset=dataset,
            column="p_click",
            edges=tuple(i / 20 for i in range(21)),
            baseline=_bell(20, 6, 4),
            candidate=_bell(20, 6.6, 4),
            missing=(0, 0),
        ),
        DistributionRow(
            dataset=dataset,
            column="age",
            edges=tuple(18.0 + 2 * i for i in range(31)),
            baseline=_bell(30, 11, 7),
            candidate=_bell(30, 16, 6),
            missing=(0, 0),
        ),
        DistributionRow(
            dataset=dataset,
            column="device",
            values=("phone", "desktop", "tablet", "<all others>"),
            baseline=(4000, 2500, 900, 20),
            candidate=(3900, 2600, 880, 25),
            missing=(0, 0),
        ),
    ]


def _bell(bins: int, centre: float, width: float) -> tuple[int, ...]:
    return tuple(round(1000 * math.exp(-(((i - centre) / width) ** 2))) for i in range(bins))


def large(*, datasets: int = 60, name: str = "x" * 300) -> Evidence:
    """Return evidence at every limit of the engine, with names as long as a database allows.

    10,000 slices were tested, of which 50 findings and 200 rows are in the evidence; every table is full.
    """
    names = [f"set-{i:02d}-{name}" for i in range(datasets)]
    small = predictions(datasets=tuple(names))
    findings = [finding for finding in small.findings if not finding.slice and finding.window is None]
    findings += [
        _subgroup_finding("slice", names[i % datasets], {f"column-{name}": f"{i}-{name}"}, None, 0.8, 0.7)
        for i in range(50)
    ]
    findings += [_subgroup_finding("window", names[i % datasets], {}, _day(i), 0.8, 0.7) for i in range(50)]
    findings.append(_summary("slices", names[0], Outcome.FAIL, 10_000, "10,000 slices were tested: 900 failed."))
    details = details_of(small)
    tables = {
        field: [
            _renamed(row, f"{i}-{name}") for i, row in enumerate((rows * 200)[: 400 if field == "timeline" else 200])
        ]
        for field in RegressionDetails.__struct_fields__
        if isinstance(rows := getattr(details, field), list)
    }
    return samples.evidence("regression", findings, details=msgspec.structs.replace(details, **tables))


def _renamed(row: msgspec.Struct, name: str) -> msgspec.Struct:
    return msgspec.structs.replace(
        row, **{field: name for field in ("subgroup", "column") if field in row.__struct_fields__}
    )
