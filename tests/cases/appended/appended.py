"""The layout of an appended signature, and the payloads that the corpus signs.

    payload | PKCS#7 message | struct module_signature (12 bytes) | marker (28 bytes)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

MARKER = b"~Module signature appended~\n"
BLOCK = struct.Struct(">BBBBB3sI")
BLOCK_FIELDS = ("algo", "hash", "id_type", "signer_len", "key_id_len", "pad", "sig_len")
ID_TYPE_PKCS7 = 2


@dataclass(frozen=True)
class SignedFile:
    """A signed file in its parts; fields of the block may be set to anything."""

    payload: bytes
    message: bytes
    block: bytes = b""
    marker: bytes = MARKER

    def encode(self) -> bytes:
        block = self.block or pack_block(sig_len=len(self.message))
        return self.payload + self.message + block + self.marker

    def with_block(self, **fields) -> SignedFile:
        return replace(self, block=pack_block(**{"sig_len": len(self.message), **fields}))

    def with_message(self, message: bytes) -> SignedFile:
        return replace(self, message=message, block=b"")


def pack_block(sig_len, algo=0, hash=0, id_type=ID_TYPE_PKCS7, signer_len=0, key_id_len=0,
               pad=bytes(3)) -> bytes:
    return BLOCK.pack(algo, hash, id_type, signer_len, key_id_len, pad, sig_len)


def split(data: bytes) -> SignedFile:
    """The parts of a file that ends with a block and a marker and holds sig_len bytes and more."""
    body, block, marker = data[:-40], data[-40:-28], data[-28:]
    sig_len = BLOCK.unpack(block)[-1] if len(block) == BLOCK.size else 0
    if marker != MARKER or len(block) != BLOCK.size or sig_len >= len(body):
        raise ValueError("not a signed file")
    return SignedFile(body[:len(body) - sig_len], body[len(body) - sig_len:], block, marker)


def make_module(filler: bytes = b"") -> bytes:
    """A relocatable ELF file for x86-64 with a .modinfo section and nothing to run."""
    contents = [
        ("", 0, 0, b""),
        (".text", 1, 6, bytes.fromhex("31c0c3") + bytes(13)),
        (".modinfo", 1, 2, b"vermagic=6.1.0-test SMP mod_unload\0name=payload\0license=GPL\0"),
        (".rodata", 1, 2, filler or b"Payload of the appended signature cases.\0"),
        (".symtab", 2, 0, bytes(24)),
        (".strtab", 3, 0, b"\0"),
        (".shstrtab", 3, 0, b""),
    ]
    names = b"\0".join(name.encode() for name, *_ in contents) + b"\0"
    contents[-1] = (".shstrtab", 3, 0, names)
    data, headers, name_at = bytearray(64), b"", 0
    for name, kind, flags, content in contents:
        link, locals_count, align, entry_size = (5, 1, 8, 24) if kind == 2 else (0, 0, 1, 0)
        data += bytes(-len(data) % align)
        offset = len(data) if kind else 0
        headers += struct.pack("<IIQQQQIIQQ", name_at, kind, flags, 0, offset, len(content),
                               link, locals_count, align, entry_size)
        data += content
        name_at += len(name) + 1
    data += bytes(-len(data) % 8)
    header = b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, len(data), 0, 64, 0, 0, 64, len(contents), len(contents) - 1)
    data[:64] = header
    return bytes(data) + headers


PAYLOAD = make_module()
BIG_PAYLOAD = make_module(b"Filler so that the file exceeds 65535 bytes.\n" * 1470)
TEXT = b"A text that was signed for another purpose.\n"
