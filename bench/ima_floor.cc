// What signing files for IMA cannot do without. Its time is the figure.
//
//   ima_floor THREADS KEY.pem N SIZE     a SHA-256 and an RSA signature by libcrypto of N buffers in memory
//   ima_floor THREADS KEY.pem N FOLDER   the same of the files 0 to N - 1 in FOLDER, which are read and get the signature as security.ima,
//                                        synced at the end

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

// A thread's: one context for all its signatures, which is the fastest that libcrypto is asked.
class Signing {
 public:
  explicit Signing(EVP_PKEY* key) : key_(key), context_(EVP_PKEY_CTX_new(key, nullptr)), digest_(EVP_MD_fetch(nullptr, "SHA256", nullptr)) {
    is_ready_ = EVP_PKEY_sign_init(context_) == 1 && EVP_PKEY_CTX_set_rsa_padding(context_, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context_, EVP_sha256()) == 1;
  }
  Signing(const Signing&) = delete;
  Signing& operator=(const Signing&) = delete;
  ~Signing() {
    EVP_MD_free(digest_);
    EVP_PKEY_CTX_free(context_);
  }

  // Into the bytes behind the header of struct signature_v2_hdr.
  bool sign(std::span<const unsigned char> content, std::vector<unsigned char>& attribute) {
    unsigned char digest[32];
    unsigned digest_size = 0;
    constexpr std::size_t kHeader = 9;
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_));
    attribute.assign(kHeader + size, 0);
    attribute[0] = 3;
    return is_ready_ && EVP_Digest(content.data(), content.size(), digest, &digest_size, digest_, nullptr) == 1 &&
           EVP_PKEY_sign(context_, attribute.data() + kHeader, &size, digest, digest_size) == 1;
  }

 private:
  EVP_PKEY* key_;
  EVP_PKEY_CTX* context_;
  EVP_MD* digest_;
  bool is_ready_ = false;
};

bool sign_file(Signing& signing, const std::string& path, std::vector<unsigned char>& content, std::vector<unsigned char>& attribute) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status{};
  if (file < 0 || ::fstat(file, &status) != 0) return false;
  content.resize(static_cast<std::size_t>(status.st_size));
  const bool done = ::read(file, content.data(), content.size()) == status.st_size && signing.sign(content, attribute) &&
                    ::fsetxattr(file, "security.ima", attribute.data(), attribute.size(), 0) == 0;
  ::close(file);
  return done;
}

bool sync_folder(const char* path) {
  const int folder = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return folder >= 0 && ::syncfs(folder) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::FILE* file = std::fopen(argv[2], "r");
  EVP_PKEY* key = file == nullptr ? nullptr : PEM_read_PrivateKey(file, nullptr, nullptr, nullptr);
  if (key == nullptr) return 2;
  std::fclose(file);
  const int count = std::atoi(argv[3]);
  const long number = std::atol(argv[4]);  // none of a path
  const bool has_files = number == 0;
  std::atomic<int> next = 0;
  std::atomic<bool> failed = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < std::atoi(argv[1]); ++i)
    threads.emplace_back([&] {
      std::vector<unsigned char> content(static_cast<std::size_t>(number));
      std::vector<unsigned char> attribute;
      Signing signing(key);
      for (int at = next++; at < count; at = next++) {
        if (!has_files) content[0] = static_cast<unsigned char>(at);
        if (!(has_files ? sign_file(signing, argv[4] + ('/' + std::to_string(at)), content, attribute) : signing.sign(content, attribute)))
          failed = true;
      }
    });
  threads.clear();
  EVP_PKEY_free(key);
  if (has_files && !sync_folder(argv[4])) failed = true;
  return failed ? 2 : 0;
}
