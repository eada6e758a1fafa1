# shellcheck shell=bash
# Functions that find Python, install the pinned uv and run it. Sourced by install.sh, test and demo; does nothing alone.
#
# The caller sets `root` (this repository) and `log` (a file for the output of what runs quietly).
: "${root:?}" "${log=}"

# fail MESSAGE HINT: one line, in Actions also as an annotation and as the outputs that every action has.
fail() {
  printf 'ghmlops: error: %s; %s\n' "$1" "$2" >&2
  if [[ ${GITHUB_ACTIONS:-} == true ]]; then printf '::error title=ghmlops::%s; %s\n' "$1" "$2" >&2; fi
  if [[ -n ${GITHUB_OUTPUT:-} ]]; then printf 'outcome=error\nreason-code=install-failed\n' >>"$GITHUB_OUTPUT"; fi
  exit 2
}

# forget_settings: what belongs to the caller's project must not steer ours. Where packages come from (PIP_INDEX_URL and
# the like, the cache, certificates, proxies) stays the user's choice.
forget_settings() {
  local name
  unset VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_CONSTRAINT
  unset PIP_REQUIREMENT PIP_REQUIRE_VIRTUALENV PIP_NO_BINARY PIP_PYTHON
  for name in $(compgen -e UV_); do
    case $name in UV_CACHE_DIR | UV_HTTP_TIMEOUT | UV_NATIVE_TLS | UV_SYSTEM_CERTS) ;; *) unset "$name" ;; esac
  done
  export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
}

# find_python: prints the path of a Python 3.11 or newer that has pip: the caller's own, or the one beneath the caller's
# virtual environment.
find_python() {
  local name found
  local probe='import sys
python = getattr(sys, "_base_executable", "") or sys.executable
if sys.version_info >= (3, 11): print(python)'
  for name in python3 python python3.14 python3.13 python3.12 python3.11; do
    found=$("$name" -I -c "$probe" 2>/dev/null) || continue
    if [[ -n $found ]] && "$found" -I -m pip --version >/dev/null 2>&1; then
      printf '%s\n' "$found"
      return
    fi
  done
  fail "no Python 3.11 or newer with pip was found" "on GitHub, run actions/setup-python before this step"
}

# install_uv PYTHON FOLDER: makes FOLDER/bin/uv, the pinned uv; pip checks its hash.
install_uv() {
  local temporary
  [[ ! -x $2/bin/uv ]] || return 0
  temporary=$(mktemp -d "$2.XXXXXX")
  if ! quietly "$1" -I -m pip install --quiet --disable-pip-version-check --no-input --no-user --no-deps \
    --only-binary :all: --require-hashes --requirement "$root/scripts/uv.txt" --target "$temporary"; then
    rm -rf -- "$temporary"
    fail "uv could not be installed: $(reason)" "$(advice)"
  fi
  rm -rf -- "$2"
  mv -- "$temporary" "$2"
}

# quietly COMMAND...: output is shown only where it fails; standard output belongs to the result.
quietly() {
  if "$@" >"$log" 2>&1 9>&-; then return 0; fi
  cat "$log" >&2
  return 1
}

# reason: prints the line of the log that says most, for an error of one line.
reason() {
  local line
  line=$(grep -E '[[:alnum:]]' "$log" | grep -iE 'error|fail|denied|no space|not found' | tail -n 1) || line="see above"
  printf '%s' "${line:0:300}" | tr -d '\r\n'
}

advice() {
  if grep -qiE 'connect|resolve|timed? ?out|dns|network|certificate|proxy|no matching distribution' "$log"; then
    printf 'can this machine reach the package index?'
  elif grep -qiE 'hash' "$log"; then
    printf 'a downloaded file is not the one that was pinned: do not use it'
  else
    printf 'the full output stands above'
  fi
}
