#include "report/boot_aggregate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace assay {

namespace {

std::string text_of(const Digest& digest) {
  return fmt::format("{}:{}", hash_name(digest.hash()), digest.hex());
}

}  // namespace

bool BootAggregateReport::agrees() const {
  return !listed.empty() && std::ranges::all_of(listed, [&](const Digest& digest) {
    return digest == computed.value;
  });
}

std::string to_json(const BootAggregateReport& report) {
  nlohmann::ordered_json json{{"schema", "assay.boot-aggregate/1"},
                              {"path", report.path},
                              {"bank", hash_name(report.computed.bank)},
                              {"boot_aggregate", report.computed.value.hex()}};
  for (const Digest& pcr : report.computed.pcrs) json["pcrs"].push_back(pcr.hex());
  if (report.has_list) {
    json["listed"] = nlohmann::ordered_json::array();
    for (const Digest& digest : report.listed) json["listed"].push_back(text_of(digest));
    json["agrees"] = report.agrees();
  }
  return json.dump();
}

std::string to_text(const BootAggregateReport& report, bool verbose) {
  std::string text;
  if (verbose)
    for (std::size_t i = 0; i < report.computed.pcrs.size(); ++i)
      text += fmt::format("PCR {:<2} {}\n", i, text_of(report.computed.pcrs[i]));
  text += fmt::format("boot_aggregate {}\n", text_of(report.computed.value));
  if (!report.has_list) return text;
  if (report.listed.empty()) text += "the list has no entry boot_aggregate\n";
  for (const Digest& digest : report.listed)
    text += digest == report.computed.value
                ? "the list has the same\n"
                : fmt::format(
                      "the list has {}: it is not of this boot, or the registers were "
                      "extended with what the log does not have\n",
                      text_of(digest));
  return text;
}

}  // namespace assay
