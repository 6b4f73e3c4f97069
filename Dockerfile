# One image for all services and the command line: the command picks which.
#   docker build -t ebs .
#   docker run ebs hub            docker run ebs cli status
ARG NODE=24-trixie-slim

FROM node:${NODE} AS build
WORKDIR /app
# For better-sqlite3, where there is no ready-made build of it.
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make python3 \
 && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.image.json rolldown.config.ts ./
COPY shared shared
COPY services services
COPY scripts scripts
# Sources and objects of the native module, and type declarations, are a third of what is installed.
RUN npx tsc -p tsconfig.image.json \
 && npx rolldown -c rolldown.config.ts \
 && npm prune --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src node_modules/better-sqlite3/build/Release/obj* node_modules/better-sqlite3/build/Release/test_extension.node \
 && find node_modules \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' -o -name '*.md' \) -type f -delete

FROM node:${NODE}
LABEL org.opencontainers.image.title="ebs" \
      org.opencontainers.image.description="Event bus platform on RabbitMQ: nothing that was accepted is lost or stuck without saying where and why" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    EBS_DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY docs/examples/journeys docs/examples/journeys
# Where stores are: the only place that is written to.
RUN install -d -o 1000 -g 1000 /data
USER 1000:1000
EXPOSE 8000 8080 8081 8082 8083 8084
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/dist/scripts/container/main.js", "health"]
ENTRYPOINT ["node", "/app/dist/scripts/container/main.js"]
CMD ["--help"]
