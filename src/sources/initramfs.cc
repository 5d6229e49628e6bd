#include "sources/initramfs.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/name.h"
#include "base/nesting_limits.h"
#include "codec/first_stream.h"
#include "sources/nest.h"

namespace assay {

namespace {

// A compressed archive; what comes out of it is counted.
class CompressedArchive final : public Stream {
 public:
  CompressedArchive(std::unique_ptr<FirstStream> stream, Nest& nest)
      : stream_(std::move(stream)), nest_(nest), decoding_(nest) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    ASSAY_TRY(const std::size_t got, stream_->read(out));
    ASSAY_CHECK(nest_.count_unpacked(got));
    return got;
  }
  std::uint64_t input_offset() const { return stream_->input_offset(); }

 private:
  std::unique_ptr<FirstStream> stream_;
  Nest& nest_;
  Nest::Decoding decoding_;
};

// The bytes of one entry, and their sum.
class Body final : public Stream {
 public:
  Body(Input& input, std::uint64_t size, std::uint64_t base)
      : input_(input), left_(size), base_(base) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    const std::size_t size = std::min<std::uint64_t>(out.size(), left_);
    if (size == 0) return 0;
    ASSAY_TRY(const std::size_t got, input_.read(out.first(size)));
    for (const std::uint8_t byte : out.first(got)) sum_ += byte;
    left_ -= got;
    if (got < size)
      return fail(Reason::truncated, {base_ + input_.offset(), 0},
                  fmt::format("{} bytes of the file are missing", left_));
    return got;
  }
  std::uint32_t sum() const { return sum_; }

 private:
  Input& input_;
  std::uint64_t left_;
  std::uint64_t base_;
  std::uint32_t sum_ = 0;
};

// Padding that the end cuts off is no harm.
Result<void> skip_padding(Input& input, std::uint64_t size) {
  while (size != 0) {
    ASSAY_TRY(const auto bytes, input.some());
    if (bytes.empty()) return {};
    const std::size_t step = std::min<std::uint64_t>(bytes.size(), size);
    input.skip(step);
    size -= step;
  }
  return {};
}

Result<std::string> read_text(Input& input, std::uint64_t size, std::uint64_t base) {
  std::string text(size, '\0');
  std::vector<std::uint8_t> bytes(size);
  ASSAY_TRY(const std::size_t got, input.read(bytes));
  if (got < size)
    return fail(Reason::truncated, {base + input.offset(), 0},
                fmt::format("{} bytes needed, {} left", size, got));
  std::ranges::copy(bytes, text.begin());
  return text;
}

// As the path in an archive is written elsewhere.
std::string plain_name(std::string name) {
  while (name.starts_with("./")) name.erase(0, 2);
  while (name.starts_with('/')) name.erase(0, 1);
  return name;
}

FileAttributes attributes_of(const CpioHeader& header) {
  FileAttributes attributes;
  attributes.owner = header.uid;
  attributes.group = header.gid;
  attributes.mode = static_cast<std::uint16_t>(header.mode);
  attributes.inode_number = header.ino;
  return attributes;
}

}  // namespace

Result<void> InitramfsArchive::for_each(const Visit& visit) {
  visit_ = &visit;
  visited_ = 0;
  pass_ = Pass::plain;
  const auto done = scan();
  is_first_scan_ = false;
  if (!names_.has_shared()) return done;
  // What the kernel has unpacked before damage is there, that which is shared too.
  pass_ = Pass::shared;
  const auto shared = scan();
  return done ? shared : done;
}

Result<void> InitramfsArchive::scan() {
  index_ = 0;
  std::uint64_t at = 0;
  while (at < content_.size()) {
    ASSAY_TRY(at, scan_archives(at));
    if (at < content_.size()) {
      ASSAY_TRY(at, scan_compressed(at));
    }
  }
  return {};
}

// Archives that are not compressed, and zeros. Where they end.
Result<std::uint64_t> InitramfsArchive::scan_archives(std::uint64_t start) {
  Input input(std::make_unique<ContentStream>(content_, start));
  for (;;) {
    ASSAY_TRY(const auto bytes, input.some());
    const std::uint64_t at = start + input.offset();
    if (bytes.empty()) return at;
    if (bytes.front() == 0) {
      const auto end = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; });
      input.skip(static_cast<std::size_t>(end - bytes.begin()));
    } else if (bytes.front() == '0' && at % kCpioAlignment == 0) {
      ASSAY_CHECK(scan_entry(input, start));
    } else {
      return at;
    }
  }
}

// One compressed archive, or several that were compressed together. Where it ends.
Result<std::uint64_t> InitramfsArchive::scan_compressed(std::uint64_t start) {
  constexpr std::uint64_t kMagic = 16;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head,
            view_of(content_, start, std::min(kMagic, content_.size() - start), scratch));
  const auto codec = detect_codec(head);
  if (!codec || head.text().starts_with("\x04\x22\x4d\x18"))
    return fail(Reason::bad_magic, {start, head.size()},
                codec ? "frames of lz4, of which the kernel reads the legacy ones (lz4 -l) alone"
                      : "invalid magic at start of compressed archive");
  auto run = [&]() -> Result<std::uint64_t> {
    ASSAY_TRY(auto first,
              FirstStream::open(*codec, std::make_unique<ContentStream>(content_, start),
                                nest_.decoder_options()));
    auto owned = std::make_unique<CompressedArchive>(std::move(first), nest_);
    const CompressedArchive& archive = *owned;
    Input input(std::move(owned));
    bool has_entry = start != 0;  // an archive before it: zeros may come first
    for (;;) {
      ASSAY_TRY(const auto bytes, input.some());
      if (bytes.empty()) break;
      if (bytes.front() == 0 && has_entry) {
        const auto end = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; });
        input.skip(static_cast<std::size_t>(end - bytes.begin()));
        continue;
      }
      if (has_entry && input.offset() % kCpioAlignment != 0)
        return fail(Reason::archive_corrupt, {input.offset(), 0}, "broken padding");
      if (has_entry && bytes.front() != '0')
        return fail(Reason::archive_corrupt, {input.offset(), 0}, "junk within compressed archive");
      ASSAY_CHECK(scan_entry(input, 0));
      has_entry = true;
    }
    if (!has_entry)
      return fail(Reason::archive_corrupt, {0, 0}, "junk at the end of compressed archive");
    return start + archive.input_offset();
  };
  auto end = run();
  if (end) return end;
  Error error = std::move(end).error();
  const std::string where = fmt::format("in the {} stream at offset {}", codec_name(*codec), start);
  if (error.path.empty()) error.detail = error.detail.empty() ? where : error.detail + ", " + where;
  return std::unexpected(std::move(error));
}

