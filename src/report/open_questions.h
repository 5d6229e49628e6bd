// report/open_questions.h - what is not known, as a question for people.

#pragma once

#include <string>
#include <string_view>

namespace assay {

// Of a key of Verdict::open: "is the kernel locked down (/sys/kernel/security/lockdown)?".
std::string question_of(std::string_view key);

}  // namespace assay
