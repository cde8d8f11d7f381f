"""The content of a report, and its files."""

import json

import numpy as np
import pytest

from keras_rsseg.data.reading import read_image
from keras_rsseg.evaluation.evaluate import evaluate
from keras_rsseg.evaluation.evaluation_report import EvaluationReport
from keras_rsseg.metrics.confusion_scores import ConfusionScores
from tests.evaluation.scenes import NAMES
from tests.evaluation.scenes import TINY
from tests.evaluation.scenes import VOID
from tests.evaluation.scenes import knows
from tests.evaluation.scenes import mostly_knows
from tests.evaluation.scenes import scene

PALETTE = [(128, 64, 0), (0, 200, 0), (255, 0, 0), (0, 0, 255)]
FILES = {"report.json", "report.md", "confusion_matrix.png", "worst_tiles.png"}


def report_of(model=mostly_knows, **options):
    record = scene(block=16)
    record["mask"][28:34] = VOID
    return evaluate(
        *(model, [record], TINY),
        class_names=NAMES,
        palette=PALETTE,
        progress=False,
        **options,
    )


@pytest.fixture(scope="module")
def report():
    return report_of(left_out=["water"])


def test_json_holds_every_figure(report):
    found = json.loads(report.to_json())
    assert found["protocol"] == {"name": "tiny", "tile_size": 32, "stride": 20}
    assert found["tiles"] == 12 and found["scenes"] == 1
    assert found["pixels"] == 57 * 75 and found["void_pixels"] == 6 * 75
    assert found["left_out"] == ["water"]
    assert set(found["scores"]) == set(report.matrices)
    for name, figures in found["scores"].items():
        scores = ConfusionScores(figures["confusion_matrix"], [3])
        np.testing.assert_array_equal(scores.matrix, report.matrices[name])
        assert figures["pixels"] == scores.matrix.sum()
        for mean in ("mean_iou", "mean_f1", "mean_precision", "mean_recall"):
            assert figures[mean] == getattr(scores, mean)
        assert figures["pixel_accuracy"] == scores.pixel_accuracy
        for i, class_name in enumerate(NAMES):
            assert figures["classes"][class_name]["iou"] == scores.iou[i]
    assert found["worst_tiles"][0]["scene"] == "a"


def test_json_is_strict_where_nothing_defines_a_score():
    """A class without pixels; all pixels are near boundaries."""
    record = scene()
    record["mask"][..., 0] = np.indices((57, 75)).sum(axis=0) % 2
    record["image"][..., 0] = 64 * record["mask"][..., 0]
    report = evaluate(
        *(knows, [record], TINY),
        class_names=NAMES,
        eroded=3,
        progress=False,
    )

    def refuse(name):
        raise AssertionError(f"{name} is no JSON.")

    found = json.loads(report.to_json(), parse_constant=refuse)
    assert found["scores"]["scene"]["classes"]["water"]["iou"] is None
    assert found["scores"]["scene"]["mean_iou"] == 1
    assert found["scores"]["scene_eroded"]["mean_iou"] is None
    assert "|             - |" in str(report)


def test_the_table_says_what_each_row_measures(report):
    text = str(report)
    assert text == report.to_markdown()
    lines = {
        line.split("|")[1].strip(): line
        for line in text.splitlines()
        if "|" in line
    }
    for name, words in {
        "patch": ("each tile alone", "10,240 |"),
        "scene": ("each pixel counted once", "3,825 |"),
        "patch, eroded": ("3 px on both sides",),
        "scene, eroded": ("3 px on both sides",),
    }.items():
        for word in words:
            assert word in lines[name]
        scores = report.scores[name.replace(", ", "_")]
        assert f" {100 * scores.mean_iou:.2f} |" in lines[name]
    assert "water (left out)" in lines
    assert "tiles of 32 x 32 pixels, every 20 pixels" in text
    assert "4,275 pixels, of which 450 (10.5%) are void" in text


def test_tables_line_up(report):
    for part in str(report).split("\n\n"):
        if part.startswith("|"):
            assert len({len(line) for line in part.splitlines()}) == 1
            assert len({line.count("|") for line in part.splitlines()}) == 1


class TestSave:
    def test_an_older_report_needs_overwrite(self, tmp_path):
        """Earlier worst tiles are removed if there are none."""
        perfect = report_of(knows)
        for name in ("report.md", "worst_tiles.png"):
            (tmp_path / name).write_text("old")
        with pytest.raises(FileExistsError, match="report.md, worst_tiles"):
            perfect.save(tmp_path)
        assert (tmp_path / "report.md").read_text() == "old"
        assert len(list(tmp_path.iterdir())) == 2
        perfect.save(tmp_path, overwrite=True)
        assert {path.name for path in tmp_path.iterdir()} == FILES - {
            "worst_tiles.png"
        }

    def test_files_and_the_colors_of_the_classes(self, tmp_path, report):
        folder = report.save(tmp_path / "report")
        assert {path.name for path in folder.iterdir()} == FILES
        assert (folder / "report.md").read_text() == report.to_markdown()
        assert (folder / "report.json").read_text() == report.to_json()
        pixels = read_image(folder / "worst_tiles.png", bands=[1, 2, 3])
        colors, counts = np.unique(
            pixels.reshape(-1, 3), axis=0, return_counts=True
        )
        counts = dict(zip(map(tuple, colors.tolist()), counts, strict=True))
        (tile, *_) = report.worst_tiles
        shown = np.append(np.unique(tile.truth), np.unique(tile.prediction))
        assert VOID in shown
        for index, color in [*enumerate(PALETTE), (VOID, (0, 0, 0))]:
            # The others are only in the legend.
            assert counts[color] > (2000 if index in shown else 100), color

    def test_single_bands_floats_and_many_classes(self, tmp_path):
        """Names that a data set can have, with special characters of TeX."""
        names = [f"class_{i} $5^{{th}}$" for i in range(12)]
        image = np.linspace(-2, 9, 40 * 40, dtype="float32")
        record = {
            "image": image.reshape(40, 40, 1),
            "mask": (np.arange(1600).reshape(40, 40) // 134).astype("uint8"),
            "name": "$a_b$",
        }

        def model(tiles):
            return np.eye(12)[np.zeros(tiles.shape[:3], int)]

        report = evaluate(
            *(model, [record], TINY), class_names=names, progress=False
        )
        report.save(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == FILES


def test_scores_of_a_report_made_by_hand():
    """Matrices of several machines can be added into one report."""
    report = EvaluationReport(
        *("model", "isaid", 896, 512, None, 1, 1, 100, 10),
        matrices={name: np.eye(2, dtype=int) for name in ("patch", "scene")},
        class_names=["a", "b"],
        palette=[(0, 0, 0), (255, 255, 255)],
    )
    assert report.void_share == 0.1
    assert report.scores["scene"].mean_iou == 1
    assert "eroded" not in str(report)
