#include "cli/two_steps.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "base/name.h"
#include "bytes/atomic_file.h"
#include "bytes/whole_file.h"
#include "crypto/signature_check.h"
#include "edit/signing_requests.h"
#include "formats/x509.h"
#include "trust/certificate_file.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestRequests = 1 << 30;

// What stands at `path` may be replaced: nothing, or signing requests. A slip must not cost a file
// that is to be signed.
Result<void> check_requests_file(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return {};
  const auto is_replaceable = [&] {
    if (!std::filesystem::is_regular_file(status)) return false;
    const auto bytes = read_whole_file(path, kLargestRequests);
    return bytes && (bytes->empty() || parse_requests(View(*bytes).text()));
  };
  if (is_replaceable()) return {};
  return std::unexpected(Error{Reason::cannot_write,
                               {},
                               "it is there already, and is no file of signing requests",
                               encode_name(path)});
}

Result<void> write_file(const std::string& path, const std::string& text) {
  AtomicWriter writer((WritePolicy()));
  const MemoryContent content(std::vector<std::uint8_t>(text.begin(), text.end()));
  ASSAY_CHECK(writer.write({.path = path, .content = content}));
  auto errors = writer.commit();
  if (!errors.empty()) return std::unexpected(std::move(errors.front()));
  return {};
}

// With the key that the certificate is of.
struct Answers {
  SigningRequests all;
  SigningKey key;
  // Two files of one content are asked for alike. In an order that is not the file's: answered
  // ones first, by name and value.
  std::map<ContentId, std::vector<const SigningRequest*>> by_content;
  std::map<std::string, const SigningRequest*> by_name;

  bool has_size(std::uint64_t size) const {
    const auto at = by_content.lower_bound(ContentId{size, {}});
    return at != by_content.end() && at->first.size == size;
  }
  // The file's own, else that of another file with this content; null: there is none.
  const SigningRequest* find(const std::string& name, const ContentId& content) const {
    const auto at = by_content.find(content);
    if (at == by_content.end()) return nullptr;
    const auto own = std::ranges::find(at->second, name, &SigningRequest::name);
    return own != at->second.end() && !(*own)->value.empty() ? *own : at->second.front();
  }
};

// One certificate and nothing else: what is in them becomes part of messages.
Result<void> check_certificate(const DerBytes& bytes) {
  const Certificate certificate = parse_certificate(View(bytes));
  if (!certificate.fault && certificate.raw.size() == bytes.size()) return {};
  return fail(Reason::not_a_certificate, certificate.fault ? certificate.fault->where : Extent{},
              "of the signing requests");
}

// The certificate that the answers name, and whose key they are verified with, is one that the user
// says has signed.
Result<void> check_signer(const SigningRequests& requests,
                          const std::vector<std::string>& certificates) {
  if (certificates.empty()) return {};
  for (const std::string& path : certificates) {
    ASSAY_TRY(const Certificates loaded, load_certificates(path, [](const Error&) {}));
    for (const auto& certificate : loaded)
      if (std::ranges::equal(certificate->x509().raw.bytes(), requests.certificate.der)) return {};
  }
  return fail(Reason::record_mismatch, {}, "the answers are of a certificate that no --cert has");
}

// Was the content that was asked about signed since? Then it begins the file.
Result<bool> begins_with(const Content& content, const ContentId& asked) {
  if (content.size() <= asked.size) return false;
  ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, content, 0, asked.size));
  return std::ranges::equal(digest.bytes(), asked.sha256);
}

// Keys whose signatures are the same each time answer the same question alike.
Result<void> check_doubled(const std::vector<const SigningRequest*>& answers,
                           const SigningKey& key) {
  if (!key.is_deterministic()) return {};
  for (const SigningRequest* one : answers)
    for (const SigningRequest* other : answers)
      if (one->digest == other->digest && one->attributes == other->attributes &&
          one->value != other->value && !one->value.empty() && !other->value.empty())
        return fail(Reason::record_mismatch, {},
                    "two answers over one content differ: of " + one->name + " and " + other->name);
  return {};
}

Result<void> check_existing(Existing answers, Existing ours) {
  if (answers == ours) return {};
  const auto text = [](Existing existing) {
    return existing == Existing::replace ? "--replace"
           : existing == Existing::add   ? "--add"
                                         : "neither --replace nor --add";
  };
  return fail(
      Reason::record_mismatch, {},
      std::string("the answers are for ") + text(answers) + ", attach is told " + text(ours));
}

