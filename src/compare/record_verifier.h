// compare/record_verifier.h - whether the records of one build are signatures of the other's
// content, and by which key.
//
// Asked are, in this order: the certificate that the message itself carries for its signer, those
// of
// --trust, those built into the kernel image that the file belongs to (survey/trust_book.h). Nobody
// has to trust that key: a record is verified by whose key it is, and the report names it. Where no
// key is known the record is not verified, and cannot be set aside.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compare/canonical_form.h"
#include "compare/record_audit.h"
#include "survey/attempt.h"

namespace assay {

struct RecordVerdict {
  std::string owner;
  std::uint64_t size = 0;
  bool is_verified = false;
  std::string signer;       // as the record names it
  std::string key;          // the subject of the certificate that verifies it
  std::string fingerprint;  // its SHA-256
  std::string key_source;   // "the record itself", "--trust", the kernel image
  std::string reason;       // why it is not verified
  std::vector<Uncovered> uncovered;
};

// A file by its names: they decide which kernel it belongs to.
struct FileNames {
  std::string name;
  std::string container;
  std::string inner_name;
};

// The records of one side: A's, over B's content, or B's own. For several threads.
class RecordVerifier {
 public:
  using RunLater = std::function<void(std::function<void()>)>;
  RecordVerifier(const TrustOptions& trust, RunLater run_later);

  // A kernel image of this side, whose built-in certificates are read if somebody needs them.
  void keep_image(FileNames names, std::shared_ptr<const Content> content);

  using Done = std::function<void(std::vector<RecordVerdict>)>;
  // `content` with `parts` on it is the decompressed file; `stored` the file itself, with its
  // attributes, where some of the parts are such. Calls `done` once, now or after finish().
  void verify(const FileNames& file, const Rope& content, const std::vector<RecordPart>& parts,
              const std::shared_ptr<const Content>& stored,
              const std::optional<FileAttributes>& attributes, Done done);

  // Nothing will be asked any more: reads the images where questions are open, and answers them.
  void finish();

 private:
  struct Job;
  // One part of the content: `layer` is the file with it, and without those behind it.
  void verify_layer(const std::shared_ptr<Job>& job, std::size_t index, const RecordPart& part,
                    const FileNames& file, const Rope& layer);
  void verify_table(const Examined& artifact, const Content& image, RecordVerdict& verdict) const;
  void verify_attributes(const std::shared_ptr<Job>& job, const FileNames& file,
                         const std::shared_ptr<const Content>& stored,
                         const FileAttributes& attributes);
  void ask_book(const std::shared_ptr<Job>& job, Examined examined,
                std::function<void(const ArtifactReport&, Job&)> take);
  // With the certificates that the message carries, and those of --trust. False where another may
  // know the signer.
  bool try_certificates(const CmsMessage& message, const Content& content, bool is_image,
                        RecordVerdict& verdict) const;

  const TrustOptions trust_;
  VerifyOptions verify_options_;
  Shelf shelf_;
  TrustBook book_;
  std::mutex mutex_;
  std::vector<std::pair<FileNames, std::shared_ptr<const Content>>> images_;
  std::atomic<std::uint64_t> open_ = 0;  // questions that the book has not answered
};

}  // namespace assay
