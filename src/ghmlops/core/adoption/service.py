"""Derives how a service is started, and which paths it answers, from the text of the repository's files."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORT_VARIABLE = re.compile(r"\$\{PORT(?::?-[^}]*)?\}|\$PORT\b")
_PORT_OPTION = re.compile(r"((?:--port|--http-port|-p)[ =])(\d{2,5})\b")
_BIND_OPTION = re.compile(r"((?:--bind|-b)[ =]\S*?:)(\d{2,5})\b")
_APP = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(FastAPI|Starlette|Flask)\(", re.MULTILINE)
_ROUTE = re.compile(r"""@\w+\.(get|post|put|route|api_route)\(\s*["'](/[^"'{}<>\s]*)["']([^)]*)\)""")
_PATH = re.compile(r"""["'](/[A-Za-z0-9_\-/.]*)["']""")
_PREDICT = re.compile(r"(?i)/.*(predict|score|infer|invocations|classify|rank|embed|forecast)")
_READY = re.compile(r"(?i)/.*(healthz?|ready|readyz|live|livez|ping|status)\b")
_SERVER = re.compile(r"http\.server|uvicorn|aiohttp|socketserver|wsgiref")
_ENTRY_NAMES = ("main", "app", "serve", "server", "service", "api", "wsgi", "asgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """How to start a service, and what it answers; an empty text is unknown."""

    command: str = ""
    source: str = ""
    """File that the command was derived from."""
    path: str = ""
    ready: str = ""


def derive_service(files: Mapping[str, str]) -> ServiceFacts:
    """Return what the files say about the service.

    Args:
        files: text of Procfile, Dockerfile, pyproject.toml and the Python files by path, in a fixed order.
    """
    command, source = _command(files)
    modules = {name: text for name, text in files.items() if name.endswith(".py")}
    preferred = {name: text for name, text in modules.items() if name == source} | modules
    paths = [path for text in preferred.values() for path in _paths(text)]
    return ServiceFacts(
        command=command,
        source=source,
        path=next((path for path in paths if _PREDICT.fullmatch(path)), ""),
        ready=next((path for path in paths if _READY.fullmatch(path)), ""),
    )


def _paths(text: str) -> list[str]:
    """Return the paths of routes, and of a server without a framework the texts that look like paths."""
    routes = [path for _, path, _ in _ROUTE.findall(text)]
    return routes or (_PATH.findall(text) if re.search(r"http\.server|do_POST|do_GET|PATH_INFO", text) else [])


def _command(files: Mapping[str, str]) -> tuple[str, str]:
    for name, text in files.items():
        base = name.rpartition("/")[2]
        command = ""
        if base == "Procfile":
            match = re.search(r"^web:\s*(.+)$", text, re.MULTILINE)
            command = match[1] if match else ""
        elif base == "Dockerfile":
            command = _docker_command(text)
        if (with_port := with_free_port(command)) and "/" not in name:
            return with_port, name
    if script := _project_script(files):
        return script
    return _module_command({name: text for name, text in files.items() if name.endswith(".py")})


def with_free_port(command: str) -> str:
    """Return the command with `{port}` in place of its port; empty if it states none, or if it needs a shell."""
    result = _PORT_VARIABLE.sub("{port}", command.strip())
    if "{port}" not in result:
        result = _BIND_OPTION.sub(r"\1{port}", _PORT_OPTION.sub(r"\1{port}", result))
    needs_shell = re.search(r"[|&;<>`$]", result) is not None
    return "" if needs_shell or "{port}" not in result else result


def _docker_command(text: str) -> str:
    """Return ENTRYPOINT and CMD of the last stage as one command."""
    parts: dict[str, str] = {}
    joined = re.sub(r"\\\n", " ", text)
    for name, value in re.findall(r"^(FROM|ENTRYPOINT|CMD)\s+(.+)$", joined, re.MULTILINE):
        if name == "FROM":
            parts.clear()
            continue
        try:
            words = json.loads(value) if value.lstrip().startswith("[") else None
        except ValueError:
            words = None
        parts[name] = shlex.join(words) if isinstance(words, list) and all(isinstance(w, str) for w in words) else value
    command = " ".join(parts[name] for name in ("ENTRYPOINT", "CMD") if name in parts)
    shell = re.fullmatch(r"(?:/bin/)?(?:ba)?sh -c '([^']*)'", command)
    return (shell[1] if shell else command).removeprefix("exec ")


def _project_script(files: Mapping[str, str]) -> tuple[str, str] | None:
    """Return a script of pyproject.toml that is named like a server and whose module reads `--port`."""
    try:
        project = tomllib.loads(files.get("pyproject.toml", "")).get("project", {})
    except tomllib.TOMLDecodeError:
        return None
    scripts = project.get("scripts", {}) if isinstance(project, dict) else {}
    for name, target in scripts.items() if isinstance(scripts, dict) else ():
        module = str(target).partition(":")[0].replace(".", "/")
        text = next((files[p] for p in (f"{module}.py", f"src/{module}.py") if p in files), "")
        if re.search(r"serve|server|api|start", name) and "--port" in text:
            return f"{name} --port {{port}}", "pyproject.toml"
    return None


def _module_command(modules: Mapping[str, str]) -> tuple[str, str]:
    def rank(name: str) -> tuple[int, int, str]:
        stem = name.rpartition("/")[2].removesuffix(".py")
        return (_ENTRY_NAMES.index(stem) if stem in _ENTRY_NAMES else len(_ENTRY_NAMES), name.count("/"), name)

    ordered = sorted((name for name in modules if "test" not in name), key=rank)
    for name in ordered:
        if match := _APP.search(modules[name]):
            module = name.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")
            folder = " --app-dir src" if name.startswith("src/") and match[2] != "Flask" else ""
            if match[2] == "Flask":
                return f"python -m flask --app {module}:{match[1]} run --port {{port}}", name
            return f"python -m uvicorn {module}:{match[1]}{folder} --port {{port}}", name
    for name in ordered:
        text = modules[name]
        if (
            "--port" in text
            and "__main__" in text
            and re.search(r"http\.server|uvicorn|aiohttp|socketserver|wsgiref", text)
        ):
            return f"python {shlex.quote(name)} --port {{port}}", name
    return "", ""
