// formats/module_name.h - what a file's name says of it: is it a module's, and how compressed?
//
// kmod and depmod go by the name (libkmod/libkmod-module.c; scripts/Makefile.modinst): ".ko", and
// with CONFIG_MODULE_COMPRESS_* ".ko.gz", ".ko.xz" and ".ko.zst".

#pragma once

#include <optional>
#include <string_view>

#include "codec/codec.h"

namespace assay {

struct ModuleName {
  std::optional<Codec> codec;
  friend bool operator==(const ModuleName&, const ModuleName&) = default;
};

// Nothing when the name, with or without its folders, is no module's.
std::optional<ModuleName> parse_module_name(std::string_view name);

}  // namespace assay
