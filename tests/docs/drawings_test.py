"""Scripts draw the site's pictures, which load nothing."""

import importlib
import sys

import numpy as np
import pytest

from tests.docs.documents import DOCS

terminal = importlib.import_module("docs.draw_terminal")


def test_what_is_left_on_a_screen():
    written = "Loading ...\r\x1b[2K10 %\r20 %\rdone\r\n\x1b[31mred\x1b[0m\r\n"
    assert terminal.screen(written) == "done\n\x1b[31mred\x1b[0m\n"


def test_a_terminal_is_drawn_with_its_colours():
    pytest.importorskip("rich")
    svg = terminal.draw(["keras-rsseg", "a b"], "\x1b[38;2;1;2;3mwater\x1b[0m")
    assert "#010203" in svg and "water" in svg
    assert "font-face" not in svg and "cdn" not in svg


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Unix")
def test_a_command_is_recorded_in_a_terminal():
    code = "import sys; print(sys.stdout.isatty())"
    assert "True" in terminal.record([sys.executable, "-c", code])


@pytest.mark.parametrize(
    "path", sorted(DOCS.glob("images/*.svg")), ids=lambda p: p.stem
)
def test_stored_drawings_ask_nobody(path):
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text and "url(http" not in text
    assert "@import" not in text and 'href="http' not in text


class TestModules:
    @pytest.fixture
    def draw(self):
        pytest.importorskip("matplotlib")
        return importlib.import_module("docs.draw_modules")

    def test_the_tile_is_the_scene_as_presets_read_it(self, draw):
        tile = draw.sample_tile(64)
        assert tile.shape == (64, 64, 3) and tile.dtype == np.uint8
        assert tile.std() > 10

    def test_a_warp_is_drawn(self, draw):
        panels = draw.draw_warp().axes
        shown = [np.asarray(panel.images[0].get_array()) for panel in panels]
        assert [a.shape for a in shown] == [(8, 8), (32, 32), (32, 32)]
        # The flow points outwards, so the square becomes smaller.
        assert shown[2].sum() < shown[1].sum()

    def test_a_flow_starts_at_zero(self, draw, tmp_path):
        import keras_rsseg
        from tests.hub.tiny_preset import make_task

        model = make_task()
        model.save_to_preset(tmp_path / "plain")
        model = keras_rsseg.HRNet.from_preset(tmp_path / "plain", fusion="ifwm")
        flow, offsets = draw.flow_of(model, draw.sample_tile(64))
        assert flow.shape == offsets.shape and flow.shape[2] == 2
        assert not flow.any() and not offsets.any()

    def test_maps_with_seams_and_without_and_what_is_unsure(self, draw):
        from tests.hub.tiny_preset import make_task

        model = make_task()
        count = model.num_classes
        model.class_names = [f"class {i}" for i in range(count)]
        figure = draw.draw_choices(model, tile_size=512)
        shown = [axes.images[0].get_array() for axes in figure.axes[:3]]
        assert [a.shape[:2] for a in shown] == [(1000, 1000)] * 3
        assert 0 <= shown[2].min() <= shown[2].max() <= 1
