#include "platforms/platform_file.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "bytes/stream.h"
#include "ima/platform_ima.h"
#include "platforms/contradictions.h"
#include "platforms/fill_keyring.h"
#include "platforms/module_hashes_section.h"
#include "platforms/toml_section.h"
#include "trust/boot_state.h"

namespace assay {

namespace {

using Strings = std::vector<std::string>;

Result<std::string> read_text(const std::string& path) {
  auto text = [&]() -> Result<std::string> {
    ASSAY_TRY(const auto file, open_file(path));
    ContentStream stream(*file);
    ASSAY_TRY(const auto bytes, read_all(stream, limits::kConfig));
    return std::string(bytes.begin(), bytes.end());
  }();
  if (!text) return std::unexpected(with_path(text.error(), encode_name(path)));
  return text;
}

// blacklist_vet_description (certs/blacklist.c).
bool is_blocklist_entry(std::string_view text) {
  constexpr std::size_t kMostDigits = 128;
  if (!text.starts_with(kBlockedTbs) && !text.starts_with(kBlockedBinary)) return false;
  const std::string_view digits = text.substr(kBlockedTbs.size());
  return !digits.empty() && digits.size() <= kMostDigits && digits.size() % 2 == 0 &&
         digits.find_first_not_of("0123456789abcdef") == digits.npos;
}

// The first word of a rule, and more behind it.
bool looks_like_rule(std::string_view text) {
  const std::size_t end = text.find_first_of(" \t");
  if (end == std::string_view::npos) return false;
  const std::string_view word = text.substr(0, end);
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"measure", "dont_measure", "appraise",
                                              "dont_appraise", "audit", "hash", "dont_hash"},
      [&](std::string_view action) { return action == word; });
}

class PlatformReader {
 public:
  PlatformReader(const toml::table& file, std::string folder, PlatformInputs& inputs)
      : top_(&file, ""), folder_(std::move(folder)), inputs_(inputs) {}

  Result<Platform> read() && {
    ASSAY_TRY(const auto schema, top_.number("schema"));
    if (schema != 1) return top_.wrong("schema", "1");
    ASSAY_CHECK(read_kernel());
    ASSAY_CHECK(read_state());
    const Truth autoload =
        platform_.state.module_autoload ? truth(*platform_.state.module_autoload) : Truth::unknown;
    platform_.signatures = signatures_of(platform_.config, autoload);
    ASSAY_CHECK(read_blocklist());
    ASSAY_CHECK(read_keyrings());
    ASSAY_CHECK(read_ima());
    ASSAY_CHECK(read_filesystems());
    ASSAY_CHECK(read_subject());
    top_.take("observed");
    ASSAY_TRY(TomlSection hashes, section("module_hashes"));
    ASSAY_TRY(platform_.module_hashes,
              read_module_hashes(hashes, [this](const auto& path) { return resolve(path); }));
    ASSAY_CHECK(add_hashes_of_image());
    ASSAY_CHECK(top_.nothing_left());
    return std::move(platform_);
  }

 private:
  Result<TomlSection> section(std::string_view key) {
    const toml::node* node = top_.take(key);
    if (node != nullptr && !node->is_table()) return top_.wrong(key, "a table");
    return TomlSection(node == nullptr ? nullptr : node->as_table(), std::string(key));
  }

  std::string resolve(const std::string& path) const {
    return std::filesystem::path(path).is_absolute() ? path : folder_ + "/" + path;
  }

