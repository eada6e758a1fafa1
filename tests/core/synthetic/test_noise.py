"""The noise floor: tolerances and ignored paths from equal requests."""

from __future__ import annotations

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
