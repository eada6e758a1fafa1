"""`ghmlops scale` on real files, a real Prometheus and a target of its own commands."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from capacity_evidence import capacity_evidence
from ghmlops.act.evidence import encode
from ghmlops.act.targets.scaling import open_service
from ghmlops.cli import main
from ghmlops.core.evidence.document import ComparedPart, Evidence
from ghmlops.core.history.lock import Holder, Lock, encode_lock, lock_path
from ghmlops.core.history.place import encode_record, record_path
from ghmlops.core.history.reading import decode_record
from ghmlops.core.history.record import ScaleRecord
from ghmlops.core.model import Measurement
from ghmlops.core.policy.production.scale import ScaledBackend
from ghmlops.core.policy.promote import Prometheus
from ghmlops.measure.telemetry.prometheus import PrometheusSource
from git_scene import Scene, make_scene
from github_api.server import running
from haproxy_router import needs_haproxy, running_haproxy
from history_records import deployment
from kubernetes_api import needs_kubernetes
from kubernetes_scene import ARMS, shop
from prometheus_server import needs_prometheus, running_prometheus

POLICY = """\
version: 1
service: scorer
scale:
  capacity: {{evidence: capacity.json, max-age: 3650d, accept: [{accept}]}}
  demand: {demand}
  limits: {{min: {low}, max: 40}}
  headroom: 0%
{more}
"""
TARGET = """\
  target: {command: {get: cat replicas, set: "sh set.sh {replicas}", timeout: 5s}}
"""
FIXED = "{rate: 400/s}"


class Place:
    """A repository with a policy, capacity evidence of its commit and a service with replicas."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.folder = scene, scene.work.folder
        (self.folder / "set.sh").write_text('echo "$1" >>calls; echo "$1" >replicas\n')
        self.replicas = 4
        self.capacity()

    @property
    def replicas(self) -> int:
        """Replicas of the service."""
        return int((self.folder / "replicas").read_text())

    @replicas.setter
    def replicas(self, count: int) -> None:
        (self.folder / "replicas").write_text(f"{count}\n")

    def calls(self) -> int:
        """Return how often replicas were set."""
        file = self.folder / "calls"
        return len(file.read_text().split()) if file.exists() else 0

    def capacity(self, low: float = 100.0, **provenance: Any) -> None:
        """Write the evidence of a capacity of one replica, of the commit of the checkout."""
        evidence = capacity_evidence(low, low * 1.1)
        values = {"head_sha": self.scene.work.git("rev-parse", "HEAD").strip(), **provenance}
        evidence = msgspec.structs.replace(evidence, provenance=msgspec.structs.replace(evidence.provenance, **values))
        (self.folder / "capacity.json").write_bytes(encode(evidence))

    def policy(self, demand: str = FIXED, more: str = TARGET, accept: str = "", low: int = 1) -> None:
        """Write the policy."""
        (self.folder / "policy.yml").write_text(POLICY.format(demand=demand, more=more, accept=accept, low=low))

    def cold_start(self, seconds: float) -> None:
        """Write the evidence of a measured start."""
        started = Measurement(id="startup-time", arm="candidate", unit="s", n=1, values={"seconds": seconds})
        evidence = msgspec.structs.replace(
            capacity_evidence(1.0), command="preview", details=None, measurements=[started]
        )
        (self.folder / "preview.json").write_bytes(encode(evidence))

    def evidence(self) -> Any:
        """Return the evidence as JSON."""
        return json.loads((self.folder / "evidence/scale.json").read_text())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return the repository, in which the command runs."""
    scene = make_scene(tmp_path)
    monkeypatch.chdir(scene.work.folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_SHA", "GHMLOPS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in scene.work.environ.items():
        monkeypatch.setenv(name, value)
    result = Place(scene)
    result.policy()
    return result


def run(*args: str) -> int:
    """Run the command."""
    return main(["scale", "--policy", "policy.yml", *args])


def test_a_plan_sets_nothing(place: Place) -> None:
    """It says what is present, what is needed and what was assumed; evidence of the schema is written."""
    place.replicas = 2
    assert run() == 0
    evidence = place.evidence()
    assert (evidence["outcome"], evidence["reason_code"]) == ("warn", "scale-up")
    details = evidence["details"]
    assert (details["present"], details["replicas"], details["applied"], details["usable"]) == (2, 4, False, 100.0)
    assert {row["what"].split()[0] for row in evidence["not_measured"]} >= {"what", "whether"}
    assert place.calls() == 0
    msgspec.json.decode((place.folder / "evidence/scale.json").read_bytes(), type=Evidence)


def test_a_schedule_of_watch_that_is_dead_is_not_measured(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever GitHub says, the replicas are set before; nothing looks without a section `watch`."""
    place.replicas = 2
    assert run("--mode", "apply") == 0
    assert (place.replicas, not_watched(place)) == (4, [])
    text = (place.folder / "policy.yml").read_text()
    watched = "watch: {metrics: [{name: p95, log: {files: a.csv, time: t, value: v}}], workflows: {watch: watch.yml}}"
    (place.folder / "policy.yml").write_text(text + watched + "\n")
    assert run() == 0
    assert not_watched(place) == ["unknown"]
    with running({"repositories": {"acme/shop": {}}}) as api:
        variables = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": api.url, "GHMLOPS_TOKEN": "t"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        place.replicas = 2
        assert run("--mode", "apply") == 0
        assert (place.replicas, not_watched(place)) == (4, ["dead"])
        row = {"id": 9, "head_sha": "a" * 40, "event": "schedule", "path": ".github/workflows/watch.yml"}
        api.seed(runs=[{**row, "created_at": f"{datetime.now(UTC):%FT%TZ}"}])
        assert run() == 0
        assert not_watched(place) == []
        api.seed(faults=[{"kind": "status", "method": "GET", "path": "watch.yml/runs$", "status": 403, "times": 9}])
        assert run() == 0
        assert not_watched(place) == ["unknown"]


