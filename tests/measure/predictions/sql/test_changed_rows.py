"""Changed rows are listed with their keys, in order, and redacted by policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from ghmlops.core.policy.regression import Changed
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


def test_changed_rows_are_ordered_and_redacted(read: Read) -> None:
    """Flipped decisions come first, then the largest changes; values of masked and hashed columns are redacted."""
    from hashlib import sha256

    first, second = rows(N, 1), rows(N, 2)
    policy = replace(
        BINARY, changed=Changed(rows=9, show=("device", "country", "user"), mask=("country", "y"), hash=("user",))
    )
    result = read(first, second | {"y": second["y"]}, policy)
    flipped = (first["s"] >= 0.5) != (second["s"] >= 0.5)
    order = np.lexsort((-np.abs(second["s"] - first["s"]), ~flipped))[:9]
    assert [row["id"] for row in result.changed_rows] == [str(i) for i in order]
    for row, i in zip(result.changed_rows, order, strict=True):
        assert (row["device"], row["country"], row["label"]) == (first["device"][i], "***", "***")
        assert row["user"] == sha256(str(first["user"][i]).encode()).hexdigest()[:12]
        assert (row["baseline"], row["candidate"]) == (first["s"][i], second["s"][i])
        assert (row["baseline decision"], row["candidate decision"]) == tuple(
            str(int(side["s"][i] >= 0.5)) for side in (first, second)
        )
    assert read(first, first, policy).changed_rows == []


def test_changed_rows_have_class_names_and_labels_of_a_file(read: Read) -> None:
    """Rows have the class names of the policy, the label of the file, and a column of the candidate partial."""
    first, second = ({k: v for k, v in rows(N, seed).items() if k != "y"} for seed in (1, 2))
    label = rows(N, 1)["y"]
    labels = {"id": np.arange(N), "y": ["yes" if v else "no" for v in label]}
    second["note"] = [f"n{i}" for i in range(N)]
    policy = replace(BINARY, classes=("no", "yes"), changed=Changed(rows=3, show=("note",)))
    for row in read(first, second, policy, labels).changed_rows:
        i = int(row["id"])
        assert (row["label"], row["note"]) == ("yes" if label[i] else "no", f"n{i}")
        assert row["candidate decision"] == ("yes" if second["s"][i] >= 0.5 else "no")
