"""Torch programs compute the same as their functions, with fewer operations."""

import keras
import numpy as np
import pytest

from keras_rsseg.ops.torch_program import torch_program

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="is about torch"
)
about_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or torch.cuda.is_available(),
    reason="is about oneDNN",
)
conv2d, relu = torch.nn.functional.conv2d, torch.nn.functional.relu


def tensors(*shapes):
    rng = np.random.default_rng(0)
    return [torch.tensor(rng.normal(size=s).astype("float32")) for s in shapes]


X, KERNEL, BIAS = tensors((2, 4, 9, 7), (4, 4, 3, 3), (4,))


def residual(x):
    y = relu(conv2d(x, KERNEL, BIAS, padding=1))
    return relu(conv2d(y, KERNEL, BIAS, padding=1) + x)


def residual_the_other_way(x):
    return relu(x + conv2d(x, KERNEL, padding=2, dilation=2))


def chain_of_residuals(x):
    """The second sum can replace the first block's result."""
    return residual(residual(x))


def sum_with_its_own_input(x):
    y = relu(conv2d(x, KERNEL, BIAS, padding=1))
    return relu(conv2d(y, KERNEL, BIAS, padding=1) + y)


def sum_that_is_read_again(x):
    y = residual(x)
    return residual(y) - y


def sum_seen_through_a_view(x):
    y = relu(conv2d(x, KERNEL, BIAS, padding=1))
    rows = y[:, :, 1:]
    return relu(conv2d(x, KERNEL, padding=1) + y)[:, :, 1:] - rows


def strides_and_groups(x):
    y = conv2d(x, KERNEL[:, :2], BIAS, stride=2, padding=1, groups=2)
    return relu(y) - y


def broadcast(x):
    """The sum has another shape than the convolved map."""
    row = conv2d(x, KERNEL[:, :, :1, :1])[:, :, :1]
    return relu(conv2d(row, KERNEL, padding=1) + x)


def twice(x):
    y = conv2d(x, KERNEL, padding=1)
    return relu(y + y)


def made_kernel(x):
    """The kernel depends on the input, and some constants come in lists."""
    first, second = KERNEL.split(2, dim=0)
    kernel = torch.cat([second, first]) * x.mean()
    return conv2d(x, kernel, BIAS * 2)


def in_place(x):
    y = conv2d(x, KERNEL)
    y[:, 0] = 0.0
    return relu(y)


def bilinear(x):
    return torch.nn.functional.interpolate(x, (5, 6), mode="bilinear")


def targets(program):
    return [
        str(node.target)
        for node in program.graph.nodes
        if node.op == "call_function"
    ]


@pytest.mark.parametrize(
    "function",
    [
        residual,
        residual_the_other_way,
        chain_of_residuals,
        sum_with_its_own_input,
        sum_that_is_read_again,
        sum_seen_through_a_view,
        strides_and_groups,
        broadcast,
        twice,
        made_kernel,
        in_place,
        bilinear,
    ],
)
@pytest.mark.parametrize("last", [False, True], ids=["rows", "channels_last"])
def test_it_answers_the_same(function, last):
    x = X.contiguous(
        memory_format=torch.channels_last if last else torch.contiguous_format
    )
    with torch.no_grad():
        program = torch_program(function, x)
        for example in (x, 2 * x - 1):
            torch.testing.assert_close(
                program(example), function(example), rtol=2e-5, atol=2e-5
            )


@about_onednn
def test_sums_and_relus_are_joined_with_their_convolutions():
    with torch.no_grad():
        program = torch_program(residual, X)
    assert targets(program) == [
        "mkldnn._convolution_pointwise.default",
        "mkldnn._convolution_pointwise.binary",
    ]


@about_onednn
def test_a_sum_is_written_over_the_summand_that_is_not_needed_again():
    with torch.no_grad():
        chain = torch_program(chain_of_residuals, X)
        read_again = torch_program(sum_that_is_read_again, X)
    assert targets(chain)[-1] == "mkldnn._convolution_pointwise_.binary"
    assert "mkldnn._convolution_pointwise_.binary" not in targets(read_again)


def test_what_depends_on_no_input_is_computed_once():
    def function(x):
        table = torch.arange(4.0).reshape(1, 4, 1, 1) * 2 + 1
        first, second = table.split(2, dim=1)
        return x * torch.cat([second, first], dim=1)

    with torch.no_grad():
        program = torch_program(function, X)
        torch.testing.assert_close(program(X), function(X))
    assert targets(program) == ["aten.mul.Tensor"]


def test_other_types_of_numbers():
    def function(x):
        return relu(conv2d(x, KERNEL.to(x.dtype), padding=1))

    x = X.to(torch.bfloat16)
    with torch.no_grad():
        torch.testing.assert_close(torch_program(function, x)(x), function(x))


def test_what_is_random_stays_so():
    def function(x):
        return x + torch.rand(1)

    with torch.no_grad():
        program = torch_program(function, X)
        assert (program(X) != program(X)).all()
