# syntax=docker/dockerfile:1
# docker build -t quarterdeck . && docker run -p 4400:4400 -p 4317:4317 -v deck:/data quarterdeck

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements requirements
COPY scripts/link_node.py scripts/
RUN pip install --no-cache-dir --require-hashes -r requirements/setup.txt && python scripts/link_node.py
COPY ui/package.json ui/package-lock.json ui/.npmrc ui/
RUN npm --prefix ui ci
COPY . .
RUN npm --prefix ui run build && python -m hatchling build -t wheel

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data quarterdeck && install -d -o quarterdeck -m 0700 /data
COPY requirements/runtime.txt /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/runtime.txt
COPY --from=build /src/dist/*.whl /tmp/
RUN pip install --no-cache-dir --no-deps /tmp/*.whl && rm /tmp/*.whl /tmp/runtime.txt
USER quarterdeck
ENV QUARTERDECK_DATA=/data QUARTERDECK_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 4400 4317 4318
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4400/api/health', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["quarterdeck"]
CMD ["serve"]
