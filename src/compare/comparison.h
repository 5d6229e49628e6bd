// compare/comparison.h - whether two builds are the same but for their records, shown by putting
// A's records onto B's content.
//
//   identical                   every byte is the same
//   identical-after-transplant  A's records put onto B's canonical form have A's SHA-256, and every
//                               record of A and of B is verified over that content
//   content-equal               the canonical forms are the same, and what is wrapped around them
//                               differs: a compressor's stream, mode, owner; or, of kernel images,
//                               the certificate of the key that the build made for its modules
//   different                   anything else: other content, a record that is not verified, bytes
//                               in a record that no signature covers
//
// The transplant is virtual: a rope of B's bytes and A's records, digested and not written. That
// nothing is passed over rests on SHA-256 alone; that what was exchanged is no payload, on the
// records being signatures of this content, by keys that are named.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compare/elf_place.h"
#include "compare/kernel_pair.h"
#include "compare/record_verifier.h"
#include "compare/side.h"

namespace assay {

// In the order of their weight.
enum class Sameness : std::uint8_t {
  identical,
  transplanted,
  content_equal,
  undetermined,
  different
};
std::string_view sameness_name(Sameness sameness);

// A path that is not the same on both sides.
struct Difference {
  enum class Kind : std::uint8_t { changed, added, removed, renamed };
  std::string path;  // within the sides; empty where they are files
  Kind kind = Kind::changed;
  Sameness verdict = Sameness::different;
  std::string from;                      // renamed: the path in A
  std::string reason;                    // of `different` and `undetermined`
  std::vector<std::string> wrapping;     // what differs around equal content: "mode 0644, 0755"
  std::optional<ContentId> a, b;         // the files
  std::optional<ContentId> canonical;    // where both have the same
  std::optional<std::uint64_t> offset;   // of the first byte that differs, decompressed
  std::optional<ElfPlace> place;         // what lies there, in A
  std::vector<RecordVerdict> records_a;  // A's, over B's content
  std::vector<RecordVerdict> records_b;  // B's own, which were set aside
  // Of kernels that were built with two keys. Their records are verified over their own content.
  std::optional<KernelPair> kernel;
};
std::string_view kind_name(Difference::Kind kind);

struct BuildVerdict {
  Sameness verdict = Sameness::undetermined;
  std::string reason;       // where no single path says it
  std::uint64_t files = 0;  // paths of either side
  std::uint64_t identical = 0;
  std::uint64_t transplanted = 0;
  std::uint64_t content_equal = 0;
  std::uint64_t undetermined = 0;
  std::uint64_t different = 0;  // of these:
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t renamed = 0;
  // The entropy budget: what of A, where it is the same after a transplant, B does not give.
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  // Bytes of A's built-in certificates and build-ids, where they are all that kernels differ in.
  std::uint64_t certificate_bytes = 0;
  // Bytes in records, of A and B, that no signature covers.
  std::uint64_t uncovered_bytes = 0;
};

struct CompareOptions {
  std::string a;
  std::string b;
  unsigned jobs = 1;
  TrustOptions trust;
  Progress* progress = nullptr;
};

// Reports every difference, sorted by path. `fail` is told what could not be read.
BuildVerdict compare_builds(const CompareOptions& options,
                            const std::function<void(const Difference&)>& report,
                            const std::function<void(const Error&)>& report_failure);

}  // namespace assay
