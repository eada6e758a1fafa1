"""One request, one answer, and GitHub's words for a refusal."""

from __future__ import annotations

from typing import Any, NamedTuple

Json = dict[str, Any]


class Call(NamedTuple):
    """One request whose form was already judged by the specification."""

    root: str
    repository: str
    path: dict[str, str]
    query: dict[str, str]
    body: Json
    token: Json

    @property
    def author(self) -> Json:
        """Who acts, as stored with what is created."""
        return {"login": self.token["login"], "type": "Bot" if self.token["kind"] == "installation" else "User"}


class Answer(NamedTuple):
    """What is sent back; a list is cut into pages by the server."""

    status: int
    body: object
    headers: tuple[tuple[str, str], ...] = ()


def refusal(status: int, message: str, errors: tuple[Json, ...] = ()) -> Answer:
    """An error as GitHub words it."""
    body: Json = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Answer(status, {**body, "errors": list(errors)} if errors else body)


NOT_FOUND = refusal(404, "Not Found")


def invalid(message: str) -> Answer:
    """A 422 with GitHub's envelope."""
    return refusal(422, "Validation Failed", ({"resource": "Resource", "code": "custom", "message": message},))
