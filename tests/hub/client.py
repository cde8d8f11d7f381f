"""The client in its own process, as the Hub's address is read at import.

Run as a module it answers calls, with a JSON object per line each way, so that
Keras is started once for many of them.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Client:
    """Starts the process and calls functions of this module in it.

    Args:
        endpoint: address of the Hub.
        home: folder for everything the client stores.
    """

    def __init__(self, endpoint, home):
        settings = {
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
        }
        environment = {**os.environ, **settings}
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
            environment.pop(name, None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hub.client"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, function, **arguments):
        """Return the result of a function.

        Raises:
            ClientError: the function raised an error.
        """
        line = json.dumps([function, arguments], default=str)
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ClientError(*answer["error"])
        return answer["result"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


class ClientError(Exception):
    """An error in the other process.

    Attributes:
        kind: name of its class.
    """

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def configure(token=None, cache=None, offline=False, xet=False, endpoint=None):
    """Set values that the client otherwise reads from its environment."""
    from huggingface_hub import constants

    os.environ["HF_TOKEN"] = token or ""
    constants.ENDPOINT = endpoint or os.environ["HF_ENDPOINT"]
    constants.HF_HUB_CACHE = cache or constants.HF_HUB_CACHE
    constants.HF_HUB_OFFLINE = offline
    constants.HF_HUB_DISABLE_XET = not xet


def load(preset, **arguments):
    """Load a preset and report its class and outputs."""
    import hashlib

    import keras
    import numpy as np

    import keras_rsseg
    from tests.models.segmenter_tester import for_few_steps

    task = for_few_steps(keras_rsseg.from_preset(preset, **arguments))
    tiles = np.arange(32 * 32 * len(task.bands)) % 251
    tiles = tiles.reshape(1, 32, 32, -1).astype("uint8")
    logits = keras.ops.convert_to_numpy(task.predict_on_batch(tiles))
    return {
        "task": type(task).__name__,
        "name": task.preset,
        "shape": logits.shape,
        "logits": hashlib.sha256(logits.tobytes()).hexdigest(),
    }


def load_encoder(preset, **arguments):
    """Load an encoder and report its outputs."""
    import keras
    import numpy as np

    import keras_rsseg

    encoder = keras_rsseg.encoders.HRNetEncoder.from_preset(preset, **arguments)
    tiles = np.linspace(-1, 1, 32 * 32 * 3, dtype="float32")
    features = encoder(tiles.reshape(1, 32, 32, 3))["P2"]
    return [
        type(encoder).__name__,
        encoder.fusion,
        float(keras.ops.convert_to_numpy(features).sum()),
    ]


def publish(arguments):
    """Run `python -m weights.publish`."""
    import typer
    from typer.testing import CliRunner

    import weights.publish

    app = typer.Typer()
    app.command()(weights.publish.main)
    result = CliRunner().invoke(app, arguments)
    return [result.exit_code, result.stdout]


def upload(**arguments):
    import dataclasses

    import keras_rsseg

    return dataclasses.asdict(keras_rsseg.upload_preset(**arguments))


def command(arguments):
    """Run `keras-rsseg` as in a shell."""
    from tests.cli.commands import run

    result = run(*arguments)
    return [result.exit_code, result.stdout, result.stderr]


def download(preset):
    """Return the folder without loading it."""
    from keras_rsseg.hub.preset_folder import resolve_preset

    return str(resolve_preset(preset)[0])


def register(presets):
    from keras_rsseg.hub.registry import register_presets

    register_presets(presets)


def where(name):
    import keras_rsseg

    return keras_rsseg.list_presets()[name]["where"]


def _serve():
    import time

    sleep = time.sleep
    # Skip the pauses between the client's attempts.
    time.sleep = lambda seconds: sleep(min(seconds, 0.01))
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        function, arguments = json.loads(line)
        # Keras' output must not be taken for an answer.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answer = {"result": globals()[function](**arguments)}
            except Exception as error:
                answer = {"error": [type(error).__name__, str(error)]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
