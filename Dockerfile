# syntax=docker/dockerfile:1

# Builds dist/ and, apart from it, the dependencies that it needs at run time.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# --ignore-scripts: `prepare` would build before the sources are there, and the development
# dependency `node` would download a Node that this image already is.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY page ./page
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    FAKTORY_BOUNCER_LISTEN_ADDRESS=0.0.0.0:7519 \
    FAKTORY_BOUNCER_ADMIN_ADDRESS=0.0.0.0:7421
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE* ./

# By number, so that Kubernetes' runAsNonRoot can check it.
USER 65532:65532
EXPOSE 7519 7421
STOPSIGNAL SIGTERM
# Liveness only: a bouncer whose Faktory is down must not be restarted for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:7421/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Exec form: Node is process 1 and gets SIGTERM itself. A configuration file is read where --config
# or FAKTORY_BOUNCER_CONFIG names it.
ENTRYPOINT ["node", "--disable-sigusr1", "--min-semi-space-size=4", "/app/dist/main.js"]
