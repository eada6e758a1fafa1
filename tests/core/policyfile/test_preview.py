"""The section `preview`."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.preview import Preview
from ghmlops.core.policyfile.document import read_policy


def preview(text: str) -> Preview:
    section = read_policy(f"version: 1\nservice: s\npreview: {{{text}}}\n").preview
    assert section is not None
    return section


def test_the_readiness_probe_is_configurable() -> None:
    """Headers, authorities, the expected text and the number of answers; names of headers are in lower case."""
    section = preview(
        'url: "https://x.example.com", headers: {X-Bypass: "${BYPASS}"}, ca-file: ca.pem, ready-contains: up, '
        "ready-answers: 3"
    )
    assert section.headers == {"x-bypass": "${BYPASS}"}
    assert (section.ca_file, section.ready_contains, section.ready_answers) == ("ca.pem", "up", 3)
    defaults = preview('url: "http://127.0.0.1:1"')
    assert (defaults.headers, defaults.ca_file, defaults.ready_contains, defaults.ready_answers) == ({}, "", "", 1)


@pytest.mark.parametrize(
    "text",
    ["ready-answers: 0", "ready-answers: 101", "ready-answers: many", 'headers: {"a b": x}', "headers: [a]"],
)
def test_a_readiness_that_cannot_be_meant_is_refused(text: str) -> None:
    """A number of answers beyond the bounds or a malformed header is an error of the policy."""
    with pytest.raises(PolicyError):
        preview('url: "http://127.0.0.1:1", ' + text)


def test_the_ascii_form_of_a_unicode_host_is_the_hint() -> None:
    """A host name with other characters is refused with the name that must be written."""
    with pytest.raises(PolicyError) as caught:
        preview('url: "https://bücher.example"')
    assert "xn--bcher-kva.example" in (caught.value.hint or "")
