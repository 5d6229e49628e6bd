#include "testing/reference_asn1.h"

#include <array>
#include <map>
#include <sstream>

#include "base/extent.h"
#include "testing/reference_grammars.h"

namespace assay {

namespace {

enum class Op : std::uint8_t { match, must, act, maybe_act, end, ret, complete };

struct Step {
  Op op = Op::match;
  bool skip = false;  // ASN1_OP_MATCH__SKIP
  bool cond = false;  // ASN1_OP_MATCH__COND
  bool any = false;   // ASN1_OP_MATCH__ANY
  std::uint8_t tag = 0;
  std::string action;      // ASN1_OP_MATCH__ACT, ASN1_OP_END__ACT
  std::string jump_label;  // ASN1_OP_MATCH__JUMP; of `again`, ASN1_OP_END__OF
  std::size_t jump = 0;
};

using Program = std::vector<Step>;

Step parse_step(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  Step step;
  if (word == "must") {
    step.op = Op::must;
  } else if (word == "return") {
    step.op = Op::ret;
  } else if (word == "done") {
    step.op = Op::complete;
  } else if (word == "act" || word == "maybe") {
    step.op = word == "act" ? Op::act : Op::maybe_act;
    words >> step.action;
  } else if (word == "end") {
    step.op = Op::end;
  } else if (word == "again") {
    step.op = Op::end;
    words >> step.jump_label;
  } else {
    step.skip = word.back() == '?';
    step.cond = word.starts_with("or");
    step.any = word.find("any") != std::string::npos;
    if (!step.any) {
      words >> word;
      step.tag = static_cast<std::uint8_t>(std::stoul(word, nullptr, 16));
    }
  }
  while (words >> word) words >> (word == "->" ? step.action : step.jump_label);
  return step;
}

Program parse_program(std::string_view text) {
  Program program;
  std::map<std::string, std::size_t> labels;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(' '));
    if (line.empty()) continue;
    if (line.back() == ':')
      labels[line.substr(0, line.size() - 1)] = program.size();
    else
      program.push_back(parse_step(line));
  }
  for (Step& step : program)
    if (!step.jump_label.empty()) step.jump = labels.at(step.jump_label);
  return program;
}

const Program& program_of(Grammar grammar) {
  static const std::array<Program, 6> programs = {
      parse_program(kPkcs7Grammar),          parse_program(kX509Grammar),
      parse_program(kAkidGrammar61),         parse_program(kAkidGrammar612),
      parse_program(kEcdsaSignatureGrammar), parse_program(kRsaPublicKeyGrammar)};
  return programs[static_cast<std::size_t>(grammar)];
}

// The variables are the kernel's, and change where the kernel changes them.
class Machine {
 public:
  Machine(const Program& program, View data)
      : program_(program), data_(data), datalen_(data.size()) {}

  GrammarRun run() {
    if (datalen_ > 65535) {
      run_.ending = GrammarEnding::emsgsize;
      return run_;
    }
    while (step()) {
    }
    return run_;
  }

 private:
  bool error(std::string_view message) {
    run_.ending = GrammarEnding::ebadmsg;
    run_.message = message;
    return false;
  }

  std::size_t left() const { return datalen_ - dp_; }

  bool step() {
    if (pc_ >= program_.size()) return error("Machine overrun error");
    const Step& now = program_[pc_];
    switch (now.op) {
      case Op::match: return match(now);
      case Op::must:
        if (!matched_) return error("Unexpected tag");
        ++pc_;
        return true;
      case Op::maybe_act:
        if (last_matched_) call(now.action, tag_);
        ++pc_;
        return true;
      case Op::act:
        call(now.action, tag_);
        ++pc_;
        return true;
      case Op::end: return end(now);
      case Op::ret:
        if (jumps_.empty()) return error("Jump stack underflow");
        pc_ = jumps_.back();
        jumps_.pop_back();
        matched_ = last_matched_ = true;
        return true;
      case Op::complete:
        if (!jumps_.empty() || csp_ != 0) return error("Stacks not empty at completion");
        run_.ending = GrammarEnding::complete;
        return false;
    }
    return error("Found reserved opcode");
  }

  bool match(const Step& now) {
    if ((now.cond && matched_) || (now.skip && dp_ == datalen_)) {
      last_matched_ = false;
      ++pc_;
      return true;
    }
    cons_ = indefinite_ = matched_ = last_matched_ = false;
    hdr_ = 2;
    if (left() < 2) return error("Data overrun error");
    tag_ = data_[dp_++];
    if ((tag_ & 0x1f) == 0x1f) return error("Long tag not supported");
    if (!now.any) {
      cons_ = (now.tag & 0x20) != 0;
      // A tag of the program that says constructed matches either kind.
      if (((now.tag ^ tag_) & ~(now.tag & 0x20)) != 0) {
        if (!now.skip) return error("Unexpected tag");
        ++pc_;
        --dp_;
        return true;
      }
    }
    matched_ = true;
    if (!length()) return false;
    if (cons_) {
      if (csp_ >= stack_.size()) return error("Cons stack overflow");
      stack_[csp_] = {dp_, indefinite_ ? 0 : datalen_, hdr_};
      if (!indefinite_) datalen_ = dp_ + len_;
      ++csp_;
      run_.deepest = std::max(run_.deepest, csp_);
    }
    tdp_ = dp_;

    if (!now.jump_label.empty()) {
      if (jumps_.size() == 10) return error("Jump stack overflow");
      jumps_.push_back(pc_ + 1);
      pc_ = now.jump;
      return true;
    }
    if (!cons_ && indefinite_ && !indefinite_length()) return false;
    if (!now.action.empty()) call(now.action, tag_);
    if (!cons_) dp_ += len_;
    ++pc_;
    return true;
  }

