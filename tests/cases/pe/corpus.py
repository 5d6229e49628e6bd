"""The cases: how each file is made, and what the three kernels make of it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import der
from authenticode import INDIVIDUAL_KEY_PURPOSE, MORE_DIGEST_OIDS, Signature, attribute, indirect_data
from der import Node
from image import (CHECKSUM, MACHINE, NUMBER_OF_SECTIONS, OPTIONAL, PE_OFFSET, SIZE_OF_HEADERS, TIME_STAMP, Image,
                   Section, attach, image_digest, pad8, patch, set_entry, u16, u32, win_certificate)
from message import DATA, RSASSA_PSS, Message

ANCHORS = ("6.1", "6.12", "7.2")
SPC_STATEMENT_TYPE = "1.3.6.1.4.1.311.2.1.11"
COMMON_NAME = "2.5.4.3"


@dataclass
class Case:
    name: str
    row: str  # of the specification's table of PE cases; "obs": booted kernels; "source": read from the source
    description: str
    data: bytes
    expect: dict[str, str]
    made_by: str
    state: str = "trusted"


class Corpus:
    def __init__(self, workshop, tools):
        self.workshop = workshop
        self.tools = tools
        self.cases: list[Case] = []
        self.base = tools.sbsign(Image().bytes(), "good")

    def add(self, name: str, row, description: str, data: bytes, expect, made_by: str = "sbsign, then changed here",
            state: str = "trusted") -> None:
        said = dict.fromkeys(ANCHORS, expect) if isinstance(expect, str) else dict(zip(ANCHORS, expect))
        self.cases.append(Case(name, str(row), description, data, said, made_by, state))

    def pack(self, image: bytes, signature: Signature | None = None, content: Node | None = None,
             digest: bytes | None = None, hash_name: str = "sha256", change=None, **wrapper) -> bytes:
        """An image with a message made here; `change` bends the message's tree."""
        image = pad8(image)
        table = wrapper.pop("table", None)
        # The digest depends on the table's size only where it is computed; the entry itself is not covered.
        computed = image_digest(image, 0, hash_name.replace("-", "_")) if digest is None else digest
        content = content or indirect_data(computed, MORE_DIGEST_OIDS[hash_name])
        tree = (signature or Signature()).tree(self.workshop, content)
        encoded = tree.encode()
        if change:
            message = Message(encoded)
            change(message)
            encoded = message.encode()
        return attach(image, table or win_certificate(encoded, **wrapper))

    @property
    def table(self) -> int:
        return 0x800

    def message_bytes(self) -> bytes:
        return self.base[self.table + 8:self.table + struct.unpack_from("<I", self.base, self.table)[0]]


def make_corpus(workshop, tools) -> list[Case]:
    corpus = Corpus(workshop, tools)
    for family in (headers, wrappers, coverage, layouts, messages, trust, contents):
        family(corpus)
    names = [case.name for case in corpus.cases]
    assert len(names) == len(set(names)), "a name twice"
    return corpus.cases


