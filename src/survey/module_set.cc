#include "survey/module_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "bytes/rope.h"
#include "bytes/whole_file.h"
#include "edit/module_proofs.h"
#include "formats/appended_signature.h"
#include "formats/elf.h"
#include "formats/module_name.h"
#include "survey/open_whole.h"
#include "survey/run.h"

namespace assay {

namespace {

constexpr std::uint64_t kOrderSize = 16 * limits::kMiB;
constexpr std::string_view kOrderName = "modules.order";

bool is_order(std::string_view path) {
  return path == kOrderName || path.ends_with("/modules.order");
}

// "fs/ext4/ext4" of "fs/ext4/ext4.ko.xz"; nothing for what is no module's name.
std::optional<std::string_view> base_of(std::string_view path) {
  if (!parse_module_name(path)) return std::nullopt;
  return path.substr(0, path.rfind(".ko"));
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

FileSha256 row_of(const Digest& digest) {
  FileSha256 row;
  std::ranges::copy(digest.bytes(), row.begin());
  return row;
}

void look_at_sections(const Content& module, HashedModule& hashed) {
  const auto elf = Elf::open(module);
  if (!elf || !*elf) return;
  hashed.is_elf = true;
  hashed.has_symbols = (*elf)->find_section(".symtab") != nullptr;
  hashed.has_debug = (*elf)->find_section(".debug_info") != nullptr;
}

// What a signed module was before it was signed.
Result<void> look_below_signatures(const Content& module, HashedModule& hashed) {
  const std::shared_ptr<const Content> whole(&module, [](const Content*) {});
  Rope rest(whole);
  for (;;) {
    ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(rest));
    if (!trailer.splits || trailer.block->id_type == kIdTypeMerkle) {
      ASSAY_TRY(hashed.inner_proof, follow_module_proof(rest, trailer));
      break;
    }
    if (trailer.payload_size == 0) return {};
    rest = rest.sub({0, trailer.payload_size});
  }
  ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, rest, 0, rest.size()));
  hashed.inner_sha256 = row_of(digest);
  return {};
}

Result<void> look_at(const Content& module, bool with_details, HashedModule& hashed) {
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(module));
  ASSAY_TRY(hashed.proof, follow_module_proof(module, trailer));
  if (!with_details) return {};
  hashed.is_signed = trailer.splits && trailer.block->id_type == kIdTypePkcs7;
  look_at_sections(module, hashed);
  if (hashed.is_signed) ASSAY_CHECK(look_below_signatures(module, hashed));
  return {};
}

Result<void> hash(const Content& module, const ModuleSetOptions& options, HashedModule& hashed) {
  if (options.against_kernel) ASSAY_CHECK(look_at(module, options.details, hashed));
  if (options.outlines) {
    ASSAY_TRY(hashed.outline, outline_of(module));
  }
  if (options.file_sha256) {
    ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, module, 0, module.size()));
    hashed.sha256 = row_of(digest);
  }
  if (!hashed.position) return {};
  ASSAY_TRY(const std::uint64_t end, end_of_hashed(module, options.without_signatures));
  ASSAY_TRY(hashed.leaf, module_leaf(*hashed.position, module, end));
  return {};
}

// "1, 3, 7-12".
std::string ranges_of(const std::vector<std::uint32_t>& sorted) {
  std::string text;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i + 1;
    while (end < sorted.size() && sorted[end] == sorted[end - 1] + 1) ++end;
    text += text.empty() ? "" : ", ";
    text += std::to_string(sorted[i]);
    if (end - i > 1) text += fmt::format("-{}", sorted[end - 1]);
    i = end;
  }
  return text;
}

// All positions, some names.
Error missing_modules(const ModuleOrder& order, const std::vector<std::uint32_t>& missing) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(kNamed, missing.size()); ++i)
    names.push_back(encode_name(order.name(missing[i])));
  return {Reason::usage,
          {},
          fmt::format("{} of {} modules of modules.order are not there, at positions {}: {}{}",
                      missing.size(), order.size(), ranges_of(missing), fmt::join(names, ", "),
                      missing.size() > kNamed ? ", ..." : "")};
}

}  // namespace

Result<ModuleOrder> ModuleOrder::parse(std::string_view text) {
  ModuleOrder order;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++line_number;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const auto wrong = [&](std::string_view what) {
      return fail(Reason::bad_value, {at, line.size()},
                  fmt::format("line {}: {}: {}", line_number, encode_name(line), what));
    };
    if (end == text.size()) return wrong("the last line does not end");
    if (line.ends_with('\r')) return wrong("ends with a carriage return");
    const bool is_object = line.ends_with(".o");
    order.is_of_build_ = order.is_of_build_ || is_object;
    if (!is_object && !line.ends_with(".ko")) return wrong("ends neither with .o nor with .ko");
    std::string name(line.substr(0, line.size() - (is_object ? 2 : 3)));
    if (name.empty() || name.ends_with('/')) return wrong("no name");
    const auto position = static_cast<std::uint32_t>(order.names_.size());
    if (!order.positions_.emplace(name, position).second) return wrong("listed twice");
    order.names_.push_back(std::move(name));
    at = end + 1;
  }
  return order;
}

std::optional<std::uint32_t> ModuleOrder::find(std::string_view path) const {
  const auto base = base_of(path);
  if (!base) return std::nullopt;
  std::string_view rest = *base;
  for (;;) {
    if (const auto found = positions_.find(rest); found != positions_.end()) return found->second;
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(slash + 1);
  }
}

