// survey/module_set.h - the modules of one kernel, at their places in modules.order, hashed.
//
// What is hashed is the file as it is installed without a proof: decompressed, whatever proofs
// stand behind it cut off.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "edit/artifact.h"
#include "survey/module_outline.h"
#include "survey/survey.h"
#include "trees/module_proof.h"
#include "trust/module_hashes.h"

namespace assay {

// modules.order, of a build ("fs/ext4/ext4.o") or installed ("kernel/fs/ext4/ext4.ko"): names of
// modules without ".o" or ".ko", whose line is their position in the tree.
class ModuleOrder {
 public:
  // bad_value names the line that is no module's.
  static Result<ModuleOrder> parse(std::string_view text);

  std::size_t size() const { return names_.size(); }
  // As a build writes it: lines end in .o.
  bool is_of_build() const { return is_of_build_; }
  const std::string& name(std::uint32_t position) const { return names_[position]; }
  // Of the file of that path ("lib/modules/6.1.0/kernel/fs/ext4/ext4.ko.xz"): the longest end of it
  // that is in the list.
  std::optional<std::uint32_t> find(std::string_view path) const;
  // Of a module that lies elsewhere: by the name of its file alone, where one line has it.
  std::optional<std::uint32_t> find_by_name(std::string_view path) const;
  // A further line for the module of that path: behind all others, in updates/.
  std::uint32_t add(std::string_view path);

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> positions_;
  bool is_of_build_ = false;
};

// The modules.order in a folder or a package: of one folder its own, else the only one in it;
// --order names another. usage where there is none, or are several.
Result<ModuleOrder> find_module_order(const SurveyOptions& options);
Result<ModuleOrder> read_module_order(const std::string& path);

struct ModuleSetOptions {
  SurveyOptions survey;
  bool without_signatures = false;  // appended signatures are cut off too
  bool file_sha256 = false;         // what lists have
  bool against_kernel = false;      // proofs are followed
  bool details = false;             // and it is seen what else a module has, and lacks
  bool outlines = false;            // what is a module's program, and what can be stripped
  bool places_by_name = false;      // of files that lie elsewhere than the order says
};

// One module that was found.
struct HashedModule {
  std::string name;  // as printed
  std::string path;  // on disk, where it is a file of its own
  std::optional<Codec> codec;
  std::optional<std::uint32_t> position;
  std::optional<Error> error;
  ModuleHash leaf;                   // where it has a position
  std::optional<FileSha256> sha256;  // of the file, decompressed, as it is; where asked for
  // Where it is to be held against a kernel:
  std::optional<FollowedProof> proof;
  // With details:
  bool is_elf = false;
  bool has_symbols = false;  // .symtab: not stripped
  bool has_debug = false;    // .debug_info
  bool is_signed = false;    // the outermost record is a PKCS#7 signature
  // Below signatures, where there are any: the proof, and the SHA-256 that a list would have.
  std::optional<FollowedProof> inner_proof;
  std::optional<FileSha256> inner_sha256;
  std::optional<ModuleOutline> outline;
};

// `order` may be absent: then no leaf is computed, proofs are.
Surveyed hash_modules(const ModuleSetOptions& options, const ModuleOrder* order,
                      const std::function<void(const HashedModule&)>& report);

// The tree over modules of which each position was found once; what is missing is named otherwise.
Result<ModuleTree> tree_over(const ModuleOrder& order, const std::vector<HashedModule>& modules);

}  // namespace assay
