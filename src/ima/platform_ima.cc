#include "ima/platform_ima.h"

#include <algorithm>
#include <charconv>

#include "signatures/explore.h"

namespace assay {

namespace {

KnownRing known_ring(const Platform& platform, Ring ring, std::string_view key) {
  return {platform.ring(ring).get(), platform.has_no(ring), key};
}

// What the kernel shows of its policy is what it would take as one.
std::vector<PolicyRule> parse_shown_rules(Walk& walk, std::string_view text,
                                          const ImaPolicyContext& context) {
  std::vector<PolicyRule> rules;
  for (const ImaPolicyLine& line : split_ima_policy(text)) {
    if (!line.is_rule) continue;
    ParsedImaRule parsed = parse_ima_rule(walk, line.text, line.offset, context);
    // A walk that the kernel, which showed the rule, cannot take: find_refused_rule has asked all.
    if (parsed.outcome.failed()) continue;
    rules.push_back(
        {std::move(parsed.rule), RuleOrigin::custom, line.number, std::string(line.text)});
  }
  return rules;
}

std::string reason_of(const Walk& walk, const Outcome& bad) {
  const Step& step = walk.steps()[static_cast<std::size_t>(bad.step)];
  std::string why(step.rule->fails);
  if (!step.because.empty()) why += ": " + step.because;
  return why;
}

// Nothing where it is in force now. The last line may have been written with its newline.
std::optional<RefusedPolicy> load_policy(Walk& walk, ImaState& state, const ImaSetup& setup,
                                         const std::string& text) {
  ImaPolicySession session(walk, state, setup);
  const Outcome bad = session.load(text.ends_with('\n') ? text : text + '\n');
  if (session.close()) return std::nullopt;
  if (!bad.failed()) return RefusedPolicy{.why = "it has no rule"};
  return RefusedPolicy{.line = session.refused_line(), .why = reason_of(walk, bad)};
}

// Does the kind of file system have handlers of extended attributes at all (IOP_XATTR)?
Truth has_xattrs(std::string_view type, const KernelConfig& config) {
  if (type == "tmpfs" || type == "devtmpfs") return config.is_on("CONFIG_TMPFS_XATTR");
  for (const std::string_view without : {"ramfs", "proc", "securityfs", "debugfs", "tracefs",
                                         "devpts", "efivarfs", "vfat", "iso9660"})
    if (type == without) return Truth::no;
  for (const std::string_view with :
       {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "sysfs", "overlay", "erofs", "squashfs"})
    if (type == with) return Truth::yes;
  return Truth::unknown;
}

}  // namespace

std::optional<FsUuid> parse_fs_uuid(std::string_view text) {
  FsUuid uuid{};
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    std::uint8_t nibble = 0;
    if (digits == 2 * uuid.size() || std::from_chars(&c, &c + 1, nibble, 16).ec != std::errc())
      return std::nullopt;
    uuid[digits / 2] = static_cast<std::uint8_t>(uuid[digits / 2] << 4 | nibble);
    ++digits;
  }
  if (digits != 2 * uuid.size()) return std::nullopt;
  return uuid;
}

Truth ima_secure_boot(const Platform& platform) {
  return platform.kernel.arch == Arch::s390x ? platform.ipl_secure() : platform.secure_boot();
}

ImaSetup ima_setup(const Platform& platform) {
  const PlatformState& state = platform.state;
  ImaSetup setup{platform.config, platform.signatures.crypto, platform.cmdline,
                 ima_secure_boot(platform),
                 state.trusted_boot ? truth(*state.trusted_boot) : Truth::unknown};
  if (!setup.command_line && platform.ima.appraise && platform.ima.builtin_names) {
    setup.command_line = "ima_appraise=" + *platform.ima.appraise;
    for (const std::string& name : *platform.ima.builtin_names)
      *setup.command_line += " ima_policy=" + name;
  }
  return setup;
}

ImaKeyrings ima_keyrings(const Platform& platform) {
  ImaKeyrings rings;
  rings.ima = known_ring(platform, Ring::ima, "keyrings.ima");
  rings.evm = known_ring(platform, Ring::evm, "keyrings.evm");
  rings.platform = known_ring(platform, Ring::platform, "keyrings.platform");
  rings.blacklist = known_ring(platform, Ring::ima_blacklist, "keyrings.ima_blacklist");
  rings.revoked = platform.revoked.get();
  return rings;
}

EvmState evm_state(const Platform& platform) {
  EvmState evm;
  if (platform.config.is_on("CONFIG_EVM") == Truth::no) return evm;
  const auto& ring = platform.ring(Ring::evm);
  const bool no_key = platform.has_no(Ring::evm) || (ring && ring->keys().empty());
  if (!no_key) evm.has_public_key = Truth::unknown;
  return evm;
}

ImaSubject ima_subject(const Platform& platform) {
  const Subject& subject = platform.subject;
  ImaSubject asks;
  asks.uid = asks.euid = asks.suid = subject.uid;
  asks.gid = asks.egid = asks.sgid = subject.gid;
  const bool is_root = subject.uid == 0U;
  if (subject.capabilities == "all" || (is_root && subject.capabilities.empty()))
    asks.cap_setuid = asks.cap_setgid = Truth::yes;
  return asks;
}

const MountedFilesystem* find_filesystem(const Platform& platform, std::string_view path) {
  const MountedFilesystem* found = nullptr;
  for (const MountedFilesystem& each : platform.filesystems) {
    const std::string_view mount = each.mount;
    const bool under = mount == "/" ? path.starts_with('/')
                                    : path.starts_with(mount) && (path.size() == mount.size() ||
                                                                  path[mount.size()] == '/');
    if (under && (found == nullptr || mount.size() >= found->mount.size())) found = &each;
  }
  return found;
}

