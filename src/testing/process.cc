#include "testing/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "bytes/file_descriptor.h"

namespace assay {

namespace {

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Pipe open_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

[[noreturn]] void become(std::vector<std::string> command, const Pipe& in, const Pipe& out,
                         const Pipe& error) {
  std::signal(SIGPIPE, SIG_DFL);
  ::dup2(in.read_end.get(), STDIN_FILENO);
  ::dup2(out.write_end.get(), STDOUT_FILENO);
  ::dup2(error.write_end.get(), STDERR_FILENO);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

// Appends what there is; false at the end.
bool drain(const FileDescriptor& from, auto& to) {
  std::array<char, 65536> piece;
  const ssize_t got = ::read(from.get(), piece.data(), piece.size());
  if (got < 0) return errno == EINTR;
  to.insert(to.end(), piece.begin(), piece.begin() + got);
  return got != 0;
}

// Writes what fits; false when all is written or nobody reads any more.
bool feed(const FileDescriptor& to, std::span<const std::uint8_t>& input) {
  const ssize_t sent = ::write(to.get(), input.data(), input.size());
  if (sent < 0) return errno == EINTR || errno == EAGAIN;
  input = input.subspan(static_cast<std::size_t>(sent));
  return !input.empty();
}

void talk(Pipe& in, Pipe& out, Pipe& error, std::span<const std::uint8_t> input,
          Finished& finished) {
  if (input.empty()) in.write_end = FileDescriptor();
  ::fcntl(in.write_end.get(), F_SETFL, O_NONBLOCK);
  while (out.read_end.is_open() || error.read_end.is_open()) {
    // poll(2) passes over closed ones: their number is -1.
    std::array<pollfd, 3> waits{{{in.write_end.get(), POLLOUT, 0},
                                 {out.read_end.get(), POLLIN, 0},
                                 {error.read_end.get(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    if (waits[0].revents != 0 && !feed(in.write_end, input)) in.write_end = FileDescriptor();
    if (waits[1].revents != 0 && !drain(out.read_end, finished.out))
      out.read_end = FileDescriptor();
    if (waits[2].revents != 0 && !drain(error.read_end, finished.error))
      error.read_end = FileDescriptor();
  }
}

}  // namespace

Finished run_command(const std::vector<std::string>& command, std::span<const std::uint8_t> input) {
  // A child that does not read its input must not end us.
  std::signal(SIGPIPE, SIG_IGN);
  Pipe in = open_pipe();
  Pipe out = open_pipe();
  Pipe error = open_pipe();
  Finished finished;
  const pid_t child = ::fork();
  if (child < 0) return finished;
  if (child == 0) become(command, in, out, error);
  in.read_end = FileDescriptor();
  out.write_end = FileDescriptor();
  error.write_end = FileDescriptor();
  talk(in, out, error, input, finished);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

}  // namespace assay
