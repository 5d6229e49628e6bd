#include "report/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/name.h"
#include "catalogue/proofs.h"
#include "report/ima_record_report.h"
#include "survey/verify_pe.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

// One line. Bytes that are not UTF-8 cannot stand in JSON; names are encoded before they come here,
// and what else slips through is replaced.
std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json extent_of(Extent where, const std::string& in) {
  Json json{{"offset", where.offset}, {"size", where.size}};
  if (!in.empty()) json["in"] = in;
  return json;
}

Json reason_of(const ReasonReport& reason) {
  Json json{{"id", reason.id}};
  json["errno"] = reason.err == Errno::none ? Json(nullptr) : Json(errno_name(reason.err));
  json["errno_number"] = reason.err == Errno::none ? Json(nullptr) : Json(errno_number(reason.err));
  json["kernel_function"] =
      reason.kernel_function.empty() ? Json(nullptr) : Json(reason.kernel_function);
  json["extent"] = extent_of(reason.where, reason.in);
  json["text"] = reason.text;
  if (!reason.cause.empty()) json["cause"] = reason.cause;
  return json;
}

Json signature_of(const SignatureReport& signature) {
  Json json{{"carrier", signature.carrier},
            {"status", standing_name(signature.standing)},
            {"signer", signature.signer}};
  if (!signature.record.empty()) json["record"] = signature.record;
  if (!signature.covers.empty()) json["covers"] = signature.covers;
  if (!signature.serial.empty()) json["serial"] = signature.serial;
  if (!signature.key_identifier.empty()) json["key_identifier"] = signature.key_identifier;
  json["hash"] = signature.hash;
  json["digest"] = signature.digest.empty() ? Json(nullptr) : Json(signature.digest);
  json["algorithm"] = signature.algorithm;
  if (const auto& own = signature.certificate)
    json["certificate"] = {{"subject", own->subject}, {"fingerprint", own->fingerprint}};
  json["extent"] = extent_of(signature.where, {});
  return json;
}

Json trust_of(const TrustReport& trust) {
  Json json{{"source", trust.source}, {"name", trust.name}, {"fingerprint", trust.fingerprint}};
  if (!trust.image.empty()) {
    json["image"] = trust.image;
    json["image_status"] = standing_name(trust.image_standing);
    json["found_by"] = trust.found_by;
  }
  return json;
}

Json builtin_certificate_of(const std::vector<std::uint8_t>& der, Extent where) {
  const Certificate certificate = parse_certificate(View(der));
  const auto fingerprint = compute_digest(Hash::sha256, der);
  Json json{{"subject", name_text(certificate.subject)}, {"issuer", name_text(certificate.issuer)}};
  json["serial"] = to_hex(certificate.serial.bytes());
  json["fingerprint"] = fingerprint ? Json(fingerprint->hex()) : Json(nullptr);
  json["extent"] = extent_of(where, "payload");
  json["der"] = to_hex(der);
  return json;
}

// The certificates of the list and their places in the decompressed payload.
Json builtin_of(const SystemCertificates& list) {
  Json json = Json::array();
  std::uint64_t offset = list.where.offset;
  for (const auto& der : list.certificates) {
    json.push_back(builtin_certificate_of(der, {offset, der.size()}));
    offset += der.size();
  }
  return json;
}

Json pe_of(const PeReport& pe) {
  Json json{
      {"digests", Json::array()}, {"differences", pe.differences}, {"uncovered", Json::array()}};
  for (const PeReport::ImageDigest& one : pe.digests) {
    Json digest{{"verifiers", one.verifiers}, {"algorithm", one.algorithm}};
    digest["digest"] = one.digest.empty() ? Json(nullptr) : Json(one.digest);
    if (!one.refusal.empty()) digest["refused"] = one.refusal;
    json["digests"].push_back(std::move(digest));
  }
  for (const Extent extent : pe.uncovered) json["uncovered"].push_back(extent_of(extent, {}));
  return json;
}

Json steps_of(const std::vector<Step>& steps) {
  Json json = Json::array();
  for (const Step& step : steps) {
    Json one{{"rule", step.rule->id},
             {"mechanism", step.rule->mechanism()},
             {"finding", finding_name(step.finding)}};
    one["errno"] = errno_name(step.err);
    one["because"] = step.because;
    one["extent"] = extent_of(step.where, {});
    json.push_back(std::move(one));
  }
  return json;
}

