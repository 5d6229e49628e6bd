#include "ima/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hex.h"
#include "ima/appraise.h"
#include "ima/evm.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;
using Data = std::optional<Bytes>;

constexpr std::size_t kOldDigestSize = 20;  // IMA_DIGEST_SIZE
constexpr std::size_t kNameLimit = 255;     // IMA_EVENT_NAME_LEN_MAX
constexpr std::string_view kOldest = "ima";

void append(Bytes& bytes, std::span<const std::uint8_t> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}
void append(Bytes& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

void append_integer(Bytes& bytes, std::uint64_t value, int size, bool big_endian) {
  for (int i = 0; i < size; ++i)
    bytes.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian ? size - 1 - i : i)));
}

std::uint64_t integer_of(const Bytes& bytes, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value |= static_cast<std::uint64_t>(bytes[i]) << 8 * (big_endian ? bytes.size() - 1 - i : i);
  return value;
}

// One entry's fields. `lost` where the kernel has none to make.
class Fields {
 public:
  Fields(const ImaMeasured& measured, const HashAlgo& default_hash, bool big_endian)
      : measured_(measured), default_hash_(default_hash), big_endian_(big_endian) {}

  Data make(std::string_view id) {
    if (id == "d") return old_digest();
    if (id == "d-ng") return digest({}, measured_.digest);
    if (id == "d-ngv2") {
      const bool verity = measured_.is_verity && !measured_.is_violation;
      return digest(verity ? "verity:" : "ima:", measured_.digest);
    }
    if (id == "n") return name(true);
    if (id == "n-ng") return name(false);
    if (id == "sig") return signature();
    if (id == "evmsig") return evm_signature();
    if (id == "buf") return Bytes(measured_.buffer.begin(), measured_.buffer.end());
    if (id == "d-modsig") return modsig_digest();
    if (id == "modsig") return modsig();
    if (measured_.file == nullptr) return Bytes();
    const ImaEvidence& file = *measured_.file;
    if (id == "iuid") return integer(file.file.owner, 4);
    if (id == "igid") return integer(file.file.group, 4);
    if (id == "imode") return integer(file.mode, 2);
    return file.xattrs ? Data(attributes(id)) : std::nullopt;
  }
  bool lost() const { return lost_; }

 private:
  // ima_eventdigest_init_common; without a value, that of a violation.
  Data digest(std::string_view type, const FileDigest& of) const {
    const HashAlgo& algo = measured_.is_violation ? default_hash_ : *of.algo;
    Bytes bytes;
    append(bytes, fmt::format("{}{}:", type, algo.name));
    bytes.push_back(0);
    if (measured_.is_violation) {
      bytes.resize(bytes.size() + algo.size);
      return bytes;
    }
    if (!of.value) return std::nullopt;
    append(bytes, of.value->bytes());
    return bytes;
  }

  static bool is_old(const HashAlgo& algo) { return algo.name == "md5" || algo.name == "sha1"; }

  // ima_eventdigest_init: of any other algorithm, the file is read again.
  Data old_digest() {
    if (measured_.is_violation) return Bytes(kOldDigestSize);
    if (is_old(*measured_.digest.algo)) {
      if (!measured_.digest.value) return std::nullopt;
      const auto value = measured_.digest.value->bytes();
      return Bytes(value.begin(), value.end());
    }
    if (measured_.file == nullptr) {
      // Of the TPM's aggregate there is none without TPM.
      if (measured_.name == "boot_aggregate") return Bytes(kOldDigestSize);
      lost_ = true;
      return std::nullopt;
    }
    const HashAlgo& algo = is_old(default_hash_) ? default_hash_ : *find_hash_algo("sha1");
    const Digest* value = measured_.file->digest(*algo.hash);
    if (value == nullptr) return std::nullopt;
    return Bytes(value->bytes().begin(), value->bytes().end());
  }

  Data name(bool limited) const {
    if (!measured_.name) return std::nullopt;
    std::string name = *measured_.name;
    if (limited && name.size() > kNameLimit) {
      if (measured_.file != nullptr)
        name.erase(0, name.rfind('/') + 1);
      else
        name.resize(kNameLimit);
    }
    std::ranges::replace(name, ' ', '_');
    Bytes bytes(name.begin(), name.end());
    bytes.push_back(0);
    return bytes;
  }

