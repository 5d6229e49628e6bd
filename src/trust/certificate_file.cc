#include "trust/certificate_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "crypto/pem.h"

namespace assay {

namespace {

Result<void> add_certificate(std::vector<std::uint8_t> der, Extent where, Certificates& out) {
  auto certificate = PreparedCertificate::own(std::move(der));
  if (const auto& fault = certificate->x509().fault)
    return fail(Reason::bad_value, {where.offset + fault->where.offset, fault->where.size},
                "certificate: " + describe(*fault));
  out.push_back(std::move(certificate));
  return {};
}

Result<Certificates> parse_der(View bytes) {
  Certificates certificates;
  View rest = bytes;
  while (!rest.empty()) {
    const Certificate outline = parse_certificate(rest);
    if (outline.fault)
      return fail(Reason::bad_value, outline.fault->where,
                  "certificate: " + describe(*outline.fault));
    const auto der = outline.raw.bytes();
    ASSAY_CHECK(add_certificate({der.begin(), der.end()}, outline.raw.extent(), certificates));
    rest = rest.sub(der.size(), rest.size() - der.size());
  }
  return certificates;
}

Result<Certificates> load_file(const std::string& path) {
  ASSAY_TRY(const auto file, open_file(path));
  ContentStream stream(*file);
  ASSAY_TRY(const auto bytes, read_all(stream, limits::kTrustFile));
  return parse_certificates(View(bytes));
}

}  // namespace

Result<Certificates> parse_certificates(View bytes) {
  if (bytes.empty()) return fail(Reason::truncated, {}, "no certificate");
  if (bytes[0] == ber::kSequence) {
    // A certificate longer than BER elements may be for the kernel is cut off here by
    // parse_certificate.
    return parse_der(bytes);
  }
  ASSAY_TRY(auto blocks, parse_pem(bytes));
  Certificates certificates;
  for (PemBlock& block : blocks)
    if (block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE" ||
        block.label == "TRUSTED CERTIFICATE")
      ASSAY_CHECK(add_certificate(std::move(block.der), {}, certificates));
  if (certificates.empty())
    return fail(Reason::bad_value, {},
                fmt::format("PEM without a certificate ({})", blocks[0].label));
  return certificates;
}

Result<Certificates> load_certificates(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    auto loaded = load_file(path);
    if (!loaded) return std::unexpected(with_path(loaded.error(), encode_name(path)));
    return loaded;
  }
  std::vector<std::string> files;
  for (auto entry = std::filesystem::directory_iterator(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->is_regular_file(error)) files.push_back(entry->path().string());
  if (error)
    return std::unexpected(Error{Reason::cannot_list, {}, error.message(), encode_name(path)});
  std::ranges::sort(files);
  Certificates all;
  for (const std::string& file : files) {
    auto loaded = load_file(file);
    if (!loaded) return std::unexpected(with_path(loaded.error(), encode_name(file)));
    std::ranges::move(*loaded, std::back_inserter(all));
  }
  return all;
}

}  // namespace assay
