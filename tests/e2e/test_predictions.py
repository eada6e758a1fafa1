"""The three ways of the page of `check` to compare predictions, with its text, its workflow and the real runner."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING

from pyarrow import fs  # type: ignore[import-untyped]

import consumer
from measure.predictions.artifacts.test_object_store import SECRET, run_store
from runner import ROOT, make_world

if TYPE_CHECKING:
    from pathlib import Path

    from github_api.server import Api
    from runner import Run, World

PAGE = ROOT / "actions" / "check" / "README.md"
HEAD = "version: 1\nservice: click-{}\n"
CALL = """\
name: ways
on: pull_request
permissions: {{}}
jobs:
{jobs}"""
JOB = """\
  {name}:
    permissions: {{actions: read, contents: read, deployments: read}}
    uses: ghmlops/ghmlops/.github/workflows/pr-gate.yml@v1
    with:
      policy: .github/{name}.yml
      service: {name}
      {setup}
"""
OTHER = """\
  other:
    permissions: {actions: read, contents: read, deployments: read}
    uses: ghmlops/ghmlops/.github/workflows/pr-gate.yml@v1
    with:
      working-directory: services/other
      service: other
      setup: exit 1
"""
PREDICT = """\
import argparse
import random
import pyarrow as pa, pyarrow.parquet as pq
parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True)
rows, luck = random.Random(7), random.Random(1)
table = {"id": [], "clicked": [], "p_click": []}
for number in range(3000):
    truth = rows.random()
    table["id"].append(number)
    table["clicked"].append(int(rows.random() < truth))
    table["p_click"].append(min(max(truth + luck.gauss(0, NOISE), 0.001), 0.999))
pq.write_table(pa.table(table), parser.parse_args().out)
"""


def blocks() -> tuple[str, str, str, str]:
    """Return the YAML of the page: the policies of (a) and (b), the workflow of (b), and the policy of (c)."""
    section = PAGE.read_text(encoding="utf-8").split("\n## Predictions\n")[1].split("\n## ")[0]
    a, b, workflow, c = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (setup,) = re.findall(r"^`(setup: .*)`\.$", section, re.MULTILINE)
    assert f"- run: {setup.removeprefix('setup: ')}\n" in workflow
    return a, b, workflow, c


def fill(world: World) -> str:
    """Write and push a repository whose policies are those of the page."""
    a, b, workflow, c = blocks()
    setup = "setup: python predict.py --out predictions.parquet"
    jobs = {name: JOB.format(name=name, setup=setup if name != "a" else "timeout-minutes: 10") for name in "abc"}
    calls = {"first.yml": [*jobs.values(), OTHER], "second.yml": [jobs["b"], jobs["c"]]}
    world.write({f".github/workflows/{file}": CALL.format(jobs="".join(calls[file])) for file in calls})
    world.write({f".github/{name}.yml": HEAD.format(name) + text for name, text in zip("abc", (a, b, c), strict=True)})
    paths = "paths: [services/other/**]\n"
    world.write({"services/other/.github/ghmlops.yml": HEAD.format("other") + paths + a})
    world.write({".github/workflows/predictions.yml": workflow})
    world.write({"predict.py": PREDICT.replace("NOISE", "0.005"), "requirements.txt": "", ".gitignore": "*.parquet\n"})
    return world.commit("Start")


def measure(
    world: World, api: Api, base: str, number: int, noise: str, files: dict[str, str]
) -> tuple[Run, dict[str, dict[str, str]]]:
    """Open a pull request whose model has this error; return its run, and the outcomes of each policy's findings.

    The evidence is the file of each policy that `files` names.
    """
    world.git("switch", "--quiet", "--create", f"topic-{number}", base)
    world.write({"predict.py": PREDICT.replace("NOISE", noise)})
    head = world.commit("Change")
    request = {"number": number, "head_sha": head, "head_ref": f"topic-{number}", "base_sha": base, "base_ref": "main"}
    run = {"id": number, "head_sha": head, "head_branch": f"topic-{number}", "event": "pull_request"}
    api.seed(pull_requests=[request], runs=[{**run, "status": "in_progress", "conclusion": None}])
    payload = consumer.pull_request(number, head, base)
    workflow = "first.yml" if "a" in files else "second.yml"
    done = world.run("pull_request", workflow, payload, run_id=number, api=api.url)
    outcomes = {}
    for name, file in files.items():
        uploaded = (number, f"ghmlops-evidence-{name}.check-1")
        (artifact,) = (a for a in api.state.artifacts if (a["run_id"], a["name"]) == uploaded)
        with zipfile.ZipFile(io.BytesIO(artifact["zip"])) as archive:
            evidence = json.loads(archive.read(file))
        outcomes[name] = {finding["id"]: finding["outcome"] for finding in evidence["findings"]}
    return done, outcomes


def test_three_ways(tmp_path: Path, api: Api) -> None:
    """Way (a) passes; without a baseline, (b) and (c) are a first run, never an error; with one, a worse model fails.

    Another service of the repository, in its folder, is not affected: it is not even set up, and passes.
    """
    with run_store("moto_server", "--host=127.0.0.1") as address:
        keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
        environment = {"AWS_ENDPOINT_URL": address, "AWS_REGION": "us-east-1", **keys}
        world = make_world(tmp_path / "w", environment=environment)
        base = fill(world)
        settings = {"endpoint_override": address, "access_key": keys["AWS_ACCESS_KEY_ID"], "secret_key": SECRET}
        store = fs.S3FileSystem(**settings, region="us-east-1", allow_bucket_creation=True)
        store.create_dir("bucket")
        first = {**dict.fromkeys("abc", "regression.json"), "other": "check.json"}
        done, outcomes = measure(world, api, base, 4241, "0.0051", first)
        assert done.code == 0, done.text
        assert outcomes["other"] == {"not-affected": "pass"}
        assert set(outcomes["a"].values()) == {"pass"}
        assert (outcomes["b"], outcomes["c"]) == ({"no-baseline": "warn"}, {"no-baseline": "warn"})

        world.git("switch", "--quiet", "main")
        run = {"id": 4100, "head_sha": base, "head_branch": "main", "event": "push"}
        api.seed(runs=[{**run, "status": "completed", "conclusion": "success"}])
        pushed = world.run("push", "predictions.yml", consumer.push(base, "0" * 40), run_id=4100, api=api.url)
        assert pushed.jobs == {"predict": "success"}, pushed.text
        (artifact,) = (a for a in api.state.artifacts if a["name"] == "predictions")
        with zipfile.ZipFile(io.BytesIO(artifact["zip"])) as archive:
            content = archive.read("predictions.parquet")
        with store.open_output_stream("bucket/predictions/main/part.parquet") as stream:
            stream.write(content)
        done, outcomes = measure(world, api, base, 4242, "0.5", dict.fromkeys("bc", "regression.json"))
        assert done.code == 1, done.text
        assert {name: outcome["regression-auc"] for name, outcome in outcomes.items()} == dict.fromkeys("bc", "fail")
