"""The variables that are withheld from foreign code and from headers."""

from __future__ import annotations

import pytest

from ghmlops.core.text.secret_variables import credential_names, is_withheld, without_secrets

CREDENTIALS = """
GH_TOKEN GITHUB_TOKEN github_token GH_ENTERPRISE_TOKEN GITHUB_APP_PRIVATE_KEY GHMLOPS_TOKEN INPUT_TOKEN
GITLAB_TOKEN CI_JOB_TOKEN ACTIONS_RUNTIME_TOKEN ACTIONS_ID_TOKEN_REQUEST_TOKEN AWS_ACCESS_KEY_ID
AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AZURE_CLIENT_SECRET AZURE_STORAGE_KEY AZURE_STORAGE_CONNECTION_STRING
ARM_CLIENT_SECRET GOOGLE_OAUTH_ACCESS_TOKEN GCP_SA_KEY CLOUDSDK_AUTH_ACCESS_TOKEN MSI_SECRET CLOUDFLARE_API_TOKEN
DIGITALOCEAN_TOKEN VAULT_TOKEN DATABRICKS_TOKEN TF_TOKEN_app_terraform_io PYPI_TOKEN TWINE_PASSWORD
UV_PUBLISH_TOKEN UV_INDEX_INTERNAL_PASSWORD POETRY_PYPI_TOKEN_PYPI NPM_TOKEN NODE_AUTH_TOKEN CARGO_REGISTRY_TOKEN
CARGO_REGISTRIES_INTERNAL_TOKEN RUBYGEMS_API_KEY NUGET_API_KEY CODECOV_TOKEN HF_TOKEN HUGGING_FACE_HUB_TOKEN
HUGGINGFACEHUB_API_TOKEN WANDB_API_KEY MLFLOW_TRACKING_TOKEN MLFLOW_TRACKING_PASSWORD KAGGLE_KEY DOCKER_PASSWORD
DOCKER_AUTH_CONFIG DOCKERHUB_TOKEN
""".split()  # noqa: SIM905  (a list would take a line per name)
ACCESS = """
GITHUB_OUTPUT GITHUB_ENV GITHUB_PATH GITHUB_STATE GITHUB_STEP_SUMMARY GHMLOPS_URL INPUT_URL ACTIONS_CACHE_URL
ACTIONS_ID_TOKEN_REQUEST_URL GIT_CONFIG_VALUE_0 GIT_ASKPASS AWS_WEB_IDENTITY_TOKEN_FILE AWS_PROFILE
AWS_CONTAINER_CREDENTIALS_FULL_URI GOOGLE_APPLICATION_CREDENTIALS KUBECONFIG DOCKER_CONFIG IDENTITY_ENDPOINT
SSH_AUTH_SOCK GPG_AGENT_INFO DOCKER_HOST CONTAINER_HOST DBUS_SESSION_BUS_ADDRESS
""".split()  # noqa: SIM905  (a list would take a line per name)
ORDINARY = """
PATH HOME LANG PORT PYTHONHASHSEED GITHUB_SHA GITHUB_WORKSPACE GITHUB_ACTIONS RUNNER_TEMP CI AWS_REGION HF_HOME
TRANSFORMERS_CACHE CUDA_VISIBLE_DEVICES MODEL_PATH SCORER_TOKEN PIP_INDEX_URL HTTPS_PROXY
""".split()  # noqa: SIM905  (a list would take a line per name)


@pytest.mark.parametrize("name", [*CREDENTIALS, *ACCESS])
def test_tokens_and_sockets_are_withheld(name: str) -> None:
    """Tokens of GitHub, clouds, package indexes and hubs, sockets of agents, and the files of the runner."""
    assert is_withheld(name)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_variables_are_kept(name: str) -> None:
    """What a service needs remains, and so does its own token."""
    assert not is_withheld(name)
    assert without_secrets({name: "x", "GH_TOKEN": "t"}) == {name: "x"}


def test_only_secrets_with_a_value_are_credentials() -> None:
    """A socket or an empty variable contains no secret."""
    environ = dict.fromkeys([*CREDENTIALS, *ACCESS, *ORDINARY], "x") | {"HF_TOKEN": ""}
    assert credential_names(environ) == sorted(set(CREDENTIALS) - {"HF_TOKEN"})
