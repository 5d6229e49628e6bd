// platforms/host_keyrings.h - the keyrings of a running host: from the certificates that its kernel
// was given, held against what /proc/keys tells.
//
// The kernel never gives the certificates of its keyrings back. They are taken from where it took
// them (the installed image, EFI variables), filled in by its rules, and counted: where /proc/keys
// has more keys in a ring than were found, the ring is known to hold more.

#pragma once

#include "platforms/host_root.h"
#include "trust/platform.h"

namespace assay {

// Rings, revoked certificates and blocklist. The platform's kernel, configuration and state are
// known before, as far as they ever are.
void read_keyrings(HostRoot& host, Platform& platform);

// Rings that this configuration does not have are marked absent.
void mark_absent_rings(Platform& platform);

}  // namespace assay
