// ima/violations.h - what the measurement list says where a file is measured and written at a time.
//
//   ToMToU        opened for writing while somebody reads it who measured it: what was measured is
//                 perhaps not what is used
//   open_writers  measured while somebody has it open for writing
//
// One file's state, as ima_rdwr_violation_check and ima_check_last_writer keep it
// (security/integrity/ima/ima_main.c), and do_dentry_open (fs/open.c) counts its readers and
// writers. 6.1 tells each time. 6.12 and 7.2 tell of a reader that measured once
// (IMA_MAY_EMIT_TOMTOU), and of writers once until the last of them is gone
// (IMA_EMITTED_OPENWRITERS).

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "signatures/kernel.h"

namespace assay {

enum class ImaViolation : std::uint8_t { tomtou, open_writers };
std::string_view violation_cause(ImaViolation violation);  // as the audit has it: "ToMToU"

// How a file is opened: O_RDWR is both. It is measured where a rule for FILE_CHECK, or where it is
// mapped for MMAP_CHECK, says so of this access.
struct ImaAccess {
  bool reads = true;
  bool writes = false;
  bool is_measured = false;
};

class ImaOpenFile {
 public:
  // Nothing for versions between anchors that differ, or beyond those that are known.
  static std::optional<ImaOpenFile> make(KernelVersion version);

  std::optional<ImaViolation> open(const ImaAccess& access);
  // mmap(2) of what was opened so, with PROT_EXEC.
  std::optional<ImaViolation> map(const ImaAccess& access);
  // Requires that it was opened so.
  void close(const ImaAccess& access);
  // The kernel forgets an inode that nobody has open when memory is short. Requires that.
  void forget();

 private:
  explicit ImaOpenFile(bool tells_once) : tells_once_(tells_once) {}
  std::optional<ImaViolation> check(const ImaAccess& access);

  bool tells_once_;
  std::uint64_t readers_ = 0;     // that do not write: i_readcount
  std::uint64_t writers_ = 0;     // i_writecount
  bool may_tell_tomtou_ = false;  // IMA_MUST_MEASURE of 6.1
  bool told_writers_ = false;
};

}  // namespace assay
