"""The header rung on a real HAProxy and a real Envoy: requests with a header reach the candidate before all others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envoy_router import TESTERS
from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.cli import main
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares
from interrupted_promotion import Proxy, run_promotion
from promoted_routers import ENVOY, FIRST_WEIGHTS, HAPROXY, RouterKind, needs_envoy, needs_haproxy
from routed_service import Scene, routed_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.act.targets import Target

POLICY = """
version: 1
service: shop
promote:
  ladder: [10%, 100%]
  rung: {min-requests: 40, max-duration: 20s, settle: 5s, bake: 0s}
  header: {min-requests: 40, max-duration: MAX}
  judge: {errors: 1%, latency: "off"}
  watch: 0s
"""
ROUTES = {"haproxy": "testers", "envoy": TESTERS}
ON_BOTH = pytest.mark.parametrize(
    "kind", [pytest.param(HAPROXY, marks=needs_haproxy), pytest.param(ENVOY, marks=needs_envoy)]
)
ON_HAPROXY = pytest.mark.parametrize("kind", [pytest.param(HAPROXY, marks=needs_haproxy)])


@pytest.fixture
def scene(kind: RouterKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return a router whose baseline has all traffic; every tenth request brings the header."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    with routed_service(tmp_path, FIRST_WEIGHTS, start=kind.start) as running:
        running.testers = 0.1
        yield running


def header_target(kind: RouterKind, folder: Path) -> Target:
    """Return the route of the requests with the header."""
    settings = kind.settings(folder)
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    route = type(settings)(**{**values, "header_route": ROUTES[kind.name]}).header_settings
    assert route is not None
    return open_target(route, folder)


def promote(kind: RouterKind, folder: Path, *arguments: str, longest: str = "20s") -> tuple[int, dict[str, Any]]:
    """Run the command; return the exit code and the record."""
    lines = kind.policy(folder).replace("baseline: v1}", f"baseline: v1, header-route: {ROUTES[kind.name]}}}")
    (folder / "policy.yml").write_text(POLICY.replace("MAX", longest) + lines)
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments])
    path = folder / "evidence" / "promotion.json"
    return code, json.loads(path.read_text()) if path.exists() else {}


@ON_BOTH
def test_testers_before_the_ladder(kind: RouterKind, scene: Scene, tmp_path: Path) -> None:
    """Their requests are judged first; later they do not count against the split, and nothing is lost."""
    code, record = promote(kind, tmp_path)
    assert (code, record["decision"]) == (0, "complete")
    header, *ladder = record["rungs"]
    assert (header["by_header"], header["share"], header["passed"]) == (True, 0.0, True)
    assert header["requests"]["candidate"] >= 40
    assert header["requests"]["pool"] > 4 * header["requests"]["candidate"]
    assert [(rung["share"], rung["by_header"]) for rung in ladder] == [(0.1, False), (1.0, False)]
    assert read_shares(header_target(kind, tmp_path)) == Shares(candidate=1.0)
    assert read_shares(kind.target(tmp_path)) == Shares(candidate=1.0)
    assert set(scene.statuses) == {200}


@ON_BOTH
def test_a_candidate_that_fails_for_testers(kind: RouterKind, scene: Scene, tmp_path: Path) -> None:
    """No other user ever reached it, and testers have the baseline again."""
    scene.arms["v2"].errors = 0.5
    code, record = promote(kind, tmp_path)
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "errors-above-objective")
    assert [(rung["by_header"], rung["passed"]) for rung in record["rungs"]] == [(True, False)]
    assert read_shares(header_target(kind, tmp_path)) == BASELINE_ONLY
    assert read_shares(kind.target(tmp_path)) == BASELINE_ONLY
    before = scene.arms["v2"].answered
    scene.wait_for(100)
    assert scene.arms["v2"].answered == before
    assert record["incident"] == ""


@ON_HAPROXY
def test_too_few_testers(kind: RouterKind, scene: Scene, tmp_path: Path) -> None:
    """A hold: their route stays. It needs `resume` to go on, and is judged anew then."""
    scene.testers = 0.0
    code, record = promote(kind, tmp_path, longest="0.5s")
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "low-traffic")
    assert read_shares(kind.target(tmp_path)) == BASELINE_ONLY
    assert promote(kind, tmp_path)[0] == 1
    assert read_shares(header_target(kind, tmp_path)) == Shares(candidate=1.0)
    scene.testers = 0.3
    code, record = promote(kind, tmp_path, "--resume")
    assert (code, record["decision"], len(record["rungs"])) == (0, "complete", 3)


@ON_HAPROXY
def test_a_rollback_from_the_ladder_returns_testers_too(kind: RouterKind, scene: Scene, tmp_path: Path) -> None:
    """A run that was killed on the ladder left both routes at the candidate; it fails by then."""
    apply_shares(header_target(kind, tmp_path), Shares(candidate=1.0))
    apply_shares(kind.target(tmp_path), Shares(candidate=0.1, twin=0.1, pool=0.8))
    scene.arms["v2"].errors = 0.5
    code, record = promote(kind, tmp_path, "--resume")
    assert (code, record["decision"], record["rungs"][0]["by_header"]) == (1, "rollback", False)
    assert read_shares(header_target(kind, tmp_path)) == BASELINE_ONLY
    assert read_shares(kind.target(tmp_path)) == BASELINE_ONLY


@ON_HAPROXY
@pytest.mark.parametrize(("moment", "number"), [("lost", 1), ("before", 2)])
def test_killed_while_the_route_changes(
    kind: RouterKind, scene: Scene, tmp_path: Path, moment: str, number: int
) -> None:
    """The next run sets the route anew, judges it, and goes on; testers are served at every moment."""
    scene.testers = 0.3
    proxy = Proxy(folder=tmp_path, moment=moment, number=number)
    lines = kind.policy(tmp_path).replace("baseline: v1}", "baseline: v1, header-route: testers}")
    lines = lines.replace("admin.sock", "proxy.sock")
    (tmp_path / "policy.yml").write_text(POLICY.replace("MAX", "20s") + lines)
    with proxy.running():
        assert run_promotion(tmp_path, proxy=proxy) == -9
        assert read_shares(kind.target(tmp_path)) == BASELINE_ONLY
        proxy.number = 0
        assert run_promotion(tmp_path) == 1
        assert run_promotion(tmp_path, "--resume") == 0
    assert read_shares(header_target(kind, tmp_path)) == Shares(candidate=1.0)
    assert read_shares(kind.target(tmp_path)) == Shares(candidate=1.0)
    assert set(scene.statuses) == {200}


@ON_HAPROXY
def test_a_route_that_does_not_exist(
    kind: RouterKind, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with its name before the first weight."""
    monkeypatch.setitem(ROUTES, "haproxy", "nowhere")
    assert promote(kind, tmp_path) == (2, {})
    assert "nowhere" in capsys.readouterr().err
    assert read_shares(kind.target(tmp_path)) == BASELINE_ONLY
    assert 0 not in scene.statuses
