#include "platforms/platform_writer.h"

#include <fmt/format.h>
#include <map>

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/hex.h"
#include "base/name.h"
#include "crypto/hash.h"
#include "platforms/contradictions.h"

namespace assay {

namespace {

Result<void> write_bytes(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  for (const std::uint8_t byte : bytes) file.put(static_cast<char>(byte));
  file.close();
  if (file) return {};
  return std::unexpected(Error{Reason::cannot_write, {}, {}, encode_name(path.string())});
}

Result<void> make_folder(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (!failed) return {};
  return std::unexpected(
      Error{Reason::cannot_write, {}, failed.message(), encode_name(path.string())});
}

class Writer {
 public:
  Writer(const Platform& platform, std::filesystem::path folder, std::string prefix)
      : platform_(platform), folder_(std::move(folder)), prefix_(std::move(prefix)) {}

  Result<std::string> write(const std::vector<std::string>& notes) {
    text_ << "schema = 1\n";
    ASSAY_CHECK(write_kernel());
    write_state();
    ASSAY_CHECK(write_keyrings());
    ASSAY_CHECK(write_blocklist());
    ASSAY_CHECK(write_ima());
    write_filesystems();
    write_subject();
    ASSAY_CHECK(write_module_hashes());
    toml::table observed;
    if (!notes.empty()) observed.insert("notes", list_of(notes));
    section("observed", observed);
    return text_.str();
  }

 private:
  void section(std::string_view name, const toml::table& table) {
    if (table.empty()) return;
    text_ << fmt::format("\n[{}]\n", name) << toml::toml_formatter(table) << '\n';
  }

  template <class T>
  static void set(toml::table& table, std::string_view key, const std::optional<T>& value) {
    if (value) table.insert(key, *value);
  }

  template <class Texts>
  static toml::array list_of(const Texts& texts) {
    toml::array list;
    for (const std::string& text : texts) list.push_back(text);
    return list;
  }

  // A file beside the platform file; the name that stands in it.
  Result<std::string> add_file(const std::string& name, std::span<const std::uint8_t> bytes) {
    const std::filesystem::path path = folder_ / (prefix_ + name);
    ASSAY_CHECK(make_folder(path.parent_path()));
    ASSAY_CHECK(write_bytes(path, bytes));
    return prefix_ + name;
  }

  Result<void> write_kernel() {
    toml::table kernel;
    kernel.insert("version", to_string(platform_.kernel.version));
    if (!platform_.release.empty()) kernel.insert("release", platform_.release);
    kernel.insert("arch", arch_name(platform_.kernel.arch));
    kernel.insert("variant", variant_name(platform_.kernel.variant));
    set(kernel, "cmdline", platform_.cmdline);
    if (platform_.config.is_known()) {
      std::string config;
      const KernelConfig::Values& values = platform_.config.values();
      for (const auto& [name, value] : std::map(values.begin(), values.end())) {
        const bool is_bare = value == "y" || value == "m";
        config +=
            is_bare ? fmt::format("{}={}\n", name, value) : fmt::format("{}=\"{}\"\n", name, value);
      }
      ASSAY_TRY(const std::string path, add_file("config", bytes_of(config)));
      kernel.insert("config", path);
    }
    section("kernel", kernel);
    return {};
  }

  void write_state() {
    const PlatformState& state = platform_.state;
    toml::table table;
    set(table, "secure_boot", state.secure_boot);
    set(table, "trusted_boot", state.trusted_boot);
    set(table, "ipl_secure", state.ipl_secure);
    if (state.lockdown) table.insert("lockdown", lockdown_name(*state.lockdown));
    set(table, "sig_enforce", state.sig_enforce);
    set(table, "mok_list_trusted", state.mok_list_trusted);
    set(table, "kexec_load_disabled", state.kexec_load_disabled);
    set(table, "modules_disabled", state.modules_disabled);
    set(table, "efi", state.efi);
    set(table, "tpm", state.tpm);
    set(table, "module_autoload", state.module_autoload);
    toml::table device_tree;
    for (const auto& [name, value] : state.device_tree) device_tree.insert(name, value);
    device_tree.is_inline(true);
    if (!device_tree.empty()) table.insert("device_tree", std::move(device_tree));
    if (!check_contradictions(platform_)) table.insert("override", true);
    section("state", table);
  }

  // The same certificate is written once, however many rings have it.
  Result<toml::array> write_keys(const Keyring& ring) {
    toml::array list;
    for (const Key& key : ring.keys()) {
      const auto der = key.certificate->x509().raw.bytes();
      ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, der));
      ASSAY_TRY(std::string path, add_file("keys/" + digest.hex().substr(0, 16) + ".der", der));
      if (key.usable == KeyState::good) {
        list.push_back(std::move(path));
        continue;
      }
      toml::table entry{{"cert", std::move(path)},
                        {"state", key.usable == KeyState::expired ? "expired" : "revoked"}};
      entry.is_inline(true);
      list.push_back(std::move(entry));
    }
    return list;
  }

  // The ring of the platform that is linked into another.
  std::optional<Ring> name_of(const std::shared_ptr<const Keyring>& ring) const {
    const auto at = std::ranges::find(platform_.rings, ring);
    if (at == platform_.rings.end()) return std::nullopt;
    return static_cast<Ring>(at - platform_.rings.begin());
  }

