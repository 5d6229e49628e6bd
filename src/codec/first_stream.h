// codec/first_stream.h - the first compressed stream of an input in which something else follows,
// and where it ends.
//
// An initramfs is one: archives stand one behind the other, each compressed for itself or not
// (init/initramfs.c, unpack_to_rootfs).

#pragma once

#include <memory>

#include "codec/codec.h"

namespace assay {

class DecodingStream;

class FirstStream final : public Stream {
 public:
  // `options` as for open_decoder(); `after` does not count.
  static Result<std::unique_ptr<FirstStream>> open(Codec codec, std::unique_ptr<Stream> input,
                                                   DecoderOptions options);

  Result<std::size_t> read(std::span<std::uint8_t> out) override { return limited_->read(out); }

  // How many bytes of the input the stream has. Only once read() has come to the end.
  std::uint64_t input_offset() const;

 private:
  FirstStream() = default;
  std::unique_ptr<Stream> limited_;
  const DecodingStream* decoder_ = nullptr;  // inside limited_
};

}  // namespace assay
