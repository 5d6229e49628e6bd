#include "survey/fix.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shell_word.h"
#include "trust/module_keyrings.h"

namespace assay {

namespace {

class Finder {
 public:
  Finder(const Diagnosis& diagnosis, const FixFacts& facts)
      : diagnosis_(diagnosis), facts_(facts), rule_(last_failure()) {}

  Fix find() const {
    if (prognosis_of(diagnosis_.judged.verdict) == Prognosis::unknown)
      return {"", "the platform leaves open what would decide"};
    if (diagnosis_.judged.verdict.decision == Decision::allowed_tainted &&
        !diagnosis_.judged.taint.contains('E'))
      return {"", what_taints()};
    if (rule_ == "module-load/modules-enabled")
      return {"systemctl reboot", "kernel.modules_disabled cannot be taken back before"};
    if (rule_ == "kexec/permitted")
      return {"systemctl reboot", "kernel.kexec_load_disabled cannot be taken back before"};
    if (rule_ == "kexec/has-file-load") return {"", "this kernel has no kexec_file_load"};
    if (rule_ == "kexec/has-verifier")
      return {"", "this kernel verifies no image of its architecture"};
    if (rule_ == "module-load/not-denied")
      return {"", "module_blacklist= on the kernel's command line names it"};
    if (rule_ == "module-load/vermagic" || rule_ == "module-load/versions")
      return rebuild_or_reinstall("it was built for another kernel");
    if (is_about_the_file()) return rebuild_or_reinstall("the file is damaged");
    if (is_unsigned()) return fix_unsigned();
    if (is_unknown_key()) return fix_unknown_key();
    if (is_revoked()) return upgrade("its signer's key, or the file itself, is revoked");
    if (rule_.starts_with("kexec/"))
      return {"", "it is no image that this kernel's kexec_file_load takes"};
    return rebuild_or_reinstall("its signature is not accepted");
  }

 private:
  // The rule of the signature check, where that is what it all comes from.
  std::string_view last_failure() const {
    const Verdict& verdict = diagnosis_.judged.verdict;
    std::string_view id = verdict.deciding == nullptr ? "" : verdict.deciding->id;
    if (id.starts_with("module-load/") ||
        (id.starts_with("kexec/") && id != "kexec/lockdown" && id != "kexec/sig-enforce"))
      return id;
    for (const Step& step : verdict.steps) {
      const std::string_view other = step.rule->id;
      const bool is_policy = other == "module-sig/not-enforced" || other.starts_with("lockdown/") ||
                             other == "kexec/lockdown" || other == "kexec/sig-enforce";
      if (step.finding == Finding::fails && !is_policy) id = other;
    }
    return id;
  }

  // Of a module whose signature is good.
  std::string what_taints() const {
    struct Letter {
      char letter;
      std::string_view says;
    };
    constexpr Letter kLetters[] = {{'P', "its license is not free (P)"},
                                   {'F', "it is loaded by force (F)"},
                                   {'C', "it comes from drivers/staging (C)"},
                                   {'O', "it was built out of tree (O)"}};
    std::string text;
    for (const Letter& one : kLetters)
      if (diagnosis_.judged.taint.contains(one.letter))
        text += fmt::format("{}{}", text.empty() ? "" : ", ", one.says);
    return text;
  }

  bool is_one_of(std::initializer_list<std::string_view> ids) const {
    return std::ranges::find(ids, rule_) != ids.end();
  }
  bool is_unsigned() const {
    return is_one_of({"module-sig/marker", "module-sig/not-mangled", "pe-sig/signed",
                      "s390-sig/marker"}) ||
           (diagnosis_.judged.verdict.err == Errno::enodata && !diagnosis_.wants);
  }
  bool is_unknown_key() const {
    return is_one_of({"pkcs7/trusted-key", "pkcs7/key-lookup", "pkcs7/keyring-present"});
  }
  bool is_revoked() const {
    return is_one_of(
        {"pkcs7/revoked", "pkcs7/blacklisted", "pkcs7/key-not-revoked", "module-sig/file-hash"});
  }
  bool is_about_the_file() const {
    return rule_.starts_with("module-load/") ||
           is_one_of({"module-sig/block", "module-sig/sig-len"});
  }
  bool is_module() const { return diagnosis_.request == "module"; }

  std::string file_name() const { return facts_.inside.substr(facts_.inside.rfind('/') + 1); }
  const DkmsModule* dkms() const { return facts_.layout.find_dkms(file_name()); }

