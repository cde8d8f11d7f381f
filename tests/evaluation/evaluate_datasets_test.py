"""The data sets `evaluate` accepts, and how it reads masks."""

import numpy as np
import pytest

from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColorWarning
from keras_rsseg.errors import MaskError
from tests.data.files import write_raster
from tests.evaluation.scenes import NAMES
from tests.evaluation.scenes import VOID
from tests.evaluation.scenes import always
from tests.evaluation.scenes import knows
from tests.evaluation.scenes import mostly_knows
from tests.evaluation.scenes import run
from tests.evaluation.scenes import scene


class TestDataSets:
    def check(self, dataset, model=knows, **options):
        report = run(model, dataset, **options)
        assert report.num_scenes == 2
        assert report.scores["scene"].pixel_accuracy == 1
        return report

    @pytest.fixture
    def records(self):
        return [scene(name="a"), scene(40, 33, seed=1, name="b")]

    def test_a_generator_is_read_once(self, records):
        self.check(iter(records))
        self.check({**record} for record in records)

    def test_arrays(self, records):
        images = [record["image"] for record in records]
        masks = [record["mask"][..., 0].astype("int64") for record in records]
        self.check((images, masks))
        self.check((iter(images), iter(masks)))

    def test_names_are_optional_and_may_be_bytes(self, records):
        del records[0]["name"]
        records[1]["name"] = b"north"
        report = run(always(0), records, num_worst_tiles=30)
        assert {tile.scene for tile in report.worst_tiles} == {
            *("scene 0", "north")
        }

    def test_files_and_folders(self, tmp_path, records):
        for name in ("images", "masks"):
            (tmp_path / name).mkdir()
        images, masks = tmp_path / "images", tmp_path / "masks"
        paths = [
            [
                write_raster(images / f"{record['name']}.png", record["image"])
                for record in records
            ],
            [
                write_raster(masks / f"{record['name']}.tif", record["mask"])
                for record in records
            ],
        ]
        self.check(tuple(paths))
        self.check((str(images), masks))
        one = run(always(0), (paths[0][0], paths[1][0]))
        assert one.num_scenes == 1
        assert {tile.scene for tile in one.worst_tiles} == {"a"}

    def test_files_of_one_name_are_told_apart(self, tmp_path, records):
        paths = [], []
        for part in ("north", "south"):
            (tmp_path / part).mkdir()
            record = records[part == "south"]
            for kind, found in zip(("image", "mask"), paths, strict=True):
                path = tmp_path / part / f"{kind}.png"
                found.append(write_raster(path, record[kind]))
        report = self.check(paths)
        assert report.worst_tiles == []
        names = {tile.scene for tile in run(always(0), paths).worst_tiles}
        assert names == {str(path) for path in paths[0]}

    def test_no_data_of_an_image_is_void(self, tmp_path, records):
        image = records[0]["image"].copy()
        image[:10] = 0
        path = write_raster(tmp_path / "a.tif", image, nodata=0)
        report = run(knows, ([path], [records[0]["mask"]]))
        assert report.num_void_pixels == 10 * 75
        assert report.scores["scene"].pixel_accuracy == 1

    def test_other_dtypes_go_to_the_model_as_they_are(self, records):
        seen = set()

        def model(tiles):
            seen.add(str(tiles.dtype))
            return knows(tiles)

        self.check(records, model)
        for record in records:
            record["image"] = record["image"].astype("uint16")
        self.check(records, model)
        for record in records:
            record["image"] = record["image"].astype("float64")
        records[0]["image"][:2] = np.nan
        report = self.check(records, model)
        assert seen == {"uint8", "float32"}
        assert report.num_void_pixels == 2 * 75

    def test_bands(self, records):
        class Model:
            bands = ("red", "green", "blue")
            predict_on_batch = staticmethod(knows)

        for record in records:
            record["image"] = np.insert(record["image"], 0, 7, axis=-1)
        self.check(records, Model(), bands=[2, 3, 4])
        for dataset in (
            records,
            tuple([r[key] for r in records] for key in ("image", "mask")),
        ):
            with pytest.raises(ValueError, match="3 bands .red, .* have 4"):
                run(Model(), dataset)


