/* The first process of the boot rig: performs the operations listed in /rows, one a line, and says
 * what the kernel answered.
 *
 *   finit PATH FLAGS | init PATH | kexecf PATH | kexecl
 *
 * Each answer is one line on the console: "RIG NUMBER ERRNO TAINT". A module that loaded is unloaded
 * again; its name is that of its file.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *read_whole(const char *path, long *size) {
  int fd = open(path, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) return NULL;
  char *bytes = malloc((size_t)status.st_size + 1);
  *size = 0;
  for (ssize_t got; (got = read(fd, bytes + *size, (size_t)(status.st_size - *size))) > 0;) *size += got;
  bytes[*size] = 0;
  close(fd);
  return bytes;
}

/* "kernel/lib/crc7.ko" is called crc7. */
static void module_name(const char *path, char *name) {
  const char *base = strrchr(path, '/');
  base = base ? base + 1 : path;
  while (*base && *base != '.' && *base != '~') *name++ = *base == '-' ? '_' : *base, ++base;
  *name = 0;
}

static void read_taint(const char *name, char *taint) {
  char path[256];
  long size = 0;
  snprintf(path, sizeof path, "/sys/module/%s/taint", name);
  char *text = read_whole(path, &size);
  if (text) sscanf(text, "%31s", taint);
  free(text);
}

static long load_module(const char *path, int from_memory, int flags, char *taint) {
  char name[128];
  long size = 0;
  module_name(path, name);
  long result;
  if (from_memory) {
    char *bytes = read_whole(path, &size);
    result = syscall(SYS_init_module, bytes, size, "");
    if (result) result = errno;
    free(bytes);
  } else {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    result = syscall(SYS_finit_module, fd, "", flags);
    if (result) result = errno;
    close(fd);
  }
  if (result == 0) {
    read_taint(name, taint);
    syscall(SYS_delete_module, name, 0);
  }
  return result;
}

static long kexec_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  long result = syscall(SYS_kexec_file_load, fd, -1, 5UL, "test", KEXEC_FILE_NO_INITRAMFS);
  if (result) result = errno;
  close(fd);
  if (result == 0) syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, KEXEC_FILE_UNLOAD);
  return result;
}

static long kexec_old(void) {
  return syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL) == 0 ? 0 : errno;
}

int main(void) {
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sysfs", "/sys", "sysfs", 0, NULL);
  FILE *rows = fopen("/rows", "r");
  char line[512];
  for (int number = 0; rows && fgets(line, sizeof line, rows); ++number) {
    char op[16] = "", path[256] = "", taint[32] = "";
    int flags = 0;
    sscanf(line, "%15s %255s %d", op, path, &flags);
    long result = ENOSYS;
    if (!strcmp(op, "finit")) result = load_module(path, 0, flags, taint);
    if (!strcmp(op, "init")) result = load_module(path, 1, 0, taint);
    if (!strcmp(op, "kexecf")) result = kexec_file(path);
    if (!strcmp(op, "kexecl")) result = kexec_old();
    printf("RIG %d %ld %s\n", number, result, taint[0] ? taint : "-");
    fflush(stdout);
  }
  printf("RIG done\n");
  fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
