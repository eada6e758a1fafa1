"""ASCII form of host names."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import InputError
from ghmlops.core.load.allowed_hosts import read_entries
from ghmlops.core.load.host_names import ascii_form, unicode_host


@pytest.mark.parametrize(
    ("host", "ascii_name"),
    [("bücher.example", "xn--bcher-kva.example"), ("例え.jp", "xn--r8jz45g.jp"), ("a.example", ""), ("ü" * 200, "")],
)
def test_a_name_has_an_ascii_form(host: str, ascii_name: str) -> None:
    """Only a name with other characters has one, and only if it can be encoded."""
    assert ascii_form(host) == ascii_name


def test_the_host_of_an_address_is_examined() -> None:
    """The path does not matter, and a malformed address has no host."""
    assert "xn--bcher-kva.example" in unicode_host("https://bücher.example:8/ü")
    assert unicode_host("https://a.example/ü") == unicode_host("http://[::1") == ""


def test_an_entry_of_allow_hosts_is_written_in_ascii() -> None:
    """The hint contains the form to write."""
    with pytest.raises(InputError) as caught:
        read_entries("*.bücher.example")
    assert "xn--bcher-kva.example" in (caught.value.hint or "")
