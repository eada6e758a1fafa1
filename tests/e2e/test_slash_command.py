"""Commands in comments, through the workflow that is called for them: who may, what happens, and hostile text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import consumer
from declared import callers_workflow
from runner import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from github_api.server import Api
    from runner import Run, World

MEASURE = "measure-workflow: measure.yml"
CALLER = callers_workflow("commands.yml").replace(MEASURE, f"{MEASURE}\n      gate-workflow: gate.yml")
"""The workflow that the header of commands.yml shows, with overrides."""
POLICY = consumer.POLICY.replace("gate: {", "gate: {override: {role: maintain}, ")
JOB = "ghmlops commands/Command"
ROLES = {"ada": "maintain", "wim": "write", "mallory": "read"}
GRANTED = {"actions": "write", "contents": "read", "pull_requests": "write"}
"""What the workflow declares, and nothing else."""
OLD = "2026-01-01T00:00:00Z"


class Conversation:
    """Comments on an open pull request whose measuring run failed."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api
        consumer.fill(world, {"commands.yml": CALLER}, policy=POLICY)
        world.git("switch", "--quiet", "--create", "topic")
        self.head = consumer.change(world, good=False)
        world.git("switch", "--quiet", "main")
        api.state.repositories["acme/consumer"].update(roles=ROLES, git_dir=str(world.remote))
        token = {"login": "github-actions[bot]", "kind": "installation", "permissions": GRANTED}
        run = {"head_sha": self.head, "head_branch": "topic", "path": ".github/workflows/measure.yml"}
        api.seed(
            tokens={TOKEN: token},
            pull_requests=[{"number": 7, "head_sha": self.head, "head_ref": "topic"}],
            runs=[{"id": 42, **run, "conclusion": "failure", "created_at": OLD}],
        )

    def comment(self, body: str, login: str, **issue: Any) -> Run:
        """Write a comment, whose event claims that an owner wrote it, and run the workflow."""
        self.api.seed(comments=[{"issue": 7, "body": body, "login": login}])
        row = self.api.state.comments[-1]
        user = {"login": "ada", "type": "User"}
        payload = {
            "action": "created",
            "issue": {"number": 7, "pull_request": {"url": "x"}, "user": user, **issue},
            "comment": {
                **{key: row[key] for key in ("id", "body", "created_at")},
                "author_association": "OWNER",
                "user": user,
            },
            "sender": user,
            "repository": consumer.REPOSITORY,
        }
        return self.world.run("issue_comment", "commands.yml", payload, run_id=7001, api=self.api.url)

    @property
    def answer(self) -> str:
        """The newest answer of the bot, without its marker."""
        bodies = [row["body"] for row in self.api.state.comments if row["login"].endswith("[bot]")]
        return str(bodies[-1]).partition("\n")[2].strip()

    @property
    def reactions(self) -> list[str]:
        """The reactions so far, in order."""
        return [row["content"] for row in self.api.state.reactions]


def test_commands_in_comments(world: World, api: Api, tmp_path: Path) -> None:
    """The API says who a person is; the text of a comment is data in every step of the job."""
    talk, trap = Conversation(world, api), tmp_path / "trap"
    reason = f"$(touch {trap}) `touch {trap}` ${{{{ github.token }}}} '; touch {trap} #\" ::error::x %0A::error::y"
    run = talk.comment(f"/ghmlops override {reason}\n::error::z\n::add-mask::success\n$(touch {trap})", "ada")
    assert run.jobs == {JOB: "success"}, run.text
    started = api.state.runs[-1]
    main = world.git("rev-parse", "main", cwd=world.remote)
    assert (started["path"], started["head_sha"]) == (".github/workflows/gate.yml", main)
    comment_id = str(api.state.comments[0]["id"])
    inputs = {"commit": talk.head, "run-id": "42", "override-reason": reason, "override-comment": comment_id}
    assert started["inputs"] == inputs
    assert talk.reactions == ["eyes", "+1"]
    assert (run.annotations, trap.exists()) == ([], False)
    assert "touch" not in "".join([talk.answer, *run.summaries.values()])

    run = talk.comment("/ghmlops override let me in", "mallory")
    assert run.jobs == {JOB: "success"}, run.text
    assert talk.reactions[2:] == ["confused"]
    assert len(api.state.runs) == 2
    assert "maintain" in talk.answer

    run = talk.comment("/ghmlops rerun", "wim")
    assert run.jobs == {JOB: "success"}, run.text
    assert [row["run_attempt"] for row in api.state.runs] == [2, 1]
    assert talk.reactions[3:] == ["eyes", "+1"]
    assert "runs/42" in talk.answer

    run = talk.comment("Thanks; /ghmlops rerun", "wim")
    assert run.jobs == {}
    assert len(talk.reactions) == 5
    assert TOKEN not in json.dumps(api.state.dump())
