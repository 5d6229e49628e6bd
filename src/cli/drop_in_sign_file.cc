// sign-file [-dpk] HASH KEY X509 MODULE [DEST], sign-file -s RAW HASH X509 MODULE [DEST]: the
// kernel's scripts/sign-file.c, and kmodsign, which takes the same arguments.

#include <unistd.h>

#include <algorithm>

#include "bytes/whole_file.h"
#include "cli/drop_in.h"
#include "cli/signer_arguments.h"
#include "edit/attach.h"
#include "edit/sign.h"
#include "formats/appended_signature.h"

namespace assay {

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr std::uint64_t kLargestSignature = 16 << 20;

struct Arguments {
  bool raw = false;     // -s: the signature is made already
  bool save = false;    // -p: and it goes into MODULE.p7s
  bool only = false;    // -d: nowhere else
  bool key_id = false;  // -k
  std::string first;    // KEY, or RAW
  std::string hash;
  std::string certificate;
  std::string module;
  std::string destination;  // empty: in place
};

int usage(const std::string& name, Output& output) {
  output.warn(name + " [-dpk] <hash algo> <key> <x509> <module> [<dest>]", "Usage");
  output.warn(name + " -s <raw sig> <hash algo> <x509> <module> [<dest>]", "   or");
  return kUsage;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int option = 0; (option = ::getopt(argc, argv, "sdpk")) != -1;) {
    switch (option) {
      case 's': arguments.raw = true; break;
      case 'p': arguments.save = true; break;
      case 'd': arguments.only = arguments.save = true; break;
      case 'k': arguments.key_id = true; break;
      default: return std::nullopt;
    }
  }
  const std::vector<std::string> words(argv + optind, argv + argc);
  if (words.size() < 4 || words.size() > 5) return std::nullopt;
  arguments.hash = words[arguments.raw ? 1 : 0];
  arguments.first = words[arguments.raw ? 0 : 1];
  arguments.certificate = words[2];
  arguments.module = words[3];
  if (words.size() == 5) arguments.destination = words[4];
  return arguments;
}

Result<SignOptions> sign_options(const Arguments& arguments) {
  SignOptions options;
  std::string name = arguments.hash;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto hash = find_hash(name);
  if (!hash) return fail(Reason::usage, {}, "unknown hash " + arguments.hash);
  options.hash = *hash;
  options.existing = Existing::replace;
  options.by_key_identifier = arguments.key_id;
  options.always_appended = true;
  return options;
}

Result<bool> is_signed(const Artifact& artifact) {
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(*artifact.plain));
  return trailer.has_marker;
}

// What was appended, without the block and the marker behind it.
std::vector<std::uint8_t> message_of(const Edited& edited) {
  std::vector<std::uint8_t> message = edited.record.parts.front().splices.front().after;
  message.resize(message.size() - kInfoBlockSize - kSignatureMarker.size());
  return message;
}

Result<void> sign(const Arguments& arguments, const std::string& name, Output& output) {
  ASSAY_TRY(const SignOptions options, sign_options(arguments));
  SignerArguments signer;
  signer.give(arguments.first, arguments.certificate);
  ASSAY_TRY(const SigningIdentity identity, signer.load());
  std::vector<std::uint8_t> message;
  const auto edit = [&](const Artifact& artifact) -> Result<std::optional<Edited>> {
    ASSAY_TRY(const bool was_signed, is_signed(artifact));
    if (was_signed)
      output.warn(arguments.module + " was signed already: the signature takes its place", name);
    ASSAY_TRY(Edited edited,
              sign_artifact(artifact, *identity.signer, identity.certificate, options));
    message = message_of(edited);
    if (arguments.only) return std::nullopt;
    return edited;
  };
  ASSAY_CHECK(edit_one(arguments.module, arguments.only ? "" : arguments.destination, edit));
  if (!arguments.save) return {};
  return write_whole(arguments.module + ".p7s", std::move(message));
}

Result<void> append(const Arguments& arguments) {
  ASSAY_TRY(const auto message, read_whole_file(arguments.first, kLargestSignature));
  return edit_one(arguments.module, arguments.destination,
                  [&](const Artifact& artifact) -> Result<std::optional<Edited>> {
                    ASSAY_TRY(const bool was_signed, is_signed(artifact));
                    if (was_signed)
                      return fail(Reason::already_signed, {}, "an appended signature");
                    ASSAY_TRY(AttachedSignature attached,
                              attach_signature(artifact, View(message), {.unverified = true}));
                    return std::move(attached.edited);
                  });
}

}  // namespace

int run_sign_file(int argc, char** argv, Output& output) {
  const std::string name = program_name(argv[0]);
  const auto arguments = parse(argc, argv);
  if (!arguments) return usage(name, output);
  const Result<void> done = arguments->raw ? append(*arguments) : sign(*arguments, name, output);
  if (done) return 0;
  output.warn(describe(done.error()), name);
  return kFailed;
}

}  // namespace assay
