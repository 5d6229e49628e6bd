#include "survey/guard_signature.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/whole_file.h"
#include "edit/sign.h"

namespace assay {

namespace {

// A list as large as can be, and its signature.
constexpr std::uint64_t kSignedListSize = kGuardListSize + 64 * limits::kKiB;
// An overlay, its signature, and what says where that is.
constexpr std::uint64_t kOverlayFileSize = kOverlayDataSize + kOverlaySignatureSize + 40;

}  // namespace

Result<std::vector<std::uint8_t>> sign_bytes(const std::string& name,
                                             std::vector<std::uint8_t> bytes, Signer& signer,
                                             const SigningCertificate& certificate) {
  ASSAY_TRY(const Artifact artifact, make_artifact(name, std::move(bytes)));
  SignOptions how;
  how.always_appended = true;
  ASSAY_TRY(const Edited edited, sign_artifact(artifact, signer, certificate, how));
  std::vector<std::uint8_t> file(edited.stored->size());
  ASSAY_CHECK(edited.stored->read(0, file));
  return file;
}

ArtifactReport verify_bytes(const std::string& name, View file, const TrustOptions& trust) {
  Found found;
  found.name = name;
  found.inner_name = "list";  // no name that says anything of the file
  found.size = file.size();
  found.content = std::make_unique<ViewContent>(file);
  const auto artifact = examine(std::move(found), true, {}, [](const Examined&, const Content&) {});
  if (!artifact) return report_error({Reason::image_unknown, {}, {}, name});
  TrustBook book(trust, [](const std::function<void()>& job) { job(); });
  book.no_more_images();
  ArtifactReport report;
  VerifyOptions options;
  options.version = trust.version;
  book.find(*artifact, [&](const TrustAnswer& answer) {
    report = verify_artifact(*artifact, answer, options);
  });
  return report;
}

Result<LoadedGuardList> load_guard_list(const std::string& path, const TrustOptions& trust) {
  const std::string name = encode_name(path);
  ASSAY_TRY(const auto bytes, read_whole_file(path, kSignedListSize));
  LoadedGuardList loaded;
  loaded.signature = verify_bytes(name, View(bytes), trust);
  const auto list = [&]() -> Result<GuardList> {
    ASSAY_TRY(const View text, cut_list_signature(View(bytes)));
    return parse_guard_list(text);
  }();
  if (!list) return std::unexpected(with_path(list.error(), name));
  loaded.list = *list;
  return loaded;
}

Result<LoadedOverlay> load_overlay(const std::string& path) {
  LoadedOverlay loaded;
  ASSAY_TRY(loaded.file, read_whole_file(path, kOverlayFileSize));
  const auto overlay = [&]() -> Result<Overlay> {
    ASSAY_TRY(const OverlayFile parts, split_overlay(View(loaded.file)));
    return parse_overlay(parts.data);
  }();
  if (!overlay) return std::unexpected(with_path(overlay.error(), encode_name(path)));
  loaded.overlay = *overlay;
  return loaded;
}

}  // namespace assay
