"""Schemathesis as a part of `ghmlops synthetic`: real runs on real services."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

import generated_traffic_service as service
from commands.synthetic.test_command import read_evidence, synthetic
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.model import Outcome
from typed_details import details_of

ROW = {
    "type": "object",
    "properties": {
        "income": {"type": "integer", "minimum": 1000, "maximum": 9900},
        "age": {"type": ["integer", "null"], "minimum": 18, "maximum": 77},
        "plan": {"enum": list(service.PLANS)},
        "name": {"type": "string", "maxLength": 20},
        "joined": {"type": "string", "format": "date-time"},
        "note": {"type": "string", "maxLength": 20},
    },
    "required": ["income", "plan", "name", "joined", "note"],
}
ANSWER = {"description": "a score", "content": {"application/json": {"schema": {"type": "object"}}}}
OPERATION = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": ROW}}},
    "responses": {"200": ANSWER, "400": ANSWER, "422": ANSWER},
}
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "scorer", "version": "1"},
    "paths": {"/predict": {"post": OPERATION}},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with a policy, payloads and a description; one configuration would change every run."""
    (tmp_path / "rows.jsonl").write_bytes(service.rows_file())
    (tmp_path / "openapi.json").write_text(json.dumps(DESCRIPTION))
    (tmp_path / "schemathesis.toml").write_text("[phases.fuzzing]\nenabled = false\nhooks = 'nowhere'\n")
    write_policy(tmp_path)
    return tmp_path


def write_policy(place: Path, **more: Any) -> None:
    settings = {"schema": "openapi.json", "examples": 1, "exclude-checks": ["unsupported_method"]} | more
    policy = {
        "version": 1,
        "service": "scorer",
        "latency": {"request": {"path": "/predict", "timeout": "2s"}, "payloads": "rows.jsonl"},
        "synthetic": {"requests": 300, "budget": "20s", "schemathesis": settings},
    }
    (place / "policy.yml").write_text(json.dumps(policy))


def test_a_crash_that_only_the_candidate_has_fails(place: Path) -> None:
    """Schemathesis sends a legal null; the request crashes the candidate each time, and the baseline never."""
    with service.serving("null-crash") as candidate, service.serving() as baseline:
        result = synthetic(place, candidate, baseline)
    finding = next(finding for finding in result.findings if finding.id == "synthetic-schemathesis")
    assert finding.outcome is Outcome.FAIL
    assert "not_a_server_error" in finding.reason
    evidence = read_evidence(place)
    details = details_of(evidence, SyntheticDetails)
    rows = {row.relation: row for row in details.relations}
    crashed = rows["schemathesis not_a_server_error"]
    assert (crashed.outcome, crashed.proof) == ("fail", "re-asked")
    assert crashed.questions > crashed.candidate > (crashed.baseline or 0)
    assert "openapi.json" in evidence.provenance.fingerprints


def test_a_description_or_a_package_that_is_missing_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent, if possible."""
    find = importlib.util.find_spec
    with service.serving() as url:
        write_policy(place, schema="nowhere.json")
        with pytest.raises(DataError, match=r"nowhere\.json"):
            synthetic(place, url)
        write_policy(place, **{"exclude-checks": ["--hooks"]})
        with pytest.raises(PolicyError, match="check of Schemathesis"):
            synthetic(place, url)
        write_policy(place)
        missing = lambda name, *more: None if name == "schemathesis" else find(name, *more)  # noqa: E731
        monkeypatch.setattr(importlib.util, "find_spec", missing)
        with pytest.raises(ModuleNotFoundError) as caught:
            synthetic(place, url)
    assert caught.value.name == "schemathesis"
