#include "formats/kernel_image.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "testing/process.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
using namespace std::string_view_literals;

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// Writes `value` at `at`, making room.
void put(Bytes& to, std::size_t at, std::uint64_t value, std::size_t size, bool big = false) {
  to.resize(std::max(to.size(), at + size));
  for (std::size_t i = 0; i < size; ++i)
    to[at + i] = static_cast<std::uint8_t>(value >> (8 * (big ? size - 1 - i : i)));
}

void put(Bytes& to, std::size_t at, std::string_view text) {
  to.resize(std::max(to.size(), at + text.size()));
  std::ranges::copy(text, to.begin() + static_cast<std::ptrdiff_t>(at));
}

void put(Bytes& to, std::size_t at, const Bytes& bytes) { put(to, at, View(bytes).text()); }

Bytes size_of(const Bytes& bytes) {
  Bytes trailer;
  put(trailer, 0, bytes.size(), 4);
  return trailer;
}

// How the kernel's build compresses (scripts/Makefile.lib, xz_wrap.sh).
struct Packer {
  const char* name;
  Codec codec;
  std::vector<std::string> command;
  bool has_size;
};

const Packer kPackers[] = {
    {"gzip", Codec::gzip, {"gzip", "-n", "-f", "-9", "-c"}, false},
    {"bzip2", Codec::bzip2, {"bzip2", "-9", "-c"}, true},
    {"lzma", Codec::lzma, {"xz", "--format=lzma", "-9", "-c"}, true},
    {"xz", Codec::xz, {"xz", "--check=crc32", "--x86", "--lzma2=dict=32MiB", "-c"}, true},
    {"lzo", Codec::lzo, {"lzop", "-9", "-c"}, true},
    {"lz4", Codec::lz4, {"lz4", "-l", "-9", "-c", "-"}, true},
    {"zstd22", Codec::zstd, {"zstd", "-22", "--ultra", "-c"}, true},
};

Bytes pack(const Packer& packer, const Bytes& kernel) {
  Finished finished = run_command(packer.command, kernel);
  EXPECT_EQ(finished.status, 0) << packer.name << ": " << finished.error;
  return packer.has_size ? finished.out + size_of(kernel) : finished.out;
}

// --- Images

struct ElfKernel {
  unsigned machine = 62;
  bool big = false;
  unsigned type = 2;
  std::uint64_t address = 0xffffffff81000000;
  std::string_view owner = "Linux\0"sv;
  std::uint32_t note_type = 0x100;
  bool has_interpreter = false;
  unsigned elf_class = 2;
};

Bytes build(const ElfKernel& elf) {
  Bytes file;
  put(file, 0,
      "\x7f"
      "ELF");
  put(file, 4, elf.elf_class, 1);
  put(file, 5, elf.big ? 2 : 1, 1);
  const auto field = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    put(file, at, value, size, elf.big);
  };
  field(16, elf.type, 2);
  field(18, elf.machine, 2);
  field(32, 64, 8);  // e_phoff
  field(54, 56, 2);  // e_phentsize
  field(56, 3, 2);   // e_phnum
  field(64, 1, 4);   // PT_LOAD
  field(64 + 8, 0x1000, 8);
  field(64 + 16, elf.address, 8);
  field(64 + 32, 0x1000, 8);
  field(120, 4, 4);  // PT_NOTE
  field(120 + 8, 0x800, 8);
  field(120 + 32, 40, 8);
  field(176, elf.has_interpreter ? 3 : 0, 4);  // PT_INTERP
  field(0x800, 4, 4);                          // a build id first
  field(0x804, 4, 4);
  field(0x808, 3, 4);
  put(file, 0x80c, "GNU\0idid"sv);
  field(0x814, 6, 4);
  field(0x818, 1, 4);
  field(0x81c, elf.note_type, 4);
  put(file, 0x820, elf.owner);
  put(file, 0x1000, "Linux version 6.1.0"sv);
  file.resize(0x2000);
  return file;
}

const Bytes& kernel() {
  static const Bytes bytes = build(ElfKernel{});
  return bytes;
}

struct BzImage {
  Bytes payload = pack(kPackers[0], kernel());
  unsigned version = 0x20f;
  unsigned xloadflags = 0x7f;
  unsigned setup_sects = 7;
  std::size_t payload_offset = 0x2cc;
  std::int64_t length_error = 0;
};

