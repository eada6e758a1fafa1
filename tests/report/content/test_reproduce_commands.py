"""Commands that reproduce a run: one per leg, with its seed, and safe to paste into a shell."""

from __future__ import annotations

import shlex

import msgspec

from ghmlops.core.details.imported import FailedRequests, ImportDetails
from ghmlops.core.details.merge_shards import MergeShardsDetails
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.reproduce_commands import reproduce_commands
from report import samples

SHARED = "--policy .github/ghmlops.yml --evidence-dir evidence"


def test_a_run_of_check_is_reproduced_by_check() -> None:
    """One line for the whole run, with its seed and its base; the confirming leg needs no line."""
    policy = Finding(id="policy-unchanged", metric="policy", outcome=Outcome.PASS, reason="same", docs="README.md#x")
    check = samples.evidence("check", [policy], provenance=samples.provenance(seed=None))
    files = (check, samples.latency(slow=True), samples.latency(slow=True, leg="confirm"), samples.regression())
    assert reproduce_commands(samples.merged(*files), files, samples.FACTS) == [
        f"git checkout {samples.HEAD}",
        f"ghmlops check {SHARED} --seed 1 --base {samples.BASE}",
        f"ghmlops report {SHARED} --html report.html",
    ]


def test_each_separate_command_has_a_line() -> None:
    """Addresses are variables of the shell; only a seeded command has a seed."""
    files = (samples.latency(leg="gpu"), samples.regression())
    assert reproduce_commands(samples.merged(*files), files, samples.FACTS) == [
        f"git checkout {samples.HEAD}",
        f'ghmlops latency {SHARED} --leg gpu --seed 1 --url "$URL" --baseline-url "$BASELINE_URL"',
        f"ghmlops regression {SHARED}",
        f"ghmlops report {SHARED} --html report.html",
    ]


def test_a_hostile_leg_is_one_word_of_the_shell() -> None:
    """Pasting the line runs nothing but ghmlops."""
    leg = "x; rm -rf ~ $(id) `id` '"
    files = (samples.regression(leg=leg),)
    lines = reproduce_commands(samples.merged(*files), files, samples.FACTS)
    assert shlex.split(lines[1])[-2:] == ["--leg", leg]


def test_the_number_of_legs_is_bounded() -> None:
    """At most twenty commands; the others are counted in a comment."""
    files = tuple(samples.regression(leg=f"{i}") for i in range(25))
    lines = reproduce_commands(samples.merged(*files), files, samples.FACTS)
    assert len(lines) == 23
    assert lines[-2] == "# and 5 more legs"


def test_an_import_and_joined_shards_have_their_options() -> None:
    """An import names its file and tool, an HdrHistogram file also its unit and failures; shards name their number."""
    failed = FailedRequests(min=3, max=3)
    hdr = ImportDetails(
        tool="hdr", file="a b.hlog", requests=None, timed_requests=1, failed_requests=failed, unit="us", intervals=2
    )
    oha = ImportDetails(tool="oha", file="oha.json", requests=9, timed_requests=9, failed_requests=failed)
    latency = samples.latency()
    details = samples.latency_details()
    shards = MergeShardsDetails(
        settings=details.settings,
        judged_per_arm=6000,
        endpoints=[],
        failures={},
        generator=details.generator,
        shards=[],
        shards_planned=4,
    )
    files = [
        samples.evidence("import", latency.findings, details=hdr),
        samples.evidence("import", latency.findings, leg="oha", details=oha),
        msgspec.structs.replace(latency, details=shards),
    ]
    lines = reproduce_commands(samples.merged(*files), files, samples.FACTS)[1:-1]
    assert [line.partition("--evidence-dir evidence ")[2] for line in lines] == [
        "--file 'a b.hlog' --tool hdr --unit us --failed 3",
        "--leg oha --file oha.json --tool oha",
        '--seed 1 --shard 1/4 --url "$URL" --baseline-url "$BASELINE_URL" --start-at "$START"'
        "  # start all shards at once, then run `ghmlops merge-shards`",
    ]
