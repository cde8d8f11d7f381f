"""`keras-rsseg evaluate`: scores on the screen and in a folder."""

import functools
import importlib
import inspect
import json
import types

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.protocols import PROTOCOLS
from keras_rsseg.evaluation.evaluate import evaluate
from tests.cli.commands import check_error
from tests.cli.commands import run
from tests.data.files import write_raster
from tests.evaluation.scenes import NAMES
from tests.evaluation.scenes import knows
from tests.evaluation.scenes import mostly_knows
from tests.evaluation.scenes import scene

TILING = ("--tile-size", 32, "--stride", 20)


class Model:
    """A task that reads its classes from the first band."""

    bands = ("red", "green", "blue")
    num_classes = 4
    class_names = NAMES
    palette = [(128, 64, 0), (0, 200, 0), (255, 0, 0), (0, 0, 255)]
    preset = "small"

    def predict_on_batch(self, tiles):
        return mostly_knows(tiles)


@pytest.fixture
def loaded(monkeypatch):
    """The loaded presets."""
    names = []

    def from_preset(name):
        names.append(name)
        return Model()

    for name, value in {
        "DEFAULT_PRESET": "small",
        "from_preset": from_preset,
        "evaluate": evaluate,
    }.items():
        monkeypatch.setattr(keras_rsseg, name, value, raising=False)
    return names


