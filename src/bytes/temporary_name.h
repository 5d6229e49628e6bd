// bytes/temporary_name.h - names of files that are on their way into place, which say whose they
// are, so that those of a run that was killed can be told from those of one that is at work.
//
//     .assay-PLACE-PROCESS-START-RANDOM     hexadecimal
//
// PLACE stands for this boot of this machine, and the container in it: only there does PROCESS,
// with the time it was started (/proc/PROCESS/stat, starttime), mean anything.

#pragma once

#include <string>
#include <string_view>

namespace assay {

// All but RANDOM, for this process.
std::string temporary_mark();
std::string make_temporary_name(const std::string& mark);

// Whoever's it is; nobody's artifact.
bool is_temporary_name(std::string_view file_name);

// A file of ours in `folder` whose writer is over: its process is gone, or nobody can say, as it
// ran elsewhere, and it is more than a day old.
bool is_left_over(const std::string& folder, const std::string& file_name);

}  // namespace assay