def headers(c: Corpus) -> None:
    base, plain, size = c.base, Image().bytes(), len(c.base)
    entry = Image().entry
    c.add("signed", 1, "sbsign", base, "ok", "sbsign")
    c.add("checksum-0", 2, "CheckSum 0", patch(base, CHECKSUM, u32(0)), "ok")
    c.add("checksum-other", 2, "CheckSum 0xdeadbeef", patch(base, CHECKSUM, u32(0xDEADBEEF)), "ok")
    c.add("unsigned", 3, "never signed", plain, "ENODATA", "written here")
    c.add("entry-cleared", 3, "directory entry 0, 0; the table still there", set_entry(base, 0, 0), "ENODATA")
    c.add("entry-address-0", 4, "address of the table 0", patch(base, entry, u32(0)), "ENODATA")
    c.add("entry-size-0", 4, "size of the table 0", patch(base, entry + 4, u32(0)), "ENODATA")
    c.add("empty", "source", "no bytes", b"", "ELIBBAD")
    for length in (63, 64, 65):
        c.add(f"size-{length}", 5, f"the first {length} bytes", base[:length], "ELIBBAD")
    c.add("magic-zm", 6, "ZM", patch(base, 0, b"ZM"), "ELIBBAD")
    c.add("pe-offset-60", 7, "e_lfanew 60", patch(base, 60, u32(60)), "ELIBBAD")
    c.add("pe-offset-at-end", 7, "e_lfanew 23 bytes before the end", patch(base, 60, u32(size - 23)), "ELIBBAD")
    last = patch(patch(base, 60, u32(size - 24)), size - 24, b"PE\0\0")
    c.add("pe-header-last", "source", "the PE header is the last 24 bytes", last, "ELIBBAD")
    c.add("pe-magic", 8, "PE signature NE", patch(base, PE_OFFSET, b"NE"), "ELIBBAD")
    c.add("optional-magic-107", 9, "optional header 0x107 (ROM)", patch(base, OPTIONAL, u16(0x107)), "ELIBBAD")
    c.add("optional-header-cut", "source", "the file ends inside the optional header", base[:OPTIONAL + 100],
          "ELIBBAD")
    c.add("headers-size-80", 10, "SizeOfHeaders 0x80", patch(base, SIZE_OF_HEADERS, u32(0x80)), "ELIBBAD")
    c.add("headers-size-file", 11, "SizeOfHeaders is the file's size", patch(base, SIZE_OF_HEADERS, u32(size)),
          "ELIBBAD")
    count = Image().directory_count_offset
    c.add("directories-256", 12, "NumberOfRvaAndSizes 0x100", patch(base, count, u32(0x100)), "ELIBBAD")
    c.add("directories-16", 13, "NumberOfRvaAndSizes 16, SizeOfOptionalHeader as for 6",
          patch(base, count, u32(16)), "EKEYREJECTED")
    c.add("directories-4", 14, "NumberOfRvaAndSizes 4: to the kernel the section headers start earlier",
          patch(base, count, u32(4)), "crash")
    c.add("table-in-headers", 15, "table at 0x180", patch(base, entry, u32(0x180)), "ELIBBAD")
    c.add("table-at-text", 16, "table at 0x200, where .text is", patch(base, entry, u32(0x200)), "ELIBBAD")
    table_size = size - c.table
    c.add("table-size-1-more", 17, "size of the table one past the end of the file",
          patch(base, entry + 4, u32(table_size + 1)), "ELIBBAD")
    c.add("file-cut-by-1", 18, "the last byte cut off", base[:-1], "ELIBBAD")
    c.add("sections-200", 19, "NumberOfSections 200", patch(base, NUMBER_OF_SECTIONS, u16(200)), "ELIBBAD")
    c.add("sections-200-unsigned", 20, "NumberOfSections 200, unsigned",
          patch(plain, NUMBER_OF_SECTIONS, u16(200)), "ENODATA", "written here")
    c.add("sections-0", 21, "NumberOfSections 0, the signature kept", patch(base, NUMBER_OF_SECTIONS, u16(0)),
          "crash")
    entry_outside = Image(sections=[], directories=0, headers_size=201, size=202).bytes()
    c.add("entry-outside-file", "source", "202 bytes: the directory entry that is read lies behind the file",
          entry_outside, "crash", "written here")
    small = Image(sections=[], directories=0, optional_size=112, headers_size=236, size=0x200).bytes()
    c.add("headers-before-entry-end", "2.5", "SizeOfHeaders ends inside the directory entry",
          c.pack(small, digest=bytes(32)), "crash", "written here")


