"""Threads: all items in order, errors in their place, no thread left."""

import os
import signal
import threading
import time

import pytest

from keras_rsseg.scenes.predicting.worker_threads import read_ahead
from keras_rsseg.scenes.predicting.worker_threads import write_behind


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    names = [thread.name for thread in threading.enumerate()]
    ours = ("read-ahead", "write-behind")
    assert not [name for name in names if name.startswith(ours)]


def numbers(count, fails=None, closed=None):
    try:
        for number in range(count):
            if number == fails:
                raise OSError("unreadable")
            yield number
    finally:
        if closed is not None:
            closed.append(threading.current_thread().name)


def test_items_come_in_their_order():
    with read_ahead(numbers(50), 3) as items:
        assert list(items) == list(range(50))


def test_no_more_than_wanted_is_read():
    """Memory would not be bounded."""
    read = []

    def watched():
        for number in range(50):
            read.append(number)
            yield number

    with read_ahead(watched(), 3) as items:
        for number in items:
            time.sleep(0.002)
            # This one, three that wait, and one that waits for space.
            assert len(read) <= number + 1 + 3 + 1


def test_an_error_comes_after_the_items_before_it():
    found = []
    with pytest.raises(OSError, match="unreadable"):
        with read_ahead(numbers(50, fails=7), 3) as items:
            list(items)
    with read_ahead(numbers(50, fails=7), 3) as items:
        with pytest.raises(OSError, match="unreadable"):
            for number in items:
                found.append(number)
    assert found == list(range(7))


def test_leaving_early_closes_the_generator_in_its_thread():
    closed = []
    with pytest.raises(KeyboardInterrupt):
        with read_ahead(numbers(10**9, closed=closed), 2) as items:
            next(items)
            raise KeyboardInterrupt
    (thread,) = closed
    assert thread.startswith("read-ahead")


def test_waiting_can_be_interrupted():
    # A shell's background jobs inherit that interrupts are ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def slow():
        yield 0
        while not stopped.wait(0.01):
            pass

    stopped = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        with read_ahead(slow(), 2) as items:
            next(items)
            interrupt = threading.Timer(
                0.1, os.kill, (os.getpid(), signal.SIGINT)
            )
            interrupt.start()
            try:
                next(items)
            finally:
                stopped.set()
                signal.signal(signal.SIGINT, before)


def test_all_is_written_before_the_end():
    written = []

    def consume(items):
        for item in items:
            time.sleep(0.001)
            written.append(item)

    with write_behind(consume, 2) as put:
        for number in range(30):
            put(number)
    assert written == list(range(30))


def test_what_fails_while_writing_is_raised():
    def consume(items):
        for item in items:
            if item == 3:
                raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        with write_behind(consume, 2) as put:
            for number in range(10**6):
                put(number)
    with pytest.raises(OSError, match="disk full"):
        with write_behind(consume, 9) as put:
            put(3)


@pytest.mark.parametrize(
    "error, all_written", [(ValueError, True), (KeyboardInterrupt, False)]
)
def test_an_error_leaves_nothing_unwritten_an_interrupt_may(error, all_written):
    written = []
    first = threading.Event()

    def consume(items):
        for item in items:
            first.wait()
            written.append(item)

    with pytest.raises(error):
        with write_behind(consume, 9) as put:
            for number in range(5):
                put(number)
            threading.Timer(0.05, first.set).start()
            raise error
    assert (written == list(range(5))) == all_written
