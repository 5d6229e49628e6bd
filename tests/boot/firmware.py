"""UEFI firmware for QEMU (Debian's OVMF) that has certificates in its database `db`. Secure Boot stays off: Linux takes
the database into its keyring .platform all the same, and Debian's kernels take modules signed by its keys."""

import pathlib
import subprocess
import uuid

OVMF = pathlib.Path("/usr/share/OVMF")
DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")  # EFI_IMAGE_SECURITY_DATABASE_GUID
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")  # EFI_CERT_X509_GUID
AUTHENTICATED_STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")  # gEfiAuthenticatedVariableGuid
# Non-volatile, for boot services and the running system, authenticated with a time.
ATTRIBUTES = 0x27


def signature_list(certificate):
    """EFI_SIGNATURE_LIST (UEFI specification, 32.4.1) of one certificate, DER."""
    entry = bytes(16) + certificate
    sizes = (28 + len(entry), 0, len(entry))
    return X509.bytes_le + b"".join(size.to_bytes(4, "little") for size in sizes) + entry


def variable(name, vendor, data):
    """AUTHENTICATED_VARIABLE_HEADER and what follows it (edk2, MdeModulePkg/Include/Guid/VariableFormat.h)."""
    encoded = (name + "\0").encode("utf-16-le")
    header = b"\xaa\x55\x3f\0" + ATTRIBUTES.to_bytes(4, "little") + bytes(8 + 16 + 4)
    header += len(encoded).to_bytes(4, "little") + len(data).to_bytes(4, "little") + vendor.bytes_le
    return header + encoded + data


def make_firmware(folder, certificates):
    """Arguments for QEMU. `certificates`: PEM files."""
    der = [subprocess.run(["openssl", "x509", "-in", str(path), "-outform", "DER"], check=True, capture_output=True).stdout
           for path in certificates]
    store = bytearray((OVMF / "OVMF_VARS_4M.fd").read_bytes())
    start = int.from_bytes(store[0x30:0x32], "little")  # EFI_FIRMWARE_VOLUME_HEADER.HeaderLength
    assert bytes(store[start : start + 16]) == AUTHENTICATED_STORE.bytes_le
    start += 28
    database = variable("db", DATABASE, b"".join(map(signature_list, der)))
    assert set(store[start : start + len(database)]) == {0xFF}, "the store is not empty"
    store[start : start + len(database)] = database
    variables = folder / "variables.fd"
    variables.write_bytes(store)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}",
            "-drive", f"if=pflash,format=raw,readonly=on,file={variables}"]
