"""Repairs the head of a response that breaks the letter of HTTP/1.1 in a way that curl and browsers accept.

Only heads that the strict parser refused come here: lines that are folded (obs-fold, RFC 9112 section 5.2: a client
replaces each fold by a space), lines that end with a bare LF (section 2.2), and a Content-Length that is repeated with
the same value (RFC 9110 section 8.6). Different lengths stay an error, because the end of the response is unknown.
"""

from __future__ import annotations

import re

MAX_HEAD_BYTES = 65536
"""A longer head is not repaired."""
_END = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(rb"\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[01] 1[0-9][0-9](?=[ \r\n])")


def repair(data: bytes) -> bytes | None:
    """Return the response with a repaired head; `None` if the head is not complete yet.

    Interim responses (1xx) are removed, except 101, which ends HTTP on the connection.

    Args:
        data: Everything that was received of the response.
    """
    while (end := _END.search(data)) is not None:
        head, rest = data[: end.start()], data[end.end() :]
        if not _INTERIM.match(head) or head[9:12] == b"101":
            return b"\r\n".join([*_merge_lengths(_unfold(_LINE.split(head))), b"", b""]) + rest
        data = rest
    return None


def _unfold(lines: list[bytes]) -> list[bytes]:
    """Append each folded line to its header; the status line cannot be folded."""
    result = lines[:1]
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t") and len(result) > 1:
            result[-1] += b" " + line.strip(b" \t")
        else:
            result.append(line)
    return result


def _merge_lengths(lines: list[bytes]) -> list[bytes]:
    """Keep one Content-Length if all of them, also in a list, are the same number."""
    lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
    values = {value.strip() for line in lengths for value in line.partition(b":")[2].split(b",")}
    if not lengths or len(values) != 1:
        return lines
    return [line for line in lines if line not in lengths] + [b"content-length: " + values.pop()]
