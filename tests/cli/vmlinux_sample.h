// tests/cli/vmlinux_sample.h - a vmlinux that a real linker makes, with what CONFIG_MODULE_HASHES
// puts into it.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/der.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {

// `path` of `release`, with these bytes in .module_hashes.
inline std::string link_vmlinux(const std::string& path, const std::vector<std::uint8_t>& section,
                                const std::string& release = "7.1.0") {
  write_file(path + ".section", section);
  write_file(path + ".s",
             der::bytes(".globl _start\n_start: ret\n.section .note.Linux,\"a\",@note\n"
                        ".long 6,1,256\n.asciz \"Linux\"\n.align 4\n.byte 0\n.align 4\n"
                        ".data\n.asciz \"Linux version " +
                        release + " (a@b) #1\"\n"));
  const auto tool = [](const std::vector<std::string>& command) {
    const Finished done = run_command(command);
    EXPECT_EQ(done.status, 0) << done.error;
  };
  tool({"as", "-o", path + ".o", path + ".s"});
  tool({"ld", "-Ttext=0xffffffff81000000", "-o", path, path + ".o"});
  tool({"objcopy", "--add-section", ".module_hashes=" + path + ".section", path});
  return path;
}

// The vmlinux at `path`, compressed, behind the setup code that boot loaders look at
// (Documentation/arch/x86/boot.rst).
inline std::vector<std::uint8_t> bzimage_of(const std::string& path, const std::string& release) {
  constexpr std::size_t kPayload = 1024;  // boot sector, one of setup
  const Finished packed = run_command({"zstd", "-q", "-c", path});
  EXPECT_EQ(packed.status, 0) << packed.error;
  std::vector<std::uint8_t> image(kPayload);
  const auto put = [&image](std::size_t at, std::size_t value, int size) {
    for (int i = 0; i < size; ++i) image[at++] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  put(0x1F1, 1, 1);           // setup_sects
  put(0x1FE, 0xAA55, 2);      // boot_flag
  put(0x202, 0x53726448, 4);  // "HdrS"
  put(0x206, 0x20F, 2);       // version
  put(0x20E, 0x100, 2);       // kernel_version, from 0x200 on
  put(0x211, 1, 1);           // loadflags
  put(0x236, 0x7F, 2);        // xloadflags
  put(0x24C, packed.out.size(), 4);
  for (std::size_t i = 0; const char c : release + " (a@b) #1")
    image[0x300 + i++] = static_cast<std::uint8_t>(c);
  image.insert(image.end(), packed.out.begin(), packed.out.end());
  return image;
}

}  // namespace assay
