# syntax=docker/dockerfile:1
# One image for every process: `plumbline api`, `projector`, `worker`, `migrate`, … Settings and secrets come at run time.

FROM python:3.13-slim AS installed
COPY requirements.lock .
RUN python -m venv /opt/plumbline \
 && /opt/plumbline/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements.lock

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin plumbline \
 && install --directory --owner=plumbline /data
COPY --from=installed /opt/plumbline /opt/plumbline
COPY . /app
RUN /opt/plumbline/bin/python -m compileall -q /app
ENV PATH=/opt/plumbline/bin:$PATH \
    PYTHONPATH=/app:/app/clients/python \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    DATA_DIR=/data
WORKDIR /data
USER plumbline
EXPOSE 8000
ENTRYPOINT ["python", "-m", "transport"]
CMD ["api"]
