"""One contender of `benchmarks.against_pytorch`, in a process of its own.

    python -m benchmarks.contenders '{"contender": "jax", "case": ...}'

Writes lines of JSON: what it is once it is warm, then the seconds of a run for
every line it reads, and its peak memory when the input ends.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import op_cases

PLAIN_MODES = (
    "pytorch",
    "pytorch channels_last",
    "pytorch compiled",
    "pytorch compiled channels_last",
)
BACKENDS = ("torch", "jax", "tensorflow")
NUM_CLASSES = {"pfnet_r50": 16, "hrnet_w18": 6, "hrnet_w18_ifwm": 6}
LEARNING_RATE = 1e-3
WARM_UP = 4


def tiles_and_masks(
    case: str, size: int, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return tiles (channels-last) and masks."""
    rng = np.random.default_rng(0)
    tiles = rng.standard_normal((batch_size, size, size, 3), "float32")
    side = -(-size // 32)
    areas = rng.integers(0, NUM_CLASSES[case], (batch_size, side, side))
    masks = areas.repeat(32, 1).repeat(32, 2)[:, :size, :size]
    return tiles, masks.astype("int32")


# === Plain PyTorch ===


def plain_network(case: str) -> tuple[Any, Callable[..., Any]]:
    """Return the network and its loss."""
    import torch

    from benchmarks import plain_pytorch
    from benchmarks.plain_pytorch.pfnet import loss_of

    num_classes = NUM_CLASSES[case]
    if case == "pfnet_r50":
        return plain_pytorch.PFNet(num_classes), loss_of

    def loss(logits, masks, edges):
        return torch.nn.functional.cross_entropy(
            logits, masks, ignore_index=255
        )

    network = plain_pytorch.HRNet(num_classes, ifwm=case.endswith("ifwm"))
    return network, loss


def plain(
    mode: str, case: str, work: str, size: int, batch_size: int, precision: str
) -> Callable[[], None]:
    """Return the function of a run."""
    import torch

    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network, loss_of = plain_network(case)
    network.to(device)
    if precision == "float32" and device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    tiles, masks = tiles_and_masks(case, size, batch_size)
    tiles = torch.tensor(tiles.transpose(0, 3, 1, 2)).to(device)
    masks = torch.tensor(masks).long().to(device)
    # The released scripts make them when reading; so they cost nothing.
    edges = (masks != masks.roll(1, 2)).float()
    if mode.endswith("channels_last"):
        network.to(memory_format=torch.channels_last)
        tiles = tiles.contiguous(memory_format=torch.channels_last)
    network.train(work == "step")
    called = torch.compile(network) if "compiled" in mode else network
    optimizer = torch.optim.SGD(
        network.parameters(), LEARNING_RATE, momentum=0.9, weight_decay=1e-4
    )
    cast = torch.autocast(
        device, torch.bfloat16, enabled=precision == "mixed_bfloat16"
    )

    @torch.no_grad()
    def forward():
        with cast:
            called(tiles).float().cpu()

    def step():
        optimizer.zero_grad()
        with cast:
            outputs = called(tiles)
            loss = loss_of(outputs, masks, edges)
        loss.backward()
        optimizer.step()
        loss.item()

    return {"forward": forward, "step": step}[work]


# === This package ===


def package_network(case: str) -> Any:
    """Return the same network of this package."""
    from keras_rsseg.models.hrnet.checkpoint import VARIANTS as HRNETS
    from keras_rsseg.models.pfnet.checkpoint import VARIANTS as PFNETS

    num_classes = NUM_CLASSES[case]
    if case == "pfnet_r50":
        return PFNETS[case].build(num_classes, preprocessor=None)
    variant = case.removesuffix("_ifwm")
    return HRNETS[variant].build(
        num_classes,
        align_corners=True,
        fusion="bilinear" if case == variant else "ifwm",
        preprocessor=None,
    )


def package(
    case: str, work: str, size: int, batch_size: int, precision: str
) -> Callable[[], Any]:
    """Return the function of a run."""
    import keras

    import keras_rsseg

    keras.config.set_dtype_policy(precision)
    if keras.backend.backend() == "torch" and work == "step":
        keras.config.set_image_data_format("channels_first")
    keras.utils.set_random_seed(0)
    model = package_network(case)
    tiles, masks = tiles_and_masks(case, size, batch_size)
    recipe = {"recipe": "paper"} if case == "pfnet_r50" else {}
    if work == "forward":
        model = keras_rsseg.optimize_for_inference(model, many_tiles=True)
        return lambda: np.asarray(model.predict_on_batch(tiles))
    model.compile(
        optimizer=keras.optimizers.SGD(LEARNING_RATE, momentum=0.9),
        metrics=[],
        **recipe,
    )
    return lambda: np.asarray(model.train_on_batch(tiles, masks))


# === Single operations ===


def operation(
    contender: str,
    case: str,
    work: str,
    size: int,
    batch_size: int,
    precision: str,
) -> Callable[[], None]:
    """Return the function of a run of a single operation."""
    import keras
    from keras import ops

    from benchmarks.compiled import forward_and_gradients

    if precision != "float32":
        raise ValueError(f"operations run in float32. Received: {precision}")
    plain = contender in PLAIN_MODES
    first = plain or keras.backend.backend() == "torch"
    tensors = [
        ops.convert_to_tensor(x.transpose(0, 3, 1, 2).copy() if first else x)
        for x in op_cases.arrays_of(case, size, batch_size)
    ]
    if plain:
        function = op_cases.plain_function(case)
        if "compiled" in contender:
            import torch

            function = torch.compile(function)
        if contender.endswith("channels_last"):
            import torch

            tensors = [
                x.contiguous(memory_format=torch.channels_last) for x in tensors
            ]
    else:
        layout = "channels_first" if first else "channels_last"
        function = op_cases.package_function(case, layout)
    runs = forward_and_gradients(function, *tensors)
    return runs[("forward", "step").index(work)]


# === The process ===


def limit_threads(threads: int) -> None:
    """Give all contenders the same number of cores."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    if "tensorflow" in sys.modules:
        threading = sys.modules["tensorflow"].config.threading
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)


def main() -> None:
    """Answer line by line."""
    told = json.loads(sys.argv[1])
    contender, threads = told.pop("contender"), told.pop("threads")
    is_plain = contender in PLAIN_MODES
    if is_plain:
        import torch  # noqa: F401
    else:
        import keras  # noqa: F401
    limit_threads(threads)
    if told["case"] in op_cases.CASES:
        run = operation(contender, **told)
    elif is_plain:
        run = plain(contender, **told)
    else:
        run = package(**told)
    begin = time.perf_counter()
    run()
    first = time.perf_counter() - begin
    # On torch a network is traced once a shape has come a few times.
    for _ in range(WARM_UP):
        run()
    answer(first=first)
    for _ in sys.stdin:
        begin = time.perf_counter()
        run()
        answer(seconds=time.perf_counter() - begin)
    answer(peak=peak_memory())


def peak_memory() -> float:
    """Return the MB of the device, or of the process on a CPU."""
    if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
        reserved = sys.modules["torch"].cuda.max_memory_allocated()
        if reserved:
            return reserved / 2**20
    if "jax" in sys.modules:
        stats = sys.modules["jax"].devices()[0].memory_stats()
        if stats:
            return stats["peak_bytes_in_use"] / 2**20
    # `getrusage` would count the memory of the process that started this one.
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return float("nan")


def answer(**facts: float) -> None:
    """Write a line, apart from the output of libraries."""
    print("\x1e" + json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
