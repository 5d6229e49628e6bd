#include "trust/system_certificates.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
using namespace std::string_view_literals;

// Writes `value` at `at`, making room.
void put(Bytes& to, std::size_t at, std::uint64_t value, std::size_t size, bool big = false) {
  to.resize(std::max(to.size(), at + size));
  for (std::size_t i = 0; i < size; ++i)
    to[at + i] = static_cast<std::uint8_t>(value >> (8 * (big ? size - 1 - i : i)));
}

void put(Bytes& to, std::size_t at, std::string_view text) {
  to.resize(std::max(to.size(), at + text.size()));
  std::copy(text.begin(), text.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
}

void put(Bytes& to, std::size_t at, const Bytes& bytes) { put(to, at, View(bytes).text()); }

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::size_t align_up(std::size_t offset, std::size_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

// SEQUENCE { SEQUENCE tbs, SEQUENCE algorithm, BIT STRING } of `size` bytes in all.
Bytes certificate(std::size_t size, std::uint8_t fill = 0x5a) {
  const std::size_t tbs = size - 4 - 4 - 7 - 4 - 65;
  Bytes der(size, fill);
  put(der, 0, 0x3082, 2, true);
  put(der, 2, size - 4, 2, true);
  put(der, 4, 0x3082, 2, true);
  put(der, 6, tbs, 2, true);
  put(der, size - 76, "\x30\x05\x06\x03\x2b\x65\x70"sv);
  put(der, size - 69, 0x0382, 2, true);
  put(der, size - 67, 65, 2, true);
  der[size - 65] = 0;
  return der;
}

Bytes noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
  return bytes;
}

// What certs/system_certificates.S writes.
struct List {
  std::vector<Bytes> certificates = {certificate(1324)};
  bool has_module_certificate = true;
  std::size_t extra_size = 0;  // CONFIG_SYSTEM_EXTRA_CERTIFICATE_SIZE
  std::uint32_t extra_used = 0;
  // Errors that a trap makes.
  std::int64_t list_size_error = 0;
  std::int64_t module_size_error = 0;
};

struct Kernel {
  Arch arch = Arch::x86_64;
  std::size_t size = 300'000;
  std::size_t at = 0x2e000;
};

bool is_large(Arch arch) { return arch != Arch::x86_64 && arch != Arch::s390x; }

// Puts the list into the kernel, laid out as the assembler does for `arch`. Returns the end.
std::size_t put(Bytes& kernel, std::size_t at, const List& list, Arch arch) {
  const std::size_t alignment = is_large(arch) ? 256 : 8;
  const bool big = is_big_endian(arch);
  std::size_t end = at;
  for (const Bytes& der : list.certificates) {
    put(kernel, end, der);
    end += der.size();
  }
  const auto size = static_cast<std::int64_t>(end - at);
  const std::size_t certificates_end = end;
  if (list.extra_size != 0) {
    end = align_up(end + list.extra_size, is_large(arch) ? 16 : 4) + 4;
  }
  const std::size_t words = align_up(end, alignment);
  std::ranges::fill(
      std::span(kernel).subspan(certificates_end, words + 2 * alignment - certificates_end), 0);
  if (list.extra_size != 0) put(kernel, end - 4, list.extra_used, 4, big);
  const std::int64_t first =
      list.has_module_certificate ? static_cast<std::int64_t>(list.certificates[0].size()) : 0;
  put(kernel, words, static_cast<std::uint64_t>(size + list.list_size_error), 8, big);
  put(kernel, words + alignment, static_cast<std::uint64_t>(first + list.module_size_error), 8,
      big);
  return words + alignment + 8;
}

Bytes build(const List& list, const Kernel& kernel = {}) {
  Bytes bytes = noise(kernel.size);
  put(bytes, kernel.at, list, kernel.arch);
  return bytes;
}

class Dripping final : public Stream {
 public:
  Dripping(View bytes, std::size_t piece) : left_(bytes), piece_(piece) {}
  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    const std::size_t size = std::min({out.size(), piece_, left_.size()});
    std::copy_n(left_.bytes().begin(), size, out.begin());
    left_ = left_.sub(size, left_.size() - size);
    read_ += size;
    return size;
  }
  std::uint64_t bytes_read() const { return read_; }

 private:
  View left_;
  std::size_t piece_;
  std::uint64_t read_ = 0;
};

