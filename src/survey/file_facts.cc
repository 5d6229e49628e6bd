#include "survey/file_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "base/hex.h"
#include "base/limits.h"
#include "sources/file_attributes.h"

namespace assay {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

struct MaskName {
  std::string_view name;
  std::uint32_t bit;
};
constexpr MaskName kMasks[] = {{"MAY_EXEC", kMayExec},
                               {"MAY_WRITE", kMayWrite},
                               {"MAY_READ", kMayRead},
                               {"MAY_APPEND", kMayAppend}};

}  // namespace

Result<void> add_xattr(FileFacts& facts, const std::string& name_and_file) {
  const std::size_t equals = name_and_file.find('=');
  const std::string name = name_and_file.substr(0, equals);
  if (equals == name_and_file.npos || !name.starts_with("security."))
    return fail(Reason::usage, {}, "--xattr wants security.NAME=HEXFILE");
  ASSAY_TRY(const auto file, open_file(name_and_file.substr(equals + 1)));
  if (file->size() > limits::kConfig) return fail(Reason::limit_size, {0, file->size()}, name);
  std::vector<std::uint8_t> bytes(file->size());
  ASSAY_CHECK(file->read(0, bytes));
  std::string digits;
  for (const std::uint8_t byte : bytes)
    if (kBlanks.find(static_cast<char>(byte)) == kBlanks.npos) digits += static_cast<char>(byte);
  const auto value = from_hex(digits);
  if (!value) return fail(Reason::usage, {}, name + ": not hexadecimal");
  facts.xattrs[name] = *value;
  return {};
}

Result<std::uint32_t> parse_mask(std::string_view text) {
  std::uint32_t mask = 0;
  for (const auto part : text | std::views::split('|')) {
    const auto* found =
        std::ranges::find(kMasks, std::string_view(part.begin(), part.end()), &MaskName::name);
    if (found == std::end(kMasks))
      return fail(
          Reason::usage, {},
          fmt::format("unknown mask {}, expected MAY_READ, MAY_WRITE, MAY_EXEC or MAY_APPEND",
                      text));
    mask |= found->bit;
  }
  return mask;
}

void describe_file(const FileAttributes& attributes, ImaEvidence& evidence) {
  ImaFilesystem& filesystem = evidence.file.filesystem;
  evidence.file.owner = attributes.owner;
  evidence.file.group = attributes.group;
  evidence.mode = attributes.mode;
  evidence.inode_number = attributes.inode_number;
  evidence.generation = attributes.generation;
  filesystem.uuid = attributes.filesystem_uuid;
  if (!attributes.verity) return;
  constexpr std::uint16_t kSha256 = 1;  // include/uapi/linux/fsverity.h
  constexpr std::uint16_t kSha512 = 2;
  const auto& [algorithm, digest] = *attributes.verity;
  evidence.has_verity = Truth::yes;
  evidence.verity.reset();
  if (algorithm == kSha256) evidence.verity = Digest(Hash::sha256, digest);
  if (algorithm == kSha512) evidence.verity = Digest(Hash::sha512, digest);
}

Result<EvmKey> load_evm_key(const std::string& path) {
  ASSAY_TRY(const auto file, open_file(path));
  EvmKey key{};
  if (file->size() == 0 || file->size() > key.size())
    return fail(Reason::limit_size, {0, file->size()}, "a key of EVM has 1 to 128 bytes");
  ASSAY_CHECK(file->read(0, std::span(key).first(file->size())));
  return key;
}

Result<ImaEvidence> collect_ima_file(const Content& content, const std::string& path,
                                     const FileFacts& facts,
                                     const std::vector<const HashAlgo*>& hashes,
                                     std::vector<Digest> known) {
  std::optional<FileAttributes> attributes;
  if (!path.empty()) {
    ASSAY_TRY(attributes, read_file_attributes(path));
  }
  Xattrs xattrs = attributes ? attributes->security : Xattrs();
  for (const auto& [name, value] : facts.xattrs) xattrs.insert_or_assign(name, value);
  ASSAY_TRY(ImaEvidence evidence,
            collect_ima(content, std::move(xattrs), hashes, std::move(known)));
  ImaFile& file = evidence.file;
  if (attributes) {
    describe_file(*attributes, evidence);
    file.filesystem.magic = attributes->filesystem_magic;
    file.filesystem.has_xattrs = truth(attributes->has_xattrs);
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::canonical(path, error);
    if (!error) file.path = whole.native();
  }
  if (!facts.xattrs.empty()) file.filesystem.has_xattrs = Truth::yes;
  if (facts.owner) file.owner = facts.owner;
  if (facts.fs_magic) file.filesystem.magic = facts.fs_magic;
  if (facts.fs_uuid) file.filesystem.uuid = facts.fs_uuid;
  if (facts.inode_number) evidence.inode_number = facts.inode_number;
  if (facts.generation) evidence.generation = facts.generation;
  return evidence;
}

}  // namespace assay
