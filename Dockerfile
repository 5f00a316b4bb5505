# Parley in a container: dependencies from the lock file, an ordinary user, the database in /home/parley/data.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/parley && /opt/parley/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE config.example.toml ./
COPY docs/slack-manifest.yaml ./docs/
COPY bot ./bot
RUN /opt/parley/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
COPY --from=build /opt/parley /opt/parley
RUN useradd --create-home --uid 10001 parley && install -d -o parley -g parley -m 0700 /home/parley/data
USER parley
WORKDIR /home/parley
VOLUME /home/parley/data
# Docker waits 10 s after this signal, the bot takes up to limits.drain_s (20 s): run it with --stop-timeout 30.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/parley/bin/parley"]
CMD ["run"]
