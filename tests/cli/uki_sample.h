// tests/cli/uki_sample.h - images with sections, as unified kernel images are.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "testing/der.h"
#include "testing/temporary_folder.h"
#include "testing/tool.h"

namespace assay {

// `folder`/uki.efi, linked as systemd's stub is, with these sections: name, and file.
inline std::string link_image(const TemporaryFolder& folder,
                              const std::vector<std::pair<std::string, std::string>>& sections) {
  std::string source = ".globl _start\n_start: nop\n";
  for (const auto& [name, file] : sections)
    source += ".section " + name + ",\"a\"\n.incbin \"" + file + "\"\n";
  write_file(folder / "a.s", der::bytes(source));
  run_tool({"x86_64-linux-gnu-as", "-o", folder / "a.o", folder / "a.s"});
  run_tool({"x86_64-linux-gnu-ld", "-m", "i386pep", "--oformat", "pei-x86-64", "-s", "-o",
            folder / "uki.efi", folder / "a.o"});
  return folder / "uki.efi";
}

}  // namespace assay
