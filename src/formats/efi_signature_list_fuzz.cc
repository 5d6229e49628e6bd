// Laws: lists lie one after the other from the start on, and what stops the parser starts where the
// last of them ends; the signatures of a list fill it; the text of a GUID reads back.

#include "formats/efi_signature_list.h"

#include "formats/sbat.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View bytes({data, size});
  const EfiSignatureDatabase database = parse_efi_signature_lists(bytes);
  std::uint64_t at = 0;
  for (const EfiSignatureList& list : database.lists) {
    fuzz_check(list.raw.origin() == at, "a gap between lists");
    at += list.raw.size();
    std::uint64_t filled = 28 + list.header.size();
    for (const EfiSignature& signature : list.signatures) filled += 16 + signature.data.size();
    fuzz_check(filled == list.raw.size(), "signatures do not fill their list");
    fuzz_check(parse_guid(to_string(list.guid)) == list.guid, "a GUID does not read back");
  }
  fuzz_check((at == size) == !database.stops, "bytes are left over, and nothing is said");
  if (const auto inner = find_signed_database(bytes))
    fuzz_check(inner->origin() + inner->size() == size, "a database that does not end the file");
  const auto entries = parse_sbat(bytes);
  const auto level = parse_sbat_level(bytes);
  if (entries && level)
    if (const auto conflict = find_revoked(*entries, *level))
      fuzz_check(conflict->entry->generation < conflict->revocation->least_generation,
                 "revoked and not older");
  return 0;
}
