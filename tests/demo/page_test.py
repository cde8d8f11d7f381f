"""The page in headless Chromium: its map equals the command line's.

Needs Playwright, a Chromium (`KERAS_RSSEG_CHROMIUM`, or one on the path) and
npm's onnxruntime-web: the folder `KERAS_RSSEG_ONNXRUNTIME_WEB` names, or
`onnxruntime_web` in `KERAS_RSSEG_SHARED`, holds its files.
"""

import functools
import http.server
import os
import pathlib
import shutil
import threading

import numpy as np
import pytest
import rasterio

import keras_rsseg
from examples import build_demo
from keras_rsseg.scenes import load_exported
from keras_rsseg.scenes import predict_scene
from tests.scenes.exported.onnx_files import make_facts
from tests.scenes.exported.onnx_files import write_onnx
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import write_scene
from tests.shared import shared_path

pytest.importorskip("onnxruntime")
sync_api = pytest.importorskip("playwright.sync_api")

PALETTE = [[10, 20, 30], [200, 60, 0], [0, 120, 240]]
PATIENCE = 240_000


def runtime_folder():
    named = os.environ.get("KERAS_RSSEG_ONNXRUNTIME_WEB")
    return pathlib.Path(named) if named else shared_path("onnxruntime_web")


@pytest.fixture(scope="module")
def browser():
    program = os.environ.get("KERAS_RSSEG_CHROMIUM")
    program = program or shutil.which("chromium") or shutil.which("chrome")
    if program is None:
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, isolated from others if asked, as a Space is."""

    isolated = False

    def end_headers(self):
        if self.isolated:
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        super().end_headers()

    def log_message(self, *args):
        pass


class Isolated(Handler):
    isolated = True


@pytest.fixture
def serve():
    servers = []

    def start(folder, handler=Handler):
        handler = functools.partial(handler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def visit(browser):
    """Open a page on which nothing must go wrong or leave the server."""
    contexts = []

    def start(url):
        context = browser.new_context(accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.asked, page.wrong = [], []
        context.on("request", lambda each: page.asked.append(each))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on(
            "console",
            lambda message: (
                message.type == "error" and page.wrong.append(message.text)
            ),
        )
        page.goto(url)
        return page

    yield start
    for context in contexts:
        context.close()


def check_nothing_left(page, url):
    assert page.wrong == []
    assert all(
        each.url.startswith((url, "blob:", "data:")) for each in page.asked
    )
    assert all(each.method == "GET" for each in page.asked)


@pytest.fixture(scope="module")
def thresholds(tmp_path_factory):
    """The page with a network of a single product, and its file."""
    runtime = runtime_folder()
    folder = tmp_path_factory.mktemp("page")
    facts = make_facts(
        image_size=(32, 32), batch_size=1, display_palette=PALETTE
    )
    file = write_onnx(folder / "m.onnx", facts)
    build_demo.write_page(folder, runtime)
    build_demo.write_model(folder, file)
    return folder, file


def wait_for_map(page):
    page.locator(
        '#status:has-text("Mapped in"), #error:visible'
    ).first.wait_for()
    error = page.locator("#error")
    assert error.is_hidden(), error.inner_text()


def downloaded_map(page, path, palette):
    """Save the map, and read its colours as classes."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the map").click()
    assert download.value.suggested_filename.endswith("_map.png")
    download.value.save_as(path)
    with rasterio.open(path) as picture:
        bands = picture.read()
    classes = np.full(bands.shape[1:], 255)
    for index, color in enumerate(palette):
        same = bands[:3] == np.reshape(color, (3, 1, 1))
        classes[same.all(axis=0) & (bands[3] == 255)] = index
    return classes


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("handler", [Handler, Isolated])
def test_dropped_image_becomes_the_map(
    tmp_path, serve, visit, thresholds, handler
):
    folder, file = thresholds
    pixels = random_scene(50, 70)
    scene = write_scene(tmp_path / "s.tif", pixels, crs=None, transform=None)
    build_demo._write_png(tmp_path / "photo.png", pixels)
    predict_scene(
        load_exported(file),
        scene,
        tmp_path / "m.tif",
        tile_size=32,
        progress=False,
        ground_sample_distance=None,
    )
    expected, _ = read_map(tmp_path / "m.tif")
    url = serve(folder, handler)
    page = visit(url)
    page.get_by_label("Image (JPEG").set_input_files(tmp_path / "photo.png")
    wait_for_map(page)
    found = downloaded_map(page, tmp_path / "found.png", PALETTE)
    np.testing.assert_array_equal(found, expected)
    # The legend, from the largest share downwards.
    shares = np.bincount(expected.ravel(), minlength=3) / expected.size
    rows = page.locator("#legend tr")
    order = np.argsort(-shares, kind="stable")
    for row, index in zip(rows.all(), order, strict=True):
        assert row.locator("th").inner_text() == make_facts().class_names[index]
        assert row.locator("td").inner_text() == f"{100 * shares[index]:.1f} %"
    threads = "1 thread." if handler is Handler else "threads."
    assert page.locator("#about").inner_text().endswith(threads)
    check_nothing_left(page, url)


