#include "survey/guard_simulation.h"

#include <algorithm>

#include "formats/module_name.h"
#include "ima/rules.h"
#include "ima/verity.h"
#include "judge/rules.h"
#include "survey/guard_list_builder.h"
#include "survey/open_whole.h"
#include "survey/run.h"

namespace assay {

namespace {

// What the kernel asks before it has anything that a guard could look at.
constexpr const Rule* kBefore[] = {
    &rules::module_load::has_modules,
    &rules::module_load::modules_enabled,
    &rules::module_load::flags,
    &rules::module_load::not_empty,
    &rules::module_load::init_size,
    &rules::kexec::has_file_load,
    &rules::kexec::has_load,
    &rules::kexec::permitted,
    &rules::kexec::flags,
    &rules::kexec::not_empty,
    &rules::kernel_read::not_empty,
};

// A kernel that has IPE, with all of its properties: what Debian's has.
KernelConfig with_ipe() {
  KernelConfig config;
  for (const char* option :
       {"CONFIG_SECURITY_IPE", "CONFIG_IPE_PROP_DM_VERITY", "CONFIG_IPE_PROP_DM_VERITY_SIGNATURE",
        "CONFIG_IPE_PROP_FS_VERITY", "CONFIG_IPE_PROP_FS_VERITY_BUILTIN_SIG"})
    config.set(option, "y");
  return config;
}

struct Asked {
  std::string request;  // of the judge
  GuardRequest guard = GuardRequest::finit_module;
  IpeOp op = IpeOp::kmodule;
  bool is_from_memory = false;
};

class Simulator {
 public:
  explicit Simulator(const GuardSimulationOptions& options)
      : options_(options),
        ima_(options.platform ? std::make_unique<const PlatformIma>(*options.platform) : nullptr) {}

  // Nothing for what the guard has no class for.
  Result<std::optional<GuardSimulation>> simulate(const Found& found) const {
    std::unique_ptr<Content> opened;
    if (!found.content) {
      ASSAY_TRY(opened, open_whole(found.path));
    }
    const Content& stored = found.content ? *found.content : *opened;
    ASSAY_TRY(const auto what, read_class_of(found, stored));
    if (!what) return std::nullopt;
    GuardSimulation simulation;
    simulation.path = found.name;
    ASSAY_CHECK(walk(found, stored, *what, simulation));
    return std::optional(std::move(simulation));
  }

 private:
  Asked request_for(const Found& found, ReadClass what) const {
    switch (what) {
      case ReadClass::firmware: return {"firmware", GuardRequest::firmware, IpeOp::firmware, false};
      case ReadClass::kexec_initramfs:
        return {"kexec-initramfs", GuardRequest::kexec_initramfs, IpeOp::kexec_initramfs, false};
      case ReadClass::kexec_image:
        if (options_.syscall == "kexec_load")
          return {"kexec", GuardRequest::kexec_load, IpeOp::kexec_image, true};
        return {"kexec", GuardRequest::kexec_image, IpeOp::kexec_image, false};
      default: break;
    }
    if (options_.flags.find("compressed") != std::string::npos)
      return {"module", GuardRequest::finit_module_compressed, IpeOp::kmodule, false};
    // kmod decompresses it, and hands over memory.
    const bool is_compressed = parse_module_name(found.inner_name)->codec.has_value();
    if (options_.syscall == "init_module" || (options_.syscall.empty() && is_compressed))
      return {"module", GuardRequest::init_module, IpeOp::kmodule, true};
    return {"module", GuardRequest::finit_module, IpeOp::kmodule, false};
  }

  // As the judge has it: options that do not go with this request are for others.
  Result<JudgeRequest> judge_request_of(const Asked& asked) const {
    const bool is_module = asked.request == "module";
    const bool takes_call = is_module ? options_.syscall.ends_with("init_module")
                                      : asked.request == "kexec" && !options_.syscall.empty() &&
                                            options_.syscall.starts_with("kexec");
    std::string syscall = takes_call ? options_.syscall : std::string();
    if (asked.guard == GuardRequest::finit_module_compressed) syscall = "finit_module";
    return parse_request(asked.request, syscall, is_module ? options_.flags : std::string());
  }

