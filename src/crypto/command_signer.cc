#include "crypto/command_signer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "base/hex.h"
#include "base/name.h"
#include "bytes/file_descriptor.h"

// glibc 2.36 forgets to say that it is C.
extern "C" {
#include <sys/pidfd.h>
}

namespace assay {

namespace {

constexpr std::string_view kGreeting = "assay-signer 1";
// The longest answer: a signature of ML-DSA-87 has 4627 bytes.
constexpr std::size_t kLongestLine = 64 * 1024;
constexpr std::chrono::milliseconds kPatienceAfterTheEnd(2000);

using Answer = Result<SignatureOctets>;

std::unexpected<Error> failed(std::string why) {
  return fail(Reason::signer_failed, {}, std::move(why));
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed(std::strerror(errno));
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

using Clock = std::chrono::steady_clock;

// Waits for one of `events` on the file; false when the time is over, or `stop` (a pipe's end, if
// any) is closed.
bool wait_for(int file, short events, Clock::time_point until, int stop = -1) {
  for (;;) {
    std::array<pollfd, 2> waiting{pollfd{file, events, 0}, pollfd{stop, 0, 0}};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    const int ready = ::poll(waiting.data(), waiting.size(),
                             static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0 && waiting[1].revents != 0) return false;
    if (ready > 0 && waiting[0].revents != 0) return true;
  }
}

// Lines without their line feeds; nothing at the end, when there is none by the time given, or when
// it is told to stop, by another thread.
class LineReader {
 public:
  LineReader(FileDescriptor file, Pipe stop) : file_(std::move(file)), stop_(std::move(stop)) {}
  void stop() { stop_.write_end = FileDescriptor(); }

  std::optional<std::string> next(Clock::time_point until = Clock::time_point::max()) {
    for (;;) {
      if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      if (buffer_.size() > kLongestLine) return std::nullopt;
      if (!wait_for(file_.get(), POLLIN, until, stop_.read_end.get())) return std::nullopt;
      std::array<char, 4096> piece;
      const ssize_t got = ::read(file_.get(), piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return std::nullopt;
      buffer_.append(piece.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  FileDescriptor file_;
  Pipe stop_;
  std::string buffer_;
};

// What stands before the next space, which is taken with it.
std::string_view take_word(std::string_view& left) {
  const std::string_view word = left.substr(0, left.find(' '));
  left.remove_prefix(std::min(word.size() + 1, left.size()));
  return word;
}

class CommandSigner final : public Signer {
 public:
  CommandSigner(pid_t child, FileDescriptor to, LineReader lines, SigningKey key,
                std::chrono::milliseconds patience)
      : child_(child),
        to_(std::move(to)),
        lines_(std::move(lines)),
        key_(std::move(key)),
        patience_(patience) {}

  // The end of its input tells the command to go. One that does not is ended, after a shorter time
  // where it has said nonsense, or closed its output.
  ~CommandSigner() override {
    const auto patience = has_ended() ? std::min(patience_, kPatienceAfterTheEnd) : patience_;
    const Clock::time_point until = Clock::now() + patience;
    to_ = FileDescriptor();
    if (reader_.joinable()) {
      if (ended_.get_future().wait_until(until) != std::future_status::ready) end_command();
      reader_.join();
    }
    const FileDescriptor child(::pidfd_open(child_, 0));
    if (!wait_for(child.get(), POLLIN, until)) ::kill(child_, SIGKILL);
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  Result<void> greet() {
    const Clock::time_point until = Clock::now() + patience_;
    if (!write_line(std::string(kGreeting) + '\n', until)) {
      ::kill(child_, SIGKILL);
      return failed("it does not read its input");
    }
    const auto answer = lines_.next(until);
    if (answer != kGreeting) {
      // It may never look at its input again.
      ::kill(child_, SIGKILL);
      return failed(answer ? "it does not greet: " + encode_name(*answer)
                           : fmt::format("it ends without a greeting, or takes more than {} ms",
                                         patience_.count()));
    }
    reader_ = std::thread([this] { read_answers(); });
    return {};
  }

  const SigningKey& key() const override { return key_; }

  std::vector<Answer> sign(std::span<const SignRequest> requests) override {
    std::vector<std::future<Answer>> futures;
    futures.reserve(requests.size());
    for (const SignRequest& request : requests) futures.push_back(ask(request));
    std::vector<Answer> answers;
    answers.reserve(requests.size());
    for (std::future<Answer>& future : futures) {
      // Each has its time: from the answer to the one before, if it had to wait for that.
      if (future.wait_for(patience_) != std::future_status::ready) give_up("does not answer");
      answers.push_back(future.get());
    }
    return answers;
  }

 private:
  bool has_ended() {
    const std::lock_guard lock(mutex_);
    return !why_ended_.empty();
  }

  std::future<Answer> ask(const SignRequest& request) {
    std::promise<Answer> promise;
    std::future<Answer> future = promise.get_future();
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (!why_ended_.empty()) {
        promise.set_value(failed(why_ended_));
        return future;
      }
      number = next_++;
      open_.emplace(number, std::move(promise));
    }
    const std::string line =
        key_.signs_digests() ? fmt::format("digest {} {} {}\n", number,
                                           hash_name(request.digest.hash()), request.digest.hex())
                             : fmt::format("message {} {}\n", number, to_hex(request.message));
    // Not under the other lock: while this waits for the command to read, answers are taken. A
    // command that is gone read_answers() tells to all.
    const std::lock_guard lock(write_mutex_);
    if (!write_line(line, Clock::now() + patience_) && errno == EAGAIN)
      give_up("does not read its input");
    return future;
  }

  // False with EAGAIN: it does not read.
  bool write_line(std::string_view line, Clock::time_point until) {
    while (!line.empty()) {
      const ssize_t written = ::write(to_.get(), line.data(), line.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN) {
        if (wait_for(to_.get(), POLLOUT, until)) continue;
        errno = EAGAIN;
        return false;
      }
      if (written < 0) return false;
      line.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  void read_answers() {
    std::string why = "the command ended";
    while (const auto line = lines_.next())
      if (!take_answer(*line)) {
        why = "not an answer: " + encode_name(*line);
        break;
      }
    end(why);
    ended_.set_value();
  }

  // Nothing more is asked; what is open fails. The first reason counts.
  void end(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (why_ended_.empty()) why_ended_ = why;
    for (auto& [number, promise] : open_) promise.set_value(failed(why_ended_));
    open_.clear();
  }

  // Its children may hold on to the pipe, so that its end alone would not be seen.
  void end_command() {
    ::kill(child_, SIGKILL);
    lines_.stop();
  }

  void give_up(std::string_view what) {
    end(fmt::format("the command {} within {} ms", what, patience_.count()));
    const std::lock_guard lock(stop_mutex_);
    end_command();
  }

  // False for what is no answer to any open request.
  bool take_answer(std::string_view line) {
    const std::string_view kind = take_word(line);
    const std::string_view digits = take_word(line);
    std::uint64_t number = 0;
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (wrong != std::errc() || end != digits.data() + digits.size()) return false;
    const auto value = from_hex(line);
    if (kind != "error" && (kind != "value" || !value || value->empty())) return false;
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(number);
    if (found == open_.end()) return false;
    if (kind == "value")
      found->second.set_value(*value);
    else
      found->second.set_value(failed(encode_name(line)));
    open_.erase(found);
    return true;
  }

  pid_t child_;
  FileDescriptor to_;
  LineReader lines_;
  SigningKey key_;
  std::chrono::milliseconds patience_;
  std::promise<void> ended_;  // the reader
  std::mutex stop_mutex_;
  std::mutex write_mutex_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::promise<Answer>> open_;
  std::uint64_t next_ = 1;
  std::string why_ended_;
  std::thread reader_;
};

// What the command gets of our environment: not the secrets that we would open a key with.
std::vector<char*> environment_without_secrets() {
  constexpr std::array<std::string_view, 2> kSecrets = {"ASSAY_PIN=", "KBUILD_SIGN_PIN="};
  std::vector<char*> kept;
  for (char** at = environ; *at != nullptr; ++at)
    if (std::ranges::none_of(kSecrets, [&](std::string_view secret) {
          return std::string_view(*at).starts_with(secret);
        }))
      kept.push_back(*at);
  kept.push_back(nullptr);
  return kept;
}

}  // namespace

Result<std::unique_ptr<Signer>> start_command_signer(const std::string& command, SigningKey key,
                                                     std::chrono::milliseconds patience) {
  // A command that goes away is an answer that is missing, not the end of this program.
  std::signal(SIGPIPE, SIG_IGN);
  ASSAY_TRY(Pipe to, open_pipe());
  ASSAY_TRY(Pipe from, open_pipe());
  ASSAY_TRY(Pipe stop, open_pipe());
  // Ours alone: the command's end of the pipe has flags of its own.
  if (::fcntl(to.write_end.get(), F_SETFL, O_NONBLOCK) != 0) return failed(std::strerror(errno));
  const std::vector<char*> environment = environment_without_secrets();
  const pid_t child = ::fork();
  if (child < 0) return failed(std::strerror(errno));
  if (child == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    ::dup2(to.read_end.get(), STDIN_FILENO);
    ::dup2(from.write_end.get(), STDOUT_FILENO);
    ::execle("/bin/sh", "sh", "-c", command.c_str(), nullptr, environment.data());
    ::_exit(127);
  }
  to.read_end = FileDescriptor();
  from.write_end = FileDescriptor();
  auto signer = std::make_unique<CommandSigner>(
      child, std::move(to.write_end), LineReader(std::move(from.read_end), std::move(stop)),
      std::move(key), patience);
  ASSAY_CHECK(signer->greet());
  return signer;
}

}  // namespace assay