  // Of the kernel whose package brought the artifact: a module's is the running one, an image's
  // stands in its name. Nothing for an image that somebody named otherwise.
  std::optional<std::string> package_release() const {
    if (is_module()) return facts_.platform.release;
    const std::string name = file_name();
    if (facts_.inside.starts_with("/lib/modules/") ||
        facts_.inside.starts_with("/usr/lib/modules/"))
      return facts_.platform.release;
    const std::size_t dash = name.find('-');
    if (dash == name.npos || dash + 1 == name.size()) return std::nullopt;
    const char first = name[dash + 1];
    if (first < '0' || first > '9') return std::nullopt;
    return name.substr(dash + 1);
  }

  Fix reinstall(std::string why) const {
    const auto of_package = package_release();
    if (!of_package)
      return {"", std::move(why) + "; its name is none that a kernel's package uses"};
    const std::string release = shell_word(*of_package);
    switch (facts_.layout.packages) {
      case PackageManager::apt:
        return {"apt-get install --reinstall linux-image-" + release, std::move(why)};
      case PackageManager::dnf: return {"dnf reinstall kernel-core-" + release, std::move(why)};
      case PackageManager::zypper: return {"zypper install --force kernel-default", std::move(why)};
      case PackageManager::unknown: break;
    }
    return {"", std::move(why) + "; the kernel's package has to be installed again"};
  }

  Fix upgrade(std::string why) const {
    switch (facts_.layout.packages) {
      case PackageManager::apt: return {"apt-get upgrade", std::move(why)};
      case PackageManager::dnf: return {"dnf upgrade kernel", std::move(why)};
      case PackageManager::zypper: return {"zypper update kernel-default", std::move(why)};
      case PackageManager::unknown: break;
    }
    return {"", std::move(why) + "; a newer one is needed"};
  }

  Fix rebuild_or_reinstall(std::string why) const {
    if (const DkmsModule* built = dkms()) return {rebuild(*built), std::move(why)};
    if (is_foreign() && is_of_this_build())
      return reinstall(std::move(why) + "; it carries a signature of the kernel's own build");
    if (is_foreign())
      return {"", std::move(why) + "; it did not come with the kernel: build it again"};
    return reinstall(std::move(why));
  }

  std::string rebuild(const DkmsModule& built) const {
    const std::string what =
        fmt::format("--force {}/{} -k {}", shell_word(built.name), shell_word(built.version),
                    shell_word(facts_.platform.release));
    return fmt::format("dkms build {} && dkms install {}", what, what);
  }

  // The key that signed this kernel's own modules made its signature.
  bool is_of_this_build() const {
    return std::ranges::find(diagnosis_.held_by, ring_name(Ring::builtin_trusted_keys)) !=
           diagnosis_.held_by.end();
  }

  // Not of the kernel's own package.
  bool is_foreign() const {
    return is_module() &&
           facts_.inside.find("/" + facts_.platform.release + "/kernel/") == std::string::npos;
  }

  // A key of the host that the kernel would take, with its private part.
  const OwnersKey* usable_key() const {
    for (const OwnersKey& key : facts_.layout.owners_keys)
      if (!key.key_path.empty() && is_searched(*key.certificate)) return &key;
    return nullptr;
  }

  bool holds(Ring name, const PreparedCertificate& certificate) const {
    const auto& ring = facts_.platform.ring(name);
    return ring && std::ranges::any_of(ring->keys(), [&](const Key& key) {
             return same_bytes(key.certificate->x509().raw, certificate.x509().raw);
           });
  }

  // Modules and kexec look into .secondary_trusted_keys with what is linked to it; kexec always,
  // modules by a patch of the distribution, then into .platform.
  bool is_searched(const PreparedCertificate& certificate) const {
    const auto& secondary = facts_.platform.ring(Ring::secondary_trusted_keys);
    if (holds(Ring::secondary_trusted_keys, certificate)) return true;
    for (const Ring name : {Ring::builtin_trusted_keys, Ring::machine})
      if (secondary && holds(name, certificate) &&
          std::ranges::find(secondary->links(), facts_.platform.ring(name)) !=
              secondary->links().end())
        return true;
    return searches_platform() && holds(Ring::platform, certificate);
  }
  bool searches_platform() const {
    return !is_module() || kModulesSearchPlatform.covers_variant(facts_.platform.kernel.variant);
  }