  Result<void> walk(const Found& found, const Content& stored, ReadClass what,
                    GuardSimulation& simulation) const {
    const Asked asked = request_for(found, what);
    simulation.request = asked.request;
    std::unique_ptr<Content> plain;
    if (what == ReadClass::module) {
      ASSAY_TRY(plain, decompress_module(stored, found.inner_name));
    }
    // What is handed over: memory that kmod has filled, or the file.
    const bool hands_over_plain = asked.guard == GuardRequest::init_module && plain;
    ASSAY_TRY(const GuardEvidence evidence,
              collect_guard(hands_over_plain ? *plain : stored,
                            hands_over_plain ? nullptr : plain.get(), options_.guard.list->mode));
    std::vector<StageVerdict> stages;
    if (options_.platform) {
      ASSAY_TRY(const JudgeRequest request, judge_request_of(asked));
      ASSAY_TRY(
          const RequestEvidence of_request,
          collect_request(request, {stored, found.inner_name, found.path, ima_->hashes()}, true));
      JudgedModule judged = judge_on(request, of_request, found.name, *ima_, true);
      simulation.taint = judged.taint;
      const bool is_before = judged.verdict.is_refused() && comes_before(judged.verdict.deciding);
      stages.push_back({is_before ? GuardStage::before : GuardStage::kernel,
                        std::move(judged.verdict), std::move(judged.reason)});
    }
    stages.push_back(make_stage(GuardStage::guard, found.name, [&](Walk& one) {
      return judge_guard(one, options_.guard, asked.guard, evidence);
    }));
    if (options_.ipe) {
      ASSAY_TRY(const IpeFile file, ipe_file(asked, stored));
      const KernelConfig config = options_.platform ? options_.platform->config : with_ipe();
      stages.push_back(make_stage(GuardStage::ipe, found.name, [&](Walk& one) {
        return judge_ipe(one, *options_.ipe, asked.op, file, config);
      }));
    }
    std::ranges::sort(stages, {}, [&](const StageVerdict& one) { return order_of(one.stage); });
    conclude_stages(std::move(stages), simulation);
    return {};
  }

  bool comes_before(const Rule* rule) const {
    // ima_load_data is asked of a module in memory before it is copied; the guard that hashes it is
    // afterwards, variant ima in front of it.
    if (rule == &rules::ima::module_file) return options_.guard.variant != GuardProgram::ima;
    return std::ranges::find(kBefore, rule) != std::end(kBefore);
  }

  int order_of(GuardStage stage) const {
    const bool guard_first = options_.guard.variant == GuardProgram::ima;
    switch (stage) {
      case GuardStage::before: return 0;
      case GuardStage::guard: return guard_first ? 1 : 3;
      case GuardStage::ipe: return 2;
      case GuardStage::kernel: return 4;
    }
    return 5;
  }

  template <class Once>
  StageVerdict make_stage(GuardStage stage, const std::string& name, Once once) const {
    StageVerdict one{stage, conclude(options_.kernel, true, once), {}};
    one.reason = explain(one.verdict, name);
    return one;
  }

  Result<IpeFile> ipe_file(const Asked& asked, const Content& stored) const {
    if (asked.is_from_memory) return IpeFile::memory();
    IpeFile file;
    file.from_initramfs = false;  // what lies there is gone once the system runs
    file.has_fsverity = options_.has_fsverity;
    if (file.has_fsverity == false) file.fsverity_signed = false;
    ASSAY_TRY(const Digest digest, compute_verity_digest(Hash::sha256, stored));
    file.fsverity_digest = IpeDigest{
        "sha256", std::vector<std::uint8_t>(digest.bytes().begin(), digest.bytes().end())};
    return file;
  }

  static void conclude_stages(std::vector<StageVerdict> stages, GuardSimulation& simulation) {
    for (StageVerdict& stage : stages) {
      simulation.decision = stage.verdict.decision;
      simulation.err = stage.verdict.err;
      const bool goes_on = simulation.decision == Decision::allowed ||
                           simulation.decision == Decision::allowed_unverified ||
                           simulation.decision == Decision::allowed_tainted;
      simulation.stages.push_back(std::move(stage));
      if (goes_on) continue;
      simulation.taint.clear();
      return;
    }
  }

  const GuardSimulationOptions& options_;
  std::unique_ptr<const PlatformIma> ima_;
};

}  // namespace

std::string_view guard_stage_name(GuardStage stage) {
  switch (stage) {
    case GuardStage::before: return "the kernel, before the guard is asked,";
    case GuardStage::ipe: return "IPE";
    case GuardStage::guard: return "the guard";
    case GuardStage::kernel: return "the kernel";
  }
  return "";
}

Surveyed simulate_guard(const GuardSimulationOptions& options,
                        const std::function<void(const GuardSimulation&)>& report) {
  Run<GuardSimulation> run(options.survey, report);
  const Simulator simulator(options);
  const auto failed = [](const Error& error) {
    GuardSimulation simulation;
    simulation.path = error.path;
    simulation.error = error;
    return simulation;
  };
  return run.go(
      [&](const Found& found, std::uint64_t ticket) {
        auto simulation = simulator.simulate(found);
        if (!simulation)
          return run.reports().fill(
              ticket, std::optional(failed(with_path(simulation.error(), found.name))));
        run.reports().fill(ticket, std::move(*simulation));
      },
      failed, [] {});
}

}  // namespace assay
