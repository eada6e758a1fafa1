"""Requests, responses, and the error messages of GitHub."""

from __future__ import annotations

from typing import Any, NamedTuple

Json = dict[str, Any]


class Call(NamedTuple):
    """One request that was already validated against the OpenAPI description."""

    root: str
    repository: str
    path: dict[str, str]
    query: dict[str, str]
    body: Json
    token: Json

    @property
    def author(self) -> Json:
        """Login and type of the token's owner, stored with what the request creates."""
        return {"login": self.token["login"], "type": "Bot" if self.token["kind"] == "installation" else "User"}


class Response(NamedTuple):
    """A response; the server splits a list into pages."""

    status: int
    body: object
    headers: tuple[tuple[str, str], ...] = ()


def error_response(status: int, message: str, errors: tuple[Json, ...] = ()) -> Response:
    """Return an error response in the form of GitHub."""
    body: Json = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Response(status, {**body, "errors": list(errors)} if errors else body)


NOT_FOUND = error_response(404, "Not Found")


def invalid(message: str) -> Response:
    """Return a 422 in the form of GitHub's validation errors."""
    return error_response(422, "Validation Failed", ({"resource": "Resource", "code": "custom", "message": message},))