Bytes build(const BzImage& image) {
  const std::size_t start = (image.setup_sects == 0 ? 5 : image.setup_sects + 1) * 512UL;
  const std::size_t length = image.payload.size() + static_cast<std::size_t>(image.length_error);
  Bytes file;
  put(file, 0, "MZ");
  put(file, 0x1f1, image.setup_sects, 1);
  put(file, 0x1fe, 0xaa55, 2);
  put(file, 0x202, "HdrS");
  put(file, 0x206, image.version, 2);
  put(file, 0x20e, 0x300, 2);
  put(file, 0x236, image.xloadflags, 2);
  put(file, 0x248, image.payload_offset, 4);
  put(file, 0x24c, length, 4);
  put(file, 0x500, "6.1.0-56-amd64 (builder@example.org) #1 SMP\0"sv);
  put(file, start + image.payload_offset, image.payload);
  return file;
}

Bytes arm64_image(std::uint64_t flags = 0xa) {
  Bytes file;
  put(file, 0, "MZ");
  put(file, 24, flags, 8);
  put(file, 56, "ARM\x64");
  put(file, 60, 64, 4);
  put(file, 64, "PE\0\0"sv);
  file.resize(5000, 0x5a);
  return file;
}

Bytes riscv_image(std::uint64_t text_offset = 0x200000) {
  Bytes file;
  put(file, 0, "MZ");
  put(file, 8, text_offset, 8);
  put(file, 48, "RISCV\0\0\0"sv);
  put(file, 56, "RSC\x05");
  file.resize(5000, 0x5a);
  return file;
}

struct Zboot {
  const Packer& packer = kPackers[0];
  Bytes kernel = arm64_image();
  unsigned machine = 0xaa64;
  bool has_linux_magic = true;
  std::size_t size_error = 0;
};

Bytes build(const Zboot& zboot) {
  Bytes payload = pack(zboot.packer, zboot.kernel);
  // The header does not count the size that follows all but gzip.
  const std::size_t size = payload.size() - (zboot.packer.has_size ? 4 : 0);
  Bytes file;
  put(file, 0, "MZ\0\0zimg"sv);
  put(file, 8, 0x1010, 4);
  put(file, 12, size + zboot.size_error, 4);
  put(file, 24, zboot.packer.name);
  if (zboot.has_linux_magic) put(file, 0x38, 0x818223cd, 4);
  put(file, 0x3c, 0x40, 4);
  put(file, 0x40, "PE\0\0"sv);
  put(file, 0x44, zboot.machine, 2);
  put(file, 0x1010, payload);
  file.resize(file.size() + 700);
  return file;
}

Bytes s390_kernel(std::size_t size = 100'000) {
  Bytes bytes(size, 7);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 5);
  put(bytes, 0x50, "\0\2\0\1\x80\0\0\0\0\0\0\0\0\0\0\0"sv);
  return bytes;
}

// `inside` at each offset, then the trailer for secure boot.
Bytes s390_image(const std::vector<std::pair<std::size_t, Bytes>>& inside) {
  Bytes file;
  put(file, 0x10008, "S390EP\0\1"sv);
  for (const auto& [at, bytes] : inside) put(file, at, bytes);
  file.resize((file.size() + 32 + 4095) / 4096 * 4096);
  put(file, file.size() - 5, "\x20zIPL");
  return file;
}

// --- What is asked of them

std::string reason_of(const auto& result) {
  return result ? "none" : std::string(reason_id(result.error().reason));
}

std::optional<KernelImage> find(const Bytes& file) {
  const ViewContent content{View(file)};
  const auto found = find_kernel_image(content);
  EXPECT_TRUE(found) << describe(found.error());
  return found ? *found : std::nullopt;
}

Bytes payload_of(const Bytes& file) {
  const ViewContent content{View(file)};
  const auto found = find_kernel_image(content);
  if (!found || !*found) return {};
  const auto stream = open_payload(content, **found);
  EXPECT_TRUE(stream) << describe(stream.error());
  if (!stream) return {};
  auto bytes = read_all(**stream, limits::kGiB);
  EXPECT_TRUE(bytes) << describe(bytes.error());
  return bytes ? *bytes : Bytes{};
}

