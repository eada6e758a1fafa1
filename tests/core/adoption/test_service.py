"""Commands, paths and ports from the files that repositories really have."""

from __future__ import annotations

import pytest

from ghmlops.core.adoption.service import derive_service, with_free_port

FASTAPI = """\
from fastapi import FastAPI

app = FastAPI(title="x")


@app.post("/v1/score")
def score(row: dict) -> dict:
    return row


@app.get("/healthz")
def health() -> str:
    return "ok"
"""
FLASK = """\
from flask import Flask

server = Flask(__name__)


@server.route("/predict", methods=["POST"])
def predict():
    return {}
"""
SCRIPT = 'import uvicorn\nparser.add_argument("--port")\nif __name__ == "__main__":\n    main()\n'


@pytest.mark.parametrize(
    ("files", "command", "path", "ready"),
    [
        ({"main.py": FASTAPI}, "python -m uvicorn main:app --port {port}", "/v1/score", "/healthz"),
        (
            {"src/api/app.py": FASTAPI},
            "python -m uvicorn api.app:app --app-dir src --port {port}",
            "/v1/score",
            "/healthz",
        ),
        ({"app.py": FLASK}, "python -m flask --app app:server run --port {port}", "/predict", ""),
        (
            {"Procfile": "release: x\nweb: gunicorn -b 0.0.0.0:$PORT app:server\n", "app.py": FLASK},
            "gunicorn -b 0.0.0.0:{port} app:server",
            "/predict",
            "",
        ),
        (
            {"Dockerfile": 'FROM a\nCMD ["x", "--port", "1"]\nFROM b\nCMD ["uvicorn", "m:app", "--port", "8000"]\n'},
            "uvicorn m:app --port {port}",
            "",
            "",
        ),
        (
            {"Dockerfile": 'FROM a\nENTRYPOINT ["uvicorn"]\nCMD ["m:app", \\\n "--port=80"]\n'},
            "uvicorn m:app --port={port}",
            "",
            "",
        ),
        (
            {"Dockerfile": 'FROM a\nCMD ["sh", "-c", "exec serve --port ${PORT:-8080}"]\n'},
            "serve --port {port}",
            "",
            "",
        ),
        (
            {
                "pyproject.toml": '[project]\nname = "p"\nscripts = {serve-model = "p.web:main"}\n',
                "src/p/web.py": SCRIPT,
            },
            "serve-model --port {port}",
            "",
            "",
        ),
        ({"tools/serve.py": SCRIPT}, "python tools/serve.py --port {port}", "", ""),
        ({"Procfile": "web: serve $PORT && true\n"}, "", "", ""),
        ({"Procfile": "worker: x --port 1\n", "train.py": "print(1)"}, "", "", ""),
        ({"Dockerfile": "FROM a\nCMD [not json\n", "pyproject.toml": "[broken"}, "", "", ""),
        ({"tests/test_app.py": FASTAPI}, "", "/v1/score", "/healthz"),
    ],
)
def test_command(files: dict[str, str], command: str, path: str, ready: str) -> None:
    """The command has the placeholder in place of its port; what needs a shell or has no port is not proposed."""
    facts = derive_service(files)
    assert (facts.command, facts.path, facts.ready) == (command, path, ready)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("serve --port 8000", "serve --port {port}"),
        ("serve -p 8000 --workers 2", "serve -p {port} --workers 2"),
        ("gunicorn --bind=:8000 a:b", "gunicorn --bind=:{port} a:b"),
        ("serve", ""),
        ("cd x; serve --port 80", ""),
        ("serve --port $PORT --key $SECRET", ""),
    ],
)
def test_port(command: str, expected: str) -> None:
    """Ports of options and of PORT become the placeholder; other variables need a shell."""
    assert with_free_port(command) == expected
