#include "compare/record_verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "edit/message_check.h"
#include "formats/appended_signature.h"

namespace assay {

namespace {

using Carrier = RecordPart::Carrier;

Found found_of(const FileNames& names, std::unique_ptr<Content> content) {
  Found found;
  found.name = names.name;
  found.container = names.container;
  found.inner_name = names.inner_name;
  found.size = content->size();
  found.content = std::move(content);
  return found;
}

void name_key(const Certificate& certificate, std::string source, RecordVerdict& verdict) {
  if (!verdict.key.empty()) verdict.key += ", ";
  verdict.key += short_name(certificate.subject);
  const auto print = compute_digest(Hash::sha256, certificate.raw.bytes());
  if (!verdict.fingerprint.empty()) verdict.fingerprint += ", ";
  if (print) verdict.fingerprint += print->hex();
  verdict.key_source = std::move(source);
}

std::string text_of(const Error& error) {
  return describe(Error{error.reason, {}, error.detail, {}});
}

}  // namespace

// The records of one file.
struct RecordVerifier::Job {
  Job(std::size_t count, Done whom) : verdicts(count), done(std::move(whom)) {}
  // Of all that is to be answered, and one more for whoever asks.
  ~Job() { done(std::move(verdicts)); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  std::mutex mutex;
  std::vector<RecordVerdict> verdicts;  // by the order of the parts
  std::vector<std::string> attributes;  // their names
  std::size_t first_attribute = 0;
  Done done;
};

RecordVerifier::RecordVerifier(const TrustOptions& trust, RunLater run_later)
    : trust_(trust),
      shelf_(limits::kWaitingInMemory, limits::kWaiting),
      book_(trust, std::move(run_later)) {
  verify_options_.version = trust.version;
  verify_options_.pe.material = trust.material;
  verify_options_.pe.version = trust.version;
}

void RecordVerifier::keep_image(FileNames names, std::shared_ptr<const Content> content) {
  const std::lock_guard lock(mutex_);
  images_.emplace_back(std::move(names), std::move(content));
}

void RecordVerifier::verify(const FileNames& file, const Rope& content,
                            const std::vector<RecordPart>& parts,
                            const std::shared_ptr<const Content>& stored,
                            const std::optional<FileAttributes>& attributes, Done done) {
  const auto job = std::make_shared<Job>(parts.size(), std::move(done));
  job->first_attribute = parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    job->verdicts[i].owner = owner_of(parts[i]);
    job->verdicts[i].size = size_of(parts[i]);
    job->verdicts[i].reason = "nothing was found out";
    if (parts[i].carrier != Carrier::xattr) continue;
    job->first_attribute = std::min(job->first_attribute, i);
    if (parts[i].after)
      job->verdicts[i].uncovered = find_uncovered_attribute(View(*parts[i].after));
  }
  // A layer of a compressed module is looked at as it is, by a name that says so.
  FileNames plain = file;
  for (const std::string_view end : {".xz", ".gz", ".zst"})
    if (plain.inner_name.ends_with(end))
      plain.inner_name.resize(plain.inner_name.size() - end.size());
  Rope layer = content;
  for (std::size_t i = 0; i < job->first_attribute; ++i) {
    auto with = splice(layer, parts[i].splices, Direction::forward);
    if (!with) {
      job->verdicts[i].reason = text_of(with.error());
      return;
    }
    layer = std::move(*with);
    verify_layer(job, i, parts[i], plain, layer);
  }
  if (job->first_attribute < parts.size() && attributes)
    verify_attributes(job, file, stored, *attributes);
}

void RecordVerifier::verify_layer(const std::shared_ptr<Job>& job, std::size_t index,
                                  const RecordPart& part, const FileNames& file,
                                  const Rope& layer) {
  RecordVerdict& verdict = job->verdicts[index];
  if (!holds_signature(part)) {
    // Four bytes that follow from the others, or that nobody looks at.
    verdict.is_verified = true;
    verdict.reason.clear();
    return;
  }
  const bool is_appended = part.carrier == Carrier::appended;
  if (is_appended)
    verdict.uncovered =
        find_uncovered_appended(View(part.splices.front().after, part.splices.front().offset));
  bool is_settled = !is_appended;  // a table by its own certificates, or not at all
  const auto look = [&](const Examined& artifact, const Content& bytes) {
    if (!is_appended) return verify_table(artifact, bytes, verdict);
    if (!artifact.appended || !artifact.appended->signature) return;
    const Rope payload = layer.sub({0, artifact.appended->trailer.payload_size});
    is_settled = try_certificates(artifact.appended->signature->cms(), payload, false, verdict);
  };
  auto looked = examine(found_of(file, std::make_unique<Rope>(layer)), true, {}, look);
  if (!looked || looked->error) {
    verdict.is_verified = false;
    if (looked) verdict.reason = text_of(*looked->error);
    return;
  }
  if (is_settled) return;
  ask_book(job, std::move(*looked), [index](const ArtifactReport& report, Job& of) {
    RecordVerdict& found = of.verdicts[index];
    for (const SignatureReport& signature : report.signatures)
      if (signature.carrier == "appended") found.signer = signature.signer;
    found.is_verified = report.standing == Standing::verified && report.trust;
    if (!found.is_verified) {
      found.reason =
          report.reason ? report.reason->text : std::string(standing_name(report.standing));
      return;
    }
    found.key = report.trust->name;
    found.fingerprint = report.trust->fingerprint;
    found.key_source = report.trust->image.empty() ? "--trust" : report.trust->image;
    found.reason.clear();
  });
}

void RecordVerifier::verify_table(const Examined& artifact, const Content& image,
                                  RecordVerdict& verdict) const {
  if (!artifact.boot || artifact.boot->entries.empty()) {
    verdict.reason = "its certificate table cannot be read";
    return;
  }
  std::string problem;
  for (const PeCertificateEntry& entry : artifact.boot->entries) {
    if (!entry.signature) {
      verdict.uncovered.push_back({"an entry that is no signature", entry.where});
      problem = "an entry of its certificate table is no PKCS#7 message";
      continue;
    }
    std::ranges::move(find_uncovered(entry.signature->cms()),
                      std::back_inserter(verdict.uncovered));
    verdict.is_verified = false;
    try_certificates(entry.signature->cms(), image, true, verdict);
    if (!verdict.is_verified) problem = verdict.reason;
  }
  for (const Extent extent : artifact.boot->uncovered)
    if (std::ranges::none_of(verdict.uncovered, [&](const Uncovered& one) {
          return one.where.offset <= extent.offset && one.where.end() >= extent.end();
        }))
      verdict.uncovered.push_back({"bytes of the table behind a signature", extent});
  verdict.is_verified = problem.empty();
  verdict.reason = problem;
}

bool RecordVerifier::try_certificates(const CmsMessage& message, const Content& content,
                                      bool is_image, RecordVerdict& verdict) const {
  const auto check = [&](std::span<const SigningCertificate> certificates) {
    return is_image ? check_image_message(message, content, certificates)
                    : check_message(message, content, certificates);
  };
  const auto take = [&](const Certificate& certificate, std::string source) {
    verdict.is_verified = true;
    verdict.reason.clear();
    name_key(certificate, std::move(source), verdict);
    verdict.signer = short_name(certificate.subject);
  };
  const auto names_signer = [&](const Certificate& certificate) {
    return !certificate.fault && std::ranges::any_of(message.signers, [&](const CmsSigner& signer) {
      return names_certificate(signer, certificate);
    });
  };
  const auto own = check({});
  if (!own) {  // of other content, or no signature
    verdict.is_verified = false;
    verdict.reason = text_of(own.error());
    return true;
  }
  if (own->is_verified) {
    for (const View der : message.certificates)
      if (const Certificate certificate = parse_certificate(der); names_signer(certificate))
        take(certificate, "the record itself");
    return true;
  }
  for (const auto& trusted : trust_.certificates) {
    if (!names_signer(trusted->x509())) continue;
    const auto raw = trusted->x509().raw.bytes();
    const SigningCertificate certificate{{raw.begin(), raw.end()}, {}};
    const auto by_trust = check({&certificate, 1});
    if (!by_trust || !by_trust->is_verified) continue;
    take(trusted->x509(), "--trust");
    return true;
  }
  verdict.reason = "no certificate of its signer is known";
  return is_image;
}

void RecordVerifier::verify_attributes(const std::shared_ptr<Job>& job, const FileNames& file,
                                       const std::shared_ptr<const Content>& stored,
                                       const FileAttributes& attributes) {
  Found found = found_of(file, std::make_unique<Rope>(stored));
  found.attributes = attributes;
  auto looked = examine(std::move(found), true, {}, {});
  if (!looked || looked->error) return;
  ask_book(job, std::move(*looked), [](const ArtifactReport& report, Job& of) {
    for (std::size_t i = of.first_attribute; i < of.verdicts.size(); ++i) {
      RecordVerdict& verdict = of.verdicts[i];
      for (const SignatureReport& signature : report.signatures) {
        if (signature.record != verdict.owner) continue;
        verdict.signer = signature.signer;
        // The digest of the file itself, which needs no key.
        const bool is_digest = signature.standing == Standing::unsigned_;
        verdict.is_verified = is_digest || signature.standing == Standing::verified;
        verdict.reason = verdict.is_verified ? "" : std::string(standing_name(signature.standing));
        if (is_digest) verdict.key_source = "the content: it is its digest";
        if (!is_digest && report.trust) {
          verdict.key = report.trust->name;
          verdict.fingerprint = report.trust->fingerprint;
          verdict.key_source = "--trust";
        }
      }
    }
  });
}

void RecordVerifier::ask_book(const std::shared_ptr<Job>& job, Examined examined,
                              std::function<void(const ArtifactReport&, Job&)> take) {
  if (!needs_trust(examined)) {
    const auto report = verify_artifact(examined, fail(Reason::no_trust), verify_options_);
    const std::lock_guard lock(job->mutex);
    take(report, *job);
    return;
  }
  const auto attempt = std::make_shared<Attempt>(std::move(examined), verify_options_, shelf_);
  ++open_;
  book_.find(attempt->artifact(),
             [this, job, attempt, take = std::move(take)](const TrustAnswer& answer) {
               --open_;
               const auto report = attempt->conclude(answer);
               const std::lock_guard lock(job->mutex);
               take(report, *job);
             });
  attempt->wait();
}

void RecordVerifier::finish() {
  if (open_ != 0) {
    for (const auto& [names, content] : images_) {
      std::shared_ptr<const ImageTrust> image;
      const auto read = [&](const Examined& artifact, const Content& bytes) {
        if (artifact.image) image = read_image_trust(artifact, bytes);
      };
      (void)examine(found_of(names, std::make_unique<Rope>(content)), true, {}, read);
      if (image) book_.add_image(image);
    }
  }
  book_.no_more_images();
}

}  // namespace assay
