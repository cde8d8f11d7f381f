"""The local Hub's answers, as far as its client asks."""

import http.server
import json
import re
import time
import urllib.parse

from tests.hub.hub_storage import Repository

LICENCES = {"apache-2.0", "mit", "cc-by-4.0", "cc0-1.0", "other"}


class _Refusal(Exception):
    def __init__(self, status, message, code=None, content=None):
        self.status = status
        self.content = content
        self.headers = {"X-Error-Message": message}
        if code:
            self.headers["X-Error-Code"] = code


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request.

    Attributes:
        hub: `tests.hub.local_hub.LocalHub`, set in a subclass.
    """

    protocol_version = "HTTP/1.1"
    hub = None

    def log_message(self, *args):
        pass

    def _handle(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        self.hub.requests.append((self.command, path))
        fault = next(
            (f for f in self.hub.faults if f.strikes(self.command, path)), None
        )
        if fault and fault.kind == "drop":
            self.close_connection = True
            return
        body = self._body()
        self._truncate = bool(fault) and fault.kind == "truncate"
        if fault and not self._truncate:
            return self._answer(fault.kind, {}, fault.headers)
        try:
            for method, pattern, respond in _ROUTES:
                match = re.fullmatch(pattern, path)
                if match and method == self.command.replace("HEAD", "GET"):
                    return respond(self, body, **match.groupdict())
            raise _Refusal(404, f"no route for {self.command} {path}")
        except _Refusal as refusal:
            self._answer(refusal.status, refusal.content, refusal.headers)

    do_GET = do_HEAD = do_POST = do_PUT = _handle

    def _body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status, content=None, headers=()):
        if not isinstance(content, bytes):
            content = json.dumps({} if content is None else content).encode()
        self.send_response(status)
        for name, value in {**dict(headers)}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self._truncate:
            content = content[: len(content) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(content)

    # === Who may do what ===

    def _token(self):
        header = self.headers.get("Authorization", "")
        return header.removeprefix("Bearer ")

    def _check_writer(self, name):
        if self._token() not in self.hub.writers:
            raise _Refusal(401, "Invalid credentials in Authorization header")
        namespace = name.partition("/")[0]
        if namespace not in self.hub.writers[self._token()]:
            raise _Refusal(
                403, f"You don't have the rights to write to {namespace}"
            )

    def _repository(self, name):
        """Find a repository, hidden from users who cannot read it."""
        repository = self.hub.storage.repositories.get(name)
        known = self._token() in self.hub.writers
        if repository is None or (repository.private and not known):
            raise _Refusal(
                404 if known else 401, "Repository not found", "RepoNotFound"
            )
        return repository

    def _commit(self, name, revision):
        repository = self._repository(name)
        oid = repository.resolve(revision)
        if oid is None:
            raise _Refusal(
                404, f"Invalid rev id: {revision}", "RevisionNotFound"
            )
        return oid, repository.commits[oid]

    # === Reading ===

    def _info(self, body, name, revision="main"):
        oid, files = self._commit(name, revision)
        info = {
            "id": name,
            "sha": oid,
            "private": self._repository(name).private,
            "siblings": [{"rfilename": path} for path in files],
        }
        self._answer(200, info)

    def _tree(self, body, name, revision):
        _, files = self._commit(name, revision)
        entries = []
        for path, file in files.items():
            entry = {
                "type": "file",
                "path": path,
                "size": file.size,
                "oid": file.git_sha1,
            }
            if file.large:
                entry["lfs"] = {
                    "oid": file.sha256,
                    "size": file.size,
                    "pointerSize": 135,
                }
                xet_hash = self.hub.storage.xet_hashes().get(file.sha256)
                if xet_hash:
                    entry["xetHash"] = xet_hash
            entries.append(entry)
        self._answer(200, entries)

    def _resolve(self, body, name, revision, path):
        oid, files = self._commit(name, revision)
        if path not in files:
            raise _Refusal(404, "Entry not found", "EntryNotFound")
        file = files[path]
        headers = {"X-Repo-Commit": oid, "ETag": f'"{file.etag}"'}
        if file.large:
            headers["X-Linked-ETag"] = f'"{file.etag}"'
            headers["X-Linked-Size"] = str(file.size)
        xet_hash = self.hub.storage.xet_hashes().get(file.sha256)
        if xet_hash:
            token = f"/api/models/{name}/xet-read-token/{oid}"
            headers["X-Xet-Hash"] = xet_hash
            headers["X-Xet-Refresh-Route"] = self.hub.endpoint + token
            return self._answer(200, b"", headers)
        content = self.hub.storage.blob(file.sha256).read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked:
            start = int(asked[1])
            headers["Content-Range"] = (
                f"bytes {start}-{len(content) - 1}/{len(content)}"
            )
            return self._answer(206, content[start:], headers)
        self._answer(200, content, headers)

    # === Writing ===

    def _create(self, body):
        asked = json.loads(body)
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        self._check_writer(name)
        answer = {"url": f"{self.hub.endpoint}/{name}", "id": name}
        if name in self.hub.storage.repositories:
            message = "You already created this model repo"
            raise _Refusal(409, message, content=answer)
        private = bool(asked.get("private"))
        private |= asked.get("visibility") == "private"
        self.hub.storage.repositories[name] = Repository(private)
        self._answer(200, answer)

    def _branch(self, body, name, branch):
        self._check_writer(name)
        repository = self._repository(name)
        if branch in repository.branches:
            raise _Refusal(409, "Reference already exists")
        repository.commit(
            branch, repository.commits[repository.resolve("main")]
        )
        self._answer(201)

    def _validate(self, body):
        content = json.loads(body)["content"]
        front = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        licence = front and re.search(
            r"^license: (\S+)$", front[1], re.MULTILINE
        )
        errors = []
        if not front:
            errors.append({"message": "empty or missing yaml metadata"})
        elif not licence or licence[1] not in LICENCES:
            errors.append({"message": '"license" must be one of [...]'})
        self._answer(400 if errors else 200, {"errors": errors, "warnings": []})

    def _preupload(self, body, name, revision):
        self._check_writer(name)
        _, present = self._commit(name, revision)
        answer = []
        for file in json.loads(body)["files"]:
            path = file["path"]
            large = self.hub.mode != "inline" and path.endswith(".h5")
            answer.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if large else "regular",
                    "shouldIgnore": False,
                    "oid": present[path].etag if path in present else None,
                }
            )
        self._answer(200, {"files": answer})

    def _batch(self, body, name):
        self._check_writer(name)
        answer = []
        for item in json.loads(body)["objects"]:
            entry = {"oid": item["oid"], "size": item["size"]}
            if not self.hub.storage.blob(item["oid"]).exists():
                place = f"{self.hub.endpoint}/lfs/{item['oid']}"
                entry["actions"] = {
                    "upload": {"href": place, "header": {}},
                    "verify": {"href": f"{place}/verify", "header": {}},
                }
            answer.append(entry)
        self._answer(200, {"transfer": "basic", "objects": answer})

    def _store(self, body, oid):
        if self.hub.storage.add_blob(body) != oid:
            raise _Refusal(400, "The content has another checksum")
        self._answer(200)

    def _verify(self, body, oid):
        if not self.hub.storage.blob(oid).exists():
            raise _Refusal(404, "The content never arrived")
        self._answer(200)

    def _xet_token(self, body, name, kind, revision):
        if kind == "write":
            self._check_writer(name)
        self._repository(name)
        place = f"local://{self.hub.storage.folder / 'cas'}"
        expires = int(time.time()) + 3600
        headers = {
            "X-Xet-Cas-Url": place,
            "X-Xet-Access-Token": "token",
            "X-Xet-Token-Expiration": str(expires),
        }
        answer = {"casUrl": place, "accessToken": "token", "exp": expires}
        self._answer(200, answer, headers)

    def _make_commit(self, body, name, revision):
        self._check_writer(name)
        self._commit(name, revision)
        oid = self.hub.storage.apply(name, revision, body)
        if oid is None:
            raise _Refusal(400, "A large file of the commit never arrived")
        url = f"{self.hub.endpoint}/{name}/commit/{oid}"
        self._answer(200, {"commitUrl": url, "commitOid": oid})


_NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
_MODELS = f"/api/models/{_NAME}"
_REVISION = r"(?P<revision>.+)"
_OID = r"(?P<oid>[0-9a-f]{64})"
_ROUTES = (
    ("POST", "/api/repos/create", Handler._create),
    ("POST", "/api/validate-yaml", Handler._validate),
    ("GET", _MODELS, Handler._info),
    ("GET", f"{_MODELS}/revision/{_REVISION}", Handler._info),
    ("GET", f"{_MODELS}/tree/{_REVISION}", Handler._tree),
    (
        "GET",
        f"{_MODELS}/xet-(?P<kind>read|write)-token/{_REVISION}",
        Handler._xet_token,
    ),
    ("POST", f"{_MODELS}/branch/(?P<branch>.+)", Handler._branch),
    ("POST", f"{_MODELS}/preupload/{_REVISION}", Handler._preupload),
    ("POST", f"{_MODELS}/commit/{_REVISION}", Handler._make_commit),
    ("POST", f"/{_NAME}.git/info/lfs/objects/batch", Handler._batch),
    ("PUT", f"/lfs/{_OID}", Handler._store),
    ("POST", f"/lfs/{_OID}/verify", Handler._verify),
    (
        "GET",
        f"/{_NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)",
        Handler._resolve,
    ),
)
