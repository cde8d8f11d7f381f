"""Scores of models whose scores are known."""

import json

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.evaluation.masks import erode_boundaries
from keras_rsseg.metrics.boundary_f1 import BoundaryF1
from keras_rsseg.scenes.predict_scene import predict_scene
from tests.data.files import write_raster
from tests.evaluation.scenes import NAMES
from tests.evaluation.scenes import TINY
from tests.evaluation.scenes import VOID
from tests.evaluation.scenes import always
from tests.evaluation.scenes import confusion
from tests.evaluation.scenes import knows
from tests.evaluation.scenes import mostly_knows
from tests.evaluation.scenes import run
from tests.evaluation.scenes import scene
from tests.evaluation.scenes import times_seen
from tests.scenes.scene_files import read_map


class TestCounts:
    @pytest.mark.parametrize(
        "size", [(1, 1), (9, 70), (32, 32), (33, 31), (57, 75), (20, 20)]
    )
    def test_patches_count_overlaps_scenes_count_pixels_once(self, size):
        record = scene(*size)
        truth = record["mask"][..., 0]
        seen = times_seen(*size, TINY.tile_size, TINY.stride)
        report = run(always(2), [record])
        for name, weights in (("patch", seen), ("scene", np.ones(size))):
            expected = np.zeros((4, 4))
            expected[:, 2] = np.bincount(
                truth.ravel(), weights.ravel(), minlength=4
            )
            np.testing.assert_array_equal(report.matrices[name], expected)
        assert report.num_pixels == size[0] * size[1]
        assert report.num_void_pixels == 0

    def test_a_perfect_model_is_perfect_on_every_row(self):
        report = run(knows, [scene(seed=i, name=str(i)) for i in range(3)])
        assert list(report.scores) == [
            *("patch", "patch_eroded", "scene", "scene_eroded")
        ]
        for scores in report.scores.values():
            assert scores.mean_iou == scores.pixel_accuracy == 1
        assert report.num_scenes == 3
        assert report.num_tiles == 3 * 3 * 4
        assert report.worst_tiles == []

    def test_void_is_not_scored_and_void_tiles_are_not_predicted(self):
        record = scene(32, 96)
        record["mask"][:, :40] = VOID
        calls = []

        def model(tiles):
            calls.append(len(tiles))
            return knows(tiles)

        protocol = TilingProtocol("abutting", 32, 32)
        report = run(model, [record], protocol, batch_size=1)
        assert sum(calls) == 2
        assert report.num_tiles == 3
        assert report.void_share == 40 / 96
        for name in ("patch", "scene"):
            assert report.matrices[name].sum() == 32 * 56

    def test_eroded_scores_are_those_on_the_eroded_truth(self):
        """Eroded before tiles are cut: a boundary outside a tile counts."""
        record = scene(block=16)
        record["mask"][20:30] = VOID
        report = run(mostly_knows, [record], eroded=2)
        mask = erode_boundaries(record["mask"][..., 0], 2)
        plain = run(mostly_knows, [{**record, "mask": mask}], eroded=None)
        assert list(plain.matrices) == ["patch", "scene"]
        for name in ("patch", "scene"):
            np.testing.assert_array_equal(
                report.matrices[f"{name}_eroded"], plain.matrices[name]
            )
            assert plain.matrices[name].sum() < report.matrices[name].sum()

    def test_several_scenes_add_up(self):
        records = [scene(40 + 9 * i, 60, i, str(i)) for i in range(3)]
        together = run(mostly_knows, records, batch_size=5)
        alone = [run(mostly_knows, [record]) for record in records]
        for name, matrix in together.matrices.items():
            parts = [report.matrices[name] for report in alone]
            np.testing.assert_array_equal(matrix, np.sum(parts, axis=0))

    @hypothesis.given(
        height=st.integers(1, 60),
        width=st.integers(1, 60),
        tile=st.integers(1, 40),
        share=st.floats(0.2, 1),
        batch_size=st.integers(1, 9),
    )
    @hypothesis.settings(max_examples=15)
    def test_any_tiling(self, height, width, tile, share, batch_size):
        """Patch counts repeat as the windows do, and nothing else."""
        stride = max(1, int(share * tile))
        report = run(
            knows,
            [scene(height, width)],
            TilingProtocol("any", tile, stride),
            batch_size=batch_size,
        )
        seen = times_seen(height, width, tile, stride)
        assert report.matrices["patch"].sum() == seen.sum()
        assert report.matrices["scene"].sum() == height * width
        for matrix in report.matrices.values():
            assert (matrix == np.diag(np.diag(matrix))).all()

    def test_batch_size_changes_nothing(self):
        records = [scene(seed=i, name=str(i)) for i in range(2)]
        reports = [
            run(mostly_knows, records, batch_size=size) for size in (1, 3, 50)
        ]
        assert reports[0].scores["patch"].mean_iou < 0.9
        for report in reports[1:]:
            assert report.to_json() == reports[0].to_json()