def wrappers(c: Corpus) -> None:
    base, entry, table = c.base, Image().entry, c.table
    size = len(base) - table
    message = c.message_bytes()

    def wrap(data: bytes, table_size: int | None = None, **fields) -> bytes:
        padded = pad8(win_certificate(data, **fields))
        return set_entry(base[:table] + padded, table, len(padded) if table_size is None else table_size)

    c.add("table-size-7", 22, "size of the table 7", patch(base, entry + 4, u32(7)), "ELIBBAD")
    c.add("length-1-more-than-table", 23, "dwLength one more than the table", patch(base, table, u32(size + 1)), "ELIBBAD")
    c.add("length-rounded-up", 24, "dwLength a multiple of 8", patch(base, table, u32(size)), "ok")
    c.add("revision-1", 25, "wRevision 0x0100", wrap(message, revision=0x100), "ENOTSUPP")
    for kind in (1, 0xEF0, 0xEF1):
        c.add(f"type-{kind:x}", 26, f"wCertificateType 0x{kind:x}", wrap(message, kind=kind), "ENOTSUPP")
    for length in (8, 9, 10, 11):
        c.add(f"length-{length}", 27, f"dwLength {length}", wrap(message, length=length), "EKEYREJECTED")
    for length in (0, 4, 7):
        c.add(f"length-{length}", 28, f"dwLength {length}: less than the header, which wraps around",
              wrap(message, length=length), "ok")
    c.add("length-12", "source", "dwLength 12: four bytes of the message", wrap(message, length=12), "ELIBBAD")
    c.add("length-1-less", 29, "dwLength one less than the message", wrap(message, length=7 + len(message)), "ELIBBAD")
    c.add("der-tag", 30, "the message starts 31", wrap(b"\x31" + message[1:]), "ELIBBAD")
    for octet in (0x83, 0x84, 0xFF):
        c.add(f"der-length-{octet:x}", 31, f"length octet 0x{octet:x}", wrap(message[:1] + bytes([octet]) + message[2:]),
              "EMSGSIZE")
    longer = c.pack(Image().bytes(), Signature(certificates=["good", "leaf", "ca"]))[table + 8:]
    c.add("der-indefinite", 32, "length octet 0x80, the length octets of before as content", wrap(longer[:1] + b"\x80" + longer[2:]), "EBADMSG")
    c.add("der-indefinite-oid", 32, "the same where those octets start an OBJECT IDENTIFIER", wrap(message[:1] + b"\x80" + b"\x06\x07" + message[4:]), "EINVAL")
    c.add("der-indefinite-length-0", 33, "length octet 0x80, dwLength 0",
          wrap(message[:1] + b"\x80" + message[2:], length=0), "EMSGSIZE")
    body = der.parse(message).body()
    c.add("der-indefinite-proper", "source", "an indefinite length with its end, dwLength exact",
          wrap(b"\x30\x80" + body + b"\0\0"), "ok")
    c.add("der-long-form-81", "source", "length octets 81 04 for four bytes", wrap(b"\x30\x81\x04" + bytes(8), length=15), "EBADMSG")
    c.add("der-length-to-dwlength", "source", "the message's length wraps past dwLength", wrap(b"\x30\x81\xF0" + bytes(8), length=19), "ELIBBAD")
    c.add("table-8-bytes-length-0", "source", "dwLength 0 in a table of 8 bytes at the end of the file",
          set_entry(base[:table] + win_certificate(b"", length=0), table, 8), "crash")
    cut = base[:table] + win_certificate(message[:-1], length=0)
    c.add("der-beyond-file", "source", "dwLength 0, and the message is longer than the file", set_entry(cut, table, len(cut) - table), "crash")


