# What ./start and test/run.sh have in common: say, install packages, find Node.js, install Node packages, build.
# To be sourced from the project's folder. Functions return 1 and have said why when they can't do their work.

say() { printf '%s\n' "· $*"; }
warn() { printf '%s\n' "! $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Tools of the system are often not on the PATH that sudo or cron leaves.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# The package manager, or nothing when it is none that this knows.
package_manager() {
  for manager in apt-get dnf apk pacman zypper; do
    if have "$manager"; then
      echo "$manager"
      return
    fi
  done
}

# package_of PROGRAM: the package that has it, under the package manager's own name for it.
package_of() {
  case $1:$(package_manager) in
    wg:* | wg-quick:*) echo wireguard-tools ;;
    ip:dnf) echo iproute ;;
    ip:*) echo iproute2 ;;
    iptables:dnf | iptables:pacman | ip6tables:pacman) echo iptables-nft ;;
    iptables:* | ip6tables:*) echo iptables ;;
    nft:*) echo nftables ;;
    flock:apk) echo flock ;;
    flock:* | unshare:* | nsenter:*) echo util-linux ;;
    ping:dnf | ping:pacman | ping:zypper | ping:apk) echo iputils ;;
    ping:*) echo iputils-ping ;;
    ps:apt-get) echo procps ;;
    ps:*) echo procps-ng ;;
    faketime:dnf | faketime:pacman | faketime:zypper) echo libfaketime ;;
    *) echo "$1" ;;
  esac
}

# install_packages PACKAGE…: with the system's package manager, whose lists are fetched only now that something is missing.
install_packages() {
  manager=$(package_manager)
  if [ -z "$manager" ]; then
    warn "missing: $*. This system has no package manager known here (apt-get, dnf, apk, pacman, zypper): install them by hand."
    return 1
  fi
  if ! is_root; then
    warn "missing: $*. Only root can install them: run this with sudo, or install them first."
    return 1
  fi
  if [ -t 0 ] && [ -t 1 ]; then
    printf '? Install %s with %s? [Y/n] ' "$*" "$manager"
    read -r reply || reply=
    case $reply in
      '' | [Yy]*) ;;
      *)
        warn "missing: $*."
        return 1
        ;;
    esac
  fi
  say "installing with $manager: $*"
  case $manager in
    apt-get)
      apt-get update -qq </dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
      ;;
    dnf) dnf install -y -q "$@" </dev/null ;;
    apk) apk add --quiet "$@" </dev/null ;;
    pacman) pacman -Sy --noconfirm --needed "$@" </dev/null ;;
    zypper) zypper --quiet --non-interactive install --no-recommends "$@" </dev/null ;;
  esac || {
    warn "$manager could not install: $*. What it said stands above."
    return 1
  }
}

# packages_for PROGRAM…: the packages of those that are missing, each once.
packages_for() {
  for program in "$@"; do
    have "$program" || package_of "$program"
  done | sort -u | tr '\n' ' '
}

# The oldest Node.js that will do, and in words which ones do.
node_wanted='Node.js 20.11 or newer, 22, or 24 (24 on glibc 2.38 or newer)'

# node_is_new_enough VERSION: 20.11 or newer.
node_is_new_enough() {
  major=${1%%.*}
  minor=${1#*.}
  minor=${minor%%.*}
  case $major$minor in *[!0-9]* | '') return 1 ;; esac
  [ "$major" -gt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -ge 11 ]; }
}

# The version of Node.js that the system's packages would bring; nothing when that can't be told.
packaged_node() {
  case $(package_manager) in
    apt-get) apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9]*:\)\{0,1\}\([0-9][0-9.]*\).*/\2/p' ;;
    dnf) dnf -q info nodejs 2>/dev/null | sed -n 's/^Version *: *\([0-9:]*:\)\{0,1\}\([0-9][0-9.]*\).*/\2/p' | tail -n 1 ;;
    pacman) pacman -Si nodejs-lts-jod 2>/dev/null | sed -n 's/^Version *: *\([0-9][0-9.]*\).*/\1/p' ;;
    zypper) zypper --quiet info nodejs22 2>/dev/null | sed -n 's/^Version *: *\([0-9][0-9.]*\).*/\1/p' ;;
  esac
}

