"""Files under names of their own on a server that speaks S3."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from boto3.s3.transfer import TransferConfig

from nightdub.infra import upload
from nightdub.infra.children import free_port
from nightdub.infra.errors import ConfigError, ObjectMissing, StoreError, StoreUnavailable
from nightdub.infra.store_contract import StoreOptions
from nightdub.infra.upload import RemoteFolder

pytestmark = pytest.mark.usefixtures("quick_s3")


def options(endpoint: str) -> StoreOptions:
    return StoreOptions(endpoint, "us-east-1", "test", "test", connect_timeout=1, retries=0)


@pytest.fixture
def folder(s3_endpoint: str, tmp_path: Path) -> RemoteFolder:
    return RemoteFolder(f"s3://nightdub/uploads/{tmp_path.name}", options(s3_endpoint))


def test_files_come_back_as_they_were(folder: RemoteFolder, tmp_path: Path) -> None:
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n")
    for name in ("hls/a.m3u8", "b"):
        folder.put(tmp_path / "a.m3u8", name)
    assert folder.names() == ["b", "hls/a.m3u8"]
    folder.fetch("hls/a.m3u8", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "#EXTM3U\n"
    for _ in range(2):
        folder.delete("b")
    assert folder.names() == ["hls/a.m3u8"]
    with pytest.raises(ObjectMissing, match="no such file") as caught:
        folder.fetch("b", tmp_path / "back")
    assert caught.value.where == f"{folder.url}/b"


def test_a_large_file_goes_up_in_parts(folder: RemoteFolder, s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 5 << 20  # bytes: the least that S3 takes as a part
    monkeypatch.setattr(upload, "_TRANSFER", TransferConfig(multipart_threshold=size, multipart_chunksize=size))
    (tmp_path / "a.mp4").write_bytes(bytes(range(256)) * (3 * size // 512))
    folder.put(tmp_path / "a.mp4", "a.mp4")
    folder.fetch("a.mp4", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "a.mp4").read_bytes()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.session.Session().client("s3", endpoint_url=s3_endpoint, **keys)
    facts = client.head_object(Bucket="nightdub", Key=f"uploads/{tmp_path.name}/a.mp4")
    assert facts["ETag"].endswith('-2"')  # as S3 marks what came in two parts
    assert facts["ContentType"] == "video/mp4"


def test_refusals_say_where_and_what_to_do(s3_endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(StoreError, match=r"NoSuchBucket.*next: create the bucket"):
        RemoteFolder("s3://absent-bucket/x", options(s3_endpoint)).put(tmp_path / "a", "a")
    with pytest.raises(StoreUnavailable, match="no answer from the server"):
        RemoteFolder("s3://nightdub/x", options(f"http://127.0.0.1:{free_port()}")).put(tmp_path / "a", "a")
    with pytest.raises(ConfigError):
        RemoteFolder("s3://nightdub/../x", options(s3_endpoint))
