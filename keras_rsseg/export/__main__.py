"""The process that exports a model of another backend through TensorFlow."""

import json
import sys

from keras_rsseg.export.other_backends import serve

if __name__ == "__main__":
    serve(json.load(sys.stdin))
