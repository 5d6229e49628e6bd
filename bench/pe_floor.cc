// The kernel's check of a PE image beside its floor: the SHA-256 of the bytes that the image's
// digest is over, with libcrypto alone.
//
//   pe_floor SHIM IMAGE ROUNDS
//
// Prints the median seconds of the check, with the certificates of SHIM in the keyring, and of the
// floor. Both have the image in memory.

#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bytes/content.h"
#include "judge/pe_sig.h"
#include "trust/boot_material.h"

namespace {

using namespace assay;

std::vector<std::uint8_t> read_whole(const std::string& path) {
  const auto file = open_file(path);
  if (!file) std::exit(2);
  std::vector<std::uint8_t> bytes((*file)->size());
  if (!(*file)->read(0, bytes)) std::exit(2);
  return bytes;
}

template <class Work>
double time_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

void hash_distinct(const std::vector<std::uint8_t>& bytes, const std::vector<Extent>& ranges) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  for (const Extent range : ranges)
    EVP_DigestUpdate(context, bytes.data() + range.offset, range.size);
  EVP_DigestFinal_ex(context, digest, nullptr);
  EVP_MD_CTX_free(context);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto bytes = read_whole(argv[2]);
  const auto material = load_boot_material(argv[1], [](const Error&) {});
  if (!material) return 2;
  const int rounds = std::max(1, std::atoi(argv[3]));
  std::vector<Extent> ranges;
  const auto check = [&] {
    const KernelId kernel{kAnchor61, Variant::debian, Arch::x86_64};
    const auto evidence = collect_pe(ViewContent(View(bytes)));
    if (!evidence) std::exit(2);
    Walk walk(kernel, {}, false);
    SignatureContext context;
    PrimitiveCache cache;
    Keyring ring("shim");
    for (const BootCertificate& one : material->certificates) {
      CertificateState state;
      if (!check_certificate(walk, *one.certificate, context.crypto, context.blocklist, cache,
                             state)
               .failed())
        ring.add({one.certificate, state, KeyState::good, true, one.source});
    }
    TrustedBy by;
    if (verify_pefile_signature(walk, *evidence, context, {&ring, false, nullptr}, by).failed())
      std::exit(1);
    ranges = evidence->ranges.ranges;
  };
  check();
  std::vector<double> ours;
  std::vector<double> floor;
  for (int i = 0; i < rounds; ++i) {
    ours.push_back(time_of(check));
    floor.push_back(time_of([&] { hash_distinct(bytes, ranges); }));
  }
  std::printf("%.6f %.6f\n", median(ours), median(floor));
}
