"""The noise floor: tolerances and ignored paths from equal requests."""

from __future__ import annotations

import math

from ghmlops.core.synthetic.noise import learn
from json_answers import answered


def test_noise_is_learned_by_path() -> None:
    """Numbers get twice their largest difference; what differs otherwise in 5 % of the pairs is not compared."""
    pairs = [
        (
            answered({"p": 1.0, "id": f"a{i}", "label": "x"}),
            answered({"p": 1.0 + i / 1000, "id": f"b{i}", "label": label}),
        )
        for i, label in enumerate(["x"] * 39 + ["y"])
    ]
    noise = learn(pairs)
    assert noise.pairs == 40
    assert noise.ignored == {"$.id": 1.0}
    assert abs(noise.tolerances["$.p"] - 0.078) < 1e-9
    assert learn(pairs, ["id", "label"]).ignored == {}
    assert noise.rules(["more"]).ignore == {"$.id", "$.more"}


def test_a_fixed_tolerance_is_not_learned() -> None:
    """A number that differs by more than the policy's tolerance is noise of its path."""
    pairs = [(answered({"p": 1.0}), answered({"p": 1.5}))] * 10
    assert learn(pairs, fixed=1.0).tolerances == {"$.p": 1.0}
    assert learn(pairs, fixed=0.1).ignored == {"$.p": 1.0}
    assert learn([]).pairs == 0


def test_rounding_is_tolerated_where_nothing_differed() -> None:
    """A millionth of the largest fraction of a path is rounding; a tolerance of the policy holds for every number."""
    pairs = [(answered({"p": [0.5, -2.0], "n": 4}),) * 2] * 3
    assert learn(pairs).tolerances == {}
    assert learn(pairs).rules().tolerances == {"$.p[]": 2e-6}
    assert learn(pairs, fixed=0.1).rules().tolerances == {"$.p[]": 0.1, "$.n": 0.1}


def test_an_integer_beyond_every_float_has_no_magnitude() -> None:
    """It differs or it does not; no rounding and no tolerance is learned from it."""
    huge, other = answered(b'{"p": 1%s, "q": 2.0}' % (b"0" * 400)), answered({"p": 1, "q": 2.0})
    for fixed in (None, 0.1):
        assert learn([(huge, huge)], fixed=fixed).ignored == {}
        assert learn([(huge, other)], fixed=fixed).ignored == {"$.p": 1.0}
        assert set(learn([(huge, huge)], fixed=fixed).rules().tolerances) == {"$.q"}


def test_a_tolerance_stays_finite() -> None:
    """An infinite one would make every difference equal, and could not be saved with a failure."""
    pairs = [(answered({"p": -1.7e308}), answered({"p": 0.0}))]
    assert math.isfinite(learn(pairs).tolerances["$.p"])
