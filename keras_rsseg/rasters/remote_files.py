"""Rasters on servers: why they cannot be read, and what to do."""

import http
import re
import urllib.error
import urllib.request

_CODE = re.compile(r"HTTP (?:response code|error code) *:? *(\d{3})")
_URL = re.compile(r"(?:/vsicurl/)?(https?://.*)", re.DOTALL)
_REMOTE = re.compile(
    r"(/vsi(curl|s3|gs|az|adls|oss|swift|webhdfs)|https?:|s3:|gs:|az:|ftp:)"
)
_SECONDS = 10
_GO_ON = "`resume=True` continues with what is finished"
_RETRY = (
    "GDAL retries if the environment sets GDAL_HTTP_MAX_RETRY=5 and "
    f"GDAL_HTTP_RETRY_DELAY=2, and {_GO_ON}"
)


def is_remote(path: str) -> bool:
    """Return whether a raster lies on a server.

    Args:
        path: path or URL of the raster.
    """
    return _REMOTE.match(path) is not None


def why_not(path: str, message: str, opened: bool) -> str:
    """Return why a raster on a server cannot be read, and what to do.

    Args:
        path: its URL, or GDAL's virtual path.
        message: what GDAL says.
        opened: whether it could be opened. GDAL does not explain later
            failures; the server is asked again.

    Returns:
        A clause.
    """
    found = _CODE.search(message)
    if found is not None:
        return _of_code(int(found[1]))
    if "Range downloading not supported" in message:
        return (
            "the server sends only whole files, and a map needs parts of "
            "them: download it first"
        )
    if "CURL error" in message:
        return f"the server cannot be reached ({message}). {_RETRY}"
    if not opened:
        return message
    code = _ask(path)
    if code is None or code < http.HTTPStatus.BAD_REQUEST:
        return f"the connection was lost ({message}). {_RETRY}"
    return _of_code(code)


def _of_code(code: int) -> str:
    try:
        phrase = f"HTTP {code} {http.HTTPStatus(code).phrase}"
    except ValueError:
        phrase = f"HTTP {code}"
    told = f"the server answered {phrase}"
    if code in (401, 403):
        return (
            f"{told}: a signed URL may have expired, or need credentials. "
            f"With a new one {_GO_ON}"
        )
    if code in (404, 410):
        return f"{told}: there is no such file"
    if code in (408, 425, 429) or code >= 500:
        return f"{told}: it is busy or down. {_RETRY}"
    return told


def _ask(path: str) -> int | None:
    """What a server answers now, `None` if it cannot be asked."""
    found = _URL.match(path)
    if found is None:
        return None
    request = urllib.request.Request(found[1], headers={"Range": "bytes=0-0"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, ValueError):
        return None
