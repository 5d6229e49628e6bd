#include "testing/agreement.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "base/hex.h"
#include "formats/cms.h"
#include "formats/x509.h"
#include "testing/reference_asn1.h"

namespace assay {

namespace {

// What one side saw at one place.
struct Place {
  std::string_view name;
  View oid;
  std::size_t header_size;
  std::optional<std::uint8_t> tag;  // nothing: at the end of a container, where it says nothing
  View value;
};

bool same_view(View a, View b) {
  return a.size() == b.size() && (a.empty() || a.extent() == b.extent());
}

std::string to_text(const Place& place) {
  return fmt::format("{}(oid {}, header {}, tag {}, [{}, +{}))", place.name,
                     to_hex(place.oid.bytes()), place.header_size, place.tag.value_or(0),
                     place.value.origin(), place.value.size());
}

bool same_place(const Place& a, const Place& b) {
  return a.name == b.name && same_view(a.oid, b.oid) && a.header_size == b.header_size &&
         a.tag == b.tag && same_view(a.value, b.value);
}

std::string compare_places(const std::vector<Place>& ours, const std::vector<Place>& kernel) {
  for (std::size_t i = 0; i < std::max(ours.size(), kernel.size()); ++i) {
    const Place* a = i < ours.size() ? &ours[i] : nullptr;
    const Place* b = i < kernel.size() ? &kernel[i] : nullptr;
    if (a == nullptr || b == nullptr || !same_place(*a, *b))
      return fmt::format("place {}: we have {}, the kernel {}", i,
                         a != nullptr ? to_text(*a) : "nothing",
                         b != nullptr ? to_text(*b) : "nothing");
  }
  return {};
}

std::string compare_ending(const std::optional<BerFault>& fault, const GrammarRun& run) {
  const GrammarEnding ours = !fault                                  ? GrammarEnding::complete
                             : fault->kind == BerFaultKind::too_long ? GrammarEnding::emsgsize
                                                                     : GrammarEnding::ebadmsg;
  if (ours == run.ending) return {};
  return fmt::format("we end with \"{}\", the kernel with \"{}\"",
                     fault ? describe(*fault) : "success", run.message);
}

// At these the kernel passes on a tag of something that came before.
bool has_stale_tag(std::string_view action) {
  return action == "note_content" || action == "sig_note_digest_algo" ||
         action == "sig_note_pkey_algo" || action == "sig_note_set_of_authattrs" ||
         action == "note_signed_info" || action == "sig_note_issuer" ||
         action == "note_certificate_list";
}

std::vector<Place> places_of(const GrammarRun& run) {
  std::vector<Place> places;
  for (const GrammarCall& call : run.calls) {
    if (call.action == "note_OID") continue;
    const auto tag = has_stale_tag(call.action) ? std::nullopt : std::optional(call.tag);
    // Where the certificates end nothing is passed on that means anything.
    if (call.action == "note_certificate_list")
      places.push_back({call.action, call.last_oid, 0, tag, View()});
    else
      places.push_back({call.action, call.last_oid, call.header_size, tag, call.value});
  }
  return places;
}

std::string_view action_of(CmsPlace place) {
  switch (place) {
    case CmsPlace::check_content_type: return "check_content_type";
    case CmsPlace::signeddata_version: return "note_signeddata_version";
    case CmsPlace::data: return "note_data";
    case CmsPlace::content: return "note_content";
    case CmsPlace::extract_cert: return "extract_cert";
    case CmsPlace::certificate_list: return "note_certificate_list";
    case CmsPlace::signerinfo_version: return "note_signerinfo_version";
    case CmsPlace::issuer: return "sig_note_issuer";
    case CmsPlace::serial: return "sig_note_serial";
    case CmsPlace::skid: return "sig_note_skid";
    case CmsPlace::digest_algo: return "sig_note_digest_algo";
    case CmsPlace::authenticated_attr: return "sig_note_authenticated_attr";
    case CmsPlace::set_of_authattrs: return "sig_note_set_of_authattrs";
    case CmsPlace::pkey_algo: return "sig_note_pkey_algo";
    case CmsPlace::signature: return "sig_note_signature";
    case CmsPlace::signed_info: return "note_signed_info";
  }
  return "";
}

std::vector<Place> places_of(const CmsMessage& message) {
  std::vector<Place> places;
  for (const CmsItem& item : message.items) {
    const std::string_view name = action_of(item.place);
    const auto tag = has_stale_tag(name) ? std::nullopt : std::optional(item.element.tag);
    places.push_back({name, item.oid_content, item.element.header_size, tag, item.element.content});
  }
  return places;
}

// struct pkcs7_parse_context and pkcs7_signed_info, filled as pkcs7_parser.c does.
struct KernelSigner {
  bool expect_skid = false;
  View first;
  View second;
  View digest_oid;
  View pkey_oid;
  std::optional<View> authattrs;  // without header
  std::optional<View> message_digest;
  std::optional<View> signing_time;
  View signature;
};

struct KernelMessage {
  std::vector<KernelSigner> signers;
  std::vector<View> certificates;
  std::size_t kept_certificates = 0;  // those that pkcs7_note_certificate_list moved to the message
  std::optional<View> data;
};

bool is_oid(View content, Oid oid) { return same_bytes(content, View(oid_content(oid))); }

// pkcs7_extract_cert: the element with its header, and two bytes more when its length is indefinite
// (the end-of-contents octets are counted twice), as far as the message reaches.
View extracted_certificate(View message, const GrammarCall& call) {
  const std::uint64_t start = call.value.origin() - message.origin() - call.header_size;
  std::uint64_t size = call.value.size() + call.header_size;
  if (message[start + 1] == 0x80) size = std::min<std::uint64_t>(size + 2, message.size() - start);
  return message.sub(start, size);
}

KernelMessage replay(const GrammarRun& run, View message) {
  KernelMessage kernel;
  KernelSigner signer;
  View serial, issuer, skid;
  bool expect_skid = false;
  for (const GrammarCall& call : run.calls) {
    if (call.action == "extract_cert")
      kernel.certificates.push_back(extracted_certificate(message, call));
    if (call.action == "note_certificate_list")
      kernel.kept_certificates = kernel.certificates.size();
    if (call.action == "note_data") kernel.data = call.value;
    if (call.action == "note_signerinfo_version" && call.value.size() == 1) {
      if (call.value[0] == 1) expect_skid = false;
      if (call.value[0] == 3) expect_skid = true;
    }
    if (call.action == "sig_note_serial") serial = call.value;
    if (call.action == "sig_note_issuer") issuer = call.value;
    if (call.action == "sig_note_skid") skid = call.value;
    if (call.action == "sig_note_digest_algo") signer.digest_oid = call.last_oid;
    if (call.action == "sig_note_pkey_algo") signer.pkey_oid = call.last_oid;
    if (call.action == "sig_note_set_of_authattrs") signer.authattrs = call.value;
    if (call.action == "sig_note_signature") signer.signature = call.value;
    if (call.action == "sig_note_authenticated_attr") {
      if (is_oid(call.last_oid, Oid::message_digest)) signer.message_digest = call.value;
      if (is_oid(call.last_oid, Oid::signing_time)) signer.signing_time = call.value;
    }
    if (call.action == "note_signed_info") {
      signer.expect_skid = expect_skid;
      signer.first = expect_skid ? skid : serial;
      signer.second = expect_skid ? View() : issuer;
      kernel.signers.push_back(signer);
      signer = {};
    }
  }
  return kernel;
}

bool same_optional(const std::optional<View>& a, const std::optional<View>& b) {
  return a.has_value() == b.has_value() && (!a || same_view(*a, *b));
}

std::optional<View> content_of(const std::optional<BerElement>& element) {
  return element ? std::optional(element->content) : std::nullopt;
}

std::string compare_signers(const CmsMessage& ours, const KernelMessage& kernel) {
  if (ours.signers.size() != kernel.signers.size()) return "number of signers";
  for (std::size_t i = 0; i < ours.signers.size(); ++i) {
    const CmsSigner& a = ours.signers[i];
    const KernelSigner& b = kernel.signers[i];
    const auto wrong = [i](std::string_view what) { return fmt::format("signer {}: {}", i, what); };
    if (a.by_skid != b.expect_skid || !same_view(a.sid.first, b.first) ||
        !same_view(a.sid.second, b.second))
      return wrong("sid");
    if (!same_view(a.digest_algo_oid, b.digest_oid)) return wrong("digest algorithm");
    if (!same_view(a.pkey_algo_oid, b.pkey_oid)) return wrong("signature algorithm");
    if (!same_optional(content_of(a.authattrs), b.authattrs)) return wrong("signed attributes");
    if (!same_optional(a.message_digest, b.message_digest)) return wrong("message digest");
    if (!same_optional(content_of(a.signing_time), b.signing_time)) return wrong("signing time");
    if (!same_view(a.signature, b.signature)) return wrong("signature");
  }
  return {};
}

std::string_view action_of(X509Place place) {
  switch (place) {
    case X509Place::sig_algo: return "note_sig_algo";
    case X509Place::not_before: return "note_not_before";
    case X509Place::not_after: return "note_not_after";
    case X509Place::key_data: return "extract_key_data";
    case X509Place::extension: return "process_extension";
    case X509Place::signature: return "note_signature";
  }
  return "";
}

bool is_x509_place(std::string_view action) {
  return action == "note_sig_algo" || action == "note_not_before" || action == "note_not_after" ||
         action == "extract_key_data" || action == "process_extension" ||
         action == "note_signature";
}

// struct x509_parse_context.
struct KernelCertificate {
  View serial, issuer, subject, tbs;
  bool has_subject = false, has_key = false;
  View params;
  std::optional<View> akid;
};

KernelCertificate replay_certificate(const GrammarRun& run, View data) {
  KernelCertificate kernel;
  const auto with_header = [&](const GrammarCall& call) {
    return data.sub(call.value.origin() - data.origin() - call.header_size,
                    call.value.size() + call.header_size);
  };
  for (const GrammarCall& call : run.calls) {
    if (call.action == "note_serial") kernel.serial = call.value;
    if (call.action == "note_issuer") kernel.issuer = call.value;
    if (call.action == "note_subject") {
      kernel.subject = call.value;
      kernel.has_subject = true;
    }
    if (call.action == "note_params" && kernel.has_subject && !kernel.has_key)
      kernel.params = with_header(call);
    if (call.action == "extract_key_data") kernel.has_key = true;
    if (call.action == "note_tbs_certificate") kernel.tbs = with_header(call);
    if (call.action == "process_extension" && is_oid(call.last_oid, Oid::authority_key_identifier))
      kernel.akid = call.value;
  }
  return kernel;
}

// What x509_akid_note_* keep.
struct KernelAuthority {
  std::optional<View> key, issuer, serial;
};

KernelAuthority replay_authority(const GrammarRun& run) {
  KernelAuthority kernel;
  for (const GrammarCall& call : run.calls) {
    if (call.action == "akid_note_kid") kernel.key = call.value;
    if (call.action == "akid_note_name") kernel.issuer = call.value;
    if (call.action == "akid_note_serial" && kernel.issuer) kernel.serial = call.value;
  }
  return kernel;
}

std::string compare_authority(const Certificate& ours, const KernelCertificate& kernel) {
  if (!kernel.akid) {
    return ours.akid_fault || ours.akid_fault_61 || ours.akid_key || ours.akid_issuer
               ? "authority key identifier out of nowhere"
               : "";
  }
  const GrammarRun newer = run_grammar(Grammar::akid_612, *kernel.akid);
  const GrammarRun older = run_grammar(Grammar::akid_61, *kernel.akid);
  if (std::string bad = compare_ending(ours.akid_fault, newer); !bad.empty()) return "akid: " + bad;
  if (std::string bad = compare_ending(ours.akid_fault_61, older); !bad.empty())
    return "akid of 6.1: " + bad;
  for (const GrammarRun* run : {&newer, &older}) {
    if (run->ending != GrammarEnding::complete) continue;
    const KernelAuthority authority = replay_authority(*run);
    if (!same_optional(ours.akid_key, authority.key)) return "akid: key identifier";
    if (!same_optional(ours.akid_issuer, authority.issuer)) return "akid: issuer";
    if (!same_optional(ours.akid_serial, authority.serial)) return "akid: serial number";
  }
  return {};
}

}  // namespace

std::string compare_cms(View data) {
  const CmsMessage ours = parse_cms(data);
  const GrammarRun run = run_grammar(Grammar::pkcs7, data);
  if (std::string bad = compare_places(places_of(ours), places_of(run)); !bad.empty()) return bad;
  if (std::string bad = compare_ending(ours.fault, run); !bad.empty()) return bad;
  const KernelMessage kernel = replay(run, data);
  if (std::string bad = compare_signers(ours, kernel); !bad.empty()) return bad;
  if (!same_optional(content_of(ours.content), kernel.data)) return "content";
  if (ours.certificates.size() != kernel.certificates.size()) return "number of certificates";
  for (std::size_t i = 0; i < kernel.certificates.size(); ++i) {
    if (!same_view(ours.certificates[i], kernel.certificates[i]))
      return fmt::format("certificate {}: its bytes", i);
    if (std::string bad = compare_certificate(ours.certificates[i]); !bad.empty())
      return fmt::format("certificate {}: {}", i, bad);
  }
  return {};
}

std::string compare_certificate(View data) {
  const Certificate ours = parse_certificate(data);
  const GrammarRun run = run_grammar(Grammar::x509, data);
  std::vector<Place> places;
  for (const X509Item& item : ours.items)
    places.push_back(
        {action_of(item.place), item.oid_content, item.element.header_size,
         item.place == X509Place::sig_algo ? std::nullopt : std::optional(item.element.tag),
         item.element.content});
  std::vector<Place> kernel_places;
  for (const GrammarCall& call : run.calls)
    if (is_x509_place(call.action))
      kernel_places.push_back(
          {call.action, call.last_oid, call.header_size,
           call.action == "note_sig_algo" ? std::nullopt : std::optional(call.tag), call.value});
  if (std::string bad = compare_places(places, kernel_places); !bad.empty()) return bad;
  if (std::string bad = compare_ending(ours.fault, run); !bad.empty()) return bad;
  if (ours.fault) return {};
  const KernelCertificate kernel = replay_certificate(run, data);
  if (!same_view(ours.serial, kernel.serial)) return "serial number";
  if (!same_view(ours.issuer, kernel.issuer)) return "issuer";
  if (!same_view(ours.subject, kernel.subject)) return "subject";
  if (!same_view(ours.key_params, kernel.params)) return "key parameters";
  if (!same_view(ours.tbs, kernel.tbs)) return "tbsCertificate";
  return compare_authority(ours, kernel);
}

}  // namespace assay
