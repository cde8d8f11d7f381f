"""Reading a checkpoint: the same arrays from every format, and no code run."""

import io
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from keras_rsseg.errors import CheckpointError
from weights import checkpoint
from weights.checkpoint import read_checkpoint


@pytest.fixture
def state():
    rng = np.random.default_rng(0)
    return {
        "conv1.weight": rng.standard_normal((4, 3, 2, 2)).astype("float32"),
        "bn1.running_var": rng.uniform(size=4).astype("float32"),
    }


def assert_state(actual, expected):
    assert list(actual) == list(expected)
    for name, value in expected.items():
        assert actual[name].dtype == np.float32
        np.testing.assert_array_equal(actual[name], value)


def to_torch(state, prefix="module."):
    torch = pytest.importorskip("torch")
    tensors = {prefix + k: torch.from_numpy(v) for k, v in state.items()}
    counter = torch.tensor(7, dtype=torch.int64)
    return {**tensors, f"{prefix}bn1.num_batches_tracked": counter}


class TestFormats:
    def test_npz(self, state, tmp_path):
        counter = {"bn1.num_batches_tracked": np.array(7)}
        np.savez(tmp_path / "a.npz", **state, **counter)
        assert_state(read_checkpoint(tmp_path / "a.npz"), state)

    def test_safetensors(self, state, tmp_path):
        save_file = pytest.importorskip("safetensors.numpy").save_file
        names = {f"module.{name}": value for name, value in state.items()}
        save_file(names, tmp_path / "a.safetensors")
        read = read_checkpoint(tmp_path / "a.safetensors")
        assert_state(dict(sorted(read.items(), reverse=True)), state)

    @pytest.mark.parametrize("suffix", [".pth", ".pt"])
    def test_plain_state_dict(self, state, tmp_path, suffix):
        torch = pytest.importorskip("torch")
        path = tmp_path / f"a{suffix}"
        torch.save(to_torch(state, prefix=""), path)
        assert_state(read_checkpoint(path), state)

    @pytest.mark.parametrize("new_format", [True, False])
    def test_training_checkpoint(self, state, tmp_path, new_format):
        # The released files have a NumPy scalar as their score and PyTorch
        # 1.5's format, which is not a zip file.
        torch = pytest.importorskip("torch")
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
        torch.save(
            {
                "state_dict": to_torch(state),
                "optimizer": optimizer.state_dict(),
                "epoch": 15,
                "mean_iu": np.float64(0.669),
                "command": "train.py --ohem",
            },
            tmp_path / "a.pth",
            _use_new_zipfile_serialization=new_format,
        )
        assert_state(read_checkpoint(tmp_path / "a.pth"), state)

    def test_scalar_of_an_older_numpy(self, state, tmp_path):
        # NumPy before 2.0 named its modules numpy.core. The length of the
        # name is not in the pickle, so the text can be replaced.
        torch = pytest.importorskip("torch")
        path = tmp_path / "a.pth"
        content = {"state_dict": to_torch(state), "mean_iu": np.float64(0.6)}
        torch.save(content, path, _use_new_zipfile_serialization=False)
        data = path.read_bytes()
        assert b"numpy._core.multiarray" in data
        path.write_bytes(data.replace(b"numpy._core.", b"numpy.core."))
        assert_state(read_checkpoint(path), state)

    @pytest.mark.parametrize("new_format", [True, False])
    def test_logs_of_mmengine(self, state, tmp_path, new_format, monkeypatch):
        torch = pytest.importorskip("torch")
        name = "mmengine.logging.history_buffer"
        module = types.ModuleType(name)
        for parent in ("mmengine", "mmengine.logging", name):
            monkeypatch.setitem(sys.modules, parent, module)
        module.HistoryBuffer = type(
            "HistoryBuffer", (), {"__module__": name, "__slots__": ("log",)}
        )
        buffer = module.HistoryBuffer()
        buffer.log = np.arange(3.0)
        torch.save(
            {
                "meta": {"dataset_meta": {"classes": ("a", "b")}},
                "message_hub": {"log_scalars": {"train/loss": buffer}},
                "state_dict": to_torch(state),
            },
            tmp_path / "a.pth",
            _use_new_zipfile_serialization=new_format,
        )
        assert_state(read_checkpoint(tmp_path / "a.pth"), state)

    def test_the_wrapper_of_other_scripts(self, state, tmp_path):
        torch = pytest.importorskip("torch")
        content = {"model": to_torch(state, "module."), "global_step": 60000}
        torch.save(content, tmp_path / "a.pth")
        assert_state(read_checkpoint(tmp_path / "a.pth"), state)

    def test_half_precision_becomes_float32(self, tmp_path):
        torch = pytest.importorskip("torch")
        tensor = torch.tensor([1.5, -2.0])
        torch.save(
            {"a": tensor.bfloat16(), "b": tensor.half()}, tmp_path / "a.pt"
        )
        expected = np.array([1.5, -2.0], "float32")
        assert_state(
            read_checkpoint(tmp_path / "a.pt"), {"a": expected, "b": expected}
        )


