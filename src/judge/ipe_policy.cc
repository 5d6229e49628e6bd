#include "judge/ipe_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/name.h"
#include "judge/rules.h"

namespace assay {

namespace {

namespace rule = rules::ipe;

constexpr std::array<std::string_view, kIpeOps> kOps = {
    "EXECUTE", "FIRMWARE", "KMODULE", "KEXEC_IMAGE", "KEXEC_INITRAMFS", "POLICY", "X509_CERT"};

struct PropertyName {
  std::string_view text;
  IpeProperty property;
};
constexpr PropertyName kFlags[] = {
    {"boot_verified=FALSE", IpeProperty::boot_verified_false},
    {"boot_verified=TRUE", IpeProperty::boot_verified_true},
    {"dmverity_signature=FALSE", IpeProperty::dmverity_signature_false},
    {"dmverity_signature=TRUE", IpeProperty::dmverity_signature_true},
    {"fsverity_signature=FALSE", IpeProperty::fsverity_signature_false},
    {"fsverity_signature=TRUE", IpeProperty::fsverity_signature_true},
};
constexpr PropertyName kDigests[] = {
    {"dmverity_roothash=", IpeProperty::dmverity_roothash},
    {"fsverity_digest=", IpeProperty::fsverity_digest},
};

// isspace of lib/ctype.c, in the "C" locale but for 0xA0.
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || static_cast<unsigned char>(c) == 0xA0;
}

std::optional<IpeOp> find_op(std::string_view word) {
  if (!word.starts_with("op=")) return std::nullopt;
  const auto at = std::ranges::find(kOps, word.substr(3));
  if (at == kOps.end()) return std::nullopt;
  return static_cast<IpeOp>(at - kOps.begin());
}

std::optional<IpeAction> find_action(std::string_view word) {
  if (word == "action=ALLOW") return IpeAction::allow;
  if (word == "action=DENY") return IpeAction::deny;
  return std::nullopt;
}

// match_token with "NAME=%s", which does not match the empty string.
std::optional<std::string_view> value_of(std::string_view word, std::string_view name) {
  if (!word.starts_with(name) || word.size() == name.size()) return std::nullopt;
  return word.substr(name.size());
}

class Parser {
 public:
  Parser(Walk& walk, IpePolicy& policy) : walk_(walk), policy_(policy) {}

  Outcome parse(std::string_view text) {
    if (const Outcome bad = walk_.check(rule::has_text, !text.empty()); bad.failed()) return bad;
    text = text.substr(0, text.find('\0'));
    bool has_header = false;
    for (bool more = true; more;) {
      ++line_;
      const std::size_t end = text.find_first_of("\n\r");
      std::string_view line = text.substr(0, end);
      more = end != std::string_view::npos;
      text.remove_prefix(more ? end + 1 : text.size());
      line = line.substr(0, line.find('#'));
      while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
      if (line.empty()) continue;
      const Outcome bad = has_header ? parse_rule(line) : parse_header(line);
      if (bad.failed()) return bad;
      has_header = true;
    }
    if (!has_header) return fails(rule::header, "");
    return check_defaults();
  }

 private:
  Outcome fails(const Rule& rule, std::string_view word) {
    return walk_.refuse(rule, {}, fmt::format("line {}: {}", line_, encode_name(word)));
  }

