#include "survey/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/hex.h"
#include "base/limits.h"
#include "base/name.h"
#include "formats/module_name.h"
#include "platforms/installed_kernel.h"
#include "survey/fix.h"
#include "survey/judge_request.h"
#include "survey/ordered.h"
#include "survey/pool.h"

namespace assay {

namespace {

// The certificate that a signer names.
bool is_signer(const CmsSigner& signer, const PreparedCertificate& certificate) {
  const Certificate& x509 = certificate.x509();
  if (!signer.by_skid) return same_key_id(signer.sid, x509.id());
  const auto skid = x509.skid_id();
  return skid && same_key_id(signer.sid, *skid);
}

// Does an embedded certificate name this one as its issuer's?
bool vouches(const PreparedCertificate& issuer, const SignatureEvidence& signature) {
  const auto skid = issuer.x509().skid_id();
  return std::ranges::any_of(signature.certificates(), [&](const auto& certificate) {
    const auto id = certificate->x509().auth_id();
    const auto key = certificate->x509().auth_skid();
    return (id && same_key_id(*id, issuer.x509().id())) ||
           (key && skid && same_key_id(*key, *skid));
  });
}

// Files that are no artifacts leave a gap.
class Reports {
 public:
  explicit Reports(const std::function<void(const Diagnosis&)>& report)
      : ordered_([report](const std::optional<Diagnosis>& one) {
          if (one) report(*one);
        }) {}
  auto ticket() { return ordered_.ticket(); }
  void fill(std::uint64_t ticket, std::optional<Diagnosis> one) {
    ordered_.fill(ticket, std::move(one));
  }

 private:
  Ordered<std::optional<Diagnosis>> ordered_;
};

class Doctor final : public SourceVisitor {
 public:
  Doctor(const DoctorOptions& options, const Platform& platform, const HostLayout& layout,
         const std::function<void(const Diagnosis&)>& report)
      : options_(options),
        root_(HostRoot(options.root).path("")),
        platform_(platform),
        ima_(platform),
        layout_(layout),
        ordered_(report),
        pool_(options.jobs) {}

  void found(Found found) override {
    const auto ticket = ordered_.ticket();
    auto held = std::make_shared<Found>(std::move(found));
    pool_.feed([this, ticket, held] { ordered_.fill(ticket, diagnose(*held)); });
  }
  void failed(Error error) override {
    Diagnosis diagnosis;
    diagnosis.request = "module";
    diagnosis.judged.path = error.path;
    diagnosis.judged.reason = explain(error);
    ordered_.fill(ordered_.ticket(), std::move(diagnosis));
  }
  void skipped() override {}

  void add_file(const std::string& path) {
    Found one;
    one.name = encode_name(path);
    one.path = path;
    one.inner_name = path;
    found(std::move(one));
  }
  void finish() { pool_.wait(); }

 private:
  std::optional<Diagnosis> diagnose(const Found& found) {
    if (options_.progress != nullptr) ++options_.progress->artifacts;
    const std::string_view file_name =
        std::string_view(found.path).substr(found.path.rfind('/') + 1);
    const bool is_image = found.container.empty();  // modules are found in their folder
    if (!is_image && !parse_module_name(file_name)) return std::nullopt;
    JudgeRequest request;
    request.request = is_image ? Request::kexec : Request::module;
    Diagnosis diagnosis;
    diagnosis.request = request_name(request.request);
    const auto evidence = [&]() -> Result<RequestEvidence> {
      ASSAY_TRY(const auto file, open_file(found.path));
      return collect_request(request, {*file, file_name, found.path, ima_.hashes()}, true);
    }();
    if (!evidence) {
      diagnosis.judged.path = found.name;
      diagnosis.judged.reason = explain(with_path(evidence.error(), found.name));
      return diagnosis;
    }
    diagnosis.judged = judge_on(request, *evidence, found.name, ima_, true);
    if (const SignatureEvidence* signature = signature_of(*evidence))
      note_signer(*signature, diagnosis);
    finish_diagnosis(found.path, diagnosis);
    return diagnosis;
  }

  // What the kernel of this architecture looks at.
  const SignatureEvidence* signature_of(const RequestEvidence& evidence) const {
    const std::optional<SignatureEvidence>& signature =
        evidence.module                        ? evidence.module->appended.signature
        : platform_.kernel.arch == Arch::s390x ? evidence.kexec->appended.signature
                                               : evidence.kexec->pe.signature;
    return signature ? &*signature : nullptr;
  }

