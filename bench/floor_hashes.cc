// The floors for hashing modules, and whole trees, with libcrypto alone.
//
//   floor_hashes hash THREADS FOLDER      opens, reads and hashes every module of a folder
//   floor_hashes files THREADS FOLDER...  the same of every file, links not followed
//   floor_hashes series FOLDER OUT        what the tool of the series does (scripts/modules-merkle-tree.c, version 5):
//                                         on one thread, in the order of modules.order, maps each module, hashes it as
//                                         a leaf, builds the tree, writes a proof a module and the root as C source
//
// It trusts every byte it reads and checks nothing.

#include <openssl/evp.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using Hash = std::array<unsigned char, 32>;

bool hash_file(const std::string& path, std::vector<unsigned char>& buffer) {
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
  Hash digest;
  return filled == size && EVP_Digest(buffer.data(), size, digest.data(), nullptr, EVP_sha256(), nullptr) == 1;
}

int hash_all(unsigned threads, const std::vector<std::string>& folders, bool only_modules) {
  std::vector<std::string> files;
  for (const std::string& folder : folders)
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (only_modules ? entry.path().extension() == ".ko" : entry.is_regular_file() && !entry.is_symlink())
        files.push_back(entry.path().string());
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> good = 0;
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < threads; ++i)
    workers.emplace_back([&] {
      std::vector<unsigned char> buffer;
      for (std::size_t at; (at = next++) < files.size();)
        if (hash_file(files[at], buffer)) ++good;
    });
  for (std::thread& worker : workers) worker.join();
  return good == files.size() && good != 0 ? 0 : 1;
}

Hash leaf_of(const std::string& path, std::uint32_t index, EVP_MD_CTX* context) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  struct stat status{};
  if (fd < 0 || ::fstat(fd, &status) != 0) std::exit(1);
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::exit(1);
  const unsigned char head[5] = {1, static_cast<unsigned char>(index >> 24), static_cast<unsigned char>(index >> 16),
                                 static_cast<unsigned char>(index >> 8), static_cast<unsigned char>(index)};
  Hash leaf;
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  EVP_DigestUpdate(context, head, sizeof head);
  EVP_DigestUpdate(context, mapped, size);
  EVP_DigestFinal_ex(context, leaf.data(), nullptr);
  ::munmap(mapped, size);
  ::close(fd);
  return leaf;
}

Hash node_of(const Hash& left, const Hash& right, EVP_MD_CTX* context) {
  const unsigned char prefix = 2;
  Hash node;
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  EVP_DigestUpdate(context, &prefix, 1);
  EVP_DigestUpdate(context, left.data(), left.size());
  EVP_DigestUpdate(context, right.data(), right.size());
  EVP_DigestFinal_ex(context, node.data(), nullptr);
  return node;
}

std::string proof_of(const std::vector<std::vector<Hash>>& levels, std::uint32_t index) {
  const auto be32 = [](std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  };
  std::string proof;
  be32(proof, index);
  std::size_t at = index;
  for (std::size_t level = 0; level + 1 < levels.size(); ++level, at /= 2) {
    const auto& nodes = levels[level];
    const Hash& sibling = nodes[std::min(at ^ 1, nodes.size() - 1)];
    proof.append(reinterpret_cast<const char*>(sibling.data()), sibling.size());
  }
  const auto size = static_cast<std::uint32_t>(proof.size());
  proof.append("\0\0\3\0\0\0\0\0", 8);
  be32(proof, size);
  return proof + "~Module signature appended~\n";
}

int as_the_series(const std::string& folder, const std::string& out) {
  std::ifstream order(folder + "/modules.order");
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::vector<std::vector<Hash>> levels(1);
  std::vector<std::string> names;
  for (std::string line; std::getline(order, line);) {
    levels[0].push_back(leaf_of(folder + "/" + line, static_cast<std::uint32_t>(levels[0].size()), context));
    names.push_back(line);
  }
  if (names.empty()) return 1;
  while (levels.back().size() > 1 || levels.size() == 1) {
    const auto& below = levels.back();
    std::vector<Hash> above;
    for (std::size_t i = 0; i < below.size(); i += 2)
      above.push_back(node_of(below[i], below[std::min(i + 1, below.size() - 1)], context));
    levels.push_back(std::move(above));
  }
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    const std::string path = out + "/" + std::to_string(i) + ".merkle";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return 1;
    const std::string proof = proof_of(levels, i);
    std::fwrite(proof.data(), 1, proof.size(), file);
    std::fclose(file);
  }
  std::FILE* source = std::fopen((out + "/root.c").c_str(), "w");
  if (source == nullptr) return 1;
  for (const unsigned char byte : levels.back().front()) {
    std::fprintf(source, "0x%02x, ", byte);
    std::printf("%02x", byte);
  }
  std::fclose(source);
  std::printf("\n");
  EVP_MD_CTX_free(context);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool only_modules = argc == 4 && std::strcmp(argv[1], "hash") == 0;
  if (only_modules || (argc >= 4 && std::strcmp(argv[1], "files") == 0))
    return hash_all(static_cast<unsigned>(std::atoi(argv[2])), {argv + 3, argv + argc}, only_modules);
  if (argc == 4 && std::strcmp(argv[1], "series") == 0) return as_the_series(argv[2], argv[3]);
  return 2;
}
