#include "edit/apply_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "base/hex.h"
#include "edit/record_check.h"

namespace assay {

namespace {

// The content of an artifact: what it is, and the hash of its beginning, which what comes out has
// too.
struct Hashed {
  PrefixHash beginning;
  ContentId id;
};

Result<Hashed> hash_content(const Artifact& artifact, std::uint64_t shared) {
  const Content& content = *artifact.plain;
  ASSAY_TRY(PrefixHash beginning,
            PrefixHash::make(Hash::sha256, content, std::min(shared, content.size())));
  ASSAY_TRY(const ContentId id, identify(content, beginning));
  return Hashed{std::move(beginning), id};
}

Result<void> check_starts(const Artifact& artifact, const EditRecord& record, const ContentId& id,
                          const ContentId& from) {
  if (id != from)
    return fail(Reason::record_mismatch, {},
                fmt::format("{} bytes, SHA-256 {}; the record is of {} bytes, {}", id.size,
                            to_hex(id.sha256), from.size, to_hex(from.sha256)));
  if (!fits_container(record, artifact.codec))
    return fail(Reason::record_mismatch, {},
                fmt::format("the record is of {}, the file is {}",
                            record.compression ? codec_name(record.compression->codec)
                                               : "an uncompressed file",
                            artifact.codec ? codec_name(*artifact.codec) : "not compressed"));
  return {};
}

// The attribute is as it was on the side that the record starts from, or as it is to be.
Result<void> check_attribute(const Artifact& artifact, const RecordPart& part,
                             Direction direction) {
  const auto& from = direction == Direction::forward ? part.before : part.after;
  const auto& to = direction == Direction::forward ? part.after : part.before;
  std::optional<std::vector<std::uint8_t>> there;
  if (const auto found = artifact.attributes.find(part.attribute);
      found != artifact.attributes.end())
    there = found->second;
  if (there == from || there == to) return {};
  return fail(Reason::record_mismatch, {}, part.attribute + " is another");
}

Result<Edited> apply_hashed(const Artifact& artifact, const Hashed& hashed,
                            const EditRecord& record, Direction direction) {
  const bool is_forward = direction == Direction::forward;
  ASSAY_CHECK(check_starts(artifact, record, hashed.id, is_forward ? record.before : record.after));
  Edited edited;
  Rope content(artifact.plain);
  const auto apply = [&](const RecordPart& part) -> Result<void> {
    if (part.carrier == RecordPart::Carrier::xattr) {
      ASSAY_CHECK(check_attribute(artifact, part, direction));
      edited.attributes.push_back({part.attribute, is_forward ? part.after : part.before});
      return {};
    }
    ASSAY_TRY(Rope changed, splice(content, part.splices, direction));
    if (part.carrier == RecordPart::Carrier::pe)
      ASSAY_CHECK(is_forward ? check_image_part(content, changed, part)
                             : check_image_part(changed, content, part));
    content = std::move(changed);
    return {};
  };
  if (is_forward) {
    for (const RecordPart& part : record.parts) ASSAY_CHECK(apply(part));
  } else {
    for (const RecordPart& part : std::views::reverse(record.parts)) ASSAY_CHECK(apply(part));
  }
  ASSAY_TRY(const ContentId id, identify(content, hashed.beginning));
  if (id != (is_forward ? record.after : record.before))
    return fail(Reason::not_restored, {}, "SHA-256 " + to_hex(id.sha256));
  edited.record = record;
  edited.stored = std::make_shared<Rope>(std::move(content));
  if (record.before == record.after)
    edited.stored = artifact.stored;
  else if (record.compression) {
    ASSAY_TRY(edited.stored,
              restore_stored(edited.stored, record.compression->codec,
                             is_forward ? record.compression->after : record.compression->before));
  }
  return edited;
}

}  // namespace

Result<Edited> apply_record(const Artifact& artifact, const EditRecord& record,
                            Direction direction) {
  ASSAY_CHECK(check_record(record));
  ASSAY_TRY(const Hashed hashed, hash_content(artifact, shared_size(record)));
  return apply_hashed(artifact, hashed, record, direction);
}

Result<std::optional<Edited>> apply_fitting_record(const Artifact& artifact, const RecordSet& set,
                                                   Direction direction, bool is_named) {
  const auto shared = set.shared_size_of(direction, artifact.plain->size());
  if (!shared) {
    if (is_named) return fail(Reason::no_record);
    return std::nullopt;
  }
  ASSAY_TRY(const Hashed hashed, hash_content(artifact, *shared));
  const auto record = set.find(direction, hashed.id, artifact.codec, artifact.name);
  // In a folder, files of no record are others; several that differ are a question.
  if (!record && !is_named && record.error().detail.empty()) return std::nullopt;
  if (!record) return std::unexpected(record.error());
  ASSAY_CHECK(check_record(**record));
  ASSAY_TRY(Edited edited, apply_hashed(artifact, hashed, **record, direction));
  return edited;
}

}  // namespace assay
