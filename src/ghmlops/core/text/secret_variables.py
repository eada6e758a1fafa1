"""The one list of environment variables that are withheld from foreign code and that no header may contain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CREDENTIALS = re.compile(
    # GitHub and other continuous integration
    r"(GH|GITHUB|GHMLOPS|INPUT|GITLAB|CI_JOB)_(.*_)?(TOKEN|PAT|PRIVATE_KEY)|ACTIONS_.*TOKEN"
    # cloud
    r"|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CONTAINER_AUTHORIZATION_TOKEN)"
    r"|(AZURE|ARM)_.*(SECRET|PASSWORD|TOKEN|KEY|CONNECTION_STRING|CREDENTIALS)"
    r"|(GOOGLE|GCP|GCLOUD|CLOUDSDK)_.*(TOKEN|KEY|SECRET|PASSWORD|CREDENTIALS_JSON)"
    r"|(MSI|IDENTITY)_(SECRET|HEADER)|(IBMCLOUD|CLOUDFLARE)_API_(KEY|TOKEN)|(DIGITALOCEAN|DO)_(ACCESS_)?TOKEN"
    r"|(HCLOUD|VAULT|DATABRICKS|CONSUL_HTTP|NOMAD)_TOKEN|DATABRICKS_CLIENT_SECRET|TF_TOKEN_.*"
    # package indexes
    r"|(PYPI|TEST_PYPI|TWINE|UV|POETRY|PDM|HATCH|PIP|CONDA|ANACONDA|NPM|YARN|NODE|CARGO|GEM|RUBYGEMS|NUGET|MAVEN)_(.*_)?"
    r"(TOKEN|PASSWORD|API_KEY|AUTH)|POETRY_(PYPI_TOKEN|HTTP_BASIC)_.*|(CODECOV|SONAR)_TOKEN"
    # model, data and image hubs
    r"|(HF|HUGGING_?FACE(_?HUB)?|WANDB|COMET|NEPTUNE|MLFLOW|KAGGLE|CLEARML|DVC|REPLICATE|DOCKER(_?HUB)?|REGISTRY|QUAY)_"
    r"(.*_)?(TOKEN|API_KEY|KEY|PASSWORD|SECRET|AUTH|AUTH_CONFIG)",
    re.IGNORECASE,
)
"""Variables whose value is a secret of the job."""
_ACCESS = re.compile(
    # what a step instructs the runner by, the inputs of ghmlops, and settings of git that can contain a header
    r"GHMLOPS_.*|INPUT_.*|ACTIONS_.*|GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)"
    r"|GIT_CONFIG_.*|GIT_ASKPASS|SSH_ASKPASS"
    # files and addresses that lead to credentials
    r"|AWS_(WEB_IDENTITY_TOKEN_FILE|CONTAINER_.*|ROLE_.*|PROFILE|SHARED_CREDENTIALS_FILE|CONFIG_FILE)|AZURE_.*|ARM_.*"
    r"|GOOGLE_(APPLICATION_CREDENTIALS|GHA_CREDS_PATH)|CLOUDSDK_.*|(MSI|IDENTITY)_ENDPOINT|KUBECONFIG"
    r"|DOCKER_CONFIG|REGISTRY_AUTH_FILE|NETRC|HF_TOKEN_PATH|BOTO_CONFIG"
    # sockets of agents and of container engines
    r"|SSH_AUTH_SOCK|SSH_AGENT_PID|GPG_AGENT_INFO|GNOME_KEYRING_CONTROL|DBUS_SESSION_BUS_ADDRESS|DOCKER_HOST"
    r"|CONTAINER_HOST",
    re.IGNORECASE,
)
"""Variables that give access without containing a secret."""


def is_withheld(name: str) -> bool:
    """Return whether a variable is withheld from the code of a pull request and from every header."""
    return bool(_CREDENTIALS.fullmatch(name) or _ACCESS.fullmatch(name))


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a child process that runs foreign code."""
    return {name: value for name, value in environ.items() if not is_withheld(name)}


def credential_names(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that contain a secret of the job, sorted; empty ones contain none."""
    return sorted(name for name, value in environ.items() if value and _CREDENTIALS.fullmatch(name))
