#include "survey/unified_kernel.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace assay {

namespace {

// Command lines of kernels have at most 4 KiB; a .pcrsig with four banks has less than 16 KiB.
constexpr std::uint64_t kLongestText = 64 * limits::kKiB;

constexpr std::array<std::string_view, 5> kTexts = {".cmdline", ".uname", ".osrel", ".pcrsig",
                                                    ".pcrpkey"};

// Nothing where it does not lie in the file.
std::optional<Extent> data_of(const PeSection& section, const Content& content) {
  const Extent data{section.raw_offset, std::min(section.raw_size, section.virtual_size)};
  if (data.size == 0 || !lies_inside(data.offset, data.size, content.size())) return std::nullopt;
  return data;
}

class Part final : public Content {
 public:
  Part(const Content& whole, Extent part) : whole_(whole), part_(part) {}

  std::uint64_t size() const override { return part_.size; }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (!lies_inside(offset, out.size(), part_.size))
      return fail(Reason::bad_length, {offset, out.size()}, "bytes outside a section");
    return whole_.read(part_.offset + offset, out);
  }

 private:
  const Content& whole_;
  Extent part_;
};

}  // namespace

Result<std::vector<SectionText>> read_section_texts(const Content& content,
                                                    const PeBootEvidence& image) {
  std::vector<SectionText> texts;
  for (std::size_t i = 0; i < image.sections.size(); ++i) {
    const std::string& name = image.section_names[i];
    if (std::ranges::find(kTexts, name) == kTexts.end()) continue;
    // One name, one text: what a stub makes of a second is not known.
    if (std::ranges::find(texts, name, &SectionText::section) != texts.end()) continue;
    const auto data = data_of(image.sections[i], content);
    if (!data || data->size > kLongestText) continue;
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View bytes, view_of(content, data->offset, data->size, scratch));
    std::string text(bytes.text());
    while (!text.empty() && (text.back() == '\0' || text.back() == '\n')) text.pop_back();
    texts.push_back({name, std::move(text)});
  }
  return texts;
}

std::optional<Extent> find_inner_kernel(const Content& content, const PeBootEvidence& image) {
  for (std::size_t i = 0; i < image.sections.size(); ++i)
    if (image.section_names[i] == ".linux") return data_of(image.sections[i], content);
  return std::nullopt;
}

std::unique_ptr<Content> open_part(const Content& content, Extent part) {
  if (const auto memory = content.memory())
    return std::make_unique<ViewContent>(View(memory->bytes().subspan(part.offset, part.size)));
  return std::make_unique<Part>(content, part);
}

}  // namespace assay
