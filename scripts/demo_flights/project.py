"""The scratch repository: a bare remote, a clone, and a branch for each pull request. Recreated in every run."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from demo_flights.children import Children, interpreter

HERE = Path(__file__).parent
CODE = ("features.py", "recipe.json", "train.py")
"""Files that determine the trained model, in addition to the flights and the installed packages."""
PACKAGES = ("scikit-learn", "numpy", "pyarrow", "joblib")
MODEL, PREDICTIONS = "model.joblib", "predictions.parquet"
AUTHOR, EMAIL = "Dana Demo", "dana@example.invalid"


class Change(NamedTuple):
    """A change to propose: name of its branch and of its patch in `changes/`, and the commit message."""

    name: str
    message: str


FAIR = Change("fair", "Train with another seed")
BAD = Change("bad", "Read WN's new delay feed at LGA, explain each answer")


class Built(NamedTuple):
    """A commit with its trained model, and the path of the predictions of that model."""

    commit: str
    predictions: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The scratch repository: its paths, and the children that run git and training."""

    clone: Path
    remote: Path
    cache: Path
    flights: Path
    children: Children

    def git(self, *arguments: str) -> str:
        """Run git in the clone, which must succeed, and return its output."""
        return self.children.succeed(["git", *arguments], self.clone)

    def create(self, payloads: str) -> Built:
        """Create the remote and the clone, and push the service with the baseline model as the first commit."""
        self.remote.mkdir(parents=True)
        self.children.succeed(["git", "init", "--quiet", "--bare", "--initial-branch=main", "."], self.remote)
        shutil.copytree(HERE / "late-flights", self.clone, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        self.git("init", "--quiet", "--initial-branch=main")
        for key, value in (("user.name", AUTHOR), ("user.email", EMAIL), ("gc.auto", "0")):
            self.git("config", key, value)
        self.git("remote", "add", "origin", str(self.remote))
        (self.clone / "requests.jsonl").write_text(payloads)
        return self._commit("Serve the first model", "main")

    def propose(self, change: Change) -> Built:
        """Commit a change with the model that its code trains, on a new branch from the current commit."""
        self.git("switch", "--quiet", "--create", change.name)
        self.git("apply", str(HERE / "changes" / f"{change.name}.patch"))
        return self._commit(change.message, change.name)

    def _commit(self, message: str, branch: str) -> Built:
        trained = self.train()
        shutil.copyfile(trained / MODEL, self.clone / MODEL)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "--set-upstream", "origin", branch)
        return Built(self.git("rev-parse", "HEAD"), trained / PREDICTIONS)

    def train(self) -> Path:
        """Run the current `train.py`, unless the result for the same code, flights and packages is cached."""
        folder = self.cache / self.fingerprint()
        if not folder.is_dir():
            unfinished = folder.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            command = [str(interpreter()), "train.py", "--flights", str(self.flights), "--out", str(unfinished)]
            self.children.succeed(command, self.clone)
            unfinished.rename(folder)
        return folder

    def fingerprint(self) -> str:
        """Return a digest of everything that the trained model depends on."""
        digest = hashlib.sha256(" ".join(f"{name}={version(name)}" for name in PACKAGES).encode())
        for path in (*(self.clone / name for name in CODE), self.flights):
            digest.update(b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def tree_on_remote(self, revision: str) -> str:
        """Return the tree of a revision in the remote."""
        return self.children.succeed(["git", "rev-parse", "--verify", f"{revision}^{{tree}}"], self.remote)
