#include "tests/golden/guest.h"

namespace assay::golden {

ImaFile Access::facts(const std::string& path) const {
  const MountedFilesystem* mounted = find_filesystem(platform_, path);
  if (mounted == nullptr) return {};
  ImaFile file = ima_file_on(*mounted, platform_.config);
  file.path = path;
  // The first process is root's, and makes what it makes as root.
  if (!file.owner) file.owner = 0;
  if (!file.group) file.group = 0;
  return file;
}

bool Access::exists(const std::string& path, const std::string& artifact) const {
  return !artifact.empty() || files_.contains(path) || changed_.contains(path);
}

GuestFile& Access::file(const std::string& path, const std::string& artifact) {
  if (const auto found = changed_.find(path); found != changed_.end()) return found->second;
  if (const auto found = files_.find(path); found != files_.end())
    return changed_.emplace(path, found->second).first->second;
  GuestFile file;
  ImaEvidence evidence;
  if (!artifact.empty()) {
    file.artifact = &artifacts_.at(artifact);
    evidence = file.artifact->ima;
    evidence.mode = file.artifact->mode;
  }
  evidence.file = facts(path);
  evidence.xattrs =
      file.artifact != nullptr && path.starts_with("/d/") ? file.artifact->xattrs : Xattrs();
  file.evidence = std::make_shared<ImaEvidence>(std::move(evidence));
  return changed_.emplace(path, std::move(file)).first->second;
}

GuestFile& Access::create(const std::string& path) {
  constexpr std::uint16_t kMode = 0100755;
  GuestFile file;
  ImaEvidence evidence;
  evidence.file = facts(path);
  evidence.xattrs = Xattrs();
  evidence.mode = kMode;
  file.evidence = std::make_shared<ImaEvidence>(std::move(evidence));
  file.bytes.emplace();
  return changed_[path] = std::move(file);
}

void Access::note(const std::vector<GuestFile*>& files) {
  for (GuestFile* file : files) {
    if (noted_ == door_.verdicts().size()) return;
    const ImaVerdict& verdict = door_.verdicts()[noted_++];
    causes_.insert(causes_.end(), verdict.causes.begin(), verdict.causes.end());
    if (verdict.match.actions.any() || verdict.match.flags != 0) file->is_known_to_ima = true;
    if (verdict.fixed) replace_xattr(*file, std::string(kXattrIma), *verdict.fixed);
  }
}

Outcome Access::ask(GuestFile& file, ImaHook hook, std::uint32_t mask, bool is_created) {
  ImaEvent event;
  event.hook = hook;
  event.mask = mask;
  event.is_created = is_created;
  const Outcome outcome = door_.ask(walk_, std::move(event), *file.evidence, file.inode);
  note({&file});
  return outcome;
}

Outcome Access::open(GuestFile& file, std::uint32_t mask, bool is_created) {
  return ask(file, ImaHook::file_check, mask, is_created);
}

Outcome Access::read(GuestFile& file, ImaHook hook, const AppendedEvidence* appended) {
  const ImaEvidence evidence =
      appended != nullptr ? ima_evidence_in_memory(*file.evidence, *appended) : *file.evidence;
  const Outcome outcome = door_.read(walk_, hook, evidence, file.inode);
  note({&file});
  return outcome;
}

void Access::close_written(GuestFile& file, bool has_changed) {
  ImaInode& inode = file.inode;
  const bool update = inode.updates_xattr;
  inode.updates_xattr = false;
  if (!file.is_known_to_ima || !(has_changed || inode.is_new)) return;
  const bool hashes = inode.hashed;
  inode.forget_content();
  constexpr auto kFile = static_cast<std::size_t>(AppraisedBy::file);
  if (!update || inode.carries_signature) return;
  if (inode.status[kFile] != IntegrityStatus::pass && !hashes) return;
  const HashAlgo& algo = door_.kernel().state.hash();
  const Digest* digest = algo.hash ? file.evidence->digest(*algo.hash) : nullptr;
  if (digest == nullptr) return;
  inode.digest = FileDigest{&algo, *digest};
  replace_xattr(file, std::string(kXattrIma), ima_digest_xattr(*inode.digest));
}

void Access::replace_bytes(GuestFile& file, std::vector<std::uint8_t> bytes) {
  const MemoryContent content(bytes);
  auto changed = collect_ima(content, file.evidence->xattrs,
                             {&door_.kernel().state.hash(), find_hash_algo("sha1")});
  if (!changed) return;
  changed->file = file.evidence->file;
  changed->mode = file.evidence->mode;
  file.evidence = std::make_shared<ImaEvidence>(*std::move(changed));
  file.bytes = std::move(bytes);
}

void Access::replace_xattr(GuestFile& file, const std::string& name,
                           std::optional<std::vector<std::uint8_t>> value) {
  ImaEvidence evidence = *file.evidence;
  if (value)
    (*evidence.xattrs)[name] = *std::move(value);
  else
    evidence.xattrs->erase(name);
  file.evidence = std::make_shared<ImaEvidence>(std::move(evidence));
}

void Access::reset_appraisal(GuestFile& file, std::optional<bool> digsig) {
  if (!file.is_known_to_ima || !door_.kernel().state.classes().appraise) return;
  file.inode.forget_results();
  if (digsig) file.inode.carries_signature = *digsig;
}

}  // namespace assay::golden
