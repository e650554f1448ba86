"""Who may do what to the store: the policies of infra/deploy/s3-policies, enforced by a server, and the real store.

moto looks at the users, actions and resources of a policy. It checks no condition, no bucket policy with one and no block of public
access: of those files it is only held that a server takes them as they are, and what they say.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from parliament import analyze_policy_string
from role_work import LINES, SHOUT, load_nothing

from nightdub.apps.cluster.servers import s3_server
from nightdub.apps.doctor import _store
from nightdub.flows.night import Books
from nightdub.flows.upkeep import clean
from nightdub.infra import s3
from nightdub.infra.build import Ask, Builder
from nightdub.infra.children import Child, free_port, listens
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import StoreError
from nightdub.infra.ledger import Consent, Ledger
from nightdub.infra.settings import load_settings
from nightdub.infra.store import Store, open_store
from nightdub.infra.work import Order

POLICIES = Path(__file__).parents[2] / "infra/deploy/s3-policies"
ROLES = ("worker", "publisher", "housekeeper", "reader")
BUCKET, URL, REGION = "dubs", "s3://dubs/nightdub", "us-east-1"
OWNER = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class House:
    """A server that enforces the policies, and each role's keys to it."""

    endpoint: str
    keys: dict[str, tuple[str, str]]
    session: boto3.session.Session = field(default_factory=boto3.session.Session)

    def store(self, role: str, folder: Path, url: str = URL) -> Store:
        access, secret = self.keys[role]
        where = {"endpoint": self.endpoint, "region": REGION, "cache_dir": str(folder / role), "retries": 0}
        return open_store(url, access_key=access, secret_key=secret, **where)

    def client(self, role: str, service: str = "s3") -> Any:
        access, secret = self.keys[role]
        keys = {"aws_access_key_id": access, "aws_secret_access_key": secret}
        return self.session.client(service, endpoint_url=self.endpoint, region_name=REGION, **keys)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with s3_server() as endpoint:
        house = House(endpoint, {"root": ("test", "test")})
        house.client("root").create_bucket(Bucket=BUCKET)
        iam = house.client("root", "iam")
        documents = {role: (POLICIES / f"{role}.json").read_text() for role in ROLES} | {"owner": json.dumps(OWNER)}
        for role, document in documents.items():
            iam.create_user(UserName=role)
            iam.put_user_policy(UserName=role, PolicyName=role, PolicyDocument=document)
            key = iam.create_access_key(UserName=role)["AccessKey"]
            house.keys[role] = (key["AccessKeyId"], key["SecretAccessKey"])
        enforce = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
        urllib.request.urlopen(enforce).close()
        yield house


# ---------------------------------------------------------------- what each role may do


def _put_in_parts(store: Store, tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.write_bytes(os.urandom((6 << 20) + 1))
    store.put_file(film)


Deed = Callable[[Store, str, Path], object]
DEEDS: dict[str, Deed] = {
    "put an object": lambda store, _, folder: store.put_bytes(os.urandom(8)),
    "put a film in parts": lambda store, _, folder: _put_in_parts(store, folder),
    "read an object": lambda store, digest, _: store.fetch(digest),
    "see that an object is absent": lambda store, _, __: store.exists("0" * 64) or store.size,
    "list objects": lambda store, _, __: list(store.objects()),
    "delete an object": lambda store, digest, _: store.delete(digest),
    "read a release": lambda store, _, __: store.read_pointer("releases/film/es"),
    "move a release": lambda store, _, __: store.write_pointer("releases/film/fr", b"{}", None),
    "drop a release": lambda store, _, __: store.delete_pointer("releases/film/es"),
    "read a draft": lambda store, _, __: store.read_pointer("drafts/job"),
    "write a draft": lambda store, _, __: store.write_pointer("drafts/other", b"[]", None),
    "mark a withdrawal": lambda store, _, __: store.write_pointer("withdrawn/a", b"", None),
    "drop a draft": lambda store, _, __: store.delete_pointer("drafts/job"),
    "write any other pointer": lambda store, _, __: store.write_pointer("anything", b"", None),
}
OBJECTS = {"put an object", "put a film in parts", "read an object", "see that an object is absent", "list objects"}
POINTERS = {"read a release", "move a release", "read a draft", "write a draft", "mark a withdrawal", "drop a draft"}
MAY = {
    "worker": OBJECTS,
    "publisher": OBJECTS | POINTERS,
    "housekeeper": {
        *("read an object", "see that an object is absent", "list objects", "delete an object"),
        *("read a release", "move a release", "read a draft", "mark a withdrawal", "drop a draft"),
    },
    # S3 answers 403 for what is absent to who may not list, moto 404: a reader is told which pointers there are.
    "reader": {"read an object", "see that an object is absent", "read a release"},
}


@pytest.mark.usefixtures("quick_s3")
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_its_own_work_and_nothing_else(role: str, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "MULTIPART_BYTES", 5 << 20)
    monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)
    owner, store = house.store("owner", tmp_path), house.store(role, tmp_path)
    done, refused = set(), {}
    for name, deed in DEEDS.items():
        digest = _set_the_scene(owner)
        try:
            deed(store, digest, tmp_path)
            done.add(name)
        except StoreError as error:
            refused[name] = str(error)
    assert done == MAY[role]
    assert [said for said in refused.values() if "AccessDenied" not in said and "Forbidden" not in said] == []


