"""Signed files by name, and the ways to make one: with a tool, or out of another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import der
from appended import PAYLOAD, SignedFile, split
from certificate import Certificate
from der import Node
from message import Message
from openssl import Workshop

Change = Callable[[Message], None]
Find = Callable[[Message], Node]


@dataclass(frozen=True)
class Artifact:
    """base: the artifact that it was made of, touches: the places where the two differ."""

    data: bytes
    made_by: str
    base: str | None = None
    touches: tuple[str, ...] = ()


class Collection(dict):
    """Artifacts by name."""

    def __init__(self, workshop: Workshop):
        super().__init__()
        self.workshop = workshop

    def certificate(self, name: str) -> Certificate:
        return Certificate(self.workshop.certificate(name))

    def parts(self, name: str) -> SignedFile:
        return split(self[name].data)

    def message(self, name: str) -> Message:
        return Message(self.parts(name).message)

    def add(self, name: str, data: bytes, made_by: str, base: str | None = None, *touches: str) -> None:
        assert name not in self, name
        self[name] = Artifact(data, made_by, base, touches)

    def sign_file(self, name: str, signer: str, digest: str = "sha256", *options: str,
                  payload: bytes = PAYLOAD) -> None:
        made_by = " ".join(["sign-file", *options, digest, "with the key of", signer])
        self.add(name, self.workshop.sign_file(payload, signer, digest, *options), made_by)

    def cms(self, name: str, signer: str, digest: str, options: str, payload: bytes = PAYLOAD,
            signed: bytes = b"") -> None:
        """An `openssl cms -sign` message appended to the payload; `signed` where it signs something else."""
        message = self.workshop.cms(signed or payload, signer, digest, *options.split())
        command = f"openssl cms -sign -binary -md {digest} {options}"
        made_by = f"{command} with the key of {signer}, block packed here"
        self.add(name, SignedFile(payload, message).encode(), made_by)

    def block(self, name: str, how: str, base: str = "signed", **fields) -> None:
        """The base with other values in its block."""
        data = self.parts(base).with_block(**fields).encode()
        touches = [f"block.{field}" for field in fields]
        self.add(name, data, f"block of {base} packed again: {how}", base, *touches)

    def edit(self, base: str, *rows: tuple) -> None:
        """For each row (name, how, change, places): the base with a changed message; sig_len follows."""
        for name, how, change, *touches in rows:
            message = self.message(base)
            change(message)
            data = self.parts(base).with_message(message.encode()).encode()
            self.add(name, data, f"message of {base} re-encoded: {how}", base, *touches)

    def raw(self, base: str, *rows: tuple) -> None:
        """For each row (name, how, message, places): the base with other bytes as its message."""
        for name, how, message, *touches in rows:
            data = self.parts(base).with_message(message).encode()
            self.add(name, data, f"message of {base} replaced: {how}", base, *touches)


def put(find: Find, index: int, node: Node) -> Change:
    """Puts a node in the place of another."""
    def change(message: Message) -> None:
        find(message).content[index] = node
    return change


def append(find: Find, node: Node) -> Change:
    def change(message: Message) -> None:
        find(message).content.append(node)
    return change


def remove(find: Find, index: int) -> Change:
    def change(message: Message) -> None:
        del find(message).content[index]
    return change


def empty(find: Find) -> Change:
    def change(message: Message) -> None:
        find(message).content = []
    return change


def reverse(find: Find) -> Change:
    def change(message: Message) -> None:
        find(message).content.reverse()
    return change


def set_tag(tag: int, find: Find) -> Change:
    def change(message: Message) -> None:
        find(message).tag = tag
    return change


def set_lengths(form: str, *finds: Find) -> Change:
    def change(message: Message) -> None:
        for find in finds:
            find(message).length_form = form
    return change


def set_signature(value: bytes, index: int = 0) -> Change:
    def change(message: Message) -> None:
        message.signer(index).signature = value
    return change


def flip_signature(index: int = 0) -> Change:
    def change(message: Message) -> None:
        message.signer(index).signature = der.flip_last_bit(message.signer(index).signature)
    return change
