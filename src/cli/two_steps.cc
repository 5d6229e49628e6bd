#include "cli/two_steps.h"

#include <map>
#include <mutex>

#include "base/name.h"
#include "bytes/atomic_file.h"
#include "bytes/whole_file.h"
#include "crypto/signature_check.h"
#include "edit/signing_requests.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestRequests = 1 << 30;

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
  std::map<ContentId, const SigningRequest*> by_content;

  bool has_size(std::uint64_t size) const {
    const auto at = by_content.lower_bound(ContentId{size, {}});
    return at != by_content.end() && at->first.size == size;
  }
};

Result<std::unique_ptr<Answers>> load_answers(const std::string& path) {
  auto answers = std::make_unique<Answers>();
  ASSAY_TRY(const auto bytes, read_whole_file(path, kLargestRequests));
  auto parsed = parse_requests(View(bytes).text());
  if (!parsed) return std::unexpected(with_path(std::move(parsed.error()), encode_name(path)));
  answers->all = std::move(*parsed);
  const DerBytes public_key = write_public_key(answers->all.certificate);
  if (public_key.empty()) return fail(Reason::not_a_certificate, {}, "of the signing requests");
  ASSAY_TRY(answers->key, describe_public_key(View(public_key)));
  // Two files of one content are asked for alike; one answer is enough.
  for (const SigningRequest& request : answers->all.requests) {
    const SigningRequest*& one = answers->by_content[request.content];
    if (one == nullptr || one->value.empty()) one = &request;
  }
  return answers;
}

}  // namespace

ExitStatus prepare_requests(const CommonOptions& common, const EditArguments& arguments,
                            const PublicIdentity& identity, const Preparation& what,
                            const IsWanted& is_wanted, Output& output) {
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
                          const std::string& file, Output& output) {
  const auto answers = load_answers(file);
  if (!answers) {
    output.error(answers.error());
    return kUndetermined;
  }
  const Answers& known = **answers;
  const auto edit = [&](const Artifact& artifact, bool is_named) -> Result<std::optional<Edited>> {
    if (!is_named && !known.has_size(artifact.plain->size())) return std::nullopt;
    ASSAY_TRY(const ContentId id, identify(*artifact.plain));
    const auto found = known.by_content.find(id);
    if (found == known.by_content.end()) {
      if (!is_named) return std::nullopt;
      return fail(Reason::record_mismatch, {}, "no answer is of this content");
    }
    ASSAY_TRY(Edited edited, attach_answer(artifact, known.all, *found->second, known.key));
    return edited;
  };
  return arguments.run(common, "attach", "attached", {}, edit, output);
}

}  // namespace assay
