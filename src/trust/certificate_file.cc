#include "trust/certificate_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "crypto/pem.h"
#include "formats/kernel_image.h"

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

// What a PEM block is that is no certificate.
std::string describe_block(std::string_view label) {
  if (label.ends_with("PRIVATE KEY")) return "it is a private key: give the certificate";
  if (label.ends_with("PUBLIC KEY")) return "it is a bare public key: give the certificate";
  return fmt::format("it is PEM of a {}", encode_name(label));
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
  ASSAY_TRY(const auto image, find_kernel_image(*file));
  if (image)
    return fail(
        Reason::not_a_certificate, {},
        "it is a kernel image (verify takes it as --kernel, a platform file as image in [kernel])");
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
  if (bytes.text().find("-----BEGIN ") == std::string_view::npos)
    return fail(Reason::not_a_certificate, {}, "neither PEM nor DER");
  ASSAY_TRY(auto blocks, parse_pem(bytes));
  Certificates certificates;
  for (PemBlock& block : blocks)
    if (block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE" ||
        block.label == "TRUSTED CERTIFICATE")
      ASSAY_CHECK(add_certificate(std::move(block.der), {}, certificates));
  if (certificates.empty())
    return fail(Reason::not_a_certificate, {}, describe_block(blocks[0].label));
  return certificates;
}

Result<Certificates> load_certificates(const std::string& path, const Warn& warn) {
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
    if (loaded)
      std::ranges::move(*loaded, std::back_inserter(all));
    else
      warn(with_path(loaded.error(), encode_name(file)));
  }
  if (all.empty())
    return std::unexpected(
        Error{Reason::not_a_certificate, {}, "no certificate in this folder", encode_name(path)});
  return all;
}

}  // namespace assay
