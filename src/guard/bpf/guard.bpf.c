/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
 *
 * The part of `assay guard` that runs in the kernel: programs for BPF LSM hooks, loaded by
 * src/guard. This file alone is under both licences, because helpers that it calls are for
 * GPL-compatible programs; the rest of the project is Apache-2.0.
 *
 * Three ways to know what is loaded (the loader attaches those of one):
 *   buffer  SHA-256 of the kernel's own buffer, read with bpf_probe_read_kernel
 *   cast    the same, read through bpf_rdonly_cast, which lockdown=confidentiality leaves
 *   ima     bpf_ima_file_hash, before the kernel reads: what others may change in between is refused
 *
 * A verdict depends on the configuration and the digest maps, never on an event.
 */

typedef unsigned char uint8_t, __u8, u8;
typedef unsigned short uint16_t, __u16, u16, __be16;
typedef unsigned int uint32_t, __u32, u32, __be32, __wsum;
typedef unsigned long long uint64_t, __u64, u64;
typedef signed char __s8;
typedef short __s16;
typedef int int32_t, __s32;
typedef long long int64_t, __s64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "guard_abi.h"

const char kLicense[] SEC("license") = "GPL";

/* Of the kernel's types, the members that are asked for; libbpf finds where they are (CO-RE). */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct file_system_type {
  const char *name;
};
struct super_block {
  u32 s_dev;
  unsigned long s_magic;
  struct file_system_type *s_type;
};
struct inode {
  struct super_block *i_sb;
  unsigned long i_ino;
  unsigned int i_nlink;
};
struct qstr {
  const unsigned char *name;
};
struct dentry {
  struct qstr d_name;
  struct inode *d_inode;
  unsigned char d_iname[32];
};
union shortname_store {
  unsigned char string[32];
};
struct dentry___short { /* later than 6.12 */
  union shortname_store d_shortname;
};
struct vfsmount {
  struct super_block *mnt_sb;
};
struct mount {
  struct mount *mnt_parent;
  struct vfsmount mnt;
};
struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};
struct file {
  unsigned int f_mode;
  struct path f_path;
  struct inode *f_inode;
};
struct bpf_map {
  u32 id;
};
struct bpf_prog_aux {
  u32 id;
};
struct bpf_prog {
  struct bpf_prog_aux *aux;
};
union bpf_attr {
  struct {
    u32 prog_type;
    u32 insn_cnt;
    u64 insns;
    u64 license;
    u32 log_level;
    u32 log_size;
    u64 log_buf;
    u32 kern_version;
    u32 prog_flags;
    char prog_name[16];
    u32 prog_ifindex;
    u32 expected_attach_type;
    u32 prog_btf_fd;
    u32 func_info_rec_size;
    u64 func_info;
    u32 func_info_cnt;
    u32 line_info_rec_size;
    u64 line_info;
    u32 line_info_cnt;
    u32 attach_btf_id;
  };
};
/* Every 64-bit architecture has eight numbers of eight bytes at its beginning: what the memory of a
 * block is read as. bpf_rdonly_cast before 6.17 wants a struct. */
struct sysinfo {
  long uptime;
  unsigned long loads[3];
  unsigned long totalram;
  unsigned long freeram;
  unsigned long sharedram;
  unsigned long bufferram;
};
#pragma clang attribute pop

/* Functions of the kernel want the whole types. */
struct bpf_key {
  void *key;
  bool has_ref;
};
struct bpf_dynptr {
  u64 opaque[2];
} __attribute__((aligned(8)));

extern void *bpf_rdonly_cast(void *obj, u32 btf_id) __ksym __weak;
extern struct bpf_key *bpf_lookup_system_key(u64 id) __ksym __weak;
extern void bpf_key_put(struct bpf_key *key) __ksym __weak;
extern int bpf_verify_pkcs7_signature(struct bpf_dynptr *data, struct bpf_dynptr *sig,
                                      struct bpf_key *keyring) __ksym __weak;

enum {
  kMapHash = 1,
  kMapArray = 2,
  kMapRingbuf = 27,
  kRdonlyProg = 1 << 7,
};
enum {
  kBpffs = 0xcafe4a11u,
  kProc = 0x9fa0,
  kTmpfs = 0x01021994,
  kFuse = 0x65735546,
  kOverlayfs = 0x794c7630,
  k9p = 0x01021997,
  kNfs = 0x6969,
  kCifs = 0xff534d42u,
  kSmb2 = 0xfe534d42u,
};
enum {
  kFirmware = 1,
  kModule = 2,
  kKexecImage = 3,
};
enum {
  kEperm = 1,
  kEnokey = 126,
  kEkeyrejected = 129,
  kEstale = 116,
  kEbusy = 16,
  kEfault = 14,
  kEinval = 22,
  kEmsgsize = 90,
};
#define MAX_BLOCKS (1u << 23) /* of bpf_loop */

