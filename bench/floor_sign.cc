// Floors for signing: what no signer can do without. Prints nothing; its time is the figure.
//
//   floor_sign THREADS SIGNER COUNT               COUNT signatures of a SHA-256 digest, and nothing else
//   floor_sign THREADS SIGNER FROM TO none|run    all modules of a folder read, hashed, signed, and written with
//                                                 the value behind them
//   floor_sign THREADS copy FROM TO none|run      the same, neither hashed nor signed
//
// SIGNER is `key KEY.pem`, by libcrypto, or `token MODULE TOKEN PIN`, a PKCS#11 token's one RSA key, a session a
// thread. `run`: files are written under other names, which are synced before they replace anything, and again after.

#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <p11-kit/pkcs11.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "floor_sign: %s\n", what);
  std::exit(2);
}

// Calls work(index) for each of `count`, on so many threads; `start` makes what one thread needs.
void spread(unsigned threads, std::size_t count, const std::function<std::function<void(std::size_t)>()>& start) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> all;
  for (unsigned i = 0; i < threads; ++i)
    all.emplace_back([&] {
      const auto work = start();
      for (std::size_t at = next++; at < count; at = next++) work(at);
    });
}

// One thread's: the value of a digest.
using Sign = std::function<std::string(const unsigned char digest[32])>;
using OpenSigner = std::function<Sign()>;

OpenSigner open_key(const char* path) {
  std::FILE* file = std::fopen(path, "r");
  EVP_PKEY* key = file == nullptr ? nullptr : PEM_read_PrivateKey(file, nullptr, nullptr, nullptr);
  if (key == nullptr) give_up("no key");
  std::fclose(file);
  return [key] {
    return [key](const unsigned char digest[32]) {
      std::string value(1024, '\0');
      std::size_t size = value.size();
      EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
      if (EVP_PKEY_sign_init(context) != 1 || EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) != 1 ||
          EVP_PKEY_sign(context, reinterpret_cast<unsigned char*>(value.data()), &size, digest, 32) != 1)
        give_up("no signature");
      EVP_PKEY_CTX_free(context);
      value.resize(size);
      return value;
    };
  };
}

OpenSigner open_token(const char* module, const std::string& token, std::string pin) {
  void* library = ::dlopen(module, RTLD_NOW);
  const auto get = library == nullptr ? nullptr : reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  if (get == nullptr || get(&functions) != CKR_OK || functions->C_Initialize(&arguments) != CKR_OK) give_up("no module");
  CK_SLOT_ID slots[16];
  CK_ULONG slot_count = 16;
  if (functions->C_GetSlotList(CK_TRUE, slots, &slot_count) != CKR_OK) give_up("no slots");
  CK_SLOT_ID slot = 0;
  bool found = false;
  for (CK_ULONG i = 0; i < slot_count; ++i) {
    CK_TOKEN_INFO info{};
    if (functions->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    const std::string label(info.label, info.label + sizeof info.label);
    if (label.substr(0, label.find_last_not_of(' ') + 1) == token) {
      slot = slots[i];
      found = true;
    }
  }
  if (!found) give_up("no token");
  const auto open = [functions, slot] {
    CK_SESSION_HANDLE session = 0;
    if (functions->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK) give_up("no session");
    return session;
  };
  const CK_SESSION_HANDLE first = open();
  if (functions->C_Login(first, CKU_USER, reinterpret_cast<unsigned char*>(pin.data()), pin.size()) != CKR_OK) give_up("no login");
  CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE wanted{CKA_CLASS, &object_class, sizeof object_class};
  CK_OBJECT_HANDLE key = 0;
  CK_ULONG keys = 0;
  if (functions->C_FindObjectsInit(first, &wanted, 1) != CKR_OK || functions->C_FindObjects(first, &key, 1, &keys) != CKR_OK || keys != 1)
    give_up("no key");
  functions->C_FindObjectsFinal(first);
  return [=] {
    const CK_SESSION_HANDLE session = open();
    return [=](const unsigned char digest[32]) {
      // DigestInfo of SHA-256 (RFC 8017, 9.2).
      unsigned char info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
      std::memcpy(info + 19, digest, 32);
      std::string value(1024, '\0');
      CK_ULONG size = value.size();
      CK_MECHANISM mechanism{CKM_RSA_PKCS, nullptr, 0};
      if (functions->C_SignInit(session, &mechanism, key) != CKR_OK ||
          functions->C_Sign(session, info, sizeof info, reinterpret_cast<unsigned char*>(value.data()), &size) != CKR_OK)
        give_up("no signature");
      value.resize(size);
      return value;
    };
  };
}

void sign_digests(unsigned threads, const OpenSigner& signer, std::size_t count) {
  spread(threads, count, [&] {
    return [sign = signer()](std::size_t index) {
      unsigned char digest[32] = {};
      std::memcpy(digest, &index, sizeof index);
      sign(digest);
    };
  });
}

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0 || ::syncfs(fd) != 0) give_up("no sync");
  ::close(fd);
}

// `signer` may be empty.
void write_modules(unsigned threads, const OpenSigner& signer, const std::string& from, const std::string& to, bool is_durable) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(from))
    if (entry.path().extension() == ".ko" && entry.is_regular_file()) names.push_back(entry.path().lexically_relative(from).string());
  for (const std::string& name : names) fs::create_directories((fs::path(to) / name).parent_path());
  const auto temporary = [&](std::size_t index) { return (fs::path(to) / names[index]).string() + (is_durable ? ".new" : ""); };
  spread(threads, names.size(), [&] {
    return [&, sign = signer ? signer() : Sign(), buffer = std::string()](std::size_t index) mutable {
      const int in = ::open((fs::path(from) / names[index]).c_str(), O_RDONLY);
      struct stat status{};
      if (in < 0 || ::fstat(in, &status) != 0) give_up("no file");
      std::size_t size = static_cast<std::size_t>(status.st_size);
      if (buffer.size() < size + 1024) buffer.resize(size + 1024);
      const int out = ::open(temporary(index).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      if (::read(in, buffer.data(), size) != status.st_size) give_up("no copy");
      if (sign) {
        unsigned char digest[SHA256_DIGEST_LENGTH];
        SHA256(reinterpret_cast<unsigned char*>(buffer.data()), size, digest);
        const std::string value = sign(digest);
        buffer.replace(size, value.size(), value);
        size += value.size();
      }
      if (::write(out, buffer.data(), size) != static_cast<ssize_t>(size)) give_up("no copy");
      ::close(in);
      ::close(out);
    };
  });
  if (!is_durable) return;
  sync_folder(to);
  for (std::size_t i = 0; i < names.size(); ++i) fs::rename(temporary(i), fs::path(to) / names[i]);
  sync_folder(to);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> left(argv + 1, argv + argc);
  const auto take = [&left] {
    if (left.empty()) give_up("THREADS key KEY|token MODULE TOKEN PIN|copy then COUNT|FROM TO none|run");
    std::string first = left.front();
    left.erase(left.begin());
    return first;
  };
  const auto threads = static_cast<unsigned>(std::stoul(take()));
  const std::string what = take();
  OpenSigner signer;
  if (what == "key") {
    signer = open_key(take().c_str());
  } else if (what == "token") {
    const std::string module = take();
    const std::string token = take();
    signer = open_token(module.c_str(), token, take());
  } else if (what != "copy") {
    give_up("key, token or copy");
  }
  const std::string first = take();
  if (left.empty()) {
    sign_digests(threads, signer, std::stoul(first));
  } else {
    const std::string to = take();
    write_modules(threads, signer, first, to, take() == "run");
  }
}
