"""`keras-rsseg` as a whole."""

import os
import pathlib
import shlex
import subprocess
import sys
import typing

import pytest

import keras_rsseg
from keras_rsseg.cli.predict import EXAMPLES
from keras_rsseg.hub.registry import preset_facts
from keras_rsseg.options import fields
from keras_rsseg.scene_options import GROUPS
from keras_rsseg.scene_options import ScenesOptions
from tests.cli.commands import check_error
from tests.cli.commands import run

ROOT = pathlib.Path(__file__).resolve().parents[2]


class TestPresets:
    def test_what_can_be_had_is_told_from_what_can_be_made(self):
        result = run("presets")
        assert result.exit_code == 0
        ready, _, others = result.stdout.partition("To be made first")
        for name, facts in keras_rsseg.list_presets().items():
            line = f"{name}: {facts['description']}"
            assert line in (ready if facts["available"] else others)
            if "score" in facts:
                mean = facts["score"]["mean_iou"]
                assert f"mean IoU {mean:.3f} (measured)" in result.stdout
        assert "comes with the package; " in ready
        assert "mean IoU 0.669 (the paper's)" in others
        assert "not published: convert a released checkpoint" in others
        assert "python -m" not in result.stdout

    def test_one_is_shown_with_the_commands_that_make_it(self):
        name = "pfnet_r50_isaid"
        result = run("presets", name)
        assert result.exit_code == 0
        facts = keras_rsseg.list_presets()[name]
        lines = result.stdout.splitlines()
        for command in facts["how_to_get"].values():
            assert f"    {command}" in lines
        assert f"--preset ./{name}" in lines[-1]
        text = " ".join(result.stdout.split())
        assert facts["limits"] in text and "ship, storage_tank" in text
        assert "paper_score mean_iou 0.669; source PointFlow" in text
        assert "ground_sample_distance not stated" in text

    def test_one_that_is_there_needs_no_command(self):
        name = keras_rsseg.DEFAULT_PRESET
        result = run("presets", name)
        assert result.exit_code == 0
        assert "comes with the package" in result.stdout
        assert "Train it" not in result.stdout
        assert "ground_sample_distances  0.3, 1.6" in result.stdout

    def test_scores_place_by_place(self, monkeypatch):
        name = keras_rsseg.DEFAULT_PRESET
        facts = preset_facts(name)
        facts["score"]["places"] = {
            "dubai": {"data": "parts", "mean_iou": 0.75},
            "kampala": {
                "data": "houses",
                "class_name": "building",
                "readings": {
                    "0.4 m": {"iou": 0.25, "precision": 0.5, "recall": 0.125},
                    "1 m": {"iou": 0.375, "precision": 0.5, "recall": 0.5},
                },
            },
        }
        facts["notes"] = "First line.\n\n- Second line."
        # The module; a function has the same name.
        module = sys.modules["keras_rsseg.cli.presets"]
        monkeypatch.setattr(module, "preset_facts", lambda name: facts)
        lines = run("presets", name).stdout.splitlines()
        mean = f"mean IoU {facts['score']['mean_iou']:.3f} (measured)"
        summary = f"{mean}: dubai 0.750, kampala building 0.250 to 0.375"
        assert any(summary in line for line in lines)
        for row in (
            f"{'  dubai':<25}data parts; mean_iou 0.75",
            f"{'  kampala':<25}data houses; class_name building",
            f"{'    1 m':<25}iou 0.375; precision 0.5; recall 0.5",
            f"{'notes':<25}First line.",
            f"{'':<25}- Second line.",
        ):
            assert row in lines

    def test_a_slip_in_a_name(self):
        result = run("presets", "pfnet_r50_isiad")
        check_error(result, "Did you mean pfnet_r50_isaid")


def test_version_and_help():
    assert run("--version").stdout.startswith("keras-rsseg ")
    result = run("predict", "--help")
    assert result.exit_code == 0
    for name in ("--output", "--preset", "--gsd", "--overwrite"):
        assert name in result.stdout


def test_the_help_of_predict_is_grouped():
    """In the order in which one asks."""
    text = run("predict", "--help").stdout
    places = [text.index(f"─ {name}") for name in GROUPS]
    assert places == sorted(places)
    for group, flags in {
        "Input": ["--bands", "--nodata", "--area"],
        "Output": ["--output", "--polygons", "--overwrite", "--mosaic"],
        "Model": ["--preset", "--gsd"],
        "Quality": ["--tta", "--scales"],
        "Cost": ["--batch-size", "--resume"],
    }.items():
        _, _, rest = text.partition(f"─ {group}: ")
        panel, _, _ = rest.partition("╰")
        for flag in flags:
            assert flag in panel, (group, flag)


def test_every_number_has_a_unit():
    for field in fields(ScenesOptions):
        kinds = {*typing.get_args(field.type), field.type}
        if field.flag and kinds & {int, float}:
            assert field.option.unit, field.name


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_the_help_work(example, tmp_path, monkeypatch, loaded):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    words = " ".join(run("predict", "--help").stdout.split())
    assert example in words
    program, *arguments = shlex.split(example)
    assert program == "keras-rsseg"
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.rglob("*.tif"))) == 1
    assert len(example) < 78


def test_help_and_wrong_usage_load_nothing():
    code = (
        "import sys;"
        "from tests.cli.commands import run;"
        "done = [run(*line.split()).exit_code for line in sys.argv[1:]];"
        "heavy = {'numpy', 'rasterio', 'keras', 'tensorflow', 'shapely'};"
        "print(done, sorted(heavy & set(sys.modules)))"
    )
    lines = {
        **dict.fromkeys(["--help", "--version", "predict --help"], 0),
        **dict.fromkeys(["evaluate --help", "presets --help"], 0),
        **dict.fromkeys(["predict", "predict x.tif --tile-size 0"], 2),
        **dict.fromkeys(["predict x --tta d5", "predict x --none", "x"], 2),
        **dict.fromkeys(["evaluate", "evaluate a b --batch-size 0"], 2),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *lines],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"{list(lines.values())} []"


def test_cli_evaluation_and_scenes_load_no_framework_themselves():
    """Help and wrong paths need not wait for TensorFlow."""
    code = (
        "import os, sys;"
        "import keras_rsseg.cli, keras_rsseg.evaluation, keras_rsseg.scenes;"
        "heavy = {'tensorflow', 'jax', 'torch', 'keras', 'matplotlib'};"
        "heavy &= set(sys.modules);"
        "print(sorted(heavy), os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    environment = {**os.environ}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[]", "3"]
