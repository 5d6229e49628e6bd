// testing/der.h - DER written by hand, for tests that need to say what is wrong with it.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace assay::der {

using Bytes = std::vector<std::uint8_t>;

Bytes join(std::initializer_list<Bytes> parts);
Bytes bytes(std::string_view text);
Bytes from_hex(std::string_view text);  // spaces are passed over

// Any element; the length is written as DER wants it.
Bytes element(std::uint8_t tag, std::span<const std::uint8_t> content);
Bytes element(std::uint8_t tag, std::initializer_list<Bytes> parts);
// The same with an indefinite length, and with `octets` length octets (0x81, 0x82, ...).
Bytes indefinite(std::uint8_t tag, std::initializer_list<Bytes> parts);
Bytes long_form(std::uint8_t tag, std::span<const std::uint8_t> content, std::size_t octets);

inline Bytes sequence(std::initializer_list<Bytes> parts) { return element(0x30, parts); }
inline Bytes set(std::initializer_list<Bytes> parts) { return element(0x31, parts); }
inline Bytes octet_string(std::span<const std::uint8_t> content) { return element(0x04, content); }
inline Bytes null() { return {0x05, 0x00}; }
Bytes integer(std::uint64_t value);
// Of a big-endian number; a leading zero is added where it would be negative without.
Bytes integer(std::span<const std::uint8_t> number);
Bytes oid(std::string_view dotted);
// Whole octets: none are unused.
Bytes bit_string(std::span<const std::uint8_t> content);
Bytes text(std::uint8_t tag, std::string_view characters);
// A Name with one attribute.
Bytes name(std::string_view common_name);
// AlgorithmIdentifier with NULL parameters.
Bytes algorithm(std::string_view dotted);

}  // namespace assay::der
