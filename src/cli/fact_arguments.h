// cli/fact_arguments.h - options that describe what a file cannot carry.

#pragma once

#include <string>
#include <vector>

#include "survey/file_facts.h"

namespace CLI {
class App;
}

namespace assay {

class FactArguments {
 public:
  void add_options(CLI::App& app);
  Result<FileFacts> read() const;

 private:
  std::vector<std::string> xattrs_;
  std::string uid_;
  std::string owner_;
  std::string magic_;
  std::string uuid_;
  std::string mask_;
  std::string inode_;
  std::string generation_;
  std::string evm_key_;
};

}  // namespace assay
