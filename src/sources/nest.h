// sources/nest.h - what becomes of each file that a folder or a container yields: one that is a
// container itself is opened, and so on inside it, within limits that count for all that lies under
// one path; every other goes to the visitor.
//
// A container is told by its content (sources/container.h), whatever its name; a package (".deb",
// ".rpm") by its name too, so that one that is damaged is an error. What has the name of a module
// is none. Containers that carry a security.ima of their own, and files on disk, go to the visitor
// as well: they may be artifacts.
//
// Content that can be read at any offset is opened where it lies, so that no image of a disk or a
// file system is copied. A container in a stream is held first, in memory or a temporary file.
// Decoders stay within limits::kDecoderMemory, and one inside another has half of its memory.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "sources/archive.h"
#include "sources/container.h"
#include "sources/source.h"

namespace assay {

// A file in a container.
struct Member {
  const std::string& container;  // as printed
  const std::string& path;       // in there, as stored
  std::uint64_t size = 0;        // probably
  const std::optional<FileAttributes>& attributes;
};

class Nest {
 public:
  // One for each path that was given.
  Nest(const SourceOptions& options, SourceVisitor& visitor)
      : options_(options), visitor_(visitor) {}

  // A file on disk, with `path`.
  void disk_file(Found found);
  // What a container yields. An Error says that the container cannot be read on.
  Result<void> file(const Member& member, const EntryContent& content);
  // The same file under several names, none of them its own.
  Result<void> file_of_names(const Member& member, const std::vector<std::string>& names,
                             const EntryContent& content);

  void failed(Error error) { visitor_.failed(std::move(error)); }
  void skipped() { visitor_.skipped(); }
  // To be called for each entry that is not handed over. limit_count.
  Result<void> count_member();
  // Bytes that came out of a container. limit_size.
  Result<void> count_unpacked(std::uint64_t size);

  // Has a limit been reached that counts for all? Then nothing is opened any more.
  bool is_exhausted() const { return is_exhausted_; }

  // For a decoder that stays open while files are handed over. What comes out is counted.
  Result<std::unique_ptr<Stream>> open_decoder(Codec codec, std::unique_ptr<Stream> input);
  DecoderOptions decoder_options() const;
  // Such a decoder is open as long as this is there.
  class Decoding {
   public:
    explicit Decoding(Nest& nest) : nest_(nest) { ++nest_.decoders_; }
    ~Decoding() { --nest_.decoders_; }
    Decoding(const Decoding&) = delete;
    Decoding& operator=(const Decoding&) = delete;

   private:
    Nest& nest_;
  };

  // Opens what lies in `content`. Its failures go to the visitor, unless a limit for all has been
  // reached.
  Result<void> open(const Container& container, const Content& content, const std::string& name);
  // The whole of a stream, for what has to be read at any offset.
  Result<std::unique_ptr<Content>> hold_container(Stream& stream);

 private:
  Found describe(const Member& member, const std::string& path) const;
  bool admits(const Member& member);
  Result<void> hand_over(const Member& member, Stream& stream);
  Result<void> file_in_stream(const Member& member, Stream& stream);
  Result<void> file_in_place(const Member& member, const Content& content);

  const SourceOptions& options_;
  SourceVisitor& visitor_;
  int depth_ = 0;
  int decoders_ = 0;
  std::uint64_t members_ = 0;
  std::uint64_t unpacked_ = 0;
  bool is_exhausted_ = false;
};

}  // namespace assay
