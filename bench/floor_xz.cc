// The floor for reading a Debian package: liblzma's single-threaded decoder over its data.tar.xz.
//
//   floor_xz PACKAGE.deb

#include <lzma.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> package{std::istreambuf_iterator<char>(file), {}};
  std::size_t at = 8;
  std::size_t size = 0;
  while (at + 60 <= package.size()) {
    size = std::strtoull(std::string(package.data() + at + 48, 10).c_str(), nullptr, 10);
    if (std::memcmp(package.data() + at, "data.tar.xz", 11) == 0) break;
    at += 60 + size + size % 2;
  }
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, UINT64_MAX, 0) != LZMA_OK) return 1;
  std::vector<unsigned char> out(1 << 20);
  stream.next_in = reinterpret_cast<const unsigned char*>(package.data() + at + 60);
  stream.avail_in = size;
  lzma_ret status = LZMA_OK;
  while (status == LZMA_OK) {
    stream.next_out = out.data();
    stream.avail_out = out.size();
    status = lzma_code(&stream, LZMA_FINISH);
  }
  std::printf("%llu bytes\n", static_cast<unsigned long long>(stream.total_out));
  lzma_end(&stream);
  return status == LZMA_STREAM_END ? 0 : 1;
}