def test_controls_by_keyboard_and_their_names(
    tmp_path, serve, visit, thresholds
):
    url = serve(thresholds[0])
    build_demo._write_png(tmp_path / "photo.png", random_scene(40, 40))
    page = visit(url)
    page.get_by_label("Image (JPEG").set_input_files(tmp_path / "photo.png")
    wait_for_map(page)
    slider = page.get_by_role("slider", name="Opacity of the map")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#map").evaluate("e => e.style.opacity") == "0.65"
    assert page.locator("#opacity-value").inner_text() == "65 %"
    # With its pixel size the map has areas.
    assert page.locator("#area-head").is_hidden()
    page.get_by_label("Pixel size on the ground").fill("0.5")
    page.keyboard.press("Enter")
    page.locator("#area-head").wait_for(state="visible")
    areas = page.locator("#legend td:nth-child(3)").all_inner_texts()
    assert sum(int(text.removesuffix(" m²")) for text in areas) == 400
    # A screen reader's text for the map.
    label = page.locator("#map").get_attribute("aria-label")
    assert label.startswith("Its map: ") and "%" in label
    check_nothing_left(page, url)


def test_what_is_no_image_is_said(tmp_path, serve, visit, thresholds):
    page = visit(serve(thresholds[0]))
    (tmp_path / "notes.txt").write_text("no image")
    page.get_by_label("Image (JPEG").set_input_files(tmp_path / "notes.txt")
    alert = page.get_by_role("alert")
    sync_api.expect(alert).to_contain_text("cannot read notes.txt as an image")
    page.get_by_label("Pixel size on the ground").fill("30")
    build_demo._write_png(tmp_path / "photo.png", random_scene(40, 40))
    page.get_by_label("Image (JPEG").set_input_files(tmp_path / "photo.png")
    sync_api.expect(alert).to_contain_text("too coarse")
    assert page.locator("#result").is_hidden()


def test_a_page_without_its_network_says_so(tmp_path, serve, visit):
    build_demo.write_page(tmp_path / "page", runtime_folder())
    page = visit(serve(tmp_path / "page"))
    alert = page.get_by_role("alert")
    sync_api.expect(alert).to_contain_text("could not be")


# Exports the package's preset.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_harbour_is_that_of_the_command_line(tmp_path, serve, visit):
    pytest.importorskip("tf2onnx")
    folder = tmp_path / "page"
    build_demo.main([str(folder), "--runtime", str(runtime_folder())])
    model = load_exported(folder / "model.onnx")
    assert model.preset == keras_rsseg.DEFAULT_PRESET
    predict_scene(
        model,
        build_demo.SAMPLE,
        tmp_path / "m.tif",
        tile_size=model.facts.tile_size,
        progress=False,
    )
    expected, _ = read_map(tmp_path / "m.tif")
    url = serve(folder, Isolated)
    page = visit(url)
    page.get_by_role("button", name="Use the sample").click()
    wait_for_map(page)
    palette = model.display_palette or model.palette
    found = downloaded_map(page, tmp_path / "found.png", palette)
    # Both read the scene at 0.8 m, and round pixels each in its own way.
    assert np.mean(found == expected) > 0.995
    check_nothing_left(page, url)