  static std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
      const std::size_t end = line.find_first_of(" \t");
      if (end != 0) words.push_back(line.substr(0, end));
      line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    }
    return words;
  }

  Outcome parse_header(std::string_view line) {
    constexpr std::string_view kNames[] = {"policy_name=", "policy_version="};
    const auto words = words_of(line);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto value = i < std::size(kNames) ? value_of(words[i], kNames[i]) : std::nullopt;
      if (!value) return fails(rule::header, words[i]);
      if (i == 0) policy_.name = *value;
      if (i == 0) continue;
      if (const Outcome bad = parse_version(*value); bad.failed()) return bad;
    }
    if (words.size() != std::size(kNames)) return fails(rule::header, line);
    return walk_.check(rule::header, true);
  }

  Outcome parse_version(std::string_view text) {
    std::size_t count = 0;
    for (bool more = true; more;) {
      const std::size_t dot = text.find('.');
      const std::string_view number = text.substr(0, dot);
      more = dot != std::string_view::npos;
      if (more) text.remove_prefix(dot + 1);
      if (count == policy_.version.size()) return fails(rule::version, number);
      if (const Outcome bad = parse_number(number, policy_.version[count]); bad.failed())
        return bad;
      ++count;
    }
    if (count != policy_.version.size()) return fails(rule::version, text);
    return walk_.check(rule::version, true);
  }

  // kstrtou16 with base 10: what does not fit 64 bits is out of range before what follows is looked
  // at, what does not fit 16 afterwards.
  Outcome parse_number(std::string_view text, std::uint16_t& number) {
    std::string_view left = text;
    if (left.starts_with('+')) left.remove_prefix(1);
    std::uint64_t value = 0;
    bool overflows = false;
    std::size_t digits = 0;
    for (; digits < left.size() && left[digits] >= '0' && left[digits] <= '9'; ++digits) {
      const auto digit = static_cast<std::uint64_t>(left[digits] - '0');
      overflows = overflows || value > (UINT64_MAX - digit) / 10;
      value = value * 10 + digit;
    }
    if (overflows) return fails(rule::version_range, text);
    if (digits == 0 || digits != left.size()) return fails(rule::version_digits, text);
    if (value > UINT16_MAX) return fails(rule::version_range, text);
    number = static_cast<std::uint16_t>(value);
    return {};
  }

  // The last word is the action, whatever it is.
  Outcome parse_rule(std::string_view line) {
    std::vector<std::string_view> words = words_of(line);
    const std::string_view last = words.back();
    words.pop_back();
    const bool is_default = !words.empty() && words.front() == "DEFAULT";
    std::optional<IpeOp> op;
    IpeRule one;
    one.line = line_;
    for (const std::string_view word : std::span(words).subspan(is_default ? 1 : 0)) {
      if (!op) {
        op = find_op(word);
        if (!op) return fails(rule::operation, word);
      } else if (const Outcome bad = parse_property(word, one); bad.failed()) {
        return bad;
      }
    }
    const auto action = find_action(last);
    if (!action) return fails(rule::action, last);
    one.action = *action;
    if (is_default) return add_default(op, one);
    if (!op) return fails(rule::rule_operation, last);
    policy_.table(*op).rules.push_back(std::move(one));
    return {};
  }

  Outcome parse_property(std::string_view word, IpeRule& one) {
    for (const PropertyName& flag : kFlags) {
      if (word != flag.text) continue;
      one.conditions.push_back({flag.property, {}});
      return {};
    }
    for (const PropertyName& digest : kDigests) {
      const auto value = value_of(word, digest.text);
      if (!value) continue;
      const std::size_t colon = value->find(':');
      if (colon == std::string_view::npos) return fails(rule::digest, *value);
      auto bytes = from_hex(value->substr(colon + 1));
      if (!bytes) return fails(rule::digest_digits, *value);
      one.conditions.push_back(
          {digest.property, {std::string(value->substr(0, colon)), std::move(*bytes)}});
      return {};
    }
    return fails(rule::property, word);
  }

  Outcome add_default(std::optional<IpeOp> op, const IpeRule& one) {
    if (!one.conditions.empty()) return fails(rule::bare_default, "");
    std::optional<IpeAction>& otherwise = op ? policy_.table(*op).otherwise : policy_.otherwise;
    if (otherwise) return fails(rule::one_default, op ? ipe_op_name(*op) : "");
    otherwise = one.action;
    return {};
  }

  Outcome check_defaults() {
    if (policy_.otherwise) return walk_.check(rule::defaults, true);
    for (std::size_t i = 0; i < kIpeOps; ++i)
      if (!policy_.tables[i].otherwise)
        return walk_.refuse(rule::defaults, {}, fmt::format("op={}", kOps[i]));
    return walk_.check(rule::defaults, true);
  }

  Walk& walk_;
  IpePolicy& policy_;
  std::size_t line_ = 0;
};

}  // namespace

std::string_view ipe_op_name(IpeOp op) { return kOps[static_cast<std::size_t>(op)]; }

Outcome parse_ipe_policy(Walk& walk, std::string_view text, IpePolicy& policy) {
  policy = {};
  return Parser(walk, policy).parse(text);
}

}  // namespace assay
