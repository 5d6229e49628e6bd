/* What the guard rig does inside the booted kernel that no tool of the initramfs can:
 *
 *   finit PATH FLAGS    finit_module        kexecf KERNEL [INITRD]   kexec_file_load
 *   init PATH           init_module         kexecl                   kexec_load of nothing
 *   writer PATH         finit_module while somebody else may write to the file
 *   memfd PATH OFFSET   finit_module of a memory file, and again after one byte of it was changed
 *   race PATH OFFSET N  the same N times, while a thread changes that byte to and fro
 *   flood N             init_module of what is no module, N times
 *   detach PIN | map-write PIN | map-write-by-id NAME | program-write PIN | iterator-write PIN
 *   closed-programs     how many programs nobody gets a descriptor of
 *   return-size HOLD    a program that answers for security_kernel_post_read_file; attached until
 *                       the file HOLD is gone
 *   lsm-return-size HOLD   the same as a program of BPF LSM
 *   without-capabilities COMMAND...
 *
 * Each prints one line: error numbers, 0 where all is well. A module that was loaded is unloaded again; its
 * name is that of its file, up to a '~'.
 */

#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/kexec.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *read_whole(const char *path, size_t *size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  *size = fd < 0 ? 0 : (size_t)lseek(fd, 0, SEEK_END);
  char *bytes = malloc(*size + 1);
  if (fd < 0 || pread(fd, bytes, *size, 0) != (ssize_t)*size) {
    perror(path);
    exit(99);
  }
  close(fd);
  return bytes;
}

static void module_name(const char *path, char *name) {
  const char *base = strrchr(path, '/');
  for (base = base ? base + 1 : path; *base && *base != '.' && *base != '~'; ++base)
    *name++ = *base == '-' ? '_' : *base;
  *name = 0;
}

/* Its taint, where it is loaded; unloads it. */
static void unload(const char *path, char *taint) {
  char name[128], file[256];
  module_name(path, name);
  snprintf(file, sizeof file, "/sys/module/%s/taint", name);
  FILE *said = fopen(file, "r");
  taint[0] = 0;
  if (said) {
    if (!fgets(taint, 16, said)) taint[0] = 0;
    taint[strcspn(taint, "\n")] = 0;
    fclose(said);
  }
  syscall(SYS_delete_module, name, O_NONBLOCK);
}

static int load_fd(int fd, const char *path, int flags, char *taint) {
  const int error = syscall(SYS_finit_module, fd, "", flags) ? errno : 0;
  taint[0] = 0;
  if (!error) unload(path, taint);
  return error;
}

static int memory_file(const char *path) {
  size_t size;
  char *bytes = read_whole(path, &size);
  const int fd = memfd_create("module", MFD_CLOEXEC);
  if (write(fd, bytes, size) != (ssize_t)size) exit(98);
  return fd;
}

static void flip(int fd, long offset) {
  char byte;
  if (pread(fd, &byte, 1, offset) != 1) exit(97);
  byte ^= 1;
  if (pwrite(fd, &byte, 1, offset) != 1) exit(97);
}

struct flipper {
  int fd;
  long offset;
  volatile int stop;
};

static void *flip_for_ever(void *argument) {
  struct flipper *flipper = argument;
  while (!flipper->stop) flip(flipper->fd, flipper->offset);
  return NULL;
}

/* A module whose signature is not of its content has taint E. */
static void race(const char *path, long offset, int count) {
  struct flipper flipper = {memory_file(path), offset, 0};
  pthread_t thread;
  pthread_create(&thread, NULL, flip_for_ever, &flipper);
  int loaded = 0, modified = 0, refused = 0;
  for (int i = 0; i < count; ++i) {
    char taint[16];
    const int error = load_fd(flipper.fd, path, 0, taint);
    if (error) ++refused;
    else ++loaded;
    modified += strchr(taint, 'E') != NULL;
  }
  flipper.stop = 1;
  pthread_join(thread, NULL);
  printf("loaded %d refused %d modified %d\n", loaded, refused, modified);
}