@pytest.fixture
def folders(tmp_path, loaded):
    """Two scenes; the second has a colour that no class has."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    for index in range(2):
        record = scene(40, 50, seed=index)
        colors = Palette(Model.palette).to_rgb(record["mask"][..., 0])
        colors[: 5 * index] = 9
        for folder, pixels in ((images, record["image"]), (masks, colors)):
            folder.mkdir(exist_ok=True)
            write_raster(folder / f"{index}.png", pixels)
    return images, masks


def scores(output):
    return json.loads((output / "report.json").read_text())


def test_the_report_is_printed_and_written(tmp_path, folders, loaded):
    output = tmp_path / "report"
    result = run(
        *("evaluate", *folders, *TILING, "--output", output),
        *("--leave-out", "water", "--leave-out", "road", "--eroded", 1),
        *("--batch-size", 3, "--bands", "1, 2,3", "--preset", "large"),
    )
    assert result.exit_code == 0, result.output
    assert loaded == ["large"]
    found = scores(output)
    assert found["protocol"] == {
        **{"name": "custom", "tile_size": 32, "stride": 20}
    }
    assert found["left_out"] == ["road", "water"]
    assert found["eroded"] == 1
    assert found["void_pixels"] == 5 * 50
    assert result.stdout.startswith("# Evaluation of small")
    assert (output / "report.md").read_text() in result.stdout
    assert result.stdout.endswith(f"Wrote {output}\n")
    assert "Warning: 1 colours" in result.stderr
    assert "evaluate.py" not in result.stderr


def test_what_is_scored_is_what_python_scores(folders):
    records = [scene(40, 50, seed=index, name=str(index)) for index in range(2)]
    records[1]["mask"][:5] = 255
    result = run("evaluate", *folders, "--protocol", "ifwm", "--boundary-f1")
    assert result.exit_code == 0, result.output
    report = evaluate(
        *(Model(), records, "ifwm"), boundary_f1=True, progress=False
    )
    assert result.stdout == report.to_markdown()


def test_no_erosion_and_quiet(tmp_path, folders, loaded):
    output = tmp_path / "report"
    result = run(
        *("evaluate", *folders, *TILING, "--output", output),
        *("--eroded", 0, "--quiet"),
    )
    assert result.exit_code == 0
    assert loaded == ["small"]
    assert result.output == ""
    assert list(scores(output)["scores"]) == ["patch", "scene"]


@pytest.mark.parametrize("dump", ["list", "dict"])
def test_a_palette_from_a_file(tmp_path, folders, dump):
    colors = Model.palette
    if dump == "dict":
        colors = {"colors": colors, "void_colors": [[9, 9, 9]]}
    path = tmp_path / "palette.json"
    path.write_text(json.dumps(colors))
    output = tmp_path / "report"
    result = run(
        *("evaluate", *folders, *TILING, "--output", output),
        *("--palette", path),
    )
    assert result.exit_code == 0, result.output
    assert scores(output)["void_pixels"] == 5 * 50
    assert ("Warning" in result.stderr) == (dump == "list")


def test_masks_of_ids_with_a_color_map_for_show(tmp_path, folders):
    record = scene(40, 50)
    show = dict(enumerate([Model.palette[0], *[(i, i, i) for i in range(3)]]))
    mask = write_raster(tmp_path / "mask.png", record["mask"], show)
    arguments = ("evaluate", folders[0] / "0.png", mask, *TILING)
    check_error(run(*arguments), "--palette")
    result = run(
        *(*arguments, "--palette", "ids", "--output", tmp_path / "report")
    )
    assert result.exit_code == 0, result.output
    assert scores(tmp_path / "report")["void_pixels"] == 0


def test_a_palette_by_the_name_of_a_data_set(tmp_path, folders, monkeypatch):
    pytest.importorskip("keras_rsseg.datasets")
    colors = keras_rsseg.datasets.facts("isaid").palette
    record = scene(40, 50)
    mask = np.array(colors, "uint8")[record["mask"][..., 0]]
    write_raster(folders[1] / "0.png", mask)
    monkeypatch.setattr(Model, "num_classes", 16)
    monkeypatch.setattr(Model, "class_names", None)
    monkeypatch.setattr(
        *(Model, "predict_on_batch"),
        lambda self, tiles: np.pad(knows(tiles), [(0, 0)] * 3 + [(0, 12)]),
    )
    result = run(
        *("evaluate", folders[0] / "0.png", folders[1] / "0.png", *TILING),
        *("--palette", "isaid", "--output", tmp_path / "report"),
    )
    assert result.exit_code == 0, result.output
    assert scores(tmp_path / "report")["scores"]["scene"]["mean_iou"] == 1


class Builder:
    """A builder of TFDS that records requests."""

    def __init__(self, asked, name, data_dir):
        self.asked = asked
        asked.append((name, data_dir))

    def download_and_prepare(self):
        self.asked.append("prepared")

    def as_dataset(self, split):
        self.asked.append(split)
        return [scene(40, 50)]


def test_a_data_set_of_tfds(tmp_path, folders, monkeypatch):
    """Its records go to `evaluate`, its class names are compared."""
    tfds = pytest.importorskip("tensorflow_datasets")
    asked = []
    monkeypatch.setattr(tfds, "builder", functools.partial(Builder, asked))
    facts = types.SimpleNamespace(
        name="vaihingen", class_names=("a", "b", "c", "d")
    )
    monkeypatch.setattr("keras_rsseg.datasets.facts", lambda name: facts)
    output = tmp_path / "report"
    result = run(
        *("evaluate", "--dataset", "vaihingen/ifwm", "--split", "test[:1]"),
        *("--data-dir", "data", *TILING, "--output", output),
    )
    assert result.exit_code == 0, result.output
    assert asked == [("vaihingen/ifwm", "data"), "prepared", "test[:1]"]
    assert scores(output)["class_names"] == ["a", "b", "c", "d"]


class TestDatasetErrors:
    """Errors of TFDS are the user's, unexpected ones of our builders bugs."""

    @pytest.fixture
    def data(self, tmp_path, loaded):
        pytest.importorskip("tensorflow_datasets")
        from tests.datasets import make_dubai

        make_dubai.make(tmp_path / "downloads" / "manual" / "dubai")
        return ("evaluate", "--quiet", "--data-dir", tmp_path, "--dataset")

    @pytest.mark.parametrize(
        "name, message",
        [
            ("dubai/none", "BuilderConfig none not found"),
            ("dubai:9.9.9", "only: 1.0.0"),
            ("dubai//", "must be of the following format"),
            ("ade20k", "ade20k: Dataset ade20k not found."),
            ("vaihingen", "vaihingen: files missing"),
        ],
    )
    def test_names(self, data, name, message):
        result = run(*data, name)
        assert result.exit_code == 1
        line = result.stderr.splitlines()[-1]
        assert line.startswith("Error: ")
        assert message in line
        assert "abstract_reasoning" not in line

    def test_splits(self, data):
        for split, message in [
            ("test", "Should be one of ['train', 'validation']"),
            ("train[", "Unrecognized split format"),
        ]:
            result = run(*data, "dubai", "--split", split)
            assert result.exit_code == 1
            line = result.stderr.splitlines()[-1]
            assert line.startswith("Error: dubai: ")
            assert message in line

    def test_no_downloads(self, tmp_path, loaded):
        pytest.importorskip("tensorflow_datasets")
        result = run("evaluate", "--data-dir", tmp_path, "--dataset", "dubai")
        line = result.stderr.splitlines()[-1]
        assert line.startswith("Error: dubai: Manual directory")
        assert "manual_dir/dubai" in line

    def test_a_bug_of_a_builder(self, data, monkeypatch):
        def broken(*arguments):
            raise ValueError("shapes")

        monkeypatch.setattr(
            "keras_rsseg.datasets.scene_builder.find_scenes", broken
        )
        result = run(*data, "dubai")
        assert isinstance(result.exception, ValueError)
        assert "fault of keras-rsseg" in result.exception.__notes__[-1]