Result<SystemCertificates> find(const Bytes& kernel, std::optional<Arch> arch = Arch::x86_64,
                                std::size_t piece = 1 << 24) {
  Dripping stream(View(kernel), piece);
  return find_system_certificates(stream, arch);
}

std::string reason_of(const auto& result) {
  return result ? "none" : std::string(reason_id(result.error().reason));
}

constexpr Arch kArchs[] = {Arch::x86_64, Arch::arm64, Arch::s390x, Arch::ppc64le, Arch::riscv64};

const List kLists[] = {
    {},
    {.has_module_certificate = false},
    {.certificates = {certificate(477), certificate(1324), certificate(1000)}},
    {.certificates = {certificate(512), certificate(1024)}, .has_module_certificate = false},
    {.certificates = {certificate(800)}, .extra_size = 4096},
    {.certificates = {certificate(801), certificate(777)}, .extra_size = 4095, .extra_used = 777},
    {.certificates = {certificate(1324)}, .extra_size = 65536},
};

TEST(ByStructure, FindsEveryLayoutOnEveryArchitecture) {
  for (const Arch arch : kArchs)
    for (const List& list : kLists)
      for (const auto given : {std::optional(arch), std::optional<Arch>()}) {
        const auto found = find(build(list, {.arch = arch}), given);
        ASSERT_TRUE(found) << arch_name(arch) << ": " << describe(found.error());
        EXPECT_EQ(found->certificates, list.certificates);
        EXPECT_EQ(found->module_cert_size,
                  list.has_module_certificate ? list.certificates[0].size() : 0);
        EXPECT_EQ(found->found_by, FoundBy::structure);
        EXPECT_EQ(found->where.offset, 0x2e000U);
        Bytes der;
        for (const Bytes& one : list.certificates) der = der + one;
        EXPECT_EQ(found->where.size, der.size());
      }
}

