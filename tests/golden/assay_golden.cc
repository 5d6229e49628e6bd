// assay-golden DIR [--require SUITE,...] [--ignore FIELD,...] [--proofs FILE]: replays recorded
// verdicts of booted kernels and compares them with ours.

#include <fmt/format.h>
#include <fnmatch.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <ranges>
#include <sstream>

#include "base/hex.h"
#include "formats/elf.h"
#include "platforms/platform_file.h"
#include "tests/golden/archive.h"
#include "tests/golden/session.h"

namespace assay::golden {
namespace {

struct Options {
  std::string folder;
  std::vector<std::string> required;  // empty: all suites
  std::set<std::string> ignored;
  std::string proofs_file;     // to be written
  std::string current_proofs;  // to be compared
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (const auto part : text | std::views::split(','))
    parts.emplace_back(part.begin(), part.end());
  return parts;
}

bool matches(const std::vector<std::string>& globs, const std::string& name) {
  return globs.empty() || std::ranges::any_of(globs, [&](const std::string& glob) {
           return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
         });
}

std::string decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == kAlphabet.npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if ((held += 6) >= 8) out += static_cast<char>(bits >> (held -= 8) & 0xFF);
  }
  return out;
}

constexpr std::uint16_t kRegularFile = 0100000;  // S_IFREG

// The fields of `expected` that bind, but for the content of pseudo-files.
constexpr std::array kBinding = {"errno",     "stage",        "taint",  "signature_errno",
                                 "ima_cause", "policy_cause", "status", "line",
                                 "value",     "unload_errno", "crash"};

struct Counts {
  std::uint64_t rows = 0;
  std::uint64_t agree = 0;
  std::uint64_t disagree = 0;
  std::uint64_t not_replayed = 0;
  std::uint64_t observed = 0;
  std::uint64_t observed_disagree = 0;
  std::uint64_t missing_required = 0;
};

struct Row {
  Json json;
  bool tests() const { return !flag("prepares") && !flag("withheld") && !observes() && !crashes(); }
  // Recorded apart: a kernel that died wrote down no verdict.
  bool crashes() const { return json.contains("expected") && json["expected"].contains("crash"); }
  bool observes() const { return json["op"]["name"] == "cat"; }
  bool flag(const char* name) const { return json.value(name, false); }
};

struct LoadedSession {
  std::string name;
  std::string suite;
  Platform platform;
  std::vector<Row> rows;
};

class Checker {
 public:
  explicit Checker(Options options) : options_(std::move(options)) {}

  int run() {
    if (!load_attributes() || !load_sessions()) return 2;
    const auto wanted = [this](const std::string& name) { return needs_.contains(name); };
    const auto read = read_artifacts(
        options_.folder, wanted,
        [this](const std::string& name, const Content& content) { return collect(name, content); });
    if (!read) {
      fmt::print(stderr, "assay-golden: {}\n", describe(read.error()));
      return 2;
    }
    for (LoadedSession& session : sessions_)
      if (!replay(session)) return 2;
    return report();
  }

 private:
  // The mode of each artifact, and the attributes that its file has on /d.
  bool load_attributes() {
    std::ifstream list(options_.folder + "/artifacts.jsonl");
    for (std::string line; std::getline(list, line);) {
      const Json entry = Json::parse(line);
      Artifact& artifact = artifacts_[entry["artifact"]];
      artifact.mode = static_cast<std::uint16_t>(
          kRegularFile | std::stoul(entry.value("mode", "0644"), nullptr, 8));
      const auto attributes = entry.find("xattrs");
      if (attributes == entry.end()) continue;
      for (const auto& [name, value] : attributes->items())
        if (const auto bytes = from_hex(value.get<std::string>())) artifact.xattrs[name] = *bytes;
    }
    if (artifacts_.empty())
      fmt::print(stderr, "assay-golden: {}/artifacts.jsonl cannot be read\n", options_.folder);
    return !artifacts_.empty();
  }

  // The digests that IMA may be asked for beyond those that attributes name: ima_hash=.
  void note_hash(const Platform& platform) {
    Walk walk(platform.kernel, {}, false);
    const ImaState state(walk, ima_setup(platform));
    const HashAlgo* sha1 = find_hash_algo("sha1");  // for the oldest templates, read again
    for (const HashAlgo* algo : {&state.hash(), sha1})
      if (std::ranges::find(hashes_, algo) == hashes_.end()) hashes_.push_back(algo);
  }

