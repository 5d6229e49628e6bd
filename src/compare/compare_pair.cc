#include "compare/compare_pair.h"

#include <fmt/format.h>

#include <algorithm>

#include "edit/artifact.h"

namespace assay {

namespace {

using Carrier = RecordPart::Carrier;

constexpr std::string_view kRecordAttributes[] = {"security.ima", "security.evm"};

std::string text_of(const Error& error) {
  return describe(Error{error.reason, error.where, error.detail, {}});
}

void call_different(Difference& difference, std::string reason) {
  if (difference.verdict == Sameness::different && !difference.reason.empty()) return;
  difference.verdict = Sameness::different;
  difference.reason = std::move(reason);
}

// What the records of one side say against setting them aside.
void weigh_records(const std::vector<RecordVerdict>& records, std::string_view side,
                   Difference& difference) {
  for (const RecordVerdict& record : records)
    if (!record.is_verified)
      call_different(difference, fmt::format("the {} of {} is not verified over this content: {}",
                                             record.owner, side, record.reason));
  for (const RecordVerdict& record : records)
    if (!record.uncovered.empty()) {
      const Uncovered& first = record.uncovered.front();
      call_different(difference,
                     fmt::format("the {} of {} carries {} bytes that no signature covers: {} ({} "
                                 "bytes at offset {})",
                                 record.owner, side, total_size(record.uncovered), first.what,
                                 first.where.size, first.where.offset));
    }
}

// Concludes when whoever works on the pair is done with it.
struct Pair {
  explicit Pair(PairDone pair_done) : done(std::move(pair_done)) {}
  ~Pair() {
    weigh_records(difference.records_a, "A", difference);
    weigh_records(difference.records_b, "B", difference);
    if (difference.verdict == Sameness::identical)
      done(std::nullopt);
    else
      done(std::move(difference));
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Difference difference;
  PairDone done;
};

class PairComparison {
 public:
  PairComparison(const SideFile& a, const TakenFile& b, const PairTools& tools, PairDone done)
      : a_(a),
        b_(b),
        tools_(tools),
        pair_(std::make_shared<Pair>(std::move(done))),
        difference_(pair_->difference) {}

  void run() {
    difference_.path = a_.key;
    difference_.verdict = Sameness::identical;
    difference_.a = a_.stored;
    difference_.b = b_.file.stored;
    stored_a_ = b_.content;
    if (a_.stored != b_.file.stored) {
      if (const auto done = compare_forms(); !done)
        return call_different(difference_, text_of(done.error()));
    }
    if (difference_.verdict == Sameness::different) return;
    compare_attributes();
    if (difference_.verdict != Sameness::different) verify();
  }

 private:
  void raise(Sameness sameness) { difference_.verdict = std::max(difference_.verdict, sameness); }

  // A's forms: kept, or read again.
  Result<void> open_a() {
    if (a_.forms) {
      if (!*a_.forms) return std::unexpected(a_.forms->error());
      forms_a_ = **a_.forms;
    }
    ASSAY_TRY(const auto stored, reopen(a_, tools_.shelf));
    if (!stored) return {};
    ASSAY_TRY(const ContentId id, identify(*stored));
    if (id != a_.stored) return fail(Reason::changed_while_read, {}, a_.names.name);
    ASSAY_TRY(opened_a_, open_form(stored, id, a_.names.inner_name));
    forms_a_ = describe_forms(*opened_a_);
    return {};
  }

  Result<void> compare_forms() {
    auto opened = open_form(b_.content, b_.file.stored, b_.file.names.inner_name);
    if (!opened)
      return fail(opened.error().reason, opened.error().where,
                  fmt::format("B has no canonical form: {}", opened.error().detail));
    opened_b_ = std::move(*opened);
    if (const auto done = open_a(); !done)
      return fail(done.error().reason, done.error().where,
                  fmt::format("A has no canonical form: {}", done.error().detail));
    if (forms_a_.bare != opened_b_->bare_id) {
      compare_images();
      if (difference_.verdict != Sameness::identical) return {};
      call_different(difference_, "the content differs");
      if (opened_a_)
        return find_first_difference(opened_a_->form.content, opened_b_->form.content, difference_);
      return {};
    }
    difference_.canonical = forms_a_.bare;
    if (forms_a_.plain == opened_b_->plain_id) {
      raise(Sameness::content_equal);
      note_container();
      return {};
    }
    return transplant();
  }

  // Kernels that differ in a certificate have nothing that could be put onto the other: their
  // records are of their own content, and over that they are verified.
  void compare_images() {
    if (!opened_a_) {
      const auto image = tools_.images.find(a_.key);
      if (image == tools_.images.end()) return;
      auto opened = open_form(image->second, a_.stored, a_.names.inner_name);
      if (!opened || opened->bare_id != forms_a_.bare) return;
      opened_a_ = std::move(*opened);
    }
    difference_.kernel = compare_kernels(opened_a_->form.content, opened_b_->form.content);
    if (!difference_.kernel || !difference_.kernel->difference.empty()) return;
    raise(Sameness::content_equal);
    stored_a_ = opened_a_->stored;
    has_content_records_ = true;
  }

  Result<void> transplant() {
    ASSAY_TRY(Rope with, put_records(opened_b_->form.content, forms_a_.parts));
    ASSAY_TRY(const ContentId id, identify(with));
    if (id != forms_a_.plain)
      return fail(Reason::not_restored, {}, "A's records on B's content are not A");
    has_content_records_ = true;
    raise(Sameness::transplanted);
    stored_a_ = std::make_shared<Rope>(std::move(with));
    if (!forms_a_.codec && !opened_b_->codec) return {};
    return compress_again();
  }

