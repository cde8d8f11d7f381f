"""`keras-rsseg train` passes on options from flags and from a file."""

import types

import pytest
from typer.testing import CliRunner

import keras_rsseg
from keras_rsseg.cli import app


class Report:
    def to_markdown(self):
        return "| mean IoU |\n"


@pytest.fixture
def calls(monkeypatch):
    """The arguments of `keras_rsseg.train`."""
    found = []

    def train(**given):
        found.append(given)
        return types.SimpleNamespace(
            report=Report(),
            history=[{}, {}],
            best_epoch=2,
            preset="out",
            report_folder="out_report",
            predict_command="keras-rsseg predict a.tif --preset out",
        )

    monkeypatch.setattr(keras_rsseg, "train", train, raising=False)
    return found


def run(*arguments):
    return CliRunner().invoke(app, ["train", *arguments])


def test_flags_reach_it(calls):
    result = run(
        *("images", "masks", "--output", "out", "--classes", "ground,roof"),
        *("--map", "255=1,roof=1", "--bands", "4,3,2", "--gsd", "native"),
        *("--learning-rate", "1e-3", "--resume"),
    )
    assert result.exit_code == 0, result.output
    assert calls == [
        {
            "images": "images",
            "masks": "masks",
            "output": "out",
            "classes": ["ground", "roof"],
            "ids": {255: 1, "roof": 1},
            "bands": [4, 3, 2],
            "ground_sample_distance": None,
            "learning_rate": 1e-3,
            "resume": True,
            "progress": True,
        }
    ]
    assert "mean IoU" in result.output
    assert "Kept epoch 2 of 2" in result.output
    assert "keras-rsseg predict a.tif" in result.output


def test_a_file_has_them_too_and_flags_come_first(calls, tmp_path):
    path = tmp_path / "training.yaml"
    path.write_text("images: a\nmasks: b\nseed: 3\nids: {255: 1}\nepochs: 7\n")
    result = run("--config", str(path), "--output", "out", "--epochs", "2")
    assert result.exit_code == 0, result.output
    (given,) = calls
    assert given["images"] == "a" and given["masks"] == "b"
    assert (given["seed"], given["epochs"]) == (3, 2)
    assert given["ids"] == {255: 1}


def test_what_it_prints_when_quiet(calls):
    result = run("images", "masks", "--output", "out", "--quiet")
    assert result.output == ""
    assert calls[0]["progress"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("images", "masks"), "give --output"),
        (("--output", "out"), "give IMAGES"),
        (("a", "b", "--output", "o", "--epochs", "0"), "--epochs"),
        (("a", "b", "--output", "o", "--map", "x"), "--map"),
        (("a", "b", "--output", "o", "--classes", "roof"), "--classes"),
        (("a", "b", "--output", "o", "--split", "x"), "--split"),
    ],
)
def test_wrong_usage_is_told_in_flags(calls, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert not calls


@pytest.mark.parametrize(
    ("text", "message"),
    [("- 1\n- 2\n", "must hold options"), ("a: [", "is not YAML")],
)
def test_a_file_that_is_none(calls, tmp_path, text, message):
    path = tmp_path / "training.yaml"
    path.write_text(text)
    result = run("--config", str(path), "--output", "out")
    assert result.exit_code == 1 and message in result.output


def test_errors_of_training_are_in_flags(monkeypatch):
    def fail(**given):
        raise FileExistsError("A training was stopped. Give `resume=True`")

    monkeypatch.setattr(keras_rsseg, "train", fail, raising=False)
    result = run("images", "masks", "--output", "out")
    assert result.exit_code == 1
    assert "Give --resume" in result.output


def test_options_that_there_are_not(calls, tmp_path):
    path = tmp_path / "training.yaml"
    path.write_text("images: a\nmasks: b\nepoch: 7\n")
    result = run("--config", str(path), "--output", "out")
    assert result.exit_code == 1
    assert "Did you mean epochs?" in result.output
