// ima/measurement.h - an entry of IMA's measurement list: its fields, and how the kernel shows it.
//
// Mirrors ima_template_lib.c (the fields), ima_fs.c (ascii_runtime_measurements and
// binary_runtime_measurements), ima_crypto.c (the digest of an entry) and
// process_buffer_measurement (ima_main.c). A record of the binary list:
//
//   pcr            32 bits
//   digest         20 bytes, SHA-1 of the template data; zeros for a violation
//   name_len       32 bits
//   name           of the template, or its fields where it has no name
//   data_len       32 bits          | the oldest template, "ima", has no data_len, no length before
//   each field:    32 bits, bytes   | its digest, and its name without the zero at the end
//
// Integers are in the kernel's byte order; with ima_canonical_fmt little endian.

#pragma once

#include <span>
#include <vector>

#include "ima/evidence.h"
#include "ima/modsig.h"
#include "ima/state.h"

namespace assay {

struct ImaEntry {
  struct Field {
    std::string id;                                 // "d-ng"
    std::optional<std::vector<std::uint8_t>> data;  // nothing: not known
  };

  int pcr = 10;
  std::string template_name;  // as shown
  std::vector<Field> fields;
  bool is_violation = false;
  bool big_endian = false;

  bool is_known() const;
  // As the list has it: of a violation, zeros. Requires is_known().
  Result<Digest> digest(Hash hash) const;
  // What the PCR's bank of this hash is extended with (ima_add_template_entry): of a violation all
  // bits, so that the PCR can be that of no list of whole entries. Requires is_known().
  Result<Digest> extension(Hash hash) const;
  // A line of ascii_runtime_measurements, without its end. What is not known is a question mark.
  std::string ascii() const;
  // A record of binary_runtime_measurements. Requires is_known().
  Result<std::vector<std::uint8_t>> binary() const;
};

// What is measured (struct ima_event_data). Refers to its owners.
struct ImaMeasured {
  std::optional<std::string> name;    // of a file its path; nothing: not known
  FileDigest digest;                  // of a violation: the default algorithm, and nothing
  const ImaEvidence* file = nullptr;  // nothing: a buffer
  const ImaXattr* xattr = nullptr;    // security.ima, where it was read
  const Modsig* modsig = nullptr;
  std::span<const std::uint8_t> buffer;
  bool is_verity = false;
  bool is_violation = false;
};

// Nothing where the kernel cannot make a field of it: there is no entry then. `default_hash` is
// ima_hash=.
std::optional<ImaEntry> make_ima_entry(const ImaMeasured& measured, const ImaTemplate& tmpl,
                                       int pcr, const HashAlgo& default_hash, bool big_endian);

struct ImaKernel;

// Of bytes that are no file. Without `tmpl`, "ima-buf". `hashes_buffer`: the entry has the digest
// of the bytes in their place.
std::optional<ImaEntry> make_ima_buffer_entry(const ImaKernel& kernel, const std::string& name,
                                              std::span<const std::uint8_t> buffer,
                                              const ImaTemplate* tmpl, int pcr, bool big_endian,
                                              bool hashes_buffer = false);

// The same where a rule measures them: a command line, a key, critical data. `event` is what rules
// are asked with. Nothing where none does.
std::optional<ImaEntry> measure_ima_buffer(Walk& walk, const ImaKernel& kernel,
                                           const ImaEvent& event, const ImaFile& file,
                                           const std::string& name,
                                           std::span<const std::uint8_t> buffer,
                                           bool hashes_buffer = false);

// A PCR as TPMs extend it: its digest and that of an entry, hashed together.
Result<Digest> extend_pcr(const Digest& pcr, const Digest& by);

// Of the kernel that is asked: the order of the integers in its list.
bool ima_list_is_big_endian(const Walk& walk, const ImaState& state);

// CONFIG_IMA_MEASURE_PCR_IDX.
int ima_default_pcr(const KernelConfig& config);

}  // namespace assay
