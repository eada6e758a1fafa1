"""Which code an arm imports: that of its own work tree, of its own environment, or that of the other arm."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.text.secret_variables import without_secrets
from ghmlops.measure.builds.environment import find_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECONDS = 60.0
"""Maximum time to look up the packages."""
MAX_NAMES = 200
_IGNORED = {"tests", "test", "docs", "setup", "conftest", "build", "dist", "noxfile", "tasks"}
"""Names at the top of a repository that no service imports by them."""
_LOOK_UP = """
import sys
sys.path[:] = [p for p in sys.path if p]
import importlib.metadata, importlib.util, json, os, urllib.parse
names, top = json.loads(sys.argv[1])
here = os.path.realpath(os.getcwd())
sys.path[:] = [p for p in sys.path if os.path.realpath(p) != here]
local = {}
for dist in importlib.metadata.distributions():
    try:
        url = json.loads(dist.read_text("direct_url.json") or "{}").get("url", "")
    except ValueError:
        continue
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    if url.startswith("file://") and (os.path.realpath(path) + "/").startswith(top + "/"):
        for file in dist.files or ():
            local[file.parts[0].removesuffix(".py")] = True
result = {}
for name in names:
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        spec = None
    if spec is None:
        continue
    paths = list(spec.submodule_search_locations or []) or [spec.origin or ""]
    result[name] = [os.path.realpath(paths[0]), name in local]
print(json.dumps(result))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedCode:
    """The Python packages of a work tree, and what its arm imports under their names.

    Attributes:
        sources: package to its folder or file in the work tree.
        loaded: package to the folder or file that is imported; missing if it is not known.
        environ: environment of the arm, with an import path that leads to its own code.
    """

    sources: dict[str, Path]
    loaded: dict[str, Path]
    environ: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPlace:
    """Where an arm is.

    Attributes:
        tree: top folder of its work tree.
        cwd: working directory of its service, in `tree`.
        top: top folder of the checkout of the change, whose installation the arms may share.
        home: folder of its own environment; `None` if it has none.
    """

    tree: Path
    cwd: Path
    top: Path
    home: Path | None = None

    def owns(self, path: Path) -> bool:
        """Return whether a path is in the work tree or in the environment of the arm."""
        return path.is_relative_to(self.tree) or (self.home is not None and path.is_relative_to(self.home))


def own_code(place: ArmPlace, environ: Mapping[str, str], outer: Mapping[str, str]) -> LoadedCode:
    """Return what an arm imports, after its import path was led to its own code.

    A package that the checkout of the change installed is imported by every arm. Where an arm would import it, or its
    own environment lacks it, its own sources are put in front by `PYTHONPATH`.

    Args:
        place: where the arm is.
        environ: environment of the arm.
        outer: environment of the step, in which the workflow may have installed the checkout of the change.
    """
    sources = packages_of(place.cwd, place.tree)
    variables = _mapped(environ, place.top, place.tree)
    import_paths = _look_up(sources, variables, place)
    shared: set[str] = set()
    if place.home is not None and len(import_paths) < len(sources):
        lacking = {name: path for name, path in sources.items() if name not in import_paths}
        installed = _look_up(lacking, _mapped(outer, place.top, place.tree), place)
        shared = {name for name, (path, local) in installed.items() if local or _is_in(place.top, path)}
    roots, loaded = [], {}
    for name, source in sources.items():
        path, is_local = import_paths.get(name, ("", False))
        if name in shared:
            roots.append(str(source.parent))
            loaded[name] = source
        elif not path:
            if source.parent in (place.cwd, place.tree):
                loaded[name] = source  # Python finds it in the working directory.
        elif place.owns(Path(path)) or not (is_local or _is_in(place.top, path)) or _is_compiled(Path(path)):
            loaded[name] = Path(path)  # The sources of a compiled package cannot be imported in its place.
        else:
            roots.append(str(source.parent))
            loaded[name] = source
    before = [entry for entry in variables.get("PYTHONPATH", "").split(":") if entry]
    if roots:
        variables |= {"PYTHONPATH": ":".join(dict.fromkeys([*roots, *before]))}
    return LoadedCode(sources=sources, loaded=loaded, environ=variables)


def _is_in(folder: Path, path: str) -> bool:
    return Path(path).is_relative_to(folder)


def _is_compiled(path: Path) -> bool:
    return path.suffix == ".so" or (path.is_dir() and any(path.rglob("*.so")))


def packages_of(cwd: Path, tree: Path) -> dict[str, Path]:
    """Return the importable packages and modules at the top of the working directory and of its folder `src`."""
    packages: dict[str, Path] = {}
    for folder in dict.fromkeys((cwd / "src", cwd, tree / "src", tree)):
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            name = path.stem if path.suffix == ".py" else path.name
            importable = path.is_file() if path.suffix == ".py" else (path / "__init__.py").is_file()
            if importable and name.isidentifier() and name not in _IGNORED and len(packages) < MAX_NAMES:
                packages.setdefault(name, path)
    return packages


def digest(path: Path) -> str:
    """Return a fingerprint of the files of a package; compiled files of Python are left out."""
    total = hashlib.sha256()
    for file in _files(path):
        total.update(f"{file.relative_to(path.parent)}\0".encode("utf-8", "surrogateescape"))
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for file in sorted(path.rglob("*")) if path.is_dir() else ():
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc":
            yield file


def _mapped(environ: Mapping[str, str], top: Path, tree: Path) -> dict[str, str]:
    """Return the environment with every entry of the import path that is in the checkout moved to the work tree."""
    variables = dict(environ)
    entries = [Path(entry) for entry in environ.get("PYTHONPATH", "").split(":") if entry]
    if entries and tree != top:
        moved = (tree / e.resolve().relative_to(top) if e.resolve().is_relative_to(top) else e for e in entries)
        variables["PYTHONPATH"] = ":".join(str(entry) for entry in moved)
    return variables


def _look_up(sources: Mapping[str, Path], environ: Mapping[str, str], place: ArmPlace) -> dict[str, tuple[str, bool]]:
    """Return for each package the path that is imported, and whether the checkout installed it; empty if unknown."""
    python = find_python(environ)
    if not python or not sources:
        return {}
    words = [python, "-c", _LOOK_UP, json.dumps([list(sources), str(place.top)])]
    try:
        done = subprocess.run(
            words,
            cwd=place.cwd,
            env=without_secrets(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        import_paths = json.loads(done.stdout.splitlines()[-1])
        return {str(name): (str(path), bool(local)) for name, (path, local) in import_paths.items()}
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return {}
