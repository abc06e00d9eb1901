#!/bin/sh
# npm test: installs what the tests need, builds, and runs them, the quick ones first.
set -u
cd "$(dirname "$0")/.." || exit 1
. ./start

usage='Usage: npm test [-- [--unit] [--socket] [--device] [--crash] [NAME…]]

  --unit     the plain tests: no root, no native module, no network
  --socket   tests of the server over real sockets: they need the native HTTP module
  --device   tests with real interfaces in network namespaces: they need root
  --crash    slow ones, with kills and failing system calls; some need root

Without any of these, all. With names, the test files whose path contains one of them.
What this machine can not run is left out and named at the end; with CI=true that is a failure.'

kinds=
names=
for argument in "$@"; do
  case $argument in
    --unit | --socket | --device | --crash) kinds="$kinds ${argument#--}" ;;
    -h | --help)
      printf '%s\n' "$usage"
      exit 0
      ;;
    -*)
      printf '%s\n' "test/run.sh: unknown option $argument; see npm test -- --help" >&2
      exit 2
      ;;
    *) names="$names $argument" ;;
  esac
done
kinds=${kinds:-unit socket device crash}

# How long one process of tests may take, in seconds: far above what any of them needs, on a busy machine too.
seconds_for() {
  case $1 in
    unit) echo 300 ;;
    socket) echo 180 ;;
    device) echo 300 ;;
    crash) echo 600 ;;
  esac
}

# How many processes run at the same time. Unit tests that wait for other processes leave room for one more.
at_once() { if [ "$1" = unit ]; then echo 3; else echo 2; fi; }

# The same for all files of a kind: some versions of the runner give a test up but wait for its process for ever.
minutes_for() {
  case $1 in
    unit) echo 6 ;;
    socket) echo 10 ;;
    device | crash) echo 15 ;;
  esac
}

left_out=
leave_out() {
  left_out="$left_out
  $1"
}

needs_more_than_unit() { [ "$kinds" != ' unit' ]; }

# Programs that tests start. Without root, or a package manager that has them, the tests that need them say so.
ensure_tools() {
  needs_more_than_unit || return 0
  packages=$(packages_for wg wg-quick wireguard-go ip iptables nft unshare flock strace ping curl jq faketime openssl ps docker-compose python3 setpriv systemd-analyze)
  [ -n "$packages" ] || return 0
  if is_root; then
    # Word by word.
    # shellcheck disable=SC2086
    install_packages $packages || leave_out "programs of: $packages(could not be installed)"
  else
    leave_out "tests that need programs of: $packages(only root can install them)"
  fi
}

# Programs whose Debian packages would also make users, and services that start now and with the machine. So what is in a
# package is taken out, and nothing is installed.
ensure_services() {
  case $kinds in *device* | *crash*) ;; *) return 0 ;; esac
  PATH=$PATH:$PWD/node_modules/.cache/packages/usr/bin:$PWD/node_modules/.cache/packages/usr/sbin
  for program in prometheus caddy nginx; do
    have "$program" && continue
    case $(package_manager) in
      apt-get) unpack "$program" ;;
      *) ! is_root || install_packages "$(package_of "$program")" ;;
    esac
    have "$program" || leave_out "program: $program (could not be had)"
  done
}

# unpack PACKAGE: its programs, into a folder of this project.
unpack() {
  say "fetching $1"
  mkdir -p node_modules/.cache/packages || return
  (
    cd node_modules/.cache/packages &&
      { apt-get download -qq "$1" || { is_root && apt-get update -qq && apt-get download -qq "$1"; }; } &&
      dpkg-deb --extract "$1"_*.deb .
    rm -f "$1"_*.deb
  ) </dev/null >/dev/null 2>&1
}

# Why this machine can't make interfaces in namespaces; nothing when it can.
why_no_device() {
  if ! is_root; then
    echo 'not root'
  elif ! unshare --net --mount true 2>/dev/null; then
    echo 'no network namespaces: unshare --net --mount is refused here'
  elif ! have wireguard-go || [ ! -e /dev/net/tun ]; then
    echo 'no userspace WireGuard: it needs wireguard-go and /dev/net/tun'
  fi
}

# The compiled files of a kind, one a line.
files_of() {
  find dist/test -name '*.test.js' | sort | while IFS= read -r file; do
    case $file in
      *.socket.test.js) kind=socket ;;
      *.device.test.js) kind=device ;;
      *.crash.test.js) kind=crash ;;
      *) kind=unit ;;
    esac
    [ "$kind" = "$1" ] || continue
    is_named "$file" && printf '%s\n' "$file"
  done
}

