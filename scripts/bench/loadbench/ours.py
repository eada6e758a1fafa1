"""Our engine as one generator of the benchmark: `ours.py '{"url": ..., "rate": ..., ...}'` prints its results as JSON.

A separate process, as the command `ghmlops latency` is, so that its memory and processor time can be measured.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.constants import BLOCK_SIZE
from ghmlops.core.latency.duet import quantile
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, JsonCheck, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import MAX_REQUESTS, Load, Recording
from ghmlops.measure.load.target import parse_target

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are not an installed package

from bench.loadbench.truth import ANSWER, BODY, PATH

_CHECKS = {
    "contains": Expect(status=(200,), contains='"score"', smallest=len(ANSWER), largest=len(ANSWER)),
    "json": Expect(status=(200,), json=(JsonCheck(path="model", equals="click-scorer"),)),
}
_FASTEST = 250_000
"""Maximum number of requests per second that a closed loop is planned for."""


def make_load(spec: dict[str, Any]) -> Load:
    """Return a closed loop (all requests are due immediately, and wait for a connection) or a constant rate."""
    rate, seconds = float(spec["rate"]), float(spec["seconds"])
    count = round(rate * seconds) if rate else min(int(_FASTEST * seconds), MAX_REQUESTS)
    expect = _CHECKS[spec.get("check", "contains")]
    url = spec["url"].removesuffix(PATH)
    return Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=(Request(path=PATH, headers={"content-type": "application/json"}, expect=expect),),
        calls=[Call(endpoint=0, path=PATH, body=BODY.encode())],
        order=[0] * count,
        times=np.arange(count) / rate if rate else np.zeros(count),
        warmup=0,
        block=BLOCK_SIZE,
        write_order=[0] * count,
        connections=int(spec.get("max_connections", spec["connections"])),
        timeout=10.0 if rate else seconds + 60.0,
    )


def measure(spec: dict[str, Any]) -> Recording:
    """Run the load; a closed loop ends after its number of seconds."""
    load = make_load(spec)
    end = float("inf") if spec["rate"] else time.monotonic() + float(spec["seconds"])

    def on_block(_answers: Sequence[Answers]) -> bool:
        return time.monotonic() < end

    return run_load(load, on_block)


def summary(recording: Recording) -> dict[str, Any]:
    """Return counts, quantiles of the response times, lateness of the sends, and notes of the engine."""
    (answers,) = recording.arms
    response = np.sort(answers.response[answers.ok])
    late = np.sort(np.maximum(recording.dispatch_times - answers.scheduled, 0.0))
    quantiles = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    return {
        "good": int(answers.ok.sum()),
        "failed": int((~answers.ok).sum()),
        "quantiles": {name: quantile(response, q) for name, q in quantiles.items()} if len(response) else {},
        "more": {
            "unsent": answers.count([Kind.UNSENT, Kind.LOCAL]),
            "late_p50": quantile(late, 0.5) if len(late) else None,
            "late_p99": quantile(late, 0.99) if len(late) else None,
            "priority_raised": bool(recording.notes.get("priority_raised")),
            "examples": {kind.label: text for kind, text in recording.examples[0].items()},
        },
    }


if __name__ == "__main__":
    print(json.dumps(summary(measure(json.loads(sys.argv[1])))))
