// guard/guard_object.h - the BPF object that lies in this program.

#pragma once

#include <cstdint>
#include <span>

namespace assay {

std::span<const std::uint8_t> guard_object();

}  // namespace assay
