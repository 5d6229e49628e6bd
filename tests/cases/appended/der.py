"""DER trees that can be taken apart, bent and put together again, also wrongly.

A Node knows its tag, its content (bytes,
                                   or the nodes inside) and how its length is written, so that a case may
ask for an encoding that no ordinary encoder would produce. parse() and encode() are inverse on every input.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
PRINTABLE_STRING, UTC_TIME, GENERALIZED_TIME = 0x13, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
CONSTRUCTED = 0x20

SHORTEST, INDEFINITE = "shortest", "indefinite"


@dataclass
class Node:
    """One element. length_form is SHORTEST, INDEFINITE or "8N": N length octets, as many as asked for."""

    tag: int
    content: bytes | list[Node]
    length_form: str = SHORTEST

    @property
    def is_tree(self) -> bool:
        return isinstance(self.content, list)

    def __getitem__(self, index):
        return self.content[index]

    def __len__(self):
        return len(self.content)

    def body(self) -> bytes:
        return b"".join(child.encode() for child in self.content) if self.is_tree else self.content

    def encode(self) -> bytes:
        body = self.body()
        if self.length_form == INDEFINITE:
            return bytes([self.tag, 0x80]) + body + b"\0\0"
        return bytes([self.tag]) + encode_length(len(body), self.length_form) + body

    def copy(self) -> Node:
        return copy.deepcopy(self)


def encode_length(size: int, form: str = SHORTEST) -> bytes:
    if form == SHORTEST:
        if size < 0x80:
            return bytes([size])
        form = f"8{(size.bit_length() + 7) // 8}"
    octets = int(form, 16) - 0x80
    return bytes([0x80 + octets]) + size.to_bytes(octets, "big")


def parse(data: bytes) -> Node:
    """The one element that fills data."""
    node, end = parse_prefix(data)
    assert end == len(data), f"{len(data) - end} bytes left over"
    return node


def parse_prefix(data: bytes, start: int = 0) -> tuple[Node, int]:
    """The element at start and the offset behind it."""
    tag, first = data[start], data[start + 1]
    at = start + 2
    if first == 0x80:
        children, at = parse_until(data, at, lambda where: data[where:where + 2] == b"\0\0")
        return Node(tag, children, INDEFINITE), at + 2
    size, form = first, SHORTEST
    if first > 0x80:
        octets = first - 0x80
        size, at = int.from_bytes(data[at:at + octets], "big"), at + octets
        form = f"8{octets}" if encode_length(size) != data[start + 1:at] else SHORTEST
    end = at + size
    if end > len(data):
        raise ValueError(f"{size} bytes of content, {len(data) - at} there")
    if is_taken_apart(tag):
        children, at = parse_until(data[:end], at, lambda where: where >= end)
        return Node(tag, children, form), at
    return Node(tag, data[at:end], form), end


def is_taken_apart(tag: int) -> bool:
    """Of the universal types SEQUENCE and SET only, with or without the constructed bit."""
    return bool(tag & CONSTRUCTED) if tag & 0xC0 else tag & 0x1F in (SEQUENCE & 0x1F, SET & 0x1F)


def parse_until(data: bytes, at: int, is_end) -> tuple[list[Node], int]:
    nodes = []
    while not is_end(at):
        node, at = parse_prefix(data, at)
        nodes.append(node)
    return nodes, at


def flip_last_bit(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])


def sequence(*nodes: Node) -> Node:
    return Node(SEQUENCE, list(nodes))


def set_of(*nodes: Node) -> Node:
    return Node(SET, list(nodes))


def context(number: int, *nodes: Node) -> Node:
    return Node(0xA0 + number, list(nodes))


def integer(value: int) -> Node:
    return Node(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octet_string(value: bytes) -> Node:
    return Node(OCTET_STRING, value)


def bit_string(value: bytes, unused: int = 0) -> Node:
    return Node(BIT_STRING, bytes([unused]) + value)


def null() -> Node:
    return Node(NULL, b"")


def oid(dotted: str) -> Node:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in [first * 40 + second, *rest]:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        content += bytes(reversed(groups))
    return Node(OID, content)


def algorithm(dotted: str, *parameters: Node) -> Node:
    return sequence(oid(dotted), *parameters)
