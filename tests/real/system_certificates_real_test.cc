// Real kernels: every file vmlinuz-RELEASE or vmlinux-RELEASE below the folder that the environment
// variable ASSAY_KERNELS names (unpacked kernel packages of distributions), but for detached
// signatures of such files.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bytes/reader.h"
#include "testing/process.h"
#include "trust/system_certificates.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<std::filesystem::path> kernels() {
  std::vector<std::filesystem::path> found;
  const char* folder = std::getenv("ASSAY_KERNELS");
  if (folder == nullptr) return found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() != ".sig" &&
        entry.path().filename().string().starts_with("vmlinu"))
      found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

std::string release_of(const std::filesystem::path& path) {
  const std::string name = path.filename();
  return name.substr(name.find('-') + 1);
}

// One kernel: the file, what we say it is, and the kernel inside.
struct Opened {
  std::unique_ptr<FileContent> content;
  KernelImage image;
  Bytes inside;
};

std::optional<Opened> open(const std::filesystem::path& path) {
  auto content = open_file(path);
  if (!content) return std::nullopt;
  auto image = find_kernel_image(**content);
  EXPECT_TRUE(image && *image) << path << " is not recognised";
  if (!image || !*image) return std::nullopt;
  auto stream = open_payload(**content, **image);
  EXPECT_TRUE(stream) << describe(stream.error());
  if (!stream) return std::nullopt;
  auto inside = read_all(**stream, limits::kKernelPayload);
  EXPECT_TRUE(inside) << describe(inside.error());
  if (!inside) return std::nullopt;
  return Opened{*std::move(content), **std::move(image), *std::move(inside)};
}

TEST(RealKernels, AreThere) {
  ASSERT_NE(std::getenv("ASSAY_KERNELS"), nullptr) << "names a folder of real kernels";
  ASSERT_FALSE(kernels().empty()) << "no vmlinuz-* or vmlinux-* below it";
}

// The tools say "trailing garbage" of the size that the kernel's build appends, and decode first.
TEST(RealKernels, PayloadsDecodeAsTheToolsDecodeThem) {
  for (const auto& path : kernels()) {
    const auto kernel = open(path);
    if (!kernel || !kernel->image.payload_codec) continue;
    const Codec codec = *kernel->image.payload_codec;
    const std::string tool(codec == Codec::lzo ? "lzop" : codec_name(codec));
    std::vector<std::string> command = {tool, "-dc"};
    if (command[0] == "xz") command.push_back("--single-stream");
    if (command[0] == "zstd") command.push_back("--memory=256MB");
    Bytes packed(kernel->image.payload.size);
    ASSERT_TRUE(kernel->content->read(kernel->image.payload.offset, packed));
    const Finished finished = run_command(command, packed);
    EXPECT_TRUE(finished.out == kernel->inside)
        << path << ": " << kernel->inside.size() << " bytes, " << command[0] << " has "
        << finished.out.size() << ": " << finished.error;
  }
}

std::uint64_t word(const Bytes& bytes, std::size_t at, bool big) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes[at + (big ? i : 7 - i)];
  return value;
}

// Every place where a certificate-like run is followed by its size and the size of its first: the
// definition of docs/formats/system_certificates.md, tried at each byte.
std::vector<Extent> slow_search(const Bytes& kernel, Arch arch) {
  const std::size_t alignment = arch == Arch::x86_64 || arch == Arch::s390x ? 8 : 256;
  std::vector<Extent> found;
  for (std::size_t at = 0; at + 4 < kernel.size(); ++at) {
    std::size_t end = at;
    std::size_t first = 0;
    while (end + 4 < kernel.size() && kernel[end] == 0x30 && kernel[end + 1] == 0x82 &&
           kernel[end + 4] == 0x30) {
      end += 4 + kernel[end + 2] * 256UL + kernel[end + 3];
      if (first == 0) first = end - at;
    }
    const std::size_t words = (end + alignment - 1) / alignment * alignment;
    if (end == at || at % alignment != 0 || words + alignment + 8 > kernel.size()) continue;
    const std::uint64_t module = word(kernel, words + alignment, is_big_endian(arch));
    if (word(kernel, words, is_big_endian(arch)) == end - at && (module == 0 || module == first))
      found.push_back({at, end - at});
  }
  return found;
}

