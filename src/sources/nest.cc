#include "sources/nest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "formats/module_name.h"
#include "sources/shared_content.h"

namespace assay {

namespace {

// What was read ahead of a stream, and then the stream.
class PrefixedStream final : public Stream {
 public:
  PrefixedStream(View head, Stream& rest) : head_(head), rest_(rest) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    if (head_.empty()) return rest_.read(out);
    const std::size_t size = std::min(out.size(), head_.size());
    std::copy_n(head_.bytes().begin(), size, out.begin());
    head_ = head_.sub(size, head_.size() - size);
    return size;
  }

 private:
  View head_;
  Stream& rest_;
};

// Counts what comes out of a decoder, and that it is open.
class CountedStream final : public Stream {
 public:
  CountedStream(std::unique_ptr<Stream> decoder, Nest& nest)
      : decoder_(std::move(decoder)), nest_(nest), decoding_(nest) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    ASSAY_TRY(const std::size_t got, decoder_->read(out));
    ASSAY_CHECK(nest_.count_unpacked(got));
    return got;
  }

 private:
  std::unique_ptr<Stream> decoder_;
  Nest& nest_;
  Nest::Decoding decoding_;
};

// Goes to the visitor, whatever lies in it.
bool is_wanted(const Member& member, const std::optional<Container>& container) {
  return !container || is_artifact(*container) ||
         (member.attributes && member.attributes->security.contains("security.ima"));
}

}  // namespace

Result<void> Nest::count_member() {
  if (++members_ <= options_.nesting.members) return {};
  is_exhausted_ = true;
  return fail(Reason::limit_count, {},
              fmt::format("more than {} files under one path", options_.nesting.members));
}

Result<void> Nest::count_unpacked(std::uint64_t size) {
  unpacked_ += size;
  if (unpacked_ <= options_.nesting.unpacked) return {};
  is_exhausted_ = true;
  return fail(Reason::limit_expansion, {},
              fmt::format("more than {} bytes unpacked under one path", options_.nesting.unpacked));
}

DecoderOptions Nest::decoder_options() const {
  constexpr int kLeast = 7;  // halves of it; the smallest dictionaries fit
  DecoderOptions options;
  options.memory_limit = limits::kDecoderMemory >> std::min(decoders_, kLeast);
  options.threads = decoders_ == 0 ? options_.threads : 1;
  options.shares_memory = false;  // it stays open while the files are examined
  options.output_limit = std::min(limits::kPackageSize, options_.nesting.unpacked);
  return options;
}

Result<std::unique_ptr<Stream>> Nest::open_decoder(Codec codec, std::unique_ptr<Stream> input) {
  ASSAY_TRY(auto decoder, assay::open_decoder(codec, std::move(input), decoder_options()));
  return std::make_unique<CountedStream>(std::move(decoder), *this);
}

Result<std::unique_ptr<Content>> Nest::hold_container(Stream& stream) {
  return hold(stream, limits::kContainerInMemory, options_.nesting.member);
}

Found Nest::describe(const Member& member, const std::string& path) const {
  Found found;
  found.name = nested_name(member.container, path);
  found.container = member.container;
  found.inner_name = path;
  found.attributes = member.attributes;
  return found;
}

// A path that is too long is nobody's.
bool Nest::admits(const Member& member) {
  if (member.path.size() <= options_.nesting.path) return true;
  failed({Reason::limit_size,
          {},
          fmt::format("a path of {} bytes, at most {}", member.path.size(), options_.nesting.path),
          nested_name(member.container, member.path.substr(0, options_.nesting.path))});
  return false;
}

Result<void> Nest::hand_over(const Member& member, Stream& stream) {
  Found found = describe(member, member.path);
  found.lease = options_.budget.take(std::min(member.size, limits::kArtifactInMemory));
  auto held = hold(stream, limits::kArtifactInMemory, options_.nesting.member, member.size);
  if (!held) return std::unexpected(with_path(std::move(held).error(), found.name));
  ASSAY_CHECK(count_unpacked((*held)->size()));
  found.content = std::move(*held);
  found.size = found.content->size();
  visitor_.found(std::move(found));
  return {};
}

Result<void> Nest::file(const Member& member, const EntryContent& content) {
  ASSAY_CHECK(count_member());
  if (!admits(member)) return {};
  if (content.stream() != nullptr) return file_in_stream(member, *content.stream());
  auto done = file_in_place(member, *content.content());
  // What cannot be read in one file does not keep its neighbours from being read.
  if (done || is_exhausted_) return done;
  failed(with_path(std::move(done).error(), nested_name(member.container, member.path)));
  return {};
}

