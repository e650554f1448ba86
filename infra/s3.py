"""The store on S3 and what speaks its protocol; `connect`, `place_of` and `refusal` are all that others need of boto3.

Needs of the server: conditional puts (`If-None-Match: *`, `If-Match`). One that ignores them still keeps objects sound, since their names
are their digests, but lets two writers move one pointer. Kill -9 may leave parts of an upload: give the bucket a lifecycle rule with
`AbortIncompleteMultipartUpload`.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError, NoCredentialsError, SSLError
from botocore.exceptions import ConnectionError as NoConnection
from urllib3.exceptions import HTTPError as BrokenAnswer  # botocore 1.44 lets it through where the body of an error breaks off

from nightdub.infra.cache import Cache, cache_folder
from nightdub.infra.digests import CHUNK, digest_bytes, digest_file
from nightdub.infra.errors import ObjectMissing, PointerConflict, StoreError, StoreUnavailable
from nightdub.infra.logs import warn
from nightdub.infra.store_contract import (
    RENEW_SECONDS,
    Pointer,
    StoredObject,
    StoreOptions,
    bad_url,
    check_digest,
    check_name,
    check_prefix,
    check_range,
    is_name,
    seal,
    unseal,
)

MULTIPART_BYTES = 64 << 20  # larger files go up in parts
PART_BYTES = 16 << 20  # S3 takes 5 MiB to 5 GiB a part (Amazon S3 User Guide, "Multipart upload limits")
PARTS = 10_000  # at most, ibid.
PARTS_AT_ONCE = 4
BACKOFF_SECONDS = 0.25  # before the first retry, doubled for each further one
BACKOFF_LIMIT = 20.0  # seconds

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PASSING = {408, 409, 429, 500, 502, 503, 504}  # statuses that another attempt may not meet; 409 is a write that raced with another
_PASSING_CODES = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "RequestThrottled", "NoSuchUpload"}
_FULL_CODES = {"XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "EntityTooLarge"}
_FULL = 507  # Insufficient Storage, RFC 4918
T = TypeVar("T")


class _ConditionError(StoreError):
    """A put that the server refused because of its condition."""


class _RangeError(StoreError):
    """A range that begins behind an object's last byte."""


