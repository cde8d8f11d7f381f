"""Reading ahead and writing behind, each in a thread of its own."""

import collections
import contextlib
import threading

# Seconds between two looks at whether the other side is still there. A wait
# without an end could not be interrupted on Windows.
_PATIENCE = 1.0


class Channel:
    """Items on their way from one thread to another, a few at most.

    Args:
        size: number of items that wait, at most.
    """

    def __init__(self, size):
        self._size = size
        self._items = collections.deque()
        self._changed = threading.Condition()
        self._ended = False
        self._error = None
        self._closed = False

    def put(self, item):
        """Add an item, when there is room.

        Returns:
            Whether it will be taken: the channel is not closed.
        """
        with self._changed:
            while not self._closed and len(self._items) >= self._size:
                self._changed.wait(_PATIENCE)
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()
            return not self._closed

    def end(self, error=None):
        """Say that no item follows, and why if that is an error."""
        with self._changed:
            self._ended = True
            self._error = error
            self._changed.notify_all()

    def close(self):
        """Drop what waits, and take no more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self):
        """Yield items until the end; what it was an error is raised."""
        while True:
            with self._changed:
                while not (self._items or self._ended or self._closed):
                    self._changed.wait(_PATIENCE)
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
            # Not kept alive while the next one is waited for.
            del item
        if self._error is not None and not self._closed:
            raise self._error


@contextlib.contextmanager
def read_ahead(items, size):
    """Iterate in a thread of its own.

    An error of the iterable is raised after the items before it.

    Args:
        items: generator; it is only touched by the thread, and closed
            there.
        size: number of items that are held ready.

    Yields:
        An iterator over the items.
    """
    channel = Channel(size)

    def run():
        error = None
        try:
            with contextlib.closing(items):
                for item in items:
                    if not channel.put(item):
                        break
                    del item
        except BaseException as caught:
            error = caught
        channel.end(error)

    thread = threading.Thread(target=run, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield iter(channel)
    finally:
        channel.close()
        _join(thread)


@contextlib.contextmanager
def write_behind(consume, size):
    """Give items to a function that takes them in a thread of its own.

    The context is left when all items are done with. Where an error ends it,
    those that wait are still done with, unless it is an interrupt.

    Args:
        consume: callable that gets an iterator over the items.
        size: number of items that wait, at most.

    Yields:
        A function that takes an item, and raises what `consume` raised.
    """
    channel = Channel(size)
    errors = []

    def run():
        try:
            consume(iter(channel))
        except BaseException as caught:
            errors.append(caught)
        finally:
            channel.close()

    def put(item):
        if not channel.put(item):
            raise errors[0] if errors else RuntimeError("nothing is taken")

    thread = threading.Thread(target=run, name="write-behind", daemon=True)
    thread.start()
    try:
        yield put
        channel.end()
        _join(thread)
    except Exception:
        channel.end()
        _join(thread)
        raise
    finally:
        channel.close()
        _join(thread)
    if errors:
        raise errors[0]


def _join(thread):
    while thread.is_alive():
        thread.join(_PATIENCE)