def coverage(c: Corpus) -> None:
    base, table = c.base, c.table
    size = len(base) - table
    c.add("zeros-after-table", 34, "8 zero bytes appended, entry unchanged", base + bytes(8), "EKEYREJECTED")
    c.add("junk-after-table", 34, "8 other bytes appended, entry unchanged", base + b"junkjunk", "EKEYREJECTED")
    c.add("junk-in-table", 35, "8 bytes appended and counted in the table", set_entry(base + b"junkjunk", table, size + 8), "ok")
    second = c.tools.sbsign(base, "other")
    c.add("second-by-other", 36, "sbsign with another key adds a second entry", second, "ok", "sbsign, twice")
    c.add("second-same", 36, "sbsign twice with the same key", c.tools.sbsign(base, "good"), "ok", "sbsign, twice")
    first_other = c.tools.sbsign(c.tools.sbsign(Image().bytes(), "other"), "good")
    c.add("other-then-good", 37, "unknown entry first, trusted entry second", first_other, "ENOKEY", "sbsign, twice")
    flipped = patch(base, 0x210, bytes([base[0x210] ^ 1]))
    c.add("text-flipped", 38, "one bit of .text", flipped, "EKEYREJECTED")
    c.add("data-flipped", 38, "last bit of .data", patch(base, 0x7FF, bytes([base[0x7FF] ^ 1])), "EKEYREJECTED")
    c.add("text-flipped-unknown", 40, "one bit of .text, signer unknown", flipped, "ENOKEY", state="no-keys")
    for name, at in (("dos-stub", 10), ("time-stamp", TIME_STAMP), ("machine", MACHINE), ("header-padding", 0x1F0)):
        c.add(f"{name}-changed", 39, f"{name} changed", patch(base, at, bytes([base[at] ^ 1])), "EKEYREJECTED")
    swapped = base[:248] + base[288:328] + base[248:288] + base[328:]
    c.add("section-headers-swapped", 41, "two section headers swapped", swapped, "EKEYREJECTED")
    outside = patch(base, 248 + 40 + 20, u32(0x10000))
    c.add("section-outside", 42, "data of .data behind the end of the file", outside, "crash")
    c.add("section-reaches-outside", 42, "SizeOfRawData of .data beyond the end", patch(base, 248 + 40 + 16, u32(0x2000)), "crash")
    moved = set_entry(base[:table] + bytes(8) + base[table:], table + 8, size)
    c.add("table-moved", 49, "8 zero bytes in front of the table", moved, "EKEYREJECTED")
    padded = c.pack(Image().bytes(), Signature(more_attributes=[attribute(SPC_STATEMENT_TYPE, der.sequence(der.oid(INDIVIDUAL_KEY_PURPOSE)))]))
    end = table + struct.unpack_from("<I", padded, table)[0]
    assert end < len(padded), end
    c.add("table-padding", 50, "a padding byte behind the message", patch(padded, end, b"\xAA"), "ok", "written here, signature by openssl dgst")