def test_the_patch_score_is_that_of_each_tile_alone():
    record = scene()
    expected = np.zeros((4, 4), "int64")
    for row in (0, 20, 25):
        for col in (0, 20, 40, 43):
            part = slice(row, row + 32), slice(col, col + 32)
            logits = mostly_knows(record["image"][part][None])[0]
            truth = record["mask"][..., 0][part]
            expected += confusion(truth, logits.argmax(axis=-1))
    report = run(mostly_knows, [record])
    np.testing.assert_array_equal(report.matrices["patch"], expected)


@pytest.mark.parametrize("size", [(57, 75), (20, 45)])
def test_the_scene_score_is_that_of_the_map_of_predict_scene(tmp_path, size):
    record = scene(*size)
    path = write_raster(tmp_path / "scene.tif", record["image"])
    predict_scene(
        *(mostly_knows, path, tmp_path / "map.tif"),
        tile_size=32,
        overlap=12,
        progress=False,
        ground_sample_distance=None,
    )
    classes, _ = read_map(tmp_path / "map.tif")
    expected = confusion(record["mask"][..., 0], classes)
    report = run(mostly_knows, [record])
    np.testing.assert_array_equal(report.matrices["scene"], expected)
    assert (report.matrices["patch"] != expected).any()


def test_boundary_f1_is_that_of_each_tile_alone():
    records = [scene(40, 45, block=16), scene(20, 70, seed=1, name="b")]
    report = run(mostly_knows, records, boundary_f1=True, left_out=[1])
    metric = BoundaryF1(len(NAMES), left_out=[1])
    for record in records:
        height, width = record["mask"].shape[:2]
        image = np.pad(
            record["image"],
            ((0, max(32 - height, 0)), (0, 0), (0, 0)),
            mode="reflect",
        )
        for window in tile_windows(height, width, 32, 20):
            logits = mostly_knows(image[window.slices][None])
            truth = record["mask"][window.slices][None]
            metric.update_state(truth, logits[:, : truth.shape[1]])
    expected = [float(score) for score in metric.result().values()]
    assert list(report.boundary_f1) == [3, 5, 9, 12]
    np.testing.assert_allclose(
        list(report.boundary_f1.values()), expected, rtol=1e-6
    )
    assert 0.1 < expected[0] < 0.95
    assert f"|      3 px | {100 * expected[0]:16.2f} |" in str(report)
    assert json.loads(report.to_json())["boundary_f1"]["3"] == pytest.approx(
        expected[0]
    )
    assert run(knows, records).boundary_f1 is None


class TestLeftOut:
    def test_only_means_change(self):
        records = [scene()]
        full = run(mostly_knows, records).scores["scene"]
        for left_out in (["water"], [3], "water"):
            report = run(mostly_knows, records, left_out=left_out)
            scores = report.scores["scene"]
            np.testing.assert_array_equal(scores.matrix, full.matrix)
            assert scores.mean_iou == pytest.approx(full.iou[:3].mean())
            assert "left out of the means: water" in str(report)

    def test_unknown_names(self):
        with pytest.raises(ValueError, match="clutter.*road, grass"):
            run(knows, [scene()], left_out=["clutter"])


def test_other_class_names_than_the_models_are_reported(caplog):
    def model(tiles):
        return knows(tiles)

    model.class_names = ["a", "b", "c", "d"]
    report = run(model, [scene()])
    assert "road, grass, roof, water" in caplog.text
    assert report.class_names == NAMES
    caplog.clear()
    run(model, [scene()], class_names=None)
    assert caplog.text == ""
