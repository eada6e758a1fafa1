#!/usr/bin/env bash
# Installs ghmlops with the extras named as arguments, and prints the path of its executable on standard output.
#
#   ghmlops=$(scripts/install.sh latency regression)
#
# Called by every action. All actions of a job share one environment, $RUNNER_TEMP/ghmlops-<fingerprint>, to which calls
# only add packages: a call without new extras installs nothing. It writes nothing to this checkout, to GITHUB_ENV or to
# GITHUB_PATH, and neither uses nor changes the caller's settings of Python and uv. Outside of GitHub Actions the
# environment is in the user's cache folder.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/uv.sh
source "$root/scripts/uv.sh"

main() {
  local extra base python key env
  mapfile -t extras < <(required_extras "$@")
  set -- "${extras[@]}"
  for extra in "$@"; do
    [[ $extra =~ ^[a-z][a-z0-9-]*$ ]] || fail "\"$extra\" is not the name of an extra" "usage: install.sh [EXTRA ...]"
  done
  base=${RUNNER_TEMP:-}
  base=${base:-$(cache_folder)}
  identify || digest=""
  if [[ -n $digest ]] && recall "$base" "$@"; then return; fi
  forget_settings
  # uv verifies the hashes of downloads, not those of its unpacked cache: on a persistent runner, code of one job could plant
  # packages for the next, which may hold a token. GitHub empties RUNNER_TEMP between jobs. A cache that the caller names
  # is the caller's choice.
  if [[ -n ${RUNNER_TEMP:-} && -z ${UV_CACHE_DIR:-} ]]; then export UV_CACHE_DIR=$base/ghmlops-uv-cache; fi
  python=$(find_python)
  require_wheels "$python" "$@"
  key=$(fingerprint "$python")
  env=$base/ghmlops-$key
  if ! complete "$env" "$@"; then
    mkdir -p -- "$base" || fail "cannot write to $base" "set RUNNER_TEMP to a folder that can be written to"
    log=$(mktemp "$base/ghmlops-install.XXXXXX")
    trap 'rm -f -- "$log"' EXIT
    lock "$base/ghmlops-$key.lock"
    complete "$env" "$@" || install "$python" "$env" "$@"
  fi
  if [[ -n $digest ]]; then printf '%s\n' "$key" >"$base/ghmlops-known-$digest" || :; fi
  printf '%s\n' "$env/ghmlops"
}

