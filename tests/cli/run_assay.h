// tests/cli/run_assay.h - the command as its users run it.

#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {

using Json = nlohmann::ordered_json;

struct Ran {
  int status = -1;
  std::string out;
  std::string error;

  // Standard output as JSON lines.
  std::vector<Json> lines() const {
    std::vector<Json> all;
    std::size_t start = 0;
    while (start < out.size()) {
      const std::size_t end = out.find('\n', start);
      all.push_back(Json::parse(out.substr(start, end - start)));
      if (end == std::string::npos) break;
      start = end + 1;
    }
    return all;
  }
  // The summary of `verify --json`, which comes last.
  Json summary() const { return lines().back(); }
  // Artifacts by the end of their path.
  Json artifact(const std::string& path_end) const {
    for (const Json& line : lines())
      if (line.contains("path") && line["path"].get<std::string>().ends_with(path_end)) return line;
    return {};
  }
};

inline Ran run_assay(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ASSAY_BINARY);
  const Finished finished = run_command(arguments);
  return {finished.status, std::string(finished.out.begin(), finished.out.end()), finished.error};
}

}  // namespace assay
