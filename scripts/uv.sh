# shellcheck shell=bash
# Functions that find Python, and install and run the pinned uv. Sourced by install.sh, test and demo.
#
# The caller sets `root` (this repository) and `log` (a file for the output of `quietly`).
: "${root:?}" "${log=}"

# fail MESSAGE HINT: prints one line and exits with 2; in Actions also writes an annotation and the common outputs.
fail() {
  printf 'ghmlops: error: %s; %s\n' "$1" "$2" >&2
  if [[ ${GITHUB_ACTIONS:-} == true ]]; then printf '::error title=ghmlops::%s; %s\n' "$1" "$2" >&2; fi
  if [[ -n ${GITHUB_OUTPUT:-} ]]; then printf 'outcome=error\nreason-code=install-failed\n' >>"$GITHUB_OUTPUT"; fi
  exit 2
}

# cache_folder: prints the user's cache folder of ghmlops.
cache_folder() {
  if [[ -n ${XDG_CACHE_HOME:-} ]]; then
    printf '%s\n' "$XDG_CACHE_HOME/ghmlops"
  elif [[ -n ${HOME:-} ]]; then
    printf '%s\n' "$HOME/.cache/ghmlops"
  else
    fail "there is no folder to install into: HOME is not set" "set HOME, XDG_CACHE_HOME or, for an action, RUNNER_TEMP"
  fi
}

# forget_settings: removes settings of the caller's project, which must not affect this installation. Settings of the
# package index (UV_DEFAULT_INDEX, UV_INDEX, PIP_INDEX_URL and similar, certificates, proxies) and of the cache remain.
forget_settings() {
  local name
  unset VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_CONSTRAINT
  unset PIP_REQUIREMENT PIP_REQUIRE_VIRTUALENV PIP_NO_BINARY PIP_PYTHON
  for name in $(compgen -e UV_); do
    case $name in
      UV_CACHE_DIR | UV_HTTP_TIMEOUT | UV_LINK_MODE | UV_NATIVE_TLS | UV_SYSTEM_CERTS) ;;
      UV_DEFAULT_INDEX | UV_INDEX | UV_INDEX_* | UV_EXTRA_INDEX_URL | UV_INSECURE_HOST | UV_KEYRING_PROVIDER) ;;
      *) unset "$name" ;;
    esac
  done
  export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
}

