"""Train the model of `recipe.json`, and predict the held-out flights: `python train.py --flights F --out FOLDER`.

Writes `model.joblib` (what `serve.py` loads) and `predictions.parquet` (what a reviewer compares) to FOLDER.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from features import NUMBERS, WORDS, row
from sklearn.ensemble import GradientBoostingClassifier  # type: ignore[import-untyped]

PASSED_THROUGH = ("id", "departure", "carrier", "origin", "dest", "late")
"""Columns of the flights that are copied to the predictions."""


def main() -> None:
    """Train, predict, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    recipe = json.loads(Path(__file__).with_name("recipe.json").read_text())
    flights = pq.read_table(arguments.flights)
    training, held_out = (flights.filter(pc.equal(flights["held_out"], side)) for side in (False, True))
    codes = {name: sorted(training[name].unique().to_pylist()) for name in WORDS}
    vocabulary = {name: {code: number for number, code in enumerate(words)} for name, words in codes.items()}
    model = fit(sample(training, recipe), vocabulary, recipe)
    predictions = predict(model, held_out, vocabulary)
    arguments.out.mkdir(parents=True, exist_ok=True)
    joblib.dump({"model": model, "vocabulary": vocabulary}, arguments.out / "model.joblib", compress=3)
    pq.write_table(predictions, arguments.out / "predictions.parquet")


def sample(flights: pa.Table, recipe: dict[str, Any]) -> pa.Table:
    """Draw the recipe's fraction of the rows without replacement, with its seed."""
    size = round(recipe["share"] * flights.num_rows)
    rows = np.random.default_rng(recipe["seed"]).choice(flights.num_rows, size=size, replace=False)
    return flights.take(pa.array(np.sort(rows)))


def matrix(flights: pa.Table, vocabulary: dict[str, dict[str, int]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the features of many flights, one row each."""
    columns = flights.select(["dep_delay", *NUMBERS, *WORDS])
    return np.array([row(flight, vocabulary) for flight in columns.to_pylist()], dtype=np.float64)


def fit(flights: pa.Table, vocabulary: dict[str, dict[str, int]], recipe: dict[str, Any]) -> Any:  # noqa: ANN401  (untyped)
    """Fit the classifier of the recipe."""
    model = GradientBoostingClassifier(
        n_estimators=recipe["trees"],
        max_depth=recipe["depth"],
        subsample=recipe["share_per_tree"],
        random_state=recipe["seed"],
    )
    return model.fit(matrix(flights, vocabulary), flights["late"].to_numpy())


def predict(model: Any, flights: pa.Table, vocabulary: dict[str, dict[str, int]]) -> pa.Table:  # noqa: ANN401  (untyped)
    """Return the prediction artifact: copied columns, the probability `p_late` and the decision `says_late`."""
    probability = model.predict_proba(matrix(flights, vocabulary))[:, 1]
    result = flights.select(list(PASSED_THROUGH))
    return result.append_column("p_late", pa.array(probability)).append_column(
        "says_late", pa.array(probability >= 0.5)
    )


if __name__ == "__main__":
    main()
