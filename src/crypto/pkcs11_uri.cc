#include "crypto/pkcs11_uri.h"

#include <p11-kit/p11-kit.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/name.h"
#include "bytes/whole_file.h"
#include "crypto/pkcs11_scheme.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestPinFile = 1 << 16;

std::unexpected<Error> bad_uri(const std::string& what) {
  return fail(Reason::usage, {}, "the PKCS#11 URI " + what);
}

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

}  // namespace

Result<Pkcs11Uri> Pkcs11Uri::parse(const std::string& text) {
  Pkcs11Uri uri(p11_kit_uri_new());
  if (!uri.uri_) return bad_uri("finds no memory");
  std::string known(without_blanks_before(text));
  if (is_pkcs11_uri(known)) known.replace(0, kPkcs11Scheme.size(), kPkcs11Scheme);
  const int code = p11_kit_uri_parse(known.c_str(), P11_KIT_URI_FOR_ANY, uri.uri_.get());
  if (code != P11_KIT_URI_OK) {
    const char* message = p11_kit_uri_message(code);
    return bad_uri("cannot be read: " + text_of(message));
  }
  // RFC 7512, 2.3: an attribute that is not known matches nothing.
  if (p11_kit_uri_any_unrecognized(uri.uri_.get()) != 0)
    return bad_uri("has an attribute that is not known");
  if (p11_kit_uri_get_pin_value(uri.uri_.get()) != nullptr &&
      p11_kit_uri_get_pin_source(uri.uri_.get()) != nullptr)
    return bad_uri("has both pin-value and pin-source");
  return uri;
}

std::string Pkcs11Uri::module_path() const {
  return text_of(p11_kit_uri_get_module_path(uri_.get()));
}

std::string Pkcs11Uri::module_name() const {
  return text_of(p11_kit_uri_get_module_name(uri_.get()));
}

bool Pkcs11Uri::matches_module(const CK_INFO& info) const {
  return p11_kit_uri_match_module_info(uri_.get(), &info) != 0;
}

bool Pkcs11Uri::matches_slot(CK_SLOT_ID id, const CK_SLOT_INFO& info) const {
  const CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri_.get());
  return (wanted == ~CK_SLOT_ID{0} || wanted == id) &&
         p11_kit_uri_match_slot_info(uri_.get(), &info) != 0;
}

bool Pkcs11Uri::matches_token(const CK_TOKEN_INFO& info) const {
  return p11_kit_uri_match_token_info(uri_.get(), &info) != 0;
}

std::optional<CK_OBJECT_CLASS> Pkcs11Uri::object_class() const {
  const CK_ATTRIBUTE* attribute = p11_kit_uri_get_attribute(uri_.get(), CKA_CLASS);
  CK_OBJECT_CLASS value = 0;
  if (attribute == nullptr || attribute->ulValueLen != sizeof value) return std::nullopt;
  std::memcpy(&value, attribute->pValue, sizeof value);
  return value;
}

std::vector<CK_ATTRIBUTE> Pkcs11Uri::search_attributes() const {
  std::vector<CK_ATTRIBUTE> found;
  for (const CK_ATTRIBUTE_TYPE type : {CKA_LABEL, CKA_ID})
    if (const CK_ATTRIBUTE* attribute = p11_kit_uri_get_attribute(uri_.get(), type))
      found.push_back(*attribute);
  return found;
}

Result<std::optional<std::string>> Pkcs11Uri::pin() const {
  if (const char* value = p11_kit_uri_get_pin_value(uri_.get())) return std::string(value);
  const char* source = p11_kit_uri_get_pin_source(uri_.get());
  if (source == nullptr) return std::nullopt;
  std::string_view path(source);
  if (path.starts_with("file:")) {
    path.remove_prefix(5);
    if (path.starts_with("//")) {  // of this machine (RFC 8089)
      path.remove_prefix(2);
      if (path.starts_with("localhost/")) path.remove_prefix(9);
    }
  } else if (!path.starts_with('/')) {
    return bad_uri("has a pin-source that is no file");
  }
  ASSAY_TRY(const auto bytes, read_whole_file(std::string(path), kLargestPinFile));
  const std::string text(bytes.begin(), bytes.end());
  return text.substr(0, text.find_first_of("\r\n"));
}

std::string write_object_uri(const CK_TOKEN_INFO& token, const std::vector<CK_ATTRIBUTE>& object) {
  const std::unique_ptr<P11KitUri, decltype(&p11_kit_uri_free)> uri(p11_kit_uri_new(),
                                                                    p11_kit_uri_free);
  if (!uri) return {};
  CK_TOKEN_INFO* named = p11_kit_uri_get_token_info(uri.get());
  std::memcpy(named->label, token.label, sizeof token.label);
  std::memcpy(named->serialNumber, token.serialNumber, sizeof token.serialNumber);
  for (CK_ATTRIBUTE attribute : object)
    if (attribute.ulValueLen != 0) p11_kit_uri_set_attribute(uri.get(), &attribute);
  char* text = nullptr;
  if (p11_kit_uri_format(uri.get(), P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) != P11_KIT_URI_OK)
    return {};
  const std::unique_ptr<char, decltype(&std::free)> owner(text, std::free);
  return encode_name(text);
}

std::string padded_text(const unsigned char* field, std::size_t size) {
  std::string text(field, field + size);
  text.erase(text.find_last_not_of(std::string_view(" \0", 2)) + 1);
  return text;
}

}  // namespace assay
