// What is encoded, the tools decode; what the tools encode as the kernel's build asks them, is
// found again by its parameters.

#include "codec/encoder.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "testing/process.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Text that compresses like a module does: repeats with changes.
Bytes sample(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    bytes[i] = static_cast<std::uint8_t>((state >> 24) % 7 < 3 ? state >> 28 : (i / 64) & 0xff);
  }
  return bytes;
}

Bytes tool(const std::vector<std::string>& command, const Bytes& input) {
  const Finished done = run_command(command, input);
  EXPECT_EQ(done.status, 0) << command[0] << ": " << done.error;
  return done.out;
}

Bytes decoded(Codec codec, const Bytes& stream) {
  auto decoder = open_decoder(codec, std::make_unique<ViewStream>(View(stream)),
                              {.after = AfterStream::refuse});
  EXPECT_TRUE(decoder);
  auto bytes = read_all(**decoder, 1 << 30);
  EXPECT_TRUE(bytes) << describe(bytes.error());
  return bytes ? *bytes : Bytes();
}

struct Tool {
  const char* name;
  Codec codec;
  std::vector<std::string> compress;
  std::vector<std::string> decompress;
};
const Tool kTools[] = {
    {"xz", Codec::xz, {"xz", "--check=crc32", "--lzma2=dict=1MiB", "-c"}, {"xz", "-dc"}},
    {"gzip", Codec::gzip, {"gzip", "-n", "-c"}, {"gzip", "-dc"}},
    {"zstd", Codec::zstd, {"zstd", "-q", "-c"}, {"zstd", "-dqc"}},
};

TEST(Encoder, ToolsDecodeWhatTheKernelsParametersMake) {
  for (const Tool& one : kTools) {
    SCOPED_TRACE(one.name);
    for (const std::size_t size : {0UL, 1UL, 4096UL, 700'000UL}) {
      const Bytes plain = sample(size);
      const auto stream = encode(ViewContent(View(plain)), kernel_parameters(one.codec));
      ASSERT_TRUE(stream) << describe(stream.error());
      EXPECT_TRUE(tool(one.decompress, *stream) == plain);
      EXPECT_TRUE(decoded(one.codec, *stream) == plain);
      EXPECT_TRUE(check_for_kernel(one.codec, View(*stream)));
    }
  }
}

// xz(1), as the kernel's build calls it, writes what our parameters write.
TEST(Encoder, XzIsTheKernelBuildsByteForByte) {
  for (const std::size_t size : {1UL, 70'000UL, 700'000UL}) {
    const Bytes plain = sample(size);
    const auto stream = encode(ViewContent(View(plain)), kernel_parameters(Codec::xz));
    ASSERT_TRUE(stream);
    EXPECT_TRUE(*stream == tool(kTools[0].compress, plain));
  }
}

struct Found {
  const char* name;
  std::vector<std::string> compress;
  bool found;
};

TEST(Encoder, ParametersOfTheToolsAreFound) {
  const Found cases[] = {
      {"as the kernel's build", {"xz", "--check=crc32", "--lzma2=dict=1MiB", "-c"}, true},
      {"default", {"xz", "-c"}, true},
      {"fast", {"xz", "-1", "-c"}, true},
      {"extreme", {"xz", "-9e", "-c"}, false},  // a dictionary too large to try
      {"six extreme", {"xz", "-6e", "-c"}, true},
      {"threads", {"xz", "-T2", "-c"}, true},
      {"SHA-256", {"xz", "--check=sha256", "-c"}, true},
      {"branch filter", {"xz", "--x86", "--lzma2", "-c"}, false},
  };
  const Bytes plain = sample(300'000);
  for (const Found& one : cases) {
    SCOPED_TRACE(one.name);
    const Bytes stream = tool(one.compress, plain);
    const auto found = find_parameters(ViewContent(View(plain)), View(stream));
    ASSERT_TRUE(found) << describe(found.error());
    EXPECT_EQ(found->has_value(), one.found);
    if (*found) {
      EXPECT_EQ(*encode(ViewContent(View(plain)), **found), stream);
    }
  }
}

TEST(Encoder, ZstdOfTheToolIsFound) {
  for (const std::size_t size : {1UL, 70'000UL, 700'000UL}) {
    const Bytes plain = sample(size);
    for (const char* level : {"-3", "-19"}) {
      // From a file, so that the tool knows the size.
      const Bytes stream =
          tool({"zstd", "-q", "-c", level, "--stream-size=" + std::to_string(size)}, plain);
      const auto found = find_parameters(ViewContent(View(plain)), View(stream));
      ASSERT_TRUE(found) << describe(found.error());
      EXPECT_TRUE(found->has_value()) << size << level;
    }
  }
}

TEST(Encoder, WhatTheKernelDoesNotReadIsRefused) {
  const Bytes plain = sample(5000);
  const auto refused = [](Codec codec, const Bytes& stream) {
    const auto checked = check_for_kernel(codec, View(stream));
    return !checked && checked.error().reason == Reason::not_signable;
  };
  EXPECT_TRUE(refused(Codec::xz, tool({"xz", "-c"}, plain)));  // CRC64
  EXPECT_TRUE(refused(Codec::xz, tool({"xz", "--check=sha256", "-c"}, plain)));
  EXPECT_FALSE(refused(Codec::xz, tool({"xz", "--check=none", "-c"}, plain)));
  EXPECT_FALSE(refused(Codec::gzip, tool({"gzip", "-c"}, plain)));
  Bytes with_comment = tool({"gzip", "-nc"}, plain);
  with_comment[3] |= 0x10;
  EXPECT_TRUE(refused(Codec::gzip, with_comment));
}

TEST(Encoder, NoOtherCodecs) {
  EncoderParameters parameters;
  parameters.codec = Codec::lzo;
  EXPECT_EQ(encode(MemoryContent({}), parameters).error().reason, Reason::codec_unsupported);
}

// Law: whatever the header claims, finding parameters ends, and what is found makes the stream.
TEST(Encoder, DamagedStreamsHaveNoParametersOrTheirOwn) {
  const Bytes plain = sample(2000);
  EXPECT_TRUE(rc::check([&] {
    const Tool& one = kTools[*rc::gen::inRange<std::size_t>(0, 3)];
    Bytes stream = *encode(ViewContent(View(plain)), kernel_parameters(one.codec));
    const auto at = *rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(stream.size(), 40));
    stream[at] = *rc::gen::arbitrary<std::uint8_t>();
    const auto found = find_parameters(ViewContent(View(plain)), View(stream));
    RC_ASSERT(found.has_value());
    if (*found) RC_ASSERT(*encode(ViewContent(View(plain)), **found) == stream);
  }));
}

}  // namespace
}  // namespace assay
