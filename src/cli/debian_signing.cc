#include "cli/debian_signing.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>

#include "base/hex.h"
#include "base/name.h"
#include "bytes/content.h"
#include "bytes/whole_file.h"
#include "edit/debian_files.h"
#include "trust/certificate_file.h"

namespace assay {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestFilesJson = 64 << 20;

// By their names within FOLDER.
using Wanted = std::map<std::string, DebianSignature>;

// A regular file that no link leads to: links are not walked through.
bool is_there(const std::string& folder, const std::string& name) {
  std::error_code error;
  fs::path path = folder;
  for (const fs::path& part : fs::path(name)) {
    path /= part;
    if (fs::is_symlink(fs::symlink_status(path, error))) return false;
  }
  return fs::is_regular_file(fs::symlink_status(path, error));
}

Result<Wanted> list_files(const DebianFiles& files, const std::string& folder) {
  Wanted wanted;
  for (const auto& [package, what] : files)
    for (const auto& [file, kind] : what.files) {
      const std::string name = package + '/' + file;
      if (!is_there(folder, name))
        return std::unexpected(Error{
            Reason::cannot_open, {}, "files.json lists it", encode_name(folder + '/' + name)});
      wanted.emplace(name, kind);
    }
  return wanted;
}

// A chain of trust must not lead from a production key to a test key.
Result<void> check_trusted(const DebianFiles& files, const std::vector<std::string>& given) {
  std::set<std::vector<std::uint8_t>> known;
  for (const std::string& path : given) {
    ASSAY_TRY(const Certificates loaded, load_certificates(path, [](const Error&) {}));
    for (const auto& certificate : loaded) {
      ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, certificate->x509().raw.bytes()));
      known.emplace(digest.bytes().begin(), digest.bytes().end());
    }
  }
  for (const auto& [package, what] : files)
    for (const auto& fingerprint : what.trusted_certificates)
      if (!known.contains({fingerprint.begin(), fingerprint.end()}))
        return fail(Reason::not_signable, {},
                    encode_name(package) + " trusts a certificate that no --trusted-certs has: " +
                        to_hex(fingerprint));
  return {};
}

Result<Edited> sign_detached(const Artifact& artifact, DebianSignature kind,
                             const SigningIdentity& identity, SignOptions options) {
  options.always_appended = kind == DebianSignature::linux_module;
  const SigningKey& key = identity.signer->key();
  ASSAY_TRY(const auto prepared, prepare_signature(artifact, key, options));
  if (kind == DebianSignature::efi && prepared->carrier != RecordPart::Carrier::pe)
    return fail(Reason::not_signable, {}, "it is no PE image, which sig_type efi says");
  ASSAY_TRY(const SignatureOctets value, sign_one(*identity.signer, prepared->message.request));
  ASSAY_TRY(DerBytes message, write_message(prepared->message, key, identity.certificate, value));
  Edited beside;
  ASSAY_CHECK(name_sides(artifact, *artifact.plain, *artifact.plain, beside.record));
  beside.stored = std::make_shared<MemoryContent>(std::move(message));
  return beside;
}

}  // namespace

ExitStatus sign_debian_files(const CommonOptions& common, const EditArguments& arguments,
                             const SigningIdentity& identity, const SignOptions& options,
                             const DebianSigning& debian, Output& output) {
  const auto refuse = [&](const Error& error) {
    output.error(error);
    return is_refusal(error.reason) ? kBad : kUndetermined;
  };
  const auto text = read_whole_file(debian.files, kLargestFilesJson);
  if (!text) return refuse(text.error());
  const auto files = parse_debian_files(View(*text).text());
  if (!files) return refuse(with_path(files.error(), encode_name(debian.files)));
  if (const auto trusted = check_trusted(*files, debian.trusted); !trusted)
    return refuse(trusted.error());
  const auto wanted = list_files(*files, arguments.paths().front());
  if (!wanted) return refuse(wanted.error());
  std::mutex mutex;
  Wanted left = *wanted;
  const auto edit = [&](const Artifact& artifact, bool) -> Result<std::optional<Edited>> {
    const auto found = wanted->find(decode_name(artifact.name));
    if (found == wanted->end()) return std::nullopt;
    {
      const std::lock_guard lock(mutex);
      left.erase(found->first);
    }
    ASSAY_TRY(Edited signature, sign_detached(artifact, found->second, identity, options));
    return signature;
  };
  const ExitStatus status = arguments.run(common, "sign", "signed", {}, edit, output);
  for (const auto& [name, kind] : left)
    output.error(
        {Reason::cannot_open, {}, "files.json lists it, and it was not found", encode_name(name)});
  return left.empty() || status == kBad ? status : kUndetermined;
}

}  // namespace assay
