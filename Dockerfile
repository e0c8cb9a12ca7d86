# All programs in one image: `ingest run`, `worker run`, `standalone run`, `samples send`. The classic builder can build it, too.

FROM rust:1-slim-trixie AS build
WORKDIR /build
ENV CARGO_INCREMENTAL=0 \
    SQLX_OFFLINE=true

# The dependencies, which change seldom, in a layer of their own: built for empty sources.
COPY Cargo.toml Cargo.lock ./
COPY shared/Cargo.toml shared/
COPY shared/invariants/Cargo.toml shared/invariants/
COPY shared/providers/Cargo.toml shared/providers/
COPY shared/runtime/Cargo.toml shared/runtime/
COPY ingest/Cargo.toml ingest/
COPY worker/Cargo.toml worker/
COPY worker/mail/Cargo.toml worker/mail/
COPY worker/store/Cargo.toml worker/store/
COPY standalone/Cargo.toml standalone/
COPY tests/Cargo.toml tests/
COPY tests/samples/Cargo.toml tests/samples/
COPY tests/simulator/Cargo.toml tests/simulator/
RUN for crate in shared shared/invariants shared/providers shared/runtime ingest worker worker/mail worker/store standalone tests/samples tests/simulator; do \
        mkdir $crate/src && touch $crate/src/lib.rs; \
    done \
 && for crate in ingest worker standalone tests/samples tests/simulator; do echo 'fn main() {}' >$crate/src/main.rs; done \
 && mkdir tests/harness tests/scenarios \
 && touch tests/harness/lib.rs tests/architecture.rs tests/scenarios/main.rs \
 && cargo build --release --locked -p ingest -p worker -p standalone -p samples

COPY .sqlx .sqlx
COPY migrations migrations
COPY shared shared
COPY ingest ingest
COPY worker worker
COPY standalone standalone
COPY .dev/sources.toml .dev/
COPY tests/samples tests/samples
# Cargo takes sources that are older than their last build for built, and these may well be older than the empty ones.
RUN find shared ingest worker standalone tests/samples -name '*.rs' -exec touch {} + \
 && cargo build --release --locked -p ingest -p worker -p standalone -p samples
# All that the image takes, at its place there: for a second COPY after one that changes nothing, as of certificates that
# a stand-in has already, the classic builder misses a layer (moby/moby#37965).
RUN for program in ingest worker standalone samples; do \
        install -D target/release/$program image/usr/local/bin/$program; \
    done \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt image/etc/ssl/certs/ca-certificates.crt
# `./dev` finds what a newer build has replaced by this label, and removes it: this stage has 2 GB.
LABEL esim-events.image=build

FROM debian:trixie-slim
# The slim image has no certificates of its own, and the merchant's endpoint is called by TLS.
COPY --from=build /build/image /
# A volume that is mounted here for the first time takes over the owner.
RUN install -d -o 10001 -g 10001 /var/lib/ingest/spool /var/lib/standalone
LABEL esim-events.image=programs
USER 10001:10001
CMD ["ingest", "--help"]
