"""Whole scenes stitched from their parts, mapped and scored."""

import numpy as np
import pytest

import keras_rsseg
from examples import score_scenes
from keras_rsseg.data import TilingProtocol
from keras_rsseg.data import read_image
from keras_rsseg.data import read_mask
from keras_rsseg.rasters.opener import open_raster
from tests.data.files import write_raster
from tests.datasets import make_dubai
from tests.shared import shared_path


def brightness_model(tiles):
    """Five classes by the mean of a pixel and its neighbours."""
    means = np.asarray(tiles, "float32").mean(axis=-1)
    means = (means + np.roll(means, 1, axis=1) + np.roll(means, 1, axis=2)) / 3
    centers = np.array([30, 80, 130, 180, 230], "float32")
    return -((means[..., None] - centers) ** 2) / 500


def part_paths(folder, kind, suffix):
    return [
        folder / kind / f"image_part_{part:03d}.{suffix}"
        for part in range(1, 10)
    ]


def joined(arrays):
    rows = [arrays[start : start + 3] for start in (0, 3, 6)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


class TestStitch:
    def test_real_parts_abut_row_by_row(self, tmp_path):
        """Across a border pixels differ as they do beside it."""
        folder = shared_path("data", "dubai", "tile_7")
        path = tmp_path / "scene.vrt"
        images = part_paths(folder, "images", "jpg")
        places = score_scenes.stitch(images, path)
        assert places[0] == (0, 0, 2061, 1817)
        assert places[5] == (2061, 1817 + 1816, 2062, 1817)
        with open_raster(path) as dataset:
            assert dataset.shape == (2061 + 2062 + 2061, 1817 + 1816 + 1817)
            for row, col, height, width in places:
                if col:
                    check_border(dataset, row, col - 2, height, 4)
                if row:
                    check_border(dataset, row - 2, col, 4, width)
            row, col, height, width = places[5]
            window = (row, row + height), (col, col + width)
            np.testing.assert_array_equal(
                np.moveaxis(dataset.read(window=window), 0, -1),
                read_image(images[5]),
            )

    def test_parts_that_do_not_fit(self, tmp_path):
        paths = []
        for number in range(9):
            path = tmp_path / f"{number}.png"
            size = (11, 14) if number != 4 else (11, 13)
            write_raster(path, np.zeros((*size, 3), "uint8"))
            paths.append(path)
        with pytest.raises(ValueError, match=r"rows of 3.*\(11, 13\)"):
            score_scenes.stitch(paths, tmp_path / "scene.vrt")


def check_border(dataset, row, col, height, width):
    """The middle of four rows or columns is a border like any other."""
    window = (row, row + height), (col, col + width)
    pixels = dataset.read(window=window).astype(int)
    axis = 1 if height == 4 else 2
    steps = np.abs(np.diff(pixels, axis=axis)).mean(axis=(0, 3 - axis))
    assert steps[1] < 1.6 * max(steps[0], steps[2])


def test_scored_as_by_evaluate(tmp_path):
    """Another way to the same scores: tiles blended in memory."""
    make_dubai.make(tmp_path)
    folder, output = tmp_path / "tile_2", tmp_path / "maps"
    output.mkdir()
    counts = score_scenes.map_scene(
        brightness_model,
        folder,
        output,
        tile_size=16,
        overlap=6,
        progress=False,
    )
    image = joined(
        [read_image(path) for path in part_paths(folder, "images", "jpg")]
    )
    truth = joined(
        [
            read_mask(path, palette=score_scenes.PALETTE)
            for path in part_paths(folder, "masks", "png")
        ]
    )
    report = keras_rsseg.evaluate(
        brightness_model,
        ([image], [truth]),
        protocol=TilingProtocol("small", 16, 10),
        class_names=score_scenes.FACTS.class_names,
        progress=False,
    )
    np.testing.assert_array_equal(counts.sum(axis=0), report.matrices["scene"])
    assert counts.sum() == (truth != 255).sum() > 0
    lines = score_scenes.table({"tile_2": counts})
    assert len(lines) == 2 + 4
    score = report.scores["scene"].mean_iou
    whole = keras_rsseg.metrics.ConfusionScores(counts.sum(axis=0))
    assert whole.mean_iou == pytest.approx(score)


@pytest.mark.slow
def test_a_real_scene_by_the_embedded_preset(tmp_path, capsys):
    """Measured: 0.49 and 0.59; with parts column by column 0.21."""
    data = shared_path("data", "dubai", "tile_3").parent
    score_scenes.main([str(data), "--output", str(tmp_path), "--scenes", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| scene | parts | mean IoU | building")
    figures = {line.split(" | ")[1]: line.split(" | ")[2] for line in lines}
    assert float(figures["training"]) > 0.4
    assert float(figures["validation"]) > 0.5
    with open_raster(tmp_path / "tile_3.tif") as dataset:
        assert dataset.shape == (3 * 658, 3 * 682)
        assert set(np.unique(dataset.read(1))) <= set(range(5))