Result<void> Nest::file_in_stream(const Member& member, Stream& stream) {
  if (parse_module_name(member.path) || !options_.opens_images) return hand_over(member, stream);
  std::vector<std::uint8_t> head(std::min<std::uint64_t>(
      limits::kContainerHead, std::max<std::uint64_t>(member.size, limits::kKiB)));
  auto got = read_full(stream, head);
  const std::string name = nested_name(member.container, member.path);
  if (!got) return std::unexpected(with_path(std::move(got).error(), name));
  const View start = View(head).sub(0, *got);
  PrefixedStream whole(start, stream);
  if (!may_be_container(start, member.size, member.path)) return hand_over(member, whole);
  auto held = hold_container(whole);
  if (!held) return std::unexpected(with_path(std::move(held).error(), name));
  const auto shared = std::make_shared<SharedContent::File>();
  shared->content = std::move(*held);
  const Content& content = *shared->content;
  ASSAY_CHECK(count_unpacked(content.size()));
  auto container = detect_container(content, member.path);
  if (!container) {
    failed(with_path(container.error(), name));
    return {};
  }
  if (is_wanted(member, *container)) {
    Found found = describe(member, member.path);
    found.lease = options_.budget.take(std::min(content.size(), limits::kContainerInMemory));
    found.size = content.size();
    found.is_opened = *container && !is_artifact(**container);
    found.content = std::make_unique<SharedContent>(shared);
    visitor_.found(std::move(found));
  }
  return *container ? open(**container, content, name) : Result<void>();
}

Result<void> Nest::file_in_place(const Member& member, const Content& content) {
  std::optional<Container> container;
  if (!parse_module_name(member.path) && options_.opens_images) {
    ASSAY_TRY(container, detect_container(content, member.path));
  }
  if (is_wanted(member, container)) {
    // Holes cost nothing in an image, and would be written out.
    if (content.size() > options_.nesting.member)
      return fail(Reason::limit_size, {},
                  fmt::format("{} bytes, at most {}", content.size(), options_.nesting.member));
    ContentStream stream(content);
    ASSAY_CHECK(hand_over(member, stream));
  }
  if (!container) return {};
  return open(*container, content, nested_name(member.container, member.path));
}

Result<void> Nest::file_of_names(const Member& member, const std::vector<std::string>& names,
                                 const EntryContent& content) {
  const auto file = std::make_shared<SharedContent::File>();
  file->lease = options_.budget.take(std::min(member.size, limits::kArtifactInMemory));
  std::optional<ContentStream> in_place;
  if (content.content() != nullptr) in_place.emplace(*content.content());
  Stream& stream = in_place ? *in_place : *content.stream();
  auto held = hold(stream, limits::kArtifactInMemory, options_.nesting.member, member.size);
  if (!held)
    return std::unexpected(
        with_path(std::move(held).error(), nested_name(member.container, member.path)));
  file->content = std::move(*held);
  for (const std::string& name : names) {
    ASSAY_CHECK(count_member());
    ASSAY_CHECK(count_unpacked(file->content->size()));
    Found found = describe(member, name);
    found.size = file->content->size();
    found.content = std::make_unique<SharedContent>(file);
    visitor_.found(std::move(found));
  }
  return {};
}

Result<void> Nest::open(const Container& container, const Content& content,
                        const std::string& name) {
  if (depth_ >= options_.nesting.depth) {
    failed({Reason::limit_nesting,
            {},
            fmt::format("more than {} containers in each other", options_.nesting.depth),
            name});
    return {};
  }
  ++depth_;
  auto done = walk_container(container, content, name, *this);
  --depth_;
  if (done) return {};
  if (is_exhausted_) return std::unexpected(with_path(std::move(done).error(), name));
  failed(with_path(std::move(done).error(), name));
  return {};
}

void Nest::disk_file(Found found) {
  if (parse_module_name(found.path)) return visitor_.found(std::move(found));
  const auto file = open_file(found.path);
  // What cannot be opened or read fails the visitor too, and it says so.
  if (!file && !is_package_name(found.path)) return visitor_.found(std::move(found));
  auto container = file ? detect_container(**file, found.path) : std::unexpected(file.error());
  if (!container) return failed(with_path(container.error(), found.name));
  if (!*container || (!is_package(**container) && !options_.opens_images))
    return visitor_.found(std::move(found));
  const std::string name = found.name;
  found.is_opened = !is_artifact(**container);
  if (!is_package(**container)) visitor_.found(std::move(found));
  if (auto done = open(**container, **file, name); !done)
    failed(with_path(std::move(done).error(), name));
}

}  // namespace assay
