// ima/appraise_mode.h - the kernel's word ima_appraise: what is done with a file that fails, and
// for which hooks a rule asks for appraisal.

#pragma once

#include <cstdint>

namespace assay::appraise_mode {

inline constexpr std::uint32_t kEnforce = 0x01;
inline constexpr std::uint32_t kFix = 0x02;
inline constexpr std::uint32_t kLog = 0x04;  // no code of the kernel asks for it
inline constexpr std::uint32_t kModules = 0x08;
inline constexpr std::uint32_t kFirmware = 0x10;
inline constexpr std::uint32_t kPolicy = 0x20;
inline constexpr std::uint32_t kKexec = 0x40;

}  // namespace assay::appraise_mode
