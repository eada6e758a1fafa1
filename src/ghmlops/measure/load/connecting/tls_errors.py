"""Why TLS failed, in words that say what to change: OpenSSL names the symptom."""

from __future__ import annotations

import ssl

NO_TLS = "the service does not use TLS on this port; its address begins with http://"
SPEAKS_TLS = "the service uses TLS on this port; its address begins with https://"
CLIENT_CERTIFICATE = "the service demands a client certificate"
_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_DEMANDED = ("CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE")
_REFUSED = ("ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_UNKNOWN",
            "ALERT_ACCESS_DENIED", "ALERT_CERTIFICATE_REVOKED", "ALERT_UNSUPPORTED_CERTIFICATE")  # fmt: skip
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
"""First bytes of an alert and of a handshake."""
_PLAIN_ON_TLS = (b"HTTPS port", b"HTTPS server", b"SSL-enabled server port", b"HTTP request to an HTTPS")
"""Words in the answers of nginx, Apache and Go to a request without TLS."""


def describe_tls_error(error: ssl.SSLError) -> str:
    """Return in a few words why TLS failed."""
    name = str(getattr(error, "reason", None) or error)  # an error raised by Python itself has no reason
    if any(word in name for word in _PLAIN):
        return NO_TLS
    if any(word in name for word in _DEMANDED):
        return CLIENT_CERTIFICATE
    if any(word in name for word in _REFUSED):
        return f"the service refused the client certificate ({name.lower().replace('_', ' ')})"
    if isinstance(error, ssl.SSLEOFError):
        return "the service closed the connection during TLS; it may demand a client certificate"
    if "HANDSHAKE_FAILURE" in name:
        return "the service refused the handshake; it may demand a client certificate"
    return str(getattr(error, "verify_message", "") or getattr(error, "reason", None) or "TLS failed")


def answers_with_tls(data: bytes, status: int = 0) -> bool:
    """Return whether the answer to a request without TLS shows that the port expects TLS.

    Args:
        data: Start of the answer.
        status: Its HTTP status; 0 if it is not HTTP.
    """
    return data.startswith(_TLS_RECORDS) or (status == 400 and any(words in data for words in _PLAIN_ON_TLS))
