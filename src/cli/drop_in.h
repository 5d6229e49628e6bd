// cli/drop_in.h - assay under the name of another tool: the same arguments, outputs and exit
// statuses as scripts use them, over the same edits as `assay sign` and the like.
//
// docs/drop-in.md says where each differs from its original, and why.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/output.h"
#include "edit/artifact.h"

namespace assay {

// A whole command; the exit status.
using DropIn = int (*)(int argc, char** argv, Output& output);

// By the last component of argv[0]: sign-file, kmodsign, sbsign, sbverify, sbattach. Nothing for
// any other name.
DropIn find_drop_in(std::string_view program);

int run_sign_file(int argc, char** argv, Output& output);  // and kmodsign
int run_sbattach(int argc, char** argv, Output& output);
int run_sbsign(int argc, char** argv, Output& output);
int run_sbverify(int argc, char** argv, Output& output);

// The name that the tool was called by.
std::string program_name(const char* argv0);

// An option of sbsigntool's programs that ends them: -h, -V, and what is none. The exit status.
int answer_option(int option, std::string_view tool, void (*print_usage)(Output&), Output& output);

// Edits one file. `out` empty, or the file itself: in place. Nothing written where `edit` yields
// nothing.
Result<void> edit_one(const std::string& path, const std::string& out,
                      const std::function<Result<std::optional<Edited>>(const Artifact&)>& edit);

// Writes a file that is not there yet, or replaces it.
Result<void> write_whole(const std::string& path, std::vector<std::uint8_t> bytes);

// What certificate `index` of a PE image holds, the PKCS#7 message with what pads it up to
// dwLength. no_record where there is no such certificate.
Result<std::vector<std::uint8_t>> read_pe_message(const Content& content, std::size_t index);
// How many there are; 0 for an image without a table. not_signable for what is no PE image.
Result<std::size_t> count_pe_messages(const Content& content);

}  // namespace assay
