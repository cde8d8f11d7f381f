"""Read ahead and write behind, each in a thread of its own."""

import contextlib
import queue
import threading
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait
from typing import Any

# Seconds after which a wait is restarted: an endless one could not be
# interrupted on Windows.
_PATIENCE = 1.0


@contextlib.contextmanager
def read_ahead(
    items: Generator[Any, None, None], size: int
) -> Iterator[Iterator[Any]]:
    """Iterate in a thread of its own.

    An error of the generator is raised after the items before it.

    Args:
        items: generator; only the thread uses and closes it.
        size: number of items to hold ready.

    Yields:
        An iterator over the items.
    """
    ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
    room, left = threading.Semaphore(size), threading.Event()

    def read() -> None:
        with contextlib.closing(items):
            for item in items:
                room.acquire()
                if left.is_set():
                    break
                ready.put(item)
                # Not to be kept alive while the next one is made.
                del item

    with ThreadPoolExecutor(1, "read-ahead") as pool:
        reader = pool.submit(read)
        reader.add_done_callback(ready.put)
        try:
            yield _taken(ready, room)
        finally:
            left.set()
            room.release()
            _wait(reader)


@contextlib.contextmanager
def write_behind(
    consume: Callable[[Iterator[Any]], None], size: int
) -> Iterator[Callable[[Any], None]]:
    """Pass items to a function that runs in a thread of its own.

    Leaving the context waits until all items are processed. After an error,
    waiting items are still processed, unless it is an interrupt.

    Args:
        consume: callable that gets an iterator over the items.
        size: maximum number of waiting items.

    Yields:
        A function that takes an item, and raises what `consume` raised.
    """
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    room = threading.Semaphore(size)
    end: Future[None] = Future()
    end.set_result(None)

    def put(item: Any) -> None:
        while not room.acquire(timeout=_PATIENCE):
            pass
        if writer.done():
            room.release()
            writer.result()
            raise RuntimeError("The writer accepts no more items")
        waiting.put(item)

    with ThreadPoolExecutor(1, "write-behind") as pool:
        writer = pool.submit(consume, _taken(waiting, room))
        writer.add_done_callback(lambda _: room.release())
        try:
            yield put
        except (KeyboardInterrupt, SystemExit):
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.get_nowait()
            raise
        finally:
            waiting.put(end)
            _wait(writer)
        writer.result()


def _taken(
    items: queue.SimpleQueue[Any], room: threading.Semaphore
) -> Iterator[Any]:
    """Take items until a future comes; its error is raised."""
    while True:
        try:
            item = items.get(timeout=_PATIENCE)
        except queue.Empty:
            continue
        if isinstance(item, Future):
            return item.result()
        room.release()
        yield item
        del item


def _wait(future: Future[None]) -> None:
    while not future.done():
        wait([future], timeout=_PATIENCE)