TEST(RealKernels, CarryTheListThatASlowSearchFinds) {
  for (const auto& path : kernels()) {
    const auto kernel = open(path);
    if (!kernel) continue;
    const auto found = find_system_certificates(*kernel->content, kernel->image);
    ASSERT_TRUE(found) << path << ": " << describe(found.error());
    ASSERT_TRUE(kernel->image.arch) << path;
    EXPECT_EQ(slow_search(kernel->inside, *kernel->image.arch), std::vector<Extent>{found->where})
        << path;
    Bytes list;
    for (const Bytes& der : found->certificates) list.insert(list.end(), der.begin(), der.end());
    EXPECT_TRUE(std::ranges::equal(
        list, std::span(kernel->inside).subspan(found->where.offset, found->where.size)));
  }
}

TEST(RealKernels, CarryCertificatesThatOpensslReads) {
  for (const auto& path : kernels()) {
    const auto kernel = open(path);
    if (!kernel) continue;
    const auto found = find_system_certificates(*kernel->content, kernel->image);
    ASSERT_TRUE(found) << path;
    EXPECT_FALSE(found->certificates.empty());
    for (const Bytes& der : found->certificates) {
      const Finished finished =
          run_command({"openssl", "x509", "-inform", "DER", "-noout", "-subject"}, der);
      EXPECT_EQ(finished.status, 0) << path << ": " << finished.error;
    }
  }
}

TEST(RealKernels, NameTheirReleaseInTheBanner) {
  for (const auto& path : kernels()) {
    const auto kernel = open(path);
    if (!kernel) continue;
    const auto found = find_system_certificates(*kernel->content, kernel->image);
    ASSERT_TRUE(found) << path;
    EXPECT_EQ(release_of_banner(found->banner), release_of(path));
    if (kernel->image.format == ImageFormat::bzimage) {
      EXPECT_EQ(release_of_banner(kernel->image.banner), release_of(path));
      // What the header says of the build is what the running kernel says.
      const std::string& header = kernel->image.banner;
      EXPECT_TRUE(found->banner.ends_with(header.substr(header.find('#')))) << found->banner;
    }
  }
}

// A search in the same kernel by its structure finds the list that its symbols name.
TEST(RealKernels, SymbolsAndStructureAgree) {
  for (const auto& path : kernels()) {
    const auto kernel = open(path);
    if (!kernel || kernel->image.format != ImageFormat::vmlinux) continue;
    const auto by_symbol = find_system_certificates(*kernel->content, kernel->image);
    ViewStream stream{View(kernel->inside)};
    const auto by_structure = find_system_certificates(stream, kernel->image.arch);
    ASSERT_TRUE(by_symbol && by_structure) << path;
    EXPECT_EQ(by_symbol->found_by, FoundBy::symbol);
    EXPECT_EQ(by_structure->found_by, FoundBy::structure);
    EXPECT_EQ(by_symbol->where, by_structure->where);
    EXPECT_EQ(by_symbol->certificates, by_structure->certificates);
    EXPECT_EQ(by_symbol->module_cert_size, by_structure->module_cert_size);
    EXPECT_EQ(by_symbol->banner, by_structure->banner);
  }
}

// Modules, firmware and text of the same packages.
TEST(RealKernels, NothingElseInTheirPackagesIsAnImage) {
  int files = 0;
  const char* folder = std::getenv("ASSAY_KERNELS");
  ASSERT_NE(folder, nullptr);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    // The installer calls its kernels so.
    if (!entry.is_regular_file() || name.starts_with("vmlinu") || name == "linux") continue;
    const auto content = open_file(entry.path());
    ASSERT_TRUE(content) << entry.path();
    const auto found = find_kernel_image(**content);
    EXPECT_TRUE(found && !*found) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace assay
