"""Repositories of the local Hub: commits in memory, contents in a folder."""

import base64
import dataclasses
import hashlib
import itertools
import json
import pathlib
import struct


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """A file of a commit; its content is found by its SHA-256."""

    sha256: str
    git_sha1: str
    size: int
    large: bool

    @property
    def etag(self):
        return self.sha256 if self.large else self.git_sha1


class Repository:
    """Branches, each a list of commits, each a dict of path to file."""

    def __init__(self, private):
        self.private = private
        self.commits = {}
        self.branches = {}
        self._counter = itertools.count()
        self.commit("main", {})

    def commit(self, branch, files):
        content = f"{next(self._counter)} {branch} {sorted(files)}"
        oid = hashlib.sha1(content.encode()).hexdigest()
        self.commits[oid] = files
        self.branches[branch] = oid
        return oid

    def resolve(self, revision):
        """Return the commit named by a branch or a commit id."""
        return self.branches.get(
            revision, revision if revision in self.commits else None
        )


class HubStorage:
    """The content of a Hub.

    Args:
        folder: where contents are kept.
    """

    def __init__(self, folder):
        self._root = pathlib.Path(folder)
        self._counter = itertools.count()
        self.clear()

    def clear(self):
        """Forget everything, including contents."""
        self.repositories = {}
        self.folder = self._root / str(next(self._counter))
        (self.folder / "blobs").mkdir(parents=True)
        (self.folder / "cas").mkdir()

    def blob(self, sha256):
        return self.folder / "blobs" / sha256

    def add_blob(self, content):
        sha256 = hashlib.sha256(content).hexdigest()
        self.blob(sha256).write_bytes(content)
        return sha256

    def apply(self, name, branch, lines):
        """Make a commit of the operations that a client has sent.

        Args:
            name: `org/name`.
            branch: name of the branch.
            lines: bytes, one JSON object per line.

        Returns:
            The commit's id, or `None` if a large file never arrived.
        """
        repository = self.repositories[name]
        files = dict(repository.commits[repository.resolve(branch)])
        for line in lines.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                content = base64.b64decode(value["content"])
                files[value["path"]] = StoredFile(
                    self.add_blob(content),
                    git_sha1(content),
                    len(content),
                    False,
                )
            elif operation["key"] == "lfsFile":
                oid = value["oid"]
                if not self.has_content(oid):
                    return None
                pointer = git_sha1(oid.encode())
                files[value["path"]] = StoredFile(
                    oid, pointer, value["size"], True
                )
            elif operation["key"] == "deletedFile":
                del files[value["path"]]
        return repository.commit(branch, files)

    def has_content(self, sha256):
        return self.blob(sha256).exists() or sha256 in self.xet_hashes()

    def xet_hashes(self):
        """Return a dict of SHA-256 to Xet's own hash of all stored files."""
        hashes = {}
        for shard in (self.folder / "cas").rglob("*.mdb"):
            hashes.update(read_shard(shard.read_bytes()))
        return hashes


def git_sha1(content):
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content).hexdigest()


def read_shard(content):
    """Read the files that a shard of Xet's storage lists.

    A header of 48 bytes; then for each file an entry with its hash, flags and
    number of segments, that many segments, as many verifications (bit 31),
    and its SHA-256 (bit 30); every entry is 48 bytes.

    Returns:
        dict of SHA-256 to hash, both in hexadecimal digits.
    """
    found, at = {}, 48
    while content[at : at + 32] != b"\xff" * 32:
        flags, segments = struct.unpack_from("<II", content, at + 32)
        name = _xet_hex(content[at : at + 32])
        at += 48 * (1 + segments * (2 if flags >> 31 else 1))
        if flags >> 30 & 1:
            found[_xet_hex(content[at : at + 32])] = name
            at += 48
    return found


def _xet_hex(digest):
    # Xet writes all digests as four numbers, the least byte of each first.
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))
