#include "formats/cms_outline.h"

#include "formats/ber.h"

namespace assay {

MessageOutline outline_of(View message) {
  MessageOutline outline;
  BerDecoder ber(message);
  BerElement element;
  ber.enter(ber::kSequence);
  if (ber.leaf(ber::kOid, element))
    outline.is_signed_data = find_oid(element.content) == Oid::signed_data;
  if (!outline.is_signed_data) {
    outline.is_read = ber.ok();
    return outline;
  }
  ber.enter(ber::context_constructed(0));
  ber.enter(ber::kSequence);
  if (ber.leaf(ber::kInteger, element) && element.content.size() == 1)
    outline.version = element.content[0];
  BerElement digests;
  if (!ber.any(digests) || digests.tag != ber::kSet) return outline;
  do {
    if (!ber.any(element)) return outline;
    outline.has_crls = outline.has_crls || element.tag == ber::context_constructed(1);
    outline.has_signers = element.tag == ber::kSet && !element.content.empty();
  } while (ber.more());
  if (!ber.ok()) return outline;
  outline.is_read = true;
  if (digests.content.empty()) return outline;
  BerDecoder list(digests.raw);
  list.enter(ber::kSet);
  do {
    list.enter(ber::kSequence);
    if (list.leaf(ber::kOid, element)) outline.digests.push_back(find_oid(element.content));
    list.any_or_skip(element);
    list.leave();
  } while (list.more());
  outline.is_read = list.ok();
  return outline;
}

}  // namespace assay
