#!/bin/sh
# Makes a stand-in for the base image node:22-bookworm-slim where images can't be pulled: Debian 12 by debootstrap, with
# Node.js and npm from their npm packages. Prints its name, which is what the build argument BASE takes. Needs root,
# buildah and debootstrap; a folder as its argument keeps the bootstrapped system for the next time.
set -eu
name=localhost/wgkeeper-node-base
folder=${1:-$(mktemp -d)}
[ -n "${1:-}" ] || trap 'rm -rf "$folder"' EXIT
run_buildah() { buildah --storage-driver vfs "$@"; }

[ -e "$folder/etc/debian_version" ] ||
  debootstrap --variant=minbase bookworm "$folder" "$(apt-get indextargets --format '$(SITE)' | sort -u | head -n 1)" >&2
if [ ! -x "$folder/usr/local/bin/node" ]; then
  npm install --no-save --no-audit --no-fund --ignore-scripts=false --loglevel=error --prefix "$folder/tmp/node" \
    node@22 npm@10 >&2
  mkdir -p "$folder/usr/local/lib/node_modules"
  cp -r "$folder/tmp/node/node_modules/npm" "$folder/usr/local/lib/node_modules/npm"
  cp -L "$folder/tmp/node/node_modules/node/bin/node" "$folder/usr/local/bin/node"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$folder/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$folder/usr/local/bin/npx"
  rm -rf "$folder/tmp/node"
fi
container=$(run_buildah from scratch)
run_buildah add --quiet "$container" "$folder" / >/dev/null
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] || run_buildah config --env "NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS" "$container"
run_buildah commit --quiet --rm "$container" "$name" >/dev/null
printf '%s\n' "$name"
