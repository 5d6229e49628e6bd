// tests/cli/kernel_sample.h - kernels, modules and keys made for a test: what a package holds,
// small. Keys and signatures are OpenSSL's.

#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bytes/view.h"
#include "testing/elf_sample.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {

using Bytes = std::vector<std::uint8_t>;

inline void run_or_fail(const std::vector<std::string>& command) {
  const Finished finished = run_command(command);
  ASSERT_EQ(finished.status, 0) << command[0] << " " << command[1] << ": " << finished.error;
}

// `payload` with `message` appended (scripts/sign-file.c).
inline Bytes append_signature(const Bytes& payload, const Bytes& message,
                              std::uint8_t id_type = 2) {
  Bytes file = payload;
  file.insert(file.end(), message.begin(), message.end());
  file.insert(file.end(), {0, 0, id_type, 0, 0, 0, 0, 0});
  for (int shift = 24; shift >= 0; shift -= 8)
    file.push_back(static_cast<std::uint8_t>(message.size() >> shift));
  for (const char c : std::string_view("~Module signature appended~\n"))
    file.push_back(static_cast<std::uint8_t>(c));
  return file;
}

// An RSA key and a certificate for it.
class SigningKey {
 public:
  explicit SigningKey(std::string name, const std::string& digest = "sha256",
                      const std::string& serial = "7")
      : name_(std::move(name)) {
    run_or_fail({"openssl", "genrsa", "-out", key(), "2048"});
    certify(digest, serial);
  }

  // Another certificate of the same name for the same key.
  void certify(const std::string& digest, const std::string& serial) {
    run_or_fail({"openssl", "req", "-new", "-x509", "-key", key(), "-" + digest, "-set_serial",
                 serial, "-subj", "/CN=" + name_, "-days", "9999", "-out", pem()});
    run_or_fail({"openssl", "x509", "-in", pem(), "-outform", "DER", "-out", certificate()});
  }

  std::string certificate() const { return folder_ / "certificate.der"; }
  Bytes der() const { return read_file(certificate()); }

  // `payload` with an appended signature.
  Bytes sign(const Bytes& payload, std::uint8_t id_type = 2,
             const std::string& digest = "sha256") const {
    const std::string data = folder_ / "data";
    const std::string message = folder_ / "message";
    write_file(data, payload);
    run_or_fail({"openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", digest,
                 "-outform", "DER", "-in", data, "-signer", pem(), "-inkey", key(), "-out",
                 message});
    return append_signature(payload, read_file(message), id_type);
  }

  std::string key() const { return folder_ / "key.pem"; }
  std::string pem() const { return folder_ / "certificate.pem"; }

 private:
  std::string name_;
  TemporaryFolder folder_;
};

// A module built for `release`, not signed.
inline Bytes sample_module(const std::string& release) {
  std::string info = "vermagic=" + release + " SMP mod_unload";
  info += '\0';
  ElfSample sample(true, false);
  sample.sections.push_back({".modinfo", 1, Bytes(info.begin(), info.end())});
  return sample.write();
}

// One that sample_image() of the same release loads, with kSampleConfig, once it is signed.
inline Bytes loadable_module(const std::string& release) {
  std::string info = "name=sample";
  for (const std::string& entry : {std::string("license=GPL"), std::string("intree=Y"),
                                   "vermagic=" + release + " SMP mod_unload aarch64"})
    info += '\0' + entry;
  info += '\0';
  ElfSample sample(true, false);
  sample.machine = 183;  // EM_AARCH64
  sample.sections.push_back({".modinfo", 1, Bytes(info.begin(), info.end())});
  sample.sections.push_back({".gnu.linkonce.this_module", 1, Bytes(64)});
  sample.add_symbols({{"init_module", 0, 0, 1}});
  return sample.write();
}

// An arm64 Image with a banner and a system certificate list (certs/system_certificates.S), between
// bytes that cannot be compressed. Of several certificates the first is the modules'.
inline Bytes sample_image(const std::string& release, const Bytes& certificate,
                          std::optional<std::size_t> module_certificate_size = {}) {
  constexpr std::size_t kBanner = 0x8000;
  constexpr std::size_t kList = 0x10000;
  constexpr std::size_t kAlignment = 256;
  Bytes image(0x20000);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : image) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  const auto put = [&image](std::size_t at, const auto& bytes) {
    for (const auto byte : bytes) image[at++] = static_cast<std::uint8_t>(byte);
  };
  const auto put_word = [&image](std::size_t at, std::size_t value) {
    for (std::size_t i = 0; i < 8; ++i) image[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  put(0, Bytes(64));
  put(56, std::string_view("ARM\x64"));
  put(kBanner,
      "Linux version " + release + " (me@home) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP\n");
  const std::size_t words = (kList + certificate.size() + kAlignment - 1) / kAlignment * kAlignment;
  put(kList, Bytes(words + 2 * kAlignment - kList));
  put(kList, certificate);
  put_word(words, certificate.size());
  put_word(words + kAlignment, module_certificate_size.value_or(certificate.size()));
  return image;
}

inline constexpr std::string_view kSampleConfig =
    "CONFIG_MODULES=y\nCONFIG_MODULE_SIG=y\nCONFIG_CRYPTO_SHA256=y\nCONFIG_CRYPTO_RSA=y\n"
    "CONFIG_SMP=y\nCONFIG_MODULE_UNLOAD=y\n";

}  // namespace assay
