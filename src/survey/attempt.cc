#include "survey/attempt.h"

#include "base/limits.h"

namespace assay {

void Attempt::wait() {
  const std::lock_guard lock(mutex_);
  if (!concluded_) put_aside();
}

void Attempt::prepare(const std::shared_ptr<const Trust>& trust) {
  const std::lock_guard lock(mutex_);
  if (concluded_ || !artifact_.appended || !artifact_.appended->signature) return;
  fetch();
  // A report tells of every signer, and would wait in its stead.
  if (!artifact_.error && artifact_.appended->signature->size() <= limits::kPreparedSignature) {
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

// What cannot be put aside is given up: the artifact is in error.
void Attempt::put_aside() {
  if (is_aside_ || artifact_.error || !artifact_.appended || !artifact_.appended->signature) return;
  SignatureEvidence& signature = *artifact_.appended->signature;
  if (!claim_ && !message_) claim_ = shelf_.claim(signature.weight());
  if (claim_) return;
  std::vector<std::uint8_t> message = signature.give_message();
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
