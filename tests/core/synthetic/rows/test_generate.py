"""Generated rows: reproducible, legal by the profile, and without real private values."""

from __future__ import annotations

import json

import pytest

from generated_traffic_service import ROWS
from ghmlops.core.synthetic.rows.fields import fields_of, get
from ghmlops.core.synthetic.rows.generate import ROTATION, Generator, Source, generate
from ghmlops.core.synthetic.rows.profile import profile_of

PRIVATE = ("name", "income", "age", "joined", "plan", "flag")


def source(private: tuple[str, ...] = ()) -> Source:
    rows = [{**row, "flag": index % 2 == 0} for index, row in enumerate(ROWS)]
    return Source(rows=rows, profile=profile_of(rows), private=private)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Rows follow from the seed alone (goal Y3); another seed gives other rows."""
    texts = [json.dumps([one.row for one in generate(source(), 50, seed)]) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_every_generator_takes_part() -> None:
    """The rotation has all generators, and each row keeps the structure of a row of the file."""
    rows = generate(source(), 100, 1)
    assert {row.generator for row in rows} == set(Generator)
    assert [row.generator for row in rows[:10]] == list(ROTATION)
    paths = set(fields_of(source().rows[0]))
    assert all(set(fields_of(row.row)) <= paths for row in rows)


def test_rows_are_legal_by_the_profile() -> None:
    """No number leaves its range, no category is new, only fields with gaps are null."""
    profile = source().profile
    for generated in generate(source(), 200, 3):
        for path, value in fields_of(generated.row).items():
            field = profile.fields[path]
            if value is None:
                assert field.null_rate > 0
            elif path in ("income", "age"):
                assert field.low <= value <= field.high
            elif path == "plan":
                assert value in field.values


@pytest.mark.parametrize("seed", range(5))
def test_no_real_value_of_a_private_field_is_sent(seed: int) -> None:
    """No generated row equals a real row in a declared private column (goal Y6), whatever its kind."""
    file = source(PRIVATE)
    for path in PRIVATE:
        real = {json.dumps(get(row, path)[1]) for row in file.rows} - {"null"}
        values = [get(row.row, path)[1] for row in generate(file, 300, seed)]
        assert not real & {json.dumps(value) for value in values}
        assert all(value is None for value in values) is (path == "flag")


def test_a_single_row_is_enough() -> None:
    """A file with one row, and one without fields, give rows."""
    for row in ({"a": 1}, {}, 5, [1, 2]):
        one = Source(rows=[row], profile=profile_of([row]))
        assert len(generate(one, 12, 1)) == 12


def test_the_widest_ranges_give_finite_numbers() -> None:
    """Also of private fields, whose values are drawn from the range; an integer beyond every float stays as it is."""
    rows = [
        {"i": sign * 10**308, "x": sign * 1.79e308, "huge": 10**400, "p": sign * 10**308, "q": sign * 1.79e308}
        for sign in (1, -1)
    ]
    source = Source(rows=rows, profile=profile_of(rows), private=("p", "q"))
    for generated in generate(source, 50, 1):
        assert json.dumps(generated.row, allow_nan=False)
        assert generated.row["huge"] == 10**400
        assert abs(generated.row["i"]) <= 2 * 10**308
