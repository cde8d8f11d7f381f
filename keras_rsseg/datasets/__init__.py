"""The papers' data sets as records for `keras_rsseg.data`.

Importing this module makes the data sets known to TensorFlow Datasets (TFDS),
so that `tfds.load("isaid")` finds them: "isaid", "vaihingen", "potsdam",
"whu_building", "dubai", "loveda" and "ohio_naip". This does not import TFDS
itself: the builders are made when TFDS is imported, before or after this
module, or when `register()` is called. So `facts(name)`, which holds classes,
colours and bands, is quick, and works where tensorflow is not installed.

The downloads need a login or a form;
`tfds.builder(name).MANUAL_DOWNLOAD_INSTRUCTIONS` says which files go where.
A record is a whole image with its mask: `{"image": uint8 (H, W, bands),
"mask": uint8 (H, W, 1) class ids, 255 void, "name": string}`.

A configuration is part of the name, as in `tfds.load("vaihingen/ifwm")`:

- "corrected" (default): colours that the palette lacks, and the black borders
  of the ISPRS sets, are void;
- "released" (isaid, vaihingen, potsdam): they are class 0, as in the converters
  released with the papers;
- "ifwm" (vaihingen): the IFWM paper's split;
- "eroded" (vaihingen, potsdam): the ground truth with eroded boundaries;
- "partial": corrected, with the scenes present when it is built. For trying
  things out; its scores are not comparable to anyone's.

Example:

```python
import tensorflow_datasets as tfds

import keras_rsseg.datasets

builder = tfds.builder("vaihingen/ifwm", data_dir="data")
builder.info.metadata["bands"]  # ["nir", "red", "green"]
```
"""

from keras_rsseg.datasets.catalog import facts
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.general_datasets import as_records
from keras_rsseg.datasets.registration import register
from keras_rsseg.datasets.registration import register_with_tfds

__all__ = ["DatasetFacts", "as_records", "facts", "register"]

register_with_tfds()
