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
The server runs on the first core this process may use, each client alone on the last. "cpu_us" is processor time a
request, "busy" the share of its core that the client used in the middle of the run: well below 100 % in a closed loop
says that the machine or the server was the limit, and not the client. Exit code 0: every goal that was measured was
met; 1: one was missed, or a generator failed; 2: the bench cannot run here.
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
        description="Compare the load engine with other load tools, on a server whose truth is known.",
        epilog=EPILOG,
    )
    parser.add_argument("command", nargs="?", choices=["run", "install"], default="run")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds of one run (default 4)")
    parser.add_argument("--only", type=_words([s.name for s in SCENARIOS]), help="scenarios, by commas")
    parser.add_argument("--peers", type=_words([p.name for p in PEERS]), help="peers, by commas; `none` for none")
    parser.add_argument("--no-install", action="store_true", help="use only the peers that are there")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    options = parser.parse_args(words)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("at least one round of one second")
    return options


def _words(known: Sequence[str]) -> Callable[[str], list[str]]:
    def split(text: str) -> list[str]:
        found = [] if text == "none" else text.split(",")
        if wrong := [word for word in found if word not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(wrong)}; there are {', '.join(known)}")
        return found

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
    chosen = [s for s in SCENARIOS if options.only is None or s.name in options.only]
    for scenario in chosen:
        say(f"{scenario.name}: {scenario.title}")
        for record in rounds(scenario, bench, options.rounds):
            records.append(record)
            say(f"  round {record.round + 1}, {record.tool}: {record.error or line(record)}")
    goals = [tables.judged(records, goal) for goal in tables.GOALS if goal.scenario in {s.name for s in chosen}]
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
    """Return one run's figures on one line."""
    return ", ".join(f"{name} {tables.shown(name, value)}" for name, value in record.figures.items())


def show(result: dict[str, Any], records: Sequence[Record]) -> None:
    """Print the tables."""
    print("\n" + ", ".join(f"{name}: {value}" for name, value in result["machine"].items()))
    for name, title in tables.titles().items():
        if any(record.scenario == name for record in records):
            print(f"\n{title}\n\n{tables.scenario_table(records, name)}")
    print(f"\nGoals: median of the rounds\n\n{tables.goal_table(result['goals'])}")
    print(
        "\n(peer at N%): it could not use more of its core, the server or the machine held it back; see the CPU ratio."
    )


def facts() -> dict[str, Any]:
    """Return what the figures depend on; no path and no name of the machine."""
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
