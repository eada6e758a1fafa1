"""The files that a number of the dashboard was counted from."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

import pytest

from dashboard_samples import dashboard, history
from ghmlops.core.history.record import DeploymentRecord
from ghmlops.report.dashboard.site import site


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return site(dashboard(history(120)))


def test_a_number_names_the_rows_that_it_was_counted_from(files: dict[str, str]) -> None:
    """The file of the services has all deployments; its name is its digest, and each row has records and evidence."""
    records = {item.id: item.record for item in history(120)}
    table = files["index.html"].split("<h2>Services</h2>")[1].split("</section>")[0]
    names = re.findall(r'href="(sources/[0-9a-f]{64}\.csv)"', table)
    assert len(names) == 2
    for name in names:
        assert hashlib.sha256(files[name].encode()).hexdigest() == Path(name).stem
    rows = [row for name in names for row in csv.DictReader(files[name].splitlines())]
    assert len(rows) == 120
    assert sorted(identity for row in rows for identity in row["records"].split()) == sorted(
        identity for identity, record in records.items() if isinstance(record, DeploymentRecord)
    )
    for row in rows:
        own = [records[identity] for identity in row["records"].split()]
        digests = [evidence.sha256 for record in own for evidence in getattr(record, "evidence", ())]
        assert row["evidence-sha256"].split() == digests
        assert row["commit"] == own[0].commit
    live = sum(row["state"] == "live" for row in rows)
    numbers = re.findall(r'<td class="number">(\d+)</td>', table)
    assert sum(int(number) for number in numbers[1::7]) == live


def test_every_aggregate_has_such_a_file(files: dict[str, str]) -> None:
    """Services, keys, charts and accuracy; no file is written that nothing refers to."""
    linked = set(re.findall(r'href="(sources/[^"]+)"', files["index.html"]))
    assert linked == {name for name in files if name.startswith("sources/")}
    for heading in ("Services", "Delivery: the four keys", "Metrics over time", "Hypotheses", "Accuracy of these"):
        section = files["index.html"].split(f"<h2>{heading}")[1].split("</section>")[0]
        assert 'href="sources/' in section, heading