  Result<void> read_kernel() {
    ASSAY_TRY(TomlSection kernel, section("kernel"));
    ASSAY_TRY(const auto release, kernel.text("release"));
    ASSAY_TRY(const auto version, kernel.text("version"));
    ASSAY_TRY(const auto arch, kernel.text("arch"));
    ASSAY_TRY(const auto variant, kernel.text("variant"));
    ASSAY_TRY(platform_.cmdline, kernel.text("cmdline"));
    ASSAY_TRY(const auto image, kernel.text("image"));
    platform_.release = release.value_or(version.value_or(""));
    const auto number = find_kernel_version(version ? *version : platform_.release);
    if (!number) return kernel.wrong("version", "a kernel version such as 6.12");
    const auto known_arch = find_arch(arch.value_or(""));
    if (!known_arch) return kernel.wrong("arch", "x86_64, arm64, s390x, ppc64le or riscv64");
    const auto known_variant = variant
                                   ? find_variant(*variant)
                                   : guess_variant(platform_.release).value_or(Variant::mainline);
    if (!known_variant)
      return kernel.wrong("variant",
                          "mainline, debian, appended-kexec-sig, suse, fedora or ubuntu");
    platform_.kernel = {*number, *known_variant, *known_arch};
    ASSAY_CHECK(read_config(kernel));
    if (image) image_ = resolve(*image);
    return kernel.nothing_left();
  }

  Result<void> read_config(TomlSection& kernel) {
    const toml::node* config = kernel.take("config");
    if (config == nullptr) return {};
    if (const auto path = config->value_exact<std::string>()) {
      ASSAY_TRY(platform_.config, inputs_.config(resolve(*path)));
      return {};
    }
    const toml::table* table = config->as_table();
    if (table == nullptr) return kernel.wrong("config", "a path or a table");
    for (const auto& [key, node] : *table) {
      const auto value = node.value_exact<std::string>();
      if (!value) return kernel.wrong("config", "strings such as \"y\"");
      platform_.config.set(std::string(key.str()), *value);
    }
    return {};
  }

  Result<void> read_state() {
    ASSAY_TRY(TomlSection section_of_state, section("state"));
    PlatformState& state = platform_.state;
    ASSAY_TRY(state.secure_boot, section_of_state.boolean("secure_boot"));
    ASSAY_TRY(state.trusted_boot, section_of_state.boolean("trusted_boot"));
    ASSAY_TRY(state.ipl_secure, section_of_state.boolean("ipl_secure"));
    ASSAY_TRY(state.sig_enforce, section_of_state.boolean("sig_enforce"));
    ASSAY_TRY(state.mok_list_trusted, section_of_state.boolean("mok_list_trusted"));
    ASSAY_TRY(state.kexec_load_disabled, section_of_state.boolean("kexec_load_disabled"));
    ASSAY_TRY(state.modules_disabled, section_of_state.boolean("modules_disabled"));
    ASSAY_TRY(state.efi, section_of_state.boolean("efi"));
    ASSAY_TRY(state.tpm, section_of_state.boolean("tpm"));
    ASSAY_TRY(state.module_autoload, section_of_state.boolean("module_autoload"));
    ASSAY_TRY(const auto lockdown, section_of_state.text("lockdown"));
    if (lockdown) {
      for (const Lockdown level : {Lockdown::none, Lockdown::integrity, Lockdown::confidentiality})
        if (*lockdown == lockdown_name(level)) state.lockdown = level;
      if (!state.lockdown)
        return section_of_state.wrong("lockdown", "none, integrity or confidentiality");
    }
    ASSAY_CHECK(read_device_tree(section_of_state));
    ASSAY_TRY(const auto override_all, section_of_state.boolean("override"));
    ASSAY_CHECK(check_command_line(platform_));
    if (!override_all.value_or(false)) ASSAY_CHECK(check_contradictions(platform_));
    return section_of_state.nothing_left();
  }

  Result<void> read_device_tree(TomlSection& section_of_state) {
    const toml::node* node = section_of_state.take("device_tree");
    if (node == nullptr) return {};
    const toml::table* table = node->as_table();
    if (table == nullptr) return section_of_state.wrong("device_tree", "a table");
    for (const auto& [key, value] : *table) {
      const auto number = value.value_exact<std::int64_t>();
      if (!number) return section_of_state.wrong("device_tree", "numbers");
      platform_.state.device_tree.emplace(key.str(), *number);
    }
    return {};
  }

