// guardlist/body.h - what the guard hashes of the bytes that the kernel has read.
//
// In mode whole all of them. In mode body, of what is read as a module: where the last 28 bytes are
// the marker of an appended signature (formats/appended_signature.h) and sig_len is less than what
// precedes the information block, what stands before the signature. One is cut, not what a second
// one below it covers; no other field of the block is looked at. So a signed module, signed by
// whomever, and the same one unsigned are one row.
//
// Nothing is cut of the other classes: an initramfs is read to its last byte, and what somebody put
// behind it and called a signature would be unpacked.

#pragma once

#include "bytes/content.h"
#include "guardlist/guard_list.h"

namespace assay {

// How many bytes from the start are hashed of a module in mode body.
Result<std::uint64_t> guard_body_size(const Content& content);

Result<GuardDigest> guard_digest(const Content& content, GuardMode mode, ReadClass what);

}  // namespace assay
