#include "trust/boot_keyring.h"

#include <algorithm>

#include "trust/add_key.h"

namespace assay {

namespace {

bool same_state(const CertificateState& a, const CertificateState& b) {
  return a.key_kind == b.key_kind && a.signed_with == b.signed_with &&
         a.unsupported_sig == b.unsupported_sig && a.blacklisted == b.blacklisted &&
         a.self_signed == b.self_signed;
}

bool same_key(const std::optional<Key>& a, const std::optional<Key>& b) {
  return a.has_value() == b.has_value() && (!a || same_state(a->state, b->state));
}

}  // namespace

BootKeyring::BootKeyring(const std::string& name, std::span<const ListedCertificate> certificates,
                         const KernelId& kernel, const SignatureContext& context)
    : name_(name) {
  for (const ListedCertificate& certificate : certificates)
    certificates_.push_back(load(certificate, kernel, context));
  const auto is_sure = [](const Ways& ways) { return ways.size() == 1; };
  if (!std::ranges::all_of(certificates_, is_sure)) return;
  Walk walk(kernel, {}, false);
  fixed_ = in(walk);
}

BootKeyring::Ways BootKeyring::load(const ListedCertificate& certificate, const KernelId& kernel,
                                    const SignatureContext& context) {
  Ways ways;
  std::vector<Choice> choices;
  do {
    Walk walk(kernel, choices, false);
    CertificateState state;
    const Outcome bad =
        check_add_key(walk, *certificate.certificate, context, Restriction::none, nullptr, state);
    Way way{walk.choices(), std::nullopt};
    if (!bad.failed())
      way.key = Key{certificate.certificate, state, KeyState::good, true, certificate.source};
    choices = way.choices;
    ways.push_back(std::move(way));
    while (!choices.empty() && !choices.back().answer) choices.pop_back();
    if (!choices.empty()) choices.back().answer = false;
  } while (!choices.empty());
  const auto as_first = [&](const Way& way) { return same_key(way.key, ways.front().key); };
  if (std::ranges::all_of(ways, as_first)) ways.resize(1);
  return ways;
}

std::shared_ptr<const Keyring> BootKeyring::in(Walk& walk) const {
  if (fixed_) return fixed_;
  auto ring = std::make_shared<Keyring>(name_);
  for (const Ways& all : certificates_) {
    std::span<const Way> ways = all;
    for (std::size_t depth = 0; ways.size() > 1; ++depth) {
      const bool yes = walk.settle(Truth::unknown, ways.front().choices[depth].key);
      const auto first_no = std::ranges::find_if(
          ways, [depth](const Way& way) { return !way.choices[depth].answer; });
      const auto count = static_cast<std::size_t>(first_no - ways.begin());
      ways = yes ? ways.first(count) : ways.subspan(count);
    }
    if (ways.front().key) ring->add(*ways.front().key);
  }
  return ring;
}

}  // namespace assay
