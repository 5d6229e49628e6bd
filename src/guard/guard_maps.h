// guard/guard_maps.h - the values of the guard's maps and events, in C++.

#pragma once

#include <cstdint>

namespace assay::abi {
#include "guard/bpf/guard_abi.h"
}  // namespace assay::abi
