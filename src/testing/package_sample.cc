#include "testing/package_sample.h"

#include <fmt/format.h>

#include <numeric>

namespace assay {

namespace {

constexpr std::size_t kBlock = 512;

// ustar(5), the header of one entry. The checksum is over the header with blanks in its place.
class Header {
 public:
  Header(std::string_view name, std::uint64_t size, char type, std::string_view link)
      : bytes_(kBlock, '\0') {
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, octal(size));
    put(136, octal(0));
    put(156, std::string_view(&type, 1));
    put(157, link);
    put(257, "ustar  ");
  }
  void put(std::size_t at, std::string_view text) { bytes_.replace(at, text.size(), text); }
  static std::string octal(std::uint64_t value) { return fmt::format("{:011o}", value); }
  std::string write() {
    put(148, "        ");
    const unsigned sum = std::accumulate(
        bytes_.begin(), bytes_.end(), 0U,
        [](unsigned so_far, char c) { return so_far + static_cast<unsigned char>(c); });
    put(148, fmt::format("{:06o}", sum) + '\0');
    return bytes_;
  }

 private:
  std::string bytes_;
};

}  // namespace

std::string tar_entry(std::string_view name, std::string_view content, char type,
                      std::string_view link) {
  std::string entry = Header(name, content.size(), type, link).write();
  entry += content;
  entry.resize((entry.size() + kBlock - 1) / kBlock * kBlock);
  return entry;
}

std::string sparse_tar_entry(std::string_view name, std::uint64_t size) {
  Header header(name, kBlock, 'S', {});
  header.put(386, Header::octal(0));       // the first piece starts at 0
  header.put(398, Header::octal(kBlock));  // and has 512 bytes
  header.put(410, Header::octal(size));    // the second is empty, at the end
  header.put(422, Header::octal(0));
  header.put(483, Header::octal(size));
  return header.write() + std::string(kBlock, 'x');
}

std::string tar_end() { return std::string(2 * kBlock, '\0'); }

std::string ar_archive(const std::vector<ArSampleMember>& members) {
  std::string archive = "!<arch>\n";
  for (const ArSampleMember& member : members) {
    archive += fmt::format("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", member.name, 0, 0, 0, "100644",
                           member.content.size());
    archive += member.content;
    if (archive.size() % 2 != 0) archive += '\n';
  }
  return archive;
}

std::string deb_package(std::string_view data_entries) {
  return ar_archive({{"debian-binary", "2.0\n"},
                     {"control.tar", tar_entry("./control", "Package: p\n") + tar_end()},
                     {"data.tar", std::string(data_entries) + tar_end()}});
}

}  // namespace assay