Json signer_of(const CmsSigner& signer, const SignatureEvidence& evidence) {
  Json json{{"version", signer.version}};
  if (signer.by_skid) {
    json["key_identifier"] = to_hex(signer.sid);
  } else {
    json["issuer"] = name_text(signer.issuer);
    json["serial"] = to_hex(signer.serial.bytes());
  }
  json["hash"] = oid_text(signer.digest_algo_oid);
  json["algorithm"] = oid_text(signer.pkey_algo_oid);
  if (const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo))
    if (const Digest* digest = evidence.content_digest(algorithm->hash))
      json["digest"] = digest->hex();
  json["signed_attributes"] = signer.authattrs.has_value();
  if (signer.message_digest) json["message_digest"] = to_hex(signer.message_digest->bytes());
  if (signer.signing_time) json["signing_time"] = signer.signing_time->content.text();
  json["signature_size"] = signer.signature.size();
  json["extent"] = extent_of(signer.raw.extent(), {});
  return json;
}

Json certificate_of(const Certificate& certificate) {
  Json json{{"subject", name_text(certificate.subject)}, {"issuer", name_text(certificate.issuer)}};
  json["serial"] = to_hex(certificate.serial.bytes());
  if (certificate.skid) json["key_identifier"] = to_hex(certificate.skid->bytes());
  json["key"] = oid_text(certificate.key_algo_oid);
  json["signed_with"] = oid_text(certificate.sig_algo_oid);
  if (certificate.not_before) json["not_before"] = *certificate.not_before;
  if (certificate.not_after) json["not_after"] = *certificate.not_after;
  json["extent"] = extent_of(certificate.raw.extent(), {});
  return json;
}

Json appended_of(const AppendedEvidence& appended) {
  const SignatureTrailer& trailer = appended.trailer;
  Json json{{"carrier", "appended"}};
  if (trailer.block) {
    const InfoBlock& block = *trailer.block;
    json["block"] = {{"algo", block.algo},
                     {"hash", block.hash},
                     {"id_type", block.id_type},
                     {"signer_len", block.signer_len},
                     {"key_id_len", block.key_id_len},
                     {"pad_is_zero", block.pad_is_zero},
                     {"sig_len", block.sig_len}};
    if (trailer.splits) {
      json["payload"] = extent_of({0, trailer.payload_size}, {});
      json["extent"] = extent_of(trailer.signature_extent(), {});
    }
  }
  if (!appended.signature) return json;
  const CmsMessage& cms = appended.signature->cms();
  json["content_type"] = oid_text(cms.content_type);
  json["attached_content"] = cms.content ? Json(cms.content->content.size()) : Json(nullptr);
  json["trailing_bytes"] = cms.trailing.size();
  if (cms.fault)
    json["stops"] = {{"extent", extent_of(cms.fault->where, {})}, {"text", describe(*cms.fault)}};
  json["signers"] = Json::array();
  for (const CmsSigner& signer : cms.signers)
    json["signers"].push_back(signer_of(signer, *appended.signature));
  json["certificates"] = Json::array();
  for (const auto& certificate : appended.signature->certificates())
    json["certificates"].push_back(certificate_of(certificate->x509()));
  return json;
}

// An Authenticode signature: what it says of the image, who made it.
void add_message(const SignatureEvidence& signature, const IndirectData& indirect,
                 const PeBootEvidence& image, Json& json) {
  const CmsMessage& cms = signature.cms();
  if (cms.fault)
    json["stops"] = {{"extent", extent_of(cms.fault->where, {})}, {"text", describe(*cms.fault)}};
  if (indirect.digest_algo) json["image_hash"] = oid_text(*indirect.digest_algo);
  if (indirect.digest) {
    const std::string digest = to_hex(indirect.digest->bytes());
    json["image_digest"] = digest;
    json["is_of_image"] = std::ranges::any_of(
        image.digests, [&](const auto& one) { return one.digest.hex() == digest; });
  }
  json["signers"] = Json::array();
  for (const CmsSigner& signer : cms.signers)
    json["signers"].push_back(signer_of(signer, signature));
  json["certificates"] = Json::array();
  for (const auto& certificate : signature.certificates())
    json["certificates"].push_back(certificate_of(certificate->x509()));
}

// One WIN_CERTIFICATE.
Json entry_of(const PeCertificateEntry& entry, const PeBootEvidence& image) {
  Json json{{"carrier", "pe"},
            {"revision", entry.certificate.revision},
            {"type", entry.certificate.type},
            {"extent", extent_of(entry.where, {})}};
  if (!entry.signature) return json;
  add_message(*entry.signature, entry.indirect, image, json);
  for (const NestedSignature& nested : entry.nested) {
    Json inner{{"extent", extent_of(nested.signature.bytes().extent(), {})}};
    add_message(nested.signature, nested.indirect, image, inner);
    json["nested"].push_back(std::move(inner));
  }
  return json;
}

