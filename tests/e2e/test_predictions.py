"""The three ways of the page of `check` to compare predictions, with its text, its workflow and the real runner.

The first one builds its commits, and restores the build of the default branch from the cache.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import quote

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
BUILD = """\
preview:
  build: cp requirements.txt built.txt
  command: "python3 -m http.server --bind 127.0.0.1 {port}"
"""
GOOD, BETTER, BAD = "0.005", "0.0051", "0.5"
"""Errors of models: the baseline's, and two changes."""
CALL = """\
name: ways
on: [push, pull_request]
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
    texts = {"a": BUILD + a, "b": b, "c": c, "first": b.replace("artifact:predictions@", "artifact:absent@")}
    jobs = {name: JOB.format(name=name, setup=setup if name != "a" else "timeout-minutes: 10") for name in texts}
    ways = [jobs[name] for name in "abc"]
    calls = {"push.yml": ways[:1], "good.yml": [*ways, jobs["first"], OTHER], "bad.yml": ways}
    world.write({f".github/workflows/{file}": CALL.format(jobs="".join(calls[file])) for file in calls})
    world.write({f".github/{name}.yml": HEAD.format(name) + text for name, text in texts.items()})
    paths = "paths: [services/other/**]\n"
    world.write({"services/other/.github/ghmlops.yml": HEAD.format("other") + paths + a})
    world.write({".github/workflows/predictions.yml": workflow})
    world.write(
        {"predict.py": PREDICT.replace("NOISE", GOOD), "requirements.txt": "", ".gitignore": "*.parquet\nbuilt.txt\n"}
    )
    return world.commit("Start")


def push(world: World, api: Api, base: str, number: int, workflow: str) -> Run:
    """Run a workflow for the push of a commit to the default branch."""
    run = {"id": number, "head_sha": base, "head_branch": "main", "event": "push", "status": "completed"}
    api.seed(runs=[{**run, "conclusion": "success"}])
    return world.run("push", workflow, consumer.push(base, "0" * 40), run_id=number, api=api.url)


def upload(world: World, api: Api, base: str, store: fs.S3FileSystem) -> None:
    """Run the workflow that uploads predictions as an artifact, and copy them to the store."""
    pushed = push(world, api, base, 4100, "predictions.yml")
    assert pushed.jobs == {"predict": "success"}, pushed.text
    (artifact,) = (a for a in api.state.artifacts if a["name"] == "predictions")
    with zipfile.ZipFile(io.BytesIO(artifact["zip"])) as archive:
        content = archive.read("predictions.parquet")
    store.create_dir("bucket")
    with store.open_output_stream("bucket/predictions/main/part.parquet") as stream:
        stream.write(content)


def save_build(world: World, api: Api, base: str) -> Path:
    """Run the gate for the push of a commit; return what it saved in the cache."""
    pushed = push(world, api, base, 4101, "push.yml")
    assert pushed.jobs["ghmlops pull-request gate/Build"] == "success", pushed.text
    (saved,) = (world.folder / "caches" / quote("refs/heads/main", safe="")).iterdir()
    return saved


def poison(world: World, api: Api, saved: Path, number: int) -> None:
    """Save the bad model under the same key, as a run of the pull request can do it for its reference."""
    folder = world.folder / "poison"
    with tarfile.open(saved) as archive:
        archive.extractall(folder, filter="fully_trusted")  # noqa: S202  (written by the double)
    (model,) = folder.glob("*/tree/predict.py")
    model.write_text(PREDICT.replace("NOISE", BAD))
    reference = f"refs/pull/{number}/merge"
    target = world.folder / "caches" / quote(reference, safe="") / saved.name
    target.parent.mkdir()
    with tarfile.open(target, "w") as archive:
        archive.add(folder, arcname=".")
    api.seed(caches=[{"key": saved.name, "ref": reference}])


def measure(
    world: World, api: Api, base: str, number: int, noise: str, workflow: str, files: dict[str, str]
) -> tuple[Run, dict[str, dict[str, str]]]:
    """Open a pull request whose model has this error; return its run, and the outcomes of each policy's findings.

    The evidence is the file of each policy that `files` names. The machine is a fresh one.
    """
    shutil.rmtree(world.folder / "builds", ignore_errors=True)
    world.git("switch", "--quiet", "--create", f"topic-{number}", base)
    world.write({"predict.py": PREDICT.replace("NOISE", noise)})
    head = world.commit("Change")
    request = {"number": number, "head_sha": head, "head_ref": f"topic-{number}", "base_sha": base, "base_ref": "main"}
    run = {"id": number, "head_sha": head, "head_branch": f"topic-{number}", "event": "pull_request"}
    api.seed(pull_requests=[request], runs=[{**run, "status": "in_progress", "conclusion": None}])
    payload = consumer.pull_request(number, head, base)
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
    """Each way passes a good change and fails a bad one; a first run without a baseline is no error.

    Another service of the repository, in its folder, is not affected: it is not even set up, and passes. The baseline
    of (a) is restored from the cache of the default branch, and built where a pull request has saved the same key.
    """
    with run_store("moto_server", "--host=127.0.0.1") as address:
        keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
        environment = {"AWS_ENDPOINT_URL": address, "AWS_REGION": "us-east-1", **keys}
        world = make_world(tmp_path / "w", environment=environment, installs=False)
        base = fill(world)
        settings = {"endpoint_override": address, "access_key": keys["AWS_ACCESS_KEY_ID"], "secret_key": SECRET}
        upload(world, api, base, fs.S3FileSystem(**settings, region="us-east-1", allow_bucket_creation=True))
        saved = save_build(world, api, base)

        files = dict.fromkeys(("a", "b", "c", "first"), "regression.json") | {"other": "check.json"}
        done, outcomes = measure(world, api, base, 4241, BETTER, "good.yml", files)
        assert done.code == 0, done.text
        assert outcomes["other"] == {"not-affected": "pass"}
        assert outcomes["first"] == {"no-baseline": "warn"}
        assert {outcome for name in "abc" for outcome in outcomes[name].values()} == {"pass"}
        assert "was restored from the cache" in done.text

        poison(world, api, saved, 4242)
        done, outcomes = measure(world, api, base, 4242, BAD, "bad.yml", dict.fromkeys("abc", "regression.json"))
        assert done.code == 1, done.text
        assert {name: outcome["regression-auc"] for name, outcome in outcomes.items()} == dict.fromkeys("abc", "fail")
        assert "Cache restored" not in done.text
        assert "the baseline is built" in done.text
