"""`ghmlops merge-shards` on real shards: nothing is lost or counted twice; foreign shards are refused."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scoring_service
from ghmlops.commands import latency, merge_shards
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.details import LatencyDetails, MergeShardsDetails
from ghmlops.core.details.latency import PlannedRequests
from ghmlops.core.errors import EvidenceError, GhmlopsError, InputError, PolicyError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.histograms.hlog import read_log
from ghmlops.core.latency.interval_log import total_histograms
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode
from left_evidence import left_error
from typed_details import details_of

if TYPE_CHECKING:
    from collections.abc import Callable

SHA = "0123456789abcdef0123456789abcdef01234567"
SHARDS = 3
ROWS = 1200
POLICY = """
version: 1
service: scorer
latency:
  request: {{method: POST, path: /predict, headers: {{content-type: application/json}}, timeout: 5s}}
  payloads: rows.jsonl
  arrivals: {{poisson: {rate}/s, duration: 2s, warmup: 500ms}}
  slo: {{p90: 4s, errors: 20%}}
"""
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Shards that were sent: their repository with the folder `shards`, and what the service saw."""

    place: Path
    bodies: Counter[str]


def services(place: Path, now: Callable[[], datetime] | None = None, sha: str = SHA) -> Services:
    return Services(
        context=Context(head_sha=sha, repository="acme/scorer"),
        environ={},
        cwd=place,
        now=now or (lambda: datetime.now(UTC)),
        console=Console(io.StringIO()),
    )


def repository(place: Path, rate: int) -> None:
    (place / "rows.jsonl").write_text("".join(f'{{"row": {i}}}\n' for i in range(ROWS)), encoding="utf-8")
    (place / "policy.yml").write_text(POLICY.format(rate=rate), encoding="utf-8")


def send(place: Path, url: str, shard: str, **more: Any) -> Result:
    """Send one shard, by a separate clock on which it starts in 0.4 s: shards that run in turn start together."""
    begin = time.monotonic()

    def now() -> datetime:
        return START + timedelta(seconds=time.monotonic() - begin)

    values = {"start_at": str(START.timestamp() + 0.4), "evidence_dir": f"shards/{shard.partition('/')[0]}"} | more
    return latency.run(latency.Inputs(policy="policy.yml", url=url, shard=shard, **values), services(place, now))


def read_evidence(place: Path, name: str) -> Evidence:
    return decode((place / name).read_bytes(), Evidence, "ghmlops/evidence/v1", name)


def merged(place: Path, **more: Any) -> tuple[Result, Evidence]:
    result = merge_shards.run(merge_shards.Inputs(policy="policy.yml", **more), services(place))
    return result, read_evidence(place, result.outputs["evidence-file"])


