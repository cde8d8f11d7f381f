"""The papers' data sets as records for `keras_rsseg.data`.

Importing this module registers builders with TensorFlow Datasets, so that
`tfds.load("isaid")` finds them: "isaid", "vaihingen", "potsdam",
"whu_building", "dubai" and "loveda". Their downloads need a login or a form;
`tfds.builder(name).MANUAL_DOWNLOAD_INSTRUCTIONS` says which files go where.
A record is a whole image with its mask: `{"image": uint8 (H, W, bands),
"mask": uint8 (H, W, 1) class ids, 255 void, "name": string}`.

A configuration is part of the name, as in `tfds.load("vaihingen/ifwm")`:

- "corrected" (default): colours that the palette lacks, and the black borders
  of the ISPRS sets, are void;
- "released" (isaid, vaihingen, potsdam): they are class 0, as the converters
  released with the papers make them;
- "ifwm" (vaihingen): the IFWM paper's split;
- "eroded" (vaihingen, potsdam): the ground truth with eroded boundaries;
- "partial": corrected, whatever scenes are there when it is built. To try
  things out; its scores compare with no one's.

`facts(name)` holds classes, colours and bands. Where tensorflow or
tensorflow_datasets is not installed, `facts` works and nothing is registered.

Example:

```python
import tensorflow_datasets as tfds

import keras_rsseg.datasets

records = tfds.load("isaid", split="train", data_dir="data")
```
"""

import importlib
import importlib.util

from keras_rsseg.datasets.catalog import facts
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.general_datasets import as_records

__all__ = ["DatasetFacts", "as_records", "facts"]

if all(
    importlib.util.find_spec(name)
    for name in ("tensorflow", "tensorflow_datasets")
):
    importlib.import_module("keras_rsseg.datasets.builders")
