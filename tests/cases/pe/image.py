"""PE images written byte by byte, their Authenticode digest as verify_pefile.c has it, and the certificate table."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

PE_OFFSET = 64
OPTIONAL = PE_OFFSET + 24
NUMBER_OF_SECTIONS = PE_OFFSET + 6
MACHINE = PE_OFFSET + 4
TIME_STAMP = PE_OFFSET + 8
SIZE_OF_HEADERS = OPTIONAL + 60
CHECKSUM = OPTIONAL + 64


@dataclass
class Section:
    name: bytes
    raw_offset: int
    raw_size: int
    virtual_address: int = 0
    virtual_size: int = 0

    def encode(self) -> bytes:
        return struct.pack("<8sIIIIIIHHI", self.name, self.virtual_size or self.raw_size,
                           self.virtual_address or self.raw_offset, self.raw_size, self.raw_offset, 0, 0, 0, 0,
                           0x60000020)


@dataclass
class Image:
    """What is written; `bytes()` makes it. The bytes of sections are a pattern, those of gaps another."""

    sections: list[Section] = field(default_factory=lambda: [Section(b".text", 0x200, 0x400),
                                                             Section(b".data", 0x600, 0x200)])
    plus: bool = True
    machine: int = 0x8664
    directories: int = 6
    optional_size: int | None = None  # SizeOfOptionalHeader
    headers_size: int = 0x200
    size: int = 0x800
    overlay: bytes = b""
    section_count: int | None = None

    @property
    def fixed(self) -> int:
        return 112 if self.plus else 96

    @property
    def entry(self) -> int:
        """Offset of the directory entry of the certificate table."""
        return OPTIONAL + self.fixed + 4 * 8

    @property
    def directory_count_offset(self) -> int:
        return OPTIONAL + self.fixed - 4

    def bytes(self) -> bytes:
        optional_size = self.fixed + 8 * self.directories if self.optional_size is None else self.optional_size
        count = len(self.sections) if self.section_count is None else self.section_count
        out = bytearray(b"MZ" + bytes(58) + struct.pack("<I", PE_OFFSET))
        out += struct.pack("<IHHIIIHH", 0x4550, self.machine, count, 0x5F000000, 0, 0, optional_size, 0x0206)
        optional = bytearray(self.fixed)
        struct.pack_into("<H", optional, 0, 0x20B if self.plus else 0x10B)
        struct.pack_into("<II", optional, 32, 0x200, 0x200)  # SectionAlignment, FileAlignment
        struct.pack_into("<III", optional, 56, 0x2000, self.headers_size, 0)
        struct.pack_into("<H", optional, 68, 10)  # EFI application
        struct.pack_into("<I", optional, self.fixed - 4, self.directories)
        out += optional + bytes(8 * self.directories)
        out = out.ljust(OPTIONAL + optional_size, b"\0")
        for section in self.sections:
            out += section.encode()
        out = out.ljust(self.size, b"\0")
        for section in self.sections:
            for at in range(section.raw_offset, min(section.raw_offset + section.raw_size, self.size)):
                out[at] = 0x80 | (at * 37 + section.name[1]) & 0x7F
        return bytes(out[:self.size] + self.overlay)


def patch(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value):]


def u16(value: int) -> bytes:
    return struct.pack("<H", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def pad8(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def entry_of(data: bytes) -> int:
    pe = struct.unpack_from("<I", data, 60)[0]
    return pe + 24 + (112 if struct.unpack_from("<H", data, pe + 24)[0] == 0x20B else 96) + 32


def image_digest(data: bytes, table_size: int = 0, hash_name: str = "sha256") -> bytes:
    """pefile_digest_pe_contents, for a file in which the certificate table has this size."""
    pe = struct.unpack_from("<I", data, 60)[0]
    optional = pe + 24
    fixed = 112 if struct.unpack_from("<H", data, optional)[0] == 0x20B else 96
    directories = struct.unpack_from("<I", data, optional + fixed - 4)[0]
    headers_size = struct.unpack_from("<I", data, optional + 60)[0]
    table = optional + fixed + 8 * directories
    count = struct.unpack_from("<H", data, pe + 6)[0]
    headers = [data[table + 40 * i:table + 40 * (i + 1)] for i in range(count)]

    def key(header: bytes):
        virtual_size, address, raw_size, raw_offset = struct.unpack_from("<IIII", header, 8)
        return raw_offset, address, header[:8].split(b"\0")[0], virtual_size, raw_size

    digest = hashlib.new(hash_name)
    entry = entry_of(data)
    digest.update(data[:optional + 64] + data[optional + 68:entry] + data[entry + 8:headers_size])
    hashed = headers_size
    for header in sorted(headers, key=key):
        raw_size, raw_offset = struct.unpack_from("<II", header, 16)
        if raw_size:
            digest.update(data[raw_offset:raw_offset + raw_size])
            hashed += raw_size
    if len(data) > hashed + table_size:
        digest.update(data[hashed:len(data) - table_size])
    return digest.digest()


def win_certificate(message: bytes, length: int | None = None, revision: int = 0x200, kind: int = 2) -> bytes:
    return struct.pack("<IHH", 8 + len(message) if length is None else length, revision, kind) + message


def set_entry(data: bytes, address: int, size: int) -> bytes:
    return patch(data, entry_of(data), u32(address) + u32(size))


def attach(image: bytes, table: bytes, size: int | None = None) -> bytes:
    """`image` is a multiple of 8 long; the table is padded to one."""
    table = pad8(table)
    return set_entry(image, len(image), len(table) if size is None else size) + table
