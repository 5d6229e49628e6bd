#include "codec/codec.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "bytes/reader.h"
#include "codec/decoder_memory.h"
#include "testing/process.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A real tool and what it writes. `has_check`: damage to the data cannot go unnoticed.
struct Tool {
  const char* name;
  Codec codec;
  std::vector<std::string> command;
  bool has_check;
};

const Tool kTools[] = {
    {"gzip", Codec::gzip, {"gzip", "-c"}, true},
    {"gzip_9", Codec::gzip, {"gzip", "-9", "-c"}, true},
    {"bzip2", Codec::bzip2, {"bzip2", "-c"}, true},
    {"bzip2_1", Codec::bzip2, {"bzip2", "-1", "-c"}, true},
    {"lzma", Codec::lzma, {"xz", "--format=lzma", "-c"}, false},
    {"lzma_9", Codec::lzma, {"xz", "--format=lzma", "-9", "-c"}, false},
    {"xz", Codec::xz, {"xz", "-c"}, true},
    {"xz_crc32", Codec::xz, {"xz", "--check=crc32", "-c"}, true},
    {"xz_sha256", Codec::xz, {"xz", "--check=sha256", "-c"}, true},
    {"xz_blocks", Codec::xz, {"xz", "-T2", "--block-size=65536", "-c"}, true},
    {"xz_kernel", Codec::xz, {"xz", "--check=crc32", "--x86", "--lzma2=dict=32MiB", "-c"}, true},
    {"zstd", Codec::zstd, {"zstd", "-c"}, true},
    {"zstd_19", Codec::zstd, {"zstd", "-19", "-c"}, true},
    {"lz4", Codec::lz4, {"lz4", "-c", "-z", "-"}, true},
    {"lz4_linked", Codec::lz4, {"lz4", "-c", "-z", "-BD", "-BX", "-B4", "-"}, true},
    {"lz4_legacy", Codec::lz4, {"lz4", "-c", "-z", "-l", "-"}, false},
    {"lzop", Codec::lzo, {"lzop", "-c"}, true},
    {"lzop_9", Codec::lzo, {"lzop", "-9", "-C", "-c"}, true},
};

Bytes compress(const Tool& tool, std::span<const std::uint8_t> data) {
  Finished finished = run_command(tool.command, data);
  EXPECT_EQ(finished.status, 0) << tool.command[0] << ": " << finished.error;
  return std::move(finished.out);
}

Bytes text(std::size_t size) {
  const std::string_view words[] = {"module ", "signature ", "kernel ", "appended ", "the ", "\n"};
  std::mt19937 random(7);
  Bytes bytes;
  while (bytes.size() < size) {
    const std::string_view word = words[random() % std::size(words)];
    bytes.insert(bytes.end(), word.begin(), word.end());
  }
  bytes.resize(size);
  return bytes;
}

Bytes noise(std::size_t size) {
  std::mt19937 random(11);
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
  return bytes;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// A stream that delivers at most `piece` bytes at once.
class Dripping final : public Stream {
 public:
  Dripping(Bytes bytes, std::size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    const std::size_t size = std::min({piece_, out.size(), bytes_.size() - at_});
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), size, out.begin());
    at_ += size;
    return size;
  }

 private:
  Bytes bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

struct Decoded {
  Bytes bytes;  // what came before the error
  std::optional<Error> error;
};

Decoded decode(Codec codec, Bytes data, const DecoderOptions& options = {},
               std::size_t in_piece = 1 << 20, std::size_t out_piece = 1 << 20) {
  Decoded decoded;
  auto opened = open_decoder(codec, std::make_unique<Dripping>(std::move(data), in_piece), options);
  if (!opened) {
    decoded.error = opened.error();
    return decoded;
  }
  Bytes piece(out_piece);
  for (;;) {
    const auto got = (*opened)->read(piece);
    if (!got) {
      decoded.error = got.error();
      return decoded;
    }
    if (*got == 0) break;
    decoded.bytes.insert(decoded.bytes.end(), piece.begin(),
                         piece.begin() + static_cast<std::ptrdiff_t>(*got));
  }
  const auto again = (*opened)->read(piece);
  EXPECT_TRUE(again && *again == 0) << "the end does not stay the end";
  return decoded;
}

std::string reason_of(const Decoded& decoded) {
  return decoded.error ? std::string(reason_id(decoded.error->reason)) : "none";
}