# share_index PYTHON: passes the package index and the certificates that the caller set for pip on to uv, and the reverse.
# Sets `mirror` to the address of the organisation's index; empty without one. The hashes of uv.lock hold for any index,
# so that a file which is not the pinned one is refused wherever it comes from, and all indexes may be searched.
share_index() {
  local certificates=${SSL_CERT_FILE:-${PIP_CERT:-${REQUESTS_CA_BUNDLE:-}}}
  mirror=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-}}}
  if [[ -z $mirror ]] && pip_settings_name_an_index "$1"; then
    mirror=$("$1" -I -m pip config get global.index-url 2>/dev/null) || mirror=""
  fi
  if [[ -n $mirror ]]; then export UV_DEFAULT_INDEX=$mirror PIP_INDEX_URL=${PIP_INDEX_URL:-${mirror#*=}}; fi
  mirror=${mirror:-${UV_INDEX:-${UV_EXTRA_INDEX_URL:-${PIP_EXTRA_INDEX_URL:-}}}}
  # pip takes addresses only; uv's may have a name in front: internal=https://...
  if [[ -n ${UV_INDEX:-} && -z ${PIP_EXTRA_INDEX_URL:-} ]]; then
    PIP_EXTRA_INDEX_URL=$(printf '%s' "$UV_INDEX" | sed -E 's/(^|[[:space:]])[A-Za-z0-9_.-]+=/\1/g')
    export PIP_EXTRA_INDEX_URL
  elif [[ -n ${PIP_EXTRA_INDEX_URL:-} && -z ${UV_INDEX:-} ]]; then
    export UV_INDEX=$PIP_EXTRA_INDEX_URL
  fi
  unset UV_INDEX_URL
  export UV_INDEX_STRATEGY=unsafe-best-match
  if [[ -n $certificates ]]; then export SSL_CERT_FILE=$certificates PIP_CERT=${PIP_CERT:-$certificates}; fi
}

# pip_settings_name_an_index PYTHON: succeeds if one of pip's files of settings contains the option, because starting pip
# takes longer than everything else that an installation from a cache does in Python.
pip_settings_name_an_index() {
  local folders folder files=("${PIP_CONFIG_FILE:-}" /etc/pip.conf "${1%/bin/*}/pip.conf")
  IFS=: read -ra folders <<<"${XDG_CONFIG_DIRS:-/etc/xdg}:${XDG_CONFIG_HOME:-${HOME:-}/.config}"
  folders+=("/Library/Application Support" "${HOME:-}/Library/Application Support")
  for folder in "${folders[@]}"; do files+=("$folder/pip/pip.conf"); done
  grep -qs 'index[-_]url' -- "${files[@]}" "${HOME:-}/.pip/pip.conf"
}

PYTHONS=(python3 python python3.14 python3.13 python3.12 python3.11)

# find_python: prints the path of a Python 3.11 or newer with pip, which is the base of the caller's virtual environment if
# one is active: the first in PATH, or else one that the runner brings for actions/setup-python.
find_python() {
  local name python names=("${PYTHONS[@]}") minor
  local probe='import sys
python = getattr(sys, "_base_executable", "") or sys.executable
if sys.version_info >= (3, 11): print(python)'
  local without_pip=""
  if [[ -n ${RUNNER_TOOL_CACHE:-} ]]; then
    # Not 3.14t and similar: most packages have no wheels for them.
    for minor in 14 13 12 11; do names+=("$RUNNER_TOOL_CACHE"/Python/3."$minor".*/*[0-9]/bin/python3); done
  fi
  for name in "${names[@]}"; do
    python=$("$name" -I -c "$probe" 2>/dev/null) || continue
    [[ -n $python ]] || continue
    # Looking for pip takes a twentieth of the time of starting it.
    if "$python" -I -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("pip") is None)' 2>/dev/null; then
      printf '%s\n' "$python"
      return
    fi
    without_pip=${without_pip:-$python}
  done
  if [[ -n $without_pip ]]; then
    fail "$without_pip has no pip" "install it: apt-get install python3-pip (Debian), apk add py3-pip (Alpine)"
  fi
  fail "no Python 3.11 or newer with pip was found" "on GitHub, run actions/setup-python before this step"
}

# install_uv PYTHON FOLDER: installs the pinned uv as FOLDER/bin/uv; pip checks its hash.
install_uv() {
  local temporary
  [[ ! -x $2/bin/uv ]] || return 0
  temporary=$(mktemp -d "$2.XXXXXX")
  if ! trustingly "$1" -I -m pip install --quiet --disable-pip-version-check --no-input --no-user --no-deps \
    --only-binary :all: --require-hashes --requirement "$root/scripts/uv.txt" --target "$temporary"; then
    rm -rf -- "$temporary"
    fail "uv could not be installed: $(reason)" "$(advice)"
  fi
  rm -rf -- "$2"
  mv -- "$temporary" "$2"
}

# quietly COMMAND...: prints the output only if the command fails, to standard error.
quietly() {
  if "$@" >"$log" 2>&1 9>&-; then return 0; fi
  cat "$log" >&2
  return 1
}

# trustingly COMMAND...: as `quietly`; if the certificate of the package index is not trusted, it is tried again with the
# certificates of the system, which contain the authority of an organisation's proxy. pip and uv bring their own.
trustingly() {
  local file
  if "$@" >"$log" 2>&1 9>&-; then return 0; fi
  if [[ -z ${UV_SYSTEM_CERTS:-}${SSL_CERT_FILE:-} ]] && distrusted; then
    export UV_SYSTEM_CERTS=1
    for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
      if [[ -z ${PIP_CERT:-} && -r $file ]]; then export PIP_CERT=$file; fi
    done
    quietly "$@"
    return
  fi
  cat "$log" >&2
  return 1
}

# distrusted: succeeds if the log is about a TLS certificate.
distrusted() { grep -qE 'invalid peer certificate|CERTIFICATE_VERIFY_FAILED|certificate verify failed|UnknownIssuer' "$log"; }

# reason: prints the most informative line of the log, for an error of one line.
reason() {
  local line
  line=$(grep -E '[[:alnum:]]' "$log" | grep -iE 'error|fail|denied|no space|not found|peer certificate' | tail -n 1) || line="see above"
  printf '%s' "${line:0:300}" | tr -d '\r\n'
}

advice() {
  if distrusted; then
    printf 'the TLS certificate of the package index, or of a proxy before it, is not trusted: name the file of its authority in SSL_CERT_FILE'
  elif grep -qiE 'connect|resolve|timed? ?out|dns|network|certificate|proxy|no matching distribution' "$log"; then
    printf 'can this machine reach the package index?'
  elif grep -qiE 'hash' "$log"; then
    printf 'a downloaded file is not the one that was pinned: do not use it'
  else
    printf 'the full output is above'
  fi
}
