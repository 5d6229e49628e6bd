"""What distinguishes a damaged file from the file it was made of, as a list of places.

The places are found by taking both files apart, not by remembering what was done to them: a case that claims
to change one field is held to it. A length that only follows from other changes is no place of its own.
"""

from __future__ import annotations

import der
from appended import BLOCK, BLOCK_FIELDS, split
from certificate import EXTENSION_NAMES, Certificate
from der import Node
from message import Message

AFTER_MESSAGE = "after the message"
ORDER = "order of signerInfos"
NAMES_BY_OID = {der.oid(identifier).content: name for identifier, name in EXTENSION_NAMES.items()}


def touched_in_file(base: bytes, damaged: bytes) -> list[str]:
    """Places where a damaged signed file differs from its base."""
    if damaged.startswith(base):
        return ["after the file"]
    if base.startswith(damaged):
        return ["end of the file"]
    if damaged[:-40] == base[:-40]:
        return touched_in_block(base[-40:-28], damaged[-40:-28])
    before, after = split(base), split(damaged)
    places = ["payload"] if before.payload != after.payload else []
    places += [place for place in touched_in_block(before.block, after.block) if place != "block.sig_len"]
    return places + touched_in_message(before.message, after.message)


def touched_in_block(base: bytes, damaged: bytes) -> list[str]:
    pairs = zip(BLOCK_FIELDS, BLOCK.unpack(base), BLOCK.unpack(damaged))
    return [f"block.{name}" for name, before, after in pairs if before != after]


def touched_in_message(base: bytes, damaged: bytes) -> list[str]:
    """Places of SignedData that differ; the whole message where the damaged one cannot be taken apart."""
    if base == damaged:
        return []
    if base.startswith(damaged):
        return ["end of the message"]
    try:
        before, after = message_places(base), message_places(damaged)
    except (IndexError, ValueError):
        return ["message"]
    places = differences(before, after)
    return [ORDER] if is_only_reordered(base, damaged, places) else places


def is_only_reordered(base: bytes, damaged: bytes, places: list[str]) -> bool:
    """The same signerInfos in another order, and nothing else."""
    if not all(place.startswith("signerInfos.") for place in places):
        return False
    before, after = (Message(data).signer_infos.content for data in (base, damaged))
    return sorted(map(der.Node.encode, before)) == sorted(map(der.Node.encode, after))


def touched_in_certificate(base: bytes, damaged: bytes) -> list[str]:
    return differences(certificate_places(base), certificate_places(damaged))


def differences(base: dict, damaged: dict) -> list[str]:
    """Places that differ; of a part that only one of the two has, the part alone."""
    places = {**base, **damaged}
    inside_absent = tuple(f"{place}/" for place in places if (place in base) != (place in damaged))
    return [short_name(place) for place in places
            if base.get(place) != damaged.get(place) and not place.startswith(inside_absent)]


def short_name(place: str) -> str:
    return place.removeprefix("content/").removeprefix("SignedData/").replace("/", ".")


def shape(node: Node) -> tuple:
    """A node that is looked into: how it is written, not what is inside."""
    return node.tag, node.length_form


def message_places(encoded: bytes) -> dict[str, object]:
    root, end = der.parse_prefix(encoded)
    places = {"ContentInfo": shape(root), "contentType": root[0], AFTER_MESSAGE: encoded[end:]}
    if len(root) > 1:
        places["content"] = shape(root[1])
        places |= {f"content/{name}": value for name, value in signed_data_places(root[1][0]).items()}
    return places


def signed_data_places(signed_data: Node) -> dict[str, object]:
    fields = list(signed_data.content)
    places = {"SignedData": shape(signed_data), "SignedData/version": fields.pop(0)}
    if not is_content_info(fields[0]):
        places["SignedData/digestAlgorithms"] = fields.pop(0)
    content_info = fields.pop(0)
    places["SignedData/eContentType"] = content_info[0]
    places["SignedData/eContent"] = content_info.content[1:]
    signer_infos = fields.pop()
    for field in fields:
        name = "SignedData/certificates" if field.tag in (0xA0, 0xA2) else "SignedData/crls"
        places[name] = shape(field)
        places |= {f"{name}/{index}": child for index, child in enumerate(field.content)}
    places["SignedData/signerInfos"] = shape(signer_infos)
    for index, signer_info in enumerate(signer_infos.content):
        places |= signer_places(signer_info, f"SignedData/signerInfos/{index}")
    return places


def is_content_info(node: Node) -> bool:
    return bool(node.content) and node[0].tag == der.OID


def signer_places(signer_info: Node, name: str) -> dict[str, object]:
    fields = list(signer_info.content)
    places = {name: shape(signer_info)}
    for field in ("version", "sid", "digestAlgorithm"):
        places[f"{name}/{field}"] = fields.pop(0)
    if fields[0].tag in (0xA0, 0xA2):
        places[f"{name}/signedAttrs"] = fields.pop(0)
    for field in ("signatureAlgorithm", "signature"):
        places[f"{name}/{field}"] = fields.pop(0)
    if fields and fields[0].tag in (0xA1, 0xA3):
        places[f"{name}/unsignedAttrs"] = fields.pop(0)
    return places | {f"{name}/extra": fields}


def certificate_places(encoded: bytes) -> dict[str, object]:
    root, end = der.parse_prefix(encoded)
    certificate = Certificate(encoded[:end])
    places = {"Certificate": shape(root), "after the certificate": encoded[end:]}
    places["version"] = certificate.tbs[0] if certificate.shift else None
    names = ("serialNumber", "tbs.signature", "issuer", "validity", "subject", "subjectPublicKeyInfo")
    places |= {name: certificate.field(position) for position, name in enumerate(names)}
    if certificate.tbs[-1].tag == 0xA3:
        for extension in certificate.extensions.content:
            name = NAMES_BY_OID.get(extension[0].content, "unknown")
            places[f"{name} again" if name in places else name] = extension
    return places | {"signatureAlgorithm": root[1], "signatureValue": root[2]}