void expect_decodes(const Decoded& decoded, const Bytes& expected) {
  EXPECT_FALSE(decoded.error) << describe(*decoded.error);
  EXPECT_TRUE(decoded.bytes == expected)
      << decoded.bytes.size() << " bytes, expected " << expected.size();
}

class EveryTool : public ::testing::TestWithParam<Tool> {};

INSTANTIATE_TEST_SUITE_P(Codec, EveryTool, ::testing::ValuesIn(kTools),
                         [](const auto& tool) { return std::string(tool.param.name); });

TEST_P(EveryTool, IsDetected) {
  for (const Bytes& data : {Bytes{}, Bytes{'x'}, text(100), noise(5000)}) {
    const Bytes packed = compress(GetParam(), data);
    const View head(
        std::span<const std::uint8_t>(packed).first(std::min<std::size_t>(packed.size(), 16)));
    EXPECT_EQ(detect_codec(head), GetParam().codec) << data.size();
  }
}

TEST_P(EveryTool, RoundTrips) {
  // More than one block of every format.
  const std::size_t part = GetParam().codec == Codec::lz4 ? 3 << 20 : 700'000;
  const Bytes large = text(part) + noise(part) + Bytes(part);
  for (const Bytes& data : {Bytes{}, Bytes{'x'}, text(1000), noise(70'000), Bytes(300'000), large})
    expect_decodes(decode(GetParam().codec, compress(GetParam(), data)), data);
}

TEST_P(EveryTool, RoundTripsInPiecesOfAnySize) {
  const Bytes data = text(3000) + noise(2000) + Bytes(1000);
  const Bytes packed = compress(GetParam(), data);
  for (const std::size_t in : {1UL, 7UL, 100'000UL})
    for (const std::size_t out : {1UL, 13UL, 9UL << 20})
      expect_decodes(decode(GetParam().codec, packed, {}, in, out), data);
}

TEST_P(EveryTool, MembersFollowEachOther) {
  const Bytes first = text(5000);
  const Bytes second = noise(3000);
  const Bytes packed = compress(GetParam(), first);
  const Bytes both = packed + compress(GetParam(), second);
  const Decoded whole = decode(GetParam().codec, both);
  if (GetParam().codec == Codec::lzma) {
    EXPECT_EQ(reason_of(whole), "codec/corrupt");
    EXPECT_EQ(whole.error->where.offset, packed.size());
  } else {
    expect_decodes(whole, first + second);
  }
}

TEST_P(EveryTool, StopsAfterTheFirstMemberIfAsked) {
  if (GetParam().codec == Codec::lz4 && !GetParam().has_check) return;  // legacy frames have no end
  const Bytes data = text(5000);
  const DecoderOptions first{.after = AfterStream::ignore};
  const Bytes packed = compress(GetParam(), data);
  expect_decodes(decode(GetParam().codec, packed + packed, first), data);
  expect_decodes(decode(GetParam().codec, packed + noise(1000), first), data);
}

// A decoder that is open holds what it needs, and gives it back.
TEST_P(EveryTool, CountsItsMemory) {
  const DecoderMemory& all = DecoderMemory::process();
  ASSERT_EQ(all.used(), 0U);
  const Bytes packed = compress(GetParam(), text(5000));
  for (const bool shares : {true, false}) {
    const auto opened = open_decoder(GetParam().codec, std::make_unique<Dripping>(packed, 100),
                                     {.shares_memory = shares});
    ASSERT_TRUE(opened);
    Bytes piece(100);
    ASSERT_TRUE((*opened)->read(piece));
    EXPECT_EQ(all.used() != 0, shares);
  }
  EXPECT_EQ(all.used(), 0U);
}

TEST(DecoderMemoryOf, WindowsAndDictionaries) {
  struct Case {
    Codec codec;
    std::vector<std::string> command;
    std::uint64_t least;
    std::uint64_t most;
  };
  constexpr std::uint64_t kMiB = limits::kMiB;
  const Case cases[] = {
      {Codec::xz, {"xz", "--lzma2=dict=64MiB", "-c"}, 64 * kMiB, 67 * kMiB},
      {Codec::xz, {"xz", "--lzma2=dict=1MiB", "-c"}, kMiB, 3 * kMiB},
      {Codec::lzma, {"xz", "--format=lzma", "--lzma1=dict=32MiB", "-c"}, 32 * kMiB, 34 * kMiB},
      {Codec::zstd, {"zstd", "--long=26", "-c"}, 64 * kMiB, 66 * kMiB},
      {Codec::zstd, {"zstd", "--stream-size=5000", "-c"}, 5000, 2 * kMiB},
  };
  for (const Case& one : cases) {
    const Bytes packed = run_command(one.command, text(5000)).out;
    const auto opened = open_decoder(one.codec, std::make_unique<Dripping>(packed, 100));
    Bytes piece(100);
    ASSERT_TRUE(opened && (*opened)->read(piece)) << one.least;
    EXPECT_GE(DecoderMemory::process().used(), one.least);
    EXPECT_LE(DecoderMemory::process().used(), one.most);
  }
}

TEST_P(EveryTool, RejectsWhatFollowsTheLastMember) {
  const Bytes packed = compress(GetParam(), text(5000));
  const Decoded decoded = decode(GetParam().codec, packed + text(100));
  EXPECT_EQ(reason_of(decoded), "codec/corrupt");
  EXPECT_GE(decoded.error->where.offset, packed.size());
}

TEST_P(EveryTool, RefusesWhatFollowsTheFirstMemberIfAsked) {
  if (GetParam().codec == Codec::lz4 && !GetParam().has_check) return;  // legacy frames have no end
  const Bytes data = text(5000);
  const DecoderOptions only{.after = AfterStream::refuse};
  const Bytes packed = compress(GetParam(), data);
  expect_decodes(decode(GetParam().codec, packed, only), data);
  for (const Bytes& rest : {packed, Bytes(1), Bytes(512), noise(1'000'000)}) {
    const Decoded decoded = decode(GetParam().codec, packed + rest, only);
    ASSERT_EQ(reason_of(decoded), "codec/followed");
    EXPECT_EQ(decoded.error->where, (Extent{packed.size(), rest.size()}));
    EXPECT_EQ(decoded.error->detail,
              std::to_string(rest.size()) + " bytes after the end of the stream");
  }
}

TEST_P(EveryTool, NoticesEveryTruncation) {
  const Bytes data = text(400) + noise(100);
  const Bytes packed = compress(GetParam(), data);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    const Decoded decoded =
        decode(GetParam().codec,
               Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size)));
    // A legacy frame may end after any block, and so after its magic.
    if (GetParam().codec == Codec::lz4 && !GetParam().has_check && size == 4) continue;
    EXPECT_EQ(reason_of(decoded), "codec/truncated") << size << " of " << packed.size();
    EXPECT_TRUE(std::ranges::equal(decoded.bytes, std::span(data).first(decoded.bytes.size())));
  }
}

