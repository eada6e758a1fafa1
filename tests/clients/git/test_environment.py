"""The environment of git: what is inherited and what is set."""

from __future__ import annotations

from ghmlops.clients.git.environment import config_variables, safe_environment, with_settings


def test_variables_of_git_and_the_token_are_dropped() -> None:
    """Of the variables of git, only those for transport are inherited; the token of ghmlops never is."""
    environ = safe_environment(
        {
            "HOME": "/home/me",
            "GHMLOPS_TOKEN": "ghs_0123456789",
            "GIT_DIR": "/elsewhere",
            "GIT_CONFIG_COUNT": "99",
            "GIT_TRACE": "1",
            "GIT_SSH_COMMAND": "ssh -i key",
        }
    )
    assert environ["HOME"] == "/home/me"
    assert environ["GIT_SSH_COMMAND"] == "ssh -i key"
    assert environ["GIT_CONFIG_COUNT"] != "99"
    assert [name for name in ("GHMLOPS_TOKEN", "GIT_DIR", "GIT_TRACE") if name in environ] == []


def test_configuration_is_passed_in_variables() -> None:
    """Each setting becomes a numbered pair of variables."""
    assert config_variables([("a.b", "1"), ("c.d", "")]) == {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "a.b",
        "GIT_CONFIG_VALUE_0": "1",
        "GIT_CONFIG_KEY_1": "c.d",
        "GIT_CONFIG_VALUE_1": "",
    }


def test_settings_are_added_to_those_of_the_environment() -> None:
    """Settings in the variables stay, also those with a token, and the new ones come after them."""
    environ = with_settings({"HOME": "/h", **config_variables([("a.b", "1")])}, [("c.d", "2")])
    assert environ == {"HOME": "/h", **config_variables([("a.b", "1"), ("c.d", "2")])}
