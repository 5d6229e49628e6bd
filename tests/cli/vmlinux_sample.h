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

// `path` of release 7.1.0, with these bytes in .module_hashes.
inline std::string link_vmlinux(const std::string& path, const std::vector<std::uint8_t>& section) {
  write_file(path + ".section", section);
  write_file(path + ".s",
             der::bytes(".globl _start\n_start: ret\n.section .note.Linux,\"a\",@note\n"
                        ".long 6,1,256\n.asciz \"Linux\"\n.align 4\n.byte 0\n.align 4\n"
                        ".data\n.asciz \"Linux version 7.1.0 (a@b) #1\"\n"));
  const auto tool = [](const std::vector<std::string>& command) {
    const Finished done = run_command(command);
    EXPECT_EQ(done.status, 0) << done.error;
  };
  tool({"as", "-o", path + ".o", path + ".s"});
  tool({"ld", "-Ttext=0xffffffff81000000", "-o", path, path + ".o"});
  tool({"objcopy", "--add-section", ".module_hashes=" + path + ".section", path});
  return path;
}

}  // namespace assay
