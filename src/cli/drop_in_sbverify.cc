// sbverify [--list] [--detached SIG] --cert CERT IMAGE: as UEFI firmware with these certificates in
// its db sees the image (judge/pe_boot.h).

#include <fmt/format.h>
#include <getopt.h>

#include <cstdlib>

#include "base/name.h"
#include "bytes/whole_file.h"
#include "cli/drop_in.h"
#include "edit/attach.h"
#include "edit/excise.h"
#include "formats/name_attributes.h"
#include "survey/verify.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestSignature = 16 << 20;

struct Arguments {
  std::vector<std::string> certificates;
  std::string detached;
  bool list = false;
  bool verbose = false;
  std::string image;
};

void print_usage(Output& output) {
  output.print(R"(Usage: sbverify [options] --cert <certfile> <efi-boot-image>
Verify a UEFI secure boot image.

Options:
	--cert <certfile>  certificate (x509 certificate)
	--list             list all signatures (but don't verify)
	--detached <file>  read signature from <file>, instead of
	                    looking for an embedded signature
)");
}

// The image with the detached signature as its only one, as it would be with it attached.
Result<std::unique_ptr<Content>> with_detached(const Arguments& arguments) {
  ASSAY_TRY(const auto signature, read_whole_file(arguments.detached, kLargestSignature));
  ASSAY_TRY(Artifact image, open_artifact(arguments.image, arguments.image));
  ASSAY_TRY(const std::size_t count, count_pe_messages(*image.plain));
  if (count != 0) {
    ASSAY_TRY(const auto bare, excise(image, {.attributes = false}));
    image.stored = image.plain = bare->stored;
  }
  ASSAY_TRY(const AttachedSignature attached,
            attach_signature(image, View(signature), {.unverified = true}));
  const Content& signed_image = *attached.edited.stored;
  std::vector<std::uint8_t> bytes(signed_image.size());
  ASSAY_CHECK(signed_image.read(0, bytes));
  return std::make_unique<MemoryContent>(std::move(bytes));
}

Result<Examined> examine_image(const Arguments& arguments) {
  Found found;
  found.name = arguments.image;
  found.path = arguments.image;
  found.inner_name = arguments.image;
  if (!arguments.detached.empty()) {
    ASSAY_TRY(found.content, with_detached(arguments));
  }
  auto examined = examine(std::move(found), true, {}, {});
  if (examined->error) return std::unexpected(*examined->error);
  if (!examined->boot) return fail(Reason::not_signable, {}, "it is no PE image");
  return *std::move(examined);
}

void print_signatures(const Examined& image, Output& output) {
  std::size_t number = 0;
  for (const PeCertificateEntry& entry : image.boot->entries) {
    output.print(fmt::format("signature {}\n", ++number));
    if (!entry.signature) continue;
    output.print("image signature issuers:\n");
    for (const CmsSigner& signer : entry.signature->cms().signers)
      output.print(fmt::format(" - {}\n", oneline_name(signer.issuer)));
    output.print("image signature certificates:\n");
    for (const auto& certificate : entry.signature->certificates()) {
      output.print(fmt::format(" - subject: {}\n   issuer:  {}\n",
                               oneline_name(certificate->x509().subject),
                               oneline_name(certificate->x509().issuer)));
    }
  }
}

Result<std::shared_ptr<const BootMaterial>> load_db(const Arguments& arguments, Output& output) {
  auto material = std::make_shared<BootMaterial>();
  for (const std::string& path : arguments.certificates) {
    ASSAY_TRY(BootMaterial loaded,
              load_boot_material("db:" + path, [&](const Error& error) { output.error(error); }));
    // --cert is a certificate: what a list of hashes allows is not signed.
    if (loaded.certificates.empty() || !loaded.hashes.empty())
      return std::unexpected(
          Error{Reason::not_a_certificate, {}, "a list of another kind", encode_name(path)});
    material->add(std::move(loaded));
  }
  return material;
}

std::optional<Arguments> parse(int argc, char** argv, Output& output, int& status) {
  const option options[] = {{"cert", required_argument, nullptr, 'c'},
                            {"list", no_argument, nullptr, 'l'},
                            {"detached", required_argument, nullptr, 'd'},
                            {"verbose", no_argument, nullptr, 'v'},
                            {"help", no_argument, nullptr, 'h'},
                            {"version", no_argument, nullptr, 'V'},
                            {nullptr, 0, nullptr, 0}};
  Arguments arguments;
  status = EXIT_FAILURE;
  for (int c = 0; (c = ::getopt_long(argc, argv, "c:d:lvVh", options, nullptr)) != -1;) {
    switch (c) {
      case 'c': arguments.certificates.emplace_back(optarg); break;
      case 'd': arguments.detached = optarg; break;
      case 'l': arguments.list = true; break;
      case 'v': arguments.verbose = true; break;
      default: status = answer_option(c, "sbverify", print_usage, output); return std::nullopt;
    }
  }
  if (argc == optind + 1) {
    arguments.image = argv[optind];
    return arguments;
  }
  print_usage(output);
  return std::nullopt;
}

int verify(const Arguments& arguments, Output& output) {
  const auto refuse = [&](const Error& error) {
    output.warn(describe(error), "sbverify");
    return EXIT_FAILURE;
  };
  const auto db = load_db(arguments, output);
  if (!db) return refuse(db.error());
  const auto image = examine_image(arguments);
  if (!image) {
    if (!arguments.list) output.print("Signature verification failed\n");
    return refuse(image.error());
  }
  if (image->boot->entries.empty()) output.warn("No signature table present", "sbverify");
  if (arguments.list || arguments.verbose) print_signatures(*image, output);
  if (arguments.list) return EXIT_SUCCESS;
  VerifyOptions options;
  options.pe.verifier = BootVerifier::firmware;
  options.pe.material = *db;
  const ArtifactReport report = verify_artifact(*image, fail(Reason::no_trust), options);
  const bool is_good = report.standing == Standing::verified && !image->boot->entries.empty();
  if (!is_good && report.reason) output.warn(report.reason->text, "sbverify");
  output.print(is_good ? "Signature verification OK\n" : "Signature verification failed\n");
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int run_sbverify(int argc, char** argv, Output& output) {
  int status = EXIT_FAILURE;
  const auto arguments = parse(argc, argv, output, status);
  if (arguments) status = verify(*arguments, output);
  return output.finish() ? status : EXIT_FAILURE;
}

}  // namespace assay