TEST(BzImage, HoldsAKernelOfEveryCodec) {
  for (const Packer& packer : kPackers) {
    const Bytes file = build(BzImage{.payload = pack(packer, kernel())});
    const auto image = find(file);
    ASSERT_TRUE(image) << packer.name;
    EXPECT_EQ(image->format, ImageFormat::bzimage);
    EXPECT_EQ(image->arch, Arch::x86_64);
    EXPECT_EQ(image->payload_codec, packer.codec) << packer.name;
    EXPECT_EQ(image->payload.offset, 8 * 512 + 0x2cc);
    EXPECT_FALSE(image->outer);
    EXPECT_EQ(image->banner, "6.1.0-56-amd64 (builder@example.org) #1 SMP");
    EXPECT_EQ(payload_of(file), kernel()) << packer.name;
  }
}

TEST(BzImage, MayHoldItUncompressed) {
  const Bytes file = build(BzImage{.payload = kernel()});
  ASSERT_TRUE(find(file));
  EXPECT_FALSE(find(file)->payload_codec);
  EXPECT_EQ(payload_of(file), kernel());
}

TEST(BzImage, FieldsMeanWhatTheProtocolSays) {
  EXPECT_EQ(payload_of(build(BzImage{.setup_sects = 0})), kernel());
  EXPECT_EQ(find(build(BzImage{.version = 0x20b}))->arch, std::nullopt);
  EXPECT_FALSE(find(build(BzImage{.xloadflags = 0x7e}))) << "32 bit";
  EXPECT_FALSE(find(build(BzImage{.version = 0x207}))) << "iPXE";
  EXPECT_FALSE(find(build(BzImage{.payload = {}}))) << "memtest86+";
}

TEST(BzImage, PointersOutsideAreErrors) {
  for (const std::int64_t error : {1L, 0x10000L}) {
    const Bytes file = build(BzImage{.length_error = error});
    EXPECT_EQ(reason_of(find_kernel_image(ViewContent{View(file)})), "bytes/bad-length");
  }
  const Bytes unknown = build(BzImage{.payload = Bytes(100, 'x')});
  EXPECT_EQ(reason_of(find_kernel_image(ViewContent{View(unknown)})), "codec/unsupported");
}

TEST(Image, IsItsOwnPayload) {
  for (const auto& [file, arch] :
       {std::pair(arm64_image(), Arch::arm64), std::pair(riscv_image(), Arch::riscv64)}) {
    const auto image = find(file);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->format, ImageFormat::image);
    EXPECT_EQ(image->arch, arch);
    EXPECT_EQ(image->payload, (Extent{0, file.size()}));
    EXPECT_EQ(payload_of(file), file);
  }
  EXPECT_EQ(find(arm64_image(1))->arch, std::nullopt) << "big-endian";
  EXPECT_FALSE(find(riscv_image(0x400000))) << "32 bit";
}

TEST(Zboot, HoldsAnImageOfEveryCodec) {
  for (const Packer& packer : kPackers)
    for (const bool has_linux_magic : {false, true}) {  // before 6.2, since
      const Bytes file = build(Zboot{.packer = packer, .has_linux_magic = has_linux_magic});
      const auto image = find(file);
      ASSERT_TRUE(image) << packer.name;
      EXPECT_EQ(image->format, ImageFormat::zboot);
      EXPECT_EQ(image->payload_codec, packer.codec) << packer.name;
      EXPECT_EQ(payload_of(file), arm64_image()) << packer.name;
    }
}

TEST(Zboot, NamesItsArchitectureByTheMachine) {
  EXPECT_EQ(find(build(Zboot{}))->arch, Arch::arm64);
  EXPECT_EQ(find(build(Zboot{.machine = 0x5064}))->arch, Arch::riscv64);
  EXPECT_EQ(find(build(Zboot{.machine = 0x8664}))->arch, Arch::x86_64);
  EXPECT_EQ(find(build(Zboot{.machine = 0x6264}))->arch, std::nullopt) << "loongarch64";
  Bytes no_pe = build(Zboot{});
  put(no_pe, 0x3c, 0xffffffff, 4);
  EXPECT_EQ(find(no_pe)->arch, std::nullopt);
}

TEST(Zboot, PointersOutsideAreErrors) {
  const Bytes file = build(Zboot{.size_error = 10'000'000});
  EXPECT_EQ(reason_of(find_kernel_image(ViewContent{View(file)})), "bytes/bad-length");
}

TEST(S390, HoldsAKernelOfEveryCodec) {
  for (const Packer& packer : kPackers) {
    const Bytes file = s390_image({{0x2e818, pack(packer, s390_kernel())}});
    const auto image = find(file);
    ASSERT_TRUE(image) << packer.name;
    EXPECT_EQ(image->format, ImageFormat::s390);
    EXPECT_EQ(image->arch, Arch::s390x);
    EXPECT_EQ(image->payload_codec, packer.codec);
    EXPECT_EQ(image->payload.offset, 0x2e818U);
    EXPECT_EQ(image->payload.end(), file.size() - 32);
    EXPECT_EQ(payload_of(file), s390_kernel()) << packer.name;
  }
}

