// cli/two_steps.h - sign --prepare and attach --answers: signing where the key never comes.

#pragma once

#include <string>

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

// Puts the answers of such a file in.
ExitStatus attach_answers(const CommonOptions& common, const EditArguments& arguments,
                          const std::string& file, Output& output);

}  // namespace assay
