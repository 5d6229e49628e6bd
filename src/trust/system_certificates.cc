#include "trust/system_certificates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bytes/reader.h"
#include "formats/elf.h"
#include "trust/certificate_run.h"
#include "trust/certificate_search.h"

namespace assay {

namespace {

// linux_banner, init/version-timestamp.c: one line.
constexpr std::string_view kBannerStart = "Linux version ";
constexpr std::size_t kBannerSize = 512;

std::vector<std::vector<std::uint8_t>> cut(View list, std::span<const std::size_t> sizes) {
  std::vector<std::vector<std::uint8_t>> certificates;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    const auto bytes = list.sub(at, size).bytes();
    certificates.emplace_back(bytes.begin(), bytes.end());
    at += size;
  }
  return certificates;
}

// The line that starts `text`, if it is a banner and ends there.
std::optional<std::string> read_banner(std::string_view text) {
  text = text.substr(0, kBannerSize);
  const auto end = std::ranges::find_if(text, [](char c) { return c < ' ' || c > '~'; });
  if (end == text.end()) return std::nullopt;
  std::string banner(text.begin(), end);
  if (!banner.starts_with(kBannerStart) || !release_of_banner(banner)) return std::nullopt;
  return banner;
}

// Finds the banner in a window that slides over the kernel. The kernel's own is the second: the
// first, without a build number ("# SMP"), is what init/version.c defines weakly until the last
// link.
class BannerSearch {
 public:
  // Looks at what is new in `window`; `ended` says that nothing follows it. Returns how many bytes
  // at the front of the window are done with.
  std::size_t scan(View window, bool ended) {
    const std::string_view text = window.text();
    std::size_t at = next_ - window.origin();
    while (!is_final_ && (at = text.find(kBannerStart, at)) < text.size()) {
      if (text.size() - at < kBannerSize && !ended) break;
      if (auto banner = read_banner(text.substr(at))) {
        is_final_ = banner->find(" #") != banner->npos && banner->find(" # ") == banner->npos;
        if (is_final_ || banner_.empty()) banner_ = std::move(*banner);
      }
      ++at;
    }
    at = std::min(at, text.size() - std::min(text.size(), kBannerStart.size() - 1));
    next_ = std::max(next_, window.origin() + at);
    return is_final_ ? text.size() : next_ - window.origin();
  }

  const std::string& banner() const { return banner_; }

 private:
  std::string banner_;
  bool is_final_ = false;
  std::uint64_t next_ = 0;  // the first place in the kernel that is not yet looked at
};

// The kernel as a window that slides over it: never more than a piece and what is to be seen again.
class Window {
 public:
  explicit Window(Stream& kernel)
      : kernel_(kernel), bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(kSize)) {}

  // Moves on by `done` bytes and reads more behind those that are left. False at the end.
  Result<bool> advance(std::size_t done) {
    const std::span<std::uint8_t> buffer(bytes_.get(), kSize);
    const std::span<std::uint8_t> kept = buffer.subspan(done, held_ - done);
    std::copy(kept.begin(), kept.end(), buffer.begin());
    origin_ += done;
    held_ -= done;
    const std::size_t wanted = held_ + kSmallestPiece;
    while (held_ < wanted) {
      ASSAY_TRY(const std::size_t got, kernel_.read(buffer.subspan(held_, kLargestPiece)));
      if (got == 0) return false;
      held_ += got;
    }
    return true;
  }

  View view() const { return View(std::span(bytes_.get(), held_), origin_); }

 private:
  // Pieces are worth their scan, and stay in the processor's cache between decoder and scan.
  static constexpr std::size_t kSmallestPiece = 64 * limits::kKiB;
  static constexpr std::size_t kLargestPiece = limits::kMiB;
  static constexpr std::size_t kSize =
      CertificateSearch::kLargestKeep + kSmallestPiece + kLargestPiece;

  Stream& kernel_;
  std::unique_ptr<std::uint8_t[]> bytes_;  // not filled with zeros before it is filled with data
  std::size_t held_ = 0;
  std::uint64_t origin_ = 0;
};

// --- By symbol

constexpr std::array<std::string_view, 4> kSymbols = {
    "system_certificate_list", "system_certificate_list_size", "module_cert_size", "linux_banner"};

Result<std::uint64_t> read_word(const Content& kernel, const Elf& elf, std::uint64_t offset) {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View view, view_of(kernel, offset, 8, scratch));
  const Record<8> word(view);
  return elf.is_big_endian() ? word.be64<0>() : word.le64<0>();
}

