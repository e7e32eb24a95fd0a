# The ledger's image: one binary on a bare Debian, run by a user without rights.
FROM rust:1.95-bookworm AS build
WORKDIR /ledger
COPY . .
RUN cargo build --release --locked --no-default-features --bin ledger

FROM debian:bookworm-slim
# curl asks /ready in the health check.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home ledger
COPY --from=build /ledger/target/release/ledger /usr/local/bin/ledger
USER ledger
EXPOSE 9000
ENTRYPOINT ["ledger"]
CMD ["serve", "--roles", "api,relay,projector"]
