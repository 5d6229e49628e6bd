// crypto/command_signer.h - a command that signs: the key may lie anywhere, and whoever has it
// never sees a file.
//
// The command is started once (by sh -c) and spoken to in lines of ASCII on its standard input and
// output; docs/signer-protocol.md has the whole. Bytes are hexadecimal.
//
//   to the command                       from the command
//   assay-signer 1                       assay-signer 1
//   digest NUMBER HASH HEX               value NUMBER HEX
//   message NUMBER HEX                   error NUMBER TEXT
//
// Requests are written as they come up, without waiting for answers, which may come in any order.
// The end of input is the end of the run.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "crypto/signer.h"

namespace assay {

// How long a command may take to greet, to answer a request, to end: somebody may have to type a
// PIN or touch a token.
inline constexpr std::chrono::milliseconds kSignerPatience = std::chrono::minutes(2);

// Starts the command and waits for its greeting: signer_failed without one in time. `key` is the
// public half that signs, as the certificate has it. A command that ends, that lets a request wait
// too long, or says what the protocol does not know, fails every request that is open.
Result<std::unique_ptr<Signer>> start_command_signer(
    const std::string& command, SigningKey key,
    std::chrono::milliseconds patience = kSignerPatience);

}  // namespace assay
