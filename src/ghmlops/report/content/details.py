"""What is collapsed: measurements, settings and tables of the evidence, where it comes from, how to run it again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.context import is_sha
from ghmlops.core.evidence.document import entries_of
from ghmlops.report.content import evidence_tables as given
from ghmlops.report.content import findings
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Chart, Code, Column, Mark, Table, Text, Words
from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.model import Measurement
    from ghmlops.report.content.run_facts import Facts

MOST_TABLES = 20
MOST_COLUMNS = 12
MOST_COMMANDS = 20
MOST_POINTS = 300
MOST_LIMITS = 10
LEAST_DRAWN = 1e-9
MEASURING = ("latency", "capacity", "regression", "import")
SEEDED = ("latency", "capacity")
LOADING = ("latency", "capacity")


def measurements(evidence: Sequence[Evidence]) -> list[Table]:
    """Return one table for each set of values: a row a measurement, arm and evidence file, a column a value."""
    kinds: dict[tuple[str, ...], list[tuple[Evidence, Measurement]]] = {}
    for file in evidence:
        for measured in file.measurements:
            kinds.setdefault(tuple(measured.values), []).append((file, measured))
    tables = [_measured(keys, rows) for keys, rows in list(kinds.items())[:MOST_TABLES]]
    return _with_rest(tables, len(kinds), "kinds of measurement")


def _measured(keys: tuple[str, ...], rows: Sequence[tuple[Evidence, Measurement]]) -> Table:
    names = list(dict.fromkeys(m.id for _, m in rows))
    shown = keys[:MOST_COLUMNS]
    more = f" ({len(keys) - len(shown):,} more values left out)" if len(keys) > len(shown) else ""
    what = (Column("Evidence"), Column("Measurement"), Column("Arm"), Column("n", right=True))
    return Table(
        title=", ".join(names)[:120] + more,
        columns=(*what, *(Column(key, right=True) for key in shown)),
        rows=[
            (
                (Code(findings.source(file.command, file.leg), 80),),
                (Code(m.id, 60),),
                (Text(m.arm, 40),),
                (Words(numbers.count(m.n)),),
                *((Words(numbers.number(m.values[key], numbers.unit_scale(m.unit))),) for key in shown),
            )
            for file, m in rows
        ],
    )


def settings(evidence: Sequence[Evidence]) -> list[Table]:
    """Return what the evidence holds for people: lists of objects become tables, all else lines of one table a file."""
    tables: list[Table] = []
    for file in evidence:
        source = findings.source(file.command, file.leg)
        plain: list[tuple[str, object]] = []
        for key, value in entries_of(file).items():
            if given.holds(file, key):  # a section of its own
                continue
            if isinstance(value, list) and any(value) and all(isinstance(row, dict) for row in value):
                listed = _listed(f"{source}: {key}"[:120], value)
                curve = file.command == "capacity" and key == "curve"
                tables.append(replace(listed, chart=_chart(entries_of(file), value)) if curve else listed)
            else:
                plain += _flat(key, value)
        if plain:
            rows: list[tuple[Cell, ...]] = [((Code(key, 100),), (Text(_shown(value), 300),)) for key, value in plain]
            tables.append(Table(title=f"{source}: settings", columns=(Column("Setting"), Column("Value")), rows=rows))
    return _with_rest(tables[:MOST_TABLES], len(tables), "tables")


def _flat(key: str, value: object) -> list[tuple[str, object]]:
    """Take one level of an object apart; deeper ones are shown as JSON."""
    if isinstance(value, dict) and value:
        return [(f"{key}.{inner}", held) for inner, held in value.items()]
    return [(key, value)]


def _listed(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    shown = keys[:MOST_COLUMNS]
    numeric = {key: all(_is_number(row.get(key)) for row in rows) for key in shown}
    more = f" ({len(keys) - len(shown):,} more columns left out)" if len(keys) > len(shown) else ""
    return Table(
        title=title + more,
        columns=tuple(Column(key, right=numeric[key]) for key in shown),
        rows=[tuple((Text(_shown(row.get(key)), 120),) for key in shown) for row in rows],
    )


def _chart(held: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Chart | None:
    """Return the curve of a search for capacity; `None` where the evidence does not hold one as we write it."""
    given = [(rate, row) for row in rows if (rate := _drawn(row.get("rate")))]
    known = sorted(given, key=lambda point: point[0])
    if not 2 <= len(known) <= MOST_POINTS:
        return None
    limits = list(_inner(held, "settings", "objectives", "quantiles").items())
    result = _inner(held, "result")
    return Chart(
        rates=[rate for rate, _ in known],
        lines={name: [_drawn(row.get(f"{name}_ms")) for _, row in known] for name in ("p99", "p95", "p50")},
        limits={name: 1e3 * limit for name, value in limits[:MOST_LIMITS] if (limit := _drawn(value))},
        low=_drawn(result.get("low")),
        high=_drawn(result.get("high")),
    )


def _drawn(value: object) -> float | None:
    """Return a number that can stand on an axis from zero; `None` for all else."""
    number = finite(value)
    return number if number is not None and number > LEAST_DRAWN else None


def _inner(held: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return the object at the end of `path`; an empty one where there is none."""
    for key in path:
        inner = held.get(key)
        held = inner if isinstance(inner, dict) else {}
    return held


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _shown(value: object) -> str:
    if value is None:
        return numbers.MISSING
    if isinstance(value, float):
        return numbers.plain(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return numbers.count(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _with_rest(tables: list[Table], total: int, what: str) -> list[Table]:
    if total <= len(tables):
        return tables
    return [*tables, Table(title=f"{total - len(tables):,} more {what}", columns=(Column(""),), rows=[])]


def origins(verdict: Verdict, evidence: Sequence[Evidence]) -> list[Table]:
    """Return the evidence files with their digests, and what each was measured on."""
    files: list[tuple[Cell, ...]] = [
        (
            (Code(file.file, 120),),
            (Mark(file.outcome),),
            (Code(f"sha256:{file.sha256}" if file.sha256 else numbers.MISSING, 80),),
        )
        for file in sorted(verdict.evidence, key=lambda f: -f.outcome.severity)
    ]
    measured: list[tuple[Cell, ...]] = [
        (
            (Code(findings.source(e.command, e.leg), 80),),
            (Text(e.provenance.started or numbers.MISSING, 40),),
            (Words(numbers.duration(e.provenance.seconds)),),
            (Words(numbers.MISSING if e.provenance.seed is None else str(findings.value_text(e.provenance.seed))),),
            (Text(e.provenance.run_id or numbers.MISSING, 30), Words(f" / {numbers.count(e.provenance.run_attempt)}")),
            (Text(e.provenance.version or numbers.MISSING, 30),),
        )
        for e in evidence
    ]
    prints: list[tuple[Cell, ...]] = [
        ((Code(findings.source(e.command, e.leg), 80),), (Code(key, 60),), (Code(value, 90),))
        for e in evidence
        for key, value in e.provenance.fingerprints.items()
    ]
    when = (Column("Evidence"), Column("Started"), Column("Took"), Column("Seed"), Column("Run / attempt"))
    tables = [
        Table(title="Files", columns=(Column("File"), Column("Counted as"), Column("Digest")), rows=files),
        Table(title="Measured", columns=(*when, Column("ghmlops")), rows=measured),
        Table(title="Fingerprints", columns=(Column("Evidence"), Column("Of"), Column("Fingerprint")), rows=prints),
    ]
    return [table for table in tables if table.rows]


def commands(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> list[str]:
    """Return the lines for a shell that measure the same again and report on it.

    What a run of `check` measured, one run of `check` measures again.
    """
    lines = [f"git checkout {verdict.commit}"] if is_sha(verdict.commit) else []
    shared = [*(["--policy", facts.policy] if facts.policy else []), "--evidence-dir", facts.evidence_dir]
    checked = {e.leg for e in evidence if e.command == "check"}
    alone = [e for e in evidence if e.command in MEASURING and e.findings and not findings.confirms(e.leg)]
    measuring = [e for e in evidence if e.command == "check"] + [e for e in alone if e.leg not in checked]
    lines += [_command(file, shared, evidence) for file in measuring[:MOST_COMMANDS]]
    if len(measuring) > MOST_COMMANDS:
        lines.append(f"# and {len(measuring) - MOST_COMMANDS} more legs")
    return [*lines, shlex.join(["ghmlops", "report", *shared, "--html", "report.html"])]


def _command(file: Evidence, shared: Sequence[str], evidence: Sequence[Evidence]) -> str:
    given = ["ghmlops", file.command, *shared, *(["--leg", file.leg] if file.leg else [])]
    sources = [e for e in evidence if e.leg == file.leg] if file.command == "check" else [file]
    seeds = [e.provenance.seed for e in sources if e.provenance.seed is not None and e.command in SEEDED]
    given += ["--seed", findings.value_text(seeds[0])] if seeds else []
    given += _imported(entries_of(file)) if file.command == "import" else []
    if file.command == "check" and is_sha(file.provenance.base_sha):
        given += ["--base", file.provenance.base_sha]
    arms = {m.arm for m in file.measurements} if file.command in LOADING else set()
    addresses = ['--url "$URL"'] if arms else []
    addresses += ['--baseline-url "$BASELINE_URL"'] if "baseline" in arms else []
    several = _shards(file)
    given += several
    alone = " ".join([shlex.join(given), *addresses])
    note = "# start all shards at once, then run `ghmlops merge-shards`"
    return f'{alone} --start-at "$START"  {note}' if several else alone


def _shards(file: Evidence) -> list[str]:
    """Return the input of the first of the shards that a latency evidence was joined from."""
    several = entries_of(file).get("shards_planned") if file.command == "latency" else None
    return ["--shard", f"1/{findings.value_text(several)}"] if isinstance(several, int) else []


def _imported(told: dict[str, Any]) -> list[str]:
    """Return the inputs of `import` that its evidence tells; unit and failures where they had to be given."""
    given = ["--file", _shown(told.get("file")), "--tool", _shown(told.get("tool"))]
    failed = told.get("failed_requests")
    if told.get("tool") == "hdr":
        given += ["--unit", _shown(told.get("unit"))]
        most = failed.get("most") if isinstance(failed, dict) else None
        given += ["--failed", findings.value_text(most)] if isinstance(most, int) else []
    return given
