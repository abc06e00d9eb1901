#!/bin/sh
# Makes a file for wg-quick out of the answer to POST /peers: client-file.sh HOST <answer.json >client.conf
# HOST is the address or name under which clients reach the node.
set -u
host=${1:-}
if [ -z "$host" ]; then
  echo 'Usage: client-file.sh HOST <answer.json >client.conf' >&2
  exit 2
fi
case $host in
  *:*) host="[${host#[}" && host="${host%]}]" ;;
esac
answer=$(cat)

# field OBJECT KEY: a text or number of the answer. It is compact JSON, and no value in it has quotes or braces.
field() { printf '%s' "$answer" | sed -n "s/.*\"$1\":{[^}]*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

private_key=$(field peer privateKey)
if [ -z "$private_key" ]; then
  printf 'client-file: this is no answer to POST /peers: %s\n' "$(printf '%s' "$answer" | cut -c 1-300)" >&2
  exit 1
fi
addresses=$(printf '%s' "$answer" | sed -n 's/.*"allowedIPs":\[\([^]]*\)\].*/\1/p' | tr -d '"' | sed 's/,/, /g')
routes=
case $addresses in *.*) routes=0.0.0.0/0 ;; esac
case $addresses in *:*) routes=${routes:+$routes, }::/0 ;; esac

cat <<END
[Interface]
PrivateKey = $private_key
Address = $addresses

[Peer]
PublicKey = $(field server publicKey)
PresharedKey = $(field peer presharedKey)
Endpoint = $host:$(field server listenPort)
# Everything goes through the tunnel; name networks here to send only those.
AllowedIPs = $routes
PersistentKeepalive = 25
END
