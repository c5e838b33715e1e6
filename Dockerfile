# One image for api, worker, scheduler and migrate; the command says which.
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
RUN python -m venv /opt/assetmix
COPY requirements.txt ./
RUN /opt/assetmix/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md ./
COPY src ./src
COPY migrations ./migrations
RUN /opt/assetmix/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE_IMAGE}
RUN groupadd --system --gid 10001 assetmix \
 && useradd --system --uid 10001 --gid assetmix --no-create-home --shell /usr/sbin/nologin assetmix
COPY --from=build /opt/assetmix /opt/assetmix
ENV PATH=/opt/assetmix/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["assetmix"]
CMD ["serve", "--host", "0.0.0.0"]