  // ima_eventsig_init.
  Data signature() const {
    const ImaXattr* xattr = measured_.xattr;
    if (xattr != nullptr && !xattr->bytes.empty() &&
        (xattr->is(ImaXattrType::signature) || xattr->is(ImaXattrType::verity_signature)))
      return Bytes(xattr->bytes.bytes().begin(), xattr->bytes.bytes().end());
    return evm_signature();
  }
  Data evm_signature() const {
    if (measured_.file == nullptr) return Bytes();
    if (!measured_.file->xattrs) return std::nullopt;
    const auto evm = measured_.file->xattr(kXattrEvm);
    if (!evm || evm->bytes.empty() || !evm->is(ImaXattrType::portable_signature)) return Bytes();
    return Bytes(evm->bytes.bytes().begin(), evm->bytes.bytes().end());
  }

  Data modsig_digest() {
    if (measured_.modsig == nullptr) return Bytes();
    if (!measured_.modsig->digest) {
      lost_ = true;
      return std::nullopt;
    }
    const Digest& value = *measured_.modsig->digest;
    return digest({}, {&hash_algo_of(value.hash()), value});
  }
  // ima_get_raw_modsig: the message.
  Data modsig() const {
    if (measured_.modsig == nullptr) return Bytes();
    const auto message = measured_.modsig->message->bytes().bytes();
    return Bytes(message.begin(), message.end());
  }

  Data integer(const auto& value, int size) const {
    if (!value) return std::nullopt;
    Bytes bytes;
    append_integer(bytes, *value, size, big_endian_);
    return bytes;
  }

  // evm_read_protected_xattrs.
  Bytes attributes(std::string_view id) const {
    Bytes bytes;
    for (const std::string_view name : evm_protected_names()) {
      const auto found = measured_.file->xattrs->find(name);
      if (found == measured_.file->xattrs->end()) continue;
      if (id == "xattrnames") {
        if (!bytes.empty()) bytes.back() = '|';
        append(bytes, name);
        bytes.push_back(0);
      } else if (id == "xattrlengths") {
        append_integer(bytes, found->second.size(), 4, big_endian_);
      } else {
        append(bytes, found->second);
      }
    }
    return bytes;
  }

  const ImaMeasured& measured_;
  const HashAlgo& default_hash_;
  bool big_endian_;
  bool lost_ = false;
};

// What a digest or the binary list is made of.
Bytes template_data(const ImaEntry& entry, bool has_lengths) {
  Bytes bytes;
  for (const ImaEntry::Field& field : entry.fields) {
    if (has_lengths) append_integer(bytes, field.data->size(), 4, entry.big_endian);
    append(bytes, *field.data);
    // ima_calc_field_array_hash_tfm: the name of the oldest template fills its room.
    if (!has_lengths && field.id == "n")
      bytes.resize(bytes.size() + kNameLimit + 1 - field.data->size());
  }
  return bytes;
}

// ima_show_template_data_ascii.
std::string ascii_field(const ImaEntry::Field& field, bool big_endian) {
  if (!field.data) return "?";
  const Bytes& data = *field.data;
  if (data.empty()) return "";
  const auto text = [&] { return std::string(data.begin(), std::ranges::find(data, 0)); };
  if (field.id == "n" || field.id == "n-ng" || field.id == "xattrnames") return text();
  if (field.id == "iuid" || field.id == "igid" || field.id == "imode")
    return fmt::format("{}", integer_of(data, big_endian));
  if (field.id.starts_with("d-")) {
    const std::string algorithm = text();
    return algorithm + to_hex(std::span(data).subspan(algorithm.size() + 1));
  }
  return to_hex(data);
}

}  // namespace

bool ImaEntry::is_known() const {
  return std::ranges::all_of(fields, [](const Field& field) { return field.data.has_value(); });
}

Result<Digest> ImaEntry::digest(Hash hash) const {
  if (is_violation) return Digest(hash, Bytes(digest_size(hash)));
  return compute_digest(hash, template_data(*this, template_name != kOldest));
}

Result<Digest> ImaEntry::extension(Hash hash) const {
  if (is_violation) return Digest(hash, Bytes(digest_size(hash), 0xFF));
  return digest(hash);
}

std::string ImaEntry::ascii() const {
  std::string line = fmt::format("{:2} ", pcr);
  const auto own =
      is_known() ? digest(Hash::sha1) : Result<Digest>(fail(Reason::crypto_unavailable));
  line += own ? own->hex() : "?";
  line += " " + template_name;
  for (const Field& field : fields) line += " " + ascii_field(field, big_endian);
  return line;
}

