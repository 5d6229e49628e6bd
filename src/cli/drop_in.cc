#include "cli/drop_in.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/name.h"
#include "bytes/atomic_file.h"
#include "edit/pe_table.h"
#include "survey/edit_run.h"

namespace assay {

namespace {

namespace fs = std::filesystem;

struct Tool {
  std::string_view name;
  DropIn run;
};

constexpr std::array<Tool, 5> kTools = {{{"sign-file", run_sign_file},
                                         {"kmodsign", run_sign_file},
                                         {"sbattach", run_sbattach},
                                         {"sbsign", run_sbsign},
                                         {"sbverify", run_sbverify}}};

Result<std::optional<PeTable>> find_table(const Content& content) {
  ASSAY_TRY(const auto headers, find_pe_image(content));
  if (!headers) return fail(Reason::not_signable, {}, "it is no PE image");
  return find_pe_table(content, *headers);
}

}  // namespace

std::string program_name(const char* argv0) { return fs::path(argv0).filename().native(); }

DropIn find_drop_in(std::string_view program) {
  const std::string name = fs::path(program).filename().native();
  for (const Tool& tool : kTools)
    if (tool.name == name) return tool.run;
  return nullptr;
}

int answer_option(int option, std::string_view tool, void (*print_usage)(Output&), Output& output) {
  if (option == 'V')
    output.print(fmt::format("{} (assay " ASSAY_VERSION ")\n", tool));
  else
    print_usage(output);
  return option == 'V' || option == 'h' ? EXIT_SUCCESS : EXIT_FAILURE;
}

Result<void> edit_one(const std::string& path, const std::string& out,
                      const std::function<Result<std::optional<Edited>>(const Artifact&)>& edit) {
  EditRunOptions options;
  options.paths = {path};
  std::error_code not_there;
  // The originals open it as a file.
  if (out.ends_with('/') || fs::is_directory(out, not_there))
    return std::unexpected(Error{Reason::cannot_write, {}, "it is a folder", encode_name(out)});
  if (const fs::path folder = fs::path(out).parent_path();
      !folder.empty() && !fs::is_directory(folder, not_there))
    return std::unexpected(
        Error{Reason::cannot_write, {}, "its folder is not there", encode_name(out)});
  if (!fs::equivalent(path, out, not_there)) options.out = out;
  std::optional<Error> error;
  const EditSummary summary = edit_all(
      options, [&](const Artifact& artifact, bool) { return edit(artifact); },
      [&](const EditReport& report) {
        if (report.error) error = with_path(*report.error, report.path);
      });
  if (!summary.errors.empty()) error = summary.errors.front();
  if (error) return std::unexpected(*error);
  return {};
}

Result<void> write_whole(const std::string& path, std::vector<std::uint8_t> bytes) {
  const MemoryContent content(std::move(bytes));
  AtomicWriter writer({});
  ASSAY_CHECK(writer.write({.path = path, .content = content}));
  const std::vector<Error> errors = writer.commit();
  if (!errors.empty()) return std::unexpected(errors.front());
  return {};
}

Result<std::size_t> count_pe_messages(const Content& content) {
  ASSAY_TRY(const auto table, find_table(content));
  return table ? table->entries.size() : 0;
}

Result<std::vector<std::uint8_t>> read_pe_message(const Content& content, std::size_t index) {
  ASSAY_TRY(const auto table, find_table(content));
  if (!table || index >= table->entries.size())
    return fail(Reason::no_record, {}, "no signature " + std::to_string(index + 1));
  const Extent entry = table->entries[index];
  ASSAY_TRY(const auto header, read_win_certificate(content, entry.offset));
  if (!header || header->length < pe::kCertificateHeaderSize || header->length > entry.size)
    return fail(Reason::bad_length, entry, "a WIN_CERTIFICATE");
  std::vector<std::uint8_t> message(header->length - pe::kCertificateHeaderSize);
  ASSAY_CHECK(content.read(entry.offset + pe::kCertificateHeaderSize, message));
  return message;
}

}  // namespace assay
