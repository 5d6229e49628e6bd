// Laws: GRUB accepts nothing without a key, nor with the key of the certificate that the message
// carries where the file is another; a certificate that it takes is one of RSA.

#include "judge/grub_appended.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View file({data, size});
  const auto evidence = collect_appended(ViewContent(file), {});
  fuzz_check(evidence.has_value(), "bytes in memory cannot be read");
  fuzz_check(judge_grub_appended(*evidence, {}).standing != Standing::verified,
             "accepted without a key");
  std::string why;
  const Certificate alone = parse_certificate(file);
  if (is_grub_certificate(alone, why)) fuzz_check(alone.key_algo == Oid::rsa, "another key");
  if (!evidence->signature || evidence->trailer.payload_size == 0) return 0;
  BootMaterial material;
  for (const auto& certificate : evidence->signature->certificates()) {
    const auto der = certificate->x509().raw.bytes();
    material.certificates.push_back(
        {BootDatabase::db, PreparedCertificate::own({der.begin(), der.end()}), "own"});
    if (material.certificates.size() == 4) break;
  }
  if (judge_grub_appended(*evidence, material).standing != Standing::verified) return 0;
  std::vector<std::uint8_t> changed(data, data + size);
  changed[0] ^= 1;
  const auto other = collect_appended(ViewContent(View(changed)), {});
  fuzz_check(other && judge_grub_appended(*other, material).standing != Standing::verified,
             "accepted with another file");
  return 0;
}
