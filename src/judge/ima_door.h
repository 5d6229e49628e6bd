// judge/ima_door.h - IMA as the mechanisms of this room meet it: it is asked when a file has been
// read into memory, and where there is no file that it could look at.
//
// Mirrors the calls of security_kernel_post_read_file and security_kernel_load_data
// (fs/kernel_read_file.c, kernel/module/main.c, kernel/kexec_file.c).

#pragma once

#include <vector>

#include "ima/appraise.h"
#include "ima/syscalls.h"
#include "judge/appended.h"

namespace assay {

class ImaDoor {
 public:
  ImaDoor(const ImaKernel& kernel, ImaSubject subject)
      : kernel_(kernel), subject_(std::move(subject)) {}

  const ImaKernel& kernel() const { return kernel_; }

  // A file as IMA finds it, and what the kernel remembers of it, which changes.
  Outcome ask(Walk& walk, ImaEvent event, const ImaEvidence& file, ImaInode& inode) {
    event.subject = subject_;
    verdicts_.push_back(ima_process(walk, kernel_, event, file, inode));
    const ImaVerdict& verdict = verdicts_.back();
    inode = verdict.inode;
    for (const std::optional<ImaEntry>& entry : {verdict.entry, verdict.blocked_entry})
      if (entry) entries_.push_back(*entry);
    return verdict.outcome;
  }
  // One of the hooks that kernel_read_file has. `is_compressed`: a module that the kernel will
  // decompress.
  Outcome read(Walk& walk, ImaHook hook, const ImaEvidence& file, ImaInode& inode,
               bool is_compressed = false) {
    ImaEvent event;
    event.hook = hook;
    event.mask = usual_mask(hook);
    event.is_compressed = is_compressed;
    return ask(walk, std::move(event), file, inode);
  }

  // Bytes that are no file are measured where a rule says so.
  void measure(Walk& walk, ImaEvent event, const ImaFile& file, const std::string& name,
               std::span<const std::uint8_t> buffer) {
    event.subject = subject_;
    if (auto entry = measure_ima_buffer(walk, kernel_, event, file, name, buffer))
      entries_.push_back(*std::move(entry));
  }

  // Entries of the measurement list, in order.
  const std::vector<ImaEntry>& entries() const { return entries_; }
  // All that was asked, in order.
  const std::vector<ImaVerdict>& verdicts() const { return verdicts_; }

 private:
  const ImaKernel& kernel_;
  ImaSubject subject_;
  std::vector<ImaVerdict> verdicts_;
  std::vector<ImaEntry> entries_;
};

// A file that a request is about.
struct ImaSubjectFile {
  const ImaEvidence& evidence;
  ImaInode& inode;
};

// What a hook sees that has the file in memory: its attributes and digests, and what is appended to
// the bytes in memory. Refers to `appended`.
ImaEvidence ima_evidence_in_memory(const ImaEvidence& file, const AppendedEvidence& appended);

// kernel_read_file: the file is not empty, and IMA lets it be read.
Outcome read_into_memory(Walk& walk, ImaDoor& door, ImaHook hook, const ImaSubjectFile& file);

// How IMA comes into loading a module.
struct ImaForModule {
  ImaDoor& door;
  ImaSubjectFile file;
  // The same file, with what is appended to the module inside; nothing where it is not compressed.
  const ImaEvidence* decompressed = nullptr;
};

}  // namespace assay
