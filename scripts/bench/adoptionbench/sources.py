"""Source files of the five repositories, as their owners would have written them."""

from __future__ import annotations

HTTP = '''\
"""Answers one JSON request with one JSON answer: `python {file} --port 8000`."""
import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from model import predict


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(200 if self.path == "/healthz" else 404, {{}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(200, predict(body)) if self.path == "/predict" else self.answer(404, {{}})

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000)
    Server(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()
'''

FLIGHTS_TRAIN = '''\
"""Trains the model of air times: `python train.py`. CI runs it; the model is not committed."""
import joblib
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

FEATURES = ["distance", "hour", "month"]

flights = pd.read_parquet("data/flights.parquet")
train = flights[flights["split"] == "train"]
model = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge())
model.fit(train[FEATURES], train["air_time"])
joblib.dump((FEATURES, model), "model.joblib")
'''
FLIGHTS_PREDICT = '''\
"""Predicts the held-out flights: `python predict.py --out predictions.parquet`."""
import argparse

import joblib
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True)
arguments = parser.parse_args()
features, model = joblib.load("model.joblib")
flights = pd.read_parquet("data/flights.parquet")
flights = flights[flights["split"] == "test"]
result = flights[["flight_id", "origin", "departure_time"]].assign(
    actual_air_time=flights["air_time"], predicted_air_time=model.predict(flights[features])
)
result.to_parquet(arguments.out, index=False)
'''
FLIGHTS_APP = '''\
"""The service: `uvicorn app:app`."""
import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
features, model = joblib.load("model.joblib")


class Flight(BaseModel):
    distance: float
    hour: float
    month: float


@app.get("/healthz")
def healthz():
    return {"status": "ok"}


@app.post("/predict")
async def predict(flight: Flight):
    row = np.array([[getattr(flight, name) for name in features]])
    return {"air_time": float(model.predict(row)[0])}
'''

DIGITS_MODEL = '''\
"""A multinomial logistic regression of handwritten digits; its weights are in model.npz."""
import numpy as np

with np.load("model.npz") as file:
    WEIGHTS, BIAS = file["weights"], file["bias"]
SCALE = 16.0


def probabilities(pixels):
    logits = np.asarray(pixels, float) / SCALE @ WEIGHTS + BIAS
    logits -= logits.max(axis=-1, keepdims=True)
    powers = np.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


def predict(body):
    p = probabilities(body["pixels"])
    return {"digit": int(p.argmax()), "p": p.round(6).tolist()}
'''
DIGITS_EVALUATE = '''\
"""Scores all digits: `python evaluate.py --output scores.parquet`."""
import argparse

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from model import probabilities

parser = argparse.ArgumentParser()
parser.add_argument("--output", default="scores.parquet")
arguments = parser.parse_args()
with np.load("data/digits.npz") as file:
    pixels, labels = file["pixels"], file["labels"]
p = probabilities(pixels)
pq.write_table(
    pa.table({"image_id": np.arange(len(labels)), "label": labels, "probabilities": list(p)}), arguments.output
)
'''
DIGITS_DOCKERFILE = """\
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
EXPOSE 8000
CMD ["python", "server.py", "--port", "8000"]
"""

LINEAR_MODEL = '''\
"""A linear model; its weights are in model.json."""
import json
import math
from pathlib import Path

SPEC = json.loads((Path(__file__).parent / "model.json").read_text())


def score(row):
    terms = ((float(row[name]) - mean) / scale * weight for name, mean, scale, weight in SPEC["features"])
    return SPEC["bias"] + sum(terms)


def predict(body):
    return {"score": output(score(body))}


def output(total):
    return 1 / (1 + math.exp(-total)) if SPEC["task"] == "binary" else total
'''
LINEAR_PREDICT = '''\
"""Predicts all rows of the data: `python predict.py predictions.parquet`."""
import sys

import pandas as pd
from model import output, score

rows = pd.read_parquet("data.parquet")
result = rows[["row_id", "target", *(c for c in ("segment",) if c in rows)]].copy()
result["p_target" if set(rows["target"]) == {0, 1} else "predicted"] = [
    output(score(row)) for row in rows.to_dict("records")
]
result.to_parquet(sys.argv[1], index=False)
'''

LANGID_MODEL = '''\
"""The language of a text, by the model that langid ships."""
import langid

LANGUAGES = ["de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "sv"]
langid.set_languages(LANGUAGES)


def predict(body):
    language, score = langid.classify(body["text"])
    return {"language": language, "score": float(score)}
'''

CARBON_FORECAST = '''\
"""Forecasts each week a year ahead: last year's value plus its growth; commit forecasts/weekly.parquet."""
import pandas as pd

TREND = 1.0

weeks = pd.read_parquet("data/weekly.parquet")
last, before = weeks["ppm"].shift(52), weeks["ppm"].shift(104)
result = pd.DataFrame(
    {
        "week_id": weeks["week_id"],
        "week": weeks["week"],
        "actual_ppm": weeks["ppm"],
        "predicted_ppm": last + TREND * (last - before),
    }
)
result.dropna().to_parquet("forecasts/weekly.parquet", index=False)
'''
