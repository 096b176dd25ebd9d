# syntax=docker/dockerfile:1
# Two stages: what builds stays behind. Pin the base by digest in your own registry if you need the same bytes every time.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# The locks first: this layer is built again only when a dependency changes. --no-deps: the lock is the whole list.
# The build backend comes by hash as well, from the developers' lock, into an environment that stays behind.
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/wenju \
    && /opt/wenju/bin/pip install --no-deps --require-hashes -r requirements.lock \
    && awk '/^[a-z]/ { keep = /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/ } keep' requirements-dev.lock > /tmp/build.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --no-deps --require-hashes -r /tmp/build.lock
COPY pyproject.toml README.md LICENSE wenju.py ./
COPY ingest ingest
COPY service service
COPY eval eval
COPY corpus corpus
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/wenju/bin/pip install --no-deps /tmp/wheel/*.whl \
    && /opt/wenju/bin/python -m compileall -q /opt/wenju

FROM python:${PYTHON}-slim
# Page images need a Chinese font where a PDF does not embed its own.
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent wenju \
    && install -d -o wenju -g wenju -m 0700 /data \
    && install -d /srv/wenju
COPY --from=build /opt/wenju /opt/wenju
# Loopback means nothing inside a container, so the service binds all of it, and therefore does not start without WENJU_API_KEYS.
ENV PATH=/opt/wenju/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WENJU_DATA_DIR=/data \
    WENJU_SERVICE__HOST=0.0.0.0 \
    WENJU_SERVICE__LOG_FORMAT=json
# A wenju.toml mounted here is read.
WORKDIR /srv/wenju
USER 10001:10001
VOLUME /data
EXPOSE 8000
# Liveness only: /readyz also says how the index is, and is for a load balancer.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["wenju"]
CMD ["serve"]
