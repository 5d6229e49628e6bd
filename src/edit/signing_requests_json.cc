// The JSON of signing requests (docs/formats/signing_request.md): read strictly, since what it says
// becomes part of files.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/hex.h"
#include "edit/signing_requests.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;
using Bytes = std::vector<std::uint8_t>;
using Carrier = RecordPart::Carrier;

constexpr std::pair<Existing, const char*> kExisting[] = {
    {Existing::refuse, "refuse"}, {Existing::replace, "replace"}, {Existing::add, "add"}};

Json json_of(const SignOptions& options) {
  const auto* existing =
      std::ranges::find(kExisting, options.existing, &std::pair<Existing, const char*>::first);
  return {{"hash", hash_name(options.hash)},
          {"existing", existing->second},
          {"by_key_identifier", options.by_key_identifier},
          {"embeds_certificates",
           options.embeds_certificates ? Json(*options.embeds_certificates) : Json()},
          {"signed_attributes", options.signed_attributes},
          {"time", options.time ? Json(*options.time) : Json()},
          {"always_appended", options.always_appended}};
}

// By their names, and whatever else tells them apart: the order is the same each time, whichever
// thread was first.
bool comes_before(const SigningRequest& a, const SigningRequest& b) {
  const auto key = [](const SigningRequest& request) {
    return std::tuple(request.content, request.carrier, request.digest.hash(), request.attributes,
                      request.value, request.digest.hex());
  };
  if (a.name != b.name) return a.name < b.name;
  return key(a) < key(b);
}

Json json_of(const SigningRequests& requests) {
  Json options = json_of(requests.options);
  options["ima_version"] = requests.ima_version ? Json(*requests.ima_version) : Json();
  return options;
}

Json json_of(const SigningRequest& request) {
  return {{"name", request.name},
          {"content", {{"size", request.content.size}, {"sha256", to_hex(request.content.sha256)}}},
          {"carrier", carrier_name(request.carrier)},
          {"hash", hash_name(request.digest.hash())},
          {"digest", request.digest.hex()},
          {"attributes", to_hex(request.attributes)},
          {"value", to_hex(request.value)}};
}

// Takes the keys of one object, each by its type; in the end there must be none left. What is wrong
// is noted once, and all after it reads as empty.
class Object {
 public:
  Object(const Json& json, std::string& wrong) : json_(json), wrong_(wrong) {
    if (!json.is_object()) note("not an object");
  }
  void finish() const {
    if (json_.is_object() && json_.size() != taken_) note("a key that is not known");
  }

