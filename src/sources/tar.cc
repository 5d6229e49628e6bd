#include "sources/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/name.h"

namespace assay {

namespace {

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

void set_kind(archive_entry* header, ArchiveEntry& entry) {
  const char* hard = archive_entry_hardlink(header);
  const char* symbolic = archive_entry_symlink(header);
  entry.target.clear();
  if (hard != nullptr) {
    entry.kind = EntryKind::hard_link;
    entry.target = hard;
  } else if (archive_entry_filetype(header) == AE_IFLNK) {
    entry.kind = EntryKind::symbolic_link;
    if (symbolic != nullptr) entry.target = symbolic;
  } else {
    entry.kind = archive_entry_filetype(header) == AE_IFREG ? EntryKind::regular : EntryKind::other;
  }
}

void set_attributes(archive_entry* header, ArchiveEntry& entry) {
  FileAttributes attributes;
  attributes.owner = static_cast<std::uint32_t>(archive_entry_uid(header));
  attributes.group = static_cast<std::uint32_t>(archive_entry_gid(header));
  attributes.mode = static_cast<std::uint16_t>(archive_entry_mode(header));
  attributes.has_xattrs = archive_entry_xattr_reset(header) != 0;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(header, &name, &value, &size) == ARCHIVE_OK) {
    if (name == nullptr || !std::string_view(name).starts_with("security.")) continue;
    const auto* bytes = static_cast<const std::uint8_t*>(value);
    attributes.security[name].assign(bytes, bytes + size);
  }
  entry.attributes = std::move(attributes);
}

}  // namespace

struct TarReader::State final : Stream {
  State(std::unique_ptr<Stream> input, ArchiveFormat format)
      : input_(std::move(input)), buffer_(256 << 10) {
    if (format == ArchiveFormat::cpio)
      archive_read_support_format_cpio(reader_.get());
    else
      archive_read_support_format_tar(reader_.get());
    opened_ = archive_read_open(reader_.get(), this, nullptr, &State::pull, nullptr) == ARCHIVE_OK;
  }

  // libarchive's view of our stream. An Error of ours is kept: libarchive has no place for it.
  static la_ssize_t pull(archive* reader, void* self, const void** out) {
    auto* state = static_cast<State*>(self);
    const auto got = state->input_->read(state->buffer_);
    if (!got) {
      state->error_ = got.error();
      archive_set_error(reader, EIO, "input");
      return -1;
    }
    *out = state->buffer_.data();
    return static_cast<la_ssize_t>(*got);
  }

  std::unexpected<Error> problem() {
    if (error_) return std::unexpected(*error_);
    const char* text = archive_error_string(reader_.get());
    return fail(Reason::archive_corrupt,
                {static_cast<std::uint64_t>(
                     std::max<la_int64_t>(0, archive_filter_bytes(reader_.get(), 0))),
                 0},
                text == nullptr ? "tar" : text);
  }

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    const la_ssize_t got = archive_read_data(reader_.get(), out.data(), out.size());
    if (got < 0) return problem();
    total_ += static_cast<std::uint64_t>(got);
    if (total_ > limits::kPackageSize)
      return fail(Reason::limit_size, {},
                  fmt::format("more than {} bytes in the files", limits::kPackageSize));
    return static_cast<std::size_t>(got);
  }

  std::unique_ptr<Stream> input_;
  std::vector<std::uint8_t> buffer_;
  std::unique_ptr<archive, FreeArchive> reader_{archive_read_new()};
  std::optional<Error> error_;
  bool opened_ = false;
  std::uint64_t total_ = 0;  // bytes of files that were read
};

TarReader::TarReader(std::unique_ptr<Stream> stream, ArchiveFormat format)
    : state_(std::make_unique<State>(std::move(stream), format)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<bool> TarReader::next(ArchiveEntry& entry) {
  if (!state_->opened_) return state_->problem();
  archive_entry* header = nullptr;
  const int got = archive_read_next_header(state_->reader_.get(), &header);
  if (got == ARCHIVE_EOF) {
    if (state_->error_) return std::unexpected(*state_->error_);
    return false;
  }
  if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return state_->problem();
  const char* name = archive_entry_pathname(header);
  entry.name = name == nullptr ? "" : name;
  while (entry.name.starts_with("./")) entry.name.erase(0, 2);
  set_kind(header, entry);
  set_attributes(header, entry);
  entry.size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(header)));
  if (archive_entry_sparse_count(header) != 0)
    return fail(Reason::archive_unsupported, {},
                fmt::format("sparse file {}", encode_name(entry.name)));
  return true;
}

Stream& TarReader::content() { return *state_; }

}  // namespace assay
