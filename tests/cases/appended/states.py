"""The named states of a platform in which cases are judged."""

from __future__ import annotations

import hashlib

from collection import Collection

TRUSTED = ("good", "ku", "p256", "p384", "p521", "expired", "sha1c")

CONFIG = {
    "CONFIG_MODULE_SIG": "y",
    "CONFIG_SECONDARY_TRUSTED_KEYRING": "y",
    "CONFIG_INTEGRITY_PLATFORM_KEYRING": "y",
    "CONFIG_INTEGRITY_TRUSTED_KEYRING": "y",
    "CONFIG_SYSTEM_BLACKLIST_KEYRING": "y",
    "CONFIG_SYSTEM_REVOCATION_LIST": "y",
    "CONFIG_CRYPTO_RSA": "y",
    "CONFIG_CRYPTO_ECDSA": "y",
    "CONFIG_CRYPTO_MLDSA": "y",
    "CONFIG_CRYPTO_MD4": "n",
    "CONFIG_CRYPTO_MD5": "y",
    "CONFIG_CRYPTO_SHA1": "y",
    "CONFIG_CRYPTO_SHA256": "y",
    "CONFIG_CRYPTO_SHA512": "y",
    "CONFIG_CRYPTO_SHA3": "y",
    "CONFIG_CRYPTO_SM3": "y",
    "CONFIG_CRYPTO_SM3_GENERIC": "y",
    "CONFIG_PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA": "n",
}


def certificate(name: str) -> str:
    return f"keys/{name}.der"


def state(builtin=(), secondary=(), platform=(), ima=(), expired=(), revoked=(), hashes=(),
          revocation_list=(), variant="debian", flags=0, ipl_secure=None, **config) -> dict:
    """By names of certificates. expired and revoked are states of keys, revocation_list is .blacklist."""
    rings = {"builtin_trusted_keys": builtin, "secondary_trusted_keys": secondary, "platform": platform,
             "ima": ima}
    key_states = {certificate(name): "expired" for name in expired}
    key_states |= {certificate(name): "revoked" for name in revoked}
    made = {
        "rings": {ring: [certificate(name) for name in names] for ring, names in rings.items()},
        "key_states": key_states,
        "blacklist_hashes": list(hashes),
        "revoked_certificates": [certificate(name) for name in revocation_list],
        "config": CONFIG | {f"CONFIG_{option}": value for option, value in config.items()},
        "variant": variant,
        "flags": flags,
    }
    return made if ipl_secure is None else made | {"ipl_secure": ipl_secure}


def make_states(files: Collection) -> dict[str, dict]:
    without_good = tuple(name for name in TRUSTED if name != "good")

    def tbs(name: str, digest: str) -> str:
        return f"tbs:{files.certificate(name).tbs_hash(digest)}"

    def whole(name: str) -> str:
        return f"bin:{hashlib.sha256(files[name].data).hexdigest()}"

    listed = [whole(name) for name in ("signed", "signed-by-other", "payload-flipped")]
    payload = f"bin:{hashlib.sha256(files.parts('signed').payload).hexdigest()}"
    states = {
        "trusted": state(TRUSTED),
        "no-keys": state(),
        "good-in-secondary": state(secondary=["good"]),
        "good-in-platform": state(platform=["good"]),
        "good-in-platform-mainline": state(platform=["good"], variant="mainline"),
        "trusted-ignore-modversions": state(TRUSTED, flags=1),
        "trusted-ignore-vermagic": state(TRUSTED, flags=2),
        "ca-trusted": state(["ca"]),
        "leaf-trusted": state(["leaf"]),
        "noskid-trusted": state(["noskid"]),
        "md5c-trusted": state([*TRUSTED, "md5c"]),
        "authorities": state(["good", "ca", "p521"]),
        "leaf-rsa8192-in-secondary": state(["ca"], ["leaf-rsa8192-key"]),
        "good-revoked": state(TRUSTED, revocation_list=["good"]),
        "good-revoked-in-platform": state(platform=["good"], revocation_list=["good"]),
        "good-revoked-without-list": state(TRUSTED, revocation_list=["good"], SYSTEM_REVOCATION_LIST="n"),
        "ca-revoked": state(["ca"], revocation_list=["ca"]),
        "ca-revoked-leaf-in-secondary": state(["ca"], ["leaf"], revocation_list=["ca"]),
        "good-tbs-listed": state(without_good, hashes=[tbs("good", "sha256")]),
        "ca-tbs-listed": state(["leaf"], hashes=[tbs("ca", "sha256")]),
        "leaf-tbs-listed": state([*TRUSTED, "ca"], hashes=[tbs("leaf", "sha256")]),
        "files-listed": state(TRUSTED, hashes=listed),
        "files-listed-mainline": state(TRUSTED, hashes=listed, variant="mainline"),
        "files-listed-ignore-modversions": state(TRUSTED, hashes=listed, flags=1),
        "payload-listed": state(TRUSTED, hashes=[payload]),
        "other-key-expired": state(["ku"], expired=["ku"]),
        "other-key-expired-good-in-platform": state(["ku"], platform=["good"], expired=["ku"]),
        "other-key-expired-good-present": state(["good", "ku"], expired=["ku"]),
        "other-key-revoked": state(["ku"], revoked=["ku"]),
        "other-key-revoked-good-in-platform": state(["ku"], platform=["good"], revoked=["ku"]),
        "other-key-revoked-good-present": state(["good", "ku"], revoked=["ku"]),
        "good-key-expired": state(["good"], expired=["good"]),
        "good-key-revoked": state(["good"], revoked=["good"]),
        "no-ecdsa": state(TRUSTED, CRYPTO_ECDSA="n"),
        "no-sha512": state(TRUSTED, CRYPTO_SHA512="n"),
        "no-md5": state(TRUSTED, CRYPTO_MD5="n"),
        "no-sha3": state(TRUSTED, CRYPTO_SHA3="n"),
        "ml-dsa-waiver": state(TRUSTED, PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA="y"),
        "good-in-ima": state(ima=["good"]),
        "s390-secure-ipl": state(TRUSTED, ipl_secure=True),
        "s390-ordinary-ipl": state(TRUSTED, ipl_secure=False),
    }
    for digest in ("sha1", "sha384", "sha512"):
        for listed_digest in (digest, "sha256"):
            states[f"leaf-{digest}-tbs-{listed_digest}-listed"] = state(
                ["good", "ca"], hashes=[tbs(f"leaf-{digest}", listed_digest)])
    return states