def bodies(log: Path) -> Counter[str]:
    return Counter(line.partition(" ")[2] for line in log.read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """Three shards against one service; all again, at most ten times, where this machine was too busy for one."""
    for _ in range(10):
        place = tmp_path_factory.mktemp("sent")
        repository(place, rate=400)
        with scoring_service.started("--delay", "0.002", "--log", str(place / "log")) as url:
            results = [send(place, url, f"{shard}/{SHARDS}") for shard in range(1, SHARDS + 1)]
        late = [read_evidence(place, f"shards/{k}/latency-shard-{k}-of-{SHARDS}.json") for k in range(1, SHARDS + 1)]
        if all(r.outcome is Outcome.INCONCLUSIVE for r in results) and all(
            (details_of(e, LatencyDetails).generator.started_late_s or 0.0) < 0.9 for e in late
        ):
            break
    return Sent(place=place, bodies=bodies(place / "log"))


@pytest.fixture
def place(sent: Sent, tmp_path: Path) -> Path:
    """A copy of the shards that a test may spoil."""
    return Path(shutil.copytree(sent.place, tmp_path / "copy"))


def shard_file(place: Path, shard: int, ending: str = "json") -> Path:
    return place / "shards" / str(shard) / f"latency-shard-{shard}-of-{SHARDS}.{ending}"


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    body = json.loads(path.read_bytes())
    change(body)
    path.write_text(json.dumps(body), encoding="utf-8")


def test_the_shards_send_the_whole_schedule_once(sent: Sent) -> None:
    """800 requests and 200 of warm-up, each with a different payload; before them, each shard sends the first one."""
    expected = {f'{{"row": {row}}}' for row in [*range(800), *range(ROWS - 200, ROWS)]}
    assert Counter(dict.fromkeys(expected, 1)) + Counter({'{"row": 0}': SHARDS}) == sent.bodies


def test_a_shard_is_inconclusive_and_whole(sent: Sent) -> None:
    """Its evidence says which part it is, holds its tally, and its `.hlog` lies beside it."""
    evidence = read_evidence(sent.place, f"shards/2/latency-shard-2-of-{SHARDS}.json")
    assert (evidence.outcome, evidence.reason_code, evidence.leg) == (Outcome.INCONCLUSIVE, "shard", "shard-2-of-3")
    assert evidence.reason.startswith("Shard 2 of 3 ")
    assert [f.id for f in evidence.findings] == ["shard", "guard-lateness", "guard-data"]
    details = details_of(evidence, LatencyDetails)
    assert details.settings.requests_per_arm == PlannedRequests(warmup=200, planned=800, extension=0)
    assert details.shard is not None
    assert details.shard.start_at == START.timestamp() + 0.4
    log = shard_file(sent.place, 2, "hlog").read_bytes()
    assert details.shard.hlog == "sha256:" + hashlib.sha256(log).hexdigest()


def test_merged_counts_are_the_sum(place: Path) -> None:
    """Requests, histograms and the log of the merge are the sums of the shards'; the policy's objectives judge them."""
    result, evidence = merged(place)
    parts = [read_evidence(place, f"shards/{k}/latency-shard-{k}-of-{SHARDS}.json") for k in range(1, SHARDS + 1)]
    assert (evidence.command, evidence.leg, result.outputs["shards"]) == ("latency", "", "3")
    assert [f.id for f in evidence.findings] == [
        "shards",
        "objective-p90",
        "objective-errors",
        "guard-lateness",
        "guard-data",
    ]
    assert details_of(evidence, MergeShardsDetails).judged_per_arm == 800
    assert sum(details_of(part, LatencyDetails).judged_per_arm for part in parts) == 800
    response = next(m for m in evidence.measurements if m.id == "response-time")
    each = [m for part in parts for m in part.measurements if m.id == "response-time"]
    assert response.n == sum(m.n for m in each)
    assert response.values["max"] == max(m.values["max"] or 0.0 for m in each)
    text = (place / "evidence" / "latency.hlog").read_text(encoding="utf-8")
    assert response.n == total_histograms(text.encode())["candidate"].total
    assert [line.start_s for line in read_log(text)] == [0.0, 1.0, 2.0]
    prints = evidence.provenance.fingerprints
    assert prints["shard:2"] == "sha256:" + hashlib.sha256(shard_file(place, 2).read_bytes()).hexdigest()
    assert prints["data"] == parts[0].provenance.fingerprints["data"]
    assert evidence.provenance.started == "2026-01-02T03:04:05Z"
    assert "response time" in result.text


def test_shards_that_were_in_time_are_judged(place: Path) -> None:
    """All there, begun together: the objectives of the policy pass on the sum."""
    _, evidence = merged(place)
    late = [s.shard for s in details_of(evidence, MergeShardsDetails).shards if s.started_late_s > 1.0]
    tripped = any(f.outcome is Outcome.ERROR for f in evidence.findings)
    expected = Outcome.ERROR if tripped else Outcome.INCONCLUSIVE if late else Outcome.PASS
    assert expected == evidence.outcome


def test_a_missing_shard_is_named(place: Path) -> None:
    """Two of three: inconclusive, the third is named, and nothing passes."""
    shutil.rmtree(place / "shards" / "3")
    result, evidence = merged(place)
    assert (result.outcome, result.reason_code) == (Outcome.INCONCLUSIVE, "shards")
    assert "missing: shard 3 of 3" in result.reason
    assert "pass" not in {f.outcome.value for f in evidence.findings if not f.id.startswith("guard-")}


def test_a_late_shard_is_named(place: Path) -> None:
    """One that began five seconds after the others: inconclusive, with the number and the seconds."""

    def later(body: dict[str, Any]) -> None:
        body["details"]["shard"]["began"] = START.timestamp() + 5.4

    edit(shard_file(place, 1), later)
    result, evidence = merged(place)
    (finding,) = [finding for finding in evidence.findings if finding.id == "shards"]
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "started late: shard 1 (5.0 s)" in finding.reason  # on a busy machine others are late as well
    assert result.outcome not in (Outcome.PASS, Outcome.FAIL)


def test_a_tripped_shard_is_named(place: Path) -> None:
    """A generator that was the limit on one machine spoils the sum: `error`, with that shard's words."""
    limit = "the generator was the limit: test"

    def tripped(body: dict[str, Any]) -> None:
        body["outcome"], body["reason"] = "error", f"{limit}."

    edit(shard_file(place, 2), tripped)
    result, _ = merged(place)
    assert (result.outcome, result.reason_code) == (Outcome.ERROR, "shards")
    assert f"shard 2: {limit}" in result.reason


@pytest.mark.parametrize("confirms", ["x", {"failed": "p99"}, {"failed": [1, {"a": 2}]}])
def test_a_malformed_confirmation_is_refused(place: Path, confirms: object) -> None:
    """A note on a confirming run that no release writes makes the file unreadable."""
    for shard in range(1, SHARDS + 1):
        edit(shard_file(place, shard), lambda body: body["details"].update(confirms=confirms))
    with pytest.raises(EvidenceError, match=r"details\.confirms"):
        merged(place)


def test_files_may_lie_in_one_folder(place: Path) -> None:
    """Artifacts may be unpacked side by side or into one folder."""
    for shard in range(1, SHARDS + 1):
        for ending in ("json", "hlog"):
            path = shard_file(place, shard, ending)
            path.rename(place / "shards" / path.name)
    result, _ = merged(place)
    assert result.outputs["shards"] == "3"


def test_a_dry_run_writes_nothing(place: Path) -> None:
    """The shards are read and listed."""
    result = merge_shards.run(merge_shards.Inputs(policy="policy.yml", dry_run=True), services(place))
    assert (result.outcome, result.reason_code, len(result.text.splitlines())) == (Outcome.PASS, "dry-run", 3)
    assert not (place / "evidence").exists()


def twice(place: Path) -> None:
    shutil.copytree(place / "shards" / "2", place / "shards" / "again")


def other_seed(place: Path) -> None:
    edit(shard_file(place, 3), lambda body: body["provenance"].update(seed=7))


def other_settings(place: Path) -> None:
    edit(shard_file(place, 3), lambda body: body["details"]["settings"].update(connections=1))


def fewer_misses(place: Path) -> None:
    edit(shard_file(place, 3), lambda body: body["details"]["tally"]["objectives"]["errors"].update(missed=1, n=200))


def half_the_schedule(place: Path) -> None:
    for shard in range(1, SHARDS + 1):
        edit(shard_file(place, shard), lambda body: body["details"]["shard"].update(schedule=400))


def no_tally(place: Path) -> None:
    edit(shard_file(place, 3), lambda body: body["details"].pop("tally"))


def no_shard(place: Path) -> None:
    edit(shard_file(place, 3), lambda body: body["details"].pop("shard"))


def no_log(place: Path) -> None:
    shard_file(place, 3, "hlog").unlink()


def other_log(place: Path) -> None:
    shutil.copy(shard_file(place, 2, "hlog"), shard_file(place, 3, "hlog"))


def log_that_counts_less(place: Path) -> None:
    text = shard_file(place, 3, "hlog").read_text(encoding="utf-8")
    less = "\n".join(text.splitlines()[:-1]) + "\n"
    shard_file(place, 3, "hlog").write_text(less, encoding="utf-8")
    digest = "sha256:" + hashlib.sha256(less.encode()).hexdigest()
    edit(shard_file(place, 3), lambda body: body["details"]["shard"].update(hlog=digest))


def garbage_log(place: Path) -> None:
    shard_file(place, 3, "hlog").write_bytes(b"\x00\xff")
    digest = "sha256:" + hashlib.sha256(b"\x00\xff").hexdigest()
    edit(shard_file(place, 3), lambda body: body["details"]["shard"].update(hlog=digest))


def not_json(place: Path) -> None:
    shard_file(place, 3).write_text("{", encoding="utf-8")


def link(place: Path) -> None:
    shard_file(place, 3).unlink()
    shard_file(place, 3).symlink_to(shard_file(place, 2))


def linked_folder(place: Path) -> None:
    (place / "shards" / "4").symlink_to(place / "shards" / "2")


def empty(place: Path) -> None:
    shutil.rmtree(place / "shards")
    (place / "shards").mkdir()


def no_folder(place: Path) -> None:
    shutil.rmtree(place / "shards")


def other_policy(place: Path) -> None:
    text = (place / "policy.yml").read_text(encoding="utf-8")
    (place / "policy.yml").write_text(text.replace("p90: 4s", "p90: 8s"), encoding="utf-8")


def no_latency(place: Path) -> None:
    (place / "policy.yml").write_text("version: 1\nservice: s\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (twice, EvidenceError, "shard 2 of 3 .* 2 times"),
        (other_seed, EvidenceError, r"shards/3/.* seed is 7, .* 1"),
        (other_settings, EvidenceError, r"shards/3/.* its settings is"),
        (fewer_misses, EvidenceError, r"shards/3/.* its counts contradict each other"),
        (half_the_schedule, EvidenceError, r"is not of a run by policy\.yml: .*schedule"),
        (no_tally, EvidenceError, r"shards/3/.* tally"),
        (no_shard, EvidenceError, "is not the evidence of a shard"),
        (no_log, EvidenceError, "does not exist"),
        (other_log, EvidenceError, "is not the one that was written with"),
        (log_that_counts_less, EvidenceError, "has other counts"),
        (garbage_log, EvidenceError, "not a histogram log"),
        (not_json, EvidenceError, "is not readable"),
        (link, EvidenceError, "is a link"),
        (linked_folder, EvidenceError, "is a link"),
        (empty, EvidenceError, "no evidence of a shard"),
        (no_folder, EvidenceError, "does not exist"),
        (other_policy, EvidenceError, "sent by another policy"),
        (no_latency, PolicyError, "has no section `latency`"),
    ],
)
def test_what_does_not_belong_together(
    place: Path, spoil: Callable[[Path], None], error: type[GhmlopsError], message: str
) -> None:
    """Each is an error that names the file, with a hint, and is the evidence."""
    spoil(place)
    with pytest.raises(error, match=message) as caught:
        merged(place)
    assert caught.value.hint
    assert left_error(place / "evidence", "latency.json") == "latency-not-judged"