def layouts(c: Corpus) -> None:
    tools = c.tools
    c.add("by-osslsigncode", 1, "osslsigncode sign", tools.osslsigncode(Image().bytes(), "good"), "ok", "osslsigncode")
    c.add("by-osslsigncode-nested", "obs", "osslsigncode sign -nest with another key", tools.osslsigncode(tools.osslsigncode(Image().bytes(), "good"), "other", "-nest"), "ok", "osslsigncode, twice")
    c.add("by-pesign", 65, "pesign -s", tools.pesign(Image().bytes(), "good"), "ok", "pesign")
    gap = Image(sections=[Section(b".text", 0x200, 0x200), Section(b".data", 0x600, 0x200)]).bytes()
    c.add("gap-by-sbsign", 45, "a gap between sections", tools.sbsign(gap, "good"), "ok", "sbsign")
    c.add("gap-by-pesign", 45, "the same by pesign", tools.pesign(gap, "good"), "ok", "pesign")
    c.add("gap-by-osslsigncode", 45, "the same by osslsigncode, which hashes the gap",
          tools.osslsigncode(gap, "good"), "EKEYREJECTED", "osslsigncode")
    signed_gap = tools.sbsign(gap, "good")
    c.add("gap-changed", 45, "a byte of the gap changed", patch(signed_gap, 0x500, b"\x55"), "ok")
    header_gap = Image(sections=[Section(b".text", 0x400, 0x400)]).bytes()
    c.add("gap-after-headers-by-sbsign", 45, "a gap behind the headers", tools.sbsign(header_gap, "good"), "ok", "sbsign")
    c.add("gap-after-headers-by-osslsigncode", 45, "the same by osslsigncode", tools.osslsigncode(header_gap, "good"), "EKEYREJECTED", "osslsigncode")
    reverse = Image(sections=[Section(b".data", 0x600, 0x200), Section(b".text", 0x200, 0x400)]).bytes()
    c.add("reverse-by-sbsign", 46, "section headers in another order than their data", tools.sbsign(reverse, "good"), "ok", "sbsign")
    c.add("reverse-by-osslsigncode", 46, "the same by osslsigncode", tools.osslsigncode(reverse, "good"), "ok", "osslsigncode")
    c.add("reverse-by-pesign", 46, "the same by pesign", tools.pesign(reverse, "good"), "EKEYREJECTED", "pesign")
    overlay = Image(overlay=b"abc").bytes()
    for tool in ("sbsign", "osslsigncode", "pesign"):
        c.add(f"overlay-by-{tool}", 47, "three bytes behind the last section", getattr(tools, tool)(overlay, "good"), "ok", tool)
    odd = Image(sections=[Section(b".text", 0x200, 0x400), Section(b".data", 0x600, 0x1FD)], size=0x7FD).bytes()
    for tool, said in (("sbsign", "ok"), ("osslsigncode", "ok"), ("pesign", "EKEYREJECTED")):
        c.add(f"odd-end-by-{tool}", 48, "the last section ends at 2045", getattr(tools, tool)(odd, "good"), said, tool)
    here = "written here"
    wild = Image(sections=[Section(b".text", 0x200, 0x400), Section(b".data", 0x600, 0x200),
                           Section(b".bss", 0xFFFFF000, 0, 0x3000, 0x1000)]).bytes()
    c.add("empty-section-outside", 43, "a section without data whose pointer is wild", c.pack(wild), "ok", here)
    overlapping = [Section(b".text", 0x200, 0x400), Section(b".data", 0x600, 0x200), Section(b".more", 0x200, 0x200)]
    c.add("overlap-adds-up-to-more", 44, "overlapping sections: headers, sections and table are longer than the file",
          c.pack(Image(sections=overlapping).bytes()), "ELIBBAD", here)
    many = Image(sections=[Section(b".a%d" % i, 0x200, 0x600) for i in range(4)]).bytes()
    digest = image_digest(many)
    c.add("overlap-more-than-file", "source", "overlapping sections longer than the file: there is no tail",
          c.pack(many, digest=digest), "ok", here)
    ties = Image(sections=[Section(name, 0x200, size) for name, size in
                           ((b"bbbbbbbb", 0x600), (b"aaaaaaaa", 0x5F8), (b"cccccccc", 0x5F0))]).bytes()
    c.add("same-place-by-name", "source", "sections at the same place are ordered by name",
          c.pack(ties, digest=image_digest(ties)), "ok", here)
    pe32 = Image(plus=False, machine=0x14C).bytes()
    c.add("pe32-by-sbsign", "source", "PE32 for i386", tools.sbsign(pe32, "good"), "ok", "sbsign")
    for machine in (0x6264, 0x5064, 0xAA64):
        c.add(f"machine-{machine:x}", 51, f"Machine 0x{machine:x}", c.pack(Image(machine=machine).bytes()), "ok", here)
    sixteen = Image(directories=16).bytes()
    c.add("sixteen-directories", "source", "16 directories, as Microsoft writes them", tools.sbsign(sixteen, "good"), "ok", "sbsign")
    disagree = patch(Image().bytes(), PE_OFFSET + 20, u16(200))
    c.add("optional-size-other", "2.1", "SizeOfOptionalHeader does not agree with NumberOfRvaAndSizes: the kernel goes by the latter",
          c.pack(disagree), "ok", here)


