# One image for all programs; which one a container becomes is its command: web, worker, scheduler or sealer (docs/deploying.md).
FROM python:3.11-slim AS build
WORKDIR /srv/countersign
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/venv
COPY requirements.txt ./
RUN /srv/venv/bin/pip install -r requirements.txt
COPY manage.py ./
COPY assets assets
COPY portal portal
COPY changes changes
COPY audits audits
COPY templates templates
# Style sheet and static files. The settings have to load for that; what they are given here is thrown away with the layer's process.
RUN DATABASE_URL=postgresql:///none COUNTERSIGN_SECRET_KEY=build COUNTERSIGN_ENCRYPTION_KEYS=build DJANGO_SETTINGS_MODULE=portal.settings \
    /srv/venv/bin/python -m portal.runtime.assets \
    && /srv/venv/bin/python -m compileall -q -j 0 portal changes audits

FROM python:3.11-slim
# git for the mirrors of repositories, PostgreSQL's client for backups over TLS.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 countersign \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/countersign --shell /usr/sbin/nologin countersign \
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
    COUNTERSIGN_LISTEN=0.0.0.0:8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 CMD ["python", "-m", "portal.runtime.serve", "healthy"]
CMD ["python", "-m", "portal.runtime.serve", "web"]
