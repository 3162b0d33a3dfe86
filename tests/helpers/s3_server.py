"""A local S3 server with a small release of HBN-EEG, behind a proxy that misbehaves when told to."""

import hashlib
import http.client
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from helpers.patience import SAFETY_NET

BUCKET = "nmdatasets"
ROOT = "NeurIPS25/R5_L100_bdf/"
PART = 5 << 20  # the smallest part that S3 takes


@dataclass(frozen=True)
class Trick:
    """What the proxy does to one answer: whatever is given, in this order."""

    status: int = 0  # answered instead
    swap: bool = False  # other bytes of the same number
    lie: int | None = None  # so many bytes, and a length that agrees with them
    cut: int | None = None  # the connection closed after so many bytes
    silent: bool = False  # nothing more after `cut` bytes, but no end either
    slow: float = 0.0  # seconds for each 64 kB


Plan = Callable[[str, int], Trick | None]
"""(key, number of this GET of it, from 0) -> the trick, if any."""


class Server(ThreadingHTTPServer):
    """Forward everything to a server of moto's; `seen` has key and Range of each GET of an object."""

    daemon_threads = True

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.plan: Plan = lambda key, number: None
        self.seen: list[tuple[str, str | None]] = []
        self.counts: Counter[str] = Counter()
        self.over = threading.Event()
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        trick = self.trick()
        if trick.status:
            self.send_response(trick.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        connection = http.client.HTTPConnection(*self.server.upstream)
        connection.request(self.command, self.path, headers=dict(self.headers))
        response = connection.getresponse()
        body = response.read()
        if trick.swap:
            body = bytes(255 - byte for byte in body)
        length = response.headers["Content-Length"]
        if trick.lie is not None:
            body = body[: trick.lie]
            length = str(len(body))
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        for start in range(0, len(body) if trick.cut is None else min(trick.cut, len(body)), 1 << 16):
            self.wfile.write(body[start : min(start + (1 << 16), trick.cut or len(body))])
            self.wfile.flush()
            self.server.over.wait(trick.slow)
        if trick.silent:
            self.server.over.wait(SAFETY_NET)
        if trick.cut is not None:
            self.close_connection = True

    def trick(self) -> Trick:
        key = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
        if self.command != "GET" or "list-type" in self.path:
            return Trick()
        with self.server.guard:
            number = self.server.counts[key]
            self.server.counts[key] += 1
            self.server.seen.append((key, self.headers.get("Range")))
        return self.server.plan(key, number) or Trick()


def fill(client: Any) -> dict[str, bytes]:
    """Put a release into the bucket and return its content by path below `ROOT`."""
    draw = random.Random(0).randbytes
    content = {"participants.tsv": draw(900), "dataset_description.json": draw(300), "empty.txt": b""}
    for subject in ("NDARA", "NDARB"):
        for name, size in (("contrastChangeDetection_run-1", 400_000), ("RestingState", 150_000)):
            stem = f"sub-{subject}/eeg/sub-{subject}_task-{name}"
            content[f"{stem}_eeg.bdf"] = draw(size)
            content[f"{stem}_events.tsv"] = draw(2_000)
    client.create_bucket(Bucket=BUCKET)
    for path, body in content.items():
        client.put_object(Bucket=BUCKET, Key=ROOT + path, Body=body, ACL="public-read")
    in_parts = "sub-NDARA/eeg/sub-NDARA_task-ThePresent_eeg.bdf"
    content[in_parts] = draw(PART + 70_000)
    put_in_parts(client, ROOT + in_parts, content[in_parts])
    return content


def put_in_parts(client: Any, key: str, body: bytes) -> None:
    """Upload an object in two parts: its ETag is no checksum of the whole."""
    upload = client.create_multipart_upload(Bucket=BUCKET, Key=key, ACL="public-read")["UploadId"]
    where = {"Bucket": BUCKET, "Key": key, "UploadId": upload}
    parts = []
    for number, part in enumerate((body[:PART], body[PART:]), start=1):
        answer = client.upload_part(**where, PartNumber=number, Body=part)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def digest(body: bytes) -> str:
    """Return a short name of some bytes, for messages of failed tests."""
    return hashlib.sha256(body).hexdigest()[:12]
