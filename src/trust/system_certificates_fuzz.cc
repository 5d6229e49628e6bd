// What is reported as a list lies inside the kernel, is cut into its certificates without a gap,
// and is followed by its size and that of its first certificate. The first byte selects the
// architecture, the second how the kernel is read.

#include <cstdlib>

#include "bytes/reader.h"
#include "trust/certificate_search.h"
#include "trust/system_certificates.h"

namespace {

using namespace assay;

class Dripping final : public Stream {
 public:
  Dripping(View data, std::size_t piece) : data_(data), piece_(piece) {}
  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    return data_.read(out.first(std::min(out.size(), piece_)));
  }

 private:
  ViewStream data_;
  std::size_t piece_;
};

void check(bool holds) {
  if (!holds) std::abort();
}

bool has_word(View kernel, std::uint64_t at, std::uint64_t value) {
  const auto view = slice(kernel, at, 8);
  if (!view) return false;
  const Record<8> word(*view);
  return word.le64<0>() == value || word.be64<0>() == value;
}

void check_certificates(View kernel, const SystemCertificates& found) {
  check(lies_inside(found.where.offset, found.where.size, kernel.size()));
  std::uint64_t at = found.where.offset;
  for (const auto& der : found.certificates) {
    check(same_bytes(View(der), kernel.sub(at, der.size())));
    at += der.size();
  }
  check(at == found.where.end());
  check(found.module_cert_size == 0 || found.module_cert_size == found.certificates.at(0).size());
}

// The words stand at some multiple of 8 behind the list, 8 or 256 bytes apart.
void check_words(View kernel, const SystemCertificates& found) {
  const std::uint64_t first = (found.where.end() + 7) / 8 * 8;
  for (std::uint64_t at = first; at <= first + limits::kExtraCertificate + 512; at += 8)
    for (const std::uint64_t apart : {8U, 256U})
      if (has_word(kernel, at, found.where.size) &&
          has_word(kernel, at + apart, found.module_cert_size))
        return;
  std::abort();
}

// The window of a stream is large, and slow to make with sanitizers: few inputs go through it.
void search_stream(View kernel, unsigned choice, unsigned reading) {
  std::optional<Arch> arch;
  if (choice % 6 < 5) arch = static_cast<Arch>(choice % 6);
  CertificateSearch search(arch);
  const bool is_ambiguous = !search.scan(kernel, true);
  if (reading % 16 != 0 && !search.found()) return;
  Dripping stream(kernel, 1 + reading * 37);
  const auto found = find_system_certificates(stream, arch);
  check(found.has_value() == (search.found() && !is_ambiguous));
  if (!found) return;
  check(found->where == search.found()->where);
  check(!found->certificates.empty() && found->found_by == FoundBy::structure);
  check_certificates(kernel, *found);
  check_words(kernel, *found);
}

void search_file(View file) {
  const ViewContent content(file);
  const auto image = find_kernel_image(content);
  if (!image || !*image) return;
  DecoderOptions options = kPayloadOptions;
  options.output_limit = limits::kMiB;
  const auto found = find_system_certificates(content, **image, options);
  if (found && found->found_by == FoundBy::symbol) check_certificates(file, *found);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader reader(View(std::span(data, size)));
  const auto head = reader.record<2>();
  if (!head) return 0;
  const View kernel(reader.left().bytes());
  search_stream(kernel, head->u8<0>(), head->u8<1>());
  search_file(kernel);
  return 0;
}
