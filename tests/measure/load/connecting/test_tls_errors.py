"""Names of TLS failures."""

from __future__ import annotations

import ssl

import pytest

from ghmlops.measure.load.connecting import tls_errors
from ghmlops.measure.load.connecting.tls_errors import answers_with_tls, describe_tls_error


def failure(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("WRONG_VERSION_NUMBER", tls_errors.NO_TLS),
        ("RECORD_LAYER_FAILURE", tls_errors.NO_TLS),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", tls_errors.CLIENT_CERTIFICATE),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "refused the client certificate"),
        ("TLSV1_ALERT_UNKNOWN_CA", "refused the client certificate"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "client certificate"),
        ("SOMETHING_ELSE", "SOMETHING_ELSE"),
    ],
)
def test_a_failure_says_what_to_change(reason: str, words: str) -> None:
    """The name of OpenSSL is replaced by the cause."""
    assert words in describe_tls_error(failure(reason))


def test_an_early_end_is_explained() -> None:
    """A connection that ends during TLS may lack a client certificate."""
    assert "client certificate" in describe_tls_error(ssl.SSLEOFError(8, "EOF occurred"))


@pytest.mark.parametrize(
    ("data", "status", "result"),
    [
        (b"\x15\x03\x01\x00\x02", 0, True),
        (b"... HTTPS port", 400, True),
        (b"... HTTPS port", 200, False),
        (b"", 0, False),
    ],
)
def test_an_answer_shows_that_the_port_expects_tls(data: bytes, status: int, result: bool) -> None:
    """An alert, or the page that servers send with 400."""
    assert answers_with_tls(data, status) is result
