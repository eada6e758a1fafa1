"""The same faults beside Schemathesis: what an OpenAPI description alone shows of them.

Schemathesis asks one service and knows no baseline. Of its failures, only kinds count that the unchanged service does
not have, so that a description that is too generous is not taken for a fault.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.syntheticbench.faults import FAULTS, SERVING
from bench.syntheticbench.runs import make
from bench.syntheticbench.services import serving

if TYPE_CHECKING:
    import argparse

    from bench.syntheticbench.services import Service

EXAMPLES = 40
"""Examples per phase, which are some hundred requests."""


def describe(service: Service) -> dict[str, Any]:
    """Return an OpenAPI description of a service, as its author would write it from the payloads."""
    properties: dict[str, dict[str, Any]] = {}
    for name in service.rows[0]:
        values = [row[name] for row in service.rows if row[name] is not None]
        nullable = len(values) < len(service.rows)
        if isinstance(values[0], str):
            kind: dict[str, Any] = {"type": "string", "maxLength": max(map(len, values))}
            if name == "time_hour":
                kind = {"type": "string", "format": "date-time"}
            elif len(set(values)) <= 20:
                kind = {"type": "string", "enum": sorted(set(values))}
        else:
            whole = all(isinstance(value, int) for value in values)
            kind = {"type": "integer" if whole else "number"}
        properties[name] = {"anyOf": [kind, {"type": "null"}]} if nullable else kind
    row = {"type": "object", "properties": properties, "required": list(properties)}
    body = {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": row, "minItems": 1, "maxItems": 8}},
        "required": ["instances"],
    }
    answer = {"type": "object", "properties": {"predictions": {"type": "array"}}, "required": ["predictions"]}
    operation = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "scores", "content": {"application/json": {"schema": answer}}},
            "422": {"description": "refused", "content": {"application/json": {"schema": {"type": "object"}}}},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": service.name, "version": "1"},
        "paths": {"/predict": {"post": operation}},
    }


def failures_of(service: Service, command: str, seed: int) -> set[str]:
    """Return the kinds of failures that Schemathesis reports about a service."""
    with tempfile.TemporaryDirectory() as name, serving(service) as url:
        Path(name, "openapi.json").write_text(json.dumps(describe(service)))
        argv = [*shlex.split(command), "run", "openapi.json", "--url", url, "--max-examples", str(EXAMPLES)]
        argv += ["--seed", str(seed), "--no-color", "--continue-on-failure"]
        done = subprocess.run(argv, cwd=name, capture_output=True, text=True, check=False, timeout=300)
    if "Test Phases:" not in done.stdout:
        raise RuntimeError(f"Schemathesis did not run: {done.stdout[-500:]}{done.stderr[-500:]}")
    return set(re.findall(r"^- (ST\d+ .+)$", done.stdout, re.MULTILINE))


def compare(arguments: argparse.Namespace) -> bool:
    """Print which of the faults Schemathesis shows; there is no goal."""
    usual = {}
    hits = {True: [0, 0], False: [0, 0]}
    started, runs = time.monotonic(), 0
    for fault in FAULTS[:: arguments.every]:
        if fault.service not in usual:
            usual[fault.service] = failures_of(make(fault.service), arguments.schemathesis, arguments.seed)
            print(f"unchanged {fault.service}: {sorted(usual[fault.service]) or 'no failure'}", flush=True)
        more = (
            failures_of(make(fault.service, fault.patch), arguments.schemathesis, arguments.seed) - usual[fault.service]
        )
        counts = hits[fault.family in SERVING]
        counts[0] += bool(more)
        counts[1] += 1
        runs += 1
        print(f"{fault.family:14} {fault.what:40} {fault.service:9} {', '.join(sorted(more)) or '-'}", flush=True)
    seconds = (time.monotonic() - started) / (runs + len(usual))
    print(
        f"Schemathesis: {hits[True][0]} of {hits[True][1]} serving faults, {hits[False][0]} of {hits[False][1]} "
        f"others; {seconds:.1f} s per service"
    )
    return True
