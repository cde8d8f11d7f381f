"""Export models of JAX and torch through TensorFlow.

The backend of Keras is fixed when it is imported, so a separate process loads
the weights on TensorFlow, where presets give the same logits.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

from keras_rsseg.errors import ExportError
from keras_rsseg.export.inference_graph import make_inference_graph
from keras_rsseg.export.settings import ExportSettings
from keras_rsseg.export.writers import write_model
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts

_SHOWN = 2000


def write_by_tensorflow(
    model: Any, settings: ExportSettings, facts: ExportedFacts
) -> None:
    """Write a model of any backend to a file, through TensorFlow's graph.

    Args:
        model: a task.
        settings: the settings of the export.
        facts: what the file will state about the model.

    Raises:
        ExportError: the other process failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        preset = pathlib.Path(folder) / "preset"
        model.save_to_preset(os.fspath(preset))
        request = {
            "preset": os.fspath(preset),
            "settings": {
                **dataclasses.asdict(settings),
                "path": os.fspath(settings.path.absolute()),
            },
            "facts": facts.to_json(),
        }
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        done = subprocess.run(
            [sys.executable, "-m", "keras_rsseg.export"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env=environment,
        )
    if done.returncode:
        raise ExportError(
            "The export runs on TensorFlow in a separate process, which "
            f"failed: {done.stderr.strip()[-_SHOWN:]}"
        )


def serve(request: dict[str, Any]) -> None:
    """Serve a request in the process that runs TensorFlow.

    Args:
        request: made by `write_by_tensorflow`.
    """
    import keras_rsseg

    given = dict(request["settings"])
    settings = ExportSettings(path=pathlib.Path(given.pop("path")), **given)
    facts = ExportedFacts.from_json(request["facts"], "the request")
    model = keras_rsseg.from_preset(request["preset"])
    graph = make_inference_graph(model, settings, facts)
    write_model(graph, settings.path, settings)
