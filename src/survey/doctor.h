// survey/doctor.h - everything that a host has installed, judged for the kernel that runs there:
// the modules of its release and all kernel images, each with the key it wants and what would help.
//
// It is the judge over a captured platform; nothing is started and nothing is loaded.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "judge/verdict.h"
#include "platforms/capture.h"
#include "survey/host_layout.h"
#include "survey/survey.h"

namespace assay {

// What a verdict means to somebody who wants the thing to work.
enum class Prognosis : std::uint8_t { loads, taints, rejected, unknown };
std::string_view prognosis_name(Prognosis prognosis);
Prognosis prognosis_of(const Verdict& verdict);

// How the first signer is named: by issuer and serial number, or by key identifier. The subject is
// known where the message carries its certificate.
struct WantedKey {
  std::string subject;
  std::string issuer;
  std::string serial;
  std::string key_identifier;
};

// The one command that helps. Empty where there is none that is sure to; `why` then says what is
// in the way.
struct Fix {
  std::string command;
  std::string why;
};

struct Diagnosis {
  std::string request;  // "module", "kexec"
  JudgedModule judged;
  std::optional<WantedKey> wants;
  // Rings that have that key or the one that vouches for it; files that have its certificate.
  std::vector<std::string> held_by;
  std::optional<Fix> fix;  // where it does not load, or taints
};

struct DoctorOptions {
  std::string root = "/";
  unsigned jobs = 1;
  Progress* progress = nullptr;
};

// The host as it was found; `report` is called for one artifact at a time, in the order of names.
Result<Capture> examine_host(const DoctorOptions& options,
                             const std::function<void(const Diagnosis&)>& report);

}  // namespace assay
