# Maps of scenes, without anything else to install:
#
#   docker build -t keras-rsseg .
#   docker run --rm -v "$PWD:/data" -u "$(id -u):$(id -g)" keras-rsseg \
#       predict scene.tif --output classes.tif
#
# Its build maps nothing and needs no GPU. For GPUs build with
# --build-arg TENSORFLOW="tensorflow[and-cuda]" and run with --gpus all.
FROM python:3.12-slim

ARG TENSORFLOW=tensorflow
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY keras_rsseg keras_rsseg
RUN pip install --no-cache-dir ".[plot,vector]" "$TENSORFLOW"

# Whoever the container runs as can write its caches.
ENV HOME=/tmp KERAS_HOME=/tmp/keras MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
ENTRYPOINT ["keras-rsseg"]
CMD ["--help"]