class Payload:
    """Runs a command when it is unpickled in the usual way."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


class TestRefusals:
    @pytest.mark.parametrize("new_format", [True, False])
    def test_malicious_pickle_runs_nothing(self, state, tmp_path, new_format):
        torch = pytest.importorskip("torch")
        marker = tmp_path / "ran"
        torch.save(
            {**to_torch(state), "extra": Payload(marker)},
            tmp_path / "a.pth",
            _use_new_zipfile_serialization=new_format,
        )
        with pytest.raises(CheckpointError, match="was refused.*was run"):
            read_checkpoint(tmp_path / "a.pth")
        assert not marker.exists()
        # The same file does run under a full unpickler: the test can fail.
        torch.load(tmp_path / "a.pth", weights_only=False)
        assert marker.exists()

    def test_pickled_array_in_npz_runs_nothing(self, tmp_path):
        marker = tmp_path / "ran"
        objects = np.array([Payload(marker)], dtype=object)
        np.savez(tmp_path / "a.npz", weight=objects)
        with pytest.raises(CheckpointError, match="a.npz"):
            read_checkpoint(tmp_path / "a.npz")
        assert not marker.exists()

    def test_allowed_names_do_not_outlive_the_call(self, state, tmp_path):
        torch = pytest.importorskip("torch")
        torch.save({"state_dict": to_torch(state)}, tmp_path / "a.pth")
        before = torch.serialization.get_safe_globals()
        read_checkpoint(tmp_path / "a.pth")
        after = torch.serialization.get_safe_globals()
        # torch keeps a set, whose order changes from process to process.
        assert sorted(map(repr, after)) == sorted(map(repr, before))

    def test_objects_beside_tensors(self, state, tmp_path):
        torch = pytest.importorskip("torch")
        torch.save({**to_torch(state), "epoch": 3}, tmp_path / "a.pth")
        with pytest.raises(CheckpointError, match="'epoch': int"):
            read_checkpoint(tmp_path / "a.pth")

    def test_no_tensors(self, tmp_path):
        np.savez(tmp_path / "a.npz")
        with pytest.raises(CheckpointError, match="a.npz holds no tensors"):
            read_checkpoint(tmp_path / "a.npz")

    def test_text_array(self, tmp_path):
        np.savez(tmp_path / "a.npz", weight=np.array(["no"]))
        with pytest.raises(CheckpointError, match="'weight' with dtype <U2"):
            read_checkpoint(tmp_path / "a.npz")

    def test_name_with_and_without_wrapper(self, tmp_path):
        arrays = {"a": np.zeros(1), "module.a": np.ones(1)}
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(CheckpointError, match="'a' twice"):
            read_checkpoint(tmp_path / "a.npz")

    def test_unknown_suffix(self, tmp_path):
        path = tmp_path / "a.ckpt"
        path.write_bytes(pickle.dumps({}))
        with pytest.raises(CheckpointError, match=r"a.ckpt.*\.safetensors"):
            read_checkpoint(path)

    def test_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nowhere.npz"):
            read_checkpoint(tmp_path / "nowhere.npz")


def npz(path, header, data=b"", compression=zipfile.ZIP_STORED):
    """Write an archive of one array with an arbitrary header."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a.npy", file.getvalue() + data)


