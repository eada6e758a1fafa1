"""The command line of `scripts/bench/load`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import child, tables, truth
from .child import BenchError
from .peers import PEERS, cache, install, installed
from .scenarios import SCENARIOS, Bench, Record, rounds

EPILOG = """\
The server runs on the first available core, each client alone on the last. "cpu_us" is the processor time per request,
"busy" the fraction of its core that the client used in the middle of the run: if it is well below 100 % in a closed
loop, the machine or the server was the limit. Exit code 0: every measured goal was met; 1: a goal was missed, or a
generator failed; 2: the benchmark cannot run on this machine.
"""


def main(words: Sequence[str]) -> int:
    """Install, measure, print; return the exit code."""
    options = _options(words)
    names = [peer.name for peer in PEERS] if options.peers is None else options.peers
    try:
        if not options.no_install:
            install(names, say)
        if options.command == "install":
            return 0
        return _measure(options, names)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench/load",
        description="Compare the load engine with other load tools, on a server with known response times.",
        epilog=EPILOG,
    )
    parser.add_argument("command", nargs="?", choices=["run", "install"], default="run")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds per run (default 4)")
    parser.add_argument("--only", type=_words([s.name for s in SCENARIOS]), help="scenarios, separated by commas")
    parser.add_argument("--peers", type=_words([p.name for p in PEERS]), help="other tools, or `none`")
    parser.add_argument("--no-install", action="store_true", help="use only the tools that are installed")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    options = parser.parse_args(words)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds: expected at least 1")
    return options


def _words(valid: Sequence[str]) -> Callable[[str], list[str]]:
    def split(text: str) -> list[str]:
        words = [] if text == "none" else text.split(",")
        if unknown := [word for word in words if word not in valid]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; valid: {', '.join(valid)}")
        return words

    return split


def _measure(options: argparse.Namespace, names: Sequence[str]) -> int:
    server_core, client_core = child.cores()
    bench = Bench(
        program=truth.compiled(cache()),
        server_core=server_core,
        client_core=client_core,
        seconds=options.seconds,
        peers=frozenset(names),
    )
    for peer in PEERS:
        if peer.name in names and installed(peer) is None:
            say(f"{peer.name}: skipped, not installed")
    machine, begin, records = facts(), time.monotonic(), list[Record]()
    scenarios = [s for s in SCENARIOS if options.only is None or s.name in options.only]
    for scenario in scenarios:
        say(f"{scenario.name}: {scenario.title}")
        for record in rounds(scenario, bench, options.rounds):
            records.append(record)
            say(f"  round {record.round + 1}, {record.tool}: {record.error or line(record)}")
    goals = [tables.judge(records, goal) for goal in tables.GOALS if goal.scenario in {s.name for s in scenarios}]
    result = {
        "machine": machine,
        "peers": {p.name: p.version for p in PEERS if p.name in names and installed(p)},
        "rounds": options.rounds,
        "seconds": options.seconds,
        "took": round(time.monotonic() - begin, 1),
        "records": [asdict(record) for record in records],
        "goals": goals,
    }
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    show(result, records)
    return 1 if any(goal["met"] is False for goal in goals) or any(r.error for r in records) else 0


def line(record: Record) -> str:
    """Return the figures of one run on one line."""
    return ", ".join(f"{name} {tables.format_figure(name, value)}" for name, value in record.figures.items())


def show(result: dict[str, Any], records: Sequence[Record]) -> None:
    """Print the tables."""
    print("\n" + ", ".join(f"{name}: {value}" for name, value in result["machine"].items()))
    for name, title in tables.titles().items():
        if any(record.scenario == name for record in records):
            print(f"\n{title}\n\n{tables.scenario_table(records, name)}")
    print(f"\nGoals: median of the rounds\n\n{tables.goal_table(result['goals'])}")
    print("\n(peer at N%): the server or the machine was the limit, the tool used only N% of its core; see the CPU.")


def facts() -> dict[str, Any]:
    """Return the properties of the machine that the figures depend on, without its name or any path."""
    model = "unknown"
    for row in Path("/proc/cpuinfo").read_text().splitlines():
        if row.startswith("model name"):
            model = row.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load before": round(os.getloadavg()[0], 2),
    }
