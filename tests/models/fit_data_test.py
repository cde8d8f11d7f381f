"""Any data for `fit()` are prepared alike, and read once."""

import keras
import numpy as np
import pytest

from keras_rsseg.data import SampleWarning
from keras_rsseg.errors import ArgumentError
from keras_rsseg.models.training_data import batch_arrays
from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.test_case import TestCase

TILES, MASKS = make_tiles(5, 8, 8)
WEIGHTS = np.array([1, 0, 2, 1, 3], "float32")


class Watch(keras.losses.Loss):
    """Keeps its input, so that nothing need be trained."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, y_true, y_pred):
        if keras.backend.backend() == "jax":
            import jax

            # Keras traces the step, eager or not.
            jax.debug.callback(self.keep, y_true, ordered=True)
        else:
            self.keep(keras.ops.convert_to_numpy(y_true))
        return keras.ops.mean(y_pred, axis=-1) * 0.0

    def keep(self, masks):
        self.seen.append(np.asarray(masks))


def watched():
    """A model and the masks that reach its loss, batch by batch."""
    model = for_few_steps(make_model())
    loss = Watch()
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=loss,
        metrics=[],
        run_eagerly=True,
    )
    return model, loss.seen


def parts(*more):
    """Batches of two, two and one."""
    arrays = (TILES, MASKS, *more)
    return [
        tuple(array[start : start + 2] for array in arrays)
        for start in (0, 2, 4)
    ]


class Batches(keras.utils.PyDataset):
    def __init__(self, *more):
        super().__init__()
        self.batches = parts(*more)
        self.ended = 0

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]

    def on_epoch_end(self):
        self.ended += 1


def loader(*more):
    torch = pytest.importorskip("torch")
    tensors = [torch.from_numpy(a.copy()) for a in (TILES, MASKS, *more)]
    data = torch.utils.data.TensorDataset(*tensors)
    return torch.utils.data.DataLoader(data, batch_size=2)


def grain_data(*more):
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source(
        [tuple(row) for row in zip(TILES, MASKS, *more, strict=True)]
    ).batch(2)


def tf_data(*more):
    tf = pytest.importorskip("tensorflow")
    arrays = (TILES, MASKS, *more)
    return tf.data.Dataset.from_tensor_slices(arrays).batch(2)


KINDS = {
    "PyDataset": Batches,
    "generator": lambda *more: iter(parts(*more)),
    "DataLoader": loader,
    "grain": grain_data,
    "tf.data": tf_data,
}


def steps(kind, name="steps"):
    """Keras warns of any generator that ends early."""
    return {name: 3} if kind == "generator" else {}


@pytest.fixture
def scored():
    """A model, its weights, and its scores on the arrays."""
    model = for_few_steps(make_model())
    found = model.evaluate(
        TILES, MASKS, batch_size=2, verbose=0, return_dict=True
    )
    return model, found


class TestKinds(TestCase):
    @pytest.mark.parametrize("kind", KINDS)
    def test_all_score_as_arrays_do(self, scored, kind):
        model, expected = scored
        found = model.evaluate(
            KINDS[kind](), verbose=0, return_dict=True, **steps(kind)
        )
        assert found["mean_iou"] == pytest.approx(expected["mean_iou"])
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)

    @pytest.mark.parametrize("kind", ["PyDataset", "DataLoader", "grain"])
    def test_epochs_read_all_of_it_again(self, kind):
        model, seen = watched()
        data = KINDS[kind]()
        model.fit(data, epochs=2, verbose=0)
        # Keras on TensorFlow takes a separate batch to build.
        seen = [masks for masks in seen if len(masks)][-6:]
        np.testing.assert_array_equal(np.concatenate(seen[:3]), MASKS)
        np.testing.assert_array_equal(np.concatenate(seen[3:]), MASKS)
        if kind == "PyDataset":
            # Keras begins again to see what comes.
            assert data.ended >= 2

    def test_generators_may_be_endless(self):
        def endless():
            while True:
                yield from parts()

        model, seen = watched()
        model.fit(endless(), steps_per_epoch=4, epochs=1, verbose=0)
        np.testing.assert_array_equal(seen[-1], MASKS[:2])
        np.testing.assert_array_equal(seen[-2], MASKS[4:])

    @pytest.mark.filterwarnings("ignore:Your input ran out of data")
    @pytest.mark.parametrize(
        "options, trained",
        [
            ({"epochs": 3, "steps_per_epoch": 2}, 2),
            ({"epochs": 4, "steps_per_epoch": 3}, 2),
            ({"epochs": 3}, 1),
        ],
    )
    def test_generators_that_end_early(self, options, trained):
        model, seen = watched()
        with pytest.warns(SampleWarning, match="the training with it"):
            history = model.fit(iter(parts()), verbose=0, **options)
        # No epoch after the short one, and no tile twice.
        assert len(history.epoch) == trained
        trained_on = [masks for masks in seen if len(masks)]
        assert sum(map(len, trained_on[-3:])) == len(MASKS)

    @pytest.mark.parametrize("options", [{"epochs": 1}, {"steps_per_epoch": 3}])
    @pytest.mark.filterwarnings("ignore:Your input ran out of data")
    def test_generators_that_end_in_time(self, options):
        model, _ = watched()
        model.fit(iter(parts()), verbose=0, **options)

    @pytest.mark.filterwarnings("ignore:Your input ran out of data")
    def test_generators_to_validate_with_that_end_early(self):
        model, _ = watched()
        with pytest.raises(ArgumentError, match="`validation_steps`"):
            model.fit(
                TILES, MASKS, epochs=2, validation_data=iter(parts()), verbose=0
            )
        with pytest.warns(SampleWarning, match="validation generator ended"):
            model.fit(
                TILES,
                MASKS,
                epochs=2,
                validation_data=iter(parts()),
                validation_steps=3,
                verbose=0,
            )
        model.fit(TILES, MASKS, validation_data=iter(parts()), verbose=0)

    @pytest.mark.parametrize(
        "train, validation",
        [
            ("PyDataset", "arrays"),
            ("arrays", "PyDataset"),
            ("DataLoader", "tf.data"),
        ],
    )
    def test_kinds_mix(self, scored, train, validation):
        arrays = {"arrays": lambda: (TILES, MASKS)}
        data, other = ((KINDS | arrays)[k]() for k in (train, validation))
        model, _ = watched()
        history = model.fit(
            *(data if train == "arrays" else [data]),
            validation_data=other,
            batch_size=2 if train == "arrays" else None,
            verbose=0,
        ).history
        assert set(history) == {"loss", "val_loss"}

    def test_predict_takes_them(self, scored):
        model, _ = scored
        expected = model.predict(TILES, verbose=0)
        for data, options in ((Batches(), {}), (iter(parts()), {"steps": 3})):
            found = model.predict(data, verbose=0, **options)
            self.assert_close(found, expected, 1e-4)

    @pytest.mark.parametrize("kind", ["PyDataset", "generator", "tf.data"])
    def test_weights_travel_with_them(self, scored, kind):
        model, _ = scored
        expected = model.evaluate(
            TILES, MASKS, 2, sample_weight=WEIGHTS, verbose=0
        )
        found = model.evaluate(KINDS[kind](WEIGHTS), verbose=0, **steps(kind))
        self.assert_allclose(found, expected, rtol=1e-4)

    def test_masks_beside_a_data_set_are_refused(self):
        with pytest.raises(ValueError, match="`y` is for arrays.*Batches"):
            make_model().fit(Batches(), MASKS)
        with pytest.raises(ValueError, match="`batch_size` is for arrays"):
            make_model().fit(Batches(), batch_size=2)


class TestArrays(TestCase):
    def orders(self, epochs, **options):
        """Number of the mask of each step of each epoch."""
        tiles, masks = make_tiles(6, 4, 4)
        masks[:] = np.arange(6)[:, None, None] % 3
        tiles[:] = np.arange(6)[:, None, None, None]
        data = batch_arrays((tiles, masks, None), 2, **options)
        data = data.repeat(epochs)
        found = np.concatenate([batch[0][:, 0, 0, 0] for batch in data])
        return found.reshape(epochs, 6).tolist()

    def test_each_epoch_has_its_own_order(self):
        orders = self.orders(4, shuffle=True)
        assert all(sorted(order) == list(range(6)) for order in orders)
        assert len({tuple(order) for order in orders}) > 2

    def test_keras_seed_repeats_them(self):
        keras.utils.set_random_seed(3)
        first = self.orders(2, shuffle=True)
        keras.utils.set_random_seed(3)
        assert self.orders(2, shuffle=True) == first

    def test_without_shuffling_they_stay(self):
        assert self.orders(2, shuffle=False) == [list(range(6))] * 2

    def test_fit_shuffles_and_takes_arguments_by_position(self):
        model, seen = watched()
        tiles = np.repeat(TILES[:1], 16, 0)
        masks = np.zeros((16, 8, 8), "uint8")
        masks[8:] = 1
        masks[:, 0] = 2
        history = model.fit(tiles, masks, 1, 2, verbose=0)
        assert history.epoch == [0, 1]
        order = [int(batch[0, -1, -1]) for batch in seen][-32:]
        assert sum(order[:16]) == sum(order[16:]) == 8
        assert order[:8] != [0] * 8 and order[:16] != order[16:]

    def test_validation_split_takes_the_last_tiles(self):
        model, seen = watched()
        model.fit(
            list(TILES),
            list(MASKS),
            batch_size=5,
            validation_split=0.4,
            shuffle=False,
            verbose=0,
        )
        np.testing.assert_array_equal(seen[-1], MASKS[3:])
        np.testing.assert_array_equal(seen[-2], MASKS[:3])
        with pytest.raises(ValueError, match="`validation_split` must leave"):
            model.fit(TILES, MASKS, validation_split=0.95)
        with pytest.raises(ValueError, match="is for arrays"):
            model.fit(Batches(), validation_split=0.1)

    def test_batches_of_one_tile(self):
        model = for_few_steps(make_model())
        loss = model.fit(TILES, MASKS, 1, verbose=0).history["loss"]
        assert np.isfinite(loss).all()
        assert all(np.isfinite(w).all() for w in model.get_weights())


class TestFirstBatch:
    """Data sets are checked as they pass, and no batch is lost."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_tiles_of_another_scale(self, monkeypatch, kind):
        monkeypatch.setitem(globals(), "TILES", TILES / np.float32(255))
        model, seen = watched()
        with pytest.warns(SampleWarning, match="first batch.*divided by 255"):
            model.fit(
                KINDS[kind](), verbose=0, **steps(kind, "steps_per_epoch")
            )
        np.testing.assert_array_equal(np.concatenate(seen[-3:]), MASKS)

    @pytest.mark.parametrize("kind", KINDS)
    def test_16_bits_for_8(self, monkeypatch, kind):
        monkeypatch.setitem(globals(), "TILES", TILES.astype("int32") * 40)
        with pytest.raises(ValueError, match="the model takes 0 to 255"):
            make_model().fit(KINDS[kind](), verbose=0)
