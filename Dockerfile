# Two images: `api` (no torch in it) and `worker` (torch for CPUs; --build-arg TORCH=cuda for NVIDIA GPUs).
#
#   docker build --target api -t numeral-api .
#   docker build --target worker -t numeral-worker .
#
# What is installed is pinned with hashes in requirements/ (`make lock`), the base image by `make digests`. The CPU build of torch comes from where
# TORCH_WHEELS says: a folder or a page of links. Without any network, from a folder that holds all wheels:
#
#   docker build --build-context wheels=FOLDER --build-arg PIP_NO_INDEX=1 --build-arg TORCH_WHEELS=/wheels ...
ARG PYTHON=python:3.11-slim-bookworm

FROM scratch AS wheels

FROM ${PYTHON} AS builder
ARG PIP_NO_INDEX
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
RUN python -m venv --without-pip /opt/numeral
WORKDIR /source
COPY requirements/build.txt requirements/
RUN --mount=type=bind,from=wheels,target=/wheels \
    pip install --quiet --require-hashes --find-links /wheels -r requirements/build.txt

FROM builder AS api-packages
COPY requirements/api.txt requirements/
RUN --mount=type=bind,from=wheels,target=/wheels \
    pip --python /opt/numeral/bin/python install --quiet --require-hashes --no-deps --find-links /wheels \
        -r requirements/api.txt
COPY deploy/slim.sh .
RUN sh slim.sh /opt/numeral api

FROM builder AS worker-packages
ARG TORCH=cpu
COPY requirements/worker-$TORCH.txt requirements/
ARG TORCH_WHEELS=https://download.pytorch.org/whl/cpu/torch/
RUN --mount=type=bind,from=wheels,target=/wheels \
    if [ "$TORCH" = cpu ]; then from="--find-links $TORCH_WHEELS"; fi; \
    pip --python /opt/numeral/bin/python install --quiet --require-hashes --no-deps --find-links /wheels ${from:-} \
        -r requirements/worker-$TORCH.txt
COPY deploy/slim.sh .
RUN sh slim.sh /opt/numeral

FROM builder AS project
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY client/numeral_client client/numeral_client
COPY worker worker
COPY models models
RUN pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir /project .

FROM api-packages AS api-installed
RUN --mount=type=bind,from=project,source=/project,target=/project \
    pip --python /opt/numeral/bin/python install --quiet --no-deps --no-index /project/*.whl
# Did slim.sh leave what is needed?
RUN cd /tmp && /opt/numeral/bin/python -c "import app.main, models.backprop.plots, psycopg, s3fs; from scipy import ndimage"

FROM worker-packages AS worker-installed
RUN --mount=type=bind,from=project,source=/project,target=/project \
    pip --python /opt/numeral/bin/python install --quiet --no-deps --no-index /project/*.whl
RUN cd /tmp && /opt/numeral/bin/python -c "import models.training.data, models.training.export, psycopg, s3fs, sklearn.datasets, worker.training"

# What both images run on: no pip (nor in a lower layer), a user without rights, nothing to write to but /data and /tmp.
FROM ${PYTHON} AS trimmed
RUN groupadd --gid 10001 numeral && useradd --uid 10001 --gid numeral --no-create-home --home-dir /tmp numeral \
 && install --directory --owner numeral --group numeral --mode 700 /data \
 && install --directory --owner numeral --group numeral /run/secrets /secrets/api /secrets/worker /secrets/migrate \
    /secrets/postgres /secrets/redis /secrets/grafana && cd /usr/local/lib/python3* \
 && rm -rf site-packages/* ensurepip idlelib lib2to3 pydoc_data test tkinter config-* /usr/local/include /usr/local/bin/pip* \
    /usr/share/doc /usr/share/man /usr/share/locale /var/lib/apt/lists /var/cache/apt /root/.cache

# The bill of materials that each image has with it: docker run --rm --entrypoint cat IMAGE /sbom.json
FROM trimmed AS bill
ARG TORCH=cpu
RUN --mount=type=bind,source=requirements,target=/requirements --mount=type=bind,source=deploy/sbom.py,target=/sbom.py \
    --mount=type=bind,source=app/console/vendor,target=/vendor \
    mkdir /bills && for image in api worker-$TORCH; do \
        python3 /sbom.py $image /requirements/$image.txt /vendor /var/lib/dpkg/status > /bills/$image.json || exit 1; done

FROM scratch AS runtime
COPY --from=trimmed / /
ENV PATH=/opt/numeral/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib NUMERAL_HOST=0.0.0.0 NUMERAL_DATA_DIR=/data NUMERAL_LOG_FORMAT=json
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.description="Trains, evaluates and serves a digit recogniser" \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
ENV NUMERAL_REVISION=$REVISION
USER 10001:10001
WORKDIR /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["numeral"]

FROM runtime AS worker
LABEL org.opencontainers.image.title=numeral-worker
ARG TORCH=cpu
COPY --from=bill /bills/worker-$TORCH.json /sbom.json
COPY --from=worker-installed /opt/numeral /opt/numeral
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --start-interval=2s CMD ["python", "-m", "app.processes.health", "worker"]
CMD ["worker"]

FROM runtime AS api
LABEL org.opencontainers.image.title=numeral-api
COPY --from=bill /bills/api.json /sbom.json
COPY --from=api-installed /opt/numeral /opt/numeral
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s CMD ["python", "-m", "app.processes.health", "api"]
CMD ["api"]