  Result<void> write_keyrings() {
    toml::table keyrings;
    std::vector<std::string> absent;
    for (std::size_t i = 0; i < kRingCount; ++i) {
      if (platform_.absent[i]) absent.emplace_back(ring_key(static_cast<Ring>(i)));
      if (!platform_.rings[i]) continue;
      ASSAY_TRY(toml::array keys, write_keys(*platform_.rings[i]));
      keyrings.insert(ring_key(static_cast<Ring>(i)), std::move(keys));
    }
    if (!absent.empty()) keyrings.insert("absent", list_of(absent));
    if (const auto& secondary = platform_.ring(Ring::secondary_trusted_keys)) {
      std::vector<std::string> links;
      for (const auto& link : secondary->links())
        if (const auto name = name_of(link)) links.emplace_back(ring_key(*name));
      keyrings.insert("secondary_links", list_of(links));
    }
    std::vector<std::string> incomplete;
    if (!platform_.secondary_is_complete)
      incomplete.emplace_back(ring_key(Ring::secondary_trusted_keys));
    if (!platform_.platform_is_complete) incomplete.emplace_back(ring_key(Ring::platform));
    if (!incomplete.empty()) keyrings.insert("incomplete", list_of(incomplete));
    section("keyrings", keyrings);
    return {};
  }

  Result<void> write_blocklist() {
    toml::table blocklist;
    const auto& hashes = platform_.signatures.blocklist.entries();
    if (!hashes.empty()) blocklist.insert("hashes", list_of(hashes));
    if (platform_.revoked && !platform_.revoked->keys().empty()) {
      ASSAY_TRY(toml::array keys, write_keys(*platform_.revoked));
      blocklist.insert("certificates", std::move(keys));
    }
    section("blocklist", blocklist);
    return {};
  }

  Result<void> write_ima() {
    const ImaSettings& ima = platform_.ima;
    toml::table table;
    toml::array policies;
    for (const std::string& policy : ima.policy) {
      ASSAY_TRY(std::string path,
                add_file(fmt::format("ima-policy-{}", policies.size() + 1), bytes_of(policy)));
      policies.push_back(std::move(path));
    }
    if (ima.policy_is_known) table.insert("policy", std::move(policies));
    set(table, "appraise", ima.appraise);
    if (ima.builtin_names) table.insert("builtin_policies", list_of(*ima.builtin_names));
    if (ima.initial_rules) table.insert("initial_rules", list_of(*ima.initial_rules));
    section("ima", table);
    return {};
  }

  void write_filesystems() {
    for (const MountedFilesystem& mounted : platform_.filesystems) {
      toml::table table;
      if (!mounted.mount.empty()) table.insert("mount", mounted.mount);
      if (!mounted.type.empty()) table.insert("type", mounted.type);
      if (mounted.magic) table.insert("magic", static_cast<std::int64_t>(*mounted.magic));
      if (!mounted.uuid.empty()) table.insert("uuid", mounted.uuid);
      set_number(table, "uid", mounted.uid);
      set_number(table, "gid", mounted.gid);
      text_ << "\n[[filesystem]]\n" << toml::toml_formatter(table) << '\n';
    }
  }

  void write_subject() {
    const Subject& subject = platform_.subject;
    toml::table table;
    if (!subject.path.empty()) table.insert("path", subject.path);
    if (!subject.artifact.empty()) table.insert("artifact", subject.artifact);
    set_number(table, "uid", subject.uid);
    set_number(table, "gid", subject.gid);
    if (!subject.capabilities.empty()) table.insert("capabilities", subject.capabilities);
    section("subject", table);
  }

  Result<void> write_module_hashes() {
    if (!platform_.module_hashes) return {};
    const ModuleHashes& hashes = *platform_.module_hashes;
    toml::table table{{"format", module_hashes_format_name(hashes.format)}};
    if (hashes.root) {
      table.insert("root", hashes.root->hash.hex());
      table.insert("levels", static_cast<std::int64_t>(hashes.root->levels));
    }
    if (hashes.list) {
      std::vector<std::uint8_t> rows;
      for (const FileSha256& row : *hashes.list) rows.insert(rows.end(), row.begin(), row.end());
      ASSAY_TRY(std::string path, add_file("module-hashes", rows));
      table.insert("list", std::move(path));
    }
    section("module_hashes", table);
    return {};
  }

  static void set_number(toml::table& table, std::string_view key,
                         const std::optional<std::uint32_t>& value) {
    if (value) table.insert(key, static_cast<std::int64_t>(*value));
  }

  const Platform& platform_;
  std::filesystem::path folder_;
  std::string prefix_;
  std::ostringstream text_;
};

}  // namespace

Result<std::string> write_platform(const Platform& platform, const std::vector<std::string>& notes,
                                   const std::string& path) {
  const std::filesystem::path target(path);
  const bool is_file = target.extension() == ".toml";
  const std::filesystem::path file = is_file ? target : target / "platform.toml";
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  ASSAY_CHECK(make_folder(folder));
  Writer writer(platform, folder, is_file ? target.stem().string() + "/" : "");
  ASSAY_TRY(const std::string text, writer.write(notes));
  ASSAY_CHECK(write_bytes(file, bytes_of(text)));
  return file.string();
}

}  // namespace assay