TEST_P(EveryTool, FlippedBytesNeverGoUnnoticed) {
  const Bytes data = text(400) + noise(100);
  const Bytes packed = compress(GetParam(), data);
  // Bytes whose change does not show are those of names and times.
  for (std::size_t at = 0; at < packed.size(); ++at)
    for (const int flip : {0x01, 0x80, 0xff}) {
      Bytes damaged = packed;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ flip);
      const Decoded decoded = decode(GetParam().codec, damaged);
      if (decoded.error) {
        EXPECT_LE(decoded.error->where.offset, damaged.size());
      } else if (GetParam().has_check) {
        EXPECT_TRUE(decoded.bytes == data) << "byte " << at << " flipped by " << flip;
      }
    }
}

TEST_P(EveryTool, KeepsTheLimitOfOutput) {
  const Bytes data = text(100'000);
  const Bytes packed = compress(GetParam(), data);
  expect_decodes(decode(GetParam().codec, packed, {.output_limit = data.size()}), data);
  for (const std::size_t limit : {0UL, 1UL, 99'999UL}) {
    const Decoded decoded = decode(GetParam().codec, packed, {.output_limit = limit});
    EXPECT_EQ(reason_of(decoded), "limit/expansion");
    EXPECT_EQ(decoded.bytes.size(), limit);
  }
}

TEST_P(EveryTool, KeepsTheLimitOfMemory) {
  const Bytes packed = compress(GetParam(), text(100'000));
  EXPECT_EQ(reason_of(decode(GetParam().codec, packed, {.memory_limit = 10'000})), "limit/memory");
}

TEST(Codec, NothingIsNoStream) {
  for (const Tool& tool : kTools)
    EXPECT_EQ(reason_of(decode(tool.codec, {})), "codec/truncated") << tool.name;
}

TEST(Codec, OrdinaryFilesAreNotDetected) {
  using namespace std::string_view_literals;
  const std::string_view heads[] = {
      ""sv,
      "\x1f"sv,
      "\x1f\x8b\x07\0"sv,                                      // a method that gzip does not have
      "\x1f\x8b\x08\xff"sv,                                    // reserved flags
      "BZhello world, no stream"sv,                            //
      "BZh9 and something else"sv,                             //
      "\x5d\0\0\x03\x05\xff\xff\xff\xff\xff\xff\xff\xff\0"sv,  // dictionary of no power of two
      "\x5d\0\0\x10\0\1\1\1\1\1\1\1\1\0"sv,                    // size of 2^56
      "\x5d\0\0\x10\0\xff\xff\xff\xff\xff\xff\xff\xff\1"sv,    // first byte of the range coder
      "\x7f"
      "ELF\2\1\1"sv,
      "070701"sv,
      "MZ"sv,
  };
  for (const std::string_view head : heads)
    EXPECT_FALSE(detect_codec(View(bytes_of(head)))) << head;
}

TEST(Codec, ThreadsDecodeTheSame) {
  const Bytes data = text(700'000) + noise(300'000);
  for (const Tool& tool : kTools) {
    if (tool.codec != Codec::xz) continue;
    const Bytes packed = compress(tool, data);
    expect_decodes(decode(Codec::xz, packed, {.threads = 4}), data);
    expect_decodes(decode(Codec::xz, packed + packed, {.threads = 4}), data + data);
    expect_decodes(
        decode(Codec::xz, packed + noise(1000), {.threads = 4, .after = AfterStream::ignore}),
        data);
    Bytes damaged = packed;
    damaged[damaged.size() / 2] ^= 1;
    EXPECT_EQ(reason_of(decode(Codec::xz, damaged, {.threads = 4})), "codec/corrupt");
    damaged.resize(packed.size() / 2);
    EXPECT_EQ(reason_of(decode(Codec::xz, damaged, {.threads = 4})), "codec/truncated");
  }
}

TEST(Codec, XzPaddingBetweenStreamsIsNoDamage) {
  const Tool xz{"", Codec::xz, {"xz", "-c"}, true};
  const Bytes data = text(1000);
  const Bytes packed = compress(xz, data);
  expect_decodes(decode(Codec::xz, packed + Bytes(8) + packed + Bytes(4)), data + data);
  EXPECT_EQ(reason_of(decode(Codec::xz, packed + Bytes(3))), "codec/corrupt");
}

TEST(Codec, WindowsAreMemory) {
  // What the kernel's zstd22 asks for when the size is not known (scripts/Makefile.lib).
  const Tool tool{"", Codec::zstd, {"zstd", "-22", "--ultra", "-c"}, true};
  const Bytes data = text(100'000);
  const Bytes packed = compress(tool, data);
  EXPECT_EQ(reason_of(decode(Codec::zstd, packed)), "limit/memory");
  expect_decodes(decode(Codec::zstd, packed, {.memory_limit = 192 << 20}), data);
}

TEST(Codec, SkippableFramesArePassedOver) {
  const Bytes skippable{0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
  const Bytes data = text(1000);
  for (const Tool& tool : kTools) {
    if (tool.codec != Codec::zstd && tool.name != std::string_view("lz4")) continue;
    const Bytes packed = compress(tool, data);
    expect_decodes(decode(tool.codec, packed + skippable + packed), data + data);
    const Bytes old{0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0};  // zstd before 1.0
    EXPECT_EQ(reason_of(decode(tool.codec, packed + old)), "codec/corrupt");
  }
}

TEST(Codec, EveryByteOfAnLzopHeaderCounts) {
  const Bytes packed = compress({"", Codec::lzo, {"lzop", "-c"}, true}, text(1000));
  constexpr std::size_t kHeader = 9 + 25 + 4;  // magic, fields without a name, checksum
  for (std::size_t at = 0; at < kHeader; ++at) {
    Bytes damaged = packed;
    damaged[at] ^= 0x80;
    EXPECT_NE(reason_of(decode(Codec::lzo, damaged)), "none") << at;
  }
}

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

Bytes le32(std::uint64_t value) {
  Bytes bytes;
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return bytes;
}

TEST(Codec, WhatIsNotSupportedIsSaid) {
  const Bytes data = text(1000);
  const Bytes filtered = compress({"", Codec::lzo, {"lzop", "-c", "--filter=1"}, true}, data);
  EXPECT_EQ(reason_of(decode(Codec::lzo, filtered)), "codec/unsupported");

  // An integrity check that the format reserves, of the size of a CRC-32: flags in the header and
  // the footer, each behind or before their own checksum.
  Bytes xz = compress({"", Codec::xz, {"xz", "--check=crc32", "-c"}, true}, data);
  xz[7] = 2;
  std::ranges::copy(le32(crc32(std::span(xz).subspan(6, 2))), xz.begin() + 8);
  xz[xz.size() - 3] = 2;
  std::ranges::copy(le32(crc32(std::span(xz).last(8).first(6))), xz.end() - 12);
  EXPECT_EQ(reason_of(decode(Codec::xz, xz)), "codec/unsupported");
}

// The kernel's own additions to lz4 (lib/decompress_unlz4.c, scripts/Makefile.lib).

const Tool& legacy() {
  return *std::ranges::find(kTools, std::string_view("lz4_legacy"), &Tool::name);
}

TEST(Lz4Legacy, AKernelPayloadEndsWithItsSize) {
  const DecoderOptions first{.after = AfterStream::ignore};
  // Smaller and larger than the largest block, and whole blocks.
  for (const std::size_t size : {100UL, 70'000UL, 8UL << 20, (8UL << 20) + 1, 17UL << 20}) {
    const Bytes data = text(size);
    const Bytes packed = compress(legacy(), data);
    const Bytes trailed = packed + le32(size);
    expect_decodes(decode(Codec::lz4, trailed, first), data);
    // On s390 the payload is followed by zeros and the trailer for secure boot.
    if (size > 4096) expect_decodes(decode(Codec::lz4, trailed + Bytes(4000), first), data);
    EXPECT_NE(reason_of(decode(Codec::lz4, trailed)), "none");
    // Another size is no trailer but a block that is not there.
    EXPECT_NE(reason_of(decode(Codec::lz4, packed + le32(size + 1), first)), "none");
  }
}

TEST(Lz4Legacy, EndsAtASizeOfZeroOrAnotherMagic) {
  const Bytes data = text(1000);
  const Bytes packed = compress(legacy(), data);
  expect_decodes(decode(Codec::lz4, packed + le32(0)), data);
  expect_decodes(decode(Codec::lz4, packed + le32(0) + Bytes(509)), data);
  EXPECT_EQ(reason_of(decode(Codec::lz4, packed + le32(0) + Bytes{1})), "codec/corrupt");
  expect_decodes(decode(Codec::lz4, packed + le32(0) + noise(100), {.after = AfterStream::ignore}),
                 data);
  expect_decodes(decode(Codec::lz4, packed + packed), data + data);
  expect_decodes(decode(Codec::lz4, le32(0x184c2102) + packed), data);
}

TEST(Lz4Legacy, ABlockHasAtMost8MiB) {
  // One block: a literal, then a match of 8 MiB at distance 1.
  const auto block_of = [](std::size_t size) {
    Bytes block{0x1f, 'x', 1, 0};
    std::size_t left = size - 1 - 5 - 4 - 15;
    for (; left >= 255; left -= 255) block.push_back(255);
    block.push_back(static_cast<std::uint8_t>(left));
    return block + Bytes{0x50, 'x', 'x', 'x', 'x', 'x'};
  };
  const auto stream_of = [&](std::size_t size) {
    const Bytes block = block_of(size);
    return le32(0x184c2102) + le32(block.size()) + block;
  };
  expect_decodes(decode(Codec::lz4, stream_of(8 << 20)), Bytes(8 << 20, 'x'));
  EXPECT_EQ(reason_of(decode(Codec::lz4, stream_of((8 << 20) + 1))), "codec/corrupt");
  EXPECT_EQ(reason_of(decode(Codec::lz4, le32(0x184c2102) + le32(9 << 20) + Bytes(9 << 20))),
            "codec/corrupt");
}

TEST(Codec, ArbitraryBytesNeverCrash) {
  std::vector<Bytes> heads;
  for (const Tool& tool : kTools) {
    heads.push_back(compress(tool, text(50)));
    heads.back().resize(std::min<std::size_t>(heads.back().size(), 30));
  }
  EXPECT_TRUE(
      rc::check("decoders end or fail on any input", [&](const Bytes& bytes, bool has_head) {
        for (std::size_t i = 0; i < std::size(kTools); ++i) {
          const Bytes data = has_head ? heads[i] + bytes : bytes;
          const Decoded decoded = decode(kTools[i].codec, data, {.output_limit = 1 << 20});
          RC_ASSERT(decoded.bytes.size() <= (1U << 20));
        }
      }));
}

}  // namespace
}  // namespace assay
