// Laws: a proof and a root that parse are written as the bytes they were read from; a proof that is
// followed behind a module has no more siblings than there are levels, stands there as it is
// written, and climbs to the root that is told.

#include <algorithm>

#include "testing/fuzz.h"
#include "trees/module_proof.h"

namespace {

using namespace assay;

void check_parsers(View file) {
  if (const auto proof = parse_module_proof(file)) {
    fuzz_check(proof->siblings.size() <= kModuleTreeLevels, "more siblings than levels");
    fuzz_check(std::ranges::equal(write_module_proof(*proof), file.bytes()),
               "a proof is written as other bytes");
  }
  for (const bool big_endian : {false, true})
    if (const auto root = parse_module_root(file, big_endian)) {
      fuzz_check(root->levels <= kModuleTreeLevels, "a root of too many levels");
      fuzz_check(std::ranges::equal(write_module_root(*root, big_endian), file.bytes()),
                 "a root is written as other bytes");
    }
}

void check_followed(View file) {
  const ViewContent content(file);
  const auto trailer = read_signature_trailer(content);
  fuzz_check(trailer.has_value(), "bytes in memory cannot be read");
  const auto followed = follow_module_proof(content, *trailer);
  fuzz_check(followed.has_value(), "a proof in memory cannot be read");
  if (!*followed) return;
  const FollowedProof& proof = **followed;
  const Extent where = trailer->signature_extent();
  fuzz_check(proof.siblings.size() <= kModuleTreeLevels, "more siblings than levels");
  fuzz_check(where.end() <= file.size() && where.size == module_proof_size(proof.siblings.size()),
             "a proof outside of the file");
  fuzz_check(
      std::ranges::equal(write_module_proof(proof), file.sub(where.offset, where.size).bytes()),
      "a proof that does not stand there");
  const auto leaf = module_leaf(proof.position, content, trailer->payload_size);
  fuzz_check(leaf && climb(proof, *leaf) == proof.root, "another root");
}

// One that is good, of the input as a module.
void check_proved(View file) {
  const ViewContent content(file);
  const auto leaf = module_leaf(0, content, file.size());
  fuzz_check(leaf.has_value(), "bytes in memory cannot be hashed");
  const auto tree = ModuleTree::make({*leaf, *leaf, *leaf});
  std::vector<std::uint8_t> proved(file.bytes().begin(), file.bytes().end());
  std::ranges::copy(write_module_trailer(tree->proof(0)), std::back_inserter(proved));
  const ViewContent whole{View(proved)};
  const auto trailer = read_signature_trailer(whole);
  const auto followed = follow_module_proof(whole, *trailer);
  fuzz_check(followed && (file.size() == 0 || (*followed && (*followed)->root == tree->root())),
             "a proof that was put there is not found");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const View file({data, size});
  check_parsers(file);
  check_followed(file);
  check_proved(file);
  return 0;
}
