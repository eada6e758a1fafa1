"""Facts about the workflow run that evidence claims to come from, as the GitHub API reports them."""

from __future__ import annotations

import msgspec


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow run. An empty field is unknown and is not compared.

    Attributes:
        run_id: id of the run.
        attempt: its newest attempt; evidence of a higher one is forged.
        repository: `owner/name` of the repository whose workflow ran.
        head_sha: commit of the run; for a pull request the head of the branch.
        head_repository: `owner/name` of the repository that contains the commit; differs for a fork.
        event: event that started the run.
        workflow: path of the workflow file.
        conclusion: conclusion of the run; empty while it runs.
        artifacts: name of each artifact to its SHA-256 digest in hexadecimal.
    """

    run_id: str
    attempt: int = 1
    repository: str = ""
    head_sha: str = ""
    head_repository: str = ""
    event: str = ""
    workflow: str = ""
    conclusion: str = ""
    artifacts: dict[str, str] = {}
