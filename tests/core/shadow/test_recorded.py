"""Which recorded requests may be sent again, and with which headers."""

from __future__ import annotations

import pytest

from ghmlops.core.policy.before_traffic.shadow import Send
from ghmlops.core.shadow.recorded import dropped_credentials, endpoint_name, kept_headers, may_quote, parse_endpoint

DECLARED = [parse_endpoint("POST /predict"), parse_endpoint("POST /v2/models/{name}/infer")]


@pytest.mark.parametrize(
    ("method", "path", "name", "safe"),
    [
        ("GET", "/health", "GET /health", True),
        ("HEAD", "/health", "HEAD /health", True),
        ("OPTIONS", "/", "OPTIONS /", True),
        ("TRACE", "/", "TRACE /", False),
        ("GET", "/users/123/orders/9f1b2c3d-0000-4000-8000-0123456789ab", "GET /users/{id}/orders/{id}", True),
        ("GET", "/token/0123456789abcdef01?key=secret", "GET /token/{id}", True),
        ("GET", "/internationalisation", "GET /internationalisation", True),
        ("POST", "/predict", "POST /predict", True),
        ("POST", "/predict?debug=1", "POST /predict", True),
        ("POST", "/predict/", "POST /predict/", False),
        ("POST", "/v2/models/churn/infer", "POST /v2/models/{name}/infer", True),
        ("POST", "/v2/models/../infer", "POST /v2/models/../infer", False),
        ("POST", "/v2/models//infer", "POST /v2/models//infer", False),
        ("PUT", "/predict", "PUT /predict", False),
        ("DELETE", "/users/1", "DELETE /users/{id}", False),
    ],
)
def test_only_safe_methods_and_declared_endpoints_may_be_sent(method: str, path: str, name: str, safe: bool) -> None:
    """Requests are shown by method and path template; the query is no part of it."""
    assert endpoint_name(method, path, DECLARED) == (name, safe)


def test_recorded_headers_are_dropped_unless_they_are_named() -> None:
    """Accept and content type stay; credentials and headers of the connection do not; the policy's own ones win."""
    recorded = {
        "accept": "text/html",
        "content-type": "application/json",
        "authorization": "Bearer live",
        "cookie": "sid=1",
        "x-tenant": "a",
        "content-length": "7",
        "host": "live.example.com",
        "x-line": "a\r\nx-evil: 1",
    }
    named = ("x-tenant", "host", "x-line")
    assert kept_headers(recorded, named, {"accept": "application/json", "authorization": "Bearer test"}) == {
        "accept": "application/json",
        "content-type": "application/json",
        "x-tenant": "a",
        "authorization": "Bearer test",
    }
    assert dropped_credentials(recorded, ("cookie",)) == ["authorization"]


@pytest.mark.parametrize(
    ("send", "addresses", "expected"),
    [
        (Send(), ("127.0.0.1", "::1"), True),
        (Send(headers={"x": "$${literal}"}), ("127.0.0.1",), True),
        (Send(headers={"x": "a ${TOKEN}"}), ("127.0.0.1",), False),
        (Send(recorded_headers=("authorization",)), ("127.0.0.1",), False),
        (Send(), ("127.0.0.1", "10.0.0.1"), False),
    ],
)
def test_answers_may_be_quoted_without_credentials_on_this_machine(
    send: Send, addresses: tuple[str, ...], expected: bool
) -> None:
    """A service may repeat whatever it was sent."""
    assert may_quote(send, addresses) is expected
