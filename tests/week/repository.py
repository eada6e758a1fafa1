"""The repository of the week: a service, what its changes are, its policies and its workflows."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import yaml

from declared import callers_workflow, documented_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner import World

SERVICE = '''\
"""A service: answers each request with a score, at most five at a time."""
import argparse
import asyncio
import json
import math

SECONDS = 0.030
SLOTS = asyncio.Semaphore(5)
with open("weights.json") as file:
    WEIGHTS = json.load(file)


def score(row):
    x, y = row["features"]
    return 1 / (1 + math.exp(-(WEIGHTS["bias"] + WEIGHTS["x"] * x + WEIGHTS["y"] * y)))


async def features():
    async with SLOTS:
        await asyncio.sleep(SECONDS)  # they come from a store


async def answer(method, body):
    if method != b"POST":
        return {"ready": True}
    await features()
    return {"p_click": score(json.loads(body))}


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            _, separator, rest = head.partition(b"content-length:")
            body = await reader.readexactly(int(rest.split(b"\\r\\n")[0])) if separator else b""
            data = json.dumps(await answer(head.split(b" ")[0].upper(), body)).encode()
            start = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n"
            writer.write(start % len(data) + data)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client closed the connection
    finally:
        writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    server = await asyncio.start_server(serve, "127.0.0.1", parser.parse_args().port, backlog=1024)
    await server.serve_forever()


asyncio.run(main())
'''
_FEATURES = """\
async def features():
    async with SLOTS:
        await asyncio.sleep(SECONDS)  # they come from a store
"""
FASTER = SERVICE.replace("SECONDS = 0.030", "SECONDS = 0.027")
"""The first good change."""
ROUNDED = FASTER.replace('{"p_click": score(json.loads(body))}', '{"p_click": round(score(json.loads(body)), 6)}')
"""The second good change."""
CROWDED = (
    ROUNDED.replace("import asyncio\n", "import asyncio\nimport collections\n")
    .replace("SLOTS =", "CACHED = collections.deque()\nSLOTS =")
    .replace(
        _FEATURES,
        """\
async def features():
    now = asyncio.get_running_loop().time()
    while CACHED and CACHED[0] < now - 1:
        CACHED.popleft()
    CACHED.append(now)
    # The cache holds the rows of a second. More than 85 do not fit, and are computed again.
    is_full = len(CACHED) > 85
    async with SLOTS:
        await asyncio.sleep(SECONDS)
    await asyncio.sleep(3 * SECONDS if is_full else 0)
""",
    )
)
"""The bad change: as fast as before up to 85 requests in a second, and slow beyond, though it answers them all.

What it costs depends on the demand alone. If it depended on the requests that wait, slow answers would cause more of
them: noise that lasts for hundreds of requests, of which no paired verdict can say that it is not chance.
"""
SLOW_UPSTREAM = ROUNDED.replace("SECONDS = 0.027", "SECONDS = 0.09")
"""No change of the repository: what the service is like while the store of the features is slow."""

TRAIN = '''\
"""Fits the weights to the outcomes of the last days, by Newton's method."""
import glob
import json
import math
import sys

days = int(sys.argv[1])
labels = {}
for line in open("outcomes.jsonl"):
    row = json.loads(line)
    labels[row["request_id"]] = row["clicked"]
rows = []
for name in sorted(glob.glob("logs/*.jsonl"))[-days:]:
    for line in open(name):
        row = json.loads(line)
        if row["request_id"] in labels:
            rows.append((1.0, *row["request"]["features"], labels[row["request_id"]]))
w = [0.0, 0.0, 0.0]
for _ in range(8):
    gradient, hessian = [0.0] * 3, [[1e-6 * (i == j) for j in range(3)] for i in range(3)]
    for *x, label in rows:
        p = 1 / (1 + math.exp(-sum(a * b for a, b in zip(w, x))))
        for i in range(3):
            gradient[i] += x[i] * (label - p)
            for j in range(3):
                hessian[i][j] += x[i] * x[j] * p * (1 - p)
    for i in range(3):  # Gaussian elimination
        for k in range(i + 1, 3):
            f = hessian[k][i] / hessian[i][i]
            hessian[k] = [a - f * b for a, b in zip(hessian[k], hessian[i])]
            gradient[k] -= f * gradient[i]
    step = [0.0] * 3
    for i in (2, 1, 0):
        step[i] = (gradient[i] - sum(hessian[i][j] * step[j] for j in range(i + 1, 3))) / hessian[i][i]
    w = [a + b for a, b in zip(w, step)]
with open("weights.json", "w") as file:
    json.dump({"bias": round(w[0], 4), "x": round(w[1], 4), "y": round(w[2], 4)}, file)
