#!/bin/sh
# Builds the image with buildah and runs the container tests on what it holds: takes minutes, and is no part of npm test.
# Needs root, buildah and a build of the project (npm run build). Images can't be pulled where you are? Then
#   BASE=$(sh test/deploy/base.sh) sh test/deploy/image.sh
set -eu
cd "$(dirname "$0")/../.."
name=localhost/wgkeeper-node
run_buildah() { buildah --storage-driver vfs "$@"; }

# What this machine's npm and apt are told about mirrors and certificates, for the build alone: no layer keeps it.
set -- --volume /etc/apt/apt.conf.d:/etc/apt/apt.conf.d:ro
npmrc=$(npm config get userconfig)
[ ! -e "$npmrc" ] || set -- "$@" --volume "$npmrc:/root/.npmrc:ro"
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || set -- "$@" --volume /etc/ssl/certs:/etc/ssl/certs:ro
[ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE"
# The folder may be another user's, which git refuses root otherwise.
revision=$(git -c safe.directory="$PWD" rev-parse HEAD 2>/dev/null) || revision=
set -- "$@" --build-arg "REVISION=$revision"
run_buildah bud --isolation chroot --format docker "$@" --tag "$name" .

container=$(run_buildah from --pull-never "$name")
trap 'run_buildah rm "$container" >/dev/null' EXIT
root=$(run_buildah mount "$container")

fail() {
  printf '%s\n' "! $*" >&2
  exit 1
}
[ "$(find "$root/app/node_modules" -name '*.node' | wc -l)" = 1 ] || fail 'other native binaries than that of the HTTP module'
for package in typescript @biomejs/biome fastify; do
  [ ! -e "$root/app/node_modules/$package" ] || fail "$package is in the image"
done
for program in npm npx; do
  [ ! -e "$root/usr/local/bin/$program" ] || fail "$program is in the image"
done
[ -z "$(find "$root/root" "$root/app" -name .npmrc -size +0)" ] || fail 'an .npmrc is in the image'
[ ! -e "$root/app/config.yaml" ] || fail 'a configuration is in the image'
printf '%s\n' "image: $(du -sm "$root" | cut -f1) MB unpacked"

IMAGE_ROOT=$root node --test dist/test/deploy/container.device.test.js
