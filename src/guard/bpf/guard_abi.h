// guard/bpf/guard_abi.h - what the guard's BPF program and its loader share: the values of maps and
// of events. Both include it after a definition of the integer types of <stdint.h>.

#ifndef ASSAY_GUARD_ABI_H
#define ASSAY_GUARD_ABI_H

// include/linux/kernel_read_file.h: 0 unknown, 1 firmware, 2 module, 3 kexec-image,
// 4 kexec-initramfs, 5 policy, 6 x509, 7 module-compressed (later than 6.12).
#define GUARD_CLASSES 8
#define GUARD_NAME_SIZE 64
#define GUARD_ALLOW_ROWS 32768
#define GUARD_ADDED_ROWS 4096
#define GUARD_OVERLAY_ROWS 4096
#define GUARD_OVERLAY_HEADER 88
#define GUARD_OVERLAY_ROW 40
#define GUARD_OVERLAY_DATA (GUARD_OVERLAY_HEADER + GUARD_OVERLAY_ROWS * GUARD_OVERLAY_ROW)
#define GUARD_SIGNATURE_SIZE 8192
// prctl(GUARD_PRCTL, file, data size, signature size, keyring): the signature follows the data.
#define GUARD_PRCTL 0x41535359
// umount2(2) with MNT_EXPIRE of the pins' mount, before sealing: the guard learns which mount it is.
#define GUARD_MNT_EXPIRE 4

#define GUARD_OFF 0
#define GUARD_AUDIT 1
#define GUARD_ENFORCE 2

#define GUARD_BODY 1  // modules: the digest is of what stands before an appended signature

struct guard_conf {
  uint8_t mode[GUARD_CLASSES];  // of each class
  uint32_t error;               // what a refusal returns: 1, 13 or 129
  uint32_t flags;
  uint32_t sealed;
  uint32_t keyrings;  // bit n: system keyring n may sign overlays (0 builtin, 1 secondary, 2 platform)
  uint32_t pin_dev;   // of the file system that the links are pinned in, as the kernel counts
  uint32_t root_dev;  // variant ima: the one tmpfs that files may lie on
  uint64_t pin_dir;   // the inode of their folder
  uint64_t armed;          // ns since boot
  uint32_t rows;           // in `allow`
  uint32_t modules_before;  // that were loaded already
  char list[GUARD_NAME_SIZE];
};

// What anybody may read of a sealed guard; no program looks at it.
struct guard_shown {
  struct guard_conf conf;
  uint32_t added;  // rows in `added`
  uint32_t unused;
};

struct guard_row {
  uint32_t mask;  // bit n: may be read as class n
  uint32_t source;
};

struct guard_class_stats {
  uint64_t allowed;
  uint64_t missed;     // not listed, and let through: audit
  uint64_t denied;     // not listed, and refused
  uint64_t no_digest;  // of these two: nothing to hash, or it could not be
};

struct guard_stats {
  struct guard_class_stats of_class[GUARD_CLASSES];
  uint64_t dropped;    // events that the ring buffer had no room for
  uint64_t protected_; // attempts on the guard itself that were refused
  uint64_t overlay_serial;
  uint64_t overlay_rows;
  int64_t overlay_result;  // 0, or the negative error of the last overlay
  uint64_t overlays;       // how often one was offered
  uint8_t last_refused[32];  // digest of what was last not listed, or zero
};

#define GUARD_VERDICT_ALLOWED 0
#define GUARD_VERDICT_MISSED 1
#define GUARD_VERDICT_DENIED 2
#define GUARD_VERDICT_PROTECTED 3

struct guard_event {
  uint64_t time;  // ns since boot
  uint64_t size;
  uint64_t inode;
  uint32_t dev;  // as the kernel counts: 20 bits of minor
  uint32_t pid;
  uint32_t uid;
  uint8_t class_;
  uint8_t verdict;
  uint8_t has_digest;
  uint8_t attempt;  // on the guard itself: which
  uint8_t digest[32];
  char comm[16];
  char name[GUARD_NAME_SIZE];
};

#define GUARD_ATTEMPT_UNLINK 1
#define GUARD_ATTEMPT_RENAME 2
#define GUARD_ATTEMPT_UMOUNT 3
#define GUARD_ATTEMPT_MAP 4
#define GUARD_ATTEMPT_PROG 5
#define GUARD_ATTEMPT_FMOD_RET 6
#define GUARD_ATTEMPT_FTRACE 7

// Keys of the map `prot`: kind in the upper half, id in the lower.
#define GUARD_PROT_MAP_READ_ONLY 1
#define GUARD_PROT_MAP_CLOSED 2
#define GUARD_PROT_PROG 3
#define GUARD_PROT_HOOK 4  // its BTF id

#endif