struct digest {
  u8 bytes[32];
};

struct {
  __uint(type, kMapArray);
  __uint(max_entries, 1);
  __uint(map_flags, kRdonlyProg);
  __type(key, u32);
  __type(value, struct guard_conf);
} conf SEC(".maps");

struct {
  __uint(type, kMapHash);
  __uint(max_entries, GUARD_ALLOW_ROWS);
  __uint(map_flags, kRdonlyProg);
  __type(key, struct digest);
  __type(value, struct guard_row);
} allow SEC(".maps");

struct {
  __uint(type, kMapHash);
  __uint(max_entries, GUARD_ADDED_ROWS);
  __uint(map_flags, kRdonlyProg);
  __type(key, struct digest);
  __type(value, struct guard_row);
} added SEC(".maps");

struct {
  __uint(type, kMapHash);
  __uint(max_entries, GUARD_OVERLAY_ROWS);
  __type(key, struct digest);
  __type(value, struct guard_row);
} overlay SEC(".maps");

struct {
  __uint(type, kMapHash);
  __uint(max_entries, 256);
  __uint(map_flags, kRdonlyProg);
  __type(key, u64);
  __type(value, u64);
} prot SEC(".maps");

struct {
  __uint(type, kMapArray);
  __uint(max_entries, 1);
  __uint(map_flags, kRdonlyProg);
  __type(key, u32);
  __type(value, struct guard_shown);
} shown SEC(".maps");

struct {
  __uint(type, kMapArray);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct guard_stats);
} stats SEC(".maps");

struct {
  __uint(type, kMapRingbuf);
  __uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* What only programs write: the overlay that is being verified, the serial of the last one that was
 * taken, the mount that the links are pinned in. */
struct guard_private {
  u64 busy;
  u64 serial;
  u64 mount;
  u8 signature[GUARD_SIGNATURE_SIZE];
  u8 data[GUARD_OVERLAY_DATA];
};
struct {
  __uint(type, kMapArray);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct guard_private);
} priv SEC(".maps");

static __always_inline struct guard_conf *find_conf(void) {
  u32 zero = 0;
  return bpf_map_lookup_elem(&conf, &zero);
}

static __always_inline struct guard_stats *find_stats(void) {
  u32 zero = 0;
  return bpf_map_lookup_elem(&stats, &zero);
}

/* -- SHA-256 (FIPS 180-4) ------------------------------------------------------------------- */

struct sha {
  u64 address;
  u64 size;
  u64 last; /* number of the last block */
  u32 is_cast;
  u32 failed;
  u32 h[8];
};

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
#define SUM0(x) (ROTATE(x, 2) ^ ROTATE(x, 13) ^ ROTATE(x, 22))
#define SUM1(x) (ROTATE(x, 6) ^ ROTATE(x, 11) ^ ROTATE(x, 25))
#define SIGMA0(x) (ROTATE(x, 7) ^ ROTATE(x, 18) ^ ((x) >> 3))
#define SIGMA1(x) (ROTATE(x, 17) ^ ROTATE(x, 19) ^ ((x) >> 10))
/* The barrier keeps the compiler from holding more than one round in flight: its stack is 512 bytes. */
#define ROUND(a, b, c, d, e, f, g, h, k, word)                                 \
  {                                                                            \
    u32 t = h + SUM1(e) + ((e & f) ^ (~e & g)) + k + (word);                   \
    d += t;                                                                    \
    h = t + SUM0(a) + ((a & b) ^ (a & c) ^ (b & c));                           \
    asm volatile("" : "+r"(d), "+r"(h)::"memory");                             \
  }
#define NEXT(i)                                                                \
  (w[(i) & 15] += SIGMA1(w[((i) + 14) & 15]) + w[((i) + 9) & 15] + SIGMA0(w[((i) + 1) & 15]))