# What stands for node and npm in the package manager's names.
node_packages() {
  case $(package_manager) in
    pacman) echo nodejs-lts-jod npm ;;
    zypper) echo nodejs22 npm22 ;;
    *) echo nodejs npm ;;
  esac
}

is_musl() { ls /lib/ld-musl-* >/dev/null 2>&1 && ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; }

# Makes sure of node and npm.
ensure_node() {
  if is_musl; then
    warn "this system's C library is musl, and the HTTP module (uWebSockets.js) has no build for it. Use a system with glibc (Debian, Ubuntu, Fedora, Arch, openSUSE) or the Docker image."
    return 1
  fi
  if have node; then
    version=$(node --version)
    version=${version#v}
    if node_is_new_enough "$version"; then
      have npm || install_packages npm
      return
    fi
    found="Node.js $version is too old"
  else
    found='no Node.js on the PATH'
  fi
  if [ -n "${SUDO_USER:-}" ]; then
    warn "$found. If $SUDO_USER has a newer one, hand it on: sudo env PATH=\"\$PATH\" $0"
  fi
  if is_root && [ "$(package_manager)" = apt-get ] && [ -z "$(packaged_node)" ]; then
    apt-get update -qq </dev/null
  fi
  packaged=$(packaged_node)
  if [ -n "$packaged" ] && node_is_new_enough "$packaged"; then
    # Word by word.
    # shellcheck disable=SC2046
    install_packages $(node_packages) && hash -r
    return
  fi
  warn "$found, and this system's packages have ${packaged:-none} to offer. Get $node_wanted from https://nodejs.org/en/download"
  return 1
}

# as_owner COMMAND…: as the user whose folder this is, so that root leaves no files of its own in it.
as_owner() {
  owner=$(stat -c %u .)
  if is_root && [ "$owner" != 0 ] && have setpriv; then
    home=$(getent passwd "$owner" | cut -d: -f6)
    HOME=${home:-/tmp} setpriv --reuid "$owner" --regid "$(stat -c %g .)" --clear-groups "$@"
  else
    "$@"
  fi
}

# Installs the Node packages of the lock file, if that is newer than what is there.
ensure_node_packages() {
  installed=node_modules/.package-lock.json
  if [ -e "$installed" ] && [ -z "$(find package-lock.json -newer "$installed")" ]; then
    return
  fi
  say 'installing the Node packages of package-lock.json'
  as_owner npm ci --no-audit --no-fund --loglevel=error </dev/null || {
    warn 'npm ci failed. What it said stands above.'
    return 1
  }
  # npm keeps the time of an unchanged file.
  as_owner touch "$installed"
}

# Compiles, if a source is newer than what was compiled.
ensure_build() {
  if [ -e dist/.built ] &&
    [ -z "$(find adapters bench core handlers test package.json tsconfig.json -newer dist/.built -print 2>/dev/null | head -n 1)" ]; then
    return
  fi
  say 'compiling'
  # Tests whose source is gone must not run.
  as_owner rm -rf dist/test
  as_owner npx --no-install tsc || {
    warn 'the sources do not compile. What the compiler said stands above.'
    return 1
  }
  as_owner touch dist/.built
}

# Whether the native HTTP module loads here; a line that says what would do when it does not.
native_loads() {
  if node -e 'require("uWebSockets.js")' >/dev/null 2>&1; then return; fi
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null || echo 'no glibc')
  warn "Node.js $(node --version) with $glibc on $(uname -m) can't load the HTTP module (uWebSockets.js): use Node.js 20 or 22 on glibc 2.27 or newer, or Node.js 24 on glibc 2.38 or newer, on x86-64 or arm64."
  return 1
}
