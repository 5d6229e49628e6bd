// What is read of a key file, written again, is read the same; and lies within the file.

#include "formats/tpm_key_file.h"

#include "testing/der.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View file{std::span(data, size)};
  const auto key = parse_tpm_key_file(file);
  if (!key) {
    fuzz_check(key.error().reason == Reason::not_a_private_key, "one reason");
    return 0;
  }
  fuzz_check(key->public_area.size() + key->private_area.size() <= size, "areas lie within");
  const der::Bytes flag = {static_cast<std::uint8_t>(key->empty_auth ? 0xFF : 0)};
  const der::Bytes again =
      der::sequence({der::oid("2.23.133.10.1.3"), der::element(0xA0, {der::element(0x01, flag)}),
                     der::integer(key->parent), der::octet_string(key->public_area.bytes()),
                     der::octet_string(key->private_area.bytes())});
  if (again.size() > 65535) return 0;  // more than the decoder takes
  const auto same = parse_tpm_key_file(View(again));
  fuzz_check(same.has_value(), "what is written is read");
  fuzz_check(same->parent == key->parent && same->empty_auth == key->empty_auth, "the same");
  fuzz_check(std::ranges::equal(same->public_area.bytes(), key->public_area.bytes()) &&
                 std::ranges::equal(same->private_area.bytes(), key->private_area.bytes()),
             "the same areas");
  return 0;
}
