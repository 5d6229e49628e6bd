// cli/two_steps.h - sign --prepare and attach --answers: signing where the key never comes.

#pragma once

#include <string>
#include <vector>

#include "cli/edit_arguments.h"
#include "cli/signer_arguments.h"
#include "edit/sign.h"

namespace assay {

// Of which files of folders there is to be a signature; those that are named are wanted anyway.
using IsWanted = std::function<Result<bool>(const Artifact&)>;

// What is to be prepared, and the file that it is written to.
struct Preparation {
  SignOptions options;
  std::optional<std::uint8_t> ima_version;
  std::string file;
};

// Writes what is to be signed (edit/signing_requests.h); the artifacts stay as they are.
ExitStatus prepare_requests(const CommonOptions& common, const EditArguments& arguments,
                            const PublicIdentity& identity, const Preparation& what,
                            const IsWanted& is_wanted, Output& output);

struct AnswersOptions {
  std::string file;
  // Whose answers they may be: files of certificates; none: whose they say.
  std::vector<std::string> certificates;
  // What the first step was told. The answers come back from elsewhere: what they say of it must be
  // this, so that nobody there decides that signatures go.
  Existing existing = Existing::refuse;
};

// Puts the answers of such a file in. A file that has the name of another content is refused.
ExitStatus attach_answers(const CommonOptions& common, const EditArguments& arguments,
                          const AnswersOptions& options, Output& output);

}  // namespace assay