class TestErrors:
    def test_before_anything_is_loaded(self, tmp_path, folders, loaded):
        images, masks = folders
        old = tmp_path / "old"
        old.mkdir()
        (old / "report.md").write_text("precious")
        text = tmp_path / "palette.json"
        text.write_text('{"colours": []}')
        for arguments, message in [
            ((images, tmp_path / "no"), "no file or folder"),
            ((images, images / "0.png"), "two folders"),
            ((images, masks, "--output", old), "--overwrite"),
            ((images, masks, "--output", tmp_path / "a" / "b"), "no folder"),
            ((images, masks, "--output", text), "not a folder"),
            ((images, masks, "--protocol", "none"), "`protocol`"),
            ((images, masks, "--palette", text), "must hold JSON"),
            ((images, masks, "--palette", "none"), "must be one of"),
            (("--dataset", "none"), "must be one of"),
        ]:
            check_error(run("evaluate", *arguments), message)
        (masks / "1.png").rename(masks / "2.png")
        check_error(run("evaluate", images, masks), "Missing masks: 1")
        assert loaded == []
        assert (old / "report.md").read_text() == "precious"

    @pytest.mark.parametrize(
        "content, message",
        [
            (b"{nope", "is not JSON"),
            (b"\xff\xfe", "is not JSON"),
            (b"3", "must hold JSON such as"),
            (b'{"colors": [[0, 0, 0]], "x": 1}', "must hold JSON such as"),
            (b'{"colors": "red"}', "from 0 to 255"),
            (b'{"void_colors": [[0, 0, 0]]}', "'colors'"),
            (b'{"colors": [[0, 0, 0]], "names": 3}', "not iterable"),
        ],
    )
    def test_files_that_are_no_palette(
        self, tmp_path, folders, loaded, content, message
    ):
        path = tmp_path / "palette.json"
        path.write_bytes(content)
        result = run("evaluate", *folders, "--palette", path)
        check_error(result, message)
        assert str(path) in result.stderr
        assert loaded == []

    def test_without_matplotlib(self, tmp_path, folders, loaded, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        output = tmp_path / "report"
        result = run("evaluate", *folders, "--output", output)
        check_error(result, "pip install matplotlib")
        assert loaded == []

    def test_what_does_not_fit_the_model(self, folders):
        arguments = ("evaluate", *folders, "--quiet", *TILING)
        result = run(*arguments, "--bands", "1,2")
        check_error(result, "takes 3 bands")
        result = run(*arguments, "--bands", "red,green,blu")
        check_error(result, "blu")
        result = run(*arguments, "--leave-out", "clutter")
        check_error(result, "clutter")
        result = run(*arguments[:-1], 33)
        check_error(result, "`stride`")

    def test_usage(self, folders, loaded):
        for arguments in [
            (),
            folders[:1],
            (*folders, "--dataset", "isaid"),
            (*folders, "--bands", ","),
            (*folders, "--map", "255"),
            (*folders, "--eroded", -1),
        ]:
            assert run("evaluate", *arguments).exit_code == 2
        assert loaded == []

    def test_scores_are_printed_before_a_disk_fills_up(
        self, tmp_path, folders, monkeypatch
    ):
        def full(*arguments):
            raise OSError("No space left on device")

        monkeypatch.setattr(
            "keras_rsseg.evaluation.evaluation_report.write_durably", full
        )
        result = run("evaluate", *folders, "--output", tmp_path / "report")
        assert result.exit_code == 1
        assert "No space left" in result.stderr
        assert "## IoU by class" in result.stdout


def test_help():
    result = run("evaluate", "--help")
    assert result.exit_code == 0
    for name in ("--protocol", "--leave-out", "--dataset", "--output"):
        assert name in result.stdout


def test_what_help_states_is_so():
    """Stated twice, as help must not wait for slow imports."""
    # A function of the package has the same name.
    cli_evaluate = importlib.import_module("keras_rsseg.cli.evaluate")
    assert cli_evaluate.PROTOCOL_NAMES == tuple(PROTOCOLS)
    protocol = inspect.signature(evaluate).parameters["protocol"]
    assert protocol.default == cli_evaluate.PROTOCOL_NAMES[0]
