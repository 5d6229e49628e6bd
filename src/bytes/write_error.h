// bytes/write_error.h - what writers say of a path that they could not write.

#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay {

std::unexpected<Error> fail_at(const std::string& path, Reason reason, std::string detail = {});

// cannot_write, with errno's text behind `what`.
std::unexpected<Error> cannot_write(const std::string& path, std::string_view what);

// "." for a name alone.
std::string folder_of(const std::string& path);

}  // namespace assay
