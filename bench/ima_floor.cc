// What signing files for IMA cannot do without: of each of N buffers of SIZE bytes a SHA-256 and an RSA signature by
// libcrypto, on THREADS threads, in memory. Prints the seconds that it took.
//
//   ima_floor THREADS KEY.pem N SIZE

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

// As assay does it: the digest, then the value over it.
bool sign(EVP_PKEY* key, const std::vector<unsigned char>& content) {
  unsigned char digest[32];
  unsigned digest_size = 0;
  if (EVP_Digest(content.data(), content.size(), digest, &digest_size, EVP_sha256(), nullptr) != 1) return false;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  unsigned char value[512];
  std::size_t size = sizeof value;
  const bool done = EVP_PKEY_sign_init(context) == 1 &&
                    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
                    EVP_PKEY_sign(context, value, &size, digest, digest_size) == 1;
  EVP_PKEY_CTX_free(context);
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::FILE* file = std::fopen(argv[2], "r");
  EVP_PKEY* key = file == nullptr ? nullptr : PEM_read_PrivateKey(file, nullptr, nullptr, nullptr);
  if (key == nullptr) return 2;
  std::fclose(file);
  const int count = std::atoi(argv[3]);
  const auto size = static_cast<std::size_t>(std::atol(argv[4]));
  std::atomic<int> next = 0;
  std::atomic<bool> failed = false;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[1]); ++i)
    threads.emplace_back([&] {
      std::vector<unsigned char> content(size);
      for (int number = next++; number < count; number = next++) {
        content[0] = static_cast<unsigned char>(number);
        if (!sign(key, content)) failed = true;
      }
    });
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("%.6f\n", taken.count());
  EVP_PKEY_free(key);
  return failed ? 2 : 0;
}