  bool load_sessions() {
    std::ifstream index(options_.folder + "/sessions.json");
    if (!index) {
      fmt::print(stderr, "assay-golden: {}/sessions.json cannot be read\n", options_.folder);
      return false;
    }
    for (const Json& entry : Json::parse(index)) {
      LoadedSession session{entry["session"], entry["suite"], {}, {}};
      auto platform = load_platform(
          fmt::format("{}/sessions/{}/platform.toml", options_.folder, session.name), images_);
      if (!platform) {
        fmt::print(stderr, "assay-golden: {}\n", describe(platform.error()));
        return false;
      }
      session.platform = std::move(*platform);
      note_hash(session.platform);
      if (!session.platform.subject.artifact.empty())
        needs_[session.platform.subject.artifact].insert("exec");
      std::ifstream rows(fmt::format("{}/sessions/{}/rows.jsonl", options_.folder, session.name));
      for (std::string line; std::getline(rows, line);) {
        Row row{Json::parse(line)};
        const Json& op = row.json["op"];
        note_needs(op, op["name"]);
        for (const char* other : {"initrd", "interpreter"})
          if (op.contains(other) && op[other].is_object()) note_needs(op[other], "read");
        session.rows.push_back(std::move(row));
      }
      sessions_.push_back(std::move(session));
    }
    return true;
  }

  void note_needs(const Json& file, const std::string& use) {
    if (file.contains("artifact") && file["artifact"].is_string())
      needs_[file["artifact"]].insert(use);
  }

  Result<void> collect(const std::string& name, const Content& content) {
    constexpr std::uint64_t kSmall = limits::kMiB;
    Artifact& artifact = artifacts_[name];
    const std::set<std::string>& uses = needs_.at(name);
    const EvidenceOptions options{.file_sha256 = true};
    if (uses.contains("finit") || uses.contains("init")) {
      ASSAY_TRY(artifact.module, collect_module(content, options));
    }
    if (uses.contains("kexecf")) {
      ASSAY_TRY(artifact.kexec, collect_kexec(content, options));
    }
    if (uses.contains("policy-path")) {
      ASSAY_TRY(artifact.appended, collect_appended(content, {}));
    }
    ASSAY_TRY(artifact.ima, collect_ima(content, artifact.xattrs, hashes_));
    if (const auto elf = Elf::open(content); elf && *elf)
      for (const ElfSegment& segment : (*elf)->segments())
        if (segment.type == elf::kLoad && (segment.flags & elf::kExecute) != 0)
          ++artifact.executable_segments;
    if (content.size() <= kSmall) {
      artifact.bytes.resize(content.size());
      ASSAY_CHECK(content.read(0, artifact.bytes));
    }
    return {};
  }

  bool replay(LoadedSession& session) {
    Session replayed(std::move(session.platform), artifacts_);
    for (const Row& row : session.rows) {
      const Performed done = replayed.perform(row.json["op"]);
      if (!row.flag("withheld")) compare(session, row, done, replayed.platform().kernel);
    }
    return true;
  }

  void compare(const LoadedSession& session, const Row& row, const Performed& done,
               const KernelId& kernel) {
    if (row.tests()) ++counts_.rows;
    if (done.not_replayed) {
      if (row.tests()) {
        ++counts_.not_replayed;
        ++reasons_[*done.not_replayed];
        counts_.missing_required += matches(options_.required, session.suite);
      }
      return;
    }
    const std::string difference = differs(row, done);
    if (row.observes()) {
      ++counts_.observed;
      counts_.observed_disagree += !difference.empty();
    } else if (row.tests()) {
      ++(difference.empty() ? counts_.agree : counts_.disagree);
      if (difference.empty()) count_proofs(row, done, kernel);
    } else if (!difference.empty()) {
      ++counts_.disagree;  // the state of the session is no longer the kernel's
    }
    if (!difference.empty()) print(session, row, done, difference);
  }

  // Which rules this row proves for its kernel: the one that decided, and the one behind the error
  // of a signature that was then forgiven.
  void count_proofs(const Row& row, const Performed& done, const KernelId& kernel) {
    static const std::map<std::string, std::string> kRequests = {
        {"finit", "module"},       {"init", "module"},        {"kexecf", "kexec"},
        {"kexecl", "kexec"},       {"addkey", "add-key"},     {"policy-text", "policy"},
        {"policy-file", "policy"}, {"policy-path", "policy"}, {"read", "read"},
        {"exec", "exec"},          {"mmapx", "mmap"},         {"setx", "set-xattr"}};
    const std::string op = row.json["op"]["name"];
    const std::string arguments =
        fmt::format("{}, {}, {}, {}", kernel.version.major, kernel.version.minor,
                    variant_name(kernel.variant), arch_name(kernel.arch));
    std::string rule = done.deciding_rule;
    if (rule.empty() && done.result.value("errno", "") == "0" && kRequests.contains(op))
      rule = kRequests.at(op) + "/allowed";
    if (!rule.empty()) ++proofs_[{rule, arguments}];
    for (const std::string& cause : done.causing_rules)
      if (cause != done.signature_rule && cause.starts_with("ima")) ++proofs_[{cause, arguments}];
    if (!done.signature_rule.empty() && done.signature_rule != rule &&
        row.json["expected"].contains("signature_errno"))
      ++proofs_[{done.signature_rule, arguments}];
  }