  void note_signer(const SignatureEvidence& signature, Diagnosis& diagnosis) {
    if (signature.cms().signers.empty()) return;
    const CmsSigner& signer = signature.cms().signers.front();
    WantedKey wanted;
    if (signer.by_skid) {
      wanted.key_identifier = to_hex(signer.sid);
    } else {
      wanted.issuer = name_text(signer.issuer);
      wanted.serial = to_hex(signer.serial.bytes());
    }
    for (const auto& certificate : signature.certificates())
      if (is_signer(signer, *certificate)) wanted.subject = name_text(certificate->x509().subject);
    diagnosis.wants = std::move(wanted);
    for (std::size_t i = 0; i < kRingCount; ++i) {
      const auto& ring = platform_.rings[i];
      if (ring && std::ranges::any_of(ring->keys(), [&](const Key& key) {
            return is_signer(signer, *key.certificate) || vouches(*key.certificate, signature);
          }))
        diagnosis.held_by.emplace_back(ring_name(static_cast<Ring>(i)));
    }
    for (const OwnersKey& key : layout_.owners_keys)
      if (is_signer(signer, *key.certificate)) diagnosis.held_by.push_back(key.certificate_path);
  }

  void finish_diagnosis(const std::string& path, Diagnosis& diagnosis) {
    const Prognosis prognosis = prognosis_of(diagnosis.judged.verdict);
    if (prognosis == Prognosis::loads) return;
    FixFacts facts{platform_, layout_, nullptr,
                   path.starts_with(root_) ? path.substr(root_.size()) : path};
    for (const OwnersKey& key : layout_.owners_keys)
      if (std::ranges::find(diagnosis.held_by, key.certificate_path) != diagnosis.held_by.end())
        facts.signer = &key;
    diagnosis.fix = find_fix(diagnosis, facts);
  }

  const DoctorOptions& options_;
  const std::string root_;
  const Platform& platform_;
  PlatformIma ima_;
  const HostLayout& layout_;
  Reports ordered_;
  Pool pool_;
};

// All kernels that are installed, whatever their release.
std::vector<std::string> find_images(const HostRoot& host, const std::string& release) {
  std::vector<std::string> paths;
  for (const std::string& name : host.list("/boot"))
    if (name.starts_with("vmlinuz-") || name.starts_with("vmlinux-"))
      paths.push_back("/boot/" + name);
  for (std::string& path : installed_images(release))
    if (host.exists(path)) paths.push_back(std::move(path));
  // /lib may be a link to /usr/lib.
  std::set<std::string> seen;
  std::erase_if(paths, [&](const std::string& path) {
    std::error_code failed;
    const auto real = std::filesystem::canonical(host.path(path), failed);
    return !failed && !seen.insert(real.string()).second;
  });
  return paths;
}

}  // namespace

std::string_view prognosis_name(Prognosis prognosis) {
  switch (prognosis) {
    case Prognosis::loads: return "loads";
    case Prognosis::taints: return "taints";
    case Prognosis::rejected: return "rejected";
    case Prognosis::unknown: break;
  }
  return "unknown";
}

Prognosis prognosis_of(const Verdict& verdict) {
  if (verdict.is_refused()) return Prognosis::rejected;
  switch (verdict.decision) {
    case Decision::allowed:
    case Decision::allowed_unverified: return Prognosis::loads;
    case Decision::allowed_tainted: return Prognosis::taints;
    case Decision::refused:
    case Decision::crashes: return Prognosis::rejected;
    case Decision::undetermined: break;
  }
  return Prognosis::unknown;
}

Result<Capture> examine_host(const DoctorOptions& options,
                             const std::function<void(const Diagnosis&)>& report) {
  ASSAY_TRY(Capture capture, capture_host(options.root));
  HostRoot host(options.root);
  const std::string& release = capture.platform.release;
  if (!is_plain_release(release))
    return fail(Reason::bad_value, {}, "the release of the running kernel is no file name");
  const HostLayout layout = read_host_layout(host, release);
  ByteBudget budget(limits::kInFlight);
  {
    Doctor doctor(options, capture.platform, layout, report);
    bool has_modules = false;
    for (const std::string& folder : installed_modules(release)) {
      if (!host.exists(folder) || has_modules) continue;
      walk_source(host.path(folder), SourceKind::folder, {budget, 1}, doctor);
      has_modules = true;
    }
    if (!has_modules) host.note(fmt::format("/lib/modules/{} is not there", release));
    for (const std::string& image : find_images(host, release)) doctor.add_file(host.path(image));
    doctor.finish();
  }
  std::ranges::copy(host.notes(), std::back_inserter(capture.notes));
  return capture;
}

}  // namespace assay
