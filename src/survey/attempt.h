// survey/attempt.h - one artifact's verdict, made perhaps before it is certain what it is checked
// against.

#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "bytes/shelf.h"
#include "survey/verify.h"

namespace assay {

// For several threads at once. Thousands of attempts may wait for one image: while they do, their
// signatures lie on a shelf: as they are while its memory suffices, then unread, then in a file.
class Attempt {
 public:
  // `options` and `shelf` outlive the attempt.
  Attempt(Examined artifact, const VerifyOptions& options, Shelf& shelf)
      : artifact_(std::move(artifact)), options_(options), shelf_(shelf) {}

  // Its signature may lie on the shelf.
  const Examined& artifact() const { return artifact_; }

  // Nobody will ask soon.
  void wait();
  // The verdict if it is to be checked against `trust`, to be had in conclude().
  void prepare(const std::shared_ptr<const Trust>& trust);
  // Once.
  ArtifactReport conclude(const TrustAnswer& answer);

 private:
  // Of the artifact, where it has one that can be verified.
  SignatureEvidence* signature();
  void put_aside();
  void fetch();

  Examined artifact_;
  const VerifyOptions& options_;
  Shelf& shelf_;
  std::mutex mutex_;
  bool concluded_ = false;
  std::optional<Shelf::Item> claim_;    // of the memory that the signature takes where it is
  std::optional<Shelf::Item> message_;  // put aside
  bool is_aside_ = false;
  std::shared_ptr<const Trust> prepared_for_;
  ArtifactReport prepared_;
};

}  // namespace assay
