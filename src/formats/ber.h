// formats/ber.h - BER as the kernel's decoder reads it (lib/asn1_decoder.c; 6.1, 6.12, 7.2 alike).
//
// The kernel decodes by a grammar compiled to a small program (scripts/asn1_compiler.c). BerDecoder
// offers the steps of that program as functions, with the same state between them, so that a
// grammar written as straight code accepts and refuses exactly what the kernel does, quirks
// included:
//   - lengths have at most two length octets, minimal or not; indefinite length is accepted on
//     anything constructed; tags of more than one octet are refused
//   - where the grammar wants something constructed, the constructed bit of the data is not looked
//     at; where it wants something primitive, the bit must be clear
//   - at the end of the data, an optional step is passed over *without* forgetting that the step
//     before it matched; a choice that follows is then taken as made (BerDecoder::choice_made).
//     This is why an empty [0] of certificates is accepted and why signerInfos may be missing.
//   - bytes after the outermost element are not looked at
//
// A fault is sticky: after it every step does nothing and says no. Only the callers' loops need to
// ask ok().

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "bytes/view.h"

namespace assay {

// One tag-length-value. For an indefinite length, `content` of a primitive or ANY element includes
// the end-of-contents octets (as the kernel passes it on), that of a constructed one does not.
struct BerElement {
  std::uint8_t tag = 0;
  std::uint8_t header_size = 0;
  bool indefinite = false;
  View content;
  View raw;  // header and content
};

enum class BerFaultKind : std::uint8_t {
  too_long,  // more than 65535 bytes: EMSGSIZE; all others are EBADMSG
  overrun,   // a header or content reaches past its container
  unexpected_tag,
  long_tag,
  length_too_long,  // more than two length octets
  indefinite_primitive,
  missing_end,  // no end-of-contents octets
  invalid_end,  // end-of-contents octets with a length
  leftover,     // a container is longer than what the grammar reads from it
  too_deep,     // more than ten open containers
};

struct BerFault {
  BerFaultKind kind;
  Extent where;
  unsigned found = 0;     // a tag or a length
  unsigned expected = 0;  // a tag or a length
};

// "tag 0x31, expected 0x30"
std::string describe(const BerFault& fault);

// Identifier octets. Bit 0x20 says constructed.
namespace ber {
inline constexpr std::uint8_t kConstructed = 0x20;
inline constexpr std::uint8_t kBoolean = 0x01;
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kOid = 0x06;
inline constexpr std::uint8_t kUtcTime = 0x17;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t context(std::uint8_t number) { return 0x80 | number; }
constexpr std::uint8_t context_constructed(std::uint8_t number) { return 0xA0 | number; }
inline constexpr std::size_t kMaxSize = 65535;  // asn1_ber_decoder
inline constexpr std::size_t kMaxDepth = 10;    // NR_CONS_STACK
}  // namespace ber

class BerDecoder {
 public:
  explicit BerDecoder(View data);

  bool ok() const { return !fault_; }
  const std::optional<BerFault>& fault() const { return fault_; }

  // A primitive element with this tag (ASN1_OP_MATCH).
  bool leaf(std::uint8_t tag, BerElement& out) { return step(tag, kRequired, out); }
  // The same, passed over where something else stands (ASN1_OP_MATCH_OR_SKIP).
  bool leaf_or_skip(std::uint8_t tag, BerElement& out) { return step(tag, kSkip, out); }
  // The same as a further alternative of a choice: not tried when one was taken already
  // (ASN1_OP_COND_MATCH_OR_SKIP).
  bool leaf_or_next(std::uint8_t tag, BerElement& out) {
    return step(tag, kSkip | kConditional, out);
  }

  // Any element as a whole (ASN1_OP_MATCH_ANY and its variants).
  bool any(BerElement& out) { return step(0, kAny, out); }
  bool any_or_skip(BerElement& out) { return step(0, kAny | kSkip, out); }
  bool any_or_next(BerElement& out) { return step(0, kAny | kSkip | kConditional, out); }

  // Opens a container; leave() or more() closes it. Where `out` is asked for, its content is what
  // the length announces.
  bool enter(std::uint8_t tag) { return step(tag, kRequired, scrap_); }
  bool enter(std::uint8_t tag, BerElement& out) { return step(tag, kRequired, out); }
  bool enter_or_skip(std::uint8_t tag) { return step(tag, kSkip, scrap_); }
  bool enter_or_next(std::uint8_t tag) { return step(tag, kSkip | kConditional, scrap_); }

  // At the end of a container of one structure: it must be used up (ASN1_OP_END_SEQ).
  bool leave(BerElement& out);
  bool leave() { return leave(scrap_); }
  // At the end of one element of a container of many: true when another follows; false when the
  // container is closed (it then stands in `out`) or a fault occurred (ASN1_OP_END_SEQ_OF).
  bool more(BerElement& out);
  bool more() { return more(scrap_); }

  // At the end of a choice: one alternative must have been taken (ASN1_OP_COND_FAIL).
  bool choice_made();
  // To be called at the end of a part that the kernel's grammar keeps apart and jumps to
  // (ASN1_OP_RETURN): the step that jumped counts as matched.
  void returned() { flags_ = static_cast<std::uint8_t>(flags_ | kMatched | kLastMatched); }
  // True right after returned(): what ASN1_OP_MAYBE_ACT asks.
  bool last_matched() const { return ok() && (flags_ & kLastMatched) != 0; }

 private:
  enum How : unsigned { kRequired = 0, kSkip = 1, kConditional = 2, kAny = 4 };
  enum Flag : std::uint8_t { kMatched = 1, kLastMatched = 2 };
  enum class Close : std::uint8_t { one, many };

  struct Container {
    std::size_t content;  // where its content starts
    std::size_t end;  // where the data of the *enclosing* container ends; 0: this one is indefinite
    std::uint8_t header_size;
  };

  bool step(std::uint8_t tag, unsigned how, BerElement& out);
  bool close(Close how, BerElement& out, bool& again);
  bool read_length(bool constructed, std::uint8_t& header_size, std::size_t& size,
                   bool& indefinite);
  std::optional<std::size_t> find_indefinite_end(std::size_t from);
  bool stop(BerFaultKind kind, std::size_t at, unsigned found = 0, unsigned expected = 0);

  View data_;
  std::size_t next_ = 0;  // the kernel's dp
  std::size_t end_ = 0;   // the kernel's datalen: end of the innermost definite container
  std::uint8_t flags_ = 0;
  std::size_t depth_ = 0;
  std::array<Container, ber::kMaxDepth> open_{};
  std::optional<BerFault> fault_;
  BerElement scrap_;
};

}  // namespace assay
