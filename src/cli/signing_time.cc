#include "cli/signing_time.h"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>

namespace assay {

Result<std::int64_t> signing_time() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  if (epoch == nullptr || *epoch == '\0')
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  const std::string_view text(epoch);
  std::int64_t seconds = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t kLast = 253402300799;  // the end of the year 9999
  if (wrong != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > kLast)
    return fail(Reason::usage, {}, "SOURCE_DATE_EPOCH is not a number of seconds");
  return seconds;
}

}  // namespace assay
