"""Secrets and identifiers are found in texts and JSON values, and ordinary features are not taken for them."""

from __future__ import annotations

import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.harvest.privacy import RULES, Rule, find_in_value, find_secrets

SECRETS = {
    "e-mail address": ("mail me: ann.lee+x@mail.example.org", "ann%40example.com"),
    "private key": ("-----BEGIN RSA " + "PRIVATE KEY-----",),
    "JSON Web Token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",),
    "access key": (
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 22,
        "xoxb-" + "1" * 12,
        "sk_live_" + "b" * 24,
    ),
    "authorisation": ("Authorization: Bearer abc.def.ghi", "basic dXNlcjpwYXNz"),
    "password": ("password=hunter2", '"api_key": "abcd"'),
    "user in a URL": ("postgres://app:hunter2@db/x",),
    "card number": (
        *("4111 1111 1111 1111", "paid with 5500005555555559 today", "378282246310005", "pay 4111111111111111."),
        *("4111111111111111.0", "card no.4111111111111111", "4111-1111-1111-1111, ", "3530111333300000"),
        *("3530 1113 3330 0000", "36227206271667", "3622 720627 1667", "6759649826438453", "6759 6498 2643 8453."),
        *("6200000000000005", "501800000009", "6304000000000000000"),
    ),
    "IBAN": ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"),
    "social security number": ("ssn 078-05-1120",),
    "telephone number": (
        *("+49 170 1234567", "(415) 555-0132", "0049 30 123456", "call +1 555 123 4567.", "555-123-4567."),
        *("tel.+49 170 1234567", "(415)555-0132", "1.415.555.0132", "tel.415-555-0132"),
    ),
    "UUID": ("6fa459ea-ee8a-3ca4-894e-db77e160355e",),
    "MAC address": ("00:1B:44:11:3A:B7",),
    "IP address": ("from 203.0.113.7", "2001:db8:85a3::8a2e:370:7334"),
    "token": ("Zx81kQp02LmNv7Tt4RwA9", "9f86d081884c7d659a2feaa0c55ad015"),
}
CLEAN = (
    *("phone", "DE", "New York", "checkout/step-2", "v1.2.3", "2026-11-29T11:20:45Z", "2026-11-29", "10:15:00"),
    *("mobile_application_version", "international-business-class", "0.12345678901234567", "-1.5e-12", "1780272000123"),
    *("0.4111111111111111", "12.4111111111111111", "4111111111111111.25", "3.0012345678901", "0.00123456789012"),
    *(
        "age 42, income 51,000",
        "C++",
        "a@b",
        "price: 12.50 EUR",
        "3.14159265358979",
        "12:30",
        "aaaaaaaaaaaaaaaaaaaaaa1",
    ),
)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SECRETS.items() for text in texts])
def test_each_kind_is_found(kind: str, text: str) -> None:
    """Alone, inside a text, and inside a JSON value, as a key too."""
    assert kind in set(find_secrets(text))
    assert kind in set(find_secrets(f"before {text} after"))
    assert kind in set(find_in_value({"a": [{"b": text}]}))
    assert kind in set(find_in_value({text: 1}))


@pytest.mark.parametrize("text", CLEAN)
def test_ordinary_values_are_not_secrets(text: str) -> None:
    """Times, versions, numbers with a fraction and words pass."""
    assert list(find_secrets(text)) == []


def test_numbers_with_a_fraction_are_not_searched_and_whole_numbers_are() -> None:
    """A card number that was logged as a number is found; no feature is one by chance."""
    rng = Random(5)  # noqa: S311  (reproducible)
    assert not any(kind for _ in range(20_000) for kind in find_in_value([rng.random(), rng.gauss(0, 1e6)]))
    assert list(find_in_value([4111111111111111])) == ["card number"]
    assert list(find_in_value([4111111111111111.0])) == ["card number"]
    assert list(find_in_value([1780272000123.0, 4111111111111111.5, 1e300, float("inf")])) == []
    assert list(find_in_value([1780272000123, True, None, 7])) == []


def test_a_value_may_be_nested_deeply() -> None:
    """Deeper than Python calls functions."""
    value: object = "ann@example.org"
    for _ in range(5_000):
        value = [1, {"a": value}]
    assert list(find_in_value(value)) == ["e-mail address"]


def test_identifiers_are_found_as_words() -> None:
    """With punctuation around them, and not as a part of another word."""
    identifiers = {"req-0001", "order 7"}
    for text in ("req-0001", "see req-0001.", "order 7"):
        assert list(find_secrets(text, identifiers)) == ["request identifier"]
    assert list(find_secrets("req-00012", identifiers)) == []


def test_digests_of_the_evidence_are_allowed_by_their_exact_text() -> None:
    """Another digest is a token."""
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    assert list(find_secrets(digest, allowed={digest})) == []
    assert list(find_secrets(digest[::-1], allowed={digest})) == ["token"]


@pytest.mark.parametrize("card", ["4111111111111111", "378282246310005", "6011000990139424"])
def test_digits_of_a_digest_are_no_card_number(card: str) -> None:
    """A part of an allowed digest is allowed too, and nothing beside it."""
    digest = f"9f86d081884c7d659a2feaa{card}cd15d6c15b0f00a08"
    assert "card number" in set(find_secrets(digest))
    for text in (digest, f"sha256:{digest}", f"file {digest}, read"):
        assert list(find_secrets(text, allowed={digest})) == []
    assert list(find_secrets(f"{digest} {card}", allowed={digest})) == ["card number"]
    assert list(find_secrets(card, allowed={digest})) == ["card number"]


def test_random_tokens_are_found() -> None:
    """At least 99 % of tokens of 24 letters and digits."""
    rng = Random(3)  # noqa: S311  (reproducible)
    alphabet = string.ascii_letters + string.digits
    tokens = ["".join(rng.choices(alphabet, k=24)) for _ in range(1_000)]
    assert sum("token" in set(find_secrets(token)) for token in tokens) >= 990


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
@given(data=st.data())
def test_no_screen_hides_a_text_of_its_pattern(rule: Rule, data: st.DataObject) -> None:
    """The texts are generated from the pattern itself, so that none of its alternatives is left out."""
    text = data.draw(st.from_regex(rule.pattern))
    is_hit = any(rule.test(match[0]) for match in rule.pattern.finditer(text))
    assert (rule.kind in set(find_secrets(text))) is is_hit


def test_no_screen_hides_a_match() -> None:
    """Texts are pieces of secrets among other text; each rule finds in them what its pattern alone finds."""
    rng = Random(1)  # noqa: S311  (reproducible)
    pieces = [text for texts in SECRETS.values() for text in texts]
    pieces += [
        *"ab\u017f\u212a09 @.:-+=%_()",
        "00",
        "pwd=x12",
        "pa\u017f\u017fword:abc",
        "a@b.cc",
        "1.2.3.4",
        "::1",
        "BASIC ",
    ]
    hits = set()
    for _ in range(2_000):
        texts = (rng.choice(pieces) for _ in range(rng.randint(1, 4)))
        text = "".join(t[rng.choice((0, 0, rng.randrange(len(t)))) :] for t in texts)
        expected = [r.kind for r in RULES if any(r.test(match[0]) for match in r.pattern.finditer(text))]
        assert list(find_secrets(text)) == expected
        hits.update(expected)
    assert hits == {rule.kind for rule in RULES}
