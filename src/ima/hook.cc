#include "ima/hook.h"

#include <algorithm>

namespace assay {

namespace {

constexpr ImaFunc kFuncs[] = {
#define IMA_FUNC(hook, name, scope, config) {ImaHook::hook, name, scope, config},
#include "ima/funcs.def"
#undef IMA_FUNC
};

}  // namespace

std::span<const ImaFunc> ima_funcs() { return kFuncs; }

const ImaFunc* find_ima_func(std::string_view name) {
  const auto* found = std::ranges::find(kFuncs, name, &ImaFunc::name);
  return found == std::end(kFuncs) ? nullptr : found;
}

std::string_view ima_hook_name(ImaHook hook) {
  if (hook == ImaHook::none) return "NONE";
  if (hook == ImaHook::post_setattr) return "POST_SETATTR";
  const auto* found = std::ranges::find(kFuncs, hook, &ImaFunc::hook);
  return found == std::end(kFuncs) ? std::string_view() : found->name;
}

}  // namespace assay
