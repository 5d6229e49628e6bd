#include "tests/golden/archive.h"

#include <filesystem>

#include "codec/codec.h"
#include "sources/tar.h"

namespace assay::golden {

namespace {

// `zstd --long=31`.
constexpr std::uint64_t kWindow = 2 * limits::kGiB + 2 * limits::kMiB;

Result<void> read_folder(const std::filesystem::path& root,
                         const std::function<bool(const std::string&)>& wanted,
                         const OnArtifact& on_artifact) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(root).string();
    if (!wanted(name)) continue;
    ASSAY_TRY(const auto file, open_file(entry.path().string()));
    ASSAY_CHECK(on_artifact(name, *file));
  }
  return {};
}

}  // namespace

Result<void> read_artifacts(const std::string& folder,
                            const std::function<bool(const std::string&)>& wanted,
                            const OnArtifact& on_artifact) {
  if (std::filesystem::is_directory(folder + "/artifacts"))
    return read_folder(folder + "/artifacts", wanted, on_artifact);
  ASSAY_TRY(const auto file, open_file(folder + "/artifacts.tar.zst"));
  DecoderOptions options;
  options.memory_limit = kWindow;
  ASSAY_TRY(auto stream,
            open_decoder(Codec::zstd, std::make_unique<ContentStream>(*file), options));
  TarReader tar(std::move(stream));
  ArchiveEntry entry;
  for (;;) {
    ASSAY_TRY(const bool more, tar.next(entry));
    if (!more) return {};
    if (entry.kind != EntryKind::regular || !wanted(entry.name)) continue;
    ASSAY_TRY(const auto content,
              hold(tar.content(), limits::kArtifactInMemory, limits::kArtifactSize, entry.size));
    ASSAY_CHECK(on_artifact(entry.name, *content));
  }
}

}  // namespace assay::golden
