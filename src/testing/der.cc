#include "testing/der.h"

#include <algorithm>

#include "base/hex.h"

namespace assay::der {

namespace {

void append(Bytes& out, std::span<const std::uint8_t> more) {
  out.insert(out.end(), more.begin(), more.end());
}

void append_base128(Bytes& out, std::uint64_t arc) {
  Bytes groups{static_cast<std::uint8_t>(arc & 0x7F)};
  while ((arc >>= 7) != 0) groups.push_back(static_cast<std::uint8_t>((arc & 0x7F) | 0x80));
  out.insert(out.end(), groups.rbegin(), groups.rend());
}

}  // namespace

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) append(all, part);
  return all;
}

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

Bytes from_hex(std::string_view text) {
  std::string digits(text);
  std::erase_if(digits, [](char c) { return c == ' ' || c == '\n'; });
  return assay::from_hex(digits).value();
}

Bytes element(std::uint8_t tag, std::span<const std::uint8_t> content) {
  std::size_t octets = 0;
  if (content.size() > 0x7F)
    while (content.size() >> (8 * octets) != 0) ++octets;
  return long_form(tag, content, octets);
}

Bytes element(std::uint8_t tag, std::initializer_list<Bytes> parts) {
  return element(tag, join(parts));
}

Bytes indefinite(std::uint8_t tag, std::initializer_list<Bytes> parts) {
  return join({{tag, 0x80}, join(parts), {0, 0}});
}

Bytes long_form(std::uint8_t tag, std::span<const std::uint8_t> content, std::size_t octets) {
  Bytes out{tag};
  if (octets == 0) {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    out.push_back(static_cast<std::uint8_t>(0x80 | octets));
    for (std::size_t i = octets; i > 0; --i)
      out.push_back(i > sizeof(std::size_t)
                        ? std::uint8_t{0}
                        : static_cast<std::uint8_t>(content.size() >> (8 * (i - 1))));
  }
  append(out, content);
  return out;
}

Bytes integer(std::uint64_t value) {
  Bytes number;
  for (int shift = 56; shift >= 0; shift -= 8)
    if (value >> shift != 0 || shift == 0)
      number.push_back(static_cast<std::uint8_t>(value >> shift));
  return integer(number);
}

Bytes integer(std::span<const std::uint8_t> number) {
  Bytes content;
  if (number.empty() || (number[0] & 0x80) != 0) content.push_back(0);
  append(content, number);
  return element(0x02, content);
}

Bytes oid(std::string_view dotted) {
  std::vector<std::uint64_t> arcs{0};
  for (const char c : dotted) {
    if (c == '.')
      arcs.push_back(0);
    else
      arcs.back() = arcs.back() * 10 + static_cast<std::uint64_t>(c - '0');
  }
  Bytes content;
  append_base128(content, arcs[0] * 40 + arcs[1]);
  for (std::size_t i = 2; i < arcs.size(); ++i) append_base128(content, arcs[i]);
  return element(0x06, content);
}

Bytes bit_string(std::span<const std::uint8_t> content) {
  Bytes bits{0};
  append(bits, content);
  return element(0x03, bits);
}

Bytes text(std::uint8_t tag, std::string_view characters) {
  return element(tag, bytes(characters));
}

Bytes name(std::string_view common_name) {
  return sequence({set({sequence({oid("2.5.4.3"), text(0x0C, common_name)})})});
}

Bytes algorithm(std::string_view dotted) { return sequence({oid(dotted), null()}); }

}  // namespace assay::der
