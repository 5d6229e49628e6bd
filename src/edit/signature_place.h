// edit/signature_place.h - where a new signature of a file goes, and what becomes of those that are
// there: behind the end of the file, or into the certificate table of a PE image.

#pragma once

#include <cstdint>
#include <optional>

#include "edit/pe_table.h"

namespace assay {

// What to do with a file that carries signatures: one of the kind that would be added.
enum class Existing : std::uint8_t { refuse, replace, add };

// The bytes that the new signature is over: without the old ones, where they are replaced.
struct SignaturePlace {
  Existing existing = Existing::refuse;
  std::optional<PeHeaders> headers;  // of a PE image, whose table it goes into
  std::optional<PeTable> table;      // that the image has
  std::uint64_t payload_size = 0;    // of what an appended signature is over
};

// Behind the end of the file. already_signed where something is there and is not to be.
Result<SignaturePlace> find_appended_place(const Content& content, Existing existing);

// In the image's table; nothing where the file is no image. not_signable where the entries of a
// table that is to be added to cannot be told apart: no reader would find another behind them.
Result<std::optional<SignaturePlace>> find_image_place(const Content& content, Existing existing);

// The message put there: from `content` to the file with it. Empty, it stands for one while the
// digest of an image is computed, which does not see it.
Result<RecordPart> describe_signature(const Content& content, const SignaturePlace& place,
                                      View message);

// A message behind the end of `content`, whatever stands there.
RecordPart describe_appended_signature(const Content& content, View message);

}  // namespace assay
