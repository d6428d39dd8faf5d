# The reference proxy as a static program, in an image with nothing else but Alpine's shell.
#
#   docker build -t active-requests-proxy .
#   docker run -p 8082:8082 -e PROXY_API_KEY=... -e OPENAI_API_KEY=... active-requests-proxy
#
# It listens beyond loopback here, so it does not start without PROXY_API_KEY (or PROXY_OPEN=true, where that is meant).
FROM rust:1-alpine AS build
RUN apk add --no-cache build-base nodejs npm
WORKDIR /source
COPY . .
# The page's grid comes from npm; alpine's own target is musl, whose programs are static.
RUN cd assets && npm ci --silent --no-audit --no-fund && npm run --silent vendor
RUN cargo build --release --locked -p active-requests-proxy

FROM alpine:3
COPY --from=build /source/target/release/active-requests-proxy /usr/local/bin/
USER nobody
ENV HOST=0.0.0.0 PORT=8082
EXPOSE 8082
# While it drains it is no longer healthy. With TLS the address begins with https, and wget takes --no-check-certificate.
HEALTHCHECK --interval=10s --timeout=3s CMD wget -q -O /dev/null "http://127.0.0.1:${PORT}/health"
# Requests may go on for PROXY_GRACE (30 s): `docker stop` has to wait longer than its usual 10 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["active-requests-proxy"]