def test_another_commit_is_refused(place: Path) -> None:
    """Shards of one commit are no evidence for another one; nor is another leg's."""
    with pytest.raises(EvidenceError, match="not the one under test"):
        merge_shards.run(merge_shards.Inputs(policy="policy.yml"), services(place, sha="f" * 40))
    with pytest.raises(EvidenceError, match="leg '', not 'night'"):
        merge_shards.run(merge_shards.Inputs(policy="policy.yml", leg="night"), services(place))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shard": "4/3"}, "`shard`.* 4"),
        ({"shard": "1/2", "start_at": ""}, "needs `start-at`"),
        ({"start_at": "soon"}, "input `start-at`"),
        ({"start_at": "99999999999"}, "s ahead"),
        ({"shard": "250/256", "policy": "few.yml"}, "has no request to send"),
    ],
)
def test_inputs_of_a_shard(place: Path, arguments: dict[str, str], message: str) -> None:
    """Each mistake is reported before anything is sent."""
    text = POLICY.format(rate=1).replace("rows.jsonl", "rows.jsonl")
    (place / "few.yml").write_text(text, encoding="utf-8")
    start: dict[str, Any] = {"policy": "policy.yml", "url": "http://127.0.0.1:9", "shard": "1/2", "start_at": "5"}
    with pytest.raises(InputError, match=message) as caught:
        latency.run(latency.Inputs(**start | arguments), services(place))
    assert caught.value.hint


