/* The first process of the boot rig: performs what /rows lists, one operation a line, and reports
 * on the second serial port what the kernel answered.
 *
 *   finit PATH FLAGS     finit_module        kexecf PATH FLAGS   kexec_file_load
 *   init PATH 0          init_module         kexecl - 0          kexec_load of nothing
 *   insmod PATH 0        finit_module, for good
 *   write PATH VALUE     into a file of /proc or /sys
 *   wait - SECONDS
 *   show PATH 0          what a file of /proc or /sys says
 *
 * The report has lines of these kinds; NUMBER counts the lines of /rows from 0:
 *
 *   ROW NUMBER ERRNO TAINT     TAINT is "-" where the module has none, or is not there
 *   LOG NUMBER TEXT            one line of the kernel's log, written during that operation
 *   FILE PATH HEX | DIR PATH | NONE PATH
 *   DONE
 *
 * A module that was loaded with finit or init is unloaded again; its name is that of its file, up to a '~'.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kSecondsForOne = 60 };

struct answer {
  int err;
  char taint[32];
};

static FILE *report;

static char *read_whole(const char *path, size_t *size) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return NULL;
  size_t room = 1 << 16;
  char *bytes = malloc(room);
  *size = 0;
  for (ssize_t got; bytes && (got = read(fd, bytes + *size, room - *size - 1)) > 0;) {
    *size += (size_t)got;
    if (room - *size < 2) bytes = realloc(bytes, room *= 2);
  }
  if (bytes) bytes[*size] = 0;
  close(fd);
  return bytes;
}

/* "/rig/crc-itu-t~unsigned.ko" is called crc_itu_t. */
static void module_name(const char *path, char *name, size_t room) {
  const char *base = strrchr(path, '/');
  base = base ? base + 1 : path;
  for (; room > 1 && *base && *base != '.' && *base != '~'; ++base, --room)
    *name++ = *base == '-' ? '_' : *base;
  *name = 0;
}

static void read_taint(const char *name, char *taint) {
  char path[256];
  size_t size = 0;
  snprintf(path, sizeof path, "/sys/module/%s/taint", name);
  char *text = read_whole(path, &size);
  if (text) sscanf(text, "%31s", taint);
  free(text);
}

static int finit_module(const char *path, int flags) {
  return syscall(SYS_finit_module, open(path, O_RDONLY | O_CLOEXEC), "", flags) ? errno : 0;
}

static int init_module(const char *path) {
  size_t size = 0;
  char *bytes = read_whole(path, &size);
  return syscall(SYS_init_module, bytes, size, "") ? errno : 0;
}

static void try_module(const char *path, int from_memory, int flags, struct answer *answer) {
  char name[128];
  module_name(path, name, sizeof name);
  answer->err = from_memory ? init_module(path) : finit_module(path, flags);
  if (answer->err) return;
  read_taint(name, answer->taint);
  syscall(SYS_delete_module, name, O_NONBLOCK);
}

static int load_kernel(const char *path, unsigned long flags) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (syscall(SYS_kexec_file_load, fd, -1, 5UL, "test", flags)) return errno;
  syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, KEXEC_FILE_UNLOAD);
  return 0;
}

static int write_value(const char *path, const char *value) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, value, strlen(value)) < 0 ? errno : 0;
}

static void perform(const char *op, const char *path, const char *argument, struct answer *answer) {
  const int flags = atoi(argument);
  answer->err = EINVAL;
  if (!strcmp(op, "finit")) try_module(path, 0, flags, answer);
  if (!strcmp(op, "init")) try_module(path, 1, 0, answer);
  if (!strcmp(op, "insmod")) answer->err = finit_module(path, 0);
  if (!strcmp(op, "kexecf")) answer->err = load_kernel(path, (unsigned long)flags);
  if (!strcmp(op, "kexecl"))
    answer->err = syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL) ? errno : 0;
  if (!strcmp(op, "write")) answer->err = write_value(path, argument);
}

/* In a process of its own: a module may hang or crash it when it starts. */
static struct answer perform_apart(const char *op, const char *path, const char *argument) {
  struct answer answer = {ETIMEDOUT, ""};
  int ends[2];
  if (pipe(ends) != 0) return answer;
  const pid_t child = fork();
  if (child == 0) {
    struct answer own = {0, ""};
    perform(op, path, argument, &own);
    _exit(write(ends[1], &own, sizeof own) == sizeof own ? 0 : 1);
  }
  close(ends[1]);
  struct pollfd ready = {ends[0], POLLIN, 0};
  if (poll(&ready, 1, kSecondsForOne * 1000) == 1 &&
      read(ends[0], &answer, sizeof answer) != sizeof answer)
    answer.err = ECHILD;
  close(ends[0]);
  if (answer.err != ETIMEDOUT) waitpid(child, NULL, 0);
  return answer;
}

static void show(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) {
    fprintf(report, "NONE %s\n", path);
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    fprintf(report, "DIR %s\n", path);
    return;
  }
  size_t size = 0;
  unsigned char *bytes = (unsigned char *)read_whole(path, &size);
  fprintf(report, "FILE %s ", path);
  for (size_t i = 0; bytes && i < size; ++i) fprintf(report, "%02x", bytes[i]);
  fputc('\n', report);
  free(bytes);
}

/* A record is "level,number,time,flags;TEXT", then lines that start with a space. */
static void report_log(int log, int number) {
  char record[8192];
  for (ssize_t got; (got = read(log, record, sizeof record - 1)) > 0 || (got < 0 && errno == EPIPE);) {
    if (got < 0) continue; /* overtaken by newer ones */
    record[got] = 0;
    char *text = strchr(record, ';');
    if (!text) continue;
    text[strcspn(text, "\n")] = 0;
    if (number >= 0) fprintf(report, "LOG %d %s\n", number, text + 1);
  }
}

int main(void) {
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sysfs", "/sys", "sysfs", 0, NULL);
  mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  report = fopen("/dev/ttyS1", "w");
  FILE *rows = fopen("/rows", "r");
  const int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (report && rows && log >= 0) {
    char line[512];
    report_log(log, -1);
    for (int number = 0; fgets(line, sizeof line, rows); ++number) {
      char op[16] = "", path[400] = "", argument[64] = "";
      sscanf(line, "%15s %399s %63s", op, path, argument);
      if (!strcmp(op, "show")) {
        show(path);
      } else if (!strcmp(op, "wait")) {
        sleep((unsigned)atoi(argument));
      } else {
        const struct answer answer = perform_apart(op, path, argument);
        report_log(log, number);
        fprintf(report, "ROW %d %d %s\n", number, answer.err, answer.taint[0] ? answer.taint : "-");
      }
      fflush(report);
    }
    fprintf(report, "DONE\n");
    fclose(report);
    sync();
    sleep(1);
  }
  reboot(RB_POWER_OFF);
  return 0;
}
