"""Wrong input is refused before the model sees a tile."""

import numpy as np
import pytest

from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.errors import DatasetError
from keras_rsseg.errors import KerasRssegError
from keras_rsseg.errors import MaskError
from keras_rsseg.evaluation import evaluation_report
from keras_rsseg.evaluation.evaluate import evaluate
from tests.evaluation.scenes import NAMES
from tests.evaluation.scenes import TINY
from tests.evaluation.scenes import VOID
from tests.evaluation.scenes import knows
from tests.evaluation.scenes import scene


def unused(tiles):
    raise AssertionError("The model was called.")


def refuse(
    message, dataset=None, error=KerasRssegError, model=unused, **options
):
    options = {
        "protocol": TINY,
        "class_names": NAMES,
        "progress": False,
        **options,
    }
    with pytest.raises(error, match=message):
        evaluate(model, [scene()] if dataset is None else dataset, **options)


def test_arguments():
    refuse("must be one of", protocol="isprs")
    refuse("`stride`", protocol=TilingProtocol("gaps", 10, 11))
    refuse("`tile", protocol=TilingProtocol("none", 0, 0))
    refuse("`batch_size`", batch_size=0)
    refuse("`batch_size`", batch_size=1.5)
    refuse("`num_worst_tiles`", num_worst_tiles=-1)
    refuse("`num_worst_tiles`", num_worst_tiles=True)
    refuse("`eroded`", eroded=0)
    refuse("`eroded`", eroded=float("nan"))
    refuse("`eroded`", eroded="3")
    refuse("`left_out`", left_out=[4])
    refuse("`left_out`", left_out=[0, 1, 2, 3])
    refuse("`model`", model=3, error=TypeError)
    refuse("number of classes is not known", class_names=None)
    refuse("agree on the number", palette=[(0, 0, 0)])
    refuse("`palette` must be colours, 'ids'", palette="isaid")


def test_data_sets():
    record = scene()
    refuse("'image' and the 'mask'", record, TypeError)
    refuse("'image' and the 'mask'", "images", TypeError)
    refuse("'image' and the 'mask'", 3, TypeError)
    refuse("dict with .'image'.", [{"image": record["image"]}], TypeError)
    refuse("must hold a scene", [])
    refuse("at least one image", ([], []))
    refuse("must have masks", ([record["image"]], None))
    refuse("1 image, 2 masks", ([record["image"]], [record["mask"]] * 2))


@pytest.mark.parametrize("once", [False, True])
class TestRecords:
    """The second of two is wrong; iterators are checked while reading."""

    def refuse(self, once, message, change, error=KerasRssegError):
        records = [scene(20, 20, name="good"), scene(20, 20, name="bad")]
        change(records[1])
        if once:
            refuse(*(message, iter(records), error), model=knows, batch_size=1)
        else:
            refuse(message, records, error)

    def test_sizes(self, once):
        def change(record):
            record["mask"] = record["mask"][:-1]

        self.refuse(once, "bad: .*same size", change)

    def test_ids(self, once):
        def change(record):
            record["mask"][3, 3] = 4

        self.refuse(once, r"bad: .*out of range: \[4\]", change)

    def test_ids_that_a_byte_cannot_hold(self, once):
        def change(record):
            record["mask"] = record["mask"].astype("int32") - 1

        self.refuse(once, r"bad: .*outside 0..255: \[-1\]", change)

    def test_void_alone(self, once):
        def change(record):
            record["mask"][:] = VOID

        self.refuse(once, "without a labelled pixel.*: bad", change, MaskError)

    def test_a_scene_twice(self, once):
        def change(record):
            record["name"] = "good"

        self.refuse(once, "good 2 times", change, DatasetError)

    def test_bands_that_differ(self, once):
        def change(record):
            record["image"] = record["image"].astype("float32")

        self.refuse(once, "one dtype.*float32 in bad", change, DatasetError)


def test_files_are_all_checked_first(tmp_path):
    record = scene(20, 20)
    void = np.full((20, 20), VOID, "uint8")
    refuse(
        r"without a labelled pixel.*: images\[1\], images\[2\]",
        ([record["image"]] * 3, [record["mask"], void, void]),
    )
    refuse(
        "`images`: there is no",
        ([tmp_path / "a.png"], [tmp_path / "b.png"]),
        OSError,
    )
    wrong = record["mask"] + np.uint8(1)
    refuse(
        r"masks\[1\] holds class ids out of range: \[4\]",
        ([record["image"]] * 2, [record["mask"], wrong]),
    )


def test_what_the_model_returns():
    def classes(tiles):
        return np.zeros((*tiles.shape[:3], 5))

    def small(tiles):
        return np.zeros((len(tiles), 2, 2, 4))

    def nan(tiles):
        return np.full((*tiles.shape[:3], 4), np.nan)

    refuse("5 classes, but .* 4", model=classes)
    refuse("of the tiles' size", model=small)
    refuse("not finite.*of harbour", [scene(name="harbour")], model=nan)


class TestOutput:
    def test_a_folder_that_cannot_be_written_is_found_first(self, tmp_path):
        file = tmp_path / "file"
        file.touch()
        old = tmp_path / "old"
        old.mkdir()
        (old / "report.json").write_text("precious")
        refuse("no folder", output=tmp_path / "a" / "b", error=OSError)
        refuse("is a file", output=file, error=OSError)
        refuse("overwrite", output=old, error=FileExistsError)
        assert (old / "report.json").read_text() == "precious"

    def test_without_matplotlib(self, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        refuse(
            "pip install matplotlib",
            output=tmp_path / "report",
            error=ImportError,
        )
        assert not (tmp_path / "report").exists()

    def test_figures_outlive_a_full_disk(self, tmp_path, monkeypatch):
        def full(*arguments):
            raise OSError("No space left on device")

        monkeypatch.setattr(evaluation_report, "write_durably", full)
        with pytest.raises(OSError, match="No space") as caught:
            evaluate(
                *(knows, [scene()], TINY),
                class_names=NAMES,
                output=tmp_path / "report",
                progress=False,
            )
        (note,) = caught.value.__notes__
        assert "IoU by class" in note
