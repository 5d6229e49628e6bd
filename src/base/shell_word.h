// base/shell_word.h - a word as it is written in a shell's command line, where commands are named
// for people to type.

#pragma once

#include <string>
#include <string_view>

namespace assay {

// As it is, or in single quotes.
std::string shell_word(std::string_view word);

}  // namespace assay
