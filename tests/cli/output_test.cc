// What the command does with output that nobody takes, and how it speaks of wrong command lines.

#include <gtest/gtest.h>

#include "tests/cli/run_assay.h"

namespace assay {
namespace {

const std::string kCases = "tests/cases/appended/";

// `arguments` as a shell writes them.
Ran run_in_shell(const std::string& arguments) {
  const Finished finished = run_command({"sh", "-c", std::string(ASSAY_BINARY) + ' ' + arguments});
  return {finished.status, std::string(finished.out.begin(), finished.out.end()), finished.error};
}

TEST(Output, FullDeviceIsStatus2WithAMessage) {
  const std::string signed_file = kCases + "artifacts/signed.bin";
  for (const std::string& arguments :
       {std::string("--help"), std::string("verify --help"), std::string("--version"),
        "verify --json --trust " + kCases + "keys/good.der " + signed_file,
        "verify --trust " + kCases + "keys/good.der " + signed_file,
        "judge module --platform package " + signed_file, "inspect " + signed_file}) {
    const Ran ran = run_in_shell(arguments + " >/dev/full");
    EXPECT_EQ(ran.status, 2) << arguments << ": " << ran.error;
    EXPECT_NE(ran.error.find("standard output: the file cannot be written"), std::string::npos)
        << arguments;
  }
}

TEST(Output, FullStandardErrorChangesNothing) {
  EXPECT_EQ(run_in_shell("verify --bogus 2>/dev/full").status, 2);
  EXPECT_EQ(run_in_shell("verify /no/such/file 2>/dev/full").status, 2);
}

// With SIGPIPE ignored, a reader that is gone is a write that fails.
TEST(Output, ClosedPipeEndsCleanly) {
  const Finished finished = run_command(
      {"sh", "-c",
       std::string("trap '' PIPE; { ") + ASSAY_BINARY + " --help; echo $? >&2; } | true"});
  EXPECT_TRUE(finished.error == "0\n" || finished.error.ends_with("\n2\n")) << finished.error;
}

// Actions have no options of their own: their help is that of the command.
TEST(Usage, HelpOfAnActionHasTheOptions) {
  const std::string whole = run_assay({"hashes", "--help"}).out;
  EXPECT_NE(whole.find("--write-to DIR"), std::string::npos) << whole;
  for (const char* action : {"build", "attach", "verify", "explain", "plan"}) {
    const Ran ran = run_assay({"hashes", action, "--help"});
    EXPECT_EQ(ran.status, 0) << ran.error;
    EXPECT_EQ(ran.out, whole);
  }
  EXPECT_NE(run_assay({"ima", "policy", "diff", "--help"}).out.find("Usage: assay ima policy diff"),
            std::string::npos);
}

TEST(Usage, SaysInOneLineWhatIsWrong) {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const Case cases[] = {
      {{"verify", "--bogus"}, "assay verify: unknown option --bogus (see assay verify --help)\n"},
      {{"verify"}, "assay verify: PATH is missing (see assay verify --help)\n"},
      {{"frobnicate", "--x"}, "assay: unknown command frobnicate (see assay --help)\n"},
      {{"--bogus"}, "assay: unknown option --bogus (see assay --help)\n"},
      {{}, "assay: a command is missing (see assay --help)\n"},
      {{"verify", "--trust"},
       "assay verify: --trust: 1 required PATH missing (see assay verify --help)\n"},
      {{"judge", "reboot", "x"},
       "assay judge: unknown request reboot, expected module, kexec, kexec-initramfs, firmware, "
       "policy, read, exec, mmap (see assay judge --help)\n"},
      {{"judge", "module"}, "assay judge: PATH is missing (see assay judge --help)\n"},
  };
  for (const Case& one : cases) {
    const Ran ran = run_assay(one.arguments);
    EXPECT_EQ(ran.status, 2);
    EXPECT_EQ(ran.error, one.message);
    EXPECT_EQ(ran.out, "");
  }
}

TEST(Usage, HelpHasExamplesAndExitStatuses) {
  for (const std::string command : {"inspect", "verify", "judge"}) {
    const Ran ran = run_assay({command, "--help"});
    EXPECT_EQ(ran.status, 0);
    EXPECT_NE(ran.out.find("Usage: assay " + command + " [OPTIONS] "), std::string::npos);
    EXPECT_NE(ran.out.find("Exit status: 0"), std::string::npos);
    EXPECT_NE(ran.out.find("Examples:"), std::string::npos);
  }
}

}  // namespace
}  // namespace assay
