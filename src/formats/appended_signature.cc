#include "formats/appended_signature.h"

#include "bytes/reader.h"

namespace assay {

namespace {

InfoBlock block_of(const Record<kInfoBlockSize>& record) {
  return {.algo = record.u8<0>(),
          .hash = record.u8<1>(),
          .id_type = record.u8<2>(),
          .signer_len = record.u8<3>(),
          .key_id_len = record.u8<4>(),
          .pad_is_zero = record.u8<5>() == 0 && record.u8<6>() == 0 && record.u8<7>() == 0,
          .sig_len = record.be32<8>()};
}

}  // namespace

Result<std::optional<InfoBlock>> read_info_block(const Content& content, std::uint64_t end) {
  if (end < kInfoBlockSize) return std::nullopt;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View bytes, view_of(content, end - kInfoBlockSize, kInfoBlockSize, scratch));
  return block_of(*Reader(bytes).record<kInfoBlockSize>());
}

Result<SignatureTrailer> read_signature_trailer(const Content& content) {
  constexpr std::size_t kMarkerSize = kSignatureMarker.size();
  constexpr std::size_t kTailSize = kMarkerSize + kInfoBlockSize;
  SignatureTrailer trailer;
  trailer.file_size = content.size();
  const std::uint64_t tail_size = std::min<std::uint64_t>(kTailSize, trailer.file_size);
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View tail, view_of(content, trailer.file_size - tail_size, tail_size, scratch));

  Reader reader(tail);
  const auto marker = reader.take_last(kMarkerSize);
  if (!marker || marker->text() != kSignatureMarker) return trailer;
  trailer.has_marker = true;
  const auto block = reader.record_last<kInfoBlockSize>();
  if (!block) return trailer;
  trailer.before_block = trailer.file_size - kTailSize;
  trailer.block = block_of(*block);
  if (trailer.block->sig_len <= trailer.before_block) {
    trailer.splits = true;
    trailer.payload_size = trailer.before_block - trailer.block->sig_len;
  }
  return trailer;
}

}  // namespace assay