is_named() {
  [ -n "$names" ] || return 0
  for name in $names; do
    case $1 in *"$name"*) return 0 ;; esac
  done
  return 1
}

# What the files of the crash tests mention that can't run where device tests can't.
device_mark="fixtures/(namespace|interface-run)|'mount'"

# What the one file mentions that installs packages.
registry_mark="'npm', \['install'"

# What unit tests mention that count their processes, or start many or wait for them: each has a process of its own.
process_mark="childPids|createRunCommand|createLinkWatch|fixtures/(fake-wg|project-copy)"

# bundle FILE…: the same tests in few processes, since a process costs more than most files. Prints their files, one a line.
bundle() {
  grep -lE "$process_mark" "$@"
  grep -LE "$process_mark" "$@" | awk -v folder="$results" -v root="$PWD" '
    { bundle = folder "/unit-" NR % 2 + 1 ".mjs"; print "import \047" root "/" $0 "\047;" > bundle; names[bundle] }
    END { for (name in names) print name }'
}

# run_kind KIND: runs its files, save for those that can't run here.
run_kind() {
  files=$(files_of "$1")
  [ -n "$files" ] || return 0
  reason=
  case $1 in
    socket)
      [ -n "$native" ] || reason='the native HTTP module does not load'
      # shellcheck disable=SC2086
      bound=$(grep -lE "$registry_mark" $files)
      if [ -z "$reason" ] && [ -n "$bound" ] && ! npm ping >/dev/null 2>&1; then
        leave_out "$bound: no package registry can be reached"
        # shellcheck disable=SC2086
        files=$(grep -LE "$registry_mark" $files)
        [ -n "$files" ] || return 0
      fi
      ;;
    device) reason=$no_device ;;
    crash)
      [ -n "$native" ] || reason='the native HTTP module does not load'
      # Those that make namespaces or mount something need what device tests need.
      if [ -z "$reason" ] && [ -n "$no_device" ]; then
        # shellcheck disable=SC2086
        bound=$(grep -lE "$device_mark" $files)
        [ -z "$bound" ] || leave_out "$(printf '%s\n' "$bound" | wc -l) crash files: $no_device"
        # shellcheck disable=SC2086
        files=$(grep -LE "$device_mark" $files)
        [ -n "$files" ] || return 0
      fi
      ;;
  esac
  if [ -n "$reason" ]; then
    leave_out "$(printf '%s\n' "$files" | wc -l) $1 files: $reason"
    return 0
  fi
  printf '\n%s\n' "== $1 tests =="
  # shellcheck disable=SC2086
  [ "$1" != unit ] || files=$(bundle $files)
  # Paths of this project have no blanks.
  # shellcheck disable=SC2086
  timeout --foreground --kill-after=20 "$(minutes_for "$1")m" \
    node --test --test-concurrency="$(at_once "$1")" --test-timeout="$(seconds_for "$1")000" \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$results/$1.tap" $files </dev/null
  status=$?
  case $status in
    0) ;;
    124 | 137) failed="$failed $1 (not done after $(minutes_for "$1") minutes)" ;;
    *) failed="$failed $1" ;;
  esac
}

# total WORD: the sum of a line of the runner's own summaries.
total() { cat "$results"/*.tap 2>/dev/null | sed -n "s/^# $1 \([0-9]*\)\$/\1/p" | awk '{ sum += $1 } END { print sum + 0 }'; }

ensure_node && ensure_node_packages || exit 1
ensure_tools
ensure_services
# Always: what is there may have been compiled by something else.
rm -f dist/.built
ensure_build || exit 1

native=
no_device=
if needs_more_than_unit; then
  native_loads && native=yes
  no_device=$(why_no_device)
  # Where the server can't run, neither can what is started around it.
  [ -n "$native" ] || no_device=${no_device:-the native HTTP module does not load}
fi
results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT
failed=
for kind in $kinds; do run_kind "$kind"; done

printf '\n%s\n' "== all, Node.js $(node --version) =="
for word in tests pass fail cancelled skipped todo; do printf '# %s %s\n' "$word" "$(total "$word")"; done
if [ "$(total tests)" = 0 ] && [ -z "$left_out" ]; then
  warn "no test file has one of these in its path:$names"
  exit 1
fi
[ -z "$left_out" ] || printf '%s\n' "left out:$left_out"
if [ -n "$failed" ]; then
  warn "failed:$failed"
  exit 1
fi
if [ -n "$left_out" ] && [ "${CI:-}" = true ]; then
  warn 'CI=true: leaving something out is a failure'
  exit 1
fi
