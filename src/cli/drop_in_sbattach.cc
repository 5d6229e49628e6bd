// sbattach --attach SIG IMAGE, --detach SIG [--remove] IMAGE, --remove IMAGE; --signum N.

#include <getopt.h>

#include <cstdlib>

#include "bytes/whole_file.h"
#include "cli/drop_in.h"
#include "edit/attach.h"
#include "edit/excise.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestSignature = 16 << 20;

struct Arguments {
  std::string attach;
  std::string detach;
  bool remove = false;
  std::size_t signature = 0;
  std::string image;
};

void print_usage(Output& output) {
  output.print(R"(Usage: sbattach --attach <sigfile> <efi-boot-image>
   or: sbattach --detach <sigfile> [--remove] <efi-boot-image>
   or: sbattach --remove <efi-boot-image>
Attach or detach a signature file to/from a boot image

Options:
	--attach <sigfile>  add the signature in <sigfile> to the image
	--detach <sigfile>  copy a signature of the image to <sigfile>
	--remove            take the signature out of the image
	--signum <number>   which of several, the first is 1
)");
}

Result<void> attach(const Arguments& arguments) {
  ASSAY_TRY(const auto signature, read_whole_file(arguments.attach, kLargestSignature));
  return edit_one(arguments.image, {},
                  [&](const Artifact& artifact) -> Result<std::optional<Edited>> {
                    ASSAY_CHECK(count_pe_messages(*artifact.plain));
                    ASSAY_TRY(AttachedSignature attached,
                              attach_signature(artifact, View(signature),
                                               {.existing = Existing::add, .unverified = true}));
                    Edited& edited = attached.edited;
                    if (edited.record.parts.front().carrier != RecordPart::Carrier::pe)
                      return fail(Reason::bad_record, {}, "no signature of a PE image");
                    return std::move(edited);
                  });
}

Result<void> detach(const Arguments& arguments) {
  ASSAY_TRY(const Artifact artifact, open_artifact(arguments.image, arguments.image));
  ASSAY_TRY(auto message, read_pe_message(*artifact.plain, arguments.signature));
  return write_whole(arguments.detach, std::move(message));
}

Result<void> remove(const Arguments& arguments) {
  return edit_one(
      arguments.image, {}, [&](const Artifact& artifact) -> Result<std::optional<Edited>> {
        ASSAY_CHECK(read_pe_message(*artifact.plain, arguments.signature));
        ASSAY_TRY(auto edited,
                  excise(artifact, {.attributes = false, .entry = arguments.signature}));
        for (const RecordPart& part : edited->record.parts)
          if (part.carrier != RecordPart::Carrier::pe)
            return fail(Reason::not_signable, {}, "a signature is appended to the image, too");
        return edited;
      });
}

// Nothing when there is nothing to be done, and `status` says how that went.
std::optional<Arguments> parse(int argc, char** argv, Output& output, int& status) {
  const option options[] = {{"attach", required_argument, nullptr, 'a'},
                            {"detach", required_argument, nullptr, 'd'},
                            {"signum", required_argument, nullptr, 's'},
                            {"remove", no_argument, nullptr, 'r'},
                            {"help", no_argument, nullptr, 'h'},
                            {"version", no_argument, nullptr, 'V'},
                            {nullptr, 0, nullptr, 0}};
  Arguments arguments;
  long number = 1;
  status = EXIT_FAILURE;
  for (int c = 0; (c = ::getopt_long(argc, argv, "a:d:s:rhV", options, nullptr)) != -1;) {
    switch (c) {
      case 'a': arguments.attach = optarg; break;
      case 'd': arguments.detach = optarg; break;
      case 's': number = std::strtol(optarg, nullptr, 10); break;
      case 'r': arguments.remove = true; break;
      default: status = answer_option(c, "sbattach", print_usage, output); return std::nullopt;
    }
  }
  const bool is_complete = argc == optind + 1 && number >= 1;
  if (!arguments.attach.empty() && !arguments.detach.empty())
    output.warn("Multiple actions specified", "sbattach");
  else if (!arguments.attach.empty() && arguments.remove)
    output.warn("Can't use --remove with --attach", "sbattach");
  else if (is_complete && arguments.attach.empty() && arguments.detach.empty() && !arguments.remove)
    output.warn("No action (attach/detach/remove) specified", "sbattach");
  else if (is_complete) {
    arguments.image = argv[optind];
    arguments.signature = static_cast<std::size_t>(number - 1);
    return arguments;
  }
  print_usage(output);
  return std::nullopt;
}

}  // namespace

int run_sbattach(int argc, char** argv, Output& output) {
  int status = EXIT_FAILURE;
  const auto arguments = parse(argc, argv, output, status);
  if (!arguments) return output.finish() ? status : EXIT_FAILURE;
  Result<void> done;
  if (!arguments->attach.empty()) done = attach(*arguments);
  if (!arguments->detach.empty()) done = detach(*arguments);
  if (done && arguments->remove) done = remove(*arguments);
  if (done) return EXIT_SUCCESS;
  output.warn(describe(with_path(done.error(), arguments->image)), "sbattach");
  return EXIT_FAILURE;
}

}  // namespace assay
