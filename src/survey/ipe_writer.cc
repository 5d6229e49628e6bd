#include "survey/ipe_writer.h"

#include <fmt/format.h>

#include <set>

#include "ima/verity.h"
#include "judge/ipe_policy.h"
#include "survey/guard_list_builder.h"
#include "survey/open_whole.h"
#include "survey/run.h"

namespace assay {

namespace {

// module_compressed is KMODULE as well (security/ipe/hooks.c, 7.2).
constexpr std::pair<ReadClass, IpeOp> kOps[] = {
    {ReadClass::firmware, IpeOp::firmware},
    {ReadClass::module, IpeOp::kmodule},
    {ReadClass::kexec_image, IpeOp::kexec_image},
    {ReadClass::kexec_initramfs, IpeOp::kexec_initramfs},
    {ReadClass::policy, IpeOp::policy},
    {ReadClass::x509, IpeOp::x509_cert},
};

struct Digested {
  std::string line;
  std::optional<Error> error;
};

Result<std::optional<Digested>> digest_of(const Found& found, ReadMask classes) {
  std::unique_ptr<Content> opened;
  if (!found.content) {
    ASSAY_TRY(opened, open_whole(found.path));
  }
  const Content& content = found.content ? *found.content : *opened;
  ASSAY_TRY(const auto what, read_class_of(found, content));
  if (!what || (classes & mask_of(*what)) == 0) return std::nullopt;
  ASSAY_TRY(const Digest digest, compute_verity_digest(Hash::sha256, content));
  for (const auto& [one, op] : kOps)
    if (one == *what)
      return Digested{fmt::format("op={} fsverity_digest=sha256:{} action=ALLOW\n", ipe_op_name(op),
                                  digest.hex()),
                      {}};
  return std::nullopt;
}

}  // namespace

WrittenIpe write_ipe_policy(const IpeWriterOptions& options) {
  WrittenIpe written;
  std::set<std::string> lines;  // sorted, each once
  Run<Digested> run(options.survey, [&](const Digested& one) {
    if (one.error)
      written.errors.push_back(*one.error);
    else
      lines.insert(one.line);
  });
  const auto failed = [](const Error& error) { return Digested{{}, error}; };
  written.surveyed = run.go(
      [&](const Found& found, std::uint64_t ticket) {
        auto one = digest_of(found, options.classes);
        if (!one)
          return run.reports().fill(ticket,
                                    std::optional(failed(with_path(one.error(), found.name))));
        run.reports().fill(ticket, std::move(*one));
      },
      failed, [] {});
  const auto& [major, minor, revision] = options.version;
  written.text = fmt::format("policy_name={} policy_version={}.{}.{}\nDEFAULT action=ALLOW\n",
                             options.name, major, minor, revision);
  for (const auto& [what, op] : kOps) {
    if ((options.classes & mask_of(what)) == 0) continue;
    written.text += fmt::format("DEFAULT op={} action=DENY\n", ipe_op_name(op));
    if (options.initramfs)
      written.text += fmt::format("op={} boot_verified=TRUE action=ALLOW\n", ipe_op_name(op));
  }
  for (const std::string& line : lines) written.text += line;
  written.digests = lines.size();
  return written;
}

}  // namespace assay
