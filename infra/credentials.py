"""Content credentials (C2PA): a signed statement inside a film of how it was made, for whoever has a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from nightdub.infra.errors import ConfigError, MediaError
from nightdub.infra.media.sniff import MP4, sniff

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"  # IPTC: part real, part synthetic
SIGNABLE = (".mp4",)  # of what is delivered, the container that C2PA can sign
_FORM, _ORIGINAL, _UNTRUSTED = "video/mp4", "original", "signingCredential.untrusted"
_FORMS = {"mov": _FORM, "matroska": "video/x-matroska", "mpegts": "video/mp2t", "mxf": "application/mxf"}  # IANA's, of films
_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}  # a film never makes us call an address that it names


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a film, as its own bytes say, and whether they are the ones that were signed."""

    issuer: str
    valid: bool
    problems: tuple[str, ...] = ()  # codes of the C2PA specification
    statement: Mapping[str, Any] | None = None  # what `sign` was given


def sign(film: Path, original: Path, out: Path, certificate: Path, key: Path, statement: Mapping[str, Any], title: str) -> None:
    """Write the MP4 `out` as `film` with a signed statement that it was made from `original`, whose own credentials are kept within.

    The certificate file holds the chain, the signing one first; both are PEM.

    Raises:
        ConfigError: certificate or key cannot be used.
        MediaError: the film cannot be signed.
    """
    import c2pa

    chain, private = _read(certificate), _read(key)
    algorithm = _algorithm(private, key)
    out.unlink(missing_ok=True)
    try:
        information = c2pa.C2paSignerInfo(algorithm, chain, private, None)
        context = c2pa.Context.from_dict(_OFFLINE)
        with c2pa.Signer.from_info(information) as signer, c2pa.Builder(_claim(original, statement, title), context=context) as builder:
            if sniff(original) is MP4:
                with original.open("rb") as stream:
                    builder.add_ingredient(_ingredient(original), _FORM, stream)
            builder.sign_file(str(film), str(out), signer)
    except c2pa.C2paError as error:
        raise MediaError(f"content credentials: {error}", where=str(film), fix="check certificate and key: docs/packages.md") from None


def verify(film: Path) -> Signature | None:
    """Return the signature of an MP4, or None where it bears none. Whether its issuer is to be trusted is not asked.

    Raises: MediaError where what the film bears cannot be read.
    """
    import c2pa

    try:
        with film.open("rb") as stream, c2pa.Reader(_FORM, stream, context=c2pa.Context.from_dict(_OFFLINE)) as reader:
            return _signature(msgspec.json.decode(reader.json()))
    except c2pa.C2paError.ManifestNotFound:
        return None
    except (c2pa.C2paError, msgspec.DecodeError, LookupError, TypeError, AttributeError) as error:
        raise MediaError(f"content credentials: {error}", where=str(film), fix="deliver it again") from None


def _signature(found: dict[str, Any]) -> Signature:
    """Return what c2pa says of a film. Raises: LookupError, TypeError, AttributeError where that is not a statement with a signature."""
    active = found["manifests"][found["active_manifest"]]
    problems = tuple(row["code"] for row in found.get("validation_status", ()) if row["code"] != _UNTRUSTED)
    said = next((row["data"] for row in active["assertions"] if row["label"] == "org.nightdub.dub"), None)
    valid = found.get("validation_state") in ("Valid", "Trusted") and not problems
    return Signature(active.get("signature_info", {}).get("issuer", ""), valid, problems, said)


def _claim(original: Path, statement: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Return what is signed: that the original was opened, and edited into this (C2PA specification 2.2, 18.15)."""
    tool = {"name": "Nightdub", "version": version("nightdub")}
    actions = [
        {"action": "c2pa.opened", "parameters": {"ingredientIds": [_ORIGINAL]}},
        {"action": "c2pa.edited", "digitalSourceType": SOURCE, "softwareAgent": tool},
    ]
    alone = {} if sniff(original) is MP4 else {"ingredients": [_ingredient(original)]}
    return {
        "claim_generator_info": [tool],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}, {"label": "org.nightdub.dub", "data": dict(statement)}],
    } | alone


def _ingredient(original: Path) -> dict[str, str]:
    form = _FORMS.get(sniff(original).demuxer, "application/octet-stream")
    return {"title": "original film", "format": form, "relationship": "parentOf", "instance_id": _ORIGINAL}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(error.strerror or str(error), where=str(path), fix="check c2pa_certificate and c2pa_key") from None


def _algorithm(key: bytes, path: Path) -> str:
    """Return C2PA's name of the algorithm that fits a private key (C2PA specification 2.2, 13.2.1). Raises: ConfigError."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError):
        raise ConfigError("no private key in PEM without a password", where=str(path), fix="openssl pkey -in KEY -out NEW") from None
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "Ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "PS256"
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _ALGORITHMS:
        return _ALGORITHMS[private.curve.name]
    allowed = "P-256, P-384, P-521, RSA, Ed25519"
    raise ConfigError("a key that C2PA does not sign with", where=str(path), allowed=allowed, fix="ask for another")