  // Whether the compressor that made B's stream makes A's of A's content.
  Result<void> compress_again() {
    if (forms_a_.codec == opened_b_->codec) {
      ASSAY_TRY(const StoredForm stored, describe_stored(*opened_b_->stored, *opened_b_->plain));
      if (stored.parameters) {
        ASSAY_TRY(const Compressed compressed, compress(*stored_a_, *stored.parameters));
        if (compressed.form.id == a_.stored) {
          stored_a_ = compressed.stored;
          return {};
        }
      }
    }
    note_container();
    raise(Sameness::content_equal);
    return {};
  }

  void note_container() {
    const auto name = [](const std::optional<Codec>& codec) {
      return codec ? std::string(codec_name(*codec)) : std::string("not compressed");
    };
    difference_.wrapping.push_back(
        forms_a_.codec == opened_b_->codec
            ? fmt::format("another stream of {}", name(forms_a_.codec))
            : fmt::format("{}, {}", name(forms_a_.codec), name(opened_b_->codec)));
  }

  void compare_attributes() {
    if (!a_.attributes || !b_.file.attributes) return;
    const FileAttributes& a = *a_.attributes;
    const FileAttributes& b = *b_.file.attributes;
    if (a.mode != b.mode)
      wrap(fmt::format("mode {:04o}, {:04o}", a.mode & 07777U, b.mode & 07777U));
    if (a.owner != b.owner || a.group != b.group)
      wrap(fmt::format("owner {}:{}, {}:{}", a.owner, a.group, b.owner, b.group));
    for (const auto* side : {&a, &b})
      for (const auto& [name, value] : side->security) {
        const auto& other = side == &a ? b : a;
        const auto found = other.security.find(name);
        const bool is_same = found != other.security.end() && found->second == value;
        if (is_same) continue;
        if (std::ranges::find(kRecordAttributes, name) == std::end(kRecordAttributes))
          return call_different(difference_, fmt::format("the attribute {} differs", name));
        RecordPart part{Carrier::xattr, {}, name, std::nullopt, value};
        (side == &a ? attributes_a_ : attributes_b_).push_back(std::move(part));
        raise(Sameness::transplanted);
      }
  }

  void wrap(std::string what) {
    raise(Sameness::content_equal);
    difference_.wrapping.push_back(std::move(what));
  }

  void verify() {
    std::vector<RecordPart> parts_a =
        has_content_records_ ? forms_a_.parts : std::vector<RecordPart>();
    std::vector<RecordPart> parts_b =
        has_content_records_ ? opened_b_->form.parts : std::vector<RecordPart>();
    std::ranges::copy(attributes_a_, std::back_inserter(parts_a));
    std::ranges::copy(attributes_b_, std::back_inserter(parts_b));
    // What stays while records are verified: everything that ropes refer to.
    const Rope bare = opened_b_ ? opened_b_->form.content : Rope(b_.content);
    const Rope bare_a = difference_.kernel ? opened_a_->form.content : bare;
    if (!parts_a.empty())
      tools_.verifier_a.verify(a_.names, bare_a, parts_a, stored_a_, a_.attributes,
                               [pair = pair_](std::vector<RecordVerdict> verdicts) {
                                 pair->difference.records_a = std::move(verdicts);
                               });
    if (!parts_b.empty())
      tools_.verifier_b.verify(b_.file.names, bare, parts_b, b_.content, b_.file.attributes,
                               [pair = pair_](std::vector<RecordVerdict> verdicts) {
                                 pair->difference.records_b = std::move(verdicts);
                               });
  }

  const SideFile& a_;
  const TakenFile& b_;
  const PairTools& tools_;
  std::shared_ptr<Pair> pair_;
  Difference& difference_;
  SideFile::Forms forms_a_;
  std::optional<OpenedForm> opened_a_;
  std::optional<OpenedForm> opened_b_;
  std::shared_ptr<const Content> stored_a_;  // A's file, made of B's bytes
  bool has_content_records_ = false;
  std::vector<RecordPart> attributes_a_;
  std::vector<RecordPart> attributes_b_;
};

}  // namespace

void compare_pair(const SideFile& a, const TakenFile& b, const PairTools& tools, PairDone done) {
  PairComparison(a, b, tools, std::move(done)).run();
}

Result<void> find_first_difference(const Content& a, const Content& b, Difference& difference) {
  constexpr std::uint64_t kPiece = 256 * 1024;
  std::vector<std::uint8_t> scratch_a;
  std::vector<std::uint8_t> scratch_b;
  const std::uint64_t common = std::min(a.size(), b.size());
  for (std::uint64_t at = 0; at <= common; at += kPiece) {
    const std::uint64_t size = std::min(kPiece, common - at);
    ASSAY_TRY(const View piece_a, view_of(a, at, size, scratch_a));
    ASSAY_TRY(const View piece_b, view_of(b, at, size, scratch_b));
    const auto [end, other] = std::ranges::mismatch(piece_a.bytes(), piece_b.bytes());
    if (end == piece_a.bytes().end() && at + size != common) continue;
    if (end == piece_a.bytes().end() && a.size() == b.size()) return {};
    difference.offset = at + static_cast<std::uint64_t>(end - piece_a.bytes().begin());
    difference.place = find_elf_place(a, *difference.offset);
    return {};
  }
  return {};
}

}  // namespace assay