def not_watched(place: Place) -> list[str]:
    """Return what the evidence says about the schedule of `watch`."""
    names = {"production": "dead", "whether `watch` still runs": "unknown"}
    return [names[row["what"]] for row in place.evidence()["not_measured"] if row["what"] in names]


def test_manifests_are_written_with_the_measured_target(place: Place) -> None:
    """The number is that of the evidence."""
    place.policy(more="  manifest: {deployment: scorer, namespace: prod}")
    assert run("--manifests", "out") == 0
    hpa = yaml.safe_load((place.folder / "out/hpa.yaml").read_text())
    assert hpa["spec"]["metrics"][0]["external"]["target"]["averageValue"] == "100000m"
    assert place.evidence()["details"]["manifests"]["hpa"] == (place.folder / "out/hpa.yaml").read_text()


def test_manifests_stay_at_the_peak_of_the_capacity(place: Place) -> None:
    """4 replicas carry less than 1: no autoscaler may add a second one."""
    place.capacity(90.0)
    (place.folder / "capacity.json").rename(place.folder / "four.json")
    place.capacity(100.0)
    place.policy("{rate: 60/s}", "  manifest: {deployment: scorer, namespace: prod}")
    text = (place.folder / "policy.yml").read_text()
    files = "evidence: [capacity.json, {file: four.json, replicas: 4}]"
    (place.folder / "policy.yml").write_text(text.replace("evidence: capacity.json", files))
    assert run("--manifests", "out") == 0
    hpa = yaml.safe_load((place.folder / "out/hpa.yaml").read_text())
    assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (1, 1)
    assert hpa["spec"]["metrics"][0]["external"]["target"]["averageValue"] == "100000m"
    assert place.evidence()["details"]["replicas"] == 1


