"""What a hook runs and finds in its environment."""

from __future__ import annotations

from ghmlops.core.policy.promote import Hook
from ghmlops.core.promotion.hook_text import hook_environment, hook_name, hook_values, hook_words

VALUES = hook_values(
    moment="after-rung", rung=2, share=0.05, commit="a" * 40, service="shop; rm -rf x", environment="$(id)"
)


def test_text_for_bash_is_never_changed() -> None:
    """A value that is shell code reaches the script as a variable, not as text."""
    hook = Hook(run='./smoke "$GHMLOPS_SERVICE" {share}')
    assert hook_words(hook, VALUES) == ["bash", "-euo", "pipefail", "-c", './smoke "$GHMLOPS_SERVICE" {share}']
    assert hook_environment({}, VALUES)["GHMLOPS_SERVICE"] == "shop; rm -rf x"


def test_arguments_are_replaced_in_single_words() -> None:
    """Values stay one argument each, once, and other braces stay."""
    hook = Hook(command=("./smoke", "--for={service}", "{rung}/{share}", "{environment}", "{x}", '{"a": 1}'))
    words = hook_words(hook, VALUES)
    assert words == ["./smoke", "--for=shop; rm -rf x", "2/0.05", "$(id)", "{x}", '{"a": 1}']


def test_our_token_is_withheld_and_other_variables_stay() -> None:
    """A hook may need the credentials of a cluster; the token of the job and our inputs it does not get."""
    secret = {
        "GHMLOPS_TOKEN": "t",
        "GITHUB_TOKEN": "t",
        "GH_TOKEN": "t",
        "ACTIONS_RUNTIME_TOKEN": "t",
        "GITHUB_ENV": "f",
    }
    environment = hook_environment({**secret, "GHMLOPS_POLICY": "p", "KUBECONFIG": "k", "PATH": "/bin"}, VALUES)
    assert {name for name in environment if not name.startswith("GHMLOPS_")} == {"KUBECONFIG", "PATH"}
    names = ("MOMENT", "RUNG", "SHARE", "COMMIT", "SERVICE", "ENVIRONMENT")
    assert [environment.pop(f"GHMLOPS_{name}") for name in names] == list(VALUES.values())
    assert not any(name.startswith("GHMLOPS_") for name in environment)


def test_name_for_a_message() -> None:
    """The first line, or the words."""
    assert hook_name(Hook(run="\n  ./a\n./b\n")) == "./a"
    assert hook_name(Hook(command=("./a", "b"))) == "./a b"
