#include "survey/guard_explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/hex.h"
#include "base/name.h"
#include "bytes/rope.h"
#include "formats/elf_module.h"
#include "formats/module_name.h"
#include "guardlist/body.h"
#include "survey/module_outline.h"
#include "survey/open_whole.h"
#include "survey/run.h"

namespace assay {

namespace {

// More signatures than that on one file are nobody's mistake.
constexpr int kMostSignatures = 16;

// What could be hashed of a file.
enum class Form : std::uint8_t { stored, plain, body, below };

struct Formed {
  Form form;
  int cut = 0;  // signatures
  GuardDigest digest;
};

// "ext4" of "kernel/fs/ext4/ext4.ko.xz"; empty for what is no module. depmod takes '-' for '_'.
std::string module_key(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (!parse_module_name(name)) return {};
  std::string key(name.substr(0, name.find(".ko")));
  std::ranges::replace(key, '-', '_');
  return key;
}

struct Looked {
  std::string name;  // as printed
  std::string key;   // of a module
  bool is_compressed = false;
  std::vector<Formed> forms;
  std::optional<ModuleOutline> outline;
  std::string release;  // that a module was built for
  std::optional<Error> error;
};

Result<void> add_forms(const Content& stored, const Content* plain, Looked& looked) {
  const Content& whole = plain != nullptr ? *plain : stored;
  if (plain != nullptr) {
    ASSAY_TRY(const GuardDigest digest, guard_digest(stored, GuardMode::whole, ReadClass::module));
    looked.forms.push_back({Form::stored, 0, digest});
  }
  Rope rest(std::shared_ptr<const Content>(&whole, [](const Content*) {}));
  for (int cut = 0; cut <= kMostSignatures; ++cut) {
    ASSAY_TRY(const GuardDigest digest, guard_digest(rest, GuardMode::whole, ReadClass::module));
    looked.forms.push_back({cut == 0   ? Form::plain
                            : cut == 1 ? Form::body
                                       : Form::below,
                            cut, digest});
    ASSAY_TRY(const std::uint64_t size, guard_body_size(rest));
    if (size == rest.size()) break;
    rest = rest.sub({0, size});
  }
  return {};
}

// `wants_outline`: of modules with this key.
Result<Looked> look(const std::string& name, std::string_view inner_name, const Content& stored,
                    std::string_view wants_outline) {
  Looked looked;
  looked.name = name;
  looked.key = module_key(inner_name);
  ASSAY_TRY(const auto plain, decompress_module(stored, inner_name));
  looked.is_compressed = plain != nullptr;
  ASSAY_CHECK(add_forms(stored, plain.get(), looked));
  if (looked.key.empty() || (!wants_outline.empty() && looked.key != wants_outline)) return looked;
  const Content& module = plain ? *plain : stored;
  ASSAY_TRY(looked.outline, outline_of(module));
  const auto described = read_elf_module(module);
  if (described && *described) looked.release = (*described)->release();
  return looked;
}

class Explanation {
 public:
  Explanation(const std::string& what, const GuardExplainOptions& options) : options_(options) {
    result_.what = encode_name(what);
    const auto digest = from_hex(what);
    if (digest && digest->size() == wanted_.size())
      explain_digest(*digest);
    else
      explain_file(what);
  }

  GuardExplanation result() && { return std::move(result_); }

 private:
  const GuardList& list() const { return options_.list; }
  void say(std::string id, std::string text) {
    result_.said.push_back({std::move(id), std::move(text)});
  }

  static std::string place_of(const GuardRow& row) {
    std::string text;
    for (const std::string* part : {&row.origin.package, &row.origin.version, &row.origin.path})
      if (!part->empty()) text += (text.empty() ? "" : " ") + encode_name(*part);
    return text.empty() ? to_hex(row.digest) : text;
  }

  // What the guard hashes when a module comes decompressed: one signature at most is cut.
  bool is_what_it_hashes(const Formed& form, const Looked& looked) const {
    if (list().mode == GuardMode::whole || looked.key.empty()) return form.form == Form::plain;
    const bool has_body =
        std::ranges::any_of(looked.forms, [](const Formed& one) { return one.form == Form::body; });
    return form.form == (has_body ? Form::body : Form::plain);
  }

  static std::string form_name(const Formed& form, const Looked& looked) {
    switch (form.form) {
      case Form::stored: return "as it is stored, compressed";
      case Form::plain: return looked.is_compressed ? "decompressed" : "as it is";
      case Form::body: return "without its signature";
      case Form::below: return fmt::format("without {} signatures", form.cut);
    }
    return {};
  }

  template <class Report>
  void look_at_packages(std::string_view wants_outline, Report report) {
    if (options_.packages.paths.empty()) return;
    Run<Looked> run(options_.packages, [&](const Looked& looked) {
      if (looked.error)
        result_.errors.push_back(*looked.error);
      else
        report(looked);
    });
    const auto failed = [](const Error& error) {
      Looked looked;
      looked.error = error;
      return looked;
    };
    run.go(
        [&](const Found& found, std::uint64_t ticket) {
          auto looked = [&]() -> Result<Looked> {
            std::unique_ptr<Content> opened;
            if (!found.content) {
              ASSAY_TRY(opened, open_whole(found.path));
            }
            return look(found.name, found.inner_name, found.content ? *found.content : *opened,
                        wants_outline);
          }();
          if (!looked) looked = failed(with_path(looked.error(), found.name));
          run.reports().fill(ticket, std::optional(std::move(*looked)));
        },
        failed, [] {});
  }

