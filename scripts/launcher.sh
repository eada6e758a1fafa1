#!/bin/sh
# The program that scripts/install.sh installs: runs ghmlops, and ends with 130 on a signal at any moment of its start.
#
# Python cannot catch a signal before it runs the first line of a program. This shell can: it starts Python in its own
# process group, passes each signal on, and ends with the exit code of Python. Python ends itself if this shell is killed.
# The names of variables have a prefix, because the caller may have exported a variable of the same name.

# All signals are passed on as SIGTERM: a shell starts a background process with SIGINT ignored, so that Python would
# lose it during its start.
_gh_stop='' _gh_ready=''
trap '_gh_again=1; [ "$_gh_ready" ] || _gh_stop=1; kill -TERM $! 2>/dev/null' INT TERM HUP
_gh_caught='' _gh_code=127 _gh_python=${0%/*}/bin/python

main() {
  # A shell that was itself started in the background of a script ignores SIGINT and SIGQUIT and cannot catch them.
  # Python can, once it runs.
  trap '_gh_caught=1' QUIT
  kill -QUIT $$
  trap - QUIT
  [ -z "$_gh_stop" ] || exit 130
  [ "$_gh_caught" ] || exec "$_gh_python" -I -m ghmlops "$@"

  # Python reports with SIGCONT that it handles signals from now on. A signal of before may be lost, in the microseconds
  # in which the process that becomes Python is still a copy of this shell.
  trap '_gh_again=1 _gh_ready=1; [ -z "$_gh_stop" ] || { _gh_stop=; kill -TERM $! 2>/dev/null; }' CONT

  # A background process of a shell would read from the null device.
  { command exec 9<&0; } 2>/dev/null || exec 9</dev/null
  GHMLOPS_LAUNCHER=$$ "$_gh_python" -I -m ghmlops "$@" <&9 9<&- &
  exec 9<&-
  [ -z "$_gh_stop" ] || kill -TERM $! 2>/dev/null

  # A signal interrupts `wait`, which returns the exit code of Python once, and 127 after that.
  while
    _gh_again=''
    wait $!
    _gh_status=$?
    [ "$_gh_status" = 127 ] || _gh_code=$_gh_status
    [ "$_gh_again" ]
  do :; done
  case $_gh_code in 129 | 130 | 143) _gh_code=130 ;; esac # Python was terminated before its first line
  exit "$_gh_code"
}

main "$@" # The shell has read the whole file: a later step may replace it.