  Result<void> read_blocklist() {
    ASSAY_TRY(TomlSection blocklist, section("blocklist"));
    ASSAY_TRY(const auto hashes, blocklist.texts("hashes"));
    for (const std::string& hash : hashes.value_or(Strings())) {
      if (!is_blocklist_entry(hash))
        return blocklist.wrong("hashes", "entries such as \"bin:0123...\" or \"tbs:4567...\"");
      platform_.signatures.blocklist.add(hash);
    }
    ASSAY_TRY(const auto revoked, read_keys(blocklist, "certificates"));
    if (platform_.config.is_on("CONFIG_SYSTEM_REVOCATION_LIST") != Truth::no)
      platform_.revoked = fill_revoked(revoked.value_or(std::vector<ListedKey>()), platform_);
    return blocklist.nothing_left();
  }

  Result<void> read_keyrings() {
    ASSAY_TRY(TomlSection keyrings, section("keyrings"));
    ASSAY_TRY(const auto absent, keyrings.texts("absent"));
    for (const std::string& name : absent.value_or(Strings())) {
      const auto ring = find_ring(name);
      if (!ring) return keyrings.wrong("absent", "names of keyrings");
      platform_.absent[static_cast<std::size_t>(*ring)] = true;
    }
    std::shared_ptr<Keyring> secondary;
    for (std::size_t i = 0; i < kRingCount; ++i) {
      const auto name = static_cast<Ring>(i);
      ASSAY_TRY(auto keys, read_keys(keyrings, ring_key(name)));
      if (name == Ring::builtin_trusted_keys && !image_.empty())
        ASSAY_CHECK(add_keys_of_image(keys));
      if (!keys) continue;
      std::vector<std::string> refused;
      auto ring = fill_keyring(name, *keys, platform_, refused);
      if (name == Ring::secondary_trusted_keys)
        secondary = std::move(ring);
      else
        platform_.ring(name) = std::move(ring);
    }
    ASSAY_CHECK(read_incomplete(keyrings));
    ASSAY_CHECK(link_secondary(keyrings, std::move(secondary)));
    keyrings.take("refused");  // for people: what the kernel would not load is not in the rings
    return keyrings.nothing_left();
  }

  // Where the file does not say which modules the kernel was built with, its image does.
  Result<void> add_hashes_of_image() {
    auto& hashes = platform_.module_hashes;
    const bool is_open = hashes ? !hashes->root && !hashes->list
                                : platform_.config.is_on("CONFIG_MODULE_HASHES") == Truth::yes;
    if (image_.empty() || !is_open) return {};
    ASSAY_TRY(const auto found, inputs_.module_hashes(image_));
    if (!found) return {};
    if (!hashes) {
      hashes = module_hashes_of(*found, platform_.config);
    } else if (hashes->is_list() != !found->root) {
      return fail(Reason::bad_value, {},
                  fmt::format("module_hashes.format is {}, and the image has {}",
                              module_hashes_format_name(hashes->format),
                              found->root ? "the root of a tree" : "a list"));
    } else {
      hashes->root = found->root;
      if (hashes->is_list()) hashes->list = found->list;
    }
    return {};
  }

  Result<void> add_keys_of_image(std::optional<std::vector<ListedKey>>& keys) {
    const auto list = inputs_.find(image_);
    if (!list && needs_no_certificates(platform_.config)) return {};
    if (!list) return std::unexpected(list.error());
    if (!keys) keys.emplace();
    for (const auto& certificate : *list)
      keys->push_back({certificate, KeyState::good, encode_name(image_)});
    return {};
  }