def messages(c: Corpus) -> None:
    image, here = Image().bytes(), "written here, signature by openssl dgst"
    c.add("made-here", 1, "the message of the cases below, with nothing odd", c.pack(image), "ok", here)
    data = Signature(content_type=DATA)
    c.add("pkcs7-data", 52, "content of type pkcs7-data", c.pack(image, data), "EKEYREJECTED", here)
    c.add("no-attributes", 53, "no signed attributes", c.pack(image, Signature(attributes=False)), "EBADMSG", here)
    c.add("message-digest-wrong", 54, "messageDigest of something else", c.pack(image, Signature(message_digest=bytes(32))), "EKEYREJECTED", here)
    c.add("message-digest-missing", 54, "no messageDigest", c.pack(image, Signature(message_digest="none")), "EBADMSG", here)
    c.add("message-digest-short", 54, "messageDigest of 20 bytes", c.pack(image, Signature(message_digest=bytes(20))), "EBADMSG", here)
    c.add("signed-before-validity", 55, "signingTime before the certificate's validity", c.pack(image, Signature(signing_time="100101120000Z")), "EKEYREJECTED", here)
    expired = dict(signer="expired")
    c.add("expired-signed-inside", 55, "certificate expired, signingTime inside its validity", c.pack(image, Signature(signing_time="200601120000Z", **expired)), "ok", here)
    c.add("expired-signed-after", 55, "certificate expired before the signingTime", c.pack(image, Signature(**expired)), "EKEYREJECTED", here)
    c.add("expired-without-time", 55, "certificate expired, no signingTime", c.pack(image, Signature(signing_time=None, **expired)), "ok", here)
    none = Signature(certificates=[])
    c.add("certificate-not-embedded", 56, "no certificate in the message", c.pack(image, none), "ok", here)
    c.add("certificate-not-embedded-unknown", 56, "the same, and in no ring", c.pack(image, none), "ENOKEY", here, "no-keys")
    pss = der.sequence(der.oid(RSASSA_PSS))
    c.add("rsa-pss", 66, "signatureAlgorithm RSASSA-PSS", c.pack(image, Signature(algorithm=pss)), "ENOPKG", here)
    c.add("with-ed25519-certificate", 67, "an unrelated Ed25519 certificate in the bag", c.pack(image, Signature(certificates=["good", "ed"])), "ENOPKG", here)

    def flip(message: Message) -> None:
        signer = message.signer()
        signer.signature = signer.signature[:-1] + bytes([signer.signature[-1] ^ 1])

    def shorten(message: Message) -> None:
        signer = message.signer()
        signer.signature = signer.signature[:-1]

    c.add("signature-flipped", 71, "last bit of the signature", c.pack(image, change=flip), "EINVAL", here)
    c.add("signature-flipped-not-embedded", 71, "the same without the certificate", c.pack(image, none, change=flip), "EKEYREJECTED", here)
    c.add("signature-short", 72, "the signature one byte shorter", c.pack(image, change=shorten), "EINVAL", here)
    ec = Signature(signer="p256")
    c.add("p256", 73, "P-256", c.pack(image, ec), "ok", here)
    c.add("p256-without-ecdsa", 73, "P-256, and the kernel has no ECDSA", c.pack(image, ec), "ENOENT", here, "no-ecdsa")
    c.add("digest-info-other", 74, "digestAlgorithm sha384, the RSA block made for sha256", c.pack(image, Signature(hash_name="sha384", signed_with="sha256")), "EBADMSG", here)
    edited = Signature(more_attributes=[attribute(SPC_STATEMENT_TYPE, der.sequence(der.oid(INDIVIDUAL_KEY_PURPOSE)))])
    c.add("statement-type", "source", "with SpcStatementType", c.pack(image, edited), "ok", here)

    def edit(message: Message) -> None:
        attributes = message.signer().attributes
        attributes[-1][1][0][0].content = der.flip_last_bit(attributes[-1][1][0][0].content)

    c.add("attribute-edited", 75, "SpcStatementType changed after signing", c.pack(image, edited, change=edit), "EKEYREJECTED", here)

    def unknown_algorithm(message: Message) -> None:
        certificate = message.certificates[-1]
        for algorithm in (certificate[0][2], certificate[1]):
            algorithm.content[0] = der.oid("1.2.3.4.5")

    c.add("with-unknown-algorithm-certificate", 76, "an unrelated certificate with an unknown signature algorithm", c.pack(image, Signature(certificates=["good", "other"]), change=unknown_algorithm), "ENOPKG", here)

    def junk_unsigned(message: Message) -> None:
        message.signer_infos[0].content.append(der.context(1, attribute("1.3.6.1.4.1.311.2.4.1", der.sequence(der.integer(7)))))

    c.add("unsigned-attribute", "obs", "an unsigned attribute", c.pack(image, change=junk_unsigned), "ok", here)