  bool length() {
    len_ = data_[dp_++];
    if (len_ == 0x80) {
      if ((tag_ & 0x20) == 0) return error("Indefinite len primitive not permitted");
      indefinite_ = true;
      return left() < 2 ? error("Data overrun error") : true;
    }
    if (len_ > 0x7f) {
      std::size_t n = len_ - 0x80;
      if (n > 2) return error("Unsupported length");
      if (n > left()) return error("Data overrun error");
      hdr_ += n;
      for (len_ = 0; n > 0; --n) len_ = len_ << 8 | data_[dp_++];
    }
    return len_ > left() ? error("Data overrun error") : true;
  }

  // asn1_find_indefinite_length. Sets len.
  bool indefinite_length() {
    std::size_t dp = dp_;
    int level = 1;
    for (;;) {
      if (datalen_ - dp < 2)
        return error(datalen_ == dp ? "Missing EOC in indefinite len cons" : "Data overrun error");
      const std::uint8_t tag = data_[dp++];
      if (tag == 0) {
        if (data_[dp++] != 0) return error("Invalid length EOC");
        if (--level <= 0) {
          len_ = dp - dp_;
          return true;
        }
        continue;
      }
      if ((tag & 0x1f) == 0x1f) {
        std::uint8_t more = 0x80;
        while ((more & 0x80) != 0) {
          if (datalen_ - dp < 2) return error("Data overrun error");
          more = data_[dp++];
        }
      }
      std::size_t len = data_[dp++];
      if (len == 0x80) {
        if ((tag & 0x20) == 0) return error("Indefinite len primitive not permitted");
        ++level;
        continue;
      }
      if (len > 0x7f) {
        std::size_t n = len - 0x80;
        if (n > 7) return error("Unsupported length");
        if (n > datalen_ - dp) return error("Data overrun error");
        for (len = 0; n > 0; --n) len = len << 8 | data_[dp++];
      }
      if (len > datalen_ - dp) return error("Data overrun error");
      dp += len;
    }
  }

  bool end(const Step& now) {
    if (csp_ == 0) return error("Cons stack underflow");
    const bool of = !now.jump_label.empty();
    --csp_;
    tdp_ = stack_[csp_].dp;
    hdr_ = stack_[csp_].hdr;
    len_ = datalen_;
    datalen_ = stack_[csp_].datalen;
    if (datalen_ == 0) {
      datalen_ = len_;
      if (left() < 2) return error("Data overrun error");
      if (data_[dp_++] != 0) {
        if (!of) return error("Missing EOC in indefinite len cons");
        --dp_;
        return again(now);
      }
      if (data_[dp_++] != 0) return error("Invalid length EOC");
      len_ = dp_ - tdp_ - 2;
    } else {
      if (dp_ < len_ && of) {
        datalen_ = len_;
        return again(now);
      }
      if (dp_ != len_) return error("Cons length error");
      len_ -= tdp_;
    }
    if (!now.action.empty()) call(now.action, 0);
    ++pc_;
    return true;
  }

  bool again(const Step& now) {
    ++csp_;
    pc_ = now.jump;
    return true;
  }

  void call(std::string_view action, std::uint8_t tag) {
    const View value = lies_inside(tdp_, len_, data_.size()) ? data_.sub(tdp_, len_) : View();
    if (action == "note_OID") last_oid_ = value;
    run_.calls.push_back({action, last_oid_, hdr_, tag, value});
  }

  struct Container {
    std::size_t dp = 0;
    std::size_t datalen = 0;
    std::size_t hdr = 0;
  };

  const Program& program_;
  View data_;
  std::size_t pc_ = 0, dp_ = 0, tdp_ = 0, len_ = 0, hdr_ = 0, csp_ = 0;
  std::size_t datalen_;
  std::uint8_t tag_ = 0;
  bool cons_ = false, indefinite_ = false, matched_ = false, last_matched_ = false;
  std::array<Container, 10> stack_;
  std::vector<std::size_t> jumps_;
  View last_oid_;
  GrammarRun run_;
};

}  // namespace

GrammarRun run_grammar(Grammar grammar, View data) {
  return Machine(program_of(grammar), data).run();
}

}  // namespace assay