#define ROUNDS8(WORD, i, k0, k1, k2, k3, k4, k5, k6, k7)                       \
  ROUND(a, b, c, d, e, f, g, h, k0, WORD(i))                                   \
  ROUND(h, a, b, c, d, e, f, g, k1, WORD(i + 1))                               \
  ROUND(g, h, a, b, c, d, e, f, k2, WORD(i + 2))                               \
  ROUND(f, g, h, a, b, c, d, e, k3, WORD(i + 3))                               \
  ROUND(e, f, g, h, a, b, c, d, k4, WORD(i + 4))                               \
  ROUND(d, e, f, g, h, a, b, c, k5, WORD(i + 5))                               \
  ROUND(c, d, e, f, g, h, a, b, k6, WORD(i + 6))                               \
  ROUND(b, c, d, e, f, g, h, a, k7, WORD(i + 7))
#define FIRST(i) w[i]

static __always_inline u64 keep_low_bytes(u64 word, u32 kept) {
  if (kept >= 8) return word;
  return kept == 0 ? 0 : word & ((1ull << (8 * (kept & 7))) - 1);
}

/* `size` bytes (at most 64) at `address` into `w`, the rest zero. */
static __always_inline void read_cast(u64 *w, u64 address, u32 size) {
  struct sysinfo *block =
      bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct sysinfo));
#define KEEP(n, member) \
  w[n] = keep_low_bytes((u64)block->member, size > 8 * n ? size - 8 * n : 0)
  KEEP(0, uptime);
  KEEP(1, loads[0]);
  KEEP(2, loads[1]);
  KEEP(3, loads[2]);
  KEEP(4, totalram);
  KEEP(5, freeram);
  KEEP(6, sharedram);
  KEEP(7, bufferram);
#undef KEEP
}