TEST(S390, PassesOverWhatOnlyLooksCompressed) {
  const Bytes payload = pack(kPackers[3], s390_kernel());
  const Bytes magic{0xfd, '7', 'z', 'X', 'Z', 0};
  const Bytes other = pack(kPackers[3], Bytes(1000, 'x'));
  const Bytes file = s390_image({
      {0x18ac6, magic},    // a constant of the decompressor, unaligned
      {0x18b00, magic},    // the same, aligned
      {0x18c03, payload},  // a kernel, unaligned
      {0x2c000, other},    // a stream that holds no kernel
      {0x30000, payload},
      {0x50000, payload},  // what follows does not matter
  });
  ASSERT_TRUE(find(file));
  EXPECT_EQ(find(file)->payload.offset, 0x30000U);
  EXPECT_EQ(payload_of(file), s390_kernel());
}

TEST(S390, MayHoldItUncompressed) {
  const Bytes file = s390_image({{0x100000, s390_kernel()}});
  const auto image = find(file);
  ASSERT_TRUE(image);
  EXPECT_FALSE(image->payload_codec);
  EXPECT_EQ(image->payload, (Extent{0x100000, file.size() - 32 - 0x100000}));
  EXPECT_FALSE(find(s390_image({{0x101000, s390_kernel()}}))) << "not at 1 MiB";
}

TEST(S390, ASignatureMayFollow) {
  const Bytes image = s390_image({{0x30000, pack(kPackers[3], s390_kernel())}});
  const Bytes file = image + Bytes(1234, 's');
  EXPECT_EQ(find(file)->payload.end(), image.size() - 32);
  EXPECT_EQ(payload_of(file), s390_kernel());
}

TEST(S390, WithoutAKernelIsNone) {
  EXPECT_FALSE(find(s390_image({})));
  EXPECT_FALSE(find(s390_image({{0x30000, pack(kPackers[3], kernel())}}))) << "of x86";
}

struct ElfCase {
  const char* what;
  ElfKernel elf;
  std::optional<Arch> arch;
};

const ElfCase kElfCases[] = {
    {"x86_64", {}, Arch::x86_64},
    {"arm64", {.machine = 183, .type = 3, .address = 0xffff800008000000}, Arch::arm64},
    {"ppc64le", {.machine = 21, .address = 0xc000000000000000}, Arch::ppc64le},
    {"riscv64", {.machine = 243, .address = 0xffffffff80000000}, Arch::riscv64},
    {"s390x", {.machine = 22, .big = true, .address = 0x100000}, Arch::s390x},
    {"module", {.type = 1}, {}},
    {"core dump", {.type = 4}, {}},
    {"vDSO", {.type = 3, .address = 0}, {}},
    {"FreeBSD kernel", {.has_interpreter = true}, {}},
    {"Xen", {.owner = "Xen\0\0\0"sv}, {}},
    {"vDSO's own note", {.note_type = 0}, {}},
    {"32 bit", {.elf_class = 1}, {}},
    {"ppc64 big-endian", {.machine = 21, .big = true, .address = 0xc000000000000000}, {}},
    {"s390 program", {.machine = 22, .big = true, .address = 0x1000000}, {}},
    {"unknown machine", {.machine = 258}, {}},
};

TEST(Vmlinux, IsToldFromOtherExecutables) {
  for (const ElfCase& row : kElfCases) {
    const Bytes file = build(row.elf);
    const auto image = find(file);
    EXPECT_EQ(image.has_value(), row.arch.has_value()) << row.what;
    if (!image) continue;
    EXPECT_EQ(image->format, ImageFormat::vmlinux);
    EXPECT_EQ(image->arch, row.arch) << row.what;
    EXPECT_EQ(payload_of(file), file);
  }
}