  Fix fix_unsigned() const {
    const std::string why = "it is not signed";
    if (!is_module()) {
      if (const OwnersKey* key = usable_key())
        return {fmt::format("sbsign --key {} --cert {} --output {} {}", shell_word(key->key_path),
                            shell_word(pem_of(*key)), shell_word(facts_.inside),
                            shell_word(facts_.inside)),
                why};
      return reinstall(why);
    }
    if (!is_foreign()) return reinstall(why);
    if (const OwnersKey* key = usable_key()) {
      if (const DkmsModule* built = dkms())
        return {rebuild(*built), why + "; dkms signs what it builds"};
      return {sign_file(*key), why};
    }
    for (const OwnersKey& key : facts_.layout.owners_keys)
      if (!key.key_path.empty())
        return enrol(key,
                     why + ", and the host's key is not enrolled: enrol it, then sign with it");
    return {"", why + ", and there is no key on this host to sign it with"};
  }

  // The signature goes to the end of the module itself, not of its compressed file. The kernel's
  // own decoder of xz knows no other check than CRC32.
  std::string sign_file(const OwnersKey& key) const {
    struct Compressed {
      std::string_view suffix, unpack, pack;
    };
    constexpr Compressed kCompressed[] = {{".xz", "unxz", "xz --check=crc32"},
                                          {".gz", "gunzip", "gzip"},
                                          {".zst", "unzstd -q --rm", "zstd -q --rm"}};
    const auto sign = [&](std::string_view module) {
      return fmt::format("/usr/src/linux-headers-{}/scripts/sign-file sha256 {} {} {}",
                         shell_word(facts_.platform.release), shell_word(key.key_path),
                         shell_word(key.certificate_path), shell_word(module));
    };
    const std::string_view path = facts_.inside;
    for (const Compressed& one : kCompressed) {
      if (!path.ends_with(one.suffix)) continue;
      const std::string_view module = path.substr(0, path.size() - one.suffix.size());
      return fmt::format("{} {} && {} && {} {}", one.unpack, shell_word(path), sign(module),
                         one.pack, shell_word(module));
    }
    return sign(path);
  }

  // sbsign wants PEM; MOK.pem stands beside MOK.der where update-secureboot-policy made them.
  static std::string pem_of(const OwnersKey& key) {
    std::string path = key.certificate_path;
    if (path.ends_with(".der")) path.replace(path.size() - 3, 3, "pem");
    return path;
  }

  Fix fix_unknown_key() const {
    if (facts_.signer == nullptr) {
      if (!is_module())
        return {"",
                facts_.platform.state.secure_boot == false
                    ? "its signer's key is in no keyring; with Secure Boot off the kernel reads "
                      "no MOKs, shim's own certificate among them"
                    : "its signer's key is in no keyring: neither in firmware's db nor in "
                      "shim's list"};
      if (!is_foreign()) return reinstall("its signer's key is in no keyring that is searched");
      return fix_foreign_key("its signer's key is in no keyring, nor on this host");
    }
    const PreparedCertificate& certificate = *facts_.signer->certificate;
    if (holds(Ring::platform, certificate) && !searches_platform())
      return {"mokutil --trust-mok",
              "its signer's key is in .platform, which is not searched for modules"};
    return enrol(*facts_.signer, "its signer's key is not enrolled");
  }

  Fix fix_foreign_key(std::string why) const {
    if (const DkmsModule* built = dkms()) return {rebuild(*built), std::move(why)};
    if (const OwnersKey* key = usable_key())
      return {sign_file(*key), std::move(why) + "; a key that is enrolled does"};
    return {"",
            std::move(why) + "; enrol its signer's certificate, or sign it with an enrolled key"};
  }

  Fix enrol(const OwnersKey& key, std::string why) const {
    const PlatformState& state = facts_.platform.state;
    if (state.efi == false)
      return {"", std::move(why) + "; there is no firmware on this host that keeps keys"};
    if (state.secure_boot == false)
      return {"", std::move(why) + "; with Secure Boot off the kernel reads no MOKs"};
    if (facts_.layout.enrolment_pending)
      return {"systemctl reboot", std::move(why) + "; a request to enrol waits for the next start"};
    return {"mokutil --import " + shell_word(key.certificate_path), std::move(why)};
  }

  const Diagnosis& diagnosis_;
  const FixFacts& facts_;
  std::string_view rule_;
};

}  // namespace

Fix find_fix(const Diagnosis& diagnosis, const FixFacts& facts) {
  return Finder(diagnosis, facts).find();
}

}  // namespace assay