def test_a_duet_in_shards(tmp_path: Path) -> None:
    """Against a baseline, with a leg: pairs of both shards in the order of their blocks, both arms in the log."""
    repository(tmp_path, rate=1000)
    with scoring_service.started("--delay", "0.002") as a, scoring_service.started("--delay", "0.002") as b:
        for shard in ("1/2", "2/2"):
            send(tmp_path, b, shard, baseline_url=a, leg="night")
    result, evidence = merged(tmp_path)
    assert (evidence.leg, result.outputs["evidence-file"]) == ("night", "evidence/latency-night.json")
    ids = [f.id for f in evidence.findings if f.id != "saturation"]  # which a busy machine adds
    assert ids[:5] == [
        "shards",
        "latency-p50",
        "latency-p95",
        "latency-p99",
        "error-ratio",
    ]
    first, second = (read_evidence(tmp_path, f"shards/{k}/latency-night-shard-{k}-of-2.json") for k in (1, 2))
    parts = [details_of(part, LatencyDetails) for part in (first, second)]
    pairs = [pair for part in parts if part.tally for pair in part.tally.pairs]
    inner = sorted(pairs, key=lambda pair: (pair.block, pair.shard))
    duet = details_of(evidence, MergeShardsDetails).duet
    assert duet is not None
    assert [round(pair.log_ratios["p99"], 6) for pair in inner] == duet.log_ratios["p99"]
    assert duet.pairs + duet.blocks_without_enough_answers == 8
    assert {"baseline", "candidate"} == set(
        total_histograms((tmp_path / "evidence" / "latency-night.hlog").read_bytes())
    )
    assert [part.write_order.pairs for part in parts if part.write_order] == [1000, 1000]


