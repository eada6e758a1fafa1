"""What is collapsed: how to run it again, settings, measurements."""

from __future__ import annotations

import shlex

import msgspec

from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content import details
from ghmlops.report.formats.markdown import inline
from report import samples

SHARED = "--policy .github/ghmlops.yml --evidence-dir evidence"
DASH = "\u2013"


def test_what_check_measured_check_measures_again() -> None:
    """One line for the whole run, with its seed and its base."""
    policy = Finding(id="policy-unchanged", metric="policy", outcome=Outcome.PASS, reason="same", docs="README.md#x")
    check = samples.evidence("check", [policy], provenance=samples.provenance(seed=None))
    files = (check, samples.latency(slow=True), samples.latency(slow=True, leg="confirm"), samples.regression())
    assert details.commands(samples.merged(*files), files, samples.FACTS) == [
        f"git checkout {samples.HEAD}",
        f"ghmlops check {SHARED} --seed 1 --base {samples.BASE}",
        f"ghmlops report {SHARED} --html report.html",
    ]


def test_what_was_measured_alone_is_measured_alone() -> None:
    """A line a leg; addresses are the reader's to fill in; only what takes a seed is given one."""
    files = (samples.latency(leg="gpu"), samples.regression())
    assert details.commands(samples.merged(*files), files, samples.FACTS) == [
        f"git checkout {samples.HEAD}",
        f'ghmlops latency {SHARED} --leg gpu --seed 1 --url "$URL" --baseline-url "$BASELINE_URL"',
        f"ghmlops regression {SHARED}",
        f"ghmlops report {SHARED} --html report.html",
    ]


def test_a_hostile_leg_is_one_word_of_the_shell() -> None:
    """Copying the line runs nothing but ghmlops."""
    leg = "x; rm -rf ~ $(id) `id` '"
    files = (samples.regression(leg=leg),)
    lines = details.commands(samples.merged(*files), files, samples.FACTS)
    assert shlex.split(lines[1])[-2:] == ["--leg", leg]


def test_tables_of_the_evidence_are_tables_of_the_report() -> None:
    """A list of objects is a table with a column a key; a key that a row lacks is a dash; the rest are settings."""
    held = {"rows": [{"a": 1, "b": "x"}, {"a": 2.5}], "deep": {"one": {"two": [3]}}, "none": None, "yes": True}
    tables = details.settings([msgspec.structs.replace(samples.latency(), details=held)])
    shown = [
        (t.title, [c.title for c in t.columns], [[inline(cell) for cell in row] for row in t.rows]) for t in tables
    ]
    assert shown == [
        ("latency: rows", ["a", "b"], [["1", "x"], ["2.5", DASH]]),
        (
            "latency: settings",
            ["Setting", "Value"],
            [["`deep.one`", '{"two":\\[3\\]}'], ["`none`", DASH], ["`yes`", "true"]],
        ),
    ]


def test_results_of_other_tools_are_read_again_and_shards_sent_again() -> None:
    """An import names its file, its tool and what had to be given; what was joined from shards is sent in shards."""
    told = {"file": "a b.hlog", "tool": "hdr", "unit": "us", "failed_requests": {"fewest": 3, "most": 3}}
    imported = samples.evidence("import", [], details=told)
    oha = samples.evidence("import", [], leg="oha", details={"file": "oha.json", "tool": "oha"})
    broken = samples.evidence("import", [], leg="bad", details={"failed_requests": [], "tool": "hdr"})
    joined = msgspec.structs.replace(samples.latency(), details={"shards_planned": 4})
    files = [msgspec.structs.replace(file, findings=joined.findings) for file in (imported, oha, broken, joined)]
    lines = details.commands(samples.merged(*files), files, samples.FACTS)[1:-1]
    tails = [line.partition("--evidence-dir evidence ")[2] for line in lines]
    assert tails == [
        "--file 'a b.hlog' --tool hdr --unit us --failed 3",
        "--leg oha --file oha.json --tool oha",
        f"--leg bad --file '{DASH}' --tool hdr --unit '{DASH}'",
        '--seed 1 --shard 1/4 --url "$URL" --baseline-url "$BASELINE_URL" --start-at "$START"'
        "  # start all shards at once, then run `ghmlops merge-shards`",
    ]


def test_rows_without_a_column_are_a_setting() -> None:
    """A list of empty objects is no table."""
    (table,) = details.settings([msgspec.structs.replace(samples.latency(), details={"rows": [{}, {}]})])
    assert [[inline(cell) for cell in row] for row in table.rows] == [["`rows`", "\\[{},{}\\]"]]


def test_wide_and_many_are_bounded() -> None:
    """At most a dozen columns and twenty tables, and what is left out is counted."""
    wide = {"wide": [{f"c{i}": i for i in range(1000)}]} | {f"t{i}": [{"a": 1}] for i in range(60)}
    tables = details.settings([msgspec.structs.replace(samples.latency(), details=wide)])
    assert (len(tables), len(tables[0].columns)) == (21, 12)
    assert tables[0].title == "latency: wide (988 more columns left out)"
    assert (tables[-1].title, tables[-1].rows) == ("41 more tables", [])


def test_measurements_with_the_same_values_share_a_table() -> None:
    """Response times of all arms and legs stand under each other."""
    (table,) = details.measurements([samples.latency(leg="a"), samples.latency(leg="b")])
    assert [column.title for column in table.columns][:6] == ["Evidence", "Measurement", "Arm", "n", "mean", "p50"]
    assert len(table.rows) == 4
