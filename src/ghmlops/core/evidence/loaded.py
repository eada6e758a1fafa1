"""One file of an evidence folder, readable or not."""

from __future__ import annotations

from typing import NamedTuple

from ghmlops.core.evidence.document import Evidence


class Loaded(NamedTuple):
    """One file of the evidence folder: its content, or why it cannot be read (`problem`).

    Attributes:
        file: name of the file, without its folder.
        sha256: digest of its bytes in hexadecimal; empty if they could not be read.
        evidence: the content; `None` if it cannot be used.
        problem: why it cannot be used; otherwise empty.
        artifact: name of the artifact that contained the file; empty if it did not come from GitHub.
        artifact_sha256: digest of the artifact as it was downloaded, in hexadecimal; empty if unknown.
        created: creation time of the artifact (ISO 8601), as the API reports it; empty if unknown.
        attempt: attempt of the run that created the artifact, as the API reports it; 0 if unknown.
        log: bytes of the histogram log beside it (`<name>.hlog`), not decoded; empty without one.
        log_problem: why the histogram log was left out; otherwise empty.
    """

    file: str
    sha256: str
    evidence: Evidence | None
    problem: str
    artifact: str = ""
    artifact_sha256: str = ""
    created: str = ""
    attempt: int = 0
    log: bytes = b""
    log_problem: str = ""
