// base/limits.h - every limit that untrusted input can run into, by name and with its reason.
//
// Limits of the kernel itself (65535 bytes of DER, nesting of ten) are not here: they are rules,
// and stand where the kernel has them.

#pragma once

#include <cstdint>

namespace assay::limits {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// One artifact held in memory; larger ones are read in pieces or spooled to a temporary file. The
// largest module of Debian's kernels has 14 MiB.
inline constexpr std::uint64_t kArtifactInMemory = 16 * kMiB;

// One decompressed artifact. The kernel reads a module of at most 2 GiB (READ file limit INT_MAX,
// kernel/module/main.c); four times that is no module any more.
inline constexpr std::uint64_t kArtifactSize = 8 * kGiB;

// One package, decompressed. Debian's largest, with debug symbols of a kernel, has 6 GiB.
inline constexpr std::uint64_t kPackageSize = 64 * kGiB;

// Bytes of artifacts that may be in flight between reader and workers.
inline constexpr std::uint64_t kInFlight = 16 * kMiB;

// Signatures that wait for the kernel image they are checked against: those kept in memory (Debian's
// take 5 KiB a module), and those that go to a temporary file beyond it.
inline constexpr std::uint64_t kWaitingInMemory = 24 * kMiB;
inline constexpr std::uint64_t kWaiting = 4 * kGiB;

// A signature whose verdict is prepared, and kept, while its image is not known for certain.
inline constexpr std::uint64_t kPreparedSignature = 16 * kKiB;

// Memory a decompressor may ask for. Debian's xz packages need 9 MiB; `xz -9` needs 65 MiB.
inline constexpr std::uint64_t kDecoderMemory = 96 * kMiB;

// What decoding in several threads may take of it: two blocks of Debian's kernel packages (24 MiB, a
// sixth of that compressed, and a dictionary of 8 MiB) fit. Beyond it fewer threads decode.
inline constexpr std::uint64_t kThreadedDecoderMemory = 72 * kMiB;

// The same for the kernel inside a kernel image, which is compressed to be decoded in one pass:
// zstd asks for a window of 128 MiB (scripts/Makefile.lib, zstd22), xz for up to 128 MiB of
// dictionary (scripts/xz_wrap.sh, 7.2). What is allocated is touched only as far as the kernel is
// long.
inline constexpr std::uint64_t kPayloadDecoderMemory = 160 * kMiB;

// Memory of all decoders that are open at a time (codec/decoder_memory.h). One that decodes a
// package is not among them: there is one at a time, within kDecoderMemory.
inline constexpr std::uint64_t kAllDecoders = 160 * kMiB;

// Containers inside containers. An ISO with a squashfs with a package with an initramfs with a
// compressed module has five.
inline constexpr int kNesting = 16;

// Entries of one archive or one folder tree. Debian's whole archive has some 10^7 files.
inline constexpr std::uint64_t kEntries = 100'000'000;

// Links with a module's or a kernel's name in one package, and the bytes of their names. They are
// remembered until their targets have come by; Debian's kernel packages have none.
inline constexpr std::uint64_t kLinks = 65536;
inline constexpr std::uint64_t kLinkNames = 16 * kMiB;

// A certificate list in a kernel image; a certificate in it. Distribution kernels carry 2 KiB; a
// DER certificate that the kernel can parse has at most 65535 bytes (lib/asn1_decoder.c).
inline constexpr std::uint64_t kCertificateList = kMiB;

// Certificates passed over, and blocks of 64 zeros behind them, in the search for that list. Of
// those that stand in a row each is the start of a shorter row: a kernel with a list of n
// certificates asks for n^2 / 2, and distributions' have less than 10^5.
inline constexpr std::uint64_t kCertificateSteps = 1'000'000;

// The room that CONFIG_SYSTEM_EXTRA_CERTIFICATE_SIZE leaves behind a certificate list. 4096 is the
// default, and what Ubuntu has.
inline constexpr std::uint64_t kExtraCertificate = 64 * kKiB;

// The decompressed payload of a kernel image. Debian's amd64 kernel has 66 MB; an allyesconfig
// build with debug information stripped has less than 1 GiB.
inline constexpr std::uint64_t kKernelPayload = 2 * kGiB;

// Section names and .modinfo of one ELF file; the names in its symbol table. A Debian vmlinux with
// symbols has 4 MB of the latter.
inline constexpr std::uint64_t kElfStrings = 4 * kMiB;
inline constexpr std::uint64_t kSymbolStrings = 64 * kMiB;

// The name of one section of an ELF file. The longest of Debian's modules has 60 bytes.
inline constexpr std::uint64_t kElfName = 4096;

// A Kconfig file. Debian's have 280 KB.
inline constexpr std::uint64_t kConfig = 16 * kMiB;

// A certificate, key or list given with --trust.
inline constexpr std::uint64_t kTrustFile = 16 * kMiB;

}  // namespace assay::limits