class S3Store:
    """A store below one prefix of a bucket: `objects/<sha256>` and `pointers/<name>`; reads go through a local cache.

    A pointer's version is its ETag; a random line in its body makes a value that returns a new version.
    """

    def __init__(self, url: str, options: StoreOptions) -> None:
        self.url = url
        self._bucket, self._prefix = place_of(url)
        self._retries = options.retries
        self._client = connect(options)
        self._cache = Cache(cache_folder(options.cache_dir), options.cache_bytes)

    def put_file(self, path: Path) -> str:
        size = path.stat().st_size
        if size <= MULTIPART_BYTES:
            return self.put_bytes(path.read_bytes())
        digest = digest_file(path)
        if not self._is_kept(digest, size):
            self._keep(digest, size, lambda condition: self._put_parts(digest, path, size, condition))
        return digest

    def put_bytes(self, data: bytes) -> str:
        digest = digest_bytes(data)
        self._keep(digest, len(data), lambda condition: self._client.put_object(**self._object(digest), Body=data, **condition))
        return digest

    def _keep(self, digest: str, size: int, put: Callable[[dict[str, str]], object]) -> None:
        """Put an object unless it is there; put over one that was cut short or is old, the bytes being the right ones."""
        try:
            self._ask(digest, lambda: put({"IfNoneMatch": "*"}))
        except _ConditionError:
            if not self._is_kept(digest, size):
                self._ask(digest, lambda: put({}))

    def _is_kept(self, digest: str, size: int) -> bool:
        try:
            facts = self._head(digest)
        except ObjectMissing:
            return False
        return bool(facts["ContentLength"] == size and facts["LastModified"].timestamp() > time.time() - RENEW_SECONDS)

    def _put_parts(self, digest: str, path: Path, size: int, condition: dict[str, str]) -> None:
        """Upload a large file in parts; nothing can be seen of it before the last request. Any failure starts it over."""
        target = self._object(digest)
        upload = target | {"UploadId": self._client.create_multipart_upload(**target)["UploadId"]}
        try:
            parts = self._send_parts(digest, path, size, upload)
            self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
        except BaseException:
            with suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(**upload)
            raise

    def _send_parts(self, digest: str, path: Path, size: int, upload: dict[str, Any]) -> list[dict[str, Any]]:
        length = max(PART_BYTES, -(-size // PARTS))
        with path.open("rb") as stream, ThreadPoolExecutor(PARTS_AT_ONCE) as pool:

            def send(index: int) -> dict[str, Any]:
                body = os.pread(stream.fileno(), length, index * length)
                answer = self._ask(digest, lambda: self._client.upload_part(**upload, PartNumber=index + 1, Body=body))
                return {"PartNumber": index + 1, "ETag": answer["ETag"]}

            return list(pool.map(send, range(-(-size // length))))

    def get_bytes(self, digest: str) -> bytes:
        return self.fetch(digest).read_bytes()

    def fetch(self, digest: str) -> Path:
        return self._ask(digest, lambda: self._cache.fetch(check_digest(digest), lambda: self._stream(digest)))

    def _stream(self, digest: str) -> Iterator[bytes]:
        with closing(self._client.get_object(**self._object(digest))["Body"]) as body:
            yield from body.iter_chunks(CHUNK)

    def read_range(self, digest: str, start: int, length: int) -> bytes:
        check_range(start, length)
        span = f"bytes={start}-{start + length - 1}"
        try:
            return self._ask(digest, lambda: bytes(self._client.get_object(**self._object(digest), Range=span)["Body"].read()))
        except _RangeError:
            return b""

    def exists(self, digest: str) -> bool:
        try:
            return bool(self._head(digest))
        except ObjectMissing:
            return False

    def size(self, digest: str) -> int:
        return int(self._head(digest)["ContentLength"])

    def delete(self, digest: str) -> None:
        self._ask(digest, lambda: self._client.delete_object(**self._object(digest)))
        self._cache.discard(digest)

    def objects(self) -> Iterator[StoredObject]:
        for entry in self._list("objects/"):
            yield StoredObject(entry["Key"].rpartition("/")[2], entry["Size"], entry["LastModified"].timestamp())

    def read_pointer(self, name: str) -> Pointer | None:
        try:
            version, body = self._ask(name, lambda: self._read(self._pointer(name)))
        except ObjectMissing:
            return None
        return Pointer(unseal(body, name)[1], version)

    def write_pointer(self, name: str, value: bytes, expected: str | None) -> Pointer:
        body = seal(value)
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        try:
            answer = self._ask(name, lambda: self._client.put_object(**self._pointer(name), Body=body, **condition))
            return Pointer(value, answer["ETag"])
        except (_ConditionError, ObjectMissing) as error:
            return self._own_write(name, body, error)

    def _own_write(self, name: str, body: bytes, error: StoreError) -> Pointer:
        """Return the pointer if it holds our own body: an earlier attempt had worked and only its answer was lost."""
        with suppress(ObjectMissing):
            version, present = self._ask(name, lambda: self._read(self._pointer(name)))
            if present == body:
                return Pointer(unseal(body, name)[1], version)
        raise PointerConflict("somebody else moved this pointer first", where=name, fix="read it again and decide anew") from error

    def pointers(self, prefix: str) -> Iterator[str]:
        top = f"{self._prefix}pointers/"
        for entry in self._list(f"pointers/{check_prefix(prefix)}"):
            yield entry["Key"].removeprefix(top)

    def delete_pointer(self, name: str) -> None:
        self._ask(name, lambda: self._client.delete_object(**self._pointer(name)))

    def _object(self, digest: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}objects/{check_digest(digest)}"}

    def _pointer(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}pointers/{check_name(name)}"}

    def _head(self, digest: str) -> dict[str, Any]:
        return self._ask(digest, lambda: dict(self._client.head_object(**self._object(digest))))

    def _read(self, target: dict[str, str]) -> tuple[str, bytes]:
        answer = self._client.get_object(**target)
        return answer["ETag"], answer["Body"].read()

    def _list(self, below: str) -> Iterator[dict[str, Any]]:
        asked = {"Bucket": self._bucket, "Prefix": self._prefix + below}
        while True:
            page = self._ask(below, partial(self._client.list_objects_v2, **asked))
            yield from page.get("Contents", ())
            if not page["IsTruncated"]:
                return
            asked = asked | {"ContinuationToken": page["NextContinuationToken"]}

    def _ask(self, where: str, request: Callable[[], T]) -> T:
        """Make a request, and again while that may help. Raises: StoreUnavailable after the last attempt, StoreError at once."""
        for attempt in range(self._retries + 1):
            try:
                return request()
            except (ClientError, BotoCoreError, BrokenAnswer) as error:
                if not _may_pass(error):
                    raise refusal(error, where) from error
                last = error
            if attempt < self._retries:
                pause = min(BACKOFF_LIMIT, BACKOFF_SECONDS * 2**attempt)
                warn("store asked again", attempt=attempt + 2, where=where, what=str(last))
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the workers' retries, guards nothing
        what = f"no answer from the store after {self._retries + 1} attempts: {last}"
        raise StoreUnavailable(what, where=where, fix=f"check that {self.url} can be reached, then run again") from last


def connect(options: StoreOptions, attempts: int = 1) -> Any:
    """Return a boto3 client for any server that speaks S3: path style, SHA-256 of the body in the signature, no checksum trailers."""
    config = Config(
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retries={"total_max_attempts": attempts},  # 1: `_ask` retries, since only it also sees broken streams and 409
        max_pool_connections=32,
        signature_version="s3v4",
        s3={"addressing_style": "path", "payload_signing_enabled": True},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    given = {
        "endpoint_url": options.endpoint,
        "region_name": options.region,
        "aws_access_key_id": options.access_key,
        "aws_secret_access_key": options.secret_key,
    }
    return boto3.session.Session().client("s3", config=config, **{name: value for name, value in given.items() if value})


def place_of(url: str) -> tuple[str, str]:
    """Return a URL's bucket and its prefix, which is empty or ends with a slash. Raises: ConfigError."""
    parts = urlsplit(url)
    prefix = unquote(parts.path).strip("/")
    if not _BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment or not is_name(prefix or "none"):
        raise bad_url(url)
    return parts.netloc, f"{prefix}/" if prefix else ""


def _may_pass(error: Exception) -> bool:
    """Return whether another attempt may meet a better server or network."""
    if isinstance(error, ClientError):
        status, code = _answer(error)
        return status in _PASSING or code in _PASSING_CODES
    return isinstance(error, NoConnection | HTTPClientError | IncompleteReadError | BrokenAnswer) and not isinstance(error, SSLError)


def _answer(error: ClientError) -> tuple[int, str]:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0), error.response.get("Error", {}).get("Code", "")


def refusal(error: Exception, where: str) -> StoreError:
    """Return our error for an answer that will not change."""
    if isinstance(error, NoCredentialsError):
        return StoreError("no keys for the store", where=where, fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    status, code = _answer(error) if isinstance(error, ClientError) else (0, "")
    if code == "NoSuchBucket":
        return StoreError(str(error), where=where, fix="create the bucket, or correct the store's URL")
    if code in _FULL_CODES or status == _FULL:
        return StoreError(f"no space left: {error}", where=where, fix="make room on the server and run again: no half object was left")
    kind, fix = _REFUSALS.get(status, (StoreError, "check the store's URL and options"))
    return kind(str(error), where=where, fix=fix)


_REFUSALS: dict[int, tuple[type[StoreError], str]] = {
    401: (StoreError, "check the access key and its secret"),
    403: (StoreError, "check the access key, its secret and its rights to the bucket"),
    404: (ObjectMissing, "build the step that makes it again"),
    412: (_ConditionError, "read it again and decide anew"),
    416: (_RangeError, "ask for bytes that the object has"),
}
