"""UEFI firmware for QEMU (Debian's OVMF) that has certificates in its database `db`. Without a platform key Secure Boot stays
off: Linux takes the database into its keyring .platform all the same, and Debian's kernels take modules signed by its keys.
With one it is on."""

import pathlib
import subprocess
import uuid

OVMF = pathlib.Path("/usr/share/OVMF")
DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")  # EFI_IMAGE_SECURITY_DATABASE_GUID
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")  # EFI_GLOBAL_VARIABLE
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")  # EFI_CERT_X509_GUID
AUTHENTICATED_STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")  # gEfiAuthenticatedVariableGuid
# Non-volatile, for boot services and the running system, authenticated with a time.
ATTRIBUTES = 0x27
UNAUTHENTICATED = 0x07


def signature_list(certificate):
    """EFI_SIGNATURE_LIST (UEFI specification, 32.4.1) of one certificate, DER."""
    entry = bytes(16) + certificate
    sizes = (28 + len(entry), 0, len(entry))
    return X509.bytes_le + b"".join(size.to_bytes(4, "little") for size in sizes) + entry


def variable(name, vendor, data, attributes=ATTRIBUTES):
    """AUTHENTICATED_VARIABLE_HEADER and what follows it (edk2, MdeModulePkg/Include/Guid/VariableFormat.h)."""
    encoded = (name + "\0").encode("utf-16-le")
    header = b"\xaa\x55\x3f\0" + attributes.to_bytes(4, "little") + bytes(8 + 16 + 4)
    header += len(encoded).to_bytes(4, "little") + len(data).to_bytes(4, "little") + vendor.bytes_le
    return header + encoded + data


def load_option(name, path, arguments):
    """EFI_LOAD_OPTION (UEFI specification, 3.1.3) of a file, on whatever file system has it."""
    text = lambda value: (value + "\0").encode("utf-16-le")
    file = text(path)
    path = b"\x04\x04" + (4 + len(file)).to_bytes(2, "little") + file + b"\x7f\xff\x04\0"
    return (1).to_bytes(4, "little") + len(path).to_bytes(2, "little") + text(name) + path + text(arguments)


def make_firmware(folder, certificates):
    """Arguments for QEMU. `certificates`: PEM files."""
    return write_store(folder, "OVMF_CODE_4M.fd", database(certificates))


def make_secure_firmware(folder, platform_key, certificates, options):
    """The same with Secure Boot on: `platform_key` is a PEM file, too. `options`: load options, tried in their order."""
    keys = [variable(name, GLOBAL, signature_list(der_of(platform_key))) for name in ("PK", "KEK")]
    order = b"".join(number.to_bytes(2, "little") for number in range(len(options)))
    boot = [variable(f"Boot{number:04X}", GLOBAL, option, UNAUTHENTICATED) for number, option in enumerate(options)]
    boot.append(variable("BootOrder", GLOBAL, order, UNAUTHENTICATED))
    return ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
            *write_store(folder, "OVMF_CODE_4M.secboot.fd", *keys, database(certificates), *boot)]


def der_of(path):
    return subprocess.run(["openssl", "x509", "-in", str(path), "-outform", "DER"], check=True, capture_output=True).stdout


def database(certificates):
    return variable("db", DATABASE, b"".join(signature_list(der_of(path)) for path in certificates))


def write_store(folder, code, *variables):
    """Headers of variables begin at multiples of four bytes."""
    store = bytearray((OVMF / "OVMF_VARS_4M.fd").read_bytes())
    start = int.from_bytes(store[0x30:0x32], "little")  # EFI_FIRMWARE_VOLUME_HEADER.HeaderLength
    assert bytes(store[start : start + 16]) == AUTHENTICATED_STORE.bytes_le
    start += 28
    content = b"".join(one + b"\xff" * (-len(one) % 4) for one in variables)
    assert set(store[start : start + len(content)]) == {0xFF}, "the store is not empty"
    store[start : start + len(content)] = content
    file = folder / "variables.fd"
    file.write_bytes(store)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF / code}",
            "-drive", f"if=pflash,format=raw,snapshot=on,file={file}"]
