#!/usr/bin/env bash
# Installs ghmlops with the extras named as arguments, and prints the path of its executable on standard output.
#
#   ghmlops=$(scripts/install.sh latency regression)
#
# Every action calls it. All actions of one job share one environment, $RUNNER_TEMP/ghmlops-<fingerprint>, which only
# ever grows: a call that asks for nothing new installs nothing. Nothing is written to this checkout, to GITHUB_ENV or
# to GITHUB_PATH, and the caller's own Python and uv settings neither change nor matter. Outside of GitHub Actions the
# environment lies in the user's cache folder.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/uv.sh
source "$root/scripts/uv.sh"

main() {
  local extra base python key env
  mapfile -t wanted < <(wanted "$@")
  set -- "${wanted[@]}"
  for extra in "$@"; do
    [[ $extra =~ ^[a-z][a-z0-9-]*$ ]] || fail "\"$extra\" is not the name of an extra" "usage: install.sh [EXTRA ...]"
  done
  base=${RUNNER_TEMP:-${XDG_CACHE_HOME:-${HOME:?is not set, and neither is RUNNER_TEMP}/.cache}/ghmlops}
  forget_settings
  # uv verifies the hashes of downloads, not those of its unpacked cache: on a persistent runner, code of one job could plant
  # packages for the next, which may hold a token. GitHub empties RUNNER_TEMP between jobs. A cache that the caller names
  # is the caller's choice.
  if [[ -n ${RUNNER_TEMP:-} && -z ${UV_CACHE_DIR:-} ]]; then export UV_CACHE_DIR=$base/ghmlops-uv-cache; fi
  python=$(find_python)
  key=$(fingerprint "$python")
  env=$base/ghmlops-$key
  if ! complete "$env" "$@"; then
    mkdir -p -- "$base" || fail "cannot write to $base" "set RUNNER_TEMP to a folder that can be written to"
    log=$(mktemp "$base/ghmlops-install.XXXXXX")
    trap 'rm -f -- "$log"' EXIT
    lock "$base/ghmlops-$key.lock"
    complete "$env" "$@" || install "$python" "$env" "$@"
  fi
  printf '%s\n' "$env/ghmlops"
}

# wanted EXTRA...: the extras, and beside `regression` those that the step's inputs or its policy call for.
wanted() {
  local named=${GHMLOPS_BASELINE:-}$'\n'${GHMLOPS_CANDIDATE:-}$'\n'${GHMLOPS_LABELS:-}
  if (($# > 0)); then printf '%s\n' "$@"; fi
  [[ " $* " == *" regression "* ]] || return 0
  if [[ -f ${GHMLOPS_POLICY:-} ]]; then named+=$'\n'$(<"$GHMLOPS_POLICY"); fi
  if [[ ${GHMLOPS_ENGINE:-} == spark ]]; then echo spark; fi
  if [[ -n ${GHMLOPS_REBUILD:-} ]]; then echo preview; fi # the end of the build's whole process tree
  if [[ $named == *artifact:* ]]; then echo github; fi
  if [[ $named =~ (s3|gs|az|abfss?):// ]]; then echo cloud; fi
}

# fingerprint PYTHON: names exactly this ghmlops on exactly this Python: two releases in one job must not share an
# environment.
fingerprint() {
  "$1" -I - "$root" <<'PYTHON'
import hashlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
digest = hashlib.sha256(f"{sys.executable} {sys.version}".encode())
files = [root / "uv.lock", root / "pyproject.toml", root / "scripts/uv.txt", *(root / "src").rglob("*")]
for path in sorted(p for p in files if p.is_file() and p.suffix != ".pyc"):
    digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
print(digest.hexdigest()[:16])
PYTHON
}

# complete ENV EXTRA...: true where all of it is installed. The marks are written last.
complete() {
  local env=$1 extra
  [[ -f $env/installed/ghmlops ]] || return 1
  for extra in "${@:2}"; do [[ -f $env/installed/$extra ]] || return 1; done
}

# lock FILE: several steps of a job may run at once, and several jobs on one machine; it ends with this process.
lock() {
  command -v flock >/dev/null || return 0 # uv has a lock of its own around the environment
  exec 9>"$1"
  flock --timeout 600 9 || fail "another installation holds $1 for ten minutes" "is it still running?"
}

# install PYTHON ENV EXTRA...
install() {
  local python=$1 env=$2 extra arguments=()
  install_uv "$python" "$env-uv"
  for extra in "${@:3}"; do arguments+=(--extra "$extra"); done
  # A later call adds packages only: ghmlops itself may be running (a preview that outlives its step).
  if [[ -f $env/installed/ghmlops ]]; then arguments+=(--no-install-project); fi
  UV_PROJECT_ENVIRONMENT=$env quietly "$env-uv/bin/uv" sync --frozen --no-config --no-dev --no-editable --inexact \
    --python "$python" --project "$root" "${arguments[@]}" \
    || fail "ghmlops could not be installed: $(reason)" "$(advice)"
  # -I: neither the caller's PYTHONPATH nor the working directory can put another module in front of ours.
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec "${0%%/*}/bin/python" -I -m ghmlops "$@"\n' >"$env/ghmlops"
  chmod +x -- "$env/ghmlops"
  mkdir -p -- "$env/installed"
  for extra in ghmlops "${@:3}"; do : >"$env/installed/$extra"; done
}

main "$@"
