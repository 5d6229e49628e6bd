// The guest of a session as IMA sees it: its policy, its files and what the kernel remembers of
// them.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ima/platform_ima.h"
#include "judge/ima_door.h"
#include "tests/golden/artifact.h"

namespace assay::golden {

// A file of the guest. Evidence is not changed but replaced.
struct GuestFile {
  const Artifact* artifact = nullptr;
  std::shared_ptr<const ImaEvidence> evidence;
  std::optional<std::vector<std::uint8_t>> bytes;  // where they are no longer the artifact's
  ImaInode inode;
  bool is_known_to_ima = false;  // it has an inode in IMA's cache

  const std::vector<std::uint8_t>& content() const { return bytes ? *bytes : artifact->bytes; }
};

using GuestFiles = std::map<std::string, GuestFile>;

// What one row does, in one walk. Changes are kept by whoever wants them.
class Access {
 public:
  Access(Walk& walk, const Platform& platform, const ImaKernel& kernel, const GuestFiles& files,
         const Artifacts& artifacts)
      : walk_(walk),
        platform_(platform),
        door_(kernel, ima_subject(platform)),
        files_(files),
        artifacts_(artifacts) {}

  ImaDoor& door() { return door_; }
  Walk& walk() { return walk_; }

  // The file of this path; a pseudo-file where `artifact` is empty and no row made one.
  GuestFile& file(const std::string& path, const std::string& artifact = {});
  bool exists(const std::string& path, const std::string& artifact) const;
  // A new, empty file in the place of any other.
  GuestFile& create(const std::string& path);

  // open(2): FILE_CHECK.
  Outcome open(GuestFile& file, std::uint32_t mask, bool is_created = false);
  Outcome ask(GuestFile& file, ImaHook hook, std::uint32_t mask, bool is_created = false);
  // Takes what the door said since the last time: each answer is about one of the files, in order.
  void note(const std::vector<GuestFile*>& files);
  // kernel_read_file: `appended` is what is appended to the buffer.
  Outcome read(GuestFile& file, ImaHook hook, const AppendedEvidence* appended);
  // close(2) of a file open for writing (ima_check_last_writer).
  void close_written(GuestFile& file, bool has_changed);

  void replace_bytes(GuestFile& file, std::vector<std::uint8_t> bytes);
  void replace_xattr(GuestFile& file, const std::string& name,
                     std::optional<std::vector<std::uint8_t>> value);
  // What becomes of the inode where an attribute is set (ima_reset_appraise_flags): `digsig` says
  // whether it now has a signature; nothing: that stays.
  void reset_appraisal(GuestFile& file, std::optional<bool> digsig);

  // cause= of the audit records.
  const std::vector<std::string>& causes() const { return causes_; }
  void add_cause(std::string cause) { causes_.push_back(std::move(cause)); }
  GuestFiles take_changes() && { return std::move(changed_); }

 private:
  ImaFile facts(const std::string& path) const;

  Walk& walk_;
  const Platform& platform_;
  ImaDoor door_;
  const GuestFiles& files_;
  const Artifacts& artifacts_;
  GuestFiles changed_;
  std::size_t noted_ = 0;
  std::vector<std::string> causes_;
};

}  // namespace assay::golden
