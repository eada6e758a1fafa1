"""What differs between two policies and two lock files."""

from __future__ import annotations

import pytest

from ghmlops.core.evidence.parts import MAX_KEYS, MAX_PACKAGES, package_parts, policy_parts

POLICY = """service: shop  # a name
latency:
  margins:
    p50: 10%
  mix:
    - name: a
      path: /a
    - name: b
      headers: {authorization: Bearer abc}
  headers:
    x-token: abc
regression:
  slices: [a, b]
"""
UV = '[[package]]\nname = "{}"\nversion = "{}"\nsource = {{}}\n\n'


def test_keys_of_a_policy_are_named_by_their_paths() -> None:
    """A changed, an added and a removed key have a row each; equal ones and comments have none."""
    after = POLICY.replace("p50: 10%", "p50: 25%").replace("# a name", "# another").replace("path: /a", "path: /z")
    after = after.replace("  slices: [a, b]\n", "  group: user\n")
    rows = {part.name: (part.baseline, part.candidate) for part in policy_parts(POLICY, after)}
    assert rows == {
        "latency.margins.p50": ("10%", "25%"),
        "latency.mix[0].path": ("/a", "/z"),
        "regression.group": ("", "user"),
        "regression.slices": ("[a, b]", ""),
    }
    assert policy_parts(POLICY, POLICY) == []


def test_values_of_headers_are_not_repeated() -> None:
    """They may be secrets, so that a row says only that they changed."""
    rows = policy_parts(POLICY, POLICY.replace("abc", "xyz"))
    assert {part.name for part in rows} == {"latency.mix[1].headers", "latency.headers.x-token"}
    assert {value for part in rows for value in (part.baseline, part.candidate)} == {"(changed)"}


@pytest.mark.parametrize(
    ("file", "baseline", "candidate"),
    [
        (
            "uv.lock",
            UV.format("numpy", "1.26.4") + UV.format("idna", "3.1"),
            UV.format("numpy", "2.0.1") + UV.format("idna", "3.1"),
        ),
        ("requirements.txt", "numpy==1.26.4 --hash=sha256:1\nidna==3.1\n", "numpy[extra] == 2.0.1 ; x\nidna==3.1\n"),
        (
            "environment.yml",
            "dependencies:\n  - numpy=1.26.4=py\n  - idna=3.1\n",
            "dependencies:\n  - numpy=2.0.1\n  - idna=3.1\n",
        ),
        (
            "Pipfile.lock",
            '{"default": {"numpy": {"hashes": ["a"], "version": "==1.26.4"}, "idna": {"version": "==3.1"}}}',
            '{"default": {"numpy": {"hashes": ["b"], "version": "==2.0.1"}, "idna": {"version": "==3.1"}}}',
        ),
    ],
)
def test_packages_of_lock_files(file: str, baseline: str, candidate: str) -> None:
    """Each format that is fingerprinted names the package whose version differs."""
    (row,) = package_parts(file, baseline, candidate)
    assert (row.kind, row.name, row.baseline, row.candidate) == ("package", "numpy", "1.26.4", "2.0.1")


def test_hostile_files_are_bounded() -> None:
    """Neither many keys nor many packages, nor text that is neither, cost more than the limits."""
    keys = "\n".join(f"k{index}: {'v' * 500}" for index in range(10_000))
    rows = policy_parts("", keys)
    assert len(rows) == MAX_KEYS
    assert max(len(row.candidate) for row in rows) <= 120
    packages = "".join(UV.format(f"p{index}", "1") for index in range(10_000))
    assert len(package_parts("uv.lock", "", packages)) == MAX_PACKAGES
    for text in ("\x00\ufffd" * 1000, "[" * 10_000, "- " * 10_000, "a:\n" * 1000, "}" * 9999):
        assert isinstance(policy_parts("", text), list)
        assert package_parts("Pipfile.lock", "", text) == []
    assert package_parts("unknown.lock", "", packages) == []