def test_shards_that_sent_no_load_state_the_cause(tmp_path: Path, sent: Sent) -> None:
    """All shards find a path that does not exist: the merged headline is the status, without a second of load."""
    repository(tmp_path, rate=400)
    policy = tmp_path / "policy.yml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("/predict", "/missing"), encoding="utf-8")
    with scoring_service.started("--log", str(tmp_path / "log")) as url:
        results = [send(tmp_path, url, f"{shard}/{SHARDS}") for shard in range(1, SHARDS + 1)]
    assert [(r.outcome, r.reason_code) for r in results] == [(Outcome.ERROR, "endpoint-broken")] * SHARDS
    result, evidence = merged(tmp_path)
    assert (result.outcome, result.reason_code, result.outputs["shards"]) == (Outcome.ERROR, "endpoint-broken", "3")
    assert "404" in evidence.reason
    assert evidence.leg == ""
    # A shard that was ended by an error, next to shards that sent their load.
    place = Path(shutil.copytree(sent.place, tmp_path / "copy"))
    with pytest.raises(GhmlopsError) as error:
        send(place, "http://127.0.0.1:9", "2/3")
    result, evidence = merged(place)
    assert (result.outcome, [f.id for f in evidence.findings]) == (Outcome.ERROR, ["latency-not-judged"])
    assert error.value.message in evidence.reason
    assert "Shard 2 of 3" in evidence.reason
    shutil.copytree(place / "shards" / "2", place / "shards" / "again")
    with pytest.raises(EvidenceError):
        merged(place)
