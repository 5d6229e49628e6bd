// testing/package_sample.h - tar and ar archives made by hand, with every oddity that packages can
// have.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

// One entry of a ustar archive with its content and padding. `type` is the typeflag ('0' regular,
// '1' hard link, '2' symbolic link).
std::string tar_entry(std::string_view name, std::string_view content, char type = '0',
                      std::string_view link = {});
// GNU's old format of a sparse file: `size` bytes, of which the first 512 are stored.
std::string sparse_tar_entry(std::string_view name, std::uint64_t size);
// The two blocks of zeros that end a tar archive.
std::string tar_end();

struct ArSampleMember {
  std::string name;
  std::string content;
};
std::string ar_archive(const std::vector<ArSampleMember>& members);
// debian-binary, control.tar and data.tar, none of them compressed.
std::string deb_package(std::string_view data_entries);

}  // namespace assay
