"""How the names of released checkpoints map to those of this package."""

import dataclasses
import re
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

# A pattern of layers' paths, and the module's name in the checkpoint.
Rule = tuple[str, str]
NameOf = Callable[[str], str | None]
State = dict[str, np.ndarray]

# Last part of a variable's path -> last part of the tensor's name.
_LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def conv_bn_rules(layer: str, conv: str, batch_norm: str) -> list[Rule]:
    """Return the rules of a `ConvBNReLU` whose path matches `layer`.

    Args:
        layer: pattern of the layer's path.
        conv: name of its convolution in the checkpoint.
        batch_norm: name of its batch normalization there.

    Returns:
        Rules for `make_name_of()`.
    """
    return [(f"{layer}/conv", conv), (f"{layer}/batch_norm", batch_norm)]


def separable_rules(layer: str, depthwise: str, pointwise: str) -> list[Rule]:
    """Return the rules of a `SeparableConvBNReLU` with both normalizations.

    Args:
        layer: pattern of the layer's path.
        depthwise: name of the first step in the checkpoint, which has a
            `conv` and a `bn`.
        pointwise: likewise for the second.
    """
    return [
        (f"{layer}/depthwise", f"{depthwise}.conv"),
        (f"{layer}/depthwise_norm", f"{depthwise}.bn"),
        *conv_bn_rules(
            f"{layer}/pointwise", f"{pointwise}.conv", f"{pointwise}.bn"
        ),
    ]


def make_name_of(rules: Sequence[Rule]) -> NameOf:
    r"""Make a mapping from variable paths to tensor names.

    Args:
        rules: list of `(pattern, module)`. The first pattern that matches
            the whole path of a layer (a variable's path without its last
            part) applies. `module` is a format string for the module's name
            with the pattern's named groups as fields. Keras names count from
            1 and PyTorch's from 0: `{block0}` is the number of the group
            `block` minus one. A pattern that matches the whole path of a
            variable names its tensor instead of a module.

    Returns:
        Function from a variable's path to the tensor's name, or to `None`
        if no rule applies.

    Example:

    ```python
    from keras_rsseg.encoders.checkpoint_variant import make_name_of

    rules = [(r"block(?P<block>\d+)/batch_norm", "layers.{block0}.bn")]
    make_name_of(rules)("block2/batch_norm/gamma")  # "layers.1.bn.weight"
    ```
    """
    compiled = [(re.compile(pattern), name) for pattern, name in rules]

    def name_of(path: str) -> str | None:
        layer, _, leaf = path.rpartition("/")
        for pattern, name in compiled:
            if pattern.fullmatch(path):
                return name
            match = pattern.fullmatch(layer)
            if match and leaf in _LEAVES:
                return f"{name.format(**_fields(match))}.{_LEAVES[leaf]}"
        return None

    return name_of


def _fields(match: re.Match[str]) -> dict[str, Any]:
    fields = match.groupdict()
    less_one = {
        f"{name}0": int(value) - 1
        for name, value in fields.items()
        if value and value.isdecimal()
    }
    return {**fields, **less_one}


def with_zero_bias(state: State, layer: str) -> State:
    """Return a checkpoint's tensors with a bias for a layer that lacks one.

    The classifier of a task has a bias; some released ones do not.

    Args:
        state: dict from name to array.
        layer: name of the layer in the checkpoint.

    Returns:
        The same dict, or one with a zero bias.
    """
    weight, bias = f"{layer}.weight", f"{layer}.bias"
    if weight not in state or bias in state:
        return state
    return {**state, bias: np.zeros(len(state[weight]), "float32")}


def strip_training_wrapper(state: State) -> State:
    """Undo the wrapper that training scripts put around network and loss.

    HRNet's own script, Lightning and torchgeo save `model.conv1.weight` for
    `conv1.weight`, and also the class weights of the loss (`loss.` or
    `criterion.`), which are not part of the network.

    Args:
        state: dict from name to array.

    Returns:
        A dict with the network's own names.
    """
    names = [
        name for name in state if not name.startswith(("loss.", "criterion."))
    ]
    if not all(name.startswith("model.") for name in names):
        return state
    return {name.removeprefix("model."): state[name] for name in names}


def _as_it_is(state: State) -> State:
    return state


@dataclasses.dataclass(frozen=True)
class Variant:
    """A network of released code whose checkpoints can be converted.

    `VARIANTS` in a system's `checkpoint.py` lists its variants by name, and
    `python -m weights.convert --variant NAME` converts a checkpoint of one.

    Attributes:
        encoder: function of `encoder_options` that builds the encoder.
        rules: how the checkpoint names the layers, see `make_name_of()`.
        task: class of the network, a `keras_rsseg.models.Segmenter`; `None`
            if the checkpoint holds only an encoder.
        backbone: arguments of the task's backbone besides its encoder.
        encoder_options: arguments of the encoder that a user can choose.
        backbone_options: arguments of the backbone that a user can choose.
        required: options that a user must choose, as checkpoints do not
            state them.
        prepare: function that returns a checkpoint's tensors as the network
            has them, for example without those of a training script.
        is_new: function from a variable's path to whether the checkpoint
            lacks it by design; `None` if it has all of them.
        compare: function of the converted network and the tensors of the
            checkpoint that says in one line how far its outputs are from
            the original's; `None` if the original is not available.
    """

    encoder: Callable[..., keras.Model]
    rules: Sequence[Rule]
    task: type[Any] | None = None
    backbone: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    encoder_options: tuple[str, ...] = ()
    backbone_options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    prepare: Callable[[State], State] = _as_it_is
    is_new: Callable[[str], bool] | None = None
    compare: Callable[[keras.Model, State], str] | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """Names of all arguments that a user can choose."""
        return (*self.encoder_options, *self.backbone_options)

    @property
    def name_of(self) -> NameOf:
        """Function from a variable's path to the tensor's name."""
        return make_name_of(self.rules)

    def build(self, num_classes: int | None = None, **options: Any) -> Any:
        """Build the network with random weights.

        Args:
            num_classes: number of classes; an encoder has none.
            **options: those listed in `options`, and arguments of the task,
                such as `class_names`.

        Returns:
            A task, or an encoder if there is no task.
        """
        encoder = self.encoder(**_take(options, self.encoder_options))
        if self.task is None:
            return encoder
        chosen = _take(options, self.backbone_options)
        backbone = self.task.backbone_cls(
            encoder, **{**self.backbone, **chosen}
        )
        return self.task(backbone, num_classes=num_classes, **options)


def _take(options: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Remove and return some options."""
    return {name: options.pop(name) for name in names if name in options}
