"""The public bucket with HBN-EEG: what it holds, and the bytes of one object."""

import http.client
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any

from sparseeg.errors import SparseEEGError, not_installed, one_line

from .retry import PATIENCE, BrokenError, Patience, RefusedError, persist

NAME = "nmdatasets"
PIECE = 1 << 16  # what a cut connection loses at most
_CONNECT = 10.0  # seconds
_FIRST_RETRIES = 2  # of the first request: whether there is a network at all should be known soon


@dataclass(frozen=True)
class Remote:
    """One version of one object: its key, its path below the prefix, its size, its ETag without quotes."""

    key: str
    path: str
    size: int
    etag: str


class ChangedError(BrokenError):
    """The object on the server is another version than the one asked for."""


class Bucket:
    """Anonymous access to the bucket, from any number of threads.

    Parameters
    ----------
    connections : kept open at most.
    patience : for requests; retries are for listings only.

    Raises
    ------
    SparseEEGError : boto3 is missing, or its settings on this machine can't be used.
    """

    def __init__(self, connections: int = 1, patience: Patience = PATIENCE) -> None:
        try:
            import boto3
            from botocore import UNSIGNED
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise not_installed("boto3", "sparseeg[hbn]", error) from error
        config = Config(
            signature_version=UNSIGNED,
            max_pool_connections=connections,
            connect_timeout=min(_CONNECT, patience.silence),
            read_timeout=patience.silence,
            retries={"total_max_attempts": 1},  # tries are counted in one place, `persist`
            response_checksum_validation="when_required",  # there is none for a range; files are verified
        )
        try:
            self._client = boto3.session.Session().client("s3", config=config)
        except (BotoCoreError, ValueError) as error:
            raise SparseEEGError(f"boto3 can't be set up: {one_line(error)}") from error
        self._patience = patience
        self.address = f"{self._client.meta.endpoint_url}/{NAME}"

    def objects(self, prefix: str, stop: Event) -> list[Remote]:
        """Return every object below a prefix that ends in a slash, in order of keys.

        Raises
        ------
        RefusedError : the server can't be reached or doesn't answer as one with this bucket.
        """
        found: list[Remote] = []
        token: dict[str, str] = {}
        while True:
            patience = self._patience
            if not token:
                patience = replace(patience, retries=min(patience.retries, _FIRST_RETRIES))
            page = persist(partial(self._page, prefix, token), patience, stop)
            for content in page.get("Contents", ()):
                key = content["Key"]
                found.append(Remote(key, key.removeprefix(prefix), content["Size"], _bare(content["ETag"])))
            if not page.get("IsTruncated"):
                return found
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _page(self, prefix: str, token: dict[str, str]) -> dict[str, Any]:
        with _plain_errors():
            return self._client.list_objects_v2(Bucket=NAME, Prefix=prefix, **token)

    def current(self, remote: Remote) -> Remote:
        """Return the version of the object that the server has now."""
        with _plain_errors():
            answer = self._client.head_object(Bucket=NAME, Key=remote.key)
        return replace(remote, size=answer["ContentLength"], etag=_bare(answer["ETag"]))

    def part_size(self, remote: Remote) -> int:
        """Return the size of the parts an object was uploaded in; the last one may be smaller."""
        with _plain_errors():
            answer = self._client.head_object(Bucket=NAME, Key=remote.key, PartNumber=1)
        return answer["ContentLength"]

    def pieces(self, remote: Remote, start: int) -> Generator[bytes]:
        """Yield the bytes of this version of an object, from `start` to its end.

        Raises
        ------
        BrokenError : the connection failed, or the server did; what was yielded before is good.
        ChangedError : the server has another version by now.
        RefusedError : the server has no such object, or refuses access.
        """
        wanted = {"Range": f"bytes={start}-"} if start else {}
        with _plain_errors():
            answer = self._client.get_object(
                Bucket=NAME, Key=remote.key, IfMatch=f'"{remote.etag}"', **wanted
            )
            with closing(answer["Body"]) as body:
                if _bare(answer.get("ETag", "")) != remote.etag:
                    raise ChangedError("it changed on the server")
                if not wanted or answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
                    _skip(body, start)
                left = remote.size - start
                while left:
                    piece = body.read(min(PIECE, left))
                    if not piece:
                        raise BrokenError(f"the server sent {left} bytes too few")
                    left -= len(piece)
                    yield piece


def _bare(etag: str) -> str:
    return etag.strip('"')


def _skip(body: Any, count: int) -> None:
    """Read past what a server sends that knows no ranges."""
    while count and (piece := body.read(min(PIECE, count))):
        count -= len(piece)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what boto3 and what is below it raise into `BrokenError`, `ChangedError` or `RefusedError`."""
    import urllib3
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionClosedError,
        ConnectTimeoutError,
        EndpointConnectionError,
        IncompleteReadError,
        ReadTimeoutError,
        ResponseStreamingError,
    )

    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = f"the server says {status} {error.response.get('Error', {}).get('Code', '')}".rstrip()
        if status == http.client.PRECONDITION_FAILED:
            raise ChangedError("it changed on the server") from error
        if status >= 500 or status in (http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS):
            raise BrokenError(message) from error
        raise RefusedError(message) from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise BrokenError("the server can't be reached") from error
    except ReadTimeoutError as error:
        raise BrokenError("the server went silent") from error
    except (ConnectionClosedError, IncompleteReadError, ResponseStreamingError) as error:
        raise BrokenError("the connection was cut") from error
    except (BotoCoreError, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise BrokenError(one_line(error)) from error
