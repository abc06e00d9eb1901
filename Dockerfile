# The node and every program it runs. Nothing in it is secret: configuration and keys come in at run time.
#
# Node.js 22: of the versions that the HTTP module has a binary for (20, 22, 24) the newest that runs on Debian 12, whose
# glibc is 2.36; the binary for 24 wants 2.38. Node.js 20 gets no more fixes. To pin: --build-arg BASE=node:22-…@sha256:…
ARG BASE=node:22-bookworm-slim

FROM ${BASE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts
# The HTTP module brings binaries for every platform: the one that Node.js loads here stays, 7 of 190 MB.
RUN find node_modules/uWebSockets.js -name '*.node' \
      ! -name "$(node -p '`uws_${process.platform}_${process.arch}_${process.versions.modules}.node`')" -delete \
 && node -e 'require("uWebSockets.js")'
# What makes msgpackr read strings natively, which the node does not use.
RUN rm -rf node_modules/msgpackr-extract node_modules/@msgpackr-extract
# An optional peer of a dependency, for which npm takes the compiler of the lock file though it is left out.
RUN rm -rf node_modules/typescript node_modules/@typescript node_modules/.bin/tsc

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY core core
COPY handlers handlers
COPY adapters adapters
RUN npx --no-install tsc && chmod 0755 dist/adapters/main.js

FROM ${BASE}
ARG REVISION=
LABEL org.opencontainers.image.title="wgkeeper-node" \
      org.opencontainers.image.description="One process that owns one WireGuard interface and manages its peers over a REST API" \
      org.opencontainers.image.version="2.0.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
# util-linux has flock(1); wireguard-go is for kernels without WireGuard. Package managers are for the stages above alone.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      iproute2 iptables nftables tini util-linux wireguard-go wireguard-tools \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
      /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
WORKDIR /app
COPY LICENSE package.json config.example.yaml ./
COPY docs/openapi.json docs/
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN install -d -m 0700 data && ln -s /app/dist/adapters/main.js /usr/local/bin/wgkeeper-node \
 && wgkeeper-node --version
ENV NODE_ENV=production
# The node's key and its peers outlive the container, also where nobody thought of a volume.
VOLUME ["/etc/wireguard", "/app/data"]
EXPOSE 51821/tcp 51820/udp
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "/app/dist/adapters/health-check.js"]
STOPSIGNAL SIGTERM
# tini hands signals on, and reaps what ends after the process that started it.
ENTRYPOINT ["tini", "--", "wgkeeper-node"]