def _set_the_scene(owner: Store) -> str:
    for name in ("releases/film/es", "releases/film/fr", "drafts/job", "drafts/other", "withdrawn/a", "anything"):
        owner.delete_pointer(name)
    owner.write_pointer("releases/film/es", b"{}", None)
    owner.write_pointer("drafts/job", b"[]", None)
    return owner.put_bytes(os.urandom(8))


@pytest.mark.usefixtures("quick_s3")
@pytest.mark.parametrize("role", ROLES)
def test_no_role_reaches_what_lies_beside_the_store(role: str, house: House, tmp_path: Path) -> None:
    beside = "s3://dubs/elsewhere"
    digest = house.store("owner", tmp_path, beside).put_bytes(b"theirs")
    store = house.store(role, tmp_path, beside)
    for deed in (lambda: store.fetch(digest), lambda: store.put_bytes(b"ours"), lambda: store.delete(digest)):
        with pytest.raises(StoreError, match="AccessDenied"):
            deed()


@pytest.mark.usefixtures("quick_s3")
def test_nobody_comes_in_without_keys_or_with_wrong_ones(house: House, tmp_path: Path) -> None:
    digest = house.store("owner", tmp_path).put_bytes(b"secret")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{house.endpoint}/{BUCKET}/nightdub/objects/{digest}")
    assert refused.value.code in (403, 500)  # moto itself fails at a request without a signature; S3 answers 403
    wrong = House(house.endpoint, {"reader": (house.keys["reader"][0], "wrong")})
    with pytest.raises(StoreError, match="SignatureDoesNotMatch"):
        wrong.store("reader", tmp_path).fetch(digest)


# ---------------------------------------------------------------- one real job, two pairs of keys