  Result<void> link_secondary(TomlSection& keyrings, std::shared_ptr<Keyring> own) {
    ASSAY_TRY(const auto names, keyrings.texts("secondary_links"));
    if (!own) {
      if (!platform_.ring(Ring::builtin_trusted_keys) && !names) return {};
      platform_.secondary_is_complete = false;
      own = std::make_shared<Keyring>(std::string(ring_name(Ring::secondary_trusted_keys)));
    }
    std::vector<Ring> links = default_secondary_links(platform_);
    if (names) links.clear();
    for (const std::string& name : names.value_or(Strings())) {
      const auto ring = find_ring(name);
      if (!ring) return keyrings.wrong("secondary_links", "names of keyrings");
      links.push_back(*ring);
    }
    set_secondary(platform_, std::move(own), links);
    return {};
  }

  // Rings that may hold more than is listed.
  Result<void> read_incomplete(TomlSection& keyrings) {
    ASSAY_TRY(const auto names, keyrings.texts("incomplete"));
    for (const std::string& name : names.value_or(Strings())) {
      if (name == ring_key(Ring::secondary_trusted_keys))
        platform_.secondary_is_complete = false;
      else if (name == ring_key(Ring::platform))
        platform_.platform_is_complete = false;
      else
        return keyrings.wrong("incomplete", "secondary_trusted_keys or platform");
    }
    return {};
  }

  // Certificates, folders of them, or { cert = ..., state = ... }.
  Result<std::optional<std::vector<ListedKey>>> read_keys(TomlSection& from, std::string_view key) {
    const toml::node* node = from.take(key);
    if (node == nullptr) return std::optional<std::vector<ListedKey>>();
    const toml::array* list = node->as_array();
    if (list == nullptr) return from.wrong(key, "a list of certificates");
    std::vector<ListedKey> keys;
    for (const toml::node& element : *list) {
      KeyState usable = KeyState::good;
      auto path = element.value_exact<std::string>();
      if (const toml::table* table = element.as_table()) {
        TomlSection entry(table, std::string(key));
        ASSAY_TRY(path, entry.text("cert"));
        ASSAY_TRY(const auto state, entry.text("state"));
        if (state == "expired")
          usable = KeyState::expired;
        else if (state == "revoked")
          usable = KeyState::revoked;
        else if (state && state != "good")
          return entry.wrong("state", "good, expired or revoked");
        ASSAY_CHECK(entry.nothing_left());
      }
      if (!path) return from.wrong(key, "paths of certificates");
      std::optional<Error> spoilt;  // a description is not guessed at
      ASSAY_TRY(const auto certificates, load_certificates(resolve(*path), [&](const Error& error) {
                  if (!spoilt) spoilt = error;
                }));
      if (spoilt) return std::unexpected(*spoilt);
      for (const auto& certificate : certificates)
        keys.push_back({inputs_.share(certificate), usable, *path});
    }
    return std::optional(std::move(keys));
  }

  Result<void> read_ima() {
    ASSAY_TRY(TomlSection ima, section("ima"));
    ASSAY_TRY(const auto policy, ima.texts("policy"));
    platform_.ima.policy_is_known = policy.has_value();
    for (const std::string& path : policy.value_or(Strings())) {
      if (looks_like_rule(path))
        return fail(Reason::bad_value, {},
                    fmt::format("ima.policy takes file names, and this looks like a rule: {}",
                                encode_name(path)));
      ASSAY_TRY(std::string text, read_text(resolve(path)));
      platform_.ima.policy.push_back(std::move(text));
    }
    ASSAY_CHECK(check_policies(policy.value_or(Strings())));
    ASSAY_TRY(platform_.ima.appraise, ima.text("appraise"));
    ASSAY_TRY(platform_.ima.builtin_names, ima.texts("builtin_policies"));
    ASSAY_TRY(platform_.ima.initial_rules, ima.texts("initial_rules"));
    ASSAY_CHECK(check_initial_rules());
    return ima.nothing_left();
  }

  // What the kernel does not take cannot be in force.
  Result<void> check_policies(const Strings& paths) const {
    const auto refused = find_refused_policy(platform_);
    if (!refused) return {};
    const std::string where =
        refused->line == 0 ? std::string() : fmt::format("line {} of ", refused->line);
    return fail(
        Reason::bad_value, {},
        fmt::format("ima.policy: this kernel refuses {}{} ({}), so that policy cannot be in "
                    "force; see assay ima policy check",
                    where, encode_name(paths[refused->index]), refused->why));
  }

