"""`promote` on a real API server, with traffic as a Gateway would split it by the weights of the route."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from capacity_evidence import write_capacity
from ghmlops.act.targets.kubernetes import Kubernetes
from ghmlops.act.targets.kubernetes.deployments import ANNOTATION
from ghmlops.cli import main
from interrupted_kubernetes import run_elsewhere, scale_elsewhere
from interrupted_promotion import MOMENTS
from kubernetes_api import needs_kubernetes
from kubernetes_scene import ARMS, Scene, shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_kubernetes
POLICY = """\
version: 1
service: shop
promote:
  target:
    kubernetes:
      route: scorer
      namespace: NAMESPACE
      context: test
      candidate: scorer-v2
      twin: scorer-v1t
      baseline: scorer-v1
      deployments: {candidate: scorer-v2, twin: scorer-v1t, baseline: scorer-v1}
      scale: SCALE
  ladder: [20%, 100%]
  rung: {min-requests: 0, max-duration: 30s, settle: 20s, bake: 0s}
  judge: {errors: 1%, latency: "off"}
  capacity: {CAPACITYready-within: 20s, keep: 1}
  observe: {access-log: log.jsonl, format: jsonl}
  watch: 0s
"""
RATE, CAPACITY = 250.0, 100.0
"""Requests per second: 20 % need one server, all traffic three."""


class Gateway:
    """What controllers and clients do: requests by the weights, statuses that follow what should be.

    Attributes:
        scene: The namespace.
        failing: Whether the candidate fails every request.
        shares: The candidate's shares; -1 if all weights were 0.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self.failing = scene, False
        self.shares: list[float] = []
        self._owed, self._last = dict.fromkeys(ARMS, 0.0), time.monotonic()
        self._observed: dict[str, int] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Follow the objects until the end."""
        stop = threading.Event()

        def follow() -> None:
            while not stop.wait(0.03):
                self._follow()

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _follow(self) -> None:
        now, weights = time.monotonic(), self.scene.weights()
        total = sum(weights.values())
        self.shares.append(weights[ARMS["candidate"]] / total if total else -1.0)
        lines = []
        for arm, service in ARMS.items():
            self._owed[arm] += RATE * (now - self._last) * weights[service] / max(1, total)
            status = 500 if self.failing and arm == "candidate" else 200
            row = {"at": time.time(), "arm": arm, "seconds": 0.01, "status": status}
            lines += [json.dumps(row) + "\n"] * int(self._owed[arm])
            self._owed[arm] -= int(self._owed[arm])
        self._last = now
        with (self.scene.folder / "log.jsonl").open("a") as log:
            log.writelines(lines)
        for name in ARMS.values():
            generation = self.scene.deployment(name)["metadata"]["generation"]
            if self._observed.setdefault(name, generation) != generation:
                self._observed[name] = generation
                self.scene.roll_out(name)
        generation = self.scene.route()["metadata"]["generation"]
        if self._observed.setdefault("", generation) != generation:
            self._observed[""] = generation
            self.scene.accept_route()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return a namespace whose pool has all traffic and three replicas; candidate and twin have one each."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    write_capacity(tmp_path, CAPACITY)
    (tmp_path / "log.jsonl").touch()
    with shop(tmp_path, replicas=(1, 1, 3)) as running:
        write_policy(running, scale=False)
        yield running


@pytest.fixture
def gateway(scene: Scene) -> Iterator[Gateway]:
    """Return the Gateway of the namespace, which runs."""
    gateway = Gateway(scene)
    with gateway.running():
        yield gateway


def write_policy(scene: Scene, *, scale: bool) -> None:
    """Write the policy."""
    evidence = "from: capacity.json, headroom: 0%, " if scale else ""
    text = POLICY.replace("NAMESPACE", scene.namespace).replace("SCALE", str(scale).lower())
    (scene.folder / "policy.yml").write_text(text.replace("CAPACITY", evidence))


def promote(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return the exit code and the record."""
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments])
    return code, record()


def record() -> dict[str, Any]:
    """Return the record of the last run, empty without one."""
    try:
        with open("evidence/promotion.json") as file:
            content: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return {}
    return content


def killing(moment: str, number: int) -> str:
    """Return a program that kills the caller at the patch of a number, before or after its effect."""
    call = ":" if moment == "before" else 'KUBECTL "$@" >/dev/null'
    return f"""case " $* " in *" patch "*)
      echo >>"${{0%/*}}/patches"
      [ "$(wc -l <"${{0%/*}}/patches")" != {number} ] || {{ {call}; kill -9 $PPID; exit 1; }}
    esac
    exec KUBECTL "$@" """


