#include "report/platform_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/name.h"
#include "crypto/hash.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

struct Fact {
  std::string_view key;
  std::optional<std::string> value;  // nothing: not known
};

std::optional<std::string> text_of(const std::optional<bool>& value) {
  if (!value) return std::nullopt;
  return *value ? "true" : "false";
}

// [state] of the platform file.
std::vector<Fact> facts_of(const PlatformState& state) {
  std::optional<std::string> lockdown;
  if (state.lockdown) lockdown = lockdown_name(*state.lockdown);
  return {
      {"secure_boot", text_of(state.secure_boot)},
      {"trusted_boot", text_of(state.trusted_boot)},
      {"ipl_secure", text_of(state.ipl_secure)},
      {"lockdown", lockdown},
      {"sig_enforce", text_of(state.sig_enforce)},
      {"mok_list_trusted", text_of(state.mok_list_trusted)},
      {"kexec_load_disabled", text_of(state.kexec_load_disabled)},
      {"modules_disabled", text_of(state.modules_disabled)},
      {"efi", text_of(state.efi)},
      {"tpm", text_of(state.tpm)},
      {"module_autoload", text_of(state.module_autoload)},
  };
}

std::string fingerprint_of(const Certificate& certificate) {
  const auto digest = compute_digest(Hash::sha256, certificate.raw.bytes());
  return digest ? digest->hex() : std::string();
}

bool is_complete(const Platform& platform, Ring ring) {
  if (ring == Ring::secondary_trusted_keys) return platform.secondary_is_complete;
  return ring != Ring::platform || platform.platform_is_complete;
}

std::string ring_line(const Platform& platform, Ring name) {
  const auto& ring = platform.ring(name);
  std::string text = fmt::format("  {:<24}", ring_name(name));
  if (!ring && platform.has_no(name)) return text + "not in this kernel\n";
  if (!ring) return text + "not known\n";
  text += fmt::format("{} certificate{}", ring->keys().size(), ring->keys().size() == 1 ? "" : "s");
  for (const auto& link : ring->links()) text += fmt::format(", {}", link->name());
  if (!is_complete(platform, name)) text += ", and perhaps more";
  text += '\n';
  for (const Key& key : ring->keys()) {
    const Certificate& certificate = key.certificate->x509();
    text += fmt::format("    {}\n      SHA-256 {}\n", name_text(certificate.subject),
                        fingerprint_of(certificate));
  }
  return text;
}

Json ring_of(const Platform& platform, Ring name) {
  const auto& ring = platform.ring(name);
  Json json{{"ring", ring_name(name)}};
  json["exists"] = platform.has_no(name) ? Json(false) : ring ? Json(true) : Json(nullptr);
  json["complete"] = ring && is_complete(platform, name);
  json["certificates"] = Json::array();
  json["links"] = Json::array();
  if (!ring) return json;
  for (const Key& key : ring->keys()) {
    const Certificate& certificate = key.certificate->x509();
    json["certificates"].push_back({{"subject", name_text(certificate.subject)},
                                    {"issuer", name_text(certificate.issuer)},
                                    {"serial", to_hex(certificate.serial.bytes())},
                                    {"fingerprint", fingerprint_of(certificate)},
                                    {"source", key.source}});
  }
  for (const auto& link : ring->links()) json["links"].push_back(link->name());
  return json;
}

std::string kernel_text(const KernelId& kernel) {
  return fmt::format("{} {} {}", to_string(kernel.version), variant_name(kernel.variant),
                     arch_name(kernel.arch));
}

}  // namespace

std::string platform_to_text(const Capture& capture) {
  const Platform& platform = capture.platform;
  std::string text = fmt::format("{}\n  kernel {}, release {}\n", platform.name,
                                 kernel_text(platform.kernel), encode_name(platform.release));
  text += fmt::format("  configuration {}\n",
                      platform.config.is_known()
                          ? fmt::format("{} options on", platform.config.values().size())
                          : "not known");
  text += fmt::format("  command line {}\n",
                      platform.cmdline ? encode_name(*platform.cmdline) : "not known");
  text += "State\n";
  for (const Fact& fact : facts_of(platform.state))
    text += fmt::format("  {:<24}{}\n", fact.key, fact.value.value_or("not known"));
  text += "Keyrings\n";
  for (std::size_t i = 0; i < kRingCount; ++i) text += ring_line(platform, static_cast<Ring>(i));
  text += fmt::format("  {:<24}{} hashes, {} certificates\n", ".blacklist",
                      platform.signatures.blocklist.entries().size(),
                      platform.revoked ? platform.revoked->keys().size() : 0);
  if (!capture.notes.empty()) text += "Notes\n";
  for (const std::string& note : capture.notes) text += fmt::format("  {}\n", note);
  return text;
}

