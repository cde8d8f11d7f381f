"""A script draws pictures of maps, with legend and scale."""

import keras
import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

import keras_rsseg
from examples import draw_maps
from keras_rsseg.class_legends import DUBAI
from keras_rsseg.datasets.dubai import FACTS
from tests.scenes.scene_files import write_scene

pytest.importorskip("matplotlib")


class Bands:
    """A model that maps the brightest band to a class.

    Args:
        display_palette: colours for maps, or `None`.
        class_names: of its three classes.
    """

    palette = [(9, 9, 9), (0, 0, 250), (250, 0, 0)]
    ground_sample_distance = 0.5

    def __init__(self, display_palette=None, class_names=("a", "b", "c")):
        self.display_palette = display_palette
        self.class_names = list(class_names)

    def __call__(self, tiles):
        return np.asarray(tiles, "float32")


def stripes(path, height, width, **profile):
    """Write a scene whose thirds are red, green and blue."""
    pixels = np.full((3, height, width), 20, "uint8")
    for band in range(3):
        third = slice(band * width // 3, (band + 1) * width // 3)
        pixels[band, :, third] = 220
    write_scene(path, pixels, **profile)
    return path


@pytest.fixture
def root(tmp_path):
    stripes(tmp_path / "wide.tif", 30, 60)
    # A picture without a place.
    stripes(
        tmp_path / "tall.png",
        *(60, 30),
        driver="PNG",
        crs=None,
        transform=None,
        photometric=None,
    )
    return tmp_path


def size_of(path):
    """Return width and height of a picture."""
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(path) as file:
        return file.width, file.height


SCENES = (
    draw_maps.Scene("wide, 50 cm", "wide.tif"),
    draw_maps.Scene("tall", "tall.png", 0.5, {"tile_size": 32}),
)


def test_a_sheet_has_a_row_a_scene_and_a_column_a_preset(root):
    models = {
        "before": Bands(),
        "after": Bands([(1, 2, 3), (4, 5, 6), (7, 8, 9)]),
    }
    figure = draw_maps.draw_sheet(models, SCENES, root)
    panels = figure.axes
    assert len(panels) == 6
    titles = [panel.get_title() for panel in panels[:3]]
    assert titles == ["scene", "before", "after"]
    assert panels[0].get_ylabel() == "wide, 50 cm"
    assert panels[3].get_ylabel() == "tall"
    pictures = [panel.images[0].get_array() for panel in panels]
    assert pictures[0].shape == (30, 60, 4) and pictures[3].shape == (60, 30, 4)
    # The left third is the first class, in each preset's own colours.
    for row in (0, 3):
        assert tuple(pictures[row][5, 2, :3]) == (220, 20, 20)
        assert tuple(pictures[row + 1][5, 2, :3]) == (9, 9, 9)
        assert tuple(pictures[row + 2][5, 2, :3]) == (1, 2, 3)
    # A quarter of 30 m and of 15 m at most, in round numbers.
    assert panels[0].texts[0].get_text() == "5 m"
    assert panels[3].texts[0].get_text() == "2 m"
    for panel, size in ((panels[0], (30, 15)), (panels[3], (15, 30))):
        extent = panel.images[0].get_extent()
        assert extent[1:3] == pytest.approx(size, rel=1e-2)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]
    figure.savefig(root / "sheet.png")
    assert size_of(root / "sheet.png")[0] > 800


def test_the_truth_stands_beside_the_scene(root):
    """In the colours of maps, whatever those of its mask."""
    colors = np.array(FACTS.palette, "uint8")
    mask = np.repeat(colors[[0, 4, 3]], 20, 0)[None].repeat(30, 0)
    mask[:5] = 155  # unlabelled
    keras.utils.save_img(root / "mask.png", mask, scale=False)
    scene = draw_maps.Scene("wide", "wide.tif", truth="mask.png")
    figure = draw_maps.draw_sheet({"x": Bands()}, (scene,), root)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["scene", "truth", "x"]
    truth = figure.axes[1].images[0].get_array()
    for column, index in ((2, 0), (30, 4), (55, 3)):
        expected = tuple(DUBAI["display_palette"][index])
        assert tuple(truth[20, column, :3]) == expected
    assert truth[2, 2, 3] == 0  # void is transparent


def test_a_legend_has_what_occurs_in_the_order_of_the_classes(root):
    """With no data, which is grey on the maps."""
    pixels = np.full((3, 30, 60), 20, "uint8")
    pixels[2] = 220
    write_scene(root / "blue.tif", pixels)
    blue = draw_maps.Scene("blue", "blue.tif")
    pixels[0, :, :20], pixels[2, :, :20] = 220, 20
    pixels[:, :, 50:] = 0
    write_scene(root / "corner.tif", pixels)
    corner = draw_maps.Scene("corner", "corner.tif", options={"nodata": 0})
    figure = draw_maps.draw_sheet({"x": Bands()}, (blue, corner), root)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["a", "c", "no data"]


def test_classes_of_dubai_have_the_colours_of_maps_now():
    old = Bands(class_names=DUBAI["class_names"])
    assert draw_maps.map_colors(old) == DUBAI["display_palette"]
    # Other classes, and those that have colours, use their own.
    assert draw_maps.map_colors(Bands()) == Bands.palette
    own = [(1, 1, 1)] * 5
    new = Bands(own, DUBAI["class_names"])
    assert draw_maps.map_colors(new) == own


def test_picture(root, monkeypatch):
    monkeypatch.setattr(keras_rsseg, "from_preset", lambda preset: Bands())
    path = root / "picture.jpg"
    words = ["picture", str(root / "wide.tif"), "--output", str(path)]
    draw_maps.main([*words, "--gsd", "0.5"])
    width, height = size_of(path)
    assert width > 1.5 * height > 400


def test_a_preset_may_stand_twice(root, monkeypatch):
    monkeypatch.setattr(keras_rsseg, "from_preset", lambda preset: Bands())
    monkeypatch.setattr(draw_maps, "SCENES", SCENES[:1])
    found = []
    monkeypatch.setattr(
        draw_maps, "save", lambda figure, output: found.append(figure)
    )
    words = ["sheet", str(root), "--presets", "x/net/", "y/net"]
    draw_maps.main([*words, "--output", "sheet.png"])
    titles = [panel.get_title() for panel in found[0].axes]
    assert titles == ["scene", "net", "net (2)"]
