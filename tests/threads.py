"""The same work in several threads at once."""

import threading


def in_threads(function, count):
    """Call a function in each of `count` threads, and wait for all."""
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
