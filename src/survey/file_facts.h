// survey/file_facts.h - what bears on IMA's answer about a file beside its bytes: its attributes,
// where it lies, who asks. From the file itself, or as the options say.

#pragma once

#include <optional>
#include <string>

#include "ima/evidence.h"
#include "ima/evm.h"
#include "ima/platform_ima.h"
#include "sources/file_attributes.h"

namespace assay {

// What options say, in place of what the file says itself.
struct FileFacts {
  Xattrs xattrs;  // --xattr
  std::optional<std::uint32_t> owner;
  std::optional<std::uint64_t> fs_magic;
  std::optional<FsUuid> fs_uuid;
  std::optional<std::uint64_t> inode_number;
  std::optional<std::uint32_t> generation;
  std::optional<EvmKey> evm_key;      // of the machine
  std::optional<std::uint32_t> uid;   // of the process
  std::optional<std::uint32_t> mask;  // what a file is opened for
};

// "security.ima=FILE", whose file holds the value in hexadecimal.
Result<void> add_xattr(FileFacts& facts, const std::string& name_and_file);
// "MAY_READ", "MAY_WRITE|MAY_APPEND".
Result<std::uint32_t> parse_mask(std::string_view text);

// What the file system says of a file, for IMA and EVM.
void describe_file(const FileAttributes& attributes, ImaEvidence& evidence);

// A file with the key of EVM's HMAC: up to 128 bytes, as they are.
Result<EvmKey> load_evm_key(const std::string& path);

// The file at `path`; empty: a member of a package, which is installed without extended attributes,
// by an owner and onto a file system that are not known. `known` as of collect_ima.
Result<ImaEvidence> collect_ima_file(const Content& content, const std::string& path,
                                     const FileFacts& facts,
                                     const std::vector<const HashAlgo*>& hashes,
                                     std::vector<Digest> known = {});

}  // namespace assay