ImaFile ima_file_on(const MountedFilesystem& filesystem, const KernelConfig& config) {
  ImaFile file;
  file.filesystem.magic = filesystem.magic;
  file.filesystem.name = filesystem.type;
  file.filesystem.subtype = "";  // FUSE alone has one
  file.filesystem.uuid = filesystem.uuid.empty() ? FsUuid{} : parse_fs_uuid(filesystem.uuid);
  file.filesystem.has_xattrs = has_xattrs(filesystem.type, config);
  if (filesystem.type.starts_with("fuse")) {
    file.filesystem.subtype.reset();
    file.filesystem.is_unverifiable = Truth::yes;
    file.filesystem.has_untrusted_mounter = Truth::unknown;
  }
  file.owner = filesystem.uid;
  file.group = filesystem.gid;
  return file;
}

PlatformIma::PlatformIma(const Platform& platform)
    : platform_(platform), rings_(ima_keyrings(platform)) {
  Walk walk(platform.kernel, {}, false);
  ImaState state = make(walk);
  if (!walk.choices().empty()) return;
  has_rules_ = state.classes().any();
  always_ = std::move(state);
}

const ImaState& PlatformIma::state(Walk& walk, std::optional<ImaState>& room) const {
  return always_ ? *always_ : room.emplace(make(walk));
}

Truth PlatformIma::is_whole() const {
  const ImaSettings& ima = platform_.ima;
  if (ima.policy_is_known || ima.initial_rules) return Truth::yes;
  return platform_.config.is_on("CONFIG_IMA_APPRAISE") == Truth::no ? Truth::yes : Truth::unknown;
}

std::vector<const HashAlgo*> PlatformIma::hashes() const {
  if (!has_rules_) return {};
  const HashAlgo* sha1 = find_hash_algo("sha1");
  if (!always_) return {sha1, find_hash_algo("sha256")};
  // The oldest field of measurements has room for it alone.
  const auto has_old_digest = [](const PolicyRule& each) {
    return each.rule.tmpl && each.rule.tmpl->has_field("d");
  };
  std::vector<const HashAlgo*> hashes{&always_->hash()};
  if (always_->default_template().has_field("d") ||
      std::ranges::any_of(always_->rules(), has_old_digest))
    hashes.push_back(sha1);
  return hashes;
}

// A policy of the platform was taken when it was loaded, whatever is required of policies now.
ImaState PlatformIma::make(Walk& walk) const {
  const ImaSetup setup = ima_setup(platform_);
  ImaState state(walk, setup);
  if (!platform_.ima.policy_is_known && platform_.ima.initial_rules) {
    std::string text;
    for (const std::string& rule : *platform_.ima.initial_rules) text += rule + '\n';
    state.replace_rules(parse_shown_rules(walk, text, state.policy_context(setup)));
    return state;
  }
  for (const std::string& text : platform_.ima.policy)
    std::ignore = load_policy(walk, state, setup, text);
  return state;
}

std::optional<RefusedPolicy> find_refused_rule(const Platform& platform) {
  if (!platform.ima.initial_rules) return std::nullopt;
  const ImaSetup setup = ima_setup(platform);
  for (std::size_t i = 0; i < platform.ima.initial_rules->size(); ++i) {
    const std::string text = (*platform.ima.initial_rules)[i] + '\n';
    int ways = 0;
    bool may_be_one = false;
    const auto parse = [&](Walk& walk) {
      ++ways;
      const ImaState state(walk, setup);
      std::optional<RefusedPolicy> refused;
      for (const ImaPolicyLine& line : split_ima_policy(text)) {
        if (!line.is_rule || refused) continue;
        const ParsedImaRule parsed =
            parse_ima_rule(walk, line.text, line.offset, state.policy_context(setup));
        if (parsed.outcome.failed())
          refused = RefusedPolicy{.index = i, .why = reason_of(walk, parsed.outcome)};
      }
      may_be_one = may_be_one || !refused;
      return refused;
    };
    const auto explored = explore(platform.kernel, false, parse, [](const auto& a, const auto& b) {
      return a.has_value() == b.has_value();
    });
    if (!may_be_one && ways != kMostWays && explored.first) return explored.first;
  }
  return std::nullopt;
}

std::optional<RefusedPolicy> find_refused_policy(const Platform& platform) {
  if (!platform.ima.policy.empty() && platform.config.is_on("CONFIG_IMA") == Truth::no)
    return RefusedPolicy{.why = "it is built without CONFIG_IMA"};
  const ImaSetup setup = ima_setup(platform);
  int ways = 0;
  bool may_be_taken = platform.ima.policy.empty();
  const auto load_all = [&](Walk& walk) {
    ++ways;
    ImaState state(walk, setup);
    std::optional<RefusedPolicy> refused;
    for (std::size_t i = 0; i < platform.ima.policy.size() && !refused; ++i) {
      refused = load_policy(walk, state, setup, platform.ima.policy[i]);
      if (refused) refused->index = i;
    }
    may_be_taken = may_be_taken || !refused;
    return refused;
  };
  const auto explored = explore(platform.kernel, false, load_all, [](const auto& a, const auto& b) {
    return a.has_value() == b.has_value();
  });
  return may_be_taken || ways == kMostWays ? std::nullopt : explored.first;
}

}  // namespace assay
