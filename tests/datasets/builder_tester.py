"""Shared parts of the tests of all builders."""

import contextlib
import dataclasses
import pathlib
import shutil
import tempfile
from unittest import mock

import tensorflow_datasets as tfds

import keras_rsseg.datasets  # noqa: F401 (registers the builders)


class BuilderTester:
    """TFDS's own test of a builder, on data written by `make`.

    Mixed into `tfds.testing.DatasetBuilderTestCase`.

    A subclass sets `NAME`, `CONFIGS`, `SPLITS` and `make`, and `SIZES` where
    the real number of scenes is too large to make.
    """

    NAME = None
    CONFIGS = ()
    SIZES = None
    SKIP_CHECKSUMS = True

    @classmethod
    def setUpClass(cls):
        cls.DATASET_CLASS = tfds.builder_cls(cls.NAME)
        cls.BUILDER_CONFIG_NAMES_TO_TEST = list(cls.CONFIGS)
        cls.EXAMPLE_DIR = tempfile.mkdtemp()
        cls.make(pathlib.Path(cls.EXAMPLE_DIR) / cls.NAME)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.EXAMPLE_DIR)

    def setUp(self):
        patched = split_sizes(self.NAME, self.SIZES)
        patched.__enter__()
        self.addCleanup(patched.__exit__, None, None, None)
        super().setUp()

    def test_facts_travel_with_the_records(self):
        facts = keras_rsseg.datasets.facts(self.NAME)
        self.assertEqual(self.builder.info.metadata, facts.as_metadata())


@contextlib.contextmanager
def split_sizes(name, sizes):
    """Make a builder expect other numbers of scenes than the real ones."""
    builder = tfds.builder_cls(name)
    layout = dataclasses.replace(builder.layout, split_sizes=sizes)
    with mock.patch.object(builder, "layout", layout):
        yield


def build(name, tmp_path, sizes=None):
    """Build `name` from `tmp_path/<data set>`; return the builder."""
    builder = tfds.builder(name, data_dir=tmp_path / "records")
    config = tfds.download.DownloadConfig(manual_dir=tmp_path)
    with split_sizes(builder.name, sizes):
        builder.download_and_prepare(download_config=config)
    return builder


def load(builder, split):
    """Return the records of a split by their names."""
    records = tfds.as_numpy(builder.as_dataset(split=split))
    return {record["name"].decode(): record for record in records}