Json image_of(const PeBootEvidence& image) {
  const PeHeaders& headers = image.headers;
  Json json{{"machine", headers.coff.machine}, {"time_stamp", headers.coff.time_stamp}};
  if (headers.optional) {
    json["subsystem"] = headers.optional->subsystem;
    json["size_of_headers"] = headers.optional->headers_size;
    json["checksum"] = headers.optional->checksum;
    json["directories"] = headers.optional->directory_count;
  }
  if (headers.certificate_table)
    json["certificate_table"] =
        extent_of({headers.certificate_table->address, headers.certificate_table->size}, {});
  json["sections"] = Json::array();
  for (std::size_t i = 0; i < image.sections.size(); ++i)
    json["sections"].push_back(
        {{"name", encode_name(image.section_names[i])},
         {"extent", extent_of({image.sections[i].raw_offset, image.sections[i].raw_size}, {})},
         {"virtual_size", image.sections[i].virtual_size}});
  if (image.sbat && *image.sbat) {
    json["sbat"] = Json::array();
    for (const SbatEntry& entry : **image.sbat)
      json["sbat"].push_back({{"component", encode_name(entry.component)},
                              {"generation", entry.generation},
                              {"vendor", encode_name(entry.vendor)},
                              {"package", encode_name(entry.package)},
                              {"version", encode_name(entry.version)},
                              {"url", encode_name(entry.url)}});
  }
  const Json beside = pe_of(describe_pe(image));
  for (const auto& [name, value] : beside.items()) json[name] = value;
  return json;
}

}  // namespace

std::string to_json(const ArtifactReport& report) {
  Json json{{"schema", "assay.artifact/1"},
            {"path", report.path},
            {"kind", report.kind},
            {"format", report.format}};
  json["status"] = standing_name(report.standing);
  if (!report.release.empty()) json["release"] = encode_name(report.release);
  if (!report.kernel.empty()) json["rules"] = report.kernel;
  if (!report.note.empty()) json["note"] = report.note;
  json["trust"] = report.trust ? trust_of(*report.trust) : Json(nullptr);
  json["signatures"] = Json::array();
  for (const SignatureReport& signature : report.signatures)
    json["signatures"].push_back(signature_of(signature));
  json["reason"] = report.reason ? reason_of(*report.reason) : Json(nullptr);
  if (report.pe) json["pe"] = pe_of(*report.pe);
  if (!report.steps.empty()) json["steps"] = steps_of(report.steps);
  return line(json);
}

std::string to_json(const Summary& summary) {
  return line(Json{{"schema", "assay.summary/1"},
                   {"artifacts", summary.artifacts},
                   {"verified", summary.verified},
                   {"unsigned", summary.unsigned_},
                   {"untrusted", summary.untrusted},
                   {"bad", summary.bad},
                   {"malformed", summary.malformed},
                   {"undetermined", summary.undetermined},
                   {"unchecked", summary.unchecked},
                   {"images_unverified", summary.images_unverified},
                   {"skipped", summary.skipped}});
}

std::string to_json(const VerdictSummary& summary) {
  return line(Json{{"schema", "assay.verdict-summary/1"},
                   {"artifacts", summary.artifacts},
                   {"allowed", summary.allowed},
                   {"allowed_unverified", summary.allowed_unverified},
                   {"allowed_tainted", summary.allowed_tainted},
                   {"refused", summary.refused},
                   {"crashes", summary.crashes},
                   {"undetermined", summary.undetermined},
                   {"skipped", summary.skipped}});
}

