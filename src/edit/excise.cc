#include "edit/excise.h"

#include <fmt/format.h>

#include <algorithm>

#include "edit/apply_record.h"
#include "edit/pe_table.h"
#include "edit/record_limits.h"
#include "formats/appended_signature.h"

namespace assay {

namespace {

using Carrier = RecordPart::Carrier;

// From the content without the outermost appended signature to `content`; nothing without one.
Result<std::optional<RecordPart>> describe_appended(const Content& content) {
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(content));
  if (!trailer.has_marker) return std::nullopt;
  if (!trailer.splits)
    return fail(Reason::bad_length, trailer.marker_extent(),
                trailer.block ? fmt::format("sig_len {}, {} bytes before the block",
                                            trailer.block->sig_len, trailer.before_block)
                              : "no block before the marker");
  const Extent where{trailer.payload_size, trailer.file_size - trailer.payload_size};
  if (where.size > limits::kRecord) return fail(Reason::limit_size, where, "appended signature");
  std::vector<std::uint8_t> tail(where.size);
  ASSAY_CHECK(content.read(trailer.payload_size, tail));
  RecordPart part;
  part.carrier = Carrier::appended;
  part.splices = {{trailer.payload_size, {}, std::move(tail)}};
  return part;
}

class RecordsTaken {
 public:
  RecordsTaken(const std::shared_ptr<const Content>& plain, const ExciseOptions& options)
      : options_(options) {
    bare_.content = Rope(plain);
  }

  Result<BareContent> run() {
    ASSAY_CHECK(take_appended());
    ASSAY_CHECK(take_certificates());
    std::ranges::reverse(bare_.parts);  // innermost first
    return std::move(bare_);
  }

 private:
  Result<void> take(RecordPart part) {
    if (bare_.parts.size() == limits::kRecordLayers)
      return fail(
          Reason::limit_count, {},
          fmt::format("more than {} signatures, one behind the other", limits::kRecordLayers));
    ASSAY_TRY(bare_.content, splice(bare_.content, part.splices, Direction::backward));
    bare_.parts.push_back(std::move(part));
    return {};
  }

  Result<void> take_appended() {
    for (;;) {
      ASSAY_TRY(auto part, describe_appended(bare_.content));
      if (!part) return {};
      ASSAY_CHECK(take(std::move(*part)));
      if (options_.last_only) return {};
    }
  }

  Result<void> take_certificates() {
    const Rope& content = bare_.content;
    ASSAY_TRY(const auto headers, find_pe_image(content));
    if (!headers) return {};
    ASSAY_TRY(const auto table, find_pe_table(content, *headers));
    if (!table) return {};
    if (options_.entry) {
      ASSAY_TRY(auto part, describe_entry(content, *table, *options_.entry));
      if (table->entries.size() > 1) return take(std::move(part));
    }
    bare_.notes.push_back(
        fmt::format("canonical form: checksum 0 (was {:#x}){}", headers->optional->checksum,
                    table->content_end == table->extent.offset
                        ? ""
                        : fmt::format(", {} zeros before the table cut",
                                      table->extent.offset - table->content_end)));
    ASSAY_TRY(auto part, describe_table(content, *table));
    return take(std::move(part));
  }

  const ExciseOptions& options_;
  BareContent bare_;
};

class Excision {
 public:
  Excision(const Artifact& artifact, const ExciseOptions& options)
      : artifact_(artifact), options_(options) {}

  Result<std::optional<Edited>> run() {
    ASSAY_TRY(BareContent bare, take_out_records(artifact_.plain, options_));
    content_ = std::move(bare.content);
    parts_ = std::move(bare.parts);
    edited_.notes = std::move(bare.notes);
    if (options_.attributes) take_attributes();
    if (parts_.empty()) return std::nullopt;
    edited_.record.name = artifact_.name;
    edited_.record.parts = std::move(parts_);
    ASSAY_CHECK(name_sides(artifact_, content_, *artifact_.plain, edited_.record));
    ASSAY_CHECK(store());
    return std::move(edited_);
  }

 private:
  void take_attributes() {
    for (const auto& [name, value] : artifact_.attributes) {
      parts_.insert(parts_.begin(), {Carrier::xattr, {}, name, std::nullopt, value});
      edited_.attributes.push_back({name, std::nullopt});
    }
  }

  // A file whose content stays, stays as it is stored.
  Result<void> store() {
    const bool is_changed = std::ranges::any_of(edited_.record.parts, [](const RecordPart& part) {
      return part.carrier != Carrier::xattr;
    });
    if (!is_changed || !artifact_.codec) {
      edited_.stored = is_changed ? std::make_shared<Rope>(content_) : artifact_.stored;
      return {};
    }
    Compression compression{*artifact_.codec, {}, {}};
    ASSAY_TRY(compression.after, describe_stored(*artifact_.stored, *artifact_.plain));
    const bool is_exact = compression.after.parameters.has_value();
    ASSAY_TRY(Compressed compressed, compress(content_, compression.after.parameters.value_or(
                                                            kernel_parameters(*artifact_.codec))));
    if (!is_exact)
      edited_.notes.push_back(
          "compressed anew as the kernel's build does; the record keeps the stream");
    compression.before = std::move(compressed.form);
    edited_.stored = std::move(compressed.stored);
    edited_.record.compression = std::move(compression);
    return {};
  }

  const Artifact& artifact_;
  const ExciseOptions& options_;
  Rope content_;
  std::vector<RecordPart> parts_;
  Edited edited_;
};

}  // namespace

Result<BareContent> take_out_records(const std::shared_ptr<const Content>& plain,
                                     const ExciseOptions& options) {
  return RecordsTaken(plain, options).run();
}

Result<std::optional<Edited>> excise(const Artifact& artifact, const ExciseOptions& options) {
  return Excision(artifact, options).run();
}

Result<Edited> restore_before(const Artifact& artifact, const EditRecord& record) {
  return apply_record(artifact, record, Direction::backward);
}

}  // namespace assay
