"""What is special to a store on a server: retries, refusals, lost answers, uploads in parts."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nightdub.infra import s3
from nightdub.infra.digests import digest_bytes, digest_file
from nightdub.infra.errors import StoreError, StoreUnavailable
from nightdub.infra.store import Store, open_store
from nightdub.infra.store_contract import RENEW_SECONDS

ABSENT = "0" * 64
KEYS = {"access_key": "test", "secret_key": "test", "region": "us-east-1"}
Spy = Callable[[Store, str], list[dict[str, Any]]]

pytestmark = pytest.mark.usefixtures("quick_s3")


class Scripted(BaseHTTPRequestHandler):
    """A server that gives the answers it was told to, in order, and the last one for ever."""

    protocol_version = "HTTP/1.1"  # answers "100 Continue"; botocore waits a second for it otherwise
    answers: ClassVar[list[tuple[int, bytes, int]]] = []  # status, body, bytes really sent
    seen: ClassVar[list[str]] = []
    asked: ClassVar[list[tuple[str, dict[str, str]]]] = []  # path, headers

    def handle_one(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        index = min(len(self.seen), len(self.answers) - 1)
        status, body, sent = self.answers[index]
        self.seen.append(self.command)
        self.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.end_headers()
        self.wfile.write(body[:sent])
        self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_one  # noqa: N815 - http.server's names

    def log_message(self, *_args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Give a store whose server answers as told."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def tell(*answers: tuple[int, bytes] | tuple[int, bytes, int]) -> Store:
        Scripted.answers = [(answer[0], answer[1], answer[2] if len(answer) > 2 else len(answer[1])) for answer in answers]
        Scripted.seen, Scripted.asked = [], []
        endpoint = f"http://127.0.0.1:{server.server_port}"
        return open_store("s3://nightdub/x", endpoint=endpoint, cache_dir=str(tmp_path / "cache"), retries=2, **KEYS)

    yield tell
    server.shutdown()
    server.server_close()


def _refusal(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


class TestS3Server:
    def test_errors_that_pass_are_retried(self, scripted: Callable[..., Store]) -> None:
        store = scripted((500, b""), (503, _refusal("SlowDown")), (200, b""))
        assert store.put_bytes(b"x") == digest_bytes(b"x")
        assert Scripted.seen == ["PUT"] * 3

    def test_put_is_plain_enough_for_any_server(self, scripted: Callable[..., Store]) -> None:
        """Path style, a condition, the body's digest in the signature, and none of the checksum trailers that others refuse."""
        digest = scripted((200, b"")).put_bytes(b"x")
        path, headers = Scripted.asked[0]
        assert path == f"/nightdub/x/objects/{digest}"
        assert headers["if-none-match"] == "*"
        assert headers["x-amz-content-sha256"] == digest
        assert not {"x-amz-trailer", "content-encoding", "x-amz-sdk-checksum-algorithm"} & headers.keys()

    def test_conflicting_write_is_retried(self, scripted: Callable[..., Store]) -> None:
        store = scripted((409, _refusal("ConditionalRequestConflict")), (200, b""))
        assert store.put_bytes(b"x") == digest_bytes(b"x")

    def test_retries_are_bounded(self, scripted: Callable[..., Store]) -> None:
        store = scripted((500, _refusal("InternalError")))
        with pytest.raises(StoreUnavailable, match="after 3 attempts") as caught:
            store.put_bytes(b"x")
        assert caught.value.transient
        assert Scripted.seen == ["PUT"] * 3
        assert pickle.loads(pickle.dumps(caught.value)).fix == caught.value.fix

    def test_answer_cut_short_is_read_again(self, scripted: Callable[..., Store]) -> None:
        data = os.urandom(5000)
        store = scripted((200, data, 1000), (200, data))
        assert store.get_bytes(digest_bytes(data)) == data
        assert Scripted.seen == ["GET", "GET"]

    @pytest.mark.parametrize(
        ("status", "code", "fix"),
        [
            (403, "AccessDenied", "check the access key"),
            (404, "NoSuchBucket", "create the bucket"),
            (507, "XMinioStorageFull", "make room on the server"),
            (400, "InvalidRequest", "check the store's URL"),
        ],
    )
    def test_refusals_are_final_and_say_what_to_do(self, scripted: Callable[..., Store], status: int, code: str, fix: str) -> None:
        store = scripted((status, _refusal(code)))
        with pytest.raises(StoreError, match=fix) as caught:
            store.put_bytes(b"x")
        assert not caught.value.transient
        assert Scripted.seen == ["PUT"]

    def test_lost_answer_of_a_pointers_write_is_no_conflict(self, remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server did the first attempt and its answer was lost; the second attempt meets the first one's work."""
        client, first = remote._client, []  # type: ignore[attr-defined]
        put = client.put_object

        def loses_the_answer(**asked: Any) -> Any:
            answer = put(**asked)
            if not first:
                first.append(answer)
                raise s3.HTTPClientError(error="connection reset")
            return answer

        monkeypatch.setattr(client, "put_object", loses_the_answer)
        pointer = remote.write_pointer("p", b"mine", None)
        assert remote.read_pointer("p") == pointer

    def test_server_gone(self, tmp_path: Path) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        store = open_store("s3://nightdub", endpoint=endpoint, cache_dir=str(tmp_path), retries=1, **KEYS)
        for use in (
            lambda: store.put_bytes(b"x"),
            lambda: store.fetch(ABSENT),
            lambda: store.read_pointer("p"),
            lambda: list(store.objects()),
        ):
            with pytest.raises(StoreUnavailable, match="can be reached"):
                use()

    def test_server_that_never_answers(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
            store = open_store("s3://nightdub", endpoint=endpoint, cache_dir=str(tmp_path), retries=1, read_timeout=0.1, **KEYS)
            with pytest.raises(StoreUnavailable, match="after 2 attempts"):
                store.get_bytes(ABSENT)

    def test_missing_bucket(self, tmp_path: Path, s3_endpoint: str) -> None:
        store = open_store("s3://elsewhere", endpoint=s3_endpoint, cache_dir=str(tmp_path), **KEYS)
        with pytest.raises(StoreError, match="create the bucket"):
            store.put_bytes(b"x")

    def test_missing_keys(self, tmp_path: Path, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        store = open_store("s3://nightdub/nokeys", endpoint=s3_endpoint, cache_dir=str(tmp_path))
        with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID"):
            store.put_bytes(b"x")

    def test_old_object_counts_as_not_kept(self, remote: Store, monkeypatch: pytest.MonkeyPatch, spy: Spy) -> None:
        digest = remote.put_bytes(b"old")
        calls = spy(remote, "put_object")
        remote.put_bytes(b"old")
        assert len(calls) == 1
        later = time.time() + RENEW_SECONDS + 60
        monkeypatch.setattr(s3.time, "time", lambda: later)
        remote.put_bytes(b"old")
        assert len(calls) == 3
        assert "IfNoneMatch" not in calls[-1]
        assert remote.get_bytes(digest) == b"old"


class TestS3Parts:
    @pytest.fixture(autouse=True)
    def _small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(s3, "MULTIPART_BYTES", 5 << 20)
        monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)

    @pytest.fixture
    def film(self, tmp_path: Path) -> Path:
        path = tmp_path / "film.mkv"
        path.write_bytes(os.urandom((11 << 20) + 7))
        return path

    def test_large_file_goes_up_in_parts(self, remote: Store, film: Path, spy: Spy) -> None:
        sent = spy(remote, "upload_part")
        digest = remote.put_file(film)
        assert len(sent) == 3
        assert digest_file(remote.fetch(digest)) == digest == digest_file(film)
        assert remote.put_file(film) == digest
        assert len(sent) == 3

    def test_racing_uploads_all_succeed(self, remote: Store, film: Path) -> None:
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(remote.put_file, [film] * 4)) == {digest_file(film)}
        assert len(list(remote.objects())) == 1

    def test_upload_that_conflicts_starts_over(self, remote: Store, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        client = remote._client  # type: ignore[attr-defined]
        complete, refused = client.complete_multipart_upload, []

        def conflicts_once(**asked: Any) -> Any:
            if not refused:
                refused.append(asked["UploadId"])
                facts = {"Error": {"Code": "ConditionalRequestConflict"}, "ResponseMetadata": {"HTTPStatusCode": 409}}
                raise s3.ClientError(facts, "CompleteMultipartUpload")
            return complete(**asked)

        monkeypatch.setattr(client, "complete_multipart_upload", conflicts_once)
        assert digest_file(remote.fetch(remote.put_file(film))) == digest_file(film)
        assert refused

    def test_failed_upload_leaves_nothing(self, remote: Store, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        client = remote._client  # type: ignore[attr-defined]
        facts = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}

        def refused(**_asked: Any) -> Any:
            raise s3.ClientError(facts, "UploadPart")

        monkeypatch.setattr(client, "upload_part", refused)
        with pytest.raises(StoreError, match="AccessDenied"):
            remote.put_file(film)
        assert list(remote.objects()) == []
        assert not client.list_multipart_uploads(Bucket="nightdub").get("Uploads")