std::string platform_to_json(const Capture& capture) {
  const Platform& platform = capture.platform;
  Json json{{"schema", "assay.platform/1"},
            {"platform", platform.name},
            {"version", to_string(platform.kernel.version)},
            {"variant", variant_name(platform.kernel.variant)},
            {"arch", arch_name(platform.kernel.arch)},
            {"release", encode_name(platform.release)}};
  json["config_known"] = platform.config.is_known();
  json["cmdline"] = platform.cmdline ? Json(*platform.cmdline) : Json(nullptr);
  for (const Fact& fact : facts_of(platform.state)) {
    Json& value = json["state"][std::string(fact.key)];
    if (!fact.value)
      value = nullptr;
    else if (*fact.value == "true" || *fact.value == "false")
      value = *fact.value == "true";
    else
      value = *fact.value;
  }
  json["keyrings"] = Json::array();
  for (std::size_t i = 0; i < kRingCount; ++i)
    json["keyrings"].push_back(ring_of(platform, static_cast<Ring>(i)));
  json["blocklist"] = platform.signatures.blocklist.entries();
  json["notes"] = capture.notes;
  return line(json);
}

std::string check_to_text(const std::string& name, std::span<const CheckRow> rows,
                          std::span<const Gap> gaps, const TextStyle& style) {
  std::string text = fmt::format("What {} enforces\n", name);
  std::string_view area;
  for (const CheckRow& row : rows) {
    if (row.area != area) text += fmt::format("{}\n", row.area);
    area = row.area;
    text += fmt::format("  {:<52} {}", row.subject, row.answer);
    if (!row.open.empty()) text += fmt::format(": {} would decide", fmt::join(row.open, ", "));
    text += '\n';
    if (style.verbose && !row.because.empty())
      text += fmt::format("      {} [{}]\n", row.because, row.kernel_function);
  }
  text += gaps.empty() ? "No gaps that are known of\n" : "Gaps\n";
  for (const Gap& gap : gaps) {
    text += fmt::format("  {}{} [{}, {}]\n", gap.open.empty() ? "" : "perhaps: ", gap.text, gap.id,
                        gap.kernel_function);
    if (!gap.open.empty())
      text += fmt::format("      {} would decide\n", fmt::join(gap.open, ", "));
    text += fmt::format("      helps: {}\n", gap.remedy);
  }
  return text;
}

std::string check_to_json(const std::string& name, std::span<const CheckRow> rows,
                          std::span<const Gap> gaps) {
  std::string text;
  for (const CheckRow& row : rows)
    text += line(Json{{"schema", "assay.platform-check/1"},
                      {"platform", name},
                      {"area", row.area},
                      {"subject", row.subject},
                      {"answer", row.answer},
                      {"because", row.because},
                      {"kernel_function", row.kernel_function},
                      {"open", row.open}});
  for (const Gap& gap : gaps)
    text += line(Json{{"schema", "assay.platform-gap/1"},
                      {"platform", name},
                      {"area", gap.area},
                      {"id", gap.id},
                      {"certain", gap.open.empty()},
                      {"text", gap.text},
                      {"remedy", gap.remedy},
                      {"kernel_function", gap.kernel_function},
                      {"open", gap.open}});
  return text;
}

std::string matrix_to_text(std::span<const MatrixCell> cells, const TextStyle& style) {
  std::string text = fmt::format("{:<26}", "");
  for (const Arch arch : kMatrixArches) text += fmt::format("{:<12}", arch_name(arch));
  text += '\n';
  for (const std::string_view option : kMatrixOptions) {
    text += fmt::format("{:<26}", option);
    for (const Arch arch : kMatrixArches) {
      for (const MatrixCell& cell : cells) {
        if (cell.arch != arch || cell.option != option) continue;
        std::string word = cell.selectable == nullptr ? "-" : "can be";
        const std::size_t all = cell.on_in.size() + cell.off_in.size();
        if (cell.selectable != nullptr && all != 0)
          word = fmt::format("on in {}/{}", cell.on_in.size(), all);
        text += fmt::format("{:<12}", word);
      }
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  for (const MatrixCell& cell : cells) {
    const bool has_configs = !cell.on_in.empty() || !cell.off_in.empty();
    if (cell.selectable == nullptr || (!style.verbose && !has_configs)) continue;
    text += fmt::format("{} {}: {}", arch_name(cell.arch), cell.option, cell.selectable->where);
    if (!cell.selectable->note.empty()) text += fmt::format(", {}", cell.selectable->note);
    if (!cell.on_in.empty()) text += fmt::format("; on in {}", fmt::join(cell.on_in, ", "));
    if (!cell.off_in.empty()) text += fmt::format("; off in {}", fmt::join(cell.off_in, ", "));
    text += '\n';
  }
  return text;
}

std::string matrix_to_json(std::span<const MatrixCell> cells) {
  std::string text;
  for (const MatrixCell& cell : cells) {
    Json json{{"schema", "assay.platform-matrix/1"},
              {"arch", arch_name(cell.arch)},
              {"option", fmt::format("CONFIG_{}", cell.option)},
              {"selectable", cell.selectable != nullptr}};
    json["where"] = cell.selectable ? Json(cell.selectable->where) : Json(nullptr);
    json["note"] = cell.selectable ? Json(cell.selectable->note) : Json(nullptr);
    json["on_in"] = cell.on_in;
    json["off_in"] = cell.off_in;
    text += line(json);
  }
  return text;
}

}  // namespace assay