Result<std::string> read_banner_at(const Content& kernel, std::optional<std::uint64_t> offset) {
  if (!offset || *offset >= kernel.size()) return std::string();
  std::vector<std::uint8_t> scratch;
  const std::uint64_t size = std::min<std::uint64_t>(kBannerSize, kernel.size() - *offset);
  ASSAY_TRY(const View text, view_of(kernel, *offset, size, scratch));
  return read_banner(text.text()).value_or("");
}

Result<SystemCertificates> read_list(const Content& kernel, Extent where,
                                     std::uint64_t module_cert_size) {
  if (where.size > limits::kCertificateList)
    return fail(Reason::limit_size, where, fmt::format("a list of {} bytes", where.size));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View list, view_of(kernel, where.offset, where.size, scratch));
  const CertificateRun run = measure_certificates(list, where.size);
  if (run.size != where.size)
    return fail(Reason::bad_value, where,
                fmt::format("certificates of {} bytes in a list of {}", run.size, where.size));
  const std::size_t first_size = run.sizes.empty() ? 0 : run.sizes[0];
  if (module_cert_size != 0 && module_cert_size != first_size)
    return fail(Reason::bad_value, where,
                fmt::format("module_cert_size {}, expected {}", module_cert_size, first_size));
  return SystemCertificates{cut(list, run.sizes), module_cert_size, FoundBy::symbol, where, {}};
}

// Nothing when the kernel has no symbol table, or lacks the symbols.
Result<std::optional<SystemCertificates>> find_by_symbol(const Content& kernel) {
  ASSAY_TRY(const std::optional<Elf> elf, Elf::open(kernel));
  if (!elf) return std::nullopt;
  ASSAY_TRY(const auto symbols, elf->find_symbols(kSymbols));
  const auto offset_of = [&](std::size_t index) -> std::optional<std::uint64_t> {
    if (!symbols[index] || symbols[index]->section == 0) return std::nullopt;
    return elf->offset_of(symbols[index]->value);
  };
  const auto list = offset_of(0);
  const auto list_size = offset_of(1);
  const auto module_cert_size = offset_of(2);
  if (!list || !list_size || !module_cert_size) return std::nullopt;
  ASSAY_TRY(const std::uint64_t size, read_word(kernel, *elf, *list_size));
  ASSAY_TRY(const std::uint64_t module_size, read_word(kernel, *elf, *module_cert_size));
  ASSAY_TRY(SystemCertificates found, read_list(kernel, {*list, size}, module_size));
  ASSAY_TRY(found.banner, read_banner_at(kernel, offset_of(3)));
  return found;
}

}  // namespace

std::string_view found_by_name(FoundBy found_by) {
  return found_by == FoundBy::symbol ? "symbol" : "structure";
}

Result<SystemCertificates> find_system_certificates(Stream& kernel, std::optional<Arch> arch,
                                                    const OnListFound& on_list_found) {
  // Both searches look at what the cache still holds.
  constexpr std::size_t kStep = 256 * limits::kKiB;
  Window window(kernel);
  CertificateSearch search(arch);
  BannerSearch banner;
  const auto found = [&] {
    const FoundList& list = *search.found();
    return SystemCertificates{cut(View(list.der), list.certificate_sizes), list.module_cert_size,
                              FoundBy::structure, list.where, banner.banner()};
  };
  bool announced = !on_list_found;
  std::size_t done = 0;
  for (bool more = true; more;) {
    const std::size_t seen = window.view().size() - done;
    ASSAY_TRY(more, window.advance(done));
    const View view = window.view();
    std::size_t end = seen;
    do {
      end = std::min(end + kStep, view.size());
      const bool ended = !more && end == view.size();
      const std::size_t banner_done = banner.scan(view.sub(0, end), ended);
      ASSAY_TRY(const std::size_t search_done, search.scan(view.sub(0, end), ended));
      done = std::min(banner_done, search_done);
      done -= done % CertificateSearch::kWindowAlignment;
      if (search.found() && !announced) {
        announced = true;
        on_list_found(found());
      }
    } while (end < view.size());
  }
  if (!search.found())
    return fail(Reason::trust_not_found, {},
                fmt::format("{} places with certificates", search.other_runs()));
  return found();
}

Result<SystemCertificates> find_system_certificates(const Content& content,
                                                    const KernelImage& image,
                                                    const OnListFound& on_list_found,
                                                    const DecoderOptions& options) {
  if (image.format == ImageFormat::vmlinux && !image.outer) {
    ASSAY_TRY(std::optional<SystemCertificates> found, find_by_symbol(content));
    if (found) return *std::move(found);
  }
  ASSAY_TRY(const std::unique_ptr<Stream> kernel, open_payload(content, image, options));
  return find_system_certificates(*kernel, image.arch, on_list_found);
}

}  // namespace assay
