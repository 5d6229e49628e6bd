#include "expect/inventory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "survey/examine.h"

namespace assay {

namespace {

bool is_ima_record(const SignatureReport& signature) {
  return signature.carrier == "xattr" || signature.carrier == "detached";
}

}  // namespace

std::optional<Group> group_of(const ArtifactReport& report) {
  if (report.kind == kind_name(ArtifactKind::module)) return Group::modules;
  if (report.kind == kind_name(ArtifactKind::kernel_image)) return Group::images;
  if (report.kind == kind_name(ArtifactKind::pe)) return Group::pe;
  if (report.kind == kind_name(ArtifactKind::file)) return Group::files;
  return std::nullopt;
}

bool is_unsigned(const ArtifactReport& report) {
  if (!std::ranges::all_of(report.signatures, is_ima_record)) return false;
  return !report.signatures.empty() || report.standing == Standing::unsigned_ ||
         report.standing == Standing::unchecked;
}

bool is_record_alone(const ArtifactReport& report) {
  return group_of(report) == Group::files && !report.signatures.empty() &&
         std::ranges::all_of(report.signatures, is_ima_record);
}

void Inventory::add(const ArtifactReport& report) {
  const auto group = group_of(report);
  if (!group) return;
  for (const SignatureReport& signature : report.signatures) {
    if (!is_ima_record(signature)) continue;
    count(Group::ima, ExpectKey::count, 1, report.path);
    // A file beside the file has a name of its own.
    note(Group::ima, ExpectKey::records,
         {signature.carrier == "xattr" ? signature.record : "FILE.sig"}, report.path);
    if (signature.standing == Standing::unsigned_) {  // a digest
      count(Group::ima, ExpectKey::unsigned_, 1, report.path);
      continue;
    }
    add_status(Group::ima, signature.standing, report);
    note(Group::ima, ExpectKey::signers, {signature.signer}, report.path);
    note(Group::ima, ExpectKey::hashes, {signature.hash}, report.path);
    note(Group::ima, ExpectKey::algorithms, {signature.algorithm}, report.path);
  }
  // A file that is here for its record of IMA is no more than that.
  if (is_record_alone(report)) return;
  count(*group, ExpectKey::count, 1, report.path);
  if (!report.format.empty()) note(*group, ExpectKey::formats, {report.format}, report.path);
  add_signatures(report, *group);
  add_contents(report, *group);
}

void Inventory::add_signatures(const ArtifactReport& report, Group group) {
  if (is_unsigned(report)) {
    count(group, ExpectKey::unsigned_, 1, report.path);
    return;
  }
  if (std::ranges::all_of(report.signatures, is_ima_record))
    return add_status(group, report.standing, report);
  for (const SignatureReport& signature : report.signatures) {
    if (is_ima_record(signature)) continue;
    add_status(group, signature.standing, report);
    note(group, ExpectKey::signers, {signature.signer}, report.path);
    if (row_of(ExpectKey::signer_certificates).is_of(group)) add_signer(signature, report, group);
    note(group, ExpectKey::hashes, {signature.hash}, report.path);
    note(group, ExpectKey::algorithms, {signature.algorithm}, report.path);
  }
}

// One that the message does not carry is a value too: else who leaves it out would not be seen.
void Inventory::add_signer(const SignatureReport& signature, const ArtifactReport& report,
                           Group group) {
  Value value{signature.signer, {}};
  if (signature.certificate)
    value = {signature.certificate->subject, signature.certificate->fingerprint};
  note(group, ExpectKey::signer_certificates, std::move(value), report.path);
}

void Inventory::add_contents(const ArtifactReport& report, Group group) {
  if (!report.contents) return;
  const ContentReport& contents = *report.contents;
  if (contents.uncovered_size && *contents.uncovered_size) {
    count(group, ExpectKey::uncovered, **contents.uncovered_size, report.path);
  } else if (contents.uncovered_size) {
    leave_open(group, ExpectKey::uncovered, report.path,
               describe(contents.uncovered_size->error()));
  }
  if (contents.certificates && *contents.certificates) {
    for (const BuiltInCertificate& one : **contents.certificates)
      note(group, ExpectKey::certificates, {one.subject, one.fingerprint}, report.path);
  } else if (contents.certificates) {
    leave_open(group, ExpectKey::certificates, report.path,
               describe(contents.certificates->error()));
  }
  if (!contents.sbat) return;
  if (!*contents.sbat)
    return leave_open(group, ExpectKey::sbat, report.path, describe(contents.sbat->error()));
  for (const SbatEntry& entry : **contents.sbat)
    note(group, ExpectKey::sbat,
         {fmt::format("{},{}", encode_name(entry.component), entry.generation)}, report.path);
}

void Inventory::add_status(Group group, Standing standing, const ArtifactReport& report) {
  if (standing != Standing::undetermined)
    return note(group, ExpectKey::status, {std::string(standing_name(standing))}, report.path);
  leave_open(group, ExpectKey::status, report.path, report.reason ? report.reason->text : "");
}

void Inventory::count(Group group, ExpectKey key, std::uint64_t more, const std::string& path) {
  Fact& fact = facts_.at(group, key);
  fact.number += more;
  if (more != 0) fact.example = path;
}

void Inventory::note(Group group, ExpectKey key, Value value, const std::string& path) {
  if (value.name.empty()) return;  // of a signature in which it could not be read
  Occurrence& occurrence = facts_.at(group, key).values[std::move(value)];
  if (occurrence.count++ == 0) occurrence.example = path;
}

// Of several the first is told.
void Inventory::leave_open(Group group, ExpectKey key, const std::string& path,
                           const std::string& why) {
  std::string& unknown = facts_.at(group, key).unknown;
  if (unknown.empty())
    unknown = why.empty() || why.starts_with(path) ? why : fmt::format("{}: {}", path, why);
  if (unknown.empty()) unknown = path;
}

}  // namespace assay