TEST(Compressed, AnyImageMayBeCompressedAsAWhole) {
  const std::pair<Bytes, Bytes> images[] = {
      {arm64_image(), arm64_image()},
      {build(ElfKernel{}), build(ElfKernel{})},
      {build(BzImage{}), kernel()},
      {build(Zboot{}), arm64_image()},
      {s390_image({{0x2e818, pack(kPackers[3], s390_kernel())}}), s390_kernel()},
  };
  for (const Packer& packer : kPackers)
    for (const auto& [file, inside] : images) {
      const Bytes packed = run_command(packer.command, file).out;
      const auto image = find(packed);
      ASSERT_TRUE(image) << packer.name;
      EXPECT_EQ(image->outer, packer.codec);
      EXPECT_EQ(image->arch, find(file)->arch);
      const Bytes payload = payload_of(packed);
      ASSERT_GE(payload.size(), inside.size());
      EXPECT_TRUE(std::ranges::equal(inside, std::span(payload).first(inside.size())));
    }
}

TEST(Compressed, OtherFilesAreNone) {
  Bytes initramfs;
  put(initramfs, 0, "070701");
  initramfs.resize(100'000, '0');
  Bytes module = build(ElfKernel{.type = 1});
  for (const Packer& packer : kPackers)
    for (const Bytes& inside : {initramfs, module, Bytes{}, Bytes(100)})
      EXPECT_FALSE(find(run_command(packer.command, inside).out)) << packer.name;
  Bytes damaged = run_command(kPackers[0].command, arm64_image()).out;
  damaged.resize(30);
  EXPECT_FALSE(find(damaged));
}

TEST(KernelImage, OtherFilesAreNone) {
  Bytes shim;
  put(shim, 0, "MZ");
  put(shim, 0x3c, 0x80, 4);
  put(shim, 0x80, "PE\0\0\x64\x86"sv);
  shim.resize(200'000);
  Bytes initramfs;
  put(initramfs, 0, "070701");
  initramfs.resize(100'000, '0');
  for (const Bytes& file : {shim, initramfs, Bytes{}, Bytes{0}, Bytes(64), Bytes(100'000, 0xff)})
    EXPECT_FALSE(find(file));
  const auto self = open_file("/proc/self/exe");
  ASSERT_TRUE(self);
  const auto found = find_kernel_image(**self);
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

// Counts what is read of it.
class Counting final : public Content {
 public:
  explicit Counting(const Bytes& bytes) : content_(View(bytes)) {}
  std::uint64_t size() const override { return content_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    ++reads;
    bytes_read += out.size();
    return content_.read(offset, out);
  }
  mutable int reads = 0;
  mutable std::uint64_t bytes_read = 0;

 private:
  ViewContent content_;
};

TEST(KernelImage, IsFoundByAFewSmallReads) {
  Bytes large = build(BzImage{});
  large.resize(50 << 20);
  for (const Bytes& file :
       {large, build(Zboot{}), build(ElfKernel{}), arm64_image(), Bytes(1 << 20)}) {
    const Counting content(file);
    ASSERT_TRUE(find_kernel_image(content));
    EXPECT_LE(content.reads, 12);
    EXPECT_LE(content.bytes_read, 8192U);
  }
}

TEST(KernelImage, PayloadsLieInsideHoweverTheFileIsCut) {
  const Bytes images[] = {build(BzImage{}), build(Zboot{}), build(ElfKernel{}), arm64_image(),
                          s390_image({{0x11000, pack(kPackers[3], s390_kernel())}})};
  EXPECT_TRUE(rc::check("a cut image is none, an error, or one whose payload lies inside", [&] {
    Bytes file = images[*rc::gen::inRange<std::size_t>(0, std::size(images))];
    file.resize(*rc::gen::inRange<std::size_t>(0, file.size()));
    const ViewContent content{View(file)};
    const auto found = find_kernel_image(content);
    if (!found || !*found) return;
    RC_ASSERT(lies_inside((*found)->payload.offset, (*found)->payload.size, file.size()));
  }));
}

TEST(ReleaseOfBanner, IsTheFirstWord) {
  EXPECT_EQ(release_of_banner("Linux version 6.1.0-56-amd64 (a@b) (gcc) #1"), "6.1.0-56-amd64");
  EXPECT_EQ(release_of_banner("6.12.117+deb12-amd64 (a@b) #1 SMP"), "6.12.117+deb12-amd64");
  EXPECT_EQ(release_of_banner("6.1"), "6.1");
  EXPECT_EQ(release_of_banner(""), std::nullopt);
  EXPECT_EQ(release_of_banner("Linux version "), std::nullopt);
  EXPECT_EQ(release_of_banner("Linux version %s (a@b)"), std::nullopt);
  EXPECT_EQ(release_of_banner("6.1\x01 x"), std::nullopt);
  EXPECT_EQ(release_of_banner(std::string(65, '6')), std::nullopt);
}

}  // namespace
}  // namespace assay
