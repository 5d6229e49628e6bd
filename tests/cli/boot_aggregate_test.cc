// assay ima boot-aggregate: the log, the list and the registers of one boot (its folder's README
// says of which), and tpm2_eventlog's replay of the log.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/hex.h"
#include "testing/der.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

const std::string kCase = "tests/cases/ima/boot_aggregate/";
const std::string kLog = kCase + "binary_bios_measurements";
const std::string kList = kCase + "ascii_runtime_measurements";

Json computed(const std::string& log, const std::string& hash) {
  const Ran ran = run_assay({"ima", "boot-aggregate", "--json", "--hash", hash, log});
  EXPECT_EQ(ran.status, 0) << ran.error;
  return ran.status == 0 ? ran.lines().front() : Json();
}

// By bank and register, as tpm2_eventlog prints them: "  sha256:" and "    0  : 0x12...".
std::map<std::string, std::string> replayed(const std::string& log) {
  const Finished done = run_command({"tpm2_eventlog", log});
  EXPECT_EQ(done.status, 0) << done.error;
  std::istringstream text(std::string(done.out.begin(), done.out.end()));
  std::map<std::string, std::string> pcrs;
  std::string bank;
  bool is_pcrs = false;
  for (std::string line; std::getline(text, line);) {
    is_pcrs |= line == "pcrs:";
    if (!is_pcrs || line == "pcrs:") continue;
    std::istringstream words(line);
    std::string first, colon, value;
    words >> first >> colon >> value;
    if (colon.empty())
      bank = first.substr(0, first.find(':'));
    else
      pcrs[bank + ' ' + first] = value.substr(2);
  }
  return pcrs;
}

TEST(BootAggregate, IsWhatTheKernelListed) {
  for (const std::string hash : {"sha256", "sha3-256"}) {  // a bank that is not there
    const Ran ran = run_assay({"ima", "boot-aggregate", "--hash", hash, "--list", kList, kLog});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
    EXPECT_NE(ran.out.find("the list has the same"), std::string::npos) << ran.out;
  }
  // Another bank leads elsewhere.
  const Ran other = run_assay({"ima", "boot-aggregate", "--hash", "sha384", "--list", kList, kLog});
  EXPECT_EQ(other.status, 1) << other.out;
}

TEST(BootAggregate, RegistersAreThoseOfTheTpm) {
  std::ifstream file(kCase + "pcrs");
  std::map<std::string, Json> by_bank;
  std::size_t compared = 0;
  std::string bank, value;
  for (std::size_t pcr = 0; file >> bank >> pcr >> value; ++compared) {
    if (!by_bank.contains(bank)) by_bank[bank] = computed(kLog, bank);
    EXPECT_EQ(by_bank[bank]["pcrs"].at(pcr), value) << bank << ' ' << pcr;
  }
  EXPECT_EQ(compared, 30U);
}

// SHA-1 is over eight registers, other digests over ten.
TEST(BootAggregate, IsADigestOfRegisters) {
  const TemporaryFolder folder;
  for (const auto& [bank, count] : {std::pair("sha1", 8U), {"sha384", 10U}, {"sha512", 10U}}) {
    const Json line = computed(kLog, bank);
    std::string hex;
    for (std::size_t i = 0; i < count; ++i) hex += line["pcrs"].at(i).get<std::string>();
    write_file(folder / "registers", *from_hex(hex));
    const Finished done =
        run_command({"openssl", "dgst", "-r", std::string("-") + bank, folder / "registers"});
    const std::string answer(done.out.begin(), done.out.end());
    EXPECT_EQ(line["boot_aggregate"], answer.substr(0, answer.find(' ')));
  }
}

TEST(BootAggregate, ReplaysAsTpm2ToolsDo) {
  const TemporaryFolder folder;
  Bytes log = read_file(kLog);
  for (const std::size_t change : {std::size_t{0}, std::size_t{150}, log.size() - 200}) {
    if (change != 0) log[change] ^= 1;  // in a digest of the first event, in one of the last
    write_file(folder / "log", log);
    const auto expected = replayed(folder / "log");
    EXPECT_EQ(expected.size(), 36U);
    for (const std::string bank : {"sha1", "sha256", "sha384", "sha512"}) {
      const Json line = computed(folder / "log", bank);
      for (const auto& [name, value] : expected) {
        if (!name.starts_with(bank + ' ')) continue;
        EXPECT_EQ(line["pcrs"].at(std::stoul(name.substr(bank.size() + 1))), value) << name;
      }
    }
  }
}

// The firmware says that it started the TPM from locality 3, then measures. (tpm2_eventlog 5.4 does
// not know of it.)
TEST(BootAggregate, Locality) {
  const TemporaryFolder folder;
  Bytes log = read_file(kLog);
  log.resize(32U + log[28]);  // the first event
  const auto put = [&log](std::size_t value, int size) {
    for (int i = 0; i < size; ++i) log.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const auto put_head = [&](unsigned type, std::uint8_t digest) {
    for (const unsigned word : {0U, type, 4U}) put(word, 4);
    for (const auto& [algorithm, size] : {std::pair(4U, 20U), {0xB, 32}, {0xC, 48}, {0xD, 64}}) {
      put(algorithm, 2);
      log.resize(log.size() + size, digest);
    }
  };
  put_head(3, 0);  // EV_NO_ACTION
  const std::string_view locality("StartupLocality\0\3", 17);
  put(locality.size(), 4);
  log.insert(log.end(), locality.begin(), locality.end());
  put_head(8, 0xAA);  // EV_S_CRTM_VERSION
  put(0, 4);
  write_file(folder / "log", log);
  const Finished done =
      run_command({"sh", "-c",
                   "{ head -c 31 /dev/zero; printf '\\003'; head -c 32 /dev/zero | tr '\\0' "
                   "'\\252'; } | openssl dgst -r -sha256 | cut -d ' ' -f 1"});
  EXPECT_EQ(computed(folder / "log", "sha256")["pcrs"].at(0).get<std::string>() + '\n',
            std::string(done.out.begin(), done.out.end()));
}

TEST(BootAggregate, WhatCannotBeReadIsSaid) {
  const TemporaryFolder folder;
  const Bytes log = read_file(kLog);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{31}, std::size_t{100}, log.size() - 1}) {
    write_file(folder / "log", Bytes(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(run_assay({"ima", "boot-aggregate", folder / "log"}).status, 2) << size;
  }
  EXPECT_EQ(run_assay({"ima", "boot-aggregate", folder / "nothing"}).status, 2);
  write_file(folder / "list", der::bytes("10 00 ima-ng sha256:00 /bin/sh\n"));
  const auto with_list = [&] {
    return run_assay({"ima", "boot-aggregate", "--list", folder / "list", kLog});
  };
  EXPECT_EQ(with_list().status, 1);
  write_file(folder / "list", der::bytes("10 00 ima-ng sha256:00 boot_aggregate\n"));
  EXPECT_EQ(with_list().status, 2);
  write_file(folder / "list", der::bytes("no list\n"));
  EXPECT_EQ(with_list().status, 2);
}

}  // namespace
}  // namespace assay
