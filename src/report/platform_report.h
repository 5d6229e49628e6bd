// report/platform_report.h - platforms for people and for scripts (docs/platform.md).

#pragma once

#include <span>
#include <string>

#include "platforms/capture.h"
#include "platforms/check.h"
#include "platforms/matrix.h"
#include "report/table.h"

namespace assay {

// What a platform is: kernel, state, keyrings with their certificates, what could not be read.
std::string platform_to_text(const Capture& capture);
std::string platform_to_json(const Capture& capture);

// A platform's rows and gaps.
std::string check_to_text(const std::string& name, std::span<const CheckRow> rows,
                          std::span<const Gap> gaps, const TextStyle& style);
// One object a line.
std::string check_to_json(const std::string& name, std::span<const CheckRow> rows,
                          std::span<const Gap> gaps);

std::string matrix_to_text(std::span<const MatrixCell> cells, const TextStyle& style);
std::string matrix_to_json(std::span<const MatrixCell> cells);

}  // namespace assay
