// report/edit_report.h - what excise, attach and sign did, as JSON and as text.

#pragma once

#include <string>

#include "report/table.h"
#include "survey/edit_run.h"

namespace assay {

// {"schema":"assay.edit/1",...}; `action` is the name of the command. docs/json.md lists the
// fields.
std::string to_json(const EditReport& report, std::string_view action, bool dry_run);
std::string to_json(const EditSummary& summary, std::string_view action);

// One line, and one more for each note with TextStyle::verbose or where the file failed.
std::string to_text(const EditReport& report, std::string_view done, const TextStyle& style);
std::string to_text(const EditSummary& summary, std::string_view done);

}  // namespace assay