@contextmanager
def dask_cluster(folder: Path, keys: tuple[str, str]) -> Iterator[str]:
    """Yield the address of a scheduler with one worker process, which has these keys and no others."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    clean |= {"PYTHONPATH": str(Path(__file__).parent), "XDG_CACHE_HOME": str(folder / "worker-cache")}
    own = clean | {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]}
    dask = [sys.executable, "-m", "dask"]
    scheduler = Child(
        "scheduler", [*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], folder / "s.log", env=clean
    )
    how = ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1", "--preload", "nightdub.infra.worker"]
    worker = Child("worker", [*dask, "worker", address, *how, "--local-directory", str(folder)], folder / "w.log", env=own)
    try:
        scheduler.wait_until(lambda: listens(port))
        yield address
    finally:
        worker.stop()
        scheduler.stop()


@pytest.mark.slow
def test_a_job_whose_worker_has_only_the_workers_keys(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", house.keys["publisher"][0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", house.keys["publisher"][1])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "flow-cache"))
    settings = load_settings(home=tmp_path, store=URL, store_endpoint=house.endpoint, store_region=REGION)
    store = open_store(settings.store_url, **settings.store_options())
    ledger = Ledger(settings.ledger_url)
    ledger.migrate()
    sent: list[Order] = []
    with dask_cluster(tmp_path, house.keys["worker"]) as address, open_compute(address) as compute:
        run = compute.run
        monkeypatch.setattr(compute, "run", lambda orders, keep: (sent.extend(orders), run(orders, keep))[1])
        builder = Builder(store, ledger, compute, load_nothing, settings.store_options(), ledger.start_run("test", {}), workers=1)
        inputs = {f"in.{name}": store.put_bytes(name.encode()) for name in LINES}
        built = builder.build(Ask(SHOUT, "film", "es", inputs, {}))
    ledger.close()
    assert [store.get_bytes(item.files["shout"]) for item in built.items] == [b"ONE", b"TWO", b"THREE"]
    assert {item.row["key"] for item in built.items} == {house.keys["worker"][0]}
    assert {item.row["pid"] for item in built.items} != {os.getpid()}
    assert [item.row["refused"] for item in built.items] == [["delete", "draft", "release"]] * 3
    travelled = pickle.dumps(sent)
    assert house.endpoint.encode() in travelled  # so that the next line looks at the right bytes
    assert not [secret for pair in house.keys.values() for secret in pair if len(secret) > 4 and secret.encode() in travelled]


@pytest.mark.usefixtures("quick_s3")
def test_a_round_of_housekeeping_needs_no_more_than_its_own_keys(house: House, tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    ledger.start_run("nightly", {})
    owner, store = house.store("owner", tmp_path), house.store("housekeeper", tmp_path)
    garbage = owner.put_bytes(os.urandom(8))
    owner.write_pointer("drafts/" + "d" * 64, b"[]", None)
    ledger.put_consent(Consent("a", "Ana", "*", []))
    ledger.withdraw_consent("a")
    ledger.record_release("other", "es", action="release", package="f" * 64, decision=None, who="gate", why="passed")
    done = clean(Books(load_settings(home=tmp_path), ledger, store), grace_seconds=-86_400)
    ledger.close()
    assert not store.exists(garbage)
    assert list(owner.pointers("drafts/")) == []
    assert len(list(owner.pointers("withdrawn/"))) == 1
    assert done.pointers_moved == 1


# ---------------------------------------------------------------- the doctor, the bucket, the linter


@pytest.mark.usefixtures("quick_s3")
@pytest.mark.parametrize(("role", "says"), [("owner", "answers"), ("publisher", "may not delete"), ("worker", "may not delete")])
def test_the_doctor_takes_keys_that_may_not_delete(role: str, says: str, house: House, tmp_path: Path) -> None:
    access, secret = house.keys[role]
    keys = {"store_access_key": access, "store_secret_key": secret}
    found = _store(load_settings(home=tmp_path, store=URL, store_endpoint=house.endpoint, store_region=REGION, **keys))
    assert found.fine
    assert says in found.detail


@pytest.mark.usefixtures("quick_s3")
def test_the_doctor_refuses_keys_that_may_not_write(house: House, tmp_path: Path) -> None:
    access, secret = house.keys["reader"]
    keys = {"store_access_key": access, "store_secret_key": secret}
    assert not _store(load_settings(home=tmp_path, store=URL, store_endpoint=house.endpoint, store_region=REGION, **keys)).fine


def test_a_server_takes_the_buckets_settings_as_they_are(house: House) -> None:
    client = house.client("owner")
    client.create_bucket(Bucket="fresh")
    given = {path.stem: json.loads(path.read_text()) for path in (POLICIES / "bucket").glob("*.json")}
    client.put_bucket_versioning(Bucket="fresh", VersioningConfiguration=given["versioning"])
    client.put_bucket_lifecycle_configuration(Bucket="fresh", LifecycleConfiguration=given["lifecycle"])
    client.put_bucket_encryption(Bucket="fresh", ServerSideEncryptionConfiguration=given["encryption"])
    client.put_public_access_block(Bucket="fresh", PublicAccessBlockConfiguration=given["public-access-block"])
    client.put_bucket_policy(Bucket="fresh", Policy=json.dumps(given["policy"]))
    rules = {rule["ID"]: rule for rule in client.get_bucket_lifecycle_configuration(Bucket="fresh")["Rules"]}
    assert rules["abandoned-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert client.get_bucket_versioning(Bucket="fresh")["Status"] == "Enabled"
    assert set(client.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"].values()) == {True}


def test_the_buckets_policy_refuses_plain_http_and_pointers_without_a_condition() -> None:
    statements = {row["Sid"]: row for row in json.loads((POLICIES / "bucket/policy.json").read_text())["Statement"]}
    assert {(row["Effect"], row["Principal"]) for row in statements.values()} == {("Deny", "*")}
    assert statements["RefusePlainHttp"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    unconditional = statements["RefuseUnconditionalPointers"]
    assert unconditional["Condition"] == {"Null": {"s3:if-none-match": "true", "s3:if-match": "true"}}
    assert unconditional["Resource"] == "arn:aws:s3:::dubs/nightdub/pointers/*"


@pytest.mark.parametrize("path", [*POLICIES.glob("*.json"), POLICIES / "bucket/policy.json"], ids=lambda path: path.stem)
def test_a_linter_knows_every_action_and_resource_of_a_policy(path: Path) -> None:
    assert [(row.issue, row.detail) for row in analyze_policy_string(path.read_text()).findings] == []