static __always_inline void compress(u32 *w, u32 *state) {
  u32 a = state[0], b = state[1], c = state[2], d = state[3];
  u32 e = state[4], f = state[5], g = state[6], h = state[7];
  ROUNDS8(FIRST, 0, 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
          0x923f82a4, 0xab1c5ed5)
  ROUNDS8(FIRST, 8, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
          0x9bdc06a7, 0xc19bf174)
  ROUNDS8(NEXT, 16, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
          0x5cb0a9dc, 0x76f988da)
  ROUNDS8(NEXT, 24, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
          0x06ca6351, 0x14292967)
  ROUNDS8(NEXT, 32, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb,
          0x81c2c92e, 0x92722c85)
  ROUNDS8(NEXT, 40, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
          0xf40e3585, 0x106aa070)
  ROUNDS8(NEXT, 48, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
          0x5b9cca4f, 0x682e6ff3)
  ROUNDS8(NEXT, 56, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb,
          0xbef9a3f7, 0xc67178f2)
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/* One block; the last one or two are padded. Generated twice, because a program with a helper that
 * lockdown takes away does not load, even where it is not reached. */
static __always_inline void pad_and_compress(struct sha *sha, u32 *w, u64 offset, u64 index) {
  if (offset <= sha->size && sha->size - offset < 64)
    ((u8 *)w)[(sha->size - offset) & 63] = 0x80;
#pragma unroll
  for (int i = 0; i < 16; ++i) w[i] = __builtin_bswap32(w[i]);
  if (index == sha->last) {
    w[14] = (u32)(sha->size >> 29);
    w[15] = (u32)(sha->size << 3);
  }
  compress(w, sha->h);
}

static long hash_block_buffer(u64 index, struct sha *sha) {
  u64 words[8] = {};
  const u64 offset = (u64)(u32)index * 64;
  if (offset < sha->size) {
    const u64 left = sha->size - offset;
    const u32 size = left < 64 ? (u32)left & 63 : 64;
    if (bpf_probe_read_kernel(words, size, (void *)(sha->address + offset)) != 0) {
      sha->failed = 1;
      return 1;
    }
  }
  pad_and_compress(sha, (u32 *)words, offset, (u32)index);
  return 0;
}

static long hash_block_cast(u64 index, struct sha *sha) {
  u64 words[8] = {};
  const u64 offset = (u64)(u32)index * 64;
  if (offset < sha->size) {
    const u64 left = sha->size - offset;
    read_cast(words, sha->address + offset, left < 64 ? (u32)left : 64);
  }
  pad_and_compress(sha, (u32 *)words, offset, (u32)index);
  return 0;
}

/* The bytes before an appended signature, as mod_verify_sig cuts them (kernel/module/signing.c);
 * what has none is whole. `tail`: the last 40 bytes. */
static __always_inline u64 body_size(u64 size, const u8 *tail) {
  static const char magic[] = "~Module signature appended~\n";
  u32 differs = 0;
#pragma unroll
  for (int i = 0; i < 28; ++i) differs |= tail[12 + i] ^ (u8)magic[i];
  if (differs) return size;
  const u64 sig_size =
      (u64)tail[8] << 24 | (u64)tail[9] << 16 | (u64)tail[10] << 8 | (u64)tail[11];
  if (sig_size >= size - 40) return size;
  return size - 40 - sig_size;
}

/* -- Verdicts ------------------------------------------------------------------------------- */

struct question {
  u64 address;
  u64 size;
  struct file *file;
  u32 class_;
  u32 has_digest;
  u8 digest[32];
};

static __always_inline int refuse(const struct guard_conf *conf_) {
  switch (conf_->error) {
    case 1:
      return -1;
    case 13:
      return -13;
    default:
      return -129;
  }
}

static __always_inline void fill_event(struct guard_event *event, u32 class_, u32 verdict) {
  __builtin_memset(event, 0, sizeof *event);
  event->time = bpf_ktime_get_boot_ns();
  event->pid = bpf_get_current_pid_tgid() >> 32;
  event->uid = (u32)bpf_get_current_uid_gid();
  event->class_ = class_;
  event->verdict = verdict;
  bpf_get_current_comm(event->comm, sizeof event->comm);
}

static __always_inline bool is_listed(const u8 *digest, u32 class_) {
  struct guard_row *row = bpf_map_lookup_elem(&allow, digest);
  if (row && (row->mask >> (class_ & 31)) & 1) return true;
  row = bpf_map_lookup_elem(&added, digest);
  if (row && (row->mask >> (class_ & 31)) & 1) return true;
  row = bpf_map_lookup_elem(&overlay, digest);
  return row && (row->mask >> (class_ & 31)) & 1;
}

/* Counts, reports, and says what to return. Generated once for each way to read a name. */
static __always_inline int conclude(struct question *q, int with_name) {
  const struct guard_conf *settings = find_conf();
  struct guard_stats *counts = find_stats();
  if (!settings || !counts) return 0;
  const u32 class_ = q->class_ & 7;
  const u32 mode = settings->mode[class_];
  if (mode == GUARD_OFF) return 0;
  struct guard_class_stats *of_class = &counts->of_class[class_];
  u32 verdict = GUARD_VERDICT_ALLOWED;
  if (!q->has_digest || !is_listed(q->digest, class_))
    verdict = mode == GUARD_ENFORCE ? GUARD_VERDICT_DENIED : GUARD_VERDICT_MISSED;
  if (verdict == GUARD_VERDICT_ALLOWED)
    __sync_fetch_and_add(&of_class->allowed, 1);
  else if (verdict == GUARD_VERDICT_MISSED)
    __sync_fetch_and_add(&of_class->missed, 1);
  else
    __sync_fetch_and_add(&of_class->denied, 1);
  if (!q->has_digest) __sync_fetch_and_add(&of_class->no_digest, 1);
  if (verdict != GUARD_VERDICT_ALLOWED)
    __builtin_memcpy(counts->last_refused, q->digest, sizeof q->digest);
  struct guard_event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
  if (event) {
    fill_event(event, class_, verdict);
    event->size = q->size;
    event->has_digest = q->has_digest != 0;
    __builtin_memcpy(event->digest, q->digest, sizeof event->digest);
    if (q->file) {
      event->inode = q->file->f_inode->i_ino;
      event->dev = q->file->f_inode->i_sb->s_dev;
      const unsigned char *name = q->file->f_path.dentry->d_name.name;
      if (with_name == 1)
        bpf_probe_read_kernel_str(event->name, sizeof event->name, name);
      else if (with_name == 2) {
        u64 words[8];
        read_cast(words, (u64)name, 64);
        __builtin_memcpy(event->name, words, sizeof event->name);
      }
    }
    bpf_ringbuf_submit(event, 0);
  } else {
    __sync_fetch_and_add(&counts->dropped, 1);
  }
  return verdict == GUARD_VERDICT_DENIED ? refuse(settings) : 0;
}

static __always_inline void start_sha(struct sha *sha, u64 address, u64 size) {
  sha->address = address;
  sha->size = size;
  sha->last = (size + 8) / 64;
  sha->failed = 0;
  sha->h[0] = 0x6a09e667;
  sha->h[1] = 0xbb67ae85;
  sha->h[2] = 0x3c6ef372;
  sha->h[3] = 0xa54ff53a;
  sha->h[4] = 0x510e527f;
  sha->h[5] = 0x9b05688c;
  sha->h[6] = 0x1f83d9ab;
  sha->h[7] = 0x5be0cd19;
}

static __always_inline void finish_sha(const struct sha *sha, long blocks, struct question *q) {
  if (sha->failed || blocks != (long)(sha->last + 1)) return;
  q->has_digest = 1;
#pragma unroll
  for (int i = 0; i < 8; ++i) ((u32 *)q->digest)[i] = __builtin_bswap32(sha->h[i]);
}

static __always_inline bool wants_body(u32 class_) {
  const struct guard_conf *settings = find_conf();
  return class_ == kModule && settings && settings->flags & GUARD_BODY;
}

static __always_inline bool is_off(u32 class_) {
  const struct guard_conf *settings = find_conf();
  return !settings || settings->mode[class_ & 7] == GUARD_OFF;
}

static __noinline void hash_buffer(struct question *q) {
  u64 size = q->size;
  if (size >= (u64)MAX_BLOCKS * 64 - 64) return;
  if (size >= 40 && wants_body(q->class_)) {
    u8 tail[40];
    if (bpf_probe_read_kernel(tail, sizeof tail, (void *)(q->address + size - 40)) != 0) return;
    size = body_size(size, tail);
  }
  struct sha sha;
  start_sha(&sha, q->address, size);
  finish_sha(&sha, bpf_loop(sha.last + 1, hash_block_buffer, &sha, 0), q);
}

static __noinline void hash_cast(struct question *q) {
  u64 size = q->size;
  if (size >= (u64)MAX_BLOCKS * 64 - 64) return;
  if (size >= 40 && wants_body(q->class_)) {
    u64 tail[8];
    read_cast(tail, q->address + size - 40, 40);
    size = body_size(size, (const u8 *)tail);
  }
  struct sha sha;
  start_sha(&sha, q->address, size);
  finish_sha(&sha, bpf_loop(sha.last + 1, hash_block_cast, &sha, 0), q);
}

SEC("?lsm/kernel_post_read_file")
int BPF_PROG(buffer_post_read, struct file *file, char *buf, int64_t size, int id) {
  if (is_off(id)) return 0;
  struct question q = {.address = (u64)buf, .size = size, .class_ = id};
  hash_buffer(&q);
  q.file = file;
  return conclude(&q, 1);
}

SEC("?lsm/kernel_post_load_data")
int BPF_PROG(buffer_post_load, char *buf, int64_t size, int id, char *description) {
  if (is_off(id)) return 0;
  struct question q = {.address = (u64)buf, .size = size, .class_ = id};
  hash_buffer(&q);
  return conclude(&q, 0);
}

SEC("?lsm/kernel_post_read_file")
int BPF_PROG(cast_post_read, struct file *file, char *buf, int64_t size, int id) {
  if (is_off(id)) return 0;
  struct question q = {.address = (u64)buf, .size = size, .class_ = id};
  hash_cast(&q);
  q.file = file;
  return conclude(&q, 2);
}

SEC("?lsm/kernel_post_load_data")
int BPF_PROG(cast_post_load, char *buf, int64_t size, int id, char *description) {
  if (is_off(id)) return 0;
  struct question q = {.address = (u64)buf, .size = size, .class_ = id};
  hash_cast(&q);
  return conclude(&q, 0);
}

/* What the kernel will not show whole (FW_OPT_PARTIAL) has no digest. */
SEC("?lsm/kernel_read_file")
int BPF_PROG(partial_read, struct file *file, int id, bool contents) {
  if (contents) return 0;
  struct question q = {.file = file, .class_ = id};
  return conclude(&q, 0);
}

/* kexec_load(2): what it loads, the kernel shows to no hook. */
SEC("?lsm/kernel_load_data")
int BPF_PROG(unseen_load, int id, bool contents) {
  if (contents) return 0;
  struct question q = {.class_ = id};
  return conclude(&q, 0);
}

/* Between this hook and the kernel's own reading the content may change where deny_write_access
 * does not reach: files that others serve, and memory files (i_nlink 0). */
SEC("?lsm.s/kernel_read_file")
int BPF_PROG(ima_read, struct file *file, int id, bool contents) {
  const struct guard_conf *settings = find_conf();
  if (!settings || is_off(id)) return 0;
  struct question q = {.file = file, .class_ = id};
  const struct super_block *sb = file->f_inode->i_sb;
  const u32 magic = (u32)sb->s_magic;
  const bool is_unstable = magic == kFuse || magic == kOverlayfs || magic == k9p || magic == kNfs ||
                           magic == kCifs || magic == kSmb2 || file->f_inode->i_nlink == 0 ||
                           (magic == kTmpfs && sb->s_dev != settings->root_dev);
  /* HASH_ALGO_SHA256: ima_hash= may say otherwise. */
  if (contents && !is_unstable && bpf_ima_file_hash(file, q.digest, sizeof q.digest) == 4)
    q.has_digest = 1;
  return conclude(&q, 0);
}

SEC("?lsm/kernel_load_data")
int BPF_PROG(ima_load, int id, bool contents) {
  struct question q = {.class_ = id};
  return conclude(&q, 0);
}

/* -- The guard itself ----------------------------------------------------------------------- */

static __always_inline int protect(u32 attempt) {
  struct guard_stats *counts = find_stats();
  if (counts) __sync_fetch_and_add(&counts->protected_, 1);
  struct guard_event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
  if (event) {
    fill_event(event, 0, GUARD_VERDICT_PROTECTED);
    event->attempt = attempt;
    bpf_ringbuf_submit(event, 0);
  } else if (counts) {
    __sync_fetch_and_add(&counts->dropped, 1);
  }
  return -kEperm;
}

static __always_inline const struct guard_conf *sealed_conf(void) {
  const struct guard_conf *settings = find_conf();
  return settings && settings->sealed ? settings : NULL;
}

static __always_inline bool is_pin_folder(const struct guard_conf *settings,
                                          const struct inode *inode) {
  return inode->i_ino == settings->pin_dir && inode->i_sb->s_dev == settings->pin_dev;
}

SEC("?lsm/inode_unlink")
int BPF_PROG(protect_unlink, struct inode *dir, struct dentry *dentry) {
  const struct guard_conf *settings = sealed_conf();
  return settings && is_pin_folder(settings, dir) ? protect(GUARD_ATTEMPT_UNLINK) : 0;
}

/* Of a pin, onto a pin, and of their folder. */
SEC("?lsm/inode_rename")
int BPF_PROG(protect_rename, struct inode *old_dir, struct dentry *old_dentry,
             struct inode *new_dir, struct dentry *new_dentry) {
  const struct guard_conf *settings = sealed_conf();
  if (!settings) return 0;
  if (is_pin_folder(settings, old_dir) || is_pin_folder(settings, new_dir) ||
      is_pin_folder(settings, old_dentry->d_inode))
    return protect(GUARD_ATTEMPT_RENAME);
  return 0;
}

/* A lazy umount takes along what is mounted below, without a call for each. */
static __always_inline int umount_buffer(struct vfsmount *mnt, u64 pinned) {
  u64 at = pinned;
  for (int i = 0; i < 16; ++i) {
    if ((struct vfsmount *)__builtin_preserve_access_index(&((struct mount *)at)->mnt) == mnt)
      return protect(GUARD_ATTEMPT_UMOUNT);
    u64 parent = 0;
    bpf_probe_read_kernel(&parent, sizeof parent,
                          __builtin_preserve_access_index(&((struct mount *)at)->mnt_parent));
    if (parent == 0 || parent == at) break;
    at = parent;
  }
  return 0;
}

static __always_inline int umount_cast(struct vfsmount *mnt, u64 pinned) {
  struct mount *at = bpf_rdonly_cast((void *)pinned, bpf_core_type_id_kernel(struct mount));
  for (int i = 0; i < 16; ++i) {
    if (&at->mnt == mnt) return protect(GUARD_ATTEMPT_UMOUNT);
    struct mount *parent = at->mnt_parent;
    if (!parent || parent == at) break;
    at = parent;
  }
  return 0;
}

#define PROTECT_UMOUNT(how)                                                                       \
  SEC("?lsm/sb_umount")                                                                           \
  int BPF_PROG(protect_umount_##how, struct vfsmount *mnt, int flags) {                           \
    const struct guard_conf *settings = find_conf();                                              \
    u32 zero = 0;                                                                                 \
    struct guard_private *own = bpf_map_lookup_elem(&priv, &zero);                                \
    if (!settings || !own || !settings->pin_dev) return 0;                                        \
    const bool is_ours =                                                                          \
        mnt->mnt_sb->s_dev == settings->pin_dev && (u32)mnt->mnt_sb->s_magic == kBpffs;           \
    if (is_ours && !settings->sealed && flags == GUARD_MNT_EXPIRE && own->mount == 0) {           \
      own->mount = (u64)mnt - bpf_core_field_offset(struct mount, mnt);                           \
      return -kEbusy;                                                                             \
    }                                                                                             \
    if (!settings->sealed) return 0;                                                              \
    if (is_ours) return protect(GUARD_ATTEMPT_UMOUNT);                                            \
    return own->mount ? umount_##how(mnt, own->mount) : 0;                                        \
  }
PROTECT_UMOUNT(buffer)
PROTECT_UMOUNT(cast)

SEC("?lsm/sb_umount")
int BPF_PROG(protect_umount_ima, struct vfsmount *mnt, int flags) {
  const struct guard_conf *settings = sealed_conf();
  return settings && mnt->mnt_sb->s_dev == settings->pin_dev ? protect(GUARD_ATTEMPT_UMOUNT) : 0;
}

SEC("?lsm/bpf_map")
int BPF_PROG(protect_map, struct bpf_map *map, unsigned int mode) {
  if (!sealed_conf()) return 0;
  const u64 read_only = (u64)GUARD_PROT_MAP_READ_ONLY << 32 | map->id;
  const u64 closed = (u64)GUARD_PROT_MAP_CLOSED << 32 | map->id;
  if (bpf_map_lookup_elem(&prot, &closed) || (mode & 2 && bpf_map_lookup_elem(&prot, &read_only)))
    return protect(GUARD_ATTEMPT_MAP);
  return 0;
}

/* Who has a program of the guard could put another in its place (BPF_PROG_TYPE_EXT). */
SEC("?lsm/bpf_prog")
int BPF_PROG(protect_prog, struct bpf_prog *prog) {
  if (!sealed_conf()) return 0;
  const u64 key = (u64)GUARD_PROT_PROG << 32 | prog->aux->id;
  return bpf_map_lookup_elem(&prot, &key) ? protect(GUARD_ATTEMPT_PROG) : 0;
}

/* BPF_PROG_LOAD of what would answer in the place of the guard: BPF_PROG_TYPE_TRACING for
 * BPF_MODIFY_RETURN, which answers for every LSM; BPF_PROG_TYPE_LSM for a hook of the guard, which
 * would be asked first, and before 6.12 may return what is no error. */
SEC("?lsm/bpf")
int BPF_PROG(protect_bpf, int cmd, union bpf_attr *attr, unsigned int size) {
  if (cmd != 5 || !sealed_conf()) return 0;
  if (attr->prog_type == 26 && attr->expected_attach_type == 26)
    return protect(GUARD_ATTEMPT_FMOD_RET);
  if (attr->prog_type != 29) return 0;
  const u64 key = (u64)GUARD_PROT_HOOK << 32 | attr->attach_btf_id;
  return bpf_map_lookup_elem(&prot, &key) ? protect(GUARD_ATTEMPT_FMOD_RET) : 0;
}

/* kernel.ftrace_enabled=0 takes the calls to BPF programs out of the kernel, silently. The name is
 * short enough to lie in the dentry; no helper is needed, so that lockdown leaves this. */
SEC("?lsm/file_open")
int BPF_PROG(protect_ftrace, struct file *file) {
  static const char name[] = "ftrace_enabled";
  if (!(file->f_mode & 2) || (u32)file->f_inode->i_sb->s_magic != kProc || !sealed_conf()) return 0;
  const struct dentry *dentry = file->f_path.dentry;
  u32 differs = 0;
  if (bpf_core_field_exists(dentry->d_iname)) {
#pragma unroll
    for (int i = 0; i < 15; ++i) differs |= dentry->d_iname[i] ^ (u8)name[i];
  } else {
    const struct dentry___short *later = (const void *)dentry;
#pragma unroll
    for (int i = 0; i < 15; ++i) differs |= later->d_shortname.string[i] ^ (u8)name[i];
  }
  return differs ? 0 : protect(GUARD_ATTEMPT_FTRACE);
}

/* -- Overlays ------------------------------------------------------------------------------- */

struct overlay_header {
  char magic[8];
  u32 version;
  u32 count;
  u64 serial;
  char list[GUARD_NAME_SIZE];
};
struct overlay_row {
  u8 digest[32];
  u32 mask;
  u32 reserved;
};

struct insertion {
  struct guard_private *own;
  long failed;
};

static long insert_row(u64 index, struct insertion *insertion) {
  const u32 at = (u32)index;
  if (at >= GUARD_OVERLAY_ROWS) return 1;
  u32 zero = 0;
  struct guard_private *own = bpf_map_lookup_elem(&priv, &zero);
  if (!own) return 1;
  const struct overlay_row *row =
      (const void *)(own->data + GUARD_OVERLAY_HEADER + at * GUARD_OVERLAY_ROW);
  const struct guard_row value = {.mask = row->mask, .source = 1};
  const long result = bpf_map_update_elem(&overlay, row->digest, &value, 0);
  if (result != 0) insertion->failed = result;
  return result != 0;
}

static __always_inline long take_overlay(const struct guard_conf *settings,
                                         struct guard_private *own, u64 file, u64 data_size,
                                         u64 signature_size, u64 ring) {
  if (data_size < GUARD_OVERLAY_HEADER || signature_size == 0) return -kEmsgsize;
  /* Compared as they are, so that the verifier sees the bounds. */
  asm volatile("" : "+r"(data_size), "+r"(signature_size));
  if (data_size > GUARD_OVERLAY_DATA) return -kEmsgsize;
  if (signature_size > GUARD_SIGNATURE_SIZE) return -kEmsgsize;
  asm volatile("" : "+r"(data_size), "+r"(signature_size));
  if (ring > 2 || !((settings->keyrings >> ring) & 1)) return -kEnokey;
  if (bpf_copy_from_user(own->data, (u32)data_size, (void *)file) != 0) return -kEfault;
  if (bpf_copy_from_user(own->signature, (u32)signature_size, (void *)(file + data_size)) != 0)
    return -kEfault;
  const struct overlay_header *header = (const void *)own->data;
  struct bpf_dynptr data, signature;
  bpf_dynptr_from_mem(own->data, (u32)data_size, 0, &data);
  bpf_dynptr_from_mem(own->signature, (u32)signature_size, 0, &signature);
  struct bpf_key *keyring = bpf_lookup_system_key(ring);
  if (!keyring) return -kEnokey;
  const long verified = bpf_verify_pkcs7_signature(&data, &signature, keyring);
  bpf_key_put(keyring);
  if (verified != 0) return verified;
  /* Signed from here on: the form is to be right, and the list ours. */
  if (*(const u64 *)header->magic != 0x4c564f5941535341ull || header->version != 1 ||
      header->count == 0 || header->count > GUARD_OVERLAY_ROWS ||
      data_size != GUARD_OVERLAY_HEADER + (u64)header->count * GUARD_OVERLAY_ROW)
    return -kEinval;
  u32 differs = 0;
  for (int i = 0; i < GUARD_NAME_SIZE; ++i) differs |= header->list[i] ^ settings->list[i];
  if (differs) return -kEinval;
  if (header->serial <= own->serial) return -kEstale;
  struct insertion insertion = {};
  bpf_loop(header->count, insert_row, &insertion, 0);
  if (insertion.failed) return insertion.failed;
  own->serial = header->serial;
  return 0;
}

/* Its answer lies in `stats`: what a program returns from this hook does not make prctl succeed. */
SEC("?lsm.s/task_prctl")
int BPF_PROG(overlay_prctl, int option, unsigned long file, unsigned long data_size,
             unsigned long signature_size, unsigned long ring) {
  if (option != GUARD_PRCTL || (u32)bpf_get_current_uid_gid() != 0) return 0;
  const struct guard_conf *settings = find_conf();
  struct guard_stats *counts = find_stats();
  u32 zero = 0;
  struct guard_private *own = bpf_map_lookup_elem(&priv, &zero);
  if (!settings || !counts || !own) return 0;
  /* Between verification and insertion nobody else may copy. */
  if (__sync_val_compare_and_swap(&own->busy, 0, 1) != 0) return -kEbusy;
  const long result = take_overlay(settings, own, file, data_size, signature_size, ring);
  counts->overlay_result = result;
  counts->overlay_serial = own->serial;
  if (result == 0)
    counts->overlay_rows += ((const struct overlay_header *)own->data)->count;
  __sync_fetch_and_add(&counts->overlays, 1);
  __sync_val_compare_and_swap(&own->busy, 1, 0);
  return 0;
}
