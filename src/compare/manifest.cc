#include "compare/manifest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <variant>

#include "base/hex.h"
#include "base/name.h"
#include "compare/folder_frame.h"
#include "survey/run.h"

namespace assay {

namespace {

Result<ManifestEntry> describe(Found found, const std::string& root) {
  ASSAY_TRY(const TakenFile taken, take_file(std::move(found), root));
  const SideFile& file = taken.file;
  auto opened = open_form(taken.content, file.stored, file.names.inner_name);
  if (!opened) return std::unexpected(with_path(opened.error(), file.names.name));
  ManifestEntry entry;
  entry.path = file.key.empty() ? "." : file.key;
  if (file.attributes && !file.key.empty()) entry.mode = file.attributes->mode & 07777U;
  entry.canonical = opened->bare_id;
  for (const RecordPart& part : opened->form.parts)
    if (holds_signature(part)) entry.records.emplace_back(owner_of(part));
  if (file.attributes)
    for (const char* name : {"security.ima", "security.evm"})
      if (file.attributes->security.contains(name)) entry.records.emplace_back(name);
  return entry;
}

}  // namespace

std::string to_line(const ManifestEntry& entry) {
  const std::string mode = entry.mode ? fmt::format("{:04o}", *entry.mode) : "-";
  if (!entry.canonical) return fmt::format("- - {} {}\t{}\n", mode, entry.path, entry.description);
  return fmt::format("{} {} {} {}\n", to_hex(View(entry.canonical->sha256).bytes()),
                     entry.canonical->size, mode, entry.path);
}

std::optional<Manifest> make_manifest(const ManifestOptions& options,
                                      const std::function<void(const Error&)>& report_failure) {
  Manifest manifest;
  manifest.path = encode_name(options.path);
  bool is_whole = true;
  const auto fail_at = [&](const Error& error) {
    is_whole = false;
    report_failure(error);
  };
  SurveyOptions survey_options;
  survey_options.paths = {options.path};
  survey_options.jobs = options.jobs;
  survey_options.progress = options.progress;
  using Entry = std::variant<ManifestEntry, Error>;
  Run<Entry> run(survey_options, [&](const Entry& entry) {
    if (const auto* error = std::get_if<Error>(&entry)) return fail_at(*error);
    manifest.entries.push_back(std::get<ManifestEntry>(entry));
  });
  const auto work = [&](Found found, std::uint64_t ticket) {
    auto entry = describe(std::move(found), options.path);
    run.reports().fill(ticket, entry ? Entry(std::move(*entry)) : Entry(entry.error()));
  };
  run.go(work, [](const Error& error) { return Entry(error); }, [] {});
  if (const auto kind = source_kind(options.path); kind && *kind == SourceKind::folder) {
    const auto frame = read_folder_frame(options.path);
    if (!frame)
      fail_at(with_path(frame.error(), manifest.path));
    else
      for (const auto& [path, what] : *frame) manifest.entries.push_back({path, {}, {}, what, {}});
  }
  std::ranges::sort(manifest.entries, {}, &ManifestEntry::path);
  const auto twice = std::ranges::adjacent_find(manifest.entries, {}, &ManifestEntry::path);
  if (twice != manifest.entries.end())
    fail_at({Reason::bad_value, {}, "the path comes twice", twice->path});
  if (manifest.entries.empty() && is_whole)
    fail_at({Reason::cannot_list, {}, "it holds nothing", manifest.path});
  if (!is_whole) return std::nullopt;
  std::string lines;
  for (const ManifestEntry& entry : manifest.entries) lines += to_line(entry);
  const auto digest =
      compute_digest(Hash::sha256, std::vector<std::uint8_t>(lines.begin(), lines.end()));
  if (!digest) {
    report_failure(digest.error());
    return std::nullopt;
  }
  manifest.sha256 = digest->hex();
  return manifest;
}

}  // namespace assay
