#include "survey/attempt.h"

#include "base/limits.h"

namespace assay {

void Attempt::wait() {
  const std::lock_guard lock(mutex_);
  if (!concluded_) put_aside();
}

void Attempt::prepare(const std::shared_ptr<const Trust>& trust) {
  const std::lock_guard lock(mutex_);
  if (concluded_) return;
  fetch();
  const SignatureEvidence* found = signature();
  // A report tells of every signer, and would wait in its stead.
  if (found != nullptr && found->size() <= limits::kPreparedSignature) {
    prepared_ = verify_artifact(artifact_, trust, options_);
    prepared_for_ = trust;
  }
  put_aside();
}

ArtifactReport Attempt::conclude(const TrustAnswer& answer) {
  const std::lock_guard lock(mutex_);
  concluded_ = true;
  if (prepared_for_ && answer && *answer == prepared_for_) return std::move(prepared_);
  fetch();
  return verify_artifact(artifact_, answer, options_);
}

SignatureEvidence* Attempt::signature() {
  if (artifact_.error || !artifact_.appended || !artifact_.appended->signature) return nullptr;
  return &*artifact_.appended->signature;
}

// What cannot be put aside is given up: the artifact is in error.
void Attempt::put_aside() {
  SignatureEvidence* held = is_aside_ ? nullptr : signature();
  if (held == nullptr) return;
  if (!claim_ && !message_) claim_ = shelf_.claim(held->weight());
  if (claim_) return;
  std::vector<std::uint8_t> message = held->give_message();
  is_aside_ = true;
  if (message_) return;
  auto item = shelf_.put(std::move(message));
  if (item)
    message_ = std::move(*item);
  else
    artifact_.error = with_path(item.error(), artifact_.name);
}

void Attempt::fetch() {
  if (!is_aside_ || artifact_.error) return;
  auto message = shelf_.get(*message_);
  if (message)
    artifact_.appended->signature->restore(std::move(*message));
  else
    artifact_.error = with_path(message.error(), artifact_.name);
  is_aside_ = false;
}

}  // namespace assay