static int load_kernel(const char *kernel, const char *initrd) {
  const int fd = open(kernel, O_RDONLY | O_CLOEXEC);
  const int second = initrd ? open(initrd, O_RDONLY | O_CLOEXEC) : -1;
  const unsigned long flags = initrd ? 0 : KEXEC_FILE_NO_INITRAMFS;
  if (syscall(SYS_kexec_file_load, fd, second, 5UL, "test", flags)) return errno;
  syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, KEXEC_FILE_UNLOAD);
  return 0;
}

static int map_write_by_id(const char *name) {
  __u32 id = 0;
  int error = ENOENT;
  while (bpf_map_get_next_id(id, &id) == 0) {
    const int fd = bpf_map_get_fd_by_id(id);
    struct bpf_map_info info = {0};
    __u32 size = sizeof info;
    if (fd < 0) {
      error = errno; /* which map it was, nobody says */
      continue;
    }
    bpf_obj_get_info_by_fd(fd, &info, &size);
    if (!strcmp(info.name, name)) {
      close(fd);
      return 0;
    }
    close(fd);
  }
  return error;
}

/* A socket filter writes what its loader may only read. */
static int program_write(const char *pin) {
  LIBBPF_OPTS(bpf_obj_get_opts, read_only, .file_flags = BPF_F_RDONLY);
  const int map = bpf_obj_get_opts(pin, &read_only);
  if (map < 0) return errno;
  const struct bpf_insn insns[] = {
      {.code = 0x7a, .dst_reg = 10, .off = -8, .imm = 0},               /* key 0 */
      {.code = 0x18, .dst_reg = 1, .src_reg = 1, .imm = map}, {0},      /* r1 = map */
      {.code = 0xbf, .dst_reg = 2, .src_reg = 10}, {.code = 0x07, .dst_reg = 2, .imm = -8},
      {.code = 0x85, .imm = BPF_FUNC_map_lookup_elem},
      {.code = 0x15, .dst_reg = 0, .off = 1, .imm = 0},
      {.code = 0x7a, .dst_reg = 0, .off = 0, .imm = 0}, /* every mode off */
      {.code = 0xb7, .dst_reg = 0, .imm = 0},
      {.code = 0x95},
  };
  const int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "writer", "GPL", insns,
                               sizeof insns / sizeof insns[0], NULL);
  return fd < 0 ? errno : 0;
}

/* An iterator over the map writes zeros into it; its loader may only read. */
static int iterator_write(const char *pin) {
  LIBBPF_OPTS(bpf_obj_get_opts, read_only, .file_flags = BPF_F_RDONLY);
  const int map = bpf_obj_get_opts(pin, &read_only);
  if (map < 0) return errno;
  const int id = libbpf_find_vmlinux_btf_id("bpf_map_elem", BPF_TRACE_ITER);
  const struct bpf_insn insns[] = {
      {.code = 0x79, .dst_reg = 6, .src_reg = 1, .off = 24}, /* r6 = ctx->value */
      {.code = 0x15, .dst_reg = 6, .off = 1, .imm = 0},
      {.code = 0x7a, .dst_reg = 6, .off = 0, .imm = 0},
      {.code = 0xb7, .dst_reg = 0, .imm = 0},
      {.code = 0x95},
  };
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER,
              .attach_btf_id = (__u32)id);
  const int program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "iterator", "GPL", insns,
                                    sizeof insns / sizeof insns[0], &options);
  if (program < 0) return errno;
  union bpf_iter_link_info of_map = {.map.map_fd = (__u32)map};
  LIBBPF_OPTS(bpf_link_create_opts, more, .iter_info = &of_map, .iter_info_len = sizeof of_map);
  const int link = bpf_link_create(program, 0, BPF_TRACE_ITER, &more);
  if (link < 0) return errno;
  char nothing;
  return read(bpf_iter_create(link), &nothing, 1) < 0 ? errno : 0;
}