def trust(c: Corpus) -> None:
    image, here = Image().bytes(), "written here, signature by openssl dgst"
    c.add("in-platform", 57, "key in .platform only", c.pack(image, Signature(signer="plat")), "ok", here)
    c.add("in-platform-without", 57, "the same without CONFIG_INTEGRITY_PLATFORM_KEYRING", c.pack(image, Signature(signer="plat")), "ENOKEY", here, "no-platform-keyring")
    revoked = c.pack(image, Signature(signer="revoked"))
    c.add("revoked-in-secondary", 58, "signer revoked by a certificate in .blacklist, key in .secondary", revoked, ("ok", "EKEYREJECTED", "EKEYREJECTED"), here)
    c.add("revoked-in-platform", 59, "the same, key only in .platform", revoked, "EKEYREJECTED", here, "revoked-in-platform")
    c.add("revoked-without-list", 59, "the same without CONFIG_SYSTEM_REVOCATION_LIST", revoked, "ok", here, "revoked-without-list")
    c.add("digest-listed", 60, "the image's digest is a bin: entry", c.base, "ok", "sbsign", "digests-listed")
    listed = c.pack(image, Signature(signer="tbs-listed"))
    c.add("signer-tbs-listed", 61, "tbs: entry with SHA-256, certificate signed with SHA-256", listed, "EKEYREJECTED", here, "tbs-listed")
    listed384 = c.pack(image, Signature(signer="tbs384"))
    c.add("signer-tbs384-listed", 61, "the same, certificate signed with SHA-384", listed384, ("ok", "ok", "EKEYREJECTED"), here, "tbs384-listed")
    c.add("signer-tbs-with-time-listed", 61, "entry of 48 bytes, as the kernel makes it of an X509_SHA256 list", listed, "ok", here, "tbs-with-time-listed")
    c.add("leaf", "obs", "leaf below a trusted CA, leaf embedded", c.pack(image, Signature(signer="leaf", certificates=["leaf"])), "ok", here)
    c.add("leaf-with-chain", "obs", "the CA embedded too", c.pack(image, Signature(signer="leaf", certificates=["leaf", "ca"])), "ok", here)
    c.add("leaf-not-embedded", "source", "leaf not embedded: the CA alone does not help", c.pack(image, Signature(signer="leaf", certificates=[])), "ENOKEY", here)
    c.add("leaf-without-ca", "source", "leaf embedded, CA in no ring", c.pack(image, Signature(signer="leaf", certificates=["leaf"])), "ENOKEY", here, "no-keys")