std::string to_json(const Examined& artifact) {
  Json json{{"schema", "assay.inspection/1"},
            {"path", artifact.name},
            {"kind", kind_name(artifact.kind)},
            {"format", artifact.format}};
  json["size"] = artifact.size;
  if (artifact.module) {
    json["module"] = {
        {"name", encode_name(artifact.module->name)},
        {"vermagic", encode_name(artifact.module->vermagic)},
        {"arch", artifact.module->arch ? Json(arch_name(*artifact.module->arch)) : Json(nullptr)}};
  }
  if (artifact.image) {
    const KernelImage& image = *artifact.image;
    json["image"] = {{"arch", image.arch ? Json(arch_name(*image.arch)) : Json(nullptr)},
                     {"banner", encode_name(image.banner)},
                     {"payload", extent_of(image.payload, {})},
                     {"compression", image.payload_codec ? Json(codec_name(*image.payload_codec))
                                                         : Json(nullptr)}};
    if (artifact.builtin && *artifact.builtin) {
      const SystemCertificates& list = **artifact.builtin;
      if (!list.banner.empty()) json["image"]["banner"] = encode_name(list.banner);
      json["image"]["found_by"] = found_by_name(list.found_by);
      json["image"]["certificates"] = builtin_of(list);
    } else if (artifact.builtin) {
      const Error& error = artifact.builtin->error();
      json["image"]["certificates"] = nullptr;
      json["image"]["certificates_error"] = {{"id", reason_id(error.reason)},
                                             {"text", describe(error)}};
    }
  }
  if (artifact.boot) json["pe"] = image_of(*artifact.boot);
  for (const SectionText& one : artifact.texts)
    json["pe"]["texts"][one.section] = encode_name(one.text);
  json["records"] = Json::array();
  if (artifact.boot)
    for (const PeCertificateEntry& entry : artifact.boot->entries)
      json["records"].push_back(entry_of(entry, *artifact.boot));
  if (artifact.appended && artifact.appended->trailer.has_marker)
    json["records"].push_back(appended_of(*artifact.appended));
  for (const ImaRecord& record : artifact.ima)
    for (Json& one : records_to_json(record)) json["records"].push_back(std::move(one));
  if (artifact.error)
    json["error"] = {{"id", reason_id(artifact.error->reason)},
                     {"extent", extent_of(artifact.error->where, {})},
                     {"text", describe(*artifact.error)}};
  return line(json);
}

std::string to_json_error(const Error& error) {
  return line(Json{{"schema", "assay.error/1"},
                   {"path", error.path},
                   {"id", reason_id(error.reason)},
                   {"extent", extent_of(error.where, {})},
                   {"text", describe(error)}});
}

std::string to_json(const Rule& rule, std::uint64_t proving_rows) {
  return line(Json{{"schema", "assay.rule/1"},
                   {"id", rule.id},
                   {"mechanism", rule.mechanism()},
                   {"kernel_function", rule.site},
                   {"holds", rule.holds},
                   {"fails", rule.fails},
                   {"errno", errno_name(rule.otherwise)},
                   {"errno_number", errno_number(rule.otherwise)},
                   {"crashes", rule.crashes},
                   {"kernels", rule.scope.describe()},
                   {"log", rule.log},
                   {"rows", proving_rows}});
}

std::string to_json(const BootRule& rule) {
  return line(Json{{"schema", "assay.boot-rule/1"},
                   {"id", rule.id},
                   {"function", rule.site},
                   {"holds", rule.holds},
                   {"fails", rule.fails},
                   {"status", rule.status},
                   {"rows", 0}});
}

std::string to_json(const JudgedArtifact& judged, const Verdict& verdict) {
  Json json{{"schema", "assay.verdict/1"},
            {"request", judged.request},
            {"path", judged.path},
            {"platform", judged.platform}};
  if (!judged.rules.empty()) json["rules"] = judged.rules;
  json["decision"] = decision_name(verdict.decision);
  const bool returns =
      verdict.decision != Decision::undetermined && verdict.decision != Decision::crashes;
  json["errno"] = returns ? Json(errno_name(verdict.err)) : Json(nullptr);
  json["errno_number"] = returns ? Json(errno_number(verdict.err)) : Json(nullptr);
  json["reason"] = judged.reason ? reason_of(*judged.reason) : Json(nullptr);
  json["deciding_rule"] = verdict.deciding == nullptr ? Json(nullptr) : Json(verdict.deciding->id);
  const bool certain = verdict.decision != Decision::undetermined;
  json["proven"] = certain && is_proven(verdict.deciding, judged.request, judged.kernel);
  if (!judged.taint.empty()) json["taint"] = judged.taint;
  if (judged.signature_err) json["signature_errno"] = errno_name(*judged.signature_err);
  if (!verdict.open.empty()) json["open"] = verdict.open;
  for (const Errno err : verdict.refused_with) json["refused_with"].push_back(errno_name(err));
  json["log"] = verdict.log;
  json["steps"] = steps_of(verdict.steps);
  json["measured"] = judged.measured;
  json["audited"] = judged.audited;
  if (!judged.notes.empty()) json["notes"] = judged.notes;
  return line(json);
}

}  // namespace assay
