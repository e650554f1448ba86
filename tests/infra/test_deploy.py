"""infra/deploy: linted and rendered by what runs here. Nothing of it is started: there is no engine and no cluster on a test machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from deployed import COMPOSE, DEPLOY, KUSTOMIZATION, MANIFESTS, PODS, ROOT, SERVICES, of, run
from jsonschema import Draft202012Validator

TOOLS = Path(sys.executable).parent
KUBERNETES = "1.37"  # the newest schemas that kubernetes-validate carries
GUIDE = (ROOT / "docs/deploy.md").read_text()

# ---------------------------------------------------------------- linters and schemas


def test_hadolint_finds_nothing_in_the_containerfile() -> None:
    assert run(TOOLS / "hadolint", DEPLOY / "Containerfile") == ""


def test_the_compose_file_is_one_and_its_linter_asks_for_digests_alone() -> None:
    Draft202012Validator(get_builtin_schema("vendor.compose-spec")).validate(COMPOSE)
    lint = [TOOLS / "compose-lint", "check", "--quiet", DEPLOY / "compose.yaml"]
    made = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert made.returncode == 0
    assert set(re.findall(r"CL-\d{4}", made.stdout)) == {"CL-0019"}  # digests of images that cannot be fetched here: docs/deploy.md


def test_yamllint_finds_nothing() -> None:
    rules = "{extends: default, rules: {line-length: {max: 160}, document-start: disable, braces: {max-spaces-inside: 1}, "
    rules += "comments: {min-spaces-from-content: 2}, octal-values: disable}}"
    files = [path for path in DEPLOY.rglob("*.yaml") if path.name != "advisories.yaml"]
    assert len(files) > 8
    assert run(TOOLS / "yamllint", "--strict", "--config-data", rules, *files) == ""


@pytest.mark.parametrize("row", MANIFESTS, ids=lambda row: f"{row['kind']}-{row['metadata']['name']}")
def test_a_manifest_fits_the_schema_of_kubernetes(row: dict[str, Any]) -> None:
    if row["kind"] != "DaskCluster":
        kubernetes_validate.validate(row, KUBERNETES, strict=True)
        return
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": row["spec"]["scheduler"]["service"]}
    for spec in (row["spec"]["scheduler"]["spec"], row["spec"]["worker"]["spec"]):  # what the operator hands to Kubernetes
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}, KUBERNETES, strict=True)
    kubernetes_validate.validate(service, KUBERNETES, strict=True)


def test_the_kustomization_names_every_file_and_renders() -> None:
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == there
    if shutil.which("kubectl"):
        rendered = list(yaml.safe_load_all(run("kubectl", "kustomize", str(DEPLOY / "kubernetes"))))
        assert len(rendered) == len(MANIFESTS)
        assert {row["metadata"].get("namespace", "nightdub") for row in rendered} == {"nightdub"}


# ---------------------------------------------------------------- what is named exists


def _mentioned(spec: Any, key: str, field: str) -> Iterator[str]:
    """Yield `field` of every mapping that stands under `key`, at any depth."""
    if isinstance(spec, dict):
        for name, value in spec.items():
            if name == key and isinstance(value, dict):
                yield value[field]
            yield from _mentioned(value, key, field)
    elif isinstance(spec, list):
        for value in spec:
            yield from _mentioned(value, key, field)


def test_every_map_claim_and_secret_that_a_pod_names_exists() -> None:
    specs = [spec for _, spec in PODS.values()]
    assert {name for key in ("configMap", "configMapRef") for name in _mentioned(specs, key, "name")} == set(of("ConfigMap"))
    assert set(_mentioned(specs, "persistentVolumeClaim", "claimName")) == set(of("PersistentVolumeClaim"))
    listed = set(re.findall(r"^\| `([a-z0-9-]+)` \|", GUIDE[GUIDE.index("### Secrets of the cluster") :], re.MULTILINE))
    assert set(_mentioned(specs, "secret", "secretName")) == listed


@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_mounts_it_has(name: str) -> None:
    _, spec = PODS[name]
    volumes = [row["name"] for row in spec.get("volumes", ())] + (["data"] if name == "postgres" else [])
    assert sorted(volumes) == sorted(row["name"] for row in spec["containers"][0]["volumeMounts"])


def test_every_host_that_a_setting_or_command_names_is_a_service() -> None:
    text = "\n".join(path.read_text() for path in (DEPLOY / "kubernetes").glob("*.yaml"))
    hosts = set(re.findall(r"(?:http|tls)://([a-z-]+):(\d+)", text))
    operators = {("nightdub-scheduler", "8786")}  # the operator's name for a cluster's scheduler
    assert hosts == {("prefect-server", str(of("Service")["prefect-server"]["spec"]["ports"][0]["port"]))} | operators
    named = set(re.findall(r"(?:http|https|tls)://([a-z0-9-]+):\d+", (DEPLOY / "compose.yaml").read_text()))
    assert named <= set(SERVICES)
    assert {"s3", "prefect-server", "dask-scheduler"} <= named


def test_every_rule_of_the_network_and_of_disruption_meets_a_pod() -> None:
    chosen = [row["spec"]["podSelector"] for row in of("NetworkPolicy").values()]
    chosen += [row["spec"]["selector"] for row in of("PodDisruptionBudget").values()]
    chosen += [peer["podSelector"] for row in of("NetworkPolicy").values() for peer in _peers(row["spec"]) if "podSelector" in peer]
    for selector in chosen:
        wanted = selector.get("matchLabels", {}).items()
        assert any(wanted <= labels.items() for labels, _ in PODS.values()), selector


def _peers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    rules = spec.get("ingress", []) + spec.get("egress", [])
    return [peer for rule in rules for peer in rule.get("from", []) + rule.get("to", [])]


# ---------------------------------------------------------------- nothing is open, nothing is secret


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_and_bounded_memory(name: str) -> None:
    _, spec = PODS[name]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    locked = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert container["securityContext"] == locked
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_rights_and_bounded_memory(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "cpus"} <= set(service)
    assert "healthcheck" in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert service.get("user", "") == "10001:10001" or name == "postgres"


def test_nobody_reaches_anything_by_default_and_workers_reach_only_store_and_scheduler() -> None:
    nothing = of("NetworkPolicy")["nothing-by-default"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels, spec = PODS["dask-worker"]
    assert {label for label in labels if label.startswith("nightdub/")} == {"nightdub/reaches-store"}
    assert set(_mentioned(spec, "secret", "secretName")) == {"s3-worker", "dask-tls"}
    assert set(SERVICES["dask-worker"]["networks"]) == {"store", "compute"}
    assert [row["source"] for row in SERVICES["dask-worker"]["secrets"]] == ["s3_worker"]
    assert {name for name, network in COMPOSE["networks"].items() if not network.get("internal")} == {"front"}


def test_only_housekeeping_has_keys_that_delete() -> None:
    keys = {
        name: set(_mentioned(spec, "secret", "secretName")) & {"s3-publisher", "s3-worker", "s3-housekeeper"}
        for name, (_, spec) in PODS.items()
    }
    assert {name for name, has in keys.items() if "s3-housekeeper" in has} == {"housekeeping"}
    assert all(len(has) <= 1 for has in keys.values())
    assert {name for name, service in SERVICES.items() if "s3_housekeeper" in str(service.get("secrets"))} == {"housekeeping"}


def test_no_file_holds_a_secret() -> None:
    for path in (path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".lock"):
        text = path.read_text()
        assert not re.search(r"(?i)(password|secret|auth_string|access_key)[ \t]*[:=][ \t]*[\"']?(?!password)[a-z0-9]{6,}", text), path
        assert not re.search(r"://[^/\s\"]+:(?!PASSWORD)[^/\s\"@]+@|BEGIN [A-Z ]*PRIVATE KEY|AKIA[A-Z0-9]{12}", text), path
