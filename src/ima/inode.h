// ima/inode.h - what the kernel remembers of a file (struct ima_iint_cache), from one access to the
// next until the file changes.
//
// A file nobody has touched yet has an empty one. What rules require is remembered too: a signature
// that the rule of one hook asked for is then asked for by all.

#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "ima/signature.h"

namespace assay {

// The kernel's enum integrity_status.
enum class IntegrityStatus : std::uint8_t {
  pass,
  pass_immutable,
  fail,
  fail_immutable,
  no_label,
  no_xattrs,
  unknown,
};
std::string_view integrity_status_name(IntegrityStatus status);  // "fail_immutable"

// Who asks for the appraisal: each has a result of its own.
enum class AppraisedBy : std::uint8_t { file, mmap, bprm, read, creds };
inline constexpr std::size_t kAppraisedByCount = 5;

struct ImaInode {
  std::uint32_t flags = 0;  // of all rules so far, ima_flag::kAddedUp
  bool measured = false;
  bool audited = false;
  bool hashed = false;
  std::uint64_t measured_pcrs = 0;
  std::array<bool, kAppraisedByCount> appraised{};
  std::array<IntegrityStatus, kAppraisedByCount> status{
      IntegrityStatus::unknown, IntegrityStatus::unknown, IntegrityStatus::unknown,
      IntegrityStatus::unknown, IntegrityStatus::unknown};
  bool carries_signature = false;    // IMA_DIGSIG: not to be written, nor given another digest
  bool is_new = false;               // IMA_NEW_FILE
  bool updates_xattr = false;        // IMA_UPDATE_XATTR: a new digest when it is closed
  std::optional<FileDigest> digest;  // as collected

  // A changed attribute, or changed content: everything is done again (IMA_CHANGE_XATTR).
  void forget_results();
  // A changed owner or mode: what rules required is forgotten too (IMA_CHANGE_ATTR).
  void forget_requirements();
  // Changed content: the digest is computed again.
  void forget_content();
};

}  // namespace assay