/* Whose program comes into other hands can be replaced (BPF_PROG_TYPE_EXT): how many cannot. */
static int closed_programs(void) {
  int closed = 0;
  for (__u32 id = 0; bpf_prog_get_next_id(id, &id) == 0;) closed += bpf_prog_get_fd_by_id(id) < 0;
  return closed;
}

static int return_size(const char *hold, int is_lsm) {
  const enum bpf_attach_type attach = is_lsm ? BPF_LSM_MAC : BPF_MODIFY_RETURN;
  const int id = libbpf_find_vmlinux_btf_id(
      is_lsm ? "kernel_post_read_file" : "security_kernel_post_read_file", attach);
  const struct bpf_insn insns[] = {{.code = 0x79, .dst_reg = 0, .src_reg = 1, .off = 16}, {.code = 0x95}};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach,
              .attach_btf_id = (__u32)id);
  const int program = bpf_prog_load(is_lsm ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING, "evil", "GPL", insns, 2, &options);
  if (program < 0) return errno;
  if (bpf_raw_tracepoint_open(NULL, program) < 0) return errno;
  printf("0\n");
  fflush(stdout);
  while (access(hold, F_OK) == 0) usleep(20000);
  exit(0);
}

int main(int count, char **words) {
  const char *op = count > 1 ? words[1] : "", *path = count > 2 ? words[2] : "";
  const long number = count > 3 ? atol(words[3]) : 0;
  char taint[16] = "";
  int error = 95;
  if (!strcmp(op, "finit")) {
    error = load_fd(open(path, O_RDONLY | O_CLOEXEC), path, (int)number, taint);
  } else if (!strcmp(op, "writer")) {
    open(path, O_RDWR);
    error = load_fd(open(path, O_RDONLY | O_CLOEXEC), path, 0, taint);
  } else if (!strcmp(op, "init")) {
    size_t size;
    char *bytes = read_whole(path, &size);
    error = syscall(SYS_init_module, bytes, size, "") ? errno : 0;
    if (!error) unload(path, taint);
  } else if (!strcmp(op, "memfd")) {
    const int fd = memory_file(path);
    printf("%d ", load_fd(fd, path, 0, taint));
    flip(fd, number);
    error = load_fd(fd, path, 0, taint);
  } else if (!strcmp(op, "race")) {
    race(path, number, atoi(words[4]));
    return 0;
  } else if (!strcmp(op, "flood")) {
    static const char junk[64];
    error = 0;
    for (long i = atol(path); i > 0; --i) {
      syscall(SYS_init_module, junk, sizeof junk, "");
      if (error && error != errno) printf("differs ");
      error = errno;
    }
  } else if (!strcmp(op, "kexecf")) {
    error = load_kernel(path, count > 3 ? words[3] : NULL);
  } else if (!strcmp(op, "kexecl")) {
    error = syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL) ? errno : 0;
  } else if (!strcmp(op, "detach")) {
    const int link = bpf_obj_get(path);
    error = link < 0 || bpf_link_detach(link) ? errno : 0;
  } else if (!strcmp(op, "map-write")) {
    error = bpf_obj_get(path) < 0 ? errno : 0;
  } else if (!strcmp(op, "map-write-by-id")) {
    error = map_write_by_id(path);
  } else if (!strcmp(op, "program-write")) {
    error = program_write(path);
  } else if (!strcmp(op, "iterator-write")) {
    error = iterator_write(path);
  } else if (!strcmp(op, "closed-programs")) {
    error = closed_programs();
  } else if (!strcmp(op, "return-size")) {
    error = return_size(path, 0);
  } else if (!strcmp(op, "lsm-return-size")) {
    error = return_size(path, 1);
  } else if (!strcmp(op, "without-capabilities")) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    syscall(SYS_capset, &header, none);
    execvp(words[2], words + 2);
  }
  printf("%d%s%s\n", error, taint[0] ? " " : "", taint);
  return 0;
}