Result<void> InitramfsArchive::scan_entry(Input& input, std::uint64_t base) {
  const std::uint64_t start = base + input.offset();
  ASSAY_TRY(const auto bytes, input.at_least(kCpioHeaderSize));
  ASSAY_TRY(const CpioHeader header, parse_cpio_header(View(bytes, start)));
  input.skip(kCpioHeaderSize);
  const bool is_link = S_ISLNK(header.mode);
  const bool is_file = S_ISREG(header.mode);
  const bool is_known =
      header.name_size != 0 && header.name_size <= limits::kMemberPath &&
      (is_link ? header.file_size <= limits::kMemberPath : is_file || header.file_size == 0);
  if (!is_known) {  // the kernel passes over it
    ++index_;
    if (pass_ == Pass::plain) {
      nest_.skipped();
      ASSAY_CHECK(nest_.count_member());
    }
    Body body(input, header.name_room() + header.file_size, base);
    ASSAY_CHECK(skip(body, UINT64_MAX));
    return skip_padding(input, header.padding());
  }
  ASSAY_TRY(const std::string room, read_text(input, header.name_room(), base));
  if (room[header.name_size - 1] != '\0')
    return fail(Reason::archive_corrupt, {start + kCpioHeaderSize, header.name_size},
                "malformed archive: a name without NUL");
  const std::string name = room.substr(0, room.find('\0'));
  if (name == kCpioTrailer) {
    if (is_first_scan_ && pass_ == Pass::plain) names_.end_archive();
    Body body(input, header.file_size, base);
    ASSAY_CHECK(skip(body, UINT64_MAX));
  } else if (is_link) {
    ASSAY_CHECK(symbolic_link(header, name, input, base));
  } else if (is_file) {
    ASSAY_CHECK(regular_file(header, name, input, base));
  } else {
    if (is_first_scan_ && pass_ == Pass::plain) ASSAY_CHECK(names_.add_other(name));
    if (pass_ == Pass::plain) {
      ASSAY_CHECK(nest_.count_member());
      nest_.skipped();
    }
  }
  ++index_;
  return skip_padding(input, header.padding());
}

Result<void> InitramfsArchive::symbolic_link(const CpioHeader& header, const std::string& name,
                                             Input& input, std::uint64_t base) {
  ASSAY_TRY(const std::string text, read_text(input, header.file_size, base));
  const std::string target = text.substr(0, text.find('\0'));
  if (pass_ != Pass::plain) return {};
  if (is_first_scan_) ASSAY_CHECK(names_.add_symlink(name, target));
  Body nothing(input, 0, base);
  ArchiveEntry entry{plain_name(name), EntryKind::symbolic_link, target, 0, attributes_of(header)};
  return (*visit_)(entry, visited_++, EntryContent(nothing));
}

Result<void> InitramfsArchive::regular_file(const CpioHeader& header, const std::string& name,
                                            Input& input, std::uint64_t base) {
  const std::uint64_t start = base + input.offset();
  Body body(input, header.file_size, base);
  if (is_first_scan_ && pass_ == Pass::plain) {
    ASSAY_TRY(const bool is_shared, names_.add_file(header, name, index_));
    if (is_shared) shared_.push_back(index_);
  }
  const bool is_shared = std::ranges::binary_search(shared_, index_);
  ArchiveEntry entry{
      plain_name(name), EntryKind::regular, {}, header.file_size, attributes_of(header)};
  if (!is_shared && pass_ == Pass::plain)
    ASSAY_CHECK((*visit_)(entry, visited_++, EntryContent(body)));
  if (is_shared && pass_ == Pass::shared) ASSAY_CHECK(visit_shared(std::move(entry), body));
  ASSAY_CHECK(skip(body, UINT64_MAX));
  if (header.has_checksum && body.sum() != header.checksum)
    return fail(Reason::archive_corrupt, {start, header.file_size},
                fmt::format("bad data checksum: {:08x}, expected {:08x}, of {}", body.sum(),
                            header.checksum, encode_name(name)));
  return {};
}

Result<void> InitramfsArchive::visit_shared(ArchiveEntry entry, Stream& body) {
  const std::vector<std::string> names = names_.names_written_by(index_);
  if (names.empty()) return {};
  ASSAY_TRY(const auto content, nest_.hold_container(body));
  for (const std::string& name : names) {
    entry.name = plain_name(name);
    ASSAY_CHECK((*visit_)(entry, visited_++, EntryContent(*content)));
  }
  return {};
}

Result<void> walk_initramfs(const Content& content, const std::string& name, Nest& nest) {
  InitramfsArchive archive(content, nest);
  return walk_archive(archive, name, nest);
}

}  // namespace assay