Result<std::vector<std::uint8_t>> ImaEntry::binary() const {
  ASSAY_TRY(const Digest own, digest(Hash::sha1));
  Bytes bytes;
  append_integer(bytes, static_cast<std::uint64_t>(pcr), 4, big_endian);
  append(bytes, own.bytes());
  append_integer(bytes, template_name.size(), 4, big_endian);
  append(bytes, template_name);
  if (template_name != kOldest) {
    const Bytes data = template_data(*this, true);
    append_integer(bytes, data.size(), 4, big_endian);
    append(bytes, data);
    return bytes;
  }
  for (const Field& field : fields) {
    std::span<const std::uint8_t> data(*field.data);
    if (field.id == "n") {
      data = data.first(data.size() - 1);
      append_integer(bytes, data.size(), 4, big_endian);
    }
    append(bytes, data);
  }
  return bytes;
}

std::optional<ImaEntry> make_ima_entry(const ImaMeasured& measured, const ImaTemplate& tmpl,
                                       int pcr, const HashAlgo& default_hash, bool big_endian) {
  ImaEntry entry;
  entry.pcr = pcr;
  entry.template_name = tmpl.name.empty() ? tmpl.fields : tmpl.name;
  entry.is_violation = measured.is_violation;
  entry.big_endian = big_endian;
  Fields fields(measured, default_hash, big_endian);
  for (const std::string_view id : tmpl.field_ids()) {
    entry.fields.push_back({std::string(id), fields.make(id)});
    if (fields.lost()) return std::nullopt;
  }
  return entry;
}

std::optional<ImaEntry> make_ima_buffer_entry(const ImaKernel& kernel, const std::string& name,
                                              std::span<const std::uint8_t> buffer,
                                              const ImaTemplate* tmpl, int pcr, bool big_endian,
                                              bool hashes_buffer) {
  const HashAlgo& algo = kernel.state.hash();
  ImaMeasured measured;
  measured.name = name;
  measured.digest.algo = &algo;
  measured.buffer = buffer;
  Bytes hashed;
  if (algo.hash && hash_available(*algo.hash)) {
    if (auto value = compute_digest(*algo.hash, buffer)) measured.digest.value = *value;
    if (hashes_buffer && measured.digest.value) {
      hashed.assign(measured.digest.value->bytes().begin(), measured.digest.value->bytes().end());
      measured.buffer = hashed;
      if (auto value = compute_digest(*algo.hash, hashed)) measured.digest.value = *value;
    }
  }
  if (tmpl == nullptr) tmpl = find_ima_template("ima-buf", nullptr);
  // pcr=0 of a rule is the default.
  return make_ima_entry(measured, *tmpl, pcr == 0 ? ima_default_pcr(kernel.config) : pcr, algo,
                        big_endian);
}

std::optional<ImaEntry> measure_ima_buffer(Walk& walk, const ImaKernel& kernel,
                                           const ImaEvent& event, const ImaFile& file,
                                           const std::string& name,
                                           std::span<const std::uint8_t> buffer,
                                           bool hashes_buffer) {
  const ImaMatch match = match_ima_policy(walk, kernel.state, {.measure = true}, event, file);
  if (!match.actions.measure) return std::nullopt;
  return make_ima_buffer_entry(kernel, name, buffer, match.tmpl, match.pcr.value_or(0),
                               ima_list_is_big_endian(walk, kernel.state), hashes_buffer);
}

Result<Digest> extend_pcr(const Digest& pcr, const Digest& by) {
  Bytes both(pcr.bytes().begin(), pcr.bytes().end());
  append(both, by.bytes());
  return compute_digest(pcr.hash(), both);
}

int ima_default_pcr(const KernelConfig& config) {
  constexpr int kDefault = 10;
  const std::optional<std::string_view> set = config.find("CONFIG_IMA_MEASURE_PCR_IDX");
  if (!set) return kDefault;
  int pcr = kDefault;
  std::from_chars(set->data(), set->data() + set->size(), pcr);
  return pcr;
}

bool ima_list_is_big_endian(const Walk& walk, const ImaState& state) {
  return is_big_endian(walk.kernel().arch) && !state.options().canonical_format;
}

}  // namespace assay