  // --- A digest

  void explain_digest(const std::vector<std::uint8_t>& digest) {
    std::ranges::copy(digest, wanted_.begin());
    if (const GuardRow* row = list().find(wanted_)) {
      result_.is_listed = true;
      say("listed",
          fmt::format("it is on the list for {}: {}", read_mask_text(row->mask), place_of(*row)));
      return;
    }
    bool is_found = false;
    look_at_packages("-", [&](const Looked& looked) {
      for (const Formed& form : looked.forms) {
        if (form.digest != wanted_) continue;
        is_found = true;
        say("file", fmt::format("it is {} {}", looked.name, form_name(form, looked)));
        say_of_forms(looked);
        return;
      }
    });
    if (!is_found)
      say("unknown", options_.packages.paths.empty()
                         ? "it is not on the list; --packages would say whose it is"
                         : "it is not on the list, and of no file under --packages");
  }

  // --- A file

  void explain_file(const std::string& path) {
    const auto looked = [&]() -> Result<Looked> {
      ASSAY_TRY(const auto stored, open_whole(path));
      return look(encode_name(path), path, *stored, {});
    }();
    if (!looked) {
      result_.errors.push_back(with_path(looked.error(), encode_name(path)));
      return;
    }
    if (say_of_forms(*looked) || looked->key.empty()) return;
    say_of_name(*looked);
    hold_against_packages(*looked);
  }

  // True: one of its forms is listed.
  bool say_of_forms(const Looked& looked) {
    for (const Formed& form : looked.forms) {
      const GuardRow* row = list().find(form.digest);
      if (row == nullptr) continue;
      const std::string place = place_of(*row);
      if (is_what_it_hashes(form, looked)) {
        result_.is_listed = true;
        say("listed",
            fmt::format("it is on the list for {}: {}", read_mask_text(row->mask), place));
      } else if (form.form == Form::stored) {
        say("compressed",
            fmt::format("it is on the list as it is stored ({}), for kernels that are "
                        "handed the compressed bytes alone; what it decompresses to "
                        "is not listed",
                        place));
      } else if (form.form == Form::below || list().mode == GuardMode::whole) {
        say("signed-again",
            fmt::format("{} it is {}: it was signed {} after that was listed; the guard cuts {}; "
                        "assay excise takes signatures out",
                        form_name(form, looked), place, form.cut > 1 ? "once more" : "",
                        list().mode == GuardMode::whole ? "none (mode whole)" : "one"));
      } else {
        say("listed-signed",
            fmt::format("{} it is {}, which was listed with its signature, and the "
                        "guard cuts one (mode body)",
                        form_name(form, looked), place));
      }
      return true;
    }
    return false;
  }

  void say_of_name(const Looked& looked) {
    std::vector<std::string> places;
    for (const GuardRow& row : list().rows)
      if (module_key(row.origin.path) == looked.key) places.push_back(place_of(row));
    if (places.empty()) {
      say("not-of-list",
          fmt::format("the list has no module of the name {}", encode_name(looked.key)));
      return;
    }
    constexpr std::size_t kNamed = 4;
    const bool more = places.size() > kNamed;
    places.resize(std::min(places.size(), kNamed));
    say("other-build",
        fmt::format("the list has {} with other bytes: {}{}{}", encode_name(looked.key),
                    fmt::join(places, ", "), more ? ", ..." : "",
                    looked.release.empty()
                        ? std::string()
                        : fmt::format("; this one was built for {}", encode_name(looked.release))));
  }

  bool is_listed(const Looked& looked) const {
    return std::ranges::any_of(looked.forms, [&](const Formed& form) {
      return is_what_it_hashes(form, looked) && list().find(form.digest) != nullptr;
    });
  }

  // Modules of its name that are listed, beside it.
  void hold_against_packages(const Looked& looked) {
    if (!looked.outline) return;
    look_at_packages(looked.key, [&](const Looked& other) {
      if (other.key != looked.key || !other.outline || !is_listed(other)) return;
      const OutlineDifference difference = compare_outlines(*other.outline, *looked.outline);
      if (!difference.is_same_program())
        say("changed", fmt::format("it is another program than {}: {} differ", other.name,
                                   names_of(difference.changed)));
      else if (!difference.gone.empty())
        say("stripped",
            fmt::format("it is {}, stripped: without {}", other.name, names_of(difference.gone)));
      else if (!difference.added.empty())
        say("not-stripped", fmt::format("it is {} before that was stripped: with {}", other.name,
                                        names_of(difference.added)));
      else
        say("resymboled",
            fmt::format("it differs from {} in symbol tables and relocations alone", other.name));
    });
  }

  static std::string names_of(const std::vector<std::string>& sections) {
    constexpr std::size_t kNamed = 8;
    std::vector<std::string> names;
    for (const std::string& section : sections)
      if (names.size() < kNamed) names.push_back(encode_name(section));
    return fmt::format("{}{}", fmt::join(names, ", "), sections.size() > kNamed ? ", ..." : "");
  }

  const GuardExplainOptions& options_;
  GuardDigest wanted_{};
  GuardExplanation result_;
};

}  // namespace

GuardExplanation explain_guard(const std::string& what, const GuardExplainOptions& options) {
  return Explanation(what, options).result();
}

}  // namespace assay
