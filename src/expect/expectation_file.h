// expect/expectation_file.h - expectations as TOML files that people keep and change
// (docs/expect.md).
//
//   schema = 1
//   [modules]                          a group
//   count = { min = 4000 }             a number, or a range of numbers
//   signers = ["Build time key"]       names: all of them, and no other
//   hashes = { among = ["sha256"] }    no other than these
//   [images]
//   certificates = [{ subject = "CN=a", fingerprint = "00..." }]

#pragma once

#include <string>
#include <string_view>

#include "expect/expectation.h"

namespace assay {

// bad_value for an unknown key, a value of another type, or what nothing can be like.
Result<Expectation> parse_expectation(std::string_view text);
Result<Expectation> load_expectation(const std::string& path);

// With a comment at each key. `inventory`, where it is given, says what could not be found out.
std::string write_expectation(const Expectation& expectation, const Inventory* inventory = nullptr);

}  // namespace assay