def test_a_change_of_replicas_is_left_for_the_history(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """With both numbers, the demand, the capacity, and the digests of the evidence; the task `append` adds it."""
    place.replicas = 3
    file = place.folder / "records/scale.json"
    assert run("--record-file", "records/scale.json") == 0
    record = decode_record(file.read_bytes())
    assert isinstance(record, ScaleRecord)
    assert (record.before, record.replicas, record.applied, record.step) == (3, 4, False, "up")
    assert (record.demand, record.capacity, record.service) == (400.0, 400.0, "scorer")
    assert record.commit == place.scene.work.git("rev-parse", "HEAD").strip()
    assert [digest.sha256 for digest in record.evidence] == [
        hashlib.sha256((place.folder / name).read_bytes()).hexdigest()
        for name in ("evidence/scale.json", "capacity.json")
    ]
    assert main(["history", "append", "--records", "records"]) == 0
    capsys.readouterr()
    assert main(["history", "list"]) == 0
    listed = capsys.readouterr().out
    assert "planned" in listed
    assert "3 to 4 replicas" in listed
    assert main(["history", "page"]) == 0
    page = (place.folder / "dashboard/index.html").read_text()
    assert record.evidence[0].sha256 in page
    assert "3 → 4" in page


def test_replicas_that_stay_leave_no_record(place: Place) -> None:
    """Nor does a dry run, or a comparison of two versions."""
    assert run() == 0
    place.replicas = 3
    assert run("--dry-run") == 0
    assert run("--record-file", "") == 0
    base = capacity_evidence(200.0, 210.0)
    base = msgspec.structs.replace(base, provenance=msgspec.structs.replace(base.provenance, head_sha="b" * 40))
    (place.folder / "base.json").write_bytes(encode(base))
    assert run("--baseline-capacity", "base.json") == 0
    assert not (place.folder / "record.json").exists()


def test_apply_sets_once_and_waits_before_it_goes_down(place: Place) -> None:
    """The second run changes nothing; after a step up, the step down waits."""
    place.replicas = 3
    assert run("--mode", "apply") == 0
    assert (place.replicas, place.evidence()["details"]["applied"]) == (4, True)
    assert run("--mode", "apply") == 0
    assert place.calls() == 1
    place.policy("{rate: 100/s}")
    assert run("--mode", "apply") == 0
    assert (place.replicas, place.evidence()["details"]["step"]) == (4, "waiting")
    (place.folder / ".ghmlops-scale.json").unlink()
    assert run("--mode", "apply") == 0
    assert (place.replicas, place.calls()) == (3, 2)


def test_a_dry_run_of_apply_sets_and_writes_nothing(place: Place) -> None:
    """Neither replicas nor evidence nor the time of a step."""
    place.replicas = 2
    assert run("--mode", "apply", "--dry-run") == 0
    assert (place.replicas, place.calls()) == (2, 0)
    assert not (place.folder / "evidence").exists()
    assert not (place.folder / ".ghmlops-scale.json").exists()


@pytest.mark.parametrize("reason", ["input", "file", "lock"])
def test_nothing_is_removed_during_a_promotion_or_an_incident(place: Place, reason: str) -> None:
    """A reason in the input, the freeze file, and a lock that cannot be read; more replicas are still added."""
    more = {
        "input": TARGET,
        "file": f"{TARGET}  freeze-file: freeze\n",
        "lock": f"{TARGET}promote: {{target: {{dry-run: {{}}}}, ladder: [100%]}}\n",
    }[reason]
    args = ("--hold", "incident 7") if reason == "input" else ()
    if reason == "file":
        (place.folder / "freeze").touch()
    if reason == "lock":
        place.scene.work.git("remote", "set-url", "origin", str(place.folder / "nowhere"))
    for rate, replicas in ((100, 4), (500, 5)):
        place.policy(f"{{rate: {rate}/s}}", more)
        assert run("--mode", "apply", *args) == 0
        assert place.replicas == replicas


def publish(place: Place, branch: str, files: dict[str, bytes]) -> None:
    """Write a branch of the remote anew."""
    clone = place.scene.clone(f"writer-{len(list(place.scene.home.iterdir()))}")
    clone.git("checkout", "--quiet", "--orphan", branch)
    clone.git("rm", "-rfq", ".")
    for name, content in files.items():
        (clone.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (clone.folder / name).write_bytes(content)
    clone.commit("x", {})
    clone.git("push", "--quiet", "--force", "origin", branch)


def fewer(place: Place, *args: str) -> tuple[int, str]:
    """Return the replicas after a run in which 1 of 4 would suffice, and the reason of the plan."""
    place.replicas = 4
    place.policy("{rate: 100/s}", f"{TARGET}promote: {{target: {{dry-run: {{}}}}, ladder: [100%]}}\n")
    assert run("--mode", "apply", "--step-file", "", *args) == 0
    return place.replicas, place.evidence()["details"]["reason"]


def test_a_lock_counts_in_its_environment(place: Place) -> None:
    """The input names another environment than the policy, as that of promote does."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lock = Lock(service="scorer", environment="staging", holder=Holder(run_id="7", commit="c" * 40, since=now))
    publish(place, "ghmlops-locks", {lock_path("scorer", "staging"): encode_lock(lock)})
    assert fewer(place)[0] == 3
    replicas, reason = fewer(place, "--environment", "staging")
    assert (replicas, "cccccccccccc" in reason) == (4, True)
    assert fewer(place, "--environment", "canary")[0] == 3


PROMOTED = {"command": "promote", "service": "scorer", "environment": "staging"}


@pytest.mark.parametrize(
    ("records", "replicas"),
    [
        ([{"decision": "hold"}], 4),
        ([{"decision": "running"}], 4),
        ([{"decision": "complete"}], 3),
        ([{"decision": "rollback"}], 3),
        ([{"decision": "hold"}, {"decision": "complete"}], 3),
        ([{"decision": "complete"}, {"decision": "hold"}], 4),
        ([{"decision": "hold"}, {"decision": "allowed", "command": "gate"}], 4),
        ([{"decision": "hold", "command": "gate"}], 3),
        ([{"decision": "hold", "service": "shop"}], 3),
        ([{"decision": "hold", "environment": "production"}], 3),
        ([], 3),
    ],
)
def test_a_promotion_that_holds_has_split_the_traffic(
    place: Place, records: list[dict[str, Any]], replicas: int
) -> None:
    """Its lock is free, and each arm needs its replicas until the promotion is complete or rolled back."""
    files = {"README": b"x"}
    for hour, fields in enumerate(records):
        record = deployment(f"2026-11-03T1{hour}:00:00+00:00", **{**PROMOTED, "commit": "d" * 40, **fields})
        files[record_path(record)] = encode_record(record)
    publish(place, "ghmlops-history", files)
    result, reason = fewer(place, "--environment", "staging")
    assert (result, "dddddddddddd" in reason) == (replicas, replicas == 4)
    assert fewer(place, "--environment", "staging", "--branch", "")[0] == 3


@pytest.mark.parametrize(("damaged", "replicas"), [(2, 4), (0, 3), (None, 3)])
def test_a_damaged_record_may_be_that_of_a_promotion_that_holds(
    place: Place, damaged: int | None, replicas: int
) -> None:
    """Unless a newer promotion is complete; it is named, and nothing is removed."""
    files = {"README": b"x"}
    for hour in range(3):
        record = deployment(f"2026-11-03T1{hour}:00:00+00:00", **{**PROMOTED, "decision": "complete"})
        content = encode_record(record)
        files[record_path(record)] = content[:-9] if hour == damaged else content
    publish(place, "ghmlops-history", files)
    result, reason = fewer(place, "--environment", "staging")
    assert (result, "20261103T120000Z" in reason) == (replicas, replicas == 4)


@pytest.mark.parametrize("target", ["", TARGET])
@pytest.mark.parametrize("demand", [FIXED, "{log: {files: none.csv, time: ts}}"])
def test_the_switch_is_named(place: Place, target: str, demand: str) -> None:
    """Also if the replicas that run are not known, and beside a demand that does not count; nothing is set."""
    place.replicas = 2
    place.policy(demand, f"{target}  pause: true\n")
    args = ("--mode", "apply") if target else ()
    assert run(*args) == 0
    evidence = place.evidence()
    findings = {finding["id"]: finding["outcome"] for finding in evidence["findings"]}
    assert findings["scale-paused"] == "warn"
    assert evidence["details"]["required"] == (4 if demand == FIXED else None)
    assert place.calls() == 0


def test_another_commit_or_machine_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """With a name and without a plan; consent is listed as not measured."""
    place.capacity(head_sha="b" * 40)
    assert run("--mode", "apply") == 2
    assert "bbbbbbbbbbbb" in capsys.readouterr().err
    assert (place.calls(), place.evidence()["outcome"]) == (0, "error")
    place.policy(accept="other-commit")
    assert run() == 0
    assert any("bbbbbbbbbbbb" in row["why"] for row in place.evidence()["not_measured"])


def test_a_candidate_that_needs_more_is_in_the_comment(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Two capacity files of one machine; the service itself is not looked at, and nothing is set."""
    base = capacity_evidence(200.0, 210.0)
    base = msgspec.structs.replace(base, provenance=msgspec.structs.replace(base.provenance, head_sha="b" * 40))
    (place.folder / "base.json").write_bytes(encode(base))
    place.policy(more=TARGET.replace("cat replicas", "false"))
    assert run("--baseline-capacity", "base.json", "--mode", "apply") == 0
    evidence = place.evidence()
    assert (evidence["outcome"], evidence["reason_code"]) == ("warn", "scale-candidate")
    row = evidence["details"]["comparison"]
    assert (row["baseline"], row["candidate"], row["least"], row["hours"]) == (2, 4, 2, 48.0)
    capsys.readouterr()
    assert main(["report", "--policy", "policy.yml", "--dry-run"]) == 0
    comment = capsys.readouterr().out
    assert evidence["findings"][0]["reason"].rstrip(".") in comment
    assert "+48 replica-hours" in comment


def test_capacities_of_two_machines_are_not_compared(place: Place) -> None:
    """A slower machine is no slower candidate."""
    base = capacity_evidence(200.0)
    part = ComparedPart(kind="machine", name="machine", baseline="", candidate="another")
    provenance = msgspec.structs.replace(base.provenance, head_sha="b" * 40, parts=[part])
    (place.folder / "base.json").write_bytes(encode(msgspec.structs.replace(base, provenance=provenance)))
    assert run("--baseline-capacity", "base.json") == 2


@needs_prometheus
def test_queries_are_read_from_a_real_prometheus(place: Place, tmp_path: Path) -> None:
    """A demand over 14 days in two requests; one without values, and one of another service, remove nothing."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with running_prometheus(folder) as url:
        more = f"{TARGET}  prometheus: {url}\n"
        place.replicas = 9
        place.policy('{prometheus: "vector(250) + 0 * time()", queue: {prometheus: "vector(30000)", drain: 5m}}', more)
        assert run("--mode", "apply") == 0
        (row,) = place.evidence()["details"]["demand"]
        assert (row["rate"], row["periods"], row["replicas"]) == (350.0, 13, 4)
        assert place.replicas == 8
        for demand, code in (
            ('{prometheus: "absent_metric"}', "scale-missing"),
            ('{prometheus: "vector(1) / 0"}', "scale-not-a-number"),
            ('{prometheus: "vector(1)", labels: {app: scorer}}', "scale-foreign"),
            ('{prometheus: "vector(1)", queue: {prometheus: absent_metric}}', "scale-missing"),
        ):
            place.policy(demand, more)
            assert run("--mode", "apply") == 0
            assert (place.evidence()["reason_code"], place.replicas) == (code, 8)
    place.policy('{prometheus: "vector(1)"}', f"{more}  fallback: 10\n")
    assert run("--mode", "apply", "--fail-on", "inconclusive") == 1
    assert (place.evidence()["reason_code"], place.replicas) == ("scale-missing", 10)


@needs_prometheus
def test_the_policy_of_the_documentation_counts(place: Place, tmp_path: Path) -> None:
    """Its query has the labels that it names; with them and without any, the trigger of KEDA adds the queue."""
    readme = (Path(__file__).parents[3] / "actions/scale/README.md").read_text(encoding="utf-8")
    documented = yaml.safe_load(readme.split("```yaml")[1].split("```")[0])["scale"]["demand"][0]
    counter = 'label_replace(vector(0) + time() * 250, "app", "scorer", "", "")'
    query = documented["prometheus"].replace('requests_total{app="scorer"}', f"({counter})").replace("[1m]", "[1m:10s]")
    assert counter in query
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with running_prometheus(folder) as url:
        more = f"{TARGET}  prometheus: {url}\n  manifest: {{deployment: scorer, namespace: prod}}\n"
        demand = {**documented, "prometheus": query, "history": "1h", "queue": {"prometheus": "sum(vector(30000))"}}
        place.policy(json.dumps(demand), more)
        assert run("--manifests", "out") == 0
        (row,) = place.evidence()["details"]["demand"]
        assert (row["problem"], row["rate"]) == ("", pytest.approx(350.0, rel=0.05))
        keda = yaml.safe_load((place.folder / "out/keda.yaml").read_text())
        source = PrometheusSource(Prometheus(url=url), {}, "test")
        assert source.query(keda["spec"]["triggers"][0]["metadata"]["query"]) == pytest.approx(350.0, rel=0.05)


@needs_prometheus
def test_zero_replicas_need_a_short_cold_start(place: Place, tmp_path: Path) -> None:
    """After half an hour of silence the last replica goes, unless the first request would wait too long."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with running_prometheus(folder) as url:
        more = f"{TARGET}  prometheus: {url}\n  zero: {{cold-start: preview.json, within: 30s}}\n"
        place.policy('{prometheus: "vector(0)"}', more, low=0)
        for seconds, replicas in ((31.0, 1), (12.0, 0)):
            place.replicas = 1
            place.cold_start(seconds)
            assert run("--mode", "apply") == 0
            assert place.replicas == replicas
        place.policy('{prometheus: "vector(0) + 150 * (time() > bool 0)"}', more, low=0)
        (place.folder / "preview.json").write_bytes((place.folder / "capacity.json").read_bytes())
        assert run("--mode", "apply") == 2
        place.cold_start(12.0)
        assert run("--mode", "apply") == 0
        assert place.replicas == 2


@needs_haproxy
def test_servers_of_a_router_are_replicas(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """4 replicas are needed and 2 of 6 servers serve; not more replicas may be allowed than there are servers."""
    folder = tmp_path / "router"
    folder.mkdir()
    names = [f"s{number}" for number in range(1, 7)]
    with running_haproxy(folder, dict.fromkeys(names, (9, 1))) as router:
        settings = ScaledBackend(socket=str(router.folder / "admin.sock"), backend="scorer", servers=tuple(names))
        open_service(settings, folder).set(2)
        target = f"haproxy: {{socket: {settings.socket}, backend: scorer, servers: {json.dumps(names)}}}"
        place.policy(more=f"  target: {{{target}}}\n")
        assert run("--mode", "apply") == 2
        assert "6 servers" in capsys.readouterr().err
        text = (place.folder / "policy.yml").read_text()
        (place.folder / "policy.yml").write_text(text.replace("max: 40", "max: 6"))
        assert run("--mode", "apply") == 0
        assert open_service(settings, folder).read() == (4, 4)
    assert place.evidence()["details"]["applied"] is True


@needs_kubernetes
def test_a_deployment_of_an_autoscaler_keeps_its_replicas(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without one, the replicas are set; the autoscaler is named, in a plan as well."""
    (tmp_path / "kubernetes").mkdir()
    with shop(tmp_path / "kubernetes") as scene:
        target = f"{{namespace: {scene.namespace}, deployment: {ARMS['pool']}, context: test}}"
        place.policy(more=f"  target: {{kubernetes: {target}}}\n")
        assert run("--mode", "apply") == 0
        assert scene.replicas()[-1] == 4
        scene.roll_out(ARMS["pool"])  # as its controller does
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": ARMS["pool"]}
        body = {"metadata": {"name": "by-cpu"}, "spec": {"scaleTargetRef": reference, "maxReplicas": 9}}
        scene.create("/apis/autoscaling/v2/namespaces/NAMESPACE/horizontalpodautoscalers", body)
        place.policy("{rate: 100/s}", f"  target: {{kubernetes: {target}}}\n")
        capsys.readouterr()
        assert run("--mode", "apply") == 2
        assert "by-cpu" in capsys.readouterr().err
        assert run() == 0
        assert any("by-cpu" in row["why"] for row in place.evidence()["not_measured"])
        assert scene.replicas()[-1] == 4


def test_a_log_is_counted_and_its_silence_is_missing(place: Place) -> None:
    """120 rows per minute are 2/s; a log that ended an hour ago removes nothing."""
    place.capacity(1.0)
    now = time.time() // 60 * 60
    for end, replicas, code in ((now + 60, 3, "all-passed"), (now - 3600, 4, "scale-stale")):
        place.replicas = 4
        with (place.folder / "log.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["ts"])
            rows.writerows([end - 7200 + second / 2] for second in range(14_400))
        place.policy("{log: {files: log.csv, time: ts}}")
        (place.folder / ".ghmlops-scale.json").unlink(missing_ok=True)
        assert run("--mode", "apply") == 0
        assert (place.replicas, place.evidence()["reason_code"]) == (replicas, code)


@pytest.mark.parametrize("unreadable", ["29/11/2026 12.00.00", ""])
def test_a_log_whose_times_became_unreadable_removes_nothing(place: Place, unreadable: str) -> None:
    """Of 2 requests per second three of four have no readable time for 75 minutes: that is no lower demand."""
    place.capacity(0.15)
    place.replicas = 15
    now = time.time() // 60 * 60
    with (place.folder / "log.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["ts", "id"])
        for number in range(28_800):
            moment = now - 14_400 + number / 2
            written = datetime.fromtimestamp(moment, UTC).isoformat()
            rows.writerow([unreadable if moment > now - 4500 and number % 4 else written, number])
    place.policy("{log: {files: log.csv, time: ts}}")
    assert run("--mode", "apply") == 0
    evidence = place.evidence()
    assert (evidence["outcome"], evidence["reason_code"]) == ("inconclusive", "scale-not-a-number")
    assert "6,750" in evidence["findings"][0]["reason"]
    assert (place.replicas, place.calls()) == (15, 0)


@pytest.mark.parametrize(
    ("args", "policy"),
    [
        (("--commit", "main"), {}),
        (("--mode", "now"), {}),
        (("--mode", "apply"), {"more": ""}),
        ((), {"more": "  zero: {cold-start: none.json, within: 30s}"}),
        ((), {"demand": "{log: {files: none.csv}}"}),
        (("--policy", "other.yml"), {}),
    ],
)
def test_bad_input_is_one_line(
    place: Place, args: tuple[str, ...], policy: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be planned exits with 2 and no traceback."""
    place.policy(**policy)
    assert run(*args) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert place.calls() == 0


@pytest.mark.parametrize("seconds", [-1.0, 1e300])
def test_a_start_that_no_service_has(place: Place, seconds: float) -> None:
    """Its evidence is refused before it is planned with."""
    place.policy(more="  zero: {cold-start: preview.json, within: 30s}\n", low=0)
    place.cold_start(seconds)
    assert run() == 2
    assert (place.calls(), place.evidence()["outcome"]) == (0, "error")


def test_a_damaged_file_of_the_last_step(place: Place) -> None:
    """It is named; nothing is set."""
    (place.folder / ".ghmlops-scale.json").write_text("[")
    assert run("--mode", "apply") == 2
    assert (place.calls(), place.evidence()["outcome"]) == (0, "error")
