"""Evidence of a prediction diff with all its tables, in the shape in which the engine writes them."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import msgspec

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Direction, Finding, Interval, NotMeasured, Outcome
from report import samples

DOCS = "actions/regression/README.md#slices-and-windows"
HOLM = "Holm at 0.01 fails, Benjamini-Hochberg at 0.05 warns"
START = date(2025, 1, 1)
BROKEN = 20
"""The first day on which the candidate is worse."""
HOSTILE = "a|b `c` </td><script>x()</script> @team #1 \u202e\n::error::x"
METRICS = (
    ("accuracy", "ratio", 0.8123, 0.7961, 0.0021, 0.005, Direction.HIGHER),
    ("auc", "", 0.8634, 0.8601, 0.0011, 0.002, Direction.HIGHER),
    ("log-loss", "", 0.4031, 0.4102, 0.0020, 0.00403, Direction.LOWER),
    ("brier", "", 0.1311, 0.1315, 0.0008, 0.0026, Direction.LOWER),
    ("positive-rate", "ratio", 0.241, 0.2432, 0.002, 0.01, Direction.TARGET),
    ("ece", "ratio", 0.0213, 0.0219, 0.0015, None, Direction.LOWER),
)


def predictions(*, datasets: tuple[str, ...] = ("",), broken: bool = True, leg: str = "") -> Evidence:
    """Return the evidence of a diff; where it is broken, so from the 20th day on and most for one device."""
    found = [f for name in datasets for f in _findings(name, broken=broken)]
    details: dict[str, Any] = {"settings": {"alpha": 0.01, "minimum rows": 200, "time zone": "UTC"}}
    for name in datasets:
        for key, rows in _tables(name, broken=broken).items():
            details.setdefault(key, []).extend(rows)
    left_out = NotMeasured(what="slices by country", why="3 hold fewer than 200 usable rows each (120 rows together)")
    return samples.evidence("regression", found, leg=leg, details=details, not_measured=[left_out])


def _level(name: str, *, broken: bool) -> Outcome:
    return Outcome.FAIL if broken and name in ("accuracy", "auc", "log-loss") else Outcome.PASS


def _values(row: tuple[Any, ...], *, broken: bool) -> dict[str, float]:
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
    found = []
    for row in METRICS:
        name, unit, _, _, _, margin, direction = row
        if margin is None:
            continue
        v = _values(row, broken=broken)
        found.append(
            Finding(
                id=f"regression-{name}",
                metric=name,
                dataset=dataset,
                outcome=_level(name, broken=broken),
                reason=f"{name} went from {v['baseline']:.4f} to {v['candidate']:.4f}, on 327,350 rows.",
                docs="actions/regression/README.md#the-verdict",
                unit=unit,
                direction=direction,
                baseline=v["baseline"],
                candidate=v["candidate"],
                change=Interval(estimate=v["change"], low=v["low"], high=v["high"]),
                margin=margin,
                method="paired",
                n=327_350,
            )
        )
    worse = Outcome.FAIL if broken else Outcome.PASS
    if broken:
        found.append(_place("slice", dataset, {"device": "tablet", "country": "FR"}, None, 0.83, 0.741))
        found.append(_place("slice", dataset, {"campaign": HOSTILE}, None, 0.81, 0.762))
        found += [_place("window", dataset, {}, _day(n), 0.812, 0.75) for n in (BROKEN + 3, BROKEN, BROKEN + 1)]
    since = f"30 windows of at least 200 rows: 3 failed, 0 to look at; accuracy is worse since {_day(BROKEN)}."
    found.append(_summary("slices", dataset, worse, 1204, "1,204 slices of at least 200 rows: looked at."))
    found.append(_summary("windows", dataset, worse, 30, since if broken else "30 windows: none shown to be worse."))
    return found


def _place(kind: str, dataset: str, where: Any, window: str | None, before: float, after: float) -> Finding:
    change = after - before
    name = window or ", ".join(f"{k} = {v}" for k, v in where.items())
    return Finding(
        id=f"{kind}-accuracy",
        metric="accuracy",
        dataset=dataset,
        outcome=Outcome.FAIL,
        reason=f"{name}: accuracy fell from {before:.3f} to {after:.3f}.",
        docs=DOCS,
        unit="ratio",
        direction=Direction.HIGHER,
        slice=where,
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


def _tables(dataset: str, *, broken: bool) -> dict[str, list[dict[str, Any]]]:
    slices = [_tested("slice", f"country = C{i:02d}", dataset, i, harm=False) for i in range(8)]
    days = [
        _tested("window", _day(i), dataset, i, harm=broken and i in (BROKEN, BROKEN + 1, BROKEN + 3)) for i in range(30)
    ]
    if broken:
        slices = [
            _tested("slice", "device = tablet, country = FR", dataset, 0, harm=True),
            _tested("slice", f"campaign = {HOSTILE}", dataset, 1, harm=True),
            *slices,
        ]
    return {
        "metrics": [_metric(row, dataset, broken=broken) for row in METRICS],
        "slices": slices,
        "searched": [_tested("slice", "age ≥ 61, hour = 3", dataset, 4, harm=broken)],
        "windows": sorted(days, key=lambda row: row["p"]),
        "timeline": [
            {
                key: day[key]
                for key in ("dataset", "window", "metric", "rows", "baseline", "candidate", "low", "high", "outcome")
            }
            for day in days
        ],
        "classes": [
            {
                "dataset": dataset,
                "class": name,
                "metric": metric,
                "rows": 1000 + i,
                "outcome": "fail" if i == 1 and broken else "pass",
            }
            | {
                "baseline": 0.8,
                "candidate": 0.8 - 0.03 * i,
                "change": -0.03 * i,
                "low": -0.03 * i - 0.01,
                "high": 0.01 - 0.03 * i,
            }
            for i, name in enumerate(("cat", "dog"))
            for metric in ("recall", "f1")
        ],
        "flips": [
            {"dataset": dataset, "label": label, "baseline": one, "candidate": two, "rows": rows}
            for label, one, two, rows in (
                ("cat", "cat", "cat", 700),
                ("cat", "cat", "dog", 41),
                ("dog", "cat", "dog", 12),
                ("", "dog", "cat", 3),
            )
        ],
        "columns": [
            {
                "dataset": dataset,
                "column": "y_pred",
                "class": "bit-identical",
                "rows": 327_350,
                "changed": 0,
                "largest": 0.0,
                "tolerance": 0.0,
            },
            {
                "dataset": dataset,
                "column": "p_click",
                "class": "changed",
                "rows": 327_350,
                "changed": 5021,
                "largest": 0.31,
                "tolerance": 1e-6,
            },
            {
                "dataset": dataset,
                "column": "rank",
                "class": "within tolerance",
                "rows": 327_350,
                "changed": 7,
                "largest": 2e-7,
                "tolerance": 1e-6,
            },
        ],
        "drift": [
            {
                "dataset": dataset,
                "column": "p_click",
                "psi": 0.024,
                "ks": 0.031,
                "js": 0.004,
                "wasserstein": 0.05,
                "outcome": "pass",
            },
            {
                "dataset": dataset,
                "column": "age",
                "psi": 0.31,
                "ks": 0.18,
                "js": 0.06,
                "wasserstein": 0.4,
                "outcome": "warn" if broken else "pass",
            },
            {
                "dataset": dataset,
                "column": "device",
                "psi": 0.001,
                "ks": None,
                "js": 0.0,
                "wasserstein": None,
                "outcome": "",
            },
        ],
        "distributions": [
            {"dataset": dataset, "column": "p_click", "edges": [i / 20 for i in range(21)]}
            | {"baseline": _bell(20, 6, 4), "candidate": _bell(20, 6.6, 4)},
            {"dataset": dataset, "column": "age", "edges": [18 + 2 * i for i in range(31)]}
            | {"baseline": _bell(30, 11, 7), "candidate": _bell(30, 16, 6)},
            {"dataset": dataset, "column": "device", "values": ["phone", "desktop", "tablet", "<all others>"]}
            | {"baseline": [4000, 2500, 900, 20], "candidate": [3900, 2600, 880, 25]},
        ],
        "rank": [{"dataset": dataset, "spearman": 0.9871, "rows": 327_350}],
        "noise": [{"dataset": dataset, "churn": 0.0153, "noise churn": 0.0112, "rows": 327_350}],
        "changed rows": [
            {
                "dataset": dataset,
                "id": 1_234_567 + i,
                "label": 1,
                "baseline": 0.91 - i / 100,
                "candidate": 0.2,
                "country": HOSTILE,
            }
            for i in range(5)
        ],
    }


def _bell(bins: int, middle: float, width: float) -> list[int]:
    return [round(1000 * math.exp(-(((i - middle) / width) ** 2))) for i in range(bins)]


def _metric(row: tuple[Any, ...], dataset: str, *, broken: bool) -> dict[str, Any]:
    name, unit, _, _, _, margin, _ = row
    outcome = "" if margin is None else _level(name, broken=broken).value
    said = {"dataset": dataset, "metric": name, "rows": 327_350, "unit": unit, "margin": margin}
    return said | {"outcome": outcome, "method": "paired"} | _values(row, broken=broken)


def _tested(kind: str, name: str, dataset: str, number: int, *, harm: bool) -> dict[str, Any]:
    before = 0.812 + 0.006 * math.sin(number)
    change = -0.062 if harm else 0.003 * math.cos(2.3 * number)
    p = 1e-9 * (number + 1) if harm else 0.02 + 0.9 * (number % 17) / 17
    return {
        kind: name,
        "dataset": dataset,
        "metric": "accuracy",
        "rows": 5400 + number,
        "baseline": before,
        "candidate": before + change,
        "change": change,
        "low": change - 0.008,
        "high": change + 0.008,
        "p": p,
        "holm": min(1.0, 1000 * p),
        "bh": min(1.0, 30 * p),
        "outcome": "fail" if harm else "pass",
    }


def large(*, datasets: int = 60, name: str = "x" * 300) -> Evidence:
    """Return evidence at every limit of the engine, with names as long as a database allows.

    10,000 slices were tested, of which 50 findings and 200 rows are written down; every table is full.
    """
    names = [f"set-{i:02d}-{name}" for i in range(datasets)]
    small = predictions(datasets=tuple(names))
    kept = [f for f in small.findings if not f.slice and f.window is None]
    kept += [_place("slice", names[i % datasets], {f"column-{name}": f"{i}-{name}"}, None, 0.8, 0.7) for i in range(50)]
    kept += [_place("window", names[i % datasets], {}, _day(i), 0.8, 0.7) for i in range(50)]
    kept.append(_summary("slices", names[0], Outcome.FAIL, 10_000, "10,000 slices: 900 failed."))
    tables: dict[str, Any] = {}
    for key, rows in small.details.items():
        if isinstance(rows, list):
            tables[key] = [
                _longer(row, f"{i}-{name}") for i, row in enumerate((rows * 200)[: 400 if key == "timeline" else 200])
            ]
    return samples.evidence("regression", kept, details={**small.details, **tables})


def _longer(row: dict[str, Any], name: str) -> dict[str, Any]:
    return row | {key: name for key in ("slice", "class", "column") if key in row and row[key] != "changed"}


def replaced(evidence: Evidence, **details: Any) -> Evidence:
    """Return `evidence` with some of its tables exchanged."""
    return msgspec.structs.replace(evidence, details={**evidence.details, **details})