def test_a_good_candidate_has_servers_before_traffic(scene: Scene, gateway: Gateway) -> None:
    """The candidate grows to three replicas, the baseline and its twin keep one; nothing is remembered."""
    write_policy(scene, scale=True)
    code, result = promote()
    assert (code, result["decision"]) == (0, "complete")
    assert [rung["share"] for rung in result["rungs"]] == [0.2, 1.0]
    assert scene.weights() == {"scorer-v2": 1, "scorer-v1t": 0, "scorer-v1": 0}
    assert scene.replicas() == [3, 1, 1]
    assert ANNOTATION not in scene.route()["metadata"].get("annotations", {})
    assert min(gateway.shares) >= 0.0


def test_a_candidate_that_fails_is_rolled_back(scene: Scene, gateway: Gateway) -> None:
    """At the first rung, with one patch."""
    gateway.failing = True
    code, result = promote()
    assert (code, result["decision"], result["reason_code"]) == (1, "rollback", "errors-above-objective")
    assert scene.weights()["scorer-v2"] == 0
    assert max(gateway.shares) <= 0.2 + 1e-9


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [1, 2])
def test_killed_at_a_change_of_the_weights(scene: Scene, gateway: Gateway, moment: str, number: int) -> None:
    """The route has the weights of a rung; the next run completes the ladder."""
    with scene.wrapped(killing(moment, number)):
        assert run_elsewhere(scene.folder) == -9
    reached = (number if moment == "lost" else number - 1, scene.weights()["scorer-v2"] / sum(scene.weights().values()))
    assert reached in ((0, 0.0), (1, pytest.approx(0.2)), (2, 1.0))
    assert run_elsewhere(scene.folder, "--resume") == 0
    assert record()["decision"] == "complete"
    assert scene.weights()["scorer-v1"] == scene.weights()["scorer-v1t"] == 0
    assert min(gateway.shares) >= 0.0


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_on_the_way_back(scene: Scene, gateway: Gateway, moment: str) -> None:
    """The next run finishes the rollback with the reason of the first one."""
    gateway.failing = True
    with scene.wrapped(killing(moment, 2)):
        assert run_elsewhere(scene.folder) == -9
    assert run_elsewhere(scene.folder, "--resume") == 1
    assert (record()["decision"], record()["reason_code"]) == ("rollback", "errors-above-objective")
    assert scene.weights()["scorer-v2"] == 0
    assert max(gateway.shares) <= 0.2 + 1e-9


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [1, 2])
def test_killed_while_scaling(scene: Scene, moment: str, number: int) -> None:
    """The next run scales, and knows how many replicas there were before."""
    with scene.wrapped(killing(moment, number)):
        assert scale_elsewhere(scene.settings, scene.folder, 4) == -9
    assert scene.replicas() == [4 if (number, moment) == (2, "lost") else 1, 1, 3]
    router = Kubernetes(scene.settings, scene.folder)
    router.scale("candidate", 5)
    assert router.scaled_from() == {"candidate": 1}


@pytest.mark.usefixtures("gateway")
def test_a_person_in_the_middle_of_the_ladder(scene: Scene) -> None:
    """Their weights stay, and the promotion holds."""
    text = (scene.folder / "policy.yml").read_text().replace("bake: 0s", "bake: 20s")
    (scene.folder / "policy.yml").write_text(text)

    def change() -> None:
        while not record().get("rungs"):  # before, the promotion is still reading back what it has set
            time.sleep(0.02)
        scene.set_weights(3, 0, 97)

    person = threading.Thread(target=change)
    person.start()
    code, result = promote()
    person.join()
    assert (code, result["decision"]) == (1, "hold")
    assert result["reason_code"] in ("weights-changed", "target-conflict")
    assert scene.weights() == {"scorer-v2": 3, "scorer-v1t": 0, "scorer-v1": 97}


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_refused_before_the_first_weight(
    scene: Scene, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """A route that Argo CD would set back: exit code 2, one line, and nothing is changed."""
    scene.create_route(scene.route()["spec"]["rules"], labels={"argocd.argoproj.io/instance": "shop"})
    generation = scene.route()["metadata"]["generation"]
    assert promote(*arguments) == (2, {})
    assert "argo-cd" in capsys.readouterr().err
    assert scene.route()["metadata"]["generation"] == generation
