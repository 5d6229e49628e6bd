// formats/compressed_module.h - what a compressed module decompresses to.
//
// Within limits of its own: a module of 145 KB that decompresses to 4 GiB is nothing that was
// built. The kernel would take as much as it has memory for (kernel/module/decompress.c; INT_MAX in
// kernel/module/main.c), so that nothing is said of it: limit_expansion.

#pragma once

#include <memory>

#include "bytes/content.h"
#include "codec/codec.h"

namespace assay {

// Bytes that may come out of a module of `compressed_size`.
std::uint64_t largest_module(std::uint64_t compressed_size);

// What follows the first stream some readers read and others do not: stream_followed.
Result<std::unique_ptr<Content>> decompress_module(const Content& stored, Codec codec);

}  // namespace assay
