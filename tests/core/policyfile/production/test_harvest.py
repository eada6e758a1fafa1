"""The section `harvest` is read strictly."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy
from harvest_logs import POLICY


def test_defaults() -> None:
    """A sample needs fields; everything else has a default."""
    harvest = read_policy(POLICY).harvest
    assert harvest is not None
    assert harvest.keep is not None
    assert (harvest.keep.file, harvest.keep.rare, harvest.traffic.client_share) == ("data/requests.parquet", 30, 0.2)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("logs/*.jsonl", "../x.jsonl", "traffic.files"),
        ("logs/*.jsonl", "logs/*.csv", "JSON Lines"),
        ("id: request_id", "id: a.*", "traffic.id"),
        ("slices: [device, country]", "slices: [device, mail]", "mail"),
        ("fields: [device, country, features]", "fields: [device, country, device.kind]", "device.kind"),
        ("fields: [device, country, features]", "fields: [device, country, country]", "country"),
        ("fields: [device, country, features]", 'fields: [device, country, "a b"]', "a b"),
        ("rows: 100", "rows: 100001", "keep.rows"),
        ("rows: 100", "file: data/x.csv", ".parquet"),
        ("client: client", "client: client, client-share: 0%", "client-share"),
        ("rows: 100", "row: 100", "rows"),
    ],
)
def test_mistakes_are_named(old: str, new: str, word: str) -> None:
    """The error names the place."""
    with pytest.raises(PolicyError) as error:
        read_policy(POLICY.replace(old, new))
    assert word in error.value.message + error.value.hint
