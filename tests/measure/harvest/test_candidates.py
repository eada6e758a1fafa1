"""Repeated identifiers, clients that send too much, and the candidates of the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.harvest.sample import UNLIMITED
from ghmlops.core.policy.production.harvest import Traffic
from ghmlops.measure.harvest.candidates import read_candidates, set_aside, silence_loud_clients
from ghmlops.measure.harvest.log_table import open_logs
from harvest_logs import START, requests, write_log

if TYPE_CHECKING:
    from pathlib import Path

TRAFFIC = Traffic(files="logs/*.jsonl", id="request_id", time="ts", body="request", client="client")
NOW = START + 1e6


def test_copies_count_once_and_contradictions_not_at_all(tmp_path: Path) -> None:
    """Two copies of one line; one identifier with two contents."""
    lines = requests(100)
    contradiction = {**lines[7], "client": "client-9999"}
    write_log(tmp_path / "logs/a.jsonl", [*lines, lines[3], lines[3], contradiction])
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        assert set_aside(table, NOW) == (2, 2)
        assert table.rows("SELECT count(*), count(DISTINCT key) FROM requests") == [(99, 99)]


def test_a_client_with_too_many_requests_is_not_sampled(tmp_path: Path) -> None:
    """Its requests, and the time of the first, are returned."""
    lines = requests(200)
    for line in lines[100:]:
        line["client"] = "poison"
    write_log(tmp_path / "logs/a.jsonl", lines)
    with open_logs(tmp_path, TRAFFIC, ("device",), 0) as table:
        set_aside(table, NOW)
        assert silence_loud_clients(table, 0.2) == [(100, START + 100)]
        candidates = read_candidates(table, [0], rows=500, rare=30)
    assert len(candidates.identifiers) == 100
    assert "poison" not in candidates.clients


def test_the_pool_has_the_smallest_keys_of_all_requests_and_of_each_slice(tmp_path: Path) -> None:
    """The same requests in another order and in two files give the same candidates; another seed gives others."""
    lines = requests(4_000)
    write_log(tmp_path / "one/logs/a.jsonl", lines)
    write_log(tmp_path / "two/logs/a.jsonl", lines[2_000:][::-1])
    write_log(tmp_path / "two/logs/b.jsonl", lines[:2_000])
    pools = []
    for folder, seed in (("one", 0), ("two", 0), ("one", 1)):
        with open_logs(tmp_path / folder, TRAFFIC, ("device", "country"), seed) as table:
            set_aside(table, NOW)
            silence_loud_clients(table, 1.0)
            pools.append(read_candidates(table, [0, 1], rows=100, rare=10))
    first, second, other = pools
    assert first.identifiers == second.identifiers
    assert first.fields == second.fields
    assert set(first.identifiers) != set(other.identifiers)
    assert first.values == [['"phone"', '"tv"'], first.values[1]]
    assert first.slice_rows[0] == [3_960, 40]
    assert first.pool.slice_limits[0][1] == UNLIMITED
    assert int((first.pool.codes[0] == 1).sum()) == 40
    assert int((first.pool.keys < np.uint64(first.pool.limit)).sum()) == 160
