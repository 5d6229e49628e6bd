#include "formats/ber.h"

#include <fmt/format.h>

namespace assay {

namespace {

constexpr std::uint8_t kTagNumber = 0x1F;
constexpr std::uint8_t kLongTag = 0x1F;
constexpr std::uint8_t kIndefinite = 0x80;

}  // namespace

std::string describe(const BerFault& fault) {
  switch (fault.kind) {
    case BerFaultKind::too_long:
      return fmt::format("{} bytes, at most {}", fault.found, fault.expected);
    case BerFaultKind::overrun:
      return fmt::format("{} bytes needed, {} left", fault.expected, fault.found);
    case BerFaultKind::unexpected_tag:
      return fault.expected == 0
                 ? fmt::format("tag 0x{:02x} fits no alternative", fault.found)
                 : fmt::format("tag 0x{:02x}, expected 0x{:02x}", fault.found, fault.expected);
    case BerFaultKind::long_tag:
      return fmt::format("tag 0x{:02x} has more than one octet", fault.found);
    case BerFaultKind::length_too_long:
      return fmt::format("{} length octets, at most 2", fault.found);
    case BerFaultKind::indefinite_primitive:
      return fmt::format("indefinite length on the primitive tag 0x{:02x}", fault.found);
    case BerFaultKind::missing_end: return "the end-of-contents octets are missing";
    case BerFaultKind::invalid_end: return "the end-of-contents octets carry a length";
    case BerFaultKind::leftover:
      return fmt::format("{} bytes too many in the container", fault.found);
    case BerFaultKind::too_deep: return fmt::format("more than {} open containers", ber::kMaxDepth);
  }
  return {};
}

BerDecoder::BerDecoder(View data) : data_(data), end_(data.size()) {
  if (data.size() > ber::kMaxSize)
    fault_ = BerFault{BerFaultKind::too_long, data.extent(), static_cast<unsigned>(data.size()),
                      static_cast<unsigned>(ber::kMaxSize)};
}

bool BerDecoder::stop(BerFaultKind kind, std::size_t at, unsigned found, unsigned expected) {
  at = std::min(at, data_.size());
  const std::size_t size = std::min<std::size_t>(1, data_.size() - at);
  fault_ = BerFault{kind, {data_.origin() + at, size}, found, expected};
  return false;
}

bool BerDecoder::step(std::uint8_t tag, unsigned how, BerElement& out) {
  if (fault_) return false;
  if (((how & kConditional) != 0 && (flags_ & kMatched) != 0) ||
      ((how & kSkip) != 0 && next_ == end_)) {
    flags_ = static_cast<std::uint8_t>(flags_ & ~kLastMatched);  // kMatched stays: see the header
    return false;
  }
  flags_ = 0;
  const std::size_t start = next_;
  if (end_ - next_ < 2)
    return stop(BerFaultKind::overrun, next_, static_cast<unsigned>(end_ - next_), 2);
  const std::uint8_t found = data_[next_++];
  if ((found & kTagNumber) == kLongTag) return stop(BerFaultKind::long_tag, start, found);

  const bool wants_container = (how & kAny) == 0 && (tag & ber::kConstructed) != 0;
  if ((how & kAny) == 0) {
    const unsigned ignored = wants_container ? ber::kConstructed : 0U;
    if (((tag ^ found) & ~ignored) != 0) {
      if ((how & kSkip) == 0) return stop(BerFaultKind::unexpected_tag, start, found, tag);
      next_ = start;
      return false;
    }
  }
  flags_ |= kMatched;

  std::uint8_t header_size = 2;
  std::size_t size = 0;
  bool indefinite = false;
  if (!read_length((found & ber::kConstructed) != 0, header_size, size, indefinite)) return false;

  if (wants_container) {
    if (depth_ == open_.size()) return stop(BerFaultKind::too_deep, start);
    out = {found, header_size, indefinite, data_.sub(next_, size),
           data_.sub(start, next_ + size - start)};
    open_[depth_++] = {next_, indefinite ? 0 : end_, header_size};
    if (!indefinite) end_ = next_ + size;
    return true;
  }
  if (indefinite) {
    const auto end = find_indefinite_end(next_);
    if (!end) return false;
    size = *end - next_;
  }
  out = {found, header_size, indefinite, data_.sub(next_, size),
         data_.sub(start, next_ + size - start)};
  next_ += size;
  return true;
}

bool BerDecoder::read_length(bool constructed, std::uint8_t& header_size, std::size_t& size,
                             bool& indefinite) {
  const std::size_t at = next_;
  const std::uint8_t first = data_[next_++];
  size = first;
  if (first == kIndefinite) {
    if (!constructed) return stop(BerFaultKind::indefinite_primitive, at, data_[at - 1]);
    indefinite = true;
    size = 0;
    if (end_ - next_ < 2)
      return stop(BerFaultKind::overrun, next_, static_cast<unsigned>(end_ - next_), 2);
    return true;
  }
  if (first > 0x7F) {
    const unsigned octets = first & 0x7FU;
    if (octets > 2) return stop(BerFaultKind::length_too_long, at, octets);
    if (octets > end_ - next_)
      return stop(BerFaultKind::overrun, next_, static_cast<unsigned>(end_ - next_), octets);
    header_size = static_cast<std::uint8_t>(header_size + octets);
    size = 0;
    for (unsigned i = 0; i < octets; ++i) size = size << 8 | data_[next_++];
  }
  if (size > end_ - next_)
    return stop(BerFaultKind::overrun, next_, static_cast<unsigned>(end_ - next_),
                static_cast<unsigned>(size));
  return true;
}

// asn1_find_indefinite_length: walks the nested elements, which need not follow any grammar, to the
// end-of-contents octets that belong to the element whose content starts at `from`.
std::optional<std::size_t> BerDecoder::find_indefinite_end(std::size_t from) {
  constexpr unsigned kLengthOctets = sizeof(std::uint64_t) - 1;  // of a size_t in the kernel
  std::size_t at = from;
  unsigned level = 1;
  const auto fail_at = [&](BerFaultKind kind, unsigned found = 0, unsigned expected = 0) {
    stop(kind, at, found, expected);
    return std::nullopt;
  };
  for (;;) {
    if (end_ - at < 2)
      return end_ == at ? fail_at(BerFaultKind::missing_end)
                        : fail_at(BerFaultKind::overrun, static_cast<unsigned>(end_ - at), 2);
    const std::uint8_t tag = data_[at++];
    if (tag == 0) {
      if (data_[at++] != 0) return fail_at(BerFaultKind::invalid_end);
      if (--level == 0) return at;
      continue;
    }
    if ((tag & kTagNumber) == kLongTag) {
      std::uint8_t octet = 0;
      do {
        if (end_ - at < 2)
          return fail_at(BerFaultKind::overrun, static_cast<unsigned>(end_ - at), 2);
        octet = data_[at++];
      } while ((octet & 0x80) != 0);
    }
    std::size_t size = data_[at++];
    if (size == kIndefinite) {
      if ((tag & ber::kConstructed) == 0) return fail_at(BerFaultKind::indefinite_primitive, tag);
      ++level;
      continue;
    }
    if (size > 0x7F) {
      const unsigned octets = static_cast<unsigned>(size) & 0x7FU;
      if (octets > kLengthOctets) return fail_at(BerFaultKind::length_too_long, octets);
      if (octets > end_ - at)
        return fail_at(BerFaultKind::overrun, static_cast<unsigned>(end_ - at), octets);
      size = 0;
      for (unsigned i = 0; i < octets; ++i) size = size << 8 | data_[at++];
    }
    if (size > end_ - at)
      return fail_at(BerFaultKind::overrun, static_cast<unsigned>(end_ - at),
                     static_cast<unsigned>(size));
    at += size;
  }
}

bool BerDecoder::close(Close how, BerElement& out, bool& again) {
  again = false;
  if (fault_) return false;
  const Container& container = open_[depth_ - 1];
  std::size_t content_end = next_;
  if (container.end == 0) {
    if (end_ - next_ < 2)
      return stop(BerFaultKind::overrun, next_, static_cast<unsigned>(end_ - next_), 2);
    if (data_[next_] != 0) {
      if (how == Close::one) return stop(BerFaultKind::missing_end, next_);
      again = true;
      return false;
    }
    if (data_[next_ + 1] != 0) return stop(BerFaultKind::invalid_end, next_);
    next_ += 2;
  } else {
    if (next_ < end_ && how == Close::many) {
      again = true;
      return false;
    }
    if (next_ != end_)
      return stop(BerFaultKind::leftover, next_, static_cast<unsigned>(end_ - next_));
    content_end = end_;
    end_ = container.end;
  }
  const std::size_t start = container.content - container.header_size;
  out = {0, container.header_size, container.end == 0,
         data_.sub(container.content, content_end - container.content),
         data_.sub(start, content_end - start)};
  --depth_;
  return true;
}

bool BerDecoder::leave(BerElement& out) {
  bool again = false;
  return close(Close::one, out, again);
}

bool BerDecoder::more(BerElement& out) {
  bool again = false;
  close(Close::many, out, again);
  return again;
}

bool BerDecoder::choice_made() {
  if (fault_) return false;
  if ((flags_ & kMatched) == 0)
    return stop(BerFaultKind::unexpected_tag, next_, next_ < data_.size() ? data_[next_] : 0);
  return true;
}

}  // namespace assay
