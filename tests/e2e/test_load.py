"""Load from a matrix of four machines on one service of a repository, with every request sent once."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, Any

import scoring_service
from ghmlops.core.details import LatencyDetails, MergeShardsDetails
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.latency.interval_log import total_histograms
from ghmlops.measure.evidence import decode
from typed_details import details_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner import World

SHARDS = 4
LEAD = 15
REQUESTS, WARMUP, ROWS = 1200, 300, 1600
POLICY = """\
version: 1
service: click-scorer
latency:
  request: {method: POST, path: /predict, headers: {content-type: application/json}}
  payloads: rows.jsonl
  arrivals: {constant: 300/s, duration: 4s, warmup: 1s}
  slo: {p90: 5s, errors: 20%}
"""
LOAD = """\
name: load
on: workflow_dispatch
permissions: {}
jobs:
  load:
    permissions:
      contents: read
    uses: ghmlops/ghmlops/.github/workflows/load.yml@v1
    with:
      url: URL
      working-directory: services/scorer
      service: scorer
      shards: SHARDS
      lead: LEAD
      fail-on: fail
  after:
    needs: load
    if: always()
    runs-on: ubuntu-latest
    steps:
      - env:
          OUTCOME: ${{ needs.load.outputs.outcome }} ${{ needs.load.outputs.reason-code }}
          ARTIFACT: ${{ needs.load.outputs.artifact }}
          SHARDS: ${{ needs.load.outputs.shards }}
        run: printf '%s\\n' "$OUTCOME" "$ARTIFACT" "$SHARDS" >>"$GITHUB_STEP_SUMMARY"
"""


def artifact(world: World, run_id: int, name: str) -> dict[str, bytes]:
    """Return the files of an artifact on the runner's server."""
    (file,) = (p for p in (world.folder / "art" / str(run_id)).rglob("*.zip") if name in str(p))
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        return {entry: archive.read(entry) for entry in archive.namelist()}


def read(files: dict[str, bytes], name: str) -> Evidence:
    return decode(files[name], Evidence, "ghmlops/evidence/v1", name)


def bodies(log: Path) -> Counter[str]:
    """Return the number of times that the service received each body."""
    return Counter(line.partition(" ")[2] for line in log.read_text(encoding="utf-8").splitlines())


def test_four_machines_send_one_schedule(world: World, tmp_path: Path) -> None:
    """Besides the first request of each shard, the service receives each request of the schedule once; counts are sums.

    A machine that needs more than the lead to prepare starts late; the verdict then names its shard.
    """
    rows = "".join(json.dumps({"row": n}) + "\n" for n in range(ROWS))
    world.write({"services/scorer/.github/ghmlops.yml": POLICY, "services/scorer/rows.jsonl": rows})
    for attempt in range(3):  # repeated if this machine was too busy for a generator
        log, run_id = tmp_path / f"log-{attempt}", 7000 + attempt
        with scoring_service.started("--delay", "0.002", "--log", str(log)) as url:
            workflow = LOAD.replace("URL", url).replace("SHARDS\n", f"{SHARDS}\n").replace("LEAD", str(LEAD))
            world.write({".github/workflows/load.yml": workflow})
            world.commit("Load")
            run = world.run("workflow_dispatch", "load.yml", run_id=run_id)
        if "the generator was the limit" not in run.text:
            break
    assert {"ghmlops load/Plan", "ghmlops load/Merge"} <= set(run.jobs), run.text
    first_requests = Counter({json.dumps({"row": 0}): SHARDS})  # one of each shard, before its load
    assert Counter(dict.fromkeys(scheduled_bodies(), 1)) + first_requests == bodies(log), run.text

    files = artifact(world, run_id, "ghmlops-evidence-scorer.load-1")
    merged = read(files, "latency.json")
    parts = [shard_evidence(world, run_id, number) for number in range(1, SHARDS + 1)]
    assert details_of(merged, MergeShardsDetails).judged_per_arm == REQUESTS
    shards = [details_of(part, LatencyDetails) for part in parts]
    assert sum(shard.judged_per_arm for shard in shards) == REQUESTS
    response = next(m for m in merged.measurements if m.id == "response-time")
    assert response.n == sum(m.n for p in parts for m in p.measurements if m.id == "response-time")
    assert response.n == total_histograms(files["latency.hlog"])["candidate"].total

    late = [n for n, shard in enumerate(shards, start=1) if (shard.generator.started_late_s or 0.0) > 1.0]
    first = next(f for f in merged.findings if f.id == "shards")
    tripped = [p for p in parts if p.outcome.value == "error"]
    assert ("error" if tripped else "inconclusive" if late else "pass") == first.outcome.value
    assert all(f"{n} (" in first.reason for n in late)
    outputs = run.summaries.get("after", "").split()
    expected: list[Any] = [merged.outcome.value, merged.reason_code, "ghmlops-evidence-scorer.load-1", str(SHARDS)]
    assert outputs == expected or merged.outcome.value in ("error", "fail"), run.text


def scheduled_bodies() -> set[str]:
    """Return the payloads of the schedule: judged requests use them from the first on, the warm-up the last ones."""
    return {json.dumps({"row": n}) for n in [*range(REQUESTS), *range(ROWS - WARMUP, ROWS)]}


def shard_evidence(world: World, run_id: int, number: int) -> Evidence:
    """Return the evidence that one machine uploaded."""
    files = artifact(world, run_id, f"ghmlops-shard-1-{number}-of-{SHARDS}-scorer.load")
    assert sorted(files) == [f"latency-shard-{number}-of-{SHARDS}.{ending}" for ending in ("hlog", "json")]
    return read(files, f"latency-shard-{number}-of-{SHARDS}.json")
