#include "testing/tool.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {

std::vector<std::uint8_t> run_tool(const std::vector<std::string>& command,
                                   std::span<const std::uint8_t> input) {
  Finished done = run_command(command, input);
  if (done.status == 0) return std::move(done.out);
  std::fprintf(stderr, "%s: status %d: %s\n", command.front().c_str(), done.status,
               done.error.c_str());
  std::abort();
}

void make_key(const NewKey& wanted) {
  std::vector<std::string> command = {
      "openssl", "req",  "-new", "-x509",           "-subj", "/CN=" + wanted.subject,
      "-days",   "3650", "-out", wanted.certificate};
  command.insert(command.end(), wanted.kind.begin(), wanted.kind.end());
  if (wanted.kind.front() == "-newkey")
    command.insert(command.end(), {"-nodes", "-keyout", wanted.key});
  if (wanted.certificate.ends_with(".der")) command.insert(command.end(), {"-outform", "DER"});
  run_tool(command);
}

std::map<std::string, std::vector<std::uint8_t>> snapshot(const std::string& folder) {
  std::map<std::string, std::vector<std::uint8_t>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files[entry.path().lexically_relative(folder).native()] = read_file(entry.path());
  return files;
}

}  // namespace assay
