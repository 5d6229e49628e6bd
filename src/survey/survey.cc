#include "survey/survey.h"

#include <variant>

#include "survey/attempt.h"
#include "survey/describe_contents.h"
#include "survey/inner_images.h"
#include "survey/run.h"

namespace assay {

namespace {

// There is nothing beside it then that a key could be for.
bool is_one_file(const std::vector<std::string>& paths) {
  if (paths.size() != 1) return false;
  const auto kind = source_kind(paths.front());
  return kind && *kind == SourceKind::file;
}

// What the search of an image's payload says of the image itself.
void note_payload(const ImageTrust& image, Examined& artifact) {
  if (artifact.image->banner.empty()) artifact.image->banner = image.banner;
  if (image.error && is_damage(*image.error) && !artifact.error) artifact.error = image.error;
}

void report_with_inner(const Examined& artifact,
                       const std::function<void(const Examined&)>& report) {
  report(artifact);
  for (const Examined& inner : artifact.inner) report_with_inner(inner, report);
}

}  // namespace

Surveyed survey(const SurveyOptions& options, const std::function<void(const Examined&)>& report,
                const std::function<void(const Error&)>& report_failure) {
  using Entry = std::variant<Examined, Error>;
  Run<Entry> run(options, [&](const Entry& result) {
    if (const auto* artifact = std::get_if<Examined>(&result))
      report_with_inner(*artifact, report);
    else
      report_failure(std::get<Error>(result));
  });
  const auto work = [&](Found found, std::uint64_t ticket) {
    std::optional<Result<SystemCertificates>> builtin;
    std::vector<Examined> inner;
    const auto with_content = [&](const Examined& artifact, const Content& content) {
      if (options.progress != nullptr) options.progress->bytes += content.size();
      if (artifact.image && options.builtin_certificates)
        builtin = find_system_certificates(content, *artifact.image);
      if (options.inner_images) inner = examine_inner_images(artifact, content, options.evidence);
    };
    auto examined = examine(std::move(found), options.all, options.evidence, with_content);
    if (examined) examined->builtin = std::move(builtin);
    if (examined) examined->inner = std::move(inner);
    run.reports().fill(ticket,
                       examined ? std::optional<Entry>(std::move(*examined)) : std::nullopt);
  };
  return run.go(work, [](const Error& error) { return Entry(error); }, [] {});
}

Summary survey_and_verify(const SurveyOptions& options, const TrustOptions& trust,
                          const VerifyOptions& verify,
                          const std::function<void(const ArtifactReport&)>& report) {
  Summary summary;
  Run<ArtifactReport> run(options, [&](const ArtifactReport& artifact) {
    summary.add(artifact);
    report(artifact);
  });
  VerifyOptions verify_options = verify;
  verify_options.version = trust.version;
  const bool wants_images = !trust.is_given();
  const bool is_alone = is_one_file(options.paths);
  Shelf shelf(limits::kWaitingInMemory, limits::kWaiting);
  TrustBook book(trust, [&run](std::function<void()> job) { run.pool().add(std::move(job)); });
  const auto work = [&](Found found, std::uint64_t ticket) {
    std::shared_ptr<const ImageTrust> image;
    const auto with_content = [&](const Examined& artifact, const Content& content) {
      if (options.progress != nullptr) options.progress->bytes += content.size();
      if (!artifact.image) return;
      const auto propose = [&book](auto likely) { book.propose_image(std::move(likely)); };
      const Standing standing =
          artifact.pe ? verify_pe(artifact, verify.pe, false).standing : Standing::unchecked;
      // Of an image that is as it was signed, and whose keys nobody asks for, nothing else has to
      // be known.
      if (standing == Standing::verified && !artifact.image->banner.empty() &&
          (is_alone || !wants_images) && !options.contents)
        return;
      image =
          read_image_trust(artifact, content, wants_images ? propose : ProposeImage(), standing);
      if (wants_images) book.add_image(image);
    };
    auto examined = examine(std::move(found), options.all, options.evidence, with_content);
    if (!examined) return run.reports().fill(ticket, std::nullopt);
    if (image) note_payload(*image, *examined);
    if (options.contents) examined->contents = describe_contents(*examined, image.get());
    if (!needs_trust(*examined))
      return run.reports().fill(ticket,
                                verify_artifact(*examined, fail(Reason::no_trust), verify_options));
    const auto attempt = std::make_shared<Attempt>(std::move(*examined), verify_options, shelf);
    book.find(
        attempt->artifact(),
        [&run, ticket, attempt](const TrustAnswer& answer) {
          run.reports().fill(ticket, attempt->conclude(answer));
        },
        [attempt](const std::shared_ptr<const Trust>& likely) { attempt->prepare(likely); });
    attempt->wait();
  };
  Surveyed surveyed = run.go(work, report_error, [&book] { book.no_more_images(); });
  summary.skipped = surveyed.skipped;
  summary.empty_paths = std::move(surveyed.empty_paths);
  return summary;
}

}  // namespace assay