  const Json& take(const char* key) {
    static const Json kNothing;
    if (!wrong_.empty()) return kNothing;
    const auto found = json_.find(key);
    if (found == json_.end()) {
      note(fmt::format("{} is missing", key));
      return kNothing;
    }
    ++taken_;
    return *found;
  }
  std::string text(const char* key) {
    const Json& json = take(key);
    if (json.is_string()) return json.get<std::string>();
    note(fmt::format("{} is no text", key));
    return {};
  }
  bool flag(const char* key) {
    const Json& json = take(key);
    if (json.is_boolean()) return json.get<bool>();
    note(fmt::format("{} is neither true nor false", key));
    return false;
  }
  Bytes bytes(const char* key) {
    if (auto value = from_hex(text(key))) return std::move(*value);
    note(fmt::format("{} is not hexadecimal", key));
    return {};
  }
  Hash hash(const char* key) {
    if (const auto value = find_hash(text(key))) return *value;
    note(fmt::format("{} is no hash that is known", key));
    return Hash::sha256;
  }
  void note(std::string what) const {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

 private:
  const Json& json_;
  std::string& wrong_;
  std::size_t taken_ = 0;
};

void parse_options(const Json& json, SigningRequests& requests, std::string& wrong) {
  Object object(json, wrong);
  SignOptions& options = requests.options;
  options.hash = object.hash("hash");
  const std::string existing = object.text("existing");
  const auto* row =
      std::ranges::find_if(kExisting, [&](const auto& each) { return existing == each.second; });
  if (row == std::end(kExisting))
    object.note("existing is neither refuse nor replace nor add");
  else
    options.existing = row->first;
  options.by_key_identifier = object.flag("by_key_identifier");
  if (const Json& embeds = object.take("embeds_certificates"); embeds.is_boolean())
    options.embeds_certificates = embeds.get<bool>();
  else if (!embeds.is_null())
    object.note("embeds_certificates is neither true nor false nor null");
  options.signed_attributes = object.flag("signed_attributes");
  if (const Json& time = object.take("time"); time.is_number_unsigned())
    options.time = time.get<std::int64_t>();
  else if (!time.is_null())
    object.note("time is no number of seconds");
  constexpr std::int64_t kLast = 253402300799;  // the end of the year 9999
  if (options.time && (*options.time < 0 || *options.time > kLast))
    object.note("time is beyond the year 9999");
  options.always_appended = object.flag("always_appended");
  if (const Json& version = object.take("ima_version"); version == 2 || version == 3)
    requests.ima_version = version.get<std::uint8_t>();
  else if (!version.is_null())
    object.note("ima_version is neither 2 nor 3 nor null");
  object.finish();
}

SigningRequest parse_request(const Json& json, std::string& wrong) {
  Object object(json, wrong);
  SigningRequest request;
  request.name = object.text("name");
  Object content(object.take("content"), wrong);
  if (const Json& size = content.take("size"); size.is_number_unsigned())
    request.content.size = size.get<std::uint64_t>();
  else
    content.note("size is no number");
  const Bytes sha256 = content.bytes("sha256");
  if (sha256.size() == request.content.sha256.size())
    std::ranges::copy(sha256, request.content.sha256.begin());
  else
    content.note("sha256 has not 32 bytes");
  content.finish();
  const std::string carrier = object.text("carrier");
  constexpr Carrier kAll[] = {Carrier::appended, Carrier::pe, Carrier::xattr};
  const auto* known = std::ranges::find(kAll, carrier, carrier_name);
  if (known != std::end(kAll))
    request.carrier = *known;
  else
    object.note("carrier is neither appended nor pe nor xattr");
  const Hash hash = object.hash("hash");
  const Bytes digest = object.bytes("digest");
  if (digest.size() == digest_size(hash))
    request.digest = Digest(hash, digest);
  else
    object.note(fmt::format("digest has not {} bytes", digest_size(hash)));
  request.attributes = object.bytes("attributes");
  request.value = object.bytes("value");
  object.finish();
  return request;
}

}  // namespace

std::string write_requests(SigningRequests requests) {
  std::ranges::sort(requests.requests, comes_before);
  Json json{{"schema", kRequestsSchema},
            {"certificate", to_hex(requests.certificate.der)},
            {"chain", Json::array()},
            {"options", json_of(requests)},
            {"requests", Json::array()}};
  for (const Bytes& der : requests.certificate.chain) json["chain"].push_back(to_hex(der));
  for (const SigningRequest& request : requests.requests)
    json["requests"].push_back(json_of(request));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Result<SigningRequests> parse_requests(std::string_view text) {
  std::string wrong;
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(Reason::bad_record, {}, "signing requests: not JSON");
  SigningRequests requests;
  Object object(json, wrong);
  if (object.text("schema") != kRequestsSchema)
    object.note(fmt::format("schema is not {}", kRequestsSchema));
  requests.certificate.der = object.bytes("certificate");
  for (const Json& each : object.take("chain")) {
    const auto der = each.is_string() ? from_hex(each.get<std::string>()) : std::nullopt;
    if (der)
      requests.certificate.chain.push_back(*der);
    else
      object.note("a certificate of chain is not hexadecimal");
  }
  parse_options(object.take("options"), requests, wrong);
  const Json& list = object.take("requests");
  if (!list.is_array()) object.note("requests is no list");
  for (const Json& each : list) {
    if (!wrong.empty()) break;
    requests.requests.push_back(parse_request(each, wrong));
    if (!wrong.empty()) wrong = fmt::format("request {}: {}", requests.requests.size(), wrong);
  }
  object.finish();
  if (!wrong.empty()) return fail(Reason::bad_record, {}, "signing requests: " + wrong);
  return requests;
}

}  // namespace assay