class TestHarm:
    """Malicious files: one line each, and nothing is unpacked."""

    def refused(self, path, words):
        with pytest.raises(CheckpointError, match=words) as error:
            read_checkpoint(path)
        message = str(error.value)
        assert path.name in message and "\n" not in message
        return message

    def header(self, *shape):
        return {"descr": "<f4", "fortran_order": False, "shape": shape}

    @pytest.mark.parametrize("suffix", ["npz", "pth"])
    def test_bomb(self, tmp_path, suffix, monkeypatch):
        monkeypatch.setattr(checkpoint, "_SLACK", 1 << 20)
        path = tmp_path / f"a.{suffix}"
        zeros = bytes(4_000_000)
        npz(path, self.header(10**6), zeros, zipfile.ZIP_DEFLATED)
        if suffix == "pth":
            pytest.importorskip("torch")
        self.refused(path, "unpacks from .* to 4,000,128 bytes")

    @pytest.mark.parametrize("shape", [(1 << 50,), (1 << 40, 1 << 40), (-1,)])
    def test_header_that_promises_too_much(self, tmp_path, shape):
        npz(tmp_path / "a.npz", self.header(*shape), bytes(8))
        self.refused(tmp_path / "a.npz", "'a' states the shape")

    def test_header_that_is_code(self, tmp_path):
        text = b"__import__('os').mkdir('ran')".ljust(117) + b"\n"
        head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("a.npy", head + text)
        self.refused(tmp_path / "a.npz", "cannot be read")

    @pytest.mark.parametrize(
        "make, words",
        [
            (lambda t: {1: t.zeros(2)}, "1: Tensor"),
            (lambda t: {("a", 1): t.zeros(2)}, "Tensor"),
            (lambda t: {"a": t.zeros(2, 2).to_sparse()}, "sparse_coo"),
            (lambda t: {"a": t.zeros(2, 2).to_sparse_csr()}, "sparse_csr"),
            (lambda t: {"a": t.zeros(2, dtype=t.complex64)}, "complex64"),
            (lambda t: {"a": t.empty(2, device="meta")}, "meta"),
            (
                lambda t: {"a": t.zeros(2).as_strided((1 << 34,), (0,))},
                "states the shape",
            ),
        ],
    )
    @pytest.mark.filterwarnings("ignore:Sparse")
    def test_tensors_that_are_no_weights(self, tmp_path, make, words):
        torch = pytest.importorskip("torch")
        torch.save(make(torch), tmp_path / "a.pth")
        self.refused(tmp_path / "a.pth", words)

    @pytest.mark.parametrize("new_format", [True, False])
    def test_advice_to_load_unsafely_is_not_repeated(
        self, tmp_path, new_format
    ):
        torch = pytest.importorskip("torch")
        torch.save(
            {"a": Payload(tmp_path / "ran")},
            tmp_path / "a.pth",
            _use_new_zipfile_serialization=new_format,
        )
        message = self.refused(tmp_path / "a.pth", "was refused")
        for word in ("weights_only", "trust", "torch.load", "safe_globals"):
            assert word not in message
        assert "posix.mkdir" in message
        (tmp_path / "a.pth").write_bytes(b"<html>404</html>" * 90)
        message = self.refused(tmp_path / "a.pth", "cannot be read")
        assert "weights_only" not in message and "trust" not in message


class TestDamage:
    """Whatever part of a file arrives, the error names the file."""

    def write(self, path, state):
        if path.suffix == ".npz":
            np.savez(path, **state)
        elif path.suffix == ".safetensors":
            pytest.importorskip("safetensors.numpy").save_file(state, path)
        else:
            torch = pytest.importorskip("torch")
            legacy = path.stem == "legacy"
            torch.save(
                to_torch(state), path, _use_new_zipfile_serialization=not legacy
            )
        return path.read_bytes()

    @pytest.mark.parametrize(
        "name", ["a.npz", "a.safetensors", "a.pth", "legacy.pth"]
    )
    @pytest.mark.parametrize("kept", [0, 1, 10, 0.3, 0.6, 0.9, -1])
    def test_truncated(self, state, tmp_path, name, kept):
        path = tmp_path / name
        data = self.write(path, state)
        end = int(len(data) * kept) if isinstance(kept, float) else kept
        path.write_bytes(data[:end])
        with pytest.raises(CheckpointError, match=name):
            read_checkpoint(path)

    @pytest.mark.parametrize("name", ["a.npz", "a.safetensors", "a.pth"])
    def test_another_kind_of_file(self, tmp_path, name):
        if name.endswith(".pth"):
            pytest.importorskip("torch")
        path = tmp_path / name
        path.write_bytes(b"<!DOCTYPE html><title>404</title>" * 50)
        with pytest.raises(CheckpointError, match=name):
            read_checkpoint(path)
