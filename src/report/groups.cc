#include "report/groups.h"

#include <fmt/format.h>

namespace assay {

std::string count_of(std::uint64_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

Groups::Group& Groups::group_of(const Likeness& likeness) {
  const auto [at, is_new] = index_.try_emplace(
      likeness.label + '\n' + likeness.noun + '\n' + likeness.rest, groups_.size());
  if (is_new) groups_.push_back({likeness, 0, {}});
  Group& group = groups_[at->second];
  ++group.count;
  return group;
}

void Groups::count(const Likeness& likeness) { group_of(likeness); }

void Groups::hold(const Likeness& likeness, std::string text) {
  Group& group = group_of(likeness);
  if (group.count <= kHandful) group.texts.push_back(std::move(text));
}

std::string Groups::to_text(bool problems_only) const {
  std::string held;
  std::string counted;
  for (const Group& group : groups_) {
    const std::string all =
        fmt::format("{} {}{}", group.likeness.label, count_of(group.count, group.likeness.noun),
                    group.likeness.rest);
    if (group.texts.empty())
      counted += all + '\n';
    else if (group.count > kHandful)
      held += all + "; -v lists them\n";
    else
      for (const std::string& text : group.texts) held += text;
  }
  return problems_only ? held : held + counted;
}

}  // namespace assay
