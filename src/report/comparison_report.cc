#include "report/comparison_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/hex.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json describe(const std::optional<ContentId>& id) {
  if (!id) return {};
  return {{"size", id->size}, {"sha256", to_hex(View(id->sha256).bytes())}};
}

Json describe(const std::vector<RecordVerdict>& records) {
  Json list = Json::array();
  for (const RecordVerdict& record : records) {
    Json item{{"owner", record.owner},
              {"size", record.size},
              {"verified", record.is_verified},
              {"signer", record.signer},
              {"key", record.key},
              {"fingerprint", record.fingerprint},
              {"key_source", record.key_source},
              {"reason", record.reason},
              {"uncovered", Json::array()}};
    for (const Uncovered& one : record.uncovered)
      item["uncovered"].push_back(
          {{"what", one.what}, {"offset", one.where.offset}, {"size", one.where.size}});
    list.push_back(std::move(item));
  }
  return list;
}

Json describe(const std::optional<KernelPair>& kernel) {
  if (!kernel) return {};
  const auto key = [](const BuildKey& one) {
    return Json{{"subject", one.subject}, {"fingerprint", one.fingerprint}};
  };
  const auto place = [](const std::optional<Extent>& where) {
    return where ? Json{{"offset", where->offset}, {"size", where->size}} : Json();
  };
  return {{"release", kernel->release},
          {"certificate", place(kernel->certificate)},
          {"a", key(kernel->a)},
          {"b", key(kernel->b)},
          {"build_id", place(kernel->build_id)},
          {"difference", kernel->difference},
          {"around", kernel->around},
          {"modules", kernel->modules}};
}

// "\"subject\" (fingerprint...) of A, ..., which signed the 2 modules of each".
std::string key_line(const KernelPair& kernel) {
  constexpr std::size_t kShown = 16;
  std::string text = fmt::format(
      "certificates \"{}\" ({}...) of A, \"{}\" ({}...) of B: {} bytes at offset {} of the "
      "decompressed kernels",
      kernel.a.subject, kernel.a.fingerprint.substr(0, kShown), kernel.b.subject,
      kernel.b.fingerprint.substr(0, kShown), kernel.certificate.size, kernel.certificate.offset);
  if (kernel.modules != 0)
    text += fmt::format("; each signed the {} modules of its side, and no other key did",
                        kernel.modules);
  return text;
}

std::string record_line(const RecordVerdict& record, std::string_view side) {
  constexpr std::size_t kShown = 16;
  std::string text = fmt::format("{} of {}: {} bytes", record.owner, side, record.size);
  if (!record.is_verified) return text + ", not verified: " + record.reason;
  if (record.key.empty())
    return text + (record.key_source.empty() ? "" : ", verified by " + record.key_source);
  return text + fmt::format(", verified with \"{}\" ({}..., from {})", record.key,
                            record.fingerprint.substr(0, kShown), record.key_source);
}

std::string headline(const Difference& difference) {
  if (difference.kind == Difference::Kind::renamed)
    return fmt::format("renamed from {}{}", difference.from,
                       difference.a == difference.b ? "" : ", with other records or container");
  if (difference.kind != Difference::Kind::changed)
    return std::string(kind_name(difference.kind)) +
           (difference.reason.empty() ? "" : ": " + difference.reason);
  std::string text = difference.reason;
  for (const std::string& what : difference.wrapping) text += (text.empty() ? "" : "; ") + what;
  if (!difference.offset) return text;
  text += fmt::format(", first at offset {}", *difference.offset);
  if (difference.place) {
    text += fmt::format(", section {}", difference.place->section);
    if (!difference.place->symbol.empty())
      text += fmt::format(", symbol {}", difference.place->symbol);
  }
  return text;
}

}  // namespace

std::string to_json(const Difference& difference) {
  Json json{{"schema", "assay.difference/1"},
            {"path", difference.path},
            {"kind", kind_name(difference.kind)},
            {"verdict", sameness_name(difference.verdict)},
            {"from", difference.from.empty() ? Json() : Json(difference.from)},
            {"reason", difference.reason},
            {"wrapping", difference.wrapping},
            {"a", describe(difference.a)},
            {"b", describe(difference.b)},
            {"canonical", describe(difference.canonical)},
            {"offset", difference.offset ? Json(*difference.offset) : Json()},
            {"section", difference.place ? Json(difference.place->section) : Json()},
            {"symbol", difference.place && !difference.place->symbol.empty()
                           ? Json(difference.place->symbol)
                           : Json()},
            {"records_a", describe(difference.records_a)},
            {"records_b", describe(difference.records_b)},
            {"kernel", describe(difference.kernel)}};
  return line(json);
}

std::string to_json(const BuildVerdict& comparison) {
  return line(Json{{"schema", "assay.comparison/1"},
                   {"verdict", sameness_name(comparison.verdict)},
                   {"reason", comparison.reason},
                   {"files", comparison.files},
                   {"identical", comparison.identical},
                   {"transplanted", comparison.transplanted},
                   {"content_equal", comparison.content_equal},
                   {"different", comparison.different},
                   {"undetermined", comparison.undetermined},
                   {"added", comparison.added},
                   {"removed", comparison.removed},
                   {"renamed", comparison.renamed},
                   {"records", comparison.records},
                   {"record_bytes", comparison.record_bytes},
                   {"certificate_bytes", comparison.certificate_bytes},
                   {"uncovered_bytes", comparison.uncovered_bytes}});
}

std::string to_text(const Difference& difference, const TextStyle& style) {
  constexpr int kColumn = 26;
  std::string text = fmt::format("{:<{}} {}\n", sameness_name(difference.verdict), kColumn,
                                 difference.path.empty() ? "(the file)" : difference.path);
  if (const std::string why = headline(difference); !why.empty())
    text += fmt::format("{:<{}} {}\n", "", kColumn, why);
  if (difference.kernel && difference.kernel->difference.empty())
    text += fmt::format("{:<{}} {}\n", "", kColumn, key_line(*difference.kernel));
  const bool shows_records = style.verbose || difference.verdict == Sameness::transplanted;
  if (!shows_records) return text;
  for (const RecordVerdict& record : difference.records_a)
    text += fmt::format("{:<{}} {}\n", "", kColumn, record_line(record, "A"));
  for (const RecordVerdict& record : difference.records_b)
    text += fmt::format("{:<{}} {}\n", "", kColumn, record_line(record, "B"));
  return text;
}

std::string to_text(const BuildVerdict& comparison) {
  std::string text = fmt::format("{}: {} files, {} identical", sameness_name(comparison.verdict),
                                 comparison.files, comparison.identical);
  if (comparison.transplanted != 0)
    text += fmt::format(", {} identical after transplant", comparison.transplanted);
  if (comparison.content_equal != 0)
    text += fmt::format(", {} content-equal", comparison.content_equal);
  if (comparison.different != 0)
    text += fmt::format(", {} different ({} added, {} removed, {} renamed)", comparison.different,
                        comparison.added, comparison.removed, comparison.renamed);
  if (comparison.undetermined != 0)
    text += fmt::format(", {} not found out", comparison.undetermined);
  if (!comparison.reason.empty()) text += ": " + comparison.reason;
  text += fmt::format(
      "\nentropy budget: {} records of A, {} bytes that B does not give; {} bytes that no "
      "signature covers\n",
      comparison.records, comparison.record_bytes, comparison.uncovered_bytes);
  if (comparison.certificate_bytes != 0)
    text += fmt::format("{} bytes of A's kernels are certificates and build-ids of its build\n",
                        comparison.certificate_bytes);
  return text;
}

}  // namespace assay
