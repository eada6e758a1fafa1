"""Commands that reproduce a run: one per leg, with its seed, and safe to paste into a shell."""

from __future__ import annotations

import shlex
import subprocess
from html import unescape
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.details.imported import FailedRequests, ImportDetails
from ghmlops.core.details.merge_shards import MergeShardsDetails
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.layout import lay_out
from ghmlops.report.content.reproduce_commands import reproduce_commands
from ghmlops.report.formats import html, markdown
from report import samples

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.report.content.run_facts import Facts

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
    assert lines[-1] == "# and 5 more legs"


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
    assert [line.partition("--evidence-dir evidence ")[2].partition(" at once")[0] for line in lines] == [
        "--file 'a b.hlog' --tool hdr --unit us --failed 3",
        "--leg oha --file oha.json --tool oha",
        '--seed 1 --shard 1/4 --url "$URL" --baseline-url "$BASELINE_URL" --start-at "$START"  # start all shards',
    ]


HOSTILE = (
    "'",
    '"',
    "`",
    "$(id)",
    "\\",
    "!",
    "\n",
    "\x1b[31m",
    ";",
    "#",
    " ",
    "\u202e",
    "é",
    "-",
    "|",
    "a" * 60,
    "{a,b}",
    "~*",
)


@given(
    parts=st.lists(st.lists(st.sampled_from(HOSTILE), max_size=9).map("".join), min_size=4, max_size=4),
    size=st.sampled_from([0, 0, 1, 400, 480, 490, 500, 2000]),
    seed=st.sampled_from([None, 0, -1, 2**63, 10**5000]),
)
@settings(max_examples=150, deadline=None)
def test_every_displayed_line_is_a_complete_command(parts: list[str], size: int, seed: int | None) -> None:
    """In each format, bash parses each line to exactly the intended arguments; what does not fit is left out."""
    leg, name, tool, folder = parts
    failed = FailedRequests(min=3, max=3)
    details = ImportDetails(
        tool=tool, file=name + "x" * size, requests=None, timed_requests=1, failed_requests=failed, unit="us"
    )
    latency = samples.latency()
    hostile = samples.evidence("import", latency.findings, leg=leg, details=details)
    load = samples.latency(leg=name)
    files = (hostile, msgspec.structs.replace(load, provenance=samples.provenance(seed=seed)))
    facts = msgspec.structs.replace(samples.FACTS, evidence_dir=folder, policy=leg)
    report = lay_out(samples.merged(*files), files, facts)
    commands = reproduce_commands(samples.merged(*files), files, facts)
    intended = _intended(hostile, name, seed, facts)
    for lines in (commands, _markdown_lines(markdown.summary(report)), _page_lines(html.page(report))):
        displayed = [line for line in lines if not line.startswith("# ")]
        words = [shlex.split(line) for line in displayed]
        assert words == _bash_words(displayed)
        assert all(line in intended for line in words)
        assert len(displayed) == len(intended) or any("left out" in line for line in lines)
    assert commands[0] == f"git checkout {samples.HEAD}"


def _intended(hostile: Evidence, name: str, seed: int | None, facts: Facts) -> list[list[str]]:
    """Return the arguments of all commands, without any limit."""

    def option(flag: str, value: str) -> list[str]:
        return [] if not value else [f"{flag}={value}"] if value.startswith("-") else [flag, value]

    folder = option("--evidence-dir", facts.evidence_dir) if facts.evidence_dir else ["--evidence-dir", ""]
    shared = [*option("--policy", facts.policy), *folder]
    details = hostile.details
    assert isinstance(details, ImportDetails)
    tool = option("--tool", details.tool) if details.tool else ["--tool", ""]
    file = option("--file", details.file) if details.file else ["--file", ""]
    seeds = [] if seed is None else option("--seed", str(seed) if seed < 2**63 else "\n")
    addresses = ["--url", "$URL", "--baseline-url", "$BASELINE_URL"]
    return [
        ["git", "checkout", samples.HEAD],
        ["ghmlops", "import", *shared, *option("--leg", hostile.leg), *file, *tool, "--unit", "us", "--failed", "3"],
        ["ghmlops", "latency", *shared, *option("--leg", name), *seeds, *addresses],
        ["ghmlops", "report", *shared, "--html", "report.html"],
    ]


def _markdown_lines(text: str) -> list[str]:
    section = text.split("<details><summary>Reproduce</summary>")[1]
    head, *lines = section.strip().split("\n\n", 1)[1].split("\n")
    return lines[: lines.index(head.removesuffix("sh"))]


def _page_lines(text: str) -> list[str]:
    block = text.rpartition('<pre tabindex="0"><code>')[2].partition("</code></pre>")[0]
    return unescape(block).split("\n")


def _bash_words(lines: list[str]) -> list[list[str]]:
    """Return the arguments of each line as bash passes them to a program; the programs print them."""
    show = 'show() { printf "%s\\0" "$#" "$@"; }; git() { show git "$@"; }; ghmlops() { show ghmlops "$@"; }'
    script = "\n".join([show, *lines]) + "\n"
    environment = {"PATH": "/nowhere", "URL": "$URL", "BASELINE_URL": "$BASELINE_URL"}
    output = subprocess.run(
        ["/bin/bash", "--norc"], input=script.encode(), capture_output=True, check=True, env=environment
    )
    assert output.stderr == b""
    words, commands = output.stdout.decode().split("\0")[:-1], list[list[str]]()
    while words:
        end = 1 + int(words[0])
        commands.append(words[1:end])
        words = words[end:]
    return commands
