"""A folder on S3-compatible storage, for files under names of their own. The store's objects are `infra.s3`'s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from nightdub.infra.errors import ObjectMissing, StoreUnavailable
from nightdub.infra.s3 import PART_BYTES, PARTS_AT_ONCE, connect, place_of, refusal
from nightdub.infra.store_contract import StoreOptions

KINDS = {  # what servers say of a file to players, by its ending (IANA; RFC 8216, 4)
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/mp4",
    ".mkv": "video/matroska",
    ".mp4": "video/mp4",
    ".srt": "application/x-subrip",
    ".ttml": "application/ttml+xml",
    ".vtt": "text/vtt",
    ".wav": "audio/wav",
}
_TRANSFER = TransferConfig(multipart_threshold=4 * PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
T = TypeVar("T")


class RemoteFolder:
    """Files below `s3://bucket/prefix`. Every method may raise StoreError, and StoreUnavailable where another attempt may help."""

    def __init__(self, url: str, options: StoreOptions) -> None:
        self.url = url.rstrip("/")
        self._bucket, self._prefix = place_of(self.url)
        self._client = connect(options, attempts=options.retries + 1)

    def put(self, path: Path, name: str) -> None:
        """Upload a file under a name, a large one in parts; it is there whole or not at all."""
        kind = {"ContentType": KINDS.get(path.suffix, "application/octet-stream")}
        with path.open("rb") as stream:
            self._ask(
                name, lambda: self._client.upload_fileobj(stream, self._bucket, self._prefix + name, ExtraArgs=kind, Config=_TRANSFER)
            )

    def fetch(self, name: str, out: Path) -> None:
        """Download a file. Raises: ObjectMissing."""
        with out.open("wb") as stream:
            self._ask(name, lambda: self._client.download_fileobj(self._bucket, self._prefix + name, stream, Config=_TRANSFER))

    def names(self) -> list[str]:
        """Return the names of all files, in order."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        rows = self._ask("", lambda: [row for page in pages for row in page.get("Contents", ())])
        return sorted(row["Key"].removeprefix(self._prefix) for row in rows)

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is no error."""
        self._ask(name, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name))

    def _ask(self, name: str, request: Callable[[], T]) -> T:
        where = f"{self.url}/{name}"
        try:
            return request()
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404 and _code(error) != "NoSuchBucket":
                raise ObjectMissing("no such file", where=where, fix="upload it again") from None
            raise refusal(error, where) from error
        except (BotoCoreError, Boto3Error) as error:
            raise StoreUnavailable(f"no answer from the server: {error}", where=where, fix="check the address, then try again") from error


def _code(error: ClientError) -> Any:
    return error.response.get("Error", {}).get("Code", "")