print(f"trained on {len(rows)} requests: {w}")
'''
WEIGHTS = {"bias": -1.0, "x": 2.0, "y": 0.0}
"""Weights of the model of the start."""
QUIET, PEAK = "{poisson: 55/s, duration: 23.4s, warmup: 0.5s}", "{poisson: 110/s, duration: 20.6s, warmup: 0.5s}"
"""Arrivals at which the gate measures, and those of an evening, at which an alarm is confirmed."""
POLICY = """\
version: 1
service: click-scorer
preview: {{command: "python3 serve.py --port {{port}}", ready: /healthz, timeout: 30s}}
latency:
  request: {{method: POST, path: /predict, headers: {{content-type: application/json}}, timeout: 5s}}
  payloads: requests.jsonl
  arrivals: {arrivals}
  margins: {{p50: {{fail: 10%, safe: 60%}}, p95: {{fail: 20%, safe: 100%}}, p99: {{fail: 50%, safe: 100%}}}}
  slo: {{p90: 400ms, errors: 1%}}
capacity: {{slo: {{p90: 100ms}}, start: 60/s, most: 480/s, probe: 2s, warmup: 0.5s, resolution: 20%, budget: 40s}}
gate: {{environment: production, require: [latency]}}
promote:
  ladder: [20%, 100%]
  rung: {{min-requests: 20, max-duration: 60s, settle: 20s, bake: 0.5s}}
  judge: {{errors: 1%, latency: "off"}}
  watch: 1s
{router}\
watch:
  metrics:
    - {{name: p50, log: {{files: "logs/*.jsonl", time: ts, every: 1h, statistic: p50, value: seconds}}}}
  on: {{alarm: confirm, confirmed: rollback-else-revert}}
  workflows: {{watch: watch.yml, confirm: confirm.yml, rollback: undo.yml}}
  limits: {{freeze-file: .github/freeze}}
scale:
  capacity: {{evidence: capacity.json, accept: [other-commit]}}
  prometheus: {prometheus}
  demand: {{prometheus: "demand", every: 5m, history: 7d, lead: 5m, stale: 15m}}
  target: {{command: {{get: "cat {replicas}", set: "sh -c 'echo {{replicas}} >{replicas}'", timeout: 5s}}}}
  limits: {{min: 4, max: 12, step-up: 2x, step-down: 25%}}
  headroom: 5%
  mode: apply
harvest:
  traffic: {{files: "logs/*.jsonl", id: request_id, time: ts, body: request, score: response.p_click}}
  keep: {{fields: [device, country, features], slices: [device, country], rows: 500}}
  outcomes: {{file: outcomes.jsonl, key: request_id, label: clicked, time: at, mature: 24h}}
  retrain: {{cost: {{retrain: 5, point-of-auc-per-day: 1}}, dispatch: retrain.yml}}
history: {{page: {{stale: 36h}}}}
"""
IGNORED = "logs/\ncapacity.json\noutcomes.jsonl\ndata/\nevidence/\nrecords/\nrecord*.json\nverdict.json\ndashboard/\n"
SETUP = 'cp -r "$WEEK_DATA/logs" "$WEEK_DATA/outcomes.jsonl" .'
"""Command of the workflows that gets the logs of production."""
ON_RUNNER = """runs-on: '["self-hosted", "linux"]'"""
RETRAIN = """\
name: retrain
run-name: retrain ${{ inputs.request }}
on:
  workflow_dispatch:
    inputs: {request: {required: true, type: string}}
permissions: {}
jobs:
  train:
    runs-on: ubuntu-latest
    permissions: {contents: write}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - run: |
          SETUP
          python3 train.py 3
          git -c user.name=bot -c user.email=bot@example.org commit --quiet --message "Train again" -- weights.json
          git push --quiet origin HEAD:main
"""


def rollback_and_revert() -> str:
    """Return the documented workflow that returns the traffic, with the documented jobs that revert after it.

    The claim of the first job is about both: after the rollback, the deployment counts as undone already.
    """
    text = documented_workflow("ghmlops rollback", "actions/watch").replace(ON_RUNNER, "policy: .github/ghmlops.yml")
    revert = documented_workflow("ghmlops revert", "actions/revert")
    steps = yaml.safe_load(revert)["jobs"]["revert"]
    steps["steps"] = [step for step in steps["steps"] if step.get("id") != "claim"]
    for step in steps["steps"]:
        step.pop("if", None)
    job = yaml.safe_dump({"revert": {"needs": ["claim", "rollback"], **steps}}, sort_keys=False, width=1000)
    return text + "".join(f"  {line}\n" for line in job.splitlines())


def workflows() -> dict[str, str]:
    """Return the workflows that the pages and the heads of the reusable ones show, on the runner of the tests."""
    watch = callers_workflow("watch.yml").replace("setup: ./download-logs.sh logs", f"setup: '{SETUP}'")
    confirm = callers_workflow("watch-confirm.yml").replace(
        "setup: python3 -m pip install -r requirements.txt", "policy: .github/peak.yml"
    )
    harvest = documented_workflow("ghmlops harvest", "actions/harvest").replace("./download-logs.sh logs", SETUP)
    return {
        "promote.yml": callers_workflow("promote.yml").replace(ON_RUNNER, "history: true"),
        "watch.yml": watch,
        "confirm.yml": confirm.replace("name: caller\n", "", 1),
        "undo.yml": rollback_and_revert(),
        "harvest.yml": harvest,
        "retrain.yml": RETRAIN.replace("SETUP", SETUP),
        "deploy.yml": "name: deploy\non: workflow_dispatch\npermissions: {}\njobs: {}\n",
    }


def payloads(count: int = 160) -> list[dict[str, object]]:
    """Return requests of two devices and three countries."""
    rng = random.Random(1)  # noqa: S311  (reproducible)
    return [
        {
            "device": "tv" if index % 20 == 0 else rng.choice(["phone", "desktop"]),
            "country": rng.choice(["DE", "FR", "PL"]),
            "features": [round(rng.gauss(0.0, 1.0), 4), round(rng.gauss(0.0, 1.0), 4)],
        }
        for index in range(count)
    ]


def fill(world: World, source: str, values: Mapping[str, object]) -> str:
    """Write and push the first commit, with this service and these values in the policies; return it."""
    world.write({f".github/workflows/{name}": text for name, text in workflows().items()})
    world.write(
        {
            ".github/ghmlops.yml": POLICY.format(arrivals=QUIET, **values),
            ".github/peak.yml": POLICY.format(arrivals=PEAK, **values),
            ".gitignore": IGNORED,
            "serve.py": source,
            "train.py": TRAIN,
            "weights.json": json.dumps(WEIGHTS),
            "requests.jsonl": "".join(json.dumps(row) + "\n" for row in payloads()),
        }
    )
    return world.commit("Start")
