"""Keras' options for training take effect in `fit`."""

import csv

import keras
import numpy as np
import pytest

from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.test_case import to_numpy

TILES, MASKS = make_tiles(4, 16, 16)
NAMES = ["water", "road", "land"]
Adam = keras.optimizers.Adam


def fitted(optimizer="adam", epochs=1, callbacks=None, **options):
    """A model and its history, after two steps per epoch."""
    model = make_model(class_names=NAMES)
    model.compile(optimizer=optimizer, **options)
    for_few_steps(model)
    history = model.fit(
        TILES,
        MASKS,
        2,
        epochs,
        validation_data=(TILES, MASKS),
        callbacks=callbacks,
        verbose=0,
    )
    return model, history.history


def moved(**options):
    """How far two steps move a weight of the head, from the same start."""
    keras.utils.set_random_seed(0)
    before = to_numpy(make_model(class_names=NAMES).classifier.kernel)
    keras.utils.set_random_seed(0)
    model, history = fitted(**options)
    assert np.isfinite(history["loss"]).all()
    return np.abs(to_numpy(model.classifier.kernel) - before).max()


@pytest.mark.parametrize(
    "make, furthest",
    [
        (lambda: Adam(0.01), 0.0201),
        # Two batches make one step.
        (lambda: Adam(0.01, gradient_accumulation_steps=2), 0.0101),
        (lambda: keras.optimizers.SGD(1.0, global_clipnorm=1e-3), 0.0021),
        (lambda: "adam", 0.0021),
    ],
)
def test_optimizers(make, furthest):
    found = moved(optimizer=make())
    assert furthest / 50 < found <= furthest


def test_several_steps_at_once():
    if keras.backend.backend() == "torch":
        pytest.skip("Keras has it for TensorFlow and JAX")
    found = moved(optimizer=Adam(0.01), steps_per_execution=2)
    assert 0.005 < found <= 0.0201


def test_a_log_has_the_scores_of_classes(tmp_path):
    path = tmp_path / "log.csv"
    fitted(epochs=2, callbacks=[keras.callbacks.CSVLogger(str(path))])
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "val_mean_iou", "val_iou_road"} <= set(rows[0])


def test_a_schedule_of_learning_rates():
    schedule = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: rate / 2
    )
    model, _ = fitted(Adam(0.01), 2, schedule)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0025)


def test_moving_averages_of_weights():
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    # Nearly those of the first step, with which the average begins.
    found = moved(optimizer=Adam(0.01, use_ema=True), callbacks=swap)
    assert 0.009 < found <= 0.0103
    assert moved(optimizer=Adam(0.01)) > 0.0105


def test_an_export_of_keras_says_what_it_lacks(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        keras.Model, "export", lambda self, *a, **k: written.append((a, k))
    )
    with pytest.warns(UserWarning, match="without its preprocessor"):
        make_model().export(tmp_path / "m", verbose=False)
    make_model(preprocessor=None).export(tmp_path / "m", "onnx")
    expected = [(tmp_path / "m",), (tmp_path / "m", "onnx")]
    assert [args for args, _ in written] == expected


def test_it_is_said_what_the_first_step_waits_for(capsys):
    model = make_model(class_names=NAMES)
    model.compile(optimizer="adam")
    said = []
    for verbose in (2, 2, 0):
        if not verbose:
            model.compile(optimizer="adam")
        model.fit(TILES, MASKS, 4, verbose=verbose)
        said.append("first training step" in capsys.readouterr().out)
    compiles = keras.backend.backend() != "torch"
    assert said == [compiles, False, False]
