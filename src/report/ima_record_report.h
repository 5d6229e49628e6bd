// report/ima_record_report.h - a record of IMA or EVM as `assay inspect` tells of it.

#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "survey/ima_records.h"

namespace assay {

// security.ima, and security.evm where the record has it.
nlohmann::ordered_json records_to_json(const ImaRecord& record);
std::string records_to_text(const ImaRecord& record);

}  // namespace assay
