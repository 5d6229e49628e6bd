#include "compare/transplant.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/atomic_file.h"
#include "bytes/stamped_file.h"
#include "compare/side.h"
#include "edit/artifact.h"
#include "survey/open_whole.h"

namespace assay {

namespace {

using SharedContent = std::shared_ptr<const Content>;

Result<void> check_is_file(const std::string& path) {
  ASSAY_TRY(const SourceKind kind, source_kind(path));
  if (kind == SourceKind::file) return {};
  return fail(Reason::usage, {},
              fmt::format("{} holds files: where they lie in it, and what was made over them "
                          "(indices, checksums, compressed streams, outer signatures), is not made "
                          "again, so nothing is written and the verdict is all there is",
                          encode_name(path)));
}

Result<OpenedForm> open_compared(const std::string& path, const std::optional<ContentId>& id) {
  SharedContent stored;
  ASSAY_TRY(stored, open_whole(path));
  ASSAY_TRY(const ContentId now, identify(*stored));
  if (id && *id != now) return fail(Reason::changed_while_read, {}, encode_name(path));
  OpenedForm opened;
  ASSAY_TRY(opened, open_form(stored, now, std::filesystem::path(path).filename().native()));
  return opened;
}

// A's file, of B's bytes.
Result<SharedContent> make_a(const OpenedForm& a, const OpenedForm& b) {
  if (a.bare_id != b.bare_id)
    return fail(Reason::not_restored, {}, "the content without records differs");
  ASSAY_TRY(Rope plain, put_records(b.form.content, a.form.parts));
  if (!a.codec) return std::make_shared<Rope>(std::move(plain));
  ASSAY_TRY(const StoredForm stored, describe_stored(*a.stored, *a.plain));
  if (!stored.parameters)
    return fail(Reason::not_restored, {},
                "no parameters are known with which the compressor makes A's stream");
  ASSAY_TRY(auto stream, encode(plain, *stored.parameters));
  return std::make_shared<MemoryContent>(std::move(stream));
}

}  // namespace

Result<void> write_transplant(const TransplantRequest& request) {
  ASSAY_CHECK(check_is_file(request.a));
  ASSAY_CHECK(check_is_file(request.b));
  ASSAY_TRY(const OpenedForm a, open_compared(request.a, request.compared_a));
  ASSAY_TRY(const OpenedForm b, open_compared(request.b, request.compared_b));
  ASSAY_TRY(const ContentId wanted, identify(*a.stored));
  SharedContent made;
  ASSAY_TRY(made, make_a(a, b));
  // What is digested is what is written, whatever becomes of B meanwhile.
  ContentStream stream(*made);
  SharedContent held;
  ASSAY_TRY(held, hold(stream, limits::kArtifactInMemory, limits::kArtifactSize));
  ASSAY_TRY(const ContentId id, identify(*held));
  if (id != wanted) return fail(Reason::not_restored, {}, "A's records on B's content are not A");
  ASSAY_TRY(StampedFile model, open_stamped(request.a, Links::follow));
  AtomicWriter writer(WritePolicy{.durability = Durability::each});
  return writer.write({.path = request.out,
                       .content = *held,
                       .like = std::make_shared<FileDescriptor>(std::move(model.file))});
}

}  // namespace assay
