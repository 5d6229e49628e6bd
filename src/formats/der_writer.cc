#include "formats/der_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "bytes/view.h"
#include "formats/ber.h"

namespace assay {

DerBytes der_element(std::uint8_t tag, std::span<const std::uint8_t> content) {
  DerBytes bytes{tag};
  const std::size_t size = content.size();
  if (size < 0x80) {
    bytes.push_back(static_cast<std::uint8_t>(size));
  } else {
    int octets = 1;
    while (size >> (8 * octets) != 0) ++octets;
    bytes.push_back(static_cast<std::uint8_t>(0x80 | octets));
    for (int i = octets; i > 0; --i)
      bytes.push_back(static_cast<std::uint8_t>(size >> (8 * (i - 1))));
  }
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

DerBytes der_join(std::initializer_list<DerBytes> parts) {
  DerBytes bytes;
  for (const DerBytes& part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

DerBytes der_element(std::uint8_t tag, std::initializer_list<DerBytes> parts) {
  return der_element(tag, der_join(parts));
}

DerBytes der_sequence(std::initializer_list<DerBytes> parts) {
  return der_element(ber::kSequence, parts);
}

DerBytes der_set_of(std::vector<DerBytes> elements, std::uint8_t tag) {
  std::ranges::sort(elements);
  DerBytes content;
  for (const DerBytes& element : elements)
    content.insert(content.end(), element.begin(), element.end());
  return der_element(tag, content);
}

DerBytes der_small_integer(std::uint8_t value) { return {ber::kInteger, 1, value}; }
DerBytes der_oid(Oid oid) { return der_element(ber::kOid, oid_content(oid)); }
DerBytes der_octet_string(std::span<const std::uint8_t> content) {
  return der_element(ber::kOctetString, content);
}
DerBytes der_null() { return {ber::kNull, 0}; }

DerBytes der_time(std::int64_t seconds) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds time{chrono::seconds(seconds)};
  const auto midnight = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(midnight);
  const chrono::hh_mm_ss clock(time - midnight);
  const int year = int{date.year()};
  const std::string rest =
      fmt::format("{:02}{:02}{:02}{:02}{:02}Z", unsigned{date.month()}, unsigned{date.day()},
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (year >= 1950 && year < 2050)
    return der_element(ber::kUtcTime, bytes_of(fmt::format("{:02}{}", year % 100, rest)));
  return der_element(ber::kGeneralizedTime, bytes_of(fmt::format("{:04}{}", year, rest)));
}

}  // namespace assay