TEST(ByStructure, FindsItWhereverPiecesMeet) {
  // A stream that drips is searched 64 KiB at a time.
  const List list{.certificates = {certificate(500), certificate(700)}};
  for (std::size_t before = 0; before <= 1232; before += 8)
    for (const std::size_t piece : {1UL, 1000UL}) {
      const std::size_t at = 0x10000 - before;
      const auto found = find(build(list, {.size = 80'000, .at = at}), Arch::x86_64, piece);
      ASSERT_TRUE(found) << before;
      EXPECT_EQ(found->where.offset, at);
      EXPECT_EQ(found->certificates, list.certificates);
    }
  // Around the largest piece that is read at once.
  for (const int before : {2000, 1216, 1208, 1200, 304, 8, 0}) {
    const std::size_t at = (8UL << 20) - static_cast<std::size_t>(before);
    const auto found = find(build(list, {.size = 9 << 20, .at = at}));
    ASSERT_TRUE(found) << before;
    EXPECT_EQ(found->where.offset, at);
  }
}

TEST(ByStructure, FindsItAtTheEdges) {
  for (const Arch arch : kArchs) {
    Bytes kernel(100'000);
    kernel.resize(put(kernel, 0, List{}, arch));
    const auto found = find(kernel, arch);
    ASSERT_TRUE(found) << arch_name(arch);
    EXPECT_EQ(found->where.offset, 0U);
    // Without the last byte of its words it is none.
    kernel.pop_back();
    EXPECT_EQ(reason_of(find(kernel, arch)), "trust/not-found") << arch_name(arch);
  }
}

struct Trap {
  const char* what;
  List list;
};

const Trap kTraps[] = {
    {"size of the list too large by one", {.list_size_error = 1}},
    {"size of the list too small by one", {.list_size_error = -1}},
    {"size of the list without its second certificate",
     {.certificates = {certificate(500), certificate(600)}, .list_size_error = -600}},
    {"size of the first certificate wrong", {.module_size_error = 8}},
    {"size of the second certificate for that of the first",
     {.certificates = {certificate(500), certificate(600)}, .module_size_error = 100}},
    {"0 behind an area for an extra certificate",
     {.has_module_certificate = false, .extra_size = 4096}},
    {"sizes beyond the largest area for an extra certificate", {.extra_size = 70'000}},
};

TEST(Traps, WrongWordsAreNoList) {
  for (const Arch arch : kArchs)
    for (const Trap& trap : kTraps)
      for (const auto given : {std::optional(arch), std::optional<Arch>()})
        EXPECT_EQ(reason_of(find(build(trap.list, {.arch = arch}), given)), "trust/not-found")
            << trap.what << ", " << arch_name(arch);
}

TEST(Traps, UnalignedListsAreNone) {
  for (const Arch arch : kArchs)
    for (const std::size_t off : {1UL, 4UL, 7UL, 8UL, 128UL})
      for (const auto given : {std::optional(arch), std::optional<Arch>()}) {
        if (!is_large(arch) && off % 8 == 0) continue;
        const Bytes kernel = build({}, {.arch = arch, .at = 0x2e000 + off});
        EXPECT_EQ(reason_of(find(kernel, given)), "trust/not-found")
            << off << ", " << arch_name(arch);
      }
}

TEST(Traps, AnotherArchitecturesWordsAreNone) {
  for (const Arch written : kArchs)
    for (const Arch given : kArchs) {
      const bool same =
          is_large(written) == is_large(given) && is_big_endian(written) == is_big_endian(given);
      EXPECT_EQ(find(build({}, {.arch = written}), given).has_value(), same)
          << arch_name(written) << " as " << arch_name(given);
    }
}

TEST(Traps, CertificatesElsewhereAreNone) {
  Bytes kernel = noise(300'000);
  // certs/revocation_certificates.S: one word only; what follows is something else.
  put(kernel, 0x1000, certificate(1000) + certificate(1200));
  put(kernel, 0x1000 + 2200, 2200, 8);
  // net/wireless/certs: no word at all.
  put(kernel, 0x8000, certificate(900));
  EXPECT_EQ(reason_of(find(kernel)), "trust/not-found");
  // They do not hide the list, nor become part of it.
  put(kernel, 0x20000, List{}, Arch::x86_64);
  const auto found = find(kernel);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->certificates, std::vector<Bytes>{certificate(1324)});
}

TEST(Traps, ACertificateRightBeforeTheListIsNotInIt) {
  Bytes kernel = noise(300'000);
  put(kernel, 0x20000 - 800, certificate(800));
  put(kernel, 0x20000, List{}, Arch::x86_64);
  const auto found = find(kernel);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->where, (Extent{0x20000, 1324}));
}

TEST(Traps, SomethingBetweenListAndWordsMakesItNone) {
  for (const bool has_module_certificate : {true, false}) {
    Bytes kernel(100'000);
    put(kernel, 0x1000, List{.has_module_certificate = has_module_certificate}, Arch::x86_64);
    kernel[0x1000 + 1324] = 1;  // in the padding
    EXPECT_EQ(reason_of(find(kernel)), "trust/not-found");
  }
  Bytes kernel(100'000);
  put(kernel, 0x1000, List{.extra_size = 4096}, Arch::x86_64);
  kernel[0x1800] = 1;  // in the area
  EXPECT_EQ(reason_of(find(kernel)), "trust/not-found");
}

TEST(Traps, WhatIsNoCertificateIsNone) {
  for (const std::size_t at : {0U, 1U, 2U, 4U, 1324U - 76, 1324U - 69, 1324U - 66}) {
    Bytes kernel = build({});
    kernel[0x2e000 + at] ^= 1;
    EXPECT_EQ(reason_of(find(kernel)), "trust/not-found") << at;
  }
}

TEST(Traps, AnEmptyListHasNoStructure) {
  EXPECT_EQ(reason_of(find(Bytes(1 << 20))), "trust/not-found");
  EXPECT_EQ(reason_of(find({})), "trust/not-found");
}

TEST(Traps, AListBeyondTheLimitIsNone) {
  std::vector<Bytes> many(17, certificate(65'000));
  EXPECT_EQ(reason_of(find(build({.certificates = many}, {.size = 3 << 20}))), "trust/not-found");
  many.resize(16);
  EXPECT_TRUE(find(build({.certificates = many}, {.size = 3 << 20})));
}

// Every certificate of a row starts a shorter row: 16 MiB would take 10^11 steps.
TEST(Traps, RowsOfCertificatesEndTheSearch) {
  const Bytes tiny = {0x30, 0x82, 0x00, 0x0c, 0x30, 1, 0, 0x30, 1, 0, 0x03, 4, 0, 0, 0, 0};
  Bytes kernel;
  for (std::size_t i = 0; i < (16 << 20) / tiny.size(); ++i)
    kernel.insert(kernel.end(), tiny.begin(), tiny.end());
  EXPECT_EQ(reason_of(find(kernel)), "limit/count");
  // The same where two rows stand inside of each other, and where zeros follow many short ones.
  Bytes zeros(64 << 10);
  put(zeros, 0, tiny);
  Bytes sparse;
  for (int i = 0; i < 4096; ++i) sparse = std::move(sparse) + tiny;
  sparse = sparse + zeros;
  EXPECT_EQ(reason_of(find(sparse + sparse)), "limit/count");
}

// What looks like an indefinite length is not looked through: 32 MiB would take 10^10 steps.
TEST(Traps, IndefiniteLengthsAreNotFollowed) {
  const Bytes start = {0x30, 0x82, 0xff, 0xf0, 0x30, 0x80, 0x04, 0x06};
  Bytes kernel;
  for (std::size_t i = 0; i < (32 << 20) / start.size(); ++i)
    kernel.insert(kernel.end(), start.begin(), start.end());
  EXPECT_EQ(reason_of(find(kernel)), "trust/not-found");
}

TEST(Traps, TwoListsAreAmbiguous) {
  Bytes kernel = build({}, {.size = 40 << 20});
  put(kernel, 0x40000, List{.certificates = {certificate(477)}}, Arch::x86_64);
  Dripping stream(View(kernel), 1 << 20);
  const auto found = find_system_certificates(stream, Arch::x86_64);
  ASSERT_EQ(reason_of(found), "trust/ambiguous");
  EXPECT_EQ(found.error().where, (Extent{0x40000, 477}));
  EXPECT_LE(stream.bytes_read(), 2U << 20) << "nothing that follows can change the answer";
  // Also when they are the same, and however far apart.
  Bytes same = build({}, {.size = 20 << 20});
  put(same, 19 << 20, List{}, Arch::x86_64);
  EXPECT_EQ(reason_of(find(same)), "trust/ambiguous");
}

TEST(Banner, IsThatOfTheLastLink) {
  const auto banner_of = [](const std::vector<std::pair<std::size_t, std::string>>& texts,
                            std::size_t piece = 1 << 24) {
    Bytes kernel = build({}, {.at = 0x2e000});
    for (const auto& [at, text] : texts) put(kernel, at, text);
    const auto found = find(kernel, Arch::x86_64, piece);
    return found ? found->banner : "not found";
  };
  const std::string weak = "Linux version 6.1.0-56-amd64 (a@b) (gcc) # SMP Debian 6.1.192-2";
  const std::string strong = "Linux version 6.1.0-56-amd64 (a@b) (gcc) #1 SMP Debian 6.1.192-2";
  EXPECT_EQ(banner_of({}), "");
  EXPECT_EQ(banner_of({{0x1001, strong + "\n"}}), strong);
  EXPECT_EQ(banner_of({{0x1001, weak + "\n"}}), weak);
  EXPECT_EQ(banner_of({{0x1001, weak + "\n"}, {0x40003, strong + "\n"}}), strong);
  EXPECT_EQ(banner_of({{0x1001, strong + "\n"}, {0x40003, "Linux version 9.9 #2\n"}}), strong);
  EXPECT_EQ(banner_of({{0x1001, "Linux version %s\n"}, {0x2000, strong + "\n"}}), strong);
  EXPECT_EQ(banner_of({{0x1001, "Linux version 6.1 " + std::string(600, 'x')}}), "");
  // Across the place where pieces meet.
  for (std::size_t before = 0; before <= strong.size() + 1; ++before)
    EXPECT_EQ(banner_of({{0x10000 - before, strong + "\n"}}, 1), strong) << before;
}

TEST(ByStructure, FindsAnyListInAnyKernel) {
  EXPECT_TRUE(rc::check("the list is found, and nothing else", [] {
    const Arch arch = kArchs[*rc::gen::inRange<std::size_t>(0, std::size(kArchs))];
    List list;
    list.certificates.clear();
    for (const int size :
         *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(300, 2000))))
      list.certificates.push_back(certificate(static_cast<std::size_t>(size)));
    list.has_module_certificate = *rc::gen::arbitrary<bool>();
    if (list.has_module_certificate && *rc::gen::arbitrary<bool>())
      list.extra_size = *rc::gen::inRange<std::size_t>(1, 60'000);
    const std::size_t alignment = is_large(arch) ? 256 : 8;
    Kernel kernel{.arch = arch, .size = 600'000};
    kernel.at = alignment * *rc::gen::inRange<std::size_t>(0, 300'000 / alignment);
    const Bytes bytes = build(list, kernel);
    const auto found = find(bytes, arch, *rc::gen::inRange<std::size_t>(1000, 700'000));
    RC_ASSERT(found.has_value());
    RC_ASSERT(found->where.offset == kernel.at);
    RC_ASSERT(found->certificates == list.certificates);
  }));
}

// --- By symbol

struct Vmlinux {
  Arch arch = Arch::ppc64le;
  unsigned machine = 21;
  std::uint64_t address = 0xc000000000000000;
  Bytes list = certificate(1324) + certificate(500);
  std::int64_t list_size = -1;  // of the list above
  std::uint64_t module_cert_size = 1324;
  unsigned section = 1;  // of the symbols; 0 is SHN_UNDEF
  std::vector<std::string> symbols = {"system_certificate_list", "system_certificate_list_size",
                                      "module_cert_size", "linux_banner"};
};

// An ELF file with one segment of 64 KiB at 0x1000, a note, a symbol table and its strings. What
// the symbols name is scattered, so that no structure can be found.
Bytes build(const Vmlinux& vmlinux) {
  const bool big = is_big_endian(vmlinux.arch);
  constexpr std::size_t kOffsets[] = {0x2005, 0x1804, 0x1902, 0x1a01};
  Bytes file;
  const auto field = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    put(file, at, value, size, big);
  };
  put(file, 0, "\177ELF\2"sv);
  put(file, 5, big ? 2 : 1, 1);
  field(16, 2, 2);
  field(18, vmlinux.machine, 2);
  field(32, 64, 8);
  field(40, 0x12000, 8);
  field(54, 56, 2);
  field(56, 2, 2);
  field(58, 64, 2);
  field(60, 3, 2);
  field(64, 1, 4);
  field(64 + 8, 0x1000, 8);
  field(64 + 16, vmlinux.address, 8);
  field(64 + 32, 0x10000, 8);
  field(120, 4, 4);
  field(120 + 8, 0x800, 8);
  field(120 + 32, 20, 8);
  field(0x800, 6, 4);
  field(0x804, 0, 4);
  field(0x808, 0x100, 4);
  put(file, 0x80c, "Linux\0"sv);
  put(file, kOffsets[0], vmlinux.list);
  field(kOffsets[1],
        vmlinux.list_size < 0 ? vmlinux.list.size() : static_cast<std::uint64_t>(vmlinux.list_size),
        8);
  field(kOffsets[2], vmlinux.module_cert_size, 8);
  put(file, kOffsets[3], "Linux version 6.1.0-50-powerpc64le (a@b) #1 SMP\n"sv);
  file.resize(0x12000);
  std::string names(1, '\0');
  for (std::size_t i = 0; i < vmlinux.symbols.size(); ++i) {
    field(0x13000 + 24 * i, names.size(), 4);
    field(0x13000 + 24 * i + 6, vmlinux.section, 2);
    field(0x13000 + 24 * i + 8, vmlinux.address + kOffsets[i] - 0x1000, 8);
    names += vmlinux.symbols[i] + '\0';
  }
  put(file, 0x14000, names);
  field(0x12000 + 64 + 4, 2, 4);  // SHT_SYMTAB
  field(0x12000 + 64 + 24, 0x13000, 8);
  field(0x12000 + 64 + 32, 24 * vmlinux.symbols.size(), 8);
  field(0x12000 + 64 + 40, 2, 4);
  field(0x12000 + 64 + 56, 24, 8);
  field(0x12000 + 128 + 4, 3, 4);  // SHT_STRTAB
  field(0x12000 + 128 + 24, 0x14000, 8);
  field(0x12000 + 128 + 32, names.size(), 8);
  return file;
}

Result<SystemCertificates> find_in(const Bytes& file) {
  const ViewContent content{View(file)};
  ASSAY_TRY(const auto image, find_kernel_image(content));
  if (!image) return fail(Reason::image_unknown);
  return find_system_certificates(content, *image);
}

TEST(BySymbol, FindsTheListWhateverItsPlace) {
  for (const Vmlinux& vmlinux :
       {Vmlinux{}, Vmlinux{.arch = Arch::s390x, .machine = 22, .address = 0x100000}}) {
    const auto found = find_in(build(vmlinux));
    ASSERT_TRUE(found) << describe(found.error());
    EXPECT_EQ(found->certificates, (std::vector<Bytes>{certificate(1324), certificate(500)}));
    EXPECT_EQ(found->module_cert_size, 1324U);
    EXPECT_EQ(found->found_by, FoundBy::symbol);
    EXPECT_EQ(found->where, (Extent{0x2005, 1824}));
    EXPECT_EQ(found->banner, "Linux version 6.1.0-50-powerpc64le (a@b) #1 SMP");
  }
}

TEST(BySymbol, AnEmptyListIsAnAnswer) {
  const auto found = find_in(build(Vmlinux{.list = {}, .module_cert_size = 0}));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->certificates.empty());
}

TEST(BySymbol, WhatDoesNotFitIsAnError) {
  EXPECT_EQ(reason_of(find_in(build(Vmlinux{.list_size = 1823}))), "bytes/bad-value");
  EXPECT_EQ(reason_of(find_in(build(Vmlinux{.list_size = 1825}))), "bytes/bad-value");
  EXPECT_EQ(reason_of(find_in(build(Vmlinux{.list_size = 0x90000}))), "bytes/bad-length");
  EXPECT_EQ(reason_of(find_in(build(Vmlinux{.list_size = 2 << 20}))), "limit/size");
  EXPECT_EQ(reason_of(find_in(build(Vmlinux{.module_cert_size = 1325}))), "bytes/bad-value");
}

TEST(BySymbol, WithoutTheSymbolsTheStructureCounts) {
  Vmlinux vmlinux{.symbols = {"system_certificate_list", "x", "module_cert_size"}};
  EXPECT_EQ(reason_of(find_in(build(vmlinux))), "trust/not-found");
  EXPECT_EQ(reason_of(find_in(build(Vmlinux{.section = 0}))), "trust/not-found");
  Bytes file = build(vmlinux);
  put(file, 0x8000, List{}, Arch::ppc64le);
  const auto found = find_in(file);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->found_by, FoundBy::structure);
}

}  // namespace
}  // namespace assay
