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


def test_a_build_is_shell_text_of_several_lines() -> None:
    """Line breaks and tabs belong to it; its time limit is a duration."""
    text = (
        "build: |\n    pip install .\n    python train.py {sha}\n  build-timeout: 5m\n  command: serve {port} {workdir}"
    )
    preview = read_policy(f"version: 1\nservice: s\npreview:\n  {text}\n").preview
    assert preview is not None
    assert preview.build.splitlines() == ["pip install .", "python train.py {sha}"]
    assert (preview.build_timeout, preview.command) == (300.0, "serve {port} {workdir}")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('build: ""\n  command: "x {port}"', "`preview.build`"),
        ('build: [a]\n  command: "x {port}"', "`preview.build`"),
        ('build: "a\\u0007"\n  command: "x {port}"', "control characters"),
        ('build: "serve {port}"\n  command: "x {port}"', "port"),
        (f'build: "{"x" * 20000}"\n  command: "x {{port}}"', "16,384"),
        ('build: "a"\n  url: "http://127.0.0.1:8000"', "`build`"),
        ('build-timeout: soon\n  command: "x {port}"', "`preview.build-timeout`"),
    ],
)
def test_a_malformed_build_is_one_error(text: str, part: str) -> None:
    """The message names the key or the limit."""
    with pytest.raises(PolicyError) as caught:
        read_policy(f"version: 1\nservice: s\npreview:\n  {text}\n")
    assert part in caught.value.message + caught.value.hint


def test_an_address_per_commit() -> None:
    """`{sha}` may be a part of the host."""
    policy = read_policy("version: 1\nservice: s\npreview: {url: 'https://{sha}.preview.example.com'}\n")
    assert policy.preview is not None
    assert policy.preview.url == "https://{sha}.preview.example.com"