std::optional<std::uint32_t> ModuleOrder::find_by_name(std::string_view path) const {
  const auto base = base_of(path);
  if (!base) return std::nullopt;
  std::optional<std::uint32_t> found;
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    if (last_part(names_[i]) != last_part(*base)) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

std::uint32_t ModuleOrder::add(std::string_view path) {
  const auto position = static_cast<std::uint32_t>(names_.size());
  names_.push_back(fmt::format("updates/{}", last_part(base_of(path).value_or(path))));
  positions_.emplace(names_.back(), position);
  return position;
}

Result<ModuleOrder> read_module_order(const std::string& path) {
  ASSAY_TRY(const auto bytes, read_whole_file(path, kOrderSize));
  auto order = ModuleOrder::parse(View(bytes).text());
  if (!order) return std::unexpected(with_path(order.error(), encode_name(path)));
  return order;
}

Result<ModuleOrder> find_module_order(const SurveyOptions& options) {
  if (options.paths.size() == 1) {
    const std::string own = options.paths.front() + '/' + std::string(kOrderName);
    const auto kind = source_kind(own);
    if (kind && *kind == SourceKind::file) return read_module_order(own);
  }
  std::vector<std::pair<std::string, Result<ModuleOrder>>> found;
  SurveyOptions quiet = options;
  quiet.progress = nullptr;
  using Entry = std::pair<std::string, std::vector<std::uint8_t>>;
  std::optional<Error> error;
  Run<Result<Entry>> run(quiet, [&](const Result<Entry>& entry) {
    if (!entry) {
      if (!error) error = entry.error();
      return;
    }
    auto order = ModuleOrder::parse(View(entry->second).text());
    if (!order) order = std::unexpected(with_path(order.error(), entry->first));
    found.emplace_back(entry->first, std::move(order));
  });
  const auto read = [](const Found& file) -> Result<Entry> {
    if (!file.content) {
      ASSAY_TRY(auto bytes, read_whole_file(file.path, kOrderSize));
      return Entry(file.name, std::move(bytes));
    }
    if (file.content->size() > kOrderSize)
      return fail(Reason::limit_size, {}, fmt::format("{} bytes", file.content->size()));
    std::vector<std::uint8_t> bytes(file.content->size());
    ASSAY_CHECK(file.content->read(0, bytes));
    return Entry(file.name, std::move(bytes));
  };
  run.go(
      [&](const Found& file, std::uint64_t ticket) {
        if (!is_order(file.inner_name)) return run.reports().fill(ticket, std::nullopt);
        run.reports().fill(ticket, std::optional<Result<Entry>>(read(file)));
      },
      [](const Error& failure) { return Result<Entry>(std::unexpected(failure)); }, [] {});
  if (found.size() == 1) return std::move(found.front().second);
  if (error) return std::unexpected(*error);
  if (found.empty())
    return fail(
        Reason::usage, {},
        "no modules.order, which says where each module is in the tree; name one with --order");
  return fail(Reason::usage, {},
              fmt::format("{} and {}; name one with --order", found[0].first, found[1].first));
}

Surveyed hash_modules(const ModuleSetOptions& options, const ModuleOrder* order,
                      const std::function<void(const HashedModule&)>& report) {
  Run<HashedModule> run(options.survey, report);
  const auto read = [&](const Found& file, HashedModule& hashed) -> Result<void> {
    std::unique_ptr<Content> opened;
    if (!file.content) {
      ASSAY_TRY(opened, open_whole(file.path));
    }
    const Content& stored = file.content ? *file.content : *opened;
    if (options.survey.progress != nullptr) options.survey.progress->bytes += stored.size();
    ASSAY_TRY(const auto plain, decompress_module(stored, file.inner_name));
    return hash(plain ? *plain : stored, options, hashed);
  };
  return run.go(
      [&](const Found& file, std::uint64_t ticket) {
        if (!parse_module_name(file.inner_name)) return run.reports().fill(ticket, std::nullopt);
        HashedModule hashed;
        hashed.name = file.name;
        hashed.path = file.path;
        hashed.codec = parse_module_name(file.inner_name)->codec;
        if (order != nullptr) hashed.position = order->find(file.inner_name);
        if (order != nullptr && !hashed.position && options.places_by_name)
          hashed.position = order->find_by_name(file.inner_name);
        if (const auto done = read(file, hashed); !done)
          hashed.error = with_path(done.error(), file.name);
        run.reports().fill(ticket, std::optional(std::move(hashed)));
      },
      [](const Error& error) {
        HashedModule hashed;
        hashed.name = error.path;
        hashed.error = error;
        return hashed;
      },
      [] {});
}

Result<ModuleTree> tree_over(const ModuleOrder& order, const std::vector<HashedModule>& modules) {
  std::vector<ModuleHash> leaves(order.size());
  std::vector<const HashedModule*> at(order.size());
  for (const HashedModule& module : modules) {
    if (module.error) return std::unexpected(*module.error);
    if (!module.position) continue;
    if (at[*module.position] != nullptr)
      return fail(Reason::usage, {},
                  fmt::format("{} and {} are both {}", at[*module.position]->name, module.name,
                              order.name(*module.position)));
    at[*module.position] = &module;
    leaves[*module.position] = module.leaf;
  }
  std::vector<std::uint32_t> missing;
  for (std::uint32_t i = 0; i < order.size(); ++i)
    if (at[i] == nullptr) missing.push_back(i);
  if (!missing.empty()) return std::unexpected(missing_modules(order, missing));
  return ModuleTree::make(std::move(leaves));
}

}  // namespace assay
