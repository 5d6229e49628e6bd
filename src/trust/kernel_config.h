// trust/kernel_config.h - a kernel's Kconfig file (.config, /boot/config-X): what is on.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/truth.h"

namespace assay {

class KernelConfig {
 public:
  // In no order: options are asked for by name, thousands of times a second.
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>()(name);
    }
  };
  using Values = std::unordered_map<std::string, std::string, NameHash, std::equal_to<>>;

  KernelConfig() = default;  // not known: every question is answered unknown

  // "CONFIG_X=y", "CONFIG_X=m", "CONFIG_X=\"text\"", "# CONFIG_X is not set"; what is not mentioned
  // is off.
  static Result<KernelConfig> parse(std::string_view text);

  bool is_known() const { return known_; }
  // "y", "m", text without quotes; nothing when it is off.
  std::optional<std::string_view> find(std::string_view name) const;
  void set(std::string name, std::string value);
  const Values& values() const { return values_; }

  Truth is_on(std::string_view name) const;        // =y or =m
  Truth is_built_in(std::string_view name) const;  // =y

  friend bool operator==(const KernelConfig&, const KernelConfig&) = default;

 private:
  bool known_ = false;
  Values values_;
};

}  // namespace assay
