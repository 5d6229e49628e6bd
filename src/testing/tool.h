// testing/tool.h - what tests make with other programs before they begin: keys, files.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace assay {

// Standard output of a program that must succeed: where it does not, its standard error is shown
// and the test ends (abort).
std::vector<std::uint8_t> run_tool(const std::vector<std::string>& command,
                                   std::span<const std::uint8_t> input = {});

// A private key, PEM, and a certificate that it signs itself, by openssl req.
struct NewKey {
  std::string key;          // a file that is written; with -key in `kind` it is there
  std::string certificate;  // PEM; DER where the name ends in .der
  std::vector<std::string> kind = {"-newkey", "rsa:2048"};
  std::string subject = "signer";
};
void make_key(const NewKey& wanted);

// All files of a folder and of those in it, by their names within it.
std::map<std::string, std::vector<std::uint8_t>> snapshot(const std::string& folder);

}  // namespace assay