# required_extras EXTRA...: the extras and those that the step's inputs or its policy require.
required_extras() {
  local named=${GHMLOPS_BASELINE:-}$'\n'${GHMLOPS_CANDIDATE:-}$'\n'${GHMLOPS_LABELS:-} read=""
  if (($# > 0)); then printf '%s\n' "$@"; fi
  local policy=${GHMLOPS_WORKING_DIRECTORY:+$GHMLOPS_WORKING_DIRECTORY/}${GHMLOPS_POLICY:-}
  if [[ -f $policy ]]; then read=$(<"$policy"); fi
  if [[ " $* " == *" latency "* && $read =~ (^|[[:space:]{,\"])schemathesis\"?: ]]; then echo schemathesis; fi
  [[ " $* " == *" regression "* ]] || return 0
  named+=$'\n'$read
  if [[ ${GHMLOPS_ENGINE:-} == spark ]]; then echo spark; fi
  if [[ -n ${GHMLOPS_REBUILD:-} ]]; then echo preview; fi # terminates the process tree of the build
  if [[ $named == *artifact:* ]]; then echo github; fi
  if [[ $named =~ (s3|gs|az|abfss?):// ]]; then echo cloud; fi
}

# identify: sets `digest` to one of the files that `fingerprint` reads and of the Pythons in PATH, without starting Python.
# Fails if a tool is missing. A new version of Python at the same path is a change; the choice of a version manager's
# shim is not, since an environment works with the Python that it was made with.
identify() {
  local name folder path folders=() pythons=() files=()
  digest=""
  type -P sha256sum >/dev/null && type -P stat >/dev/null || return 1
  shopt -s globstar nullglob
  for path in "$root"/uv.lock "$root"/pyproject.toml "$root"/scripts/*.sh "$root"/scripts/uv.txt "$root"/src/**; do
    if [[ -f $path && $path != *.pyc ]]; then files+=("$path"); fi
  done
  shopt -u globstar nullglob
  IFS=: read -ra folders <<<"$PATH"
  for name in "${PYTHONS[@]}"; do
    for folder in "${folders[@]}"; do
      if [[ -f $folder/$name && -x $folder/$name ]]; then
        pythons+=("$folder/$name")
        break
      fi
    done
  done
  digest=$({
    printf '%s\n' "${RUNNER_TOOL_CACHE:-}"
    stat -L -c '%n %i %s %Y' -- "${pythons[@]}" && sha256sum -- "${files[@]}"
  } 2>/dev/null | sha256sum) || return 1
  digest=${digest:0:16}
}

# recall BASE EXTRA...: prints the path of the executable if an earlier call with the same `digest` has installed it with
# all extras.
recall() {
  local key env
  read -r key 2>/dev/null <"$1/ghmlops-known-$digest" || return 1
  env=$1/ghmlops-$key
  [[ $key =~ ^[0-9a-f]{16}$ && -x $env/bin/python ]] && complete "$env" "${@:2}" || return 1
  printf '%s\n' "$env/ghmlops"
}

# require_wheels PYTHON EXTRA...: on musl, uv would compile DuckDB for half an hour, or fail with a message of the compiler.
require_wheels() {
  local extra
  [[ $("$1" -I -c 'import sysconfig; print(sysconfig.get_config_var("HOST_GNU_TYPE"))') == *musl* ]] || return 0
  for extra in "${@:2}"; do
    case $extra in
      latency | regression | history | pandas | polars)
        fail "DuckDB, which \"$extra\" needs, has no wheel for musl (Alpine)" "run the job in an image with glibc, such as python:3.12-slim"
        ;;
    esac
  done
}

# fingerprint PYTHON: prints a digest of this ghmlops and this Python: two releases in one job must not share an
# environment.
fingerprint() {
  "$1" -I - "$root" <<'PYTHON'
import hashlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
digest = hashlib.sha256(f"{sys.executable} {sys.version}".encode())
files = [root / "uv.lock", root / "pyproject.toml", root / "scripts/uv.txt", root / "scripts/launcher.sh", *(root / "src").rglob("*")]
for path in sorted(p for p in files if p.is_file() and p.suffix != ".pyc"):
    digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
print(digest.hexdigest()[:16])
PYTHON
}

# complete ENV EXTRA...: succeeds if all extras are installed. The marker files are written last.
complete() {
  local env=$1 extra
  [[ -f $env/installed/ghmlops ]] || return 1
  for extra in "${@:2}"; do [[ -f $env/installed/$extra ]] || return 1; done
}

# lock FILE: steps of a job and jobs on one machine may run concurrently; the lock is released at the end of this process.
lock() {
  command -v flock >/dev/null || return 0 # uv locks the environment too
  exec 9>"$1"
  local waited
  for ((waited = 0; waited < 600; waited++)); do
    # BusyBox (Alpine) has no option for a time limit.
    if flock -n 9; then return 0; fi
    sleep 1
  done
  fail "another installation has held the lock $1 for ten minutes" "check whether it is still running"
}

# install PYTHON ENV EXTRA...
install() {
  local python=$1 env=$2 extra arguments=()
  share_index "$python"
  install_uv "$python" "$env-uv"
  for extra in "${@:3}"; do arguments+=(--extra "$extra"); done
  if [[ -n $mirror ]]; then
    install_from_mirror "$python" "$env" "${arguments[@]}"
  else
    # A later call only adds packages, because ghmlops may be running (a preview outlives its step).
    if [[ -f $env/installed/ghmlops ]]; then arguments+=(--no-install-project); fi
    UV_PROJECT_ENVIRONMENT=$env trustingly "$env-uv/bin/uv" sync --frozen --no-config --no-dev --no-editable --inexact \
      --python "$python" --project "$root" "${arguments[@]}" \
      || fail "ghmlops could not be installed: $(reason)" "$(advice)"
  fi
  # Python's -I: modules in the caller's PYTHONPATH or working directory must not shadow ours.
  cp -- "$root/scripts/launcher.sh" "$env/ghmlops.new"
  chmod +x -- "$env/ghmlops.new"
  mv -f -- "$env/ghmlops.new" "$env/ghmlops"
  mkdir -p -- "$env/installed"
  for extra in ghmlops "${@:3}"; do : >"$env/installed/$extra"; done
}

# install_from_mirror PYTHON ENV ARGUMENT...: `uv sync --frozen` downloads from the addresses in uv.lock, which an
# organisation's network may not reach. This installs the same versions from the mirror, and checks the hashes of uv.lock.
install_from_mirror() {
  local python=$1 env=$2 uv=$2-uv/bin/uv
  local problem="ghmlops could not be installed from the package mirror"
  local target=(--no-config --python "$env/bin/python")
  [[ -x $env/bin/python ]] || quietly "$uv" venv --no-config --python "$python" "$env" \
    || fail "$problem: $(reason)" "$(advice)"
  trustingly "$uv" export --frozen --no-config --no-dev --no-emit-project --project "$root" \
    --output-file "$env/requirements.txt" "${@:3}" || fail "$problem: $(reason)" "$(advice)"
  trustingly "$uv" pip install "${target[@]}" --require-hashes --requirement "$env/requirements.txt" \
    || fail "$problem: $(reason)" "$(advice)"
  [[ -f $env/installed/ghmlops ]] \
    || trustingly "$uv" pip install "${target[@]}" --no-deps "$root" || fail "$problem: $(reason)" "$(advice)"
}

main "$@"
