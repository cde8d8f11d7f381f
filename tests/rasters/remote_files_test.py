"""A server's answers are reported, with advice."""

import subprocess
import sys

import numpy as np
import pytest

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.remote_files import is_remote
from keras_rsseg.rasters.remote_files import why_not
from tests.scenes.scene_files import write_scene

# Answers `/CODE/AFTER/...`: this code after AFTER requests for the file; 200
# stands for a server that sends whole files only.
SERVER = """
import http.server, re, sys

data, requests = open(sys.argv[1], "rb").read(), {}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.do_GET(False)

    def do_GET(self, body=True):
        code, after = map(int, self.path.split("/")[1:3])
        requests[self.path] = requests.get(self.path, 0) + 1
        span = re.match(r"bytes=(\\d+)-(\\d*)", self.headers.get("Range", ""))
        answer = b"no"
        if requests[self.path] <= after or code == 200:
            answer, code = data, 200
            if span is not None and after:
                first, last = int(span[1]), int(span[2] or len(data) - 1)
                answer, code = data[first:last + 1], 206
        self.send_response(code)
        if code == 206:
            end = first + len(answer) - 1
            place = f"bytes {first}-{end}/{len(data)}"
            self.send_header("Content-Range", place)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if body:
            self.wfile.write(answer)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """In another process, as GDAL holds this one's lock while waiting."""
    path = tmp_path_factory.mktemp("served") / "scene.tif"
    pixels = np.random.default_rng(0).integers(0, 256, (3, 400, 400), "uint8")
    write_scene(path, pixels, tiled=True, blockxsize=128, blockysize=128)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


def told(url):
    with pytest.raises(RasterError) as caught:
        with open_raster(url) as dataset:
            dataset.read()
    return str(caught.value)


@pytest.mark.parametrize(
    "code, match",
    [
        (404, "HTTP 404 Not Found: there is no such file"),
        (403, "HTTP 403 Forbidden: a signed URL may have expired"),
        (503, "HTTP 503 Service Unavailable: it is busy"),
        (200, "only whole files, and a map needs parts of them: download"),
    ],
)
def test_it_cannot_be_opened(server, code, match):
    text = told(f"{server}/{code}/0/scene.tif?token=x")
    assert match in text
    assert "not a raster" not in text


@pytest.mark.parametrize("code", [503, 403])
def test_it_breaks_off(server, code):
    """GDAL does not report the code; finished work is not lost."""
    text = told(f"{server}/{code}/2/scene.tif")
    assert f"the server answered HTTP {code}" in text
    assert "`resume=True` continues" in text


def test_it_can_be_read(server):
    with open_raster(f"{server}/500/99/scene.tif") as dataset:
        assert dataset.read().shape == (3, 400, 400)


def test_nobody_answers():
    text = told("http://127.0.0.1:9/scene.tif")
    assert "the server cannot be reached" in text
    assert "GDAL_HTTP_MAX_RETRY=5" in text
    reason = why_not("s3://bucket/scene.tif", "Read error", opened=True)
    assert reason.startswith("the connection was lost (Read error)")


def test_what_is_remote():
    for path in ("https://h/x.tif", "/vsicurl/http://h/x", "s3://b/x.tif"):
        assert is_remote(path)
    for path in ("x.tif", "/vsizip/x.zip/y", "/data/http/x.tif", "C:/x.tif"):
        assert not is_remote(path)
