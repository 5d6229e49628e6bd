#include "edit/splice.h"

#include <algorithm>

namespace assay {

namespace {

Result<void> check_stands(const Rope& content, std::uint64_t offset,
                          const std::vector<std::uint8_t>& expected) {
  const Extent where{offset, expected.size()};
  std::vector<std::uint8_t> scratch;
  if (!lies_inside(offset, expected.size(), content.size()))
    return fail(Reason::record_mismatch, where, "the content ends before that");
  ASSAY_TRY(const View there, view_of(content, offset, expected.size(), scratch));
  if (!same_bytes(there, View(expected))) return fail(Reason::record_mismatch, where);
  return {};
}

}  // namespace

Result<Rope> splice(const Rope& content, const std::vector<Splice>& splices, Direction direction) {
  Rope result;
  std::uint64_t copied = 0;  // of `content`
  std::uint64_t before = 0;  // how far the splices have come in the content before
  for (const Splice& one : splices) {
    if (one.offset < before) return fail(Reason::bad_record, {}, "splices are not in order");
    const auto& old = direction == Direction::forward ? one.before : one.after;
    const auto& now = direction == Direction::forward ? one.after : one.before;
    const std::uint64_t kept = one.offset - before;
    if (!lies_inside(copied, kept, content.size()))
      return fail(Reason::record_mismatch, {copied, kept}, "the content ends before that");
    result.append(content.sub({copied, kept}));
    copied += kept;
    ASSAY_CHECK(check_stands(content, copied, old));
    result.append(now);
    copied += old.size();
    before = one.offset + one.before.size();
  }
  result.append(content.sub({copied, content.size() - copied}));
  return result;
}

}  // namespace assay
