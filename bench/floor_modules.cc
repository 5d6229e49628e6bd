// The floor for verifying modules: what no verifier can do without. Opens and reads every module of a
// folder, hashes what its signature is over, and makes one RSA verification each, with libcrypto alone. It
// trusts every byte it reads and checks nothing else.
//
//   floor_modules THREADS CERTIFICATE.der FOLDER [IMAGE END]
//
// With IMAGE, one of the threads first decompresses the xz payload of a bzImage up to its END-th byte.

#include <lzma.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using Bytes = std::vector<unsigned char>;

Bytes read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool verify(const std::string& path, EVP_PKEY* key, Bytes& buffer) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  struct stat status{};
  if (fd < 0 || ::fstat(fd, &status) != 0) return false;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (buffer.size() < size) buffer.resize(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(fd, buffer.data() + filled, size - filled);
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  ::close(fd);
  const unsigned char* end = buffer.data() + size - 28;
  const std::size_t signature_size = static_cast<std::size_t>(end[-4]) << 24 | static_cast<std::size_t>(end[-3]) << 16 |
                                     static_cast<std::size_t>(end[-2]) << 8 | end[-1];
  const std::size_t payload = size - 40 - signature_size;
  unsigned char digest[32];
  unsigned digest_size = 0;
  EVP_Digest(buffer.data(), payload, digest, &digest_size, EVP_sha256(), nullptr);
  const auto rsa_size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  EVP_PKEY_verify_init(context);
  EVP_PKEY_CTX_set_signature_md(context, EVP_sha256());
  const int good = EVP_PKEY_verify(context, end - 12 - rsa_size, rsa_size, digest, digest_size);
  EVP_PKEY_CTX_free(context);
  return good == 1;
}

// The boot protocol's payload_offset and payload_length; an xz stream, ended early.
void decompress(const std::string& path, std::size_t until) {
  const Bytes image = read_whole(path);
  const auto le32 = [&](std::size_t at) { return image[at] | image[at + 1] << 8 | image[at + 2] << 16 | static_cast<unsigned>(image[at + 3]) << 24; };
  const std::size_t start = (image[0x1f1] + 1U) * 512U + le32(0x248);
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, UINT64_MAX, 0) != LZMA_OK) std::abort();
  Bytes out(1 << 20);
  stream.next_in = image.data() + start;
  stream.avail_in = le32(0x24c);
  while (stream.total_out < until) {
    stream.next_out = out.data();
    stream.avail_out = out.size();
    if (lzma_code(&stream, LZMA_RUN) != LZMA_OK) break;
  }
  lzma_end(&stream);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 6) return 2;
  const int threads = std::atoi(argv[1]);
  const Bytes der = read_whole(argv[2]);
  const unsigned char* next = der.data();
  X509* certificate = d2i_X509(nullptr, &next, static_cast<long>(der.size()));
  EVP_PKEY* key = X509_get_pubkey(certificate);
  std::vector<std::string> modules;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[3]))
    if (entry.path().extension() == ".ko") modules.push_back(entry.path().string());
  std::atomic<std::size_t> next_module = 0;
  std::atomic<std::size_t> good = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i)
    workers.emplace_back([&, i] {
      if (i == 0 && argc == 6) decompress(argv[4], std::strtoull(argv[5], nullptr, 10));
      Bytes buffer(1 << 20);
      for (std::size_t at = next_module++; at < modules.size(); at = next_module++)
        if (verify(modules[at], key, buffer)) ++good;
    });
  for (std::thread& worker : workers) worker.join();
  std::printf("%zu of %zu\n", good.load(), modules.size());
  return good == modules.size() ? 0 : 1;
}
