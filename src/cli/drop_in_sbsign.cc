// sbsign [--detached] [--output FILE] [--addcert FILE] --key KEY --cert CERT IMAGE.

#include <getopt.h>

#include <cstdlib>

#include "cli/drop_in.h"
#include "cli/signer_arguments.h"
#include "cli/signing_time.h"
#include "edit/sign.h"

namespace assay {

namespace {

struct Arguments {
  std::string key;
  std::string certificate;
  std::vector<std::string> chain;
  std::string out;
  std::string engine;
  std::string key_form = "PEM";
  bool detached = false;
  std::string image;
};

void print_usage(Output& output) {
  output.print(R"(Usage: sbsign [options] --key <keyfile> --cert <certfile> <efi-boot-image>
Sign an EFI boot image for use with secure boot.

Options:
	--engine pkcs11     the key is a PKCS#11 URI
	--key <keyfile>     signing key (PEM, DER, PKCS#12)
	--cert <certfile>   certificate (x509 certificate)
	--addcert <file>    additional intermediate certificates in a file
	--detached          write a detached signature, instead of
	                    a signed binary
	--output <file>     write signed data to <file>
	                    (default <efi-boot-image>.signed,
	                    or <efi-boot-image>.pk7 for detached
	                    signatures)
)");
}

Result<void> sign(const Arguments& arguments, Output& output) {
  SignOptions options;
  options.existing = Existing::add;
  ASSAY_TRY(options.time, signing_time());
  SignerArguments signer;
  signer.give(arguments.key, arguments.certificate, arguments.chain);
  ASSAY_TRY(const SigningIdentity identity, signer.load());
  std::vector<std::uint8_t> message;
  const auto edit = [&](const Artifact& artifact) -> Result<std::optional<Edited>> {
    ASSAY_TRY(const std::size_t before, count_pe_messages(*artifact.plain));
    output.warn(before == 0 ? "Signing Unsigned original image"
                            : "Image was already signed; adding additional signature",
                "sbsign");
    ASSAY_TRY(Edited edited,
              sign_artifact(artifact, *identity.signer, identity.certificate, options));
    if (!arguments.detached) return edited;
    ASSAY_TRY(message, read_pe_message(*edited.stored, before));
    return std::nullopt;
  };
  ASSAY_CHECK(edit_one(arguments.image, arguments.detached ? "" : arguments.out, edit));
  if (!arguments.detached) return {};
  return write_whole(arguments.out, std::move(message));
}

std::optional<Arguments> parse(int argc, char** argv, Output& output, int& status) {
  const option options[] = {{"output", required_argument, nullptr, 'o'},
                            {"cert", required_argument, nullptr, 'c'},
                            {"key", required_argument, nullptr, 'k'},
                            {"keyform", required_argument, nullptr, 'f'},
                            {"addcert", required_argument, nullptr, 'a'},
                            {"engine", required_argument, nullptr, 'e'},
                            {"detached", no_argument, nullptr, 'd'},
                            {"verbose", no_argument, nullptr, 'v'},
                            {"help", no_argument, nullptr, 'h'},
                            {"version", no_argument, nullptr, 'V'},
                            {nullptr, 0, nullptr, 0}};
  Arguments arguments;
  status = EXIT_FAILURE;
  for (int c = 0; (c = ::getopt_long(argc, argv, "o:c:k:f:a:e:dvVh", options, nullptr)) != -1;) {
    switch (c) {
      case 'o': arguments.out = optarg; break;
      case 'c': arguments.certificate = optarg; break;
      case 'k': arguments.key = optarg; break;
      case 'f': arguments.key_form = optarg; break;
      case 'a': arguments.chain.emplace_back(optarg); break;
      case 'e': arguments.engine = optarg; break;
      case 'd': arguments.detached = true; break;
      case 'v': break;
      default: status = answer_option(c, "sbsign", print_usage, output); return std::nullopt;
    }
  }
  const auto refuse = [&](const char* why) {
    if (*why != '\0') output.warn(why, "error");
    print_usage(output);
    return std::nullopt;
  };
  if (argc != optind + 1) return refuse("");
  if (arguments.certificate.empty()) return refuse("No certificate specified (with --cert)");
  if (arguments.key.empty()) return refuse("No key specified (with --key)");
  if (arguments.key_form != "PEM" && arguments.key_form != "ENGINE")
    return refuse("Unrecognized keyform, use PEM or ENGINE");
  if (!arguments.engine.empty() &&
      (arguments.engine != "pkcs11" || !arguments.key.starts_with("pkcs11:")))
    return refuse("of engines there is pkcs11 alone, and the key is then a PKCS#11 URI");
  arguments.image = argv[optind];
  if (arguments.out.empty())
    arguments.out = arguments.image + (arguments.detached ? ".pk7" : ".signed");
  return arguments;
}

}  // namespace

int run_sbsign(int argc, char** argv, Output& output) {
  int status = EXIT_FAILURE;
  const auto arguments = parse(argc, argv, output, status);
  if (!arguments) return output.finish() ? status : EXIT_FAILURE;
  const Result<void> done = sign(*arguments, output);
  if (done) return EXIT_SUCCESS;
  output.warn(describe(done.error()), "sbsign");
  return EXIT_FAILURE;
}

}  // namespace assay