Result<std::unique_ptr<Answers>> load_answers(const std::string& path) {
  auto answers = std::make_unique<Answers>();
  ASSAY_TRY(const auto bytes, read_whole_file(path, kLargestRequests));
  auto parsed = parse_requests(View(bytes).text());
  if (!parsed) return std::unexpected(with_path(std::move(parsed.error()), encode_name(path)));
  answers->all = std::move(*parsed);
  ASSAY_CHECK(check_certificate(answers->all.certificate.der));
  for (const DerBytes& above : answers->all.certificate.chain)
    ASSAY_CHECK(check_certificate(above));
  const DerBytes public_key = write_public_key(answers->all.certificate);
  if (public_key.empty()) return fail(Reason::not_a_certificate, {}, "of the signing requests");
  ASSAY_TRY(answers->key, describe_public_key(View(public_key)));
  for (const SigningRequest& request : answers->all.requests) {
    answers->by_content[request.content].push_back(&request);
    answers->by_name.emplace(request.name, &request);
  }
  for (auto& [content, same] : answers->by_content) {
    using Rank = std::tuple<bool, const std::string&, const SignatureOctets&>;
    const auto rank = [](const SigningRequest* one) {
      return Rank(one->value.empty(), one->name, one->value);
    };
    std::ranges::sort(same, [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
    ASSAY_CHECK(check_doubled(same, answers->key));
  }
  return answers;
}

}  // namespace

ExitStatus prepare_requests(const CommonOptions& common, const EditArguments& arguments,
                            const PublicIdentity& identity, const Preparation& what,
                            const IsWanted& is_wanted, Output& output) {
  if (const auto free = check_requests_file(what.file); !free) {
    output.error(free.error());
    return kUndetermined;
  }
  SigningRequests requests;
  requests.certificate = identity.certificate;
  requests.options = what.options;
  requests.ima_version = what.ima_version;
  std::mutex mutex;
  const auto edit = [&](const Artifact& artifact, bool is_named) -> Result<std::optional<Edited>> {
    if (!is_named) {
      ASSAY_TRY(const bool wanted, is_wanted(artifact));
      if (!wanted) return std::nullopt;
    }
    ASSAY_TRY(SigningRequest request,
              make_request(artifact, identity.key, what.options, what.ima_version));
    Edited same;
    same.stored = artifact.stored;
    same.record.before = request.content;
    const std::lock_guard lock(mutex);
    requests.requests.push_back(std::move(request));
    return same;
  };
  const ExitStatus status = arguments.run(common, "prepare", "prepared", {}, edit, output);
  if (arguments.is_dry_run()) return status;
  if (const auto written = write_file(what.file, write_requests(std::move(requests))); !written) {
    output.error(written.error());
    return kUndetermined;
  }
  return status;
}

ExitStatus attach_answers(const CommonOptions& common, const EditArguments& arguments,
                          const AnswersOptions& options, Output& output) {
  const auto refuse = [&](const Error& error) {
    output.error(error);
    return is_refusal(error.reason) ? kBad : kUndetermined;
  };
  const auto answers = load_answers(options.file);
  if (!answers) return refuse(answers.error());
  const Answers& known = **answers;
  if (const auto signer = check_signer(known.all, options.certificates); !signer)
    return refuse(signer.error());
  if (const auto existing = check_existing(known.all.options.existing, options.existing); !existing)
    return refuse(existing.error());
  std::mutex mutex;
  std::set<ContentId> used;
  const auto edit = [&](const Artifact& artifact, bool is_named) -> Result<std::optional<Edited>> {
    const auto by_name = known.by_name.find(artifact.name);
    const bool is_asked = is_named || by_name != known.by_name.end();
    if (!is_asked && !known.has_size(artifact.plain->size())) return std::nullopt;
    ASSAY_TRY(const ContentId id, identify(*artifact.plain));
    const SigningRequest* found = known.find(artifact.name, id);
    if (found == nullptr) {
      if (!is_asked) return std::nullopt;
      if (!is_named) {
        ASSAY_TRY(const bool is_done, begins_with(*artifact.plain, by_name->second->content));
        if (is_done) return std::nullopt;
      }
      return fail(Reason::record_mismatch, {}, "no answer is of this content");
    }
    {
      const std::lock_guard lock(mutex);
      used.insert(id);
    }
    ASSAY_TRY(Edited edited, attach_answer(artifact, known.all, *found, known.key));
    return edited;
  };
  const ExitStatus status = arguments.run(common, "attach", "attached", {}, edit, output);
  if (used.size() < known.by_content.size() && !common.quiet)
    output.warn(std::to_string(known.by_content.size() - used.size()) + " of " +
                std::to_string(known.by_content.size()) + " answers found no file");
  return status;
}

}  // namespace assay