class TestColoredMasks:
    colors = [(255, 255, 255), (0, 255, 0), (255, 0, 0), (0, 0, 255)]

    @pytest.fixture
    def pair(self, tmp_path):
        record = scene()
        rgb = Palette(self.colors).to_rgb(record["mask"][..., 0])
        rgb[:5] = 9
        image = write_raster(tmp_path / "image.png", record["image"])
        return [image], [write_raster(tmp_path / "mask.png", rgb)]

    class Model:
        num_classes = 4
        palette = [(255, 255, 255), (0, 255, 0), (255, 0, 0), (0, 0, 255)]
        predict_on_batch = staticmethod(knows)

    def test_the_models_palette_reads_them(self, pair):
        with pytest.warns(UnlistedColorWarning, match="375 pixels") as caught:
            report = run(self.Model(), pair)
        assert len(caught) == 1
        assert report.num_void_pixels == 375
        assert report.scores["scene"].pixel_accuracy == 1
        assert report.palette == self.colors

    def test_masks_of_ids_need_no_palette_and_are_not_read_by_one(self):
        record = scene()
        model = self.Model()
        masks = [record["mask"]]
        for dataset in ([record], ([record["image"]], masks)):
            for palette in (None, self.colors):
                report = run(model, dataset, palette=palette)
                assert report.scores["scene"].pixel_accuracy == 1

    def indexed(self, tmp_path, colors, record, name="mask"):
        """A mask with a colour map; ids are positions in it."""
        mask = record["mask"]
        order = [colors.index(color) for color in self.colors]
        mask = np.where(mask == VOID, len(order), mask)
        ids = np.array([*order, len(order)], "uint8")[mask]
        color_map = dict(enumerate([*colors, (9, 9, 9)]))
        return write_raster(tmp_path / f"{name}.png", ids, color_map)

    def test_a_map_with_classes_under_other_ids_holds_colours(self, tmp_path):
        """As written by tools, with another order in every file."""
        record = scene()
        record["mask"][:5] = VOID
        mask = self.indexed(tmp_path, self.colors[::-1], record)
        with pytest.warns(UnlistedColorWarning, match="375 pixels"):
            report = run(self.Model(), ([record["image"]], [mask]))
        assert report.num_void_pixels == 375
        assert report.scores["scene"].mean_iou == 1

    def test_a_map_that_fits_or_is_for_show_holds_ids(self, tmp_path):
        record = scene()
        for colors in (self.colors, [(i, 1, 2) for i in range(4)]):
            model = self.Model()
            mask = self.indexed(tmp_path, self.colors, record)
            model.palette = colors
            report = run(model, ([record["image"]], [mask]))
            assert report.scores["scene"].mean_iou == 1

    def test_a_map_that_could_be_either_is_an_error(self, tmp_path):
        record = scene()
        mask = self.indexed(tmp_path, self.colors, record)
        pair = [record["image"]], [mask]
        model = self.Model()
        model.palette = [*self.colors[:2], (1, 2, 3), (1, 2, 4)]
        with pytest.raises(MaskError, match="mask.png.* colours, or 'ids'"):
            run(model, pair)
        for palette in (self.colors, "ids"):
            report = run(model, pair, palette=palette)
            assert report.scores["scene"].mean_iou == 1

    def test_a_coloured_mask_settles_it_for_the_others(self, tmp_path):
        record = scene()
        model = self.Model()
        rgb = Palette(self.colors).to_rgb(record["mask"][..., 0])
        colored = write_raster(tmp_path / "rgb.png", rgb)
        mask = self.indexed(tmp_path, self.colors[::-1], record)
        report = run(model, ([record["image"]] * 2, [mask, colored]))
        assert report.scores["scene"].mean_iou == 1
        ids = write_raster(tmp_path / "ids.png", record["mask"])
        with pytest.raises(MaskError, match="rgb.png with colours.*ids.png"):
            run(model, ([record["image"]] * 2, [ids, colored]))

    def test_coloured_records(self):
        record = scene()
        palette = Palette(self.colors)
        record["mask"] = palette.to_rgb(record["mask"][..., 0])
        for model, given in ((self.Model(), None), (knows, palette)):
            report = run(model, [record], palette=given)
            assert report.scores["scene"].pixel_accuracy == 1

    def test_a_palette_given_comes_first(self, pair):
        palette = Palette(self.colors, void_colors=[(9, 9, 9)])
        model = self.Model()
        model.palette = [(1, 1, i) for i in range(4)]
        report = run(model, pair, palette=palette)
        assert report.num_void_pixels == 375
        assert report.palette == self.colors

    def test_names_of_the_palette_serve_where_the_model_has_none(self, pair):
        palette = Palette(self.colors, NAMES, [(9, 9, 9)])
        report = run(knows, pair, class_names=None, palette=palette)
        assert report.class_names == NAMES

    @pytest.mark.filterwarnings(
        "ignore::keras_rsseg.data.palette.UnlistedColorWarning"
    )
    def test_a_palette_of_something_else_is_an_error(self, pair):
        palette = [(1, 1, i) for i in range(4)]
        with pytest.raises(MaskError, match="without a labelled pixel.*image"):
            run(knows, pair, palette=palette)


def test_tensorflow_datasets_as_tfds_gives():
    tf = pytest.importorskip("tensorflow")
    records = [scene(name="a"), scene(40, 33, seed=1, name="b")]
    spec = {
        "image": tf.TensorSpec((None, None, 3), "uint8"),
        "mask": tf.TensorSpec((None, None, 1), "uint8"),
        "name": tf.TensorSpec((), "string"),
    }
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(records), output_signature=spec
    )
    report = run(mostly_knows, dataset)
    assert report.to_json() == run(mostly_knows, records).to_json()
    with pytest.raises(ValueError, match="repeats forever"):
        run(knows, dataset.repeat())
    with pytest.raises(TypeError, match="records.*tuple"):
        run(knows, dataset.map(lambda x: (x["image"], x["mask"])))