def contents(c: Corpus) -> None:
    image, here = Image().bytes(), "written here, signature by openssl dgst"
    for hash_name, said in (("sha1", "ok"), ("sha384", "ok"), ("sha512", "ok"), ("sha224", ("ok", "ENOPKG", "ENOPKG")),
                            ("md5", ("ok", "EBADMSG", "EBADMSG")), ("sha3-256", ("EBADMSG", "ok", "ok")),
                            ("sha3-384", ("EBADMSG", "ok", "ok")), ("sha3-512", ("EBADMSG", "ok", "ok"))):
        c.add(f"image-{hash_name}", 62 if hash_name == "sha224" else 63 if hash_name == "md5" else "2.4",
              f"image digest {hash_name}, signature with SHA-256", c.pack(image, hash_name=hash_name), said, here)
    c.add("image-md5-without", 63, "image digest md5, not built", c.pack(image, hash_name="md5"), ("ENOPKG", "EBADMSG", "EBADMSG"), here, "no-md5")
    c.add("image-sha512-without", "2.5", "image digest sha512, not built", c.pack(image, hash_name="sha512"), "ENOPKG", here, "no-sha512")
    for hash_name in ("sha1", "sha384", "sha512"):
        c.add(f"all-{hash_name}", "obs", f"{hash_name} for image and signature", c.pack(image, Signature(hash_name=hash_name), hash_name=hash_name), "ok", here)
    c.add("all-md5", "obs", "md5 for image and signature", c.pack(image, Signature(hash_name="md5"), hash_name="md5"), ("ok", "ENOPKG", "ENOPKG"), here)
    sha256 = MORE_DIGEST_OIDS["sha256"]
    digest = image_digest(image)

    def content(node: Node) -> bytes:
        return c.pack(image, content=node)

    c.add("image-digest-20-bytes", 64, "image digest of 20 bytes under sha256", content(indirect_data(bytes(20), sha256)), "EBADMSG", here)
    c.add("image-digest-empty", 64, "image digest of no bytes", content(indirect_data(b"", sha256)), "EBADMSG", here)
    c.add("image-digest-wrong", 38, "another image digest", content(indirect_data(bytes(32), sha256)), "EKEYREJECTED", here)
    c.add("type-key-purpose", 65, "content about individualCodeSigning, as old pesign wrote", content(indirect_data(digest, sha256, INDIVIDUAL_KEY_PURPOSE)), "ok", here)
    c.add("type-common-name", 65, "content about a common name, a registered identifier", content(indirect_data(digest, sha256, COMMON_NAME)), "EBADMSG", here)
    c.add("type-unregistered", 65, "content about an identifier that no kernel knows", content(indirect_data(digest, sha256, "1.2.3.4.5")), "EBADMSG", here)
    c.add("image-hash-common-name", "2.4", "digest algorithm a common name", content(indirect_data(digest, COMMON_NAME)), "ENOPKG", here)
    c.add("image-hash-unregistered", "2.4", "digest algorithm that no kernel knows", content(indirect_data(digest, "1.2.3.4.5")), "EBADMSG", here)

    def bent(change) -> bytes:
        node = indirect_data(digest, sha256)
        change(node)
        return content(node)

    c.add("content-digest-missing", "2.4", "no digest in the content", bent(lambda node: node[1].content.pop()), "EBADMSG", here)
    c.add("content-trailing", "2.4", "an INTEGER behind the digest", bent(lambda node: node[1].content.append(der.integer(1))), "EBADMSG", here)
    c.add("content-without-value", "2.4", "no SpcPeImageData", bent(lambda node: node[0].content.pop()), "EBADMSG", here)
    c.add("content-value-odd", "2.4", "an INTEGER where SpcPeImageData should be", bent(lambda node: node[0].content.__setitem__(1, der.integer(1))), "ok", here)
    c.add("content-without-parameters", "2.4", "digest algorithm without NULL", bent(lambda node: node[1][0].content.pop()), "ok", here)
    c.add("no-content", "2.3", "no content, messageDigest of nothing", c.pack(image, Signature(with_content=False)), "ENODATA", here)
