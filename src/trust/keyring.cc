#include "trust/keyring.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::pkcs7;

struct Candidates {
  std::vector<const Key*> matching;
  const Key* expired = nullptr;
  const Key* revoked = nullptr;
};

bool has_id(const Key& key, const KeyId& wanted) {
  const Certificate& x509 = key.certificate->x509();
  if (same_key_id(x509.id(), wanted)) return true;
  const auto skid = x509.skid_id();
  return skid && same_key_id(*skid, wanted);
}

template <class Matches>
void collect(const Keyring& ring, Matches matches, Candidates& out) {
  Candidates here;
  for (const Key& key : ring.keys()) {
    switch (key.usable) {
      case KeyState::revoked: here.revoked = &key; break;
      case KeyState::expired: here.expired = &key; break;
      case KeyState::good:
        if (matches(key)) out.matching.push_back(&key);
        break;
    }
  }
  // The error of a key that was passed over stands until another one is.
  if (here.revoked != nullptr || here.expired != nullptr) {
    out.revoked = here.revoked;
    out.expired = here.expired;
  }
  // The kernel stops at the first ring that has a match.
  for (const auto& linked : ring.links())
    if (out.matching.empty()) collect(*linked, matches, out);
}

std::string subject_of(const Key& key) { return short_name(key.certificate->x509().subject); }

// The kernel walks its associative array in an order that only it knows: of two keys with the same
// identifiers either may be found. They differ at all only when their key material does.
const Key* pick(Walk& walk, const Candidates& candidates) {
  const Key* first = candidates.matching.front();
  for (const Key* other : candidates.matching) {
    if (other->certificate == first->certificate) continue;
    if (same_bytes(other->certificate->x509().raw, first->certificate->x509().raw)) continue;
    if (!walk.settle(Truth::unknown, fmt::format("keyring order: {}", subject_of(*first))))
      return other;
  }
  return first;
}

KeySearch nothing_found(Walk& walk, const Candidates& candidates) {
  const auto name = [&](const Key* key) { return [key] { return subject_of(*key); }; };
  const bool revoked_last =
      candidates.expired == nullptr || candidates.revoked == nullptr ||
      walk.settle(Truth::unknown, "keyring order: a revoked key and an expired one");
  if (candidates.revoked != nullptr && revoked_last)
    return {nullptr, walk.check(rule::key_not_revoked, false, {}, name(candidates.revoked))};
  if (candidates.expired != nullptr)
    return {nullptr, walk.check(rule::key_not_expired, false, {}, name(candidates.expired))};
  return {nullptr, {Errno::enokey, -1}};
}

}  // namespace

std::string key_description(const Certificate& certificate) {
  const std::string name = fabricated_name(certificate.subject);
  const View id = certificate.skid ? *certificate.skid : certificate.serial;
  // The kernel takes the name's length by strlen.
  return fmt::format("{}: {}", std::string_view(name).substr(0, name.find('\0')),
                     to_hex(id.bytes()));
}

void Keyring::add(Key key) {
  const std::string description = key_description(key.certificate->x509());
  for (Key& present : keys_) {
    if (key_description(present.certificate->x509()) != description) continue;
    present = std::move(key);
    return;
  }
  keys_.push_back(std::move(key));
}

KeySearch find_key(Walk& walk, const Keyring& ring, const std::optional<KeyId>& id,
                   const std::optional<KeyId>& skid) {
  const KeyId& wanted = id ? *id : *skid;
  if (const Outcome bad = walk.check(rule::key_name, !wanted.empty()); bad.failed())
    return {nullptr, bad};
  Candidates candidates;
  collect(ring, [&](const Key& key) { return has_id(key, wanted); }, candidates);
  if (candidates.matching.empty()) return nothing_found(walk, candidates);
  const Key* key = pick(walk, candidates);
  if (id && skid) {
    const auto found = key->certificate->x509().skid_id();
    const bool same = found && same_key_id(*found, *skid);
    const auto both = [&] {
      return fmt::format("wanted {}, found {}", to_hex(*skid), found ? to_hex(*found) : "none");
    };
    if (const Outcome bad = walk.check(rule::key_lookup, same, {}, both); bad.failed())
      return {nullptr, bad};
  }
  return {key, {}};
}

KeySearch find_key_by_subject(Walk& walk, const Keyring& ring, View subject) {
  Candidates candidates;
  collect(
      ring, [&](const Key& key) { return same_bytes(key.certificate->x509().subject, subject); },
      candidates);
  if (candidates.matching.empty()) return nothing_found(walk, candidates);
  return {pick(walk, candidates), {}};
}

KeySearch find_key_by_suffix(Walk& walk, const Keyring& ring,
                             std::span<const std::uint8_t> suffix) {
  Candidates candidates;
  const auto ends_so = [&](const KeyId& id) {
    if (id.size() < suffix.size()) return false;
    const std::size_t start = id.size() - suffix.size();
    for (std::size_t i = 0; i < suffix.size(); ++i)
      if (id[start + i] != suffix[i]) return false;
    return true;
  };
  const auto matches = [&](const Key& key) {
    const Certificate& x509 = key.certificate->x509();
    const auto skid = x509.skid_id();
    return ends_so(x509.id()) || (skid && ends_so(*skid));
  };
  collect(ring, matches, candidates);
  if (candidates.matching.empty()) return nothing_found(walk, candidates);
  return {pick(walk, candidates), {}};
}

}  // namespace assay
