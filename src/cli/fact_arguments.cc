#include "cli/fact_arguments.h"

#include <CLI/CLI.hpp>
#include <charconv>

namespace assay {

namespace {

Result<std::optional<std::uint64_t>> number(const std::string& text, std::string_view option,
                                            int base, std::uint64_t most) {
  if (text.empty()) return std::nullopt;
  std::string_view digits = text;
  if (base == 16 && digits.starts_with("0x")) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || value > most)
    return fail(Reason::usage, {}, std::string(option) + " wants a number, not " + text);
  return value;
}

}  // namespace

void FactArguments::add_options(CLI::App& app) {
  const auto add = [&app](const char* name, auto& value, const char* text, const char* type) {
    return app.add_option(name, value, text)->type_name(type)->option_text(type);
  };
  add("--xattr", xattrs_,
      "an extended attribute of the files, in place of their own: security.ima=FILE, which holds "
      "the value in hexadecimal; may be repeated",
      "NAME=FILE")
      ->allow_extra_args(false);
  add("--uid", uid_, "the user whose process asks", "N");
  add("--fowner", owner_, "the owner of the files", "N");
  add("--fsmagic", magic_, "the magic number of their file system, as in rules of IMA", "HEX");
  add("--fsuuid", uuid_, "its UUID", "UUID");
  add("--inode", inode_, "the number of their inode, which an HMAC of EVM covers", "N");
  add("--generation", generation_, "and its generation", "N");
  add("--evm-key", evm_key_, "the key of EVM's HMAC, as it is", "FILE");
  add("--mask", mask_, "what a file is opened for (read): MAY_READ, MAY_WRITE, MAY_APPEND", "MASK");
}

Result<FileFacts> FactArguments::read() const {
  constexpr std::uint64_t kId = 0xFFFFFFFE;
  FileFacts facts;
  for (const std::string& xattr : xattrs_) ASSAY_CHECK(add_xattr(facts, xattr));
  ASSAY_TRY(const auto uid, number(uid_, "--uid", 10, kId));
  ASSAY_TRY(const auto owner, number(owner_, "--fowner", 10, kId));
  ASSAY_TRY(facts.fs_magic, number(magic_, "--fsmagic", 16, ~std::uint64_t{0}));
  if (uid) facts.uid = static_cast<std::uint32_t>(*uid);
  if (owner) facts.owner = static_cast<std::uint32_t>(*owner);
  if (!uuid_.empty()) {
    facts.fs_uuid = parse_fs_uuid(uuid_);
    if (!facts.fs_uuid) return fail(Reason::usage, {}, "--fsuuid wants a UUID, not " + uuid_);
  }
  ASSAY_TRY(facts.inode_number, number(inode_, "--inode", 10, ~std::uint64_t{0}));
  ASSAY_TRY(const auto generation, number(generation_, "--generation", 10, 0xFFFFFFFF));
  if (generation) facts.generation = static_cast<std::uint32_t>(*generation);
  if (!evm_key_.empty()) {
    ASSAY_TRY(facts.evm_key, load_evm_key(evm_key_));
  }
  if (!mask_.empty()) {
    ASSAY_TRY(facts.mask, parse_mask(mask_));
  }
  return facts;
}

}  // namespace assay
