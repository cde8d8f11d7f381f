"""A Hugging Face Hub on loopback, for the real client.

Standard library only. It answers the requests of `huggingface_hub` for uploads
to and downloads from a model repository, and can be told to fail.
"""

import contextlib
import dataclasses
import http.server
import json
import re
import threading

from tests.hub.hub_requests import Handler
from tests.hub.hub_storage import HubStorage
from tests.hub.hub_storage import Repository


@dataclasses.dataclass
class Fault:
    """What goes wrong, where and how often.

    Args:
        method: HTTP method.
        path: regular expression, searched in the path.
        kind: an HTTP status, `"truncate"` (half of the answer, then the end
            of the connection) or `"drop"` (its end without an answer).
        times: how often; `None` for always.
        headers: dict, headers of the answer.
    """

    method: str
    path: str
    kind: int | str
    times: int | None = None
    headers: dict = dataclasses.field(default_factory=dict)

    def strikes(self, method, path):
        """Return whether it is this request's turn."""
        if method != self.method or not re.search(self.path, path):
            return False
        if self.times is not None:
            self.times -= 1
        return self.times is None or self.times >= 0


class LocalHub:
    """The server.

    Args:
        folder: a new folder for contents.
        mode: how files are stored: `"inline"` (all in the commit), `"lfs"`
            or `"xet"` (weights apart from it).

    Attributes:
        mode: can be changed between uploads.
        writers: dict of token to the set of namespaces it may write to.
        faults: list of `Fault`.
        requests: list of received `(method, path)`.
        storage: `HubStorage`.
    """

    def __init__(self, folder, mode="inline"):
        self.mode = mode
        self.storage = HubStorage(folder)
        self.writers = {}
        self.faults = []
        self.requests = []
        self._server = None

    @property
    def endpoint(self):
        host, port = self._server.server_address
        return f"http://{host}:{port}"

    def __enter__(self):
        handler = type("Handler", (Handler,), {"hub": self})
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), handler
        )
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()

    def clear(self):
        """Forget all repositories, faults and requests."""
        self.storage.clear()
        self.faults.clear()
        self.requests.clear()
        self.mode = "inline"

    @contextlib.contextmanager
    def failing(self, *faults):
        """Make the server fail within the `with` block."""
        self.faults = list(faults)
        try:
            yield
        finally:
            self.faults = []

    def files(self, name, revision="main"):
        """Return a dict of path to `StoredFile` of a repository."""
        repository = self.storage.repositories[name]
        return repository.commits[repository.resolve(revision)]

    def put(self, name, folder, private=False):
        """Publish a folder's files without a client."""
        repository = Repository(private)
        self.storage.repositories[name] = repository
        lines = []
        for path in sorted(folder.iterdir()):
            oid = self.storage.add_blob(path.read_bytes())
            value = {"path": path.name, "oid": oid, "size": path.stat().st_size}
            lines.append(json.dumps({"key": "lfsFile", "value": value}))
        return self.storage.apply(name, "main", "\n".join(lines).encode())