  std::string differs(const Row& row, const Performed& done) const {
    const Json& expected = row.json["expected"];
    if (!done.open.empty()) return fmt::format("open: {}", done.open.front());
    if (row.observes()) {
      if (!expected.contains("content_b64") || options_.ignored.contains("content_b64")) return "";
      const std::string content = decode_base64(expected["content_b64"].get<std::string>());
      const std::string ours = done.result["content"];
      const bool same = row.flag("partial") ? holds_in_order(content, ours) : content == ours;
      return same ? "" : "content: " + ours;
    }
    // A file that is read: how much of it.
    if (done.result.contains("ret") && done.result["ret"] != expected["ret"])
      return fmt::format("ret {}, ours {}", expected["ret"].dump(), done.result["ret"].dump());
    // No audit record is none.
    if (done.result.contains("ima_cause") && !expected.contains("ima_cause"))
      return "no ima_cause, ours " + done.result["ima_cause"].dump();
    for (const char* field : kBinding) {
      if (options_.ignored.contains(field) || !expected.contains(field)) continue;
      const Json ours = done.result.contains(field) ? done.result[field] : Json();
      if (ours != expected[field])
        return fmt::format("{} {}, ours {}", field, expected[field].dump(), ours.dump());
    }
    return "";
  }

  // Do the lines of `part` stand in `whole`, in this order? A digest from the blocklist is measured
  // once, which may have been in a row that is kept back.
  static bool holds_in_order(const std::string& whole, const std::string& part) {
    std::istringstream lines(whole);
    std::istringstream wanted(part);
    std::string line;
    for (std::string next; std::getline(wanted, next);) {
      if (next.find(" blacklisted-hash ") != next.npos) {
        if (whole.find(next + "\n") == whole.npos) return false;
        continue;
      }
      while (std::getline(lines, line) && line != next) {
      }
      if (!lines) return false;
    }
    return true;
  }

  static void print(const LoadedSession& session, const Row& row, const Performed& done,
                    const std::string& difference) {
    fmt::print("{} {}: {}\n  {}\n  decided by {}\n", session.name,
               row.json["id"].get<std::string>(), difference, row.json["op"].dump(),
               done.deciding_rule.empty() ? "no rule" : done.deciding_rule);
    for (const Json& line : row.json.value("log", Json::array()))
      fmt::print("  kernel: {}\n", line.get<std::string>());
  }

  // catalogue/proofs.def.
  std::string proofs_text() const {
    std::ostringstream file;
    file << "// catalogue/proofs.def - written by `assay-golden DIR --proofs FILE`.\n"
            "// PROOF(rule, anchor major, minor, variant, architecture, rows)\n\n";
    for (const auto& [key, rows] : proofs_)
      file << fmt::format("PROOF(\"{}\", {}, {})\n", key.first, key.second, rows);
    return file.str();
  }

  // False: the committed table is not what this replay proves.
  bool proofs_are_current() const {
    if (options_.current_proofs.empty()) return true;
    std::ifstream file(options_.current_proofs);
    const std::string committed(std::istreambuf_iterator<char>(file), {});
    if (committed == proofs_text()) return true;
    fmt::print("{} is stale: write it anew with --proofs\n", options_.current_proofs);
    return false;
  }

  int report() const {
    for (const auto& [reason, count] : reasons_)
      fmt::print("not replayed: {} rows: {}\n", count, reason);
    if (!options_.proofs_file.empty()) std::ofstream(options_.proofs_file) << proofs_text();
    const bool current = proofs_are_current();
    fmt::print("{} observing rows compared, {} disagree\n", counts_.observed,
               counts_.observed_disagree);
    fmt::print("{} rows, {} agree, {} disagree, {} not replayed\n", counts_.rows, counts_.agree,
               counts_.disagree, counts_.not_replayed);
    if (counts_.disagree + counts_.observed_disagree != 0 || !current) return 1;
    return counts_.missing_required != 0 ? 2 : 0;
  }

  Options options_;
  PlatformInputs images_;
  std::vector<LoadedSession> sessions_;
  std::map<std::string, std::set<std::string>> needs_;
  Artifacts artifacts_;
  Counts counts_;
  std::vector<const HashAlgo*> hashes_;
  std::map<std::string, std::uint64_t> reasons_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> proofs_;
};

int usage() {
  fmt::print(stderr,
             "usage: assay-golden DIR [--require SUITE,...] [--ignore FIELD,...] [--proofs FILE]\n "
             "                       [--current-proofs FILE]\n");
  return 2;
}

}  // namespace

int main(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const auto value = [&]() -> std::string_view {
      return i + 1 < arguments.size() ? arguments[++i] : "";
    };
    if (argument == "--require") {
      options.required = split(value());
    } else if (argument == "--ignore") {
      std::ranges::copy(split(value()), std::inserter(options.ignored, options.ignored.end()));
    } else if (argument == "--proofs") {
      options.proofs_file = value();
    } else if (argument == "--current-proofs") {
      options.current_proofs = value();
    } else if (argument.starts_with("-") || !options.folder.empty()) {
      return usage();
    } else {
      options.folder = argument;
    }
  }
  if (options.folder.empty()) return usage();
  return Checker(std::move(options)).run();
}

}  // namespace assay::golden

int main(int argc, char** argv) {
  return assay::golden::main(std::span(argv, static_cast<std::size_t>(argc)));
}
