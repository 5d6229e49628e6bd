#include "formats/appended_signature.h"

#include "bytes/reader.h"

namespace assay {

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
  trailer.block =
      InfoBlock{.algo = block->u8<0>(),
                .hash = block->u8<1>(),
                .id_type = block->u8<2>(),
                .signer_len = block->u8<3>(),
                .key_id_len = block->u8<4>(),
                .pad_is_zero = block->u8<5>() == 0 && block->u8<6>() == 0 && block->u8<7>() == 0,
                .sig_len = block->be32<8>()};
  if (trailer.block->sig_len <= trailer.before_block) {
    trailer.splits = true;
    trailer.payload_size = trailer.before_block - trailer.block->sig_len;
  }
  return trailer;
}

}  // namespace assay