  // What the kernel does not take it does not show either.
  Result<void> check_initial_rules() const {
    const auto refused = find_refused_rule(platform_);
    if (!refused) return {};
    return fail(Reason::bad_value, {},
                fmt::format("ima.initial_rules: rule {} is none of this kernel ({}): {}",
                            refused->index + 1, refused->why,
                            encode_name((*platform_.ima.initial_rules)[refused->index])));
  }

  Result<void> read_filesystems() {
    const toml::node* node = top_.take("filesystem");
    if (node == nullptr) return {};
    const toml::array* list = node->as_array();
    if (list == nullptr) return top_.wrong("filesystem", "[[filesystem]]");
    for (const toml::node& element : *list) {
      if (!element.is_table()) return top_.wrong("filesystem", "[[filesystem]]");
      TomlSection one(element.as_table(), "filesystem");
      MountedFilesystem mounted;
      ASSAY_TRY(const auto mount, one.text("mount"));
      ASSAY_TRY(const auto type, one.text("type"));
      ASSAY_TRY(const auto magic, one.number("magic"));
      ASSAY_TRY(const auto uuid, one.text("uuid"));
      ASSAY_TRY(mounted.uid, one.id("uid"));
      ASSAY_TRY(mounted.gid, one.id("gid"));
      one.take("owner");
      mounted.mount = mount.value_or("");
      mounted.type = type.value_or("");
      if (magic && *magic < 0) return one.wrong("magic", "a number that is not negative");
      if (magic) mounted.magic = static_cast<std::uint64_t>(*magic);
      mounted.uuid = uuid.value_or("");
      ASSAY_CHECK(one.nothing_left());
      platform_.filesystems.push_back(std::move(mounted));
    }
    return {};
  }

  Result<void> read_subject() {
    ASSAY_TRY(TomlSection section_of_subject, section("subject"));
    Subject& subject = platform_.subject;
    ASSAY_TRY(const auto path, section_of_subject.text("path"));
    ASSAY_TRY(const auto artifact, section_of_subject.text("artifact"));
    ASSAY_TRY(subject.uid, section_of_subject.id("uid"));
    ASSAY_TRY(subject.gid, section_of_subject.id("gid"));
    ASSAY_TRY(const auto capabilities, section_of_subject.text("capabilities"));
    subject.path = path.value_or("");
    subject.artifact = artifact.value_or("");
    subject.capabilities = capabilities.value_or("");
    return section_of_subject.nothing_left();
  }

  TomlSection top_;
  std::string folder_;
  std::string image_;
  PlatformInputs& inputs_;
  Platform platform_;
};

std::string name_of(const std::filesystem::path& path) {
  const std::filesystem::path absolute = std::filesystem::absolute(path).lexically_normal();
  if (absolute.filename() == "platform.toml") return absolute.parent_path().filename().string();
  return absolute.stem().string();
}

}  // namespace

Result<Platform> parse_platform(std::string_view text, const std::string& folder,
                                const std::string& name, PlatformInputs& inputs) {
  const auto table = parse_toml(text);
  if (!table) return std::unexpected(with_path(table.error(), name));
  auto platform = PlatformReader(*table, folder, inputs).read();
  if (!platform) return std::unexpected(with_path(platform.error(), name));
  return platform;
}

Result<Platform> load_platform(const std::string& path, PlatformInputs& inputs) {
  ASSAY_TRY(const std::string text, read_text(path));
  const std::string folder = std::filesystem::path(path).parent_path().string();
  ASSAY_TRY(Platform platform,
            parse_platform(text, folder.empty() ? "." : folder, encode_name(path), inputs));
  platform.name = encode_name(name_of(path));
  return platform;
}

}  // namespace assay
