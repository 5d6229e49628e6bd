// Packages made by rpmbuild, read, damaged and cut.

#include "formats/rpm.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes text_bytes(std::string_view text) { return {text.begin(), text.end()}; }

// A package with two files, by Debian's rpm.
Bytes package(const TemporaryFolder& folder) {
  write_file(folder / "tool.spec",
             text_bytes("Name: tool\nVersion: 1\nRelease: 1\nSummary: t\nLicense: t\n"
                        "BuildArch: noarch\n%description\nt\n%install\n"
                        "mkdir -p %{buildroot}/usr/bin %{buildroot}/etc\n"
                        "echo 'hello ima' > %{buildroot}/usr/bin/tool\n"
                        "echo conf > %{buildroot}/etc/tool.conf\n"
                        "%files\n%attr(0755,root,root) /usr/bin/tool\n/etc/tool.conf\n"));
  const Finished done =
      run_command({"rpmbuild", "--quiet", "--define", "_topdir " + (folder / "top"), "--define",
                   "_dbpath " + (folder / "db"), "-bb", folder / "tool.spec"});
  EXPECT_EQ(done.status, 0) << done.error;
  return read_file(folder / "top/RPMS/noarch/tool-1-1.noarch.rpm");
}

std::optional<Reason> refusal(const Bytes& bytes) {
  const auto package = read_rpm(ViewContent{View(bytes)});
  return package ? std::nullopt : std::optional(package.error().reason);
}

TEST(Rpm, FilesOfAPackage) {
  TemporaryFolder folder;
  const Bytes bytes = package(folder);
  EXPECT_TRUE(is_rpm(View(bytes)));
  const auto read = read_rpm(ViewContent{View(bytes)});
  ASSERT_TRUE(read) << describe(read.error());
  ASSERT_EQ(read->files.size(), 2U);
  EXPECT_EQ(read->files[0].name, "/etc/tool.conf");
  EXPECT_EQ(read->files[1].name, "/usr/bin/tool");
  EXPECT_EQ(read->files[1].size, 10U);
  EXPECT_EQ(read->files[1].mode, 0100755);
  EXPECT_TRUE(read->files[1].ima.empty());
  // gzip, which Debian's rpm takes unless told otherwise.
  EXPECT_EQ(bytes[read->payload.offset], 0x1F);
  EXPECT_EQ(read->payload.offset + read->payload.size, bytes.size());
}

// A header of tags with (type, count, data); everything in it is big endian.
struct Tag {
  std::uint32_t tag;
  std::uint32_t type;
  std::uint32_t count;
  Bytes data;
};

void append_number(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_header(Bytes& out, const std::vector<Tag>& tags) {
  Bytes index;
  Bytes store;
  for (const Tag& tag : tags) {
    store.resize((store.size() + 7) / 8 * 8);
    for (const std::uint32_t value :
         {tag.tag, tag.type, static_cast<std::uint32_t>(store.size()), tag.count})
      append_number(index, value);
    store.insert(store.end(), tag.data.begin(), tag.data.end());
  }
  out.insert(out.end(), {0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0});
  append_number(out, static_cast<std::uint32_t>(tags.size()));
  append_number(out, static_cast<std::uint32_t>(store.size()));
  out.insert(out.end(), index.begin(), index.end());
  out.insert(out.end(), store.begin(), store.end());
}

// Files without names, all in one folder of that length.
Bytes package_of(std::uint32_t files, std::size_t folder_length) {
  Bytes out(96);
  std::ranges::copy(Bytes{0xed, 0xab, 0xee, 0xdb}, out.begin());
  append_header(out, {});
  Bytes folder(folder_length + 1, 'a');
  folder.back() = 0;
  append_header(out, {{1117, 8, files, Bytes(files)},
                      {1118, 8, 1, folder},
                      {1116, 4, files, Bytes(std::size_t{4} * files)},
                      {1030, 3, files, Bytes(std::size_t{2} * files)},
                      {1028, 4, files, Bytes(std::size_t{4} * files)}});
  return out;
}

// A megabyte that asks for twenty thousand.
TEST(Rpm, PathsThatExpandAreLimited) {
  EXPECT_EQ(refusal(package_of(20, 1'000'000)), std::nullopt);
  EXPECT_EQ(refusal(package_of(20'000, 1'000'000)), Reason::limit_size);
  EXPECT_EQ(refusal(package_of(1'000'001, 1)), Reason::limit_count);
}

TEST(Rpm, DamagedPackages) {
  TemporaryFolder folder;
  const Bytes bytes = package(folder);
  const auto read = read_rpm(ViewContent{View(bytes)});
  ASSERT_TRUE(read);
  const auto changed = [&](std::size_t at, std::initializer_list<std::uint8_t> values) {
    Bytes other = bytes;
    std::ranges::copy(values, other.begin() + static_cast<std::ptrdiff_t>(at));
    return refusal(other);
  };
  EXPECT_EQ(refusal({}), Reason::truncated);
  EXPECT_EQ(changed(0, {0}), Reason::bad_magic);
  EXPECT_EQ(changed(96, {0}), Reason::bad_magic);
  EXPECT_EQ(changed(104, {0, 1, 0, 0}), Reason::limit_count);
  EXPECT_EQ(changed(108, {4, 0, 0, 1}), Reason::limit_size);
  EXPECT_EQ(changed(108, {3, 0, 0, 1}), Reason::truncated);
  for (std::size_t size = 0; size < read->payload.offset; size += 13)
    EXPECT_TRUE(refusal(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))))
        << size;
}

}  // namespace
}  // namespace assay
