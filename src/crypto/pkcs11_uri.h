// crypto/pkcs11_uri.h - what a PKCS#11 URI (RFC 7512) asks for: which module, token and object, and
// where the PIN is. Parsed by p11-kit.
//
// A URI may hold a PIN: it is in no message.

#pragma once

#include <p11-kit/uri.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay {

class Pkcs11Uri {
 public:
  // usage for what is no URI, names what p11-kit does not know, or has a PIN twice.
  static Result<Pkcs11Uri> parse(const std::string& text);

  // Of the query: the module to be loaded instead of those that p11-kit is configured with, and the
  // name that one of them is to have. Empty where they are absent.
  std::string module_path() const;
  std::string module_name() const;

  bool matches_module(const CK_INFO& info) const;
  bool matches_slot(CK_SLOT_ID id, const CK_SLOT_INFO& info) const;
  bool matches_token(const CK_TOKEN_INFO& info) const;

  // type=; nothing where it is absent.
  std::optional<CK_OBJECT_CLASS> object_class() const;
  // id= and object=, to search with; the values are the URI's.
  std::vector<CK_ATTRIBUTE> search_attributes() const;

  // pin-value, or the first line of the file that pin-source names; nothing where both are absent.
  Result<std::optional<std::string>> pin() const;

 private:
  struct Free {
    void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
  };
  explicit Pkcs11Uri(P11KitUri* uri) : uri_(uri) {}

  std::unique_ptr<P11KitUri, Free> uri_;
};

// "pkcs11:token=release;serial=0042;object=kernel;type=private": names an object, as messages do.
std::string write_object_uri(const CK_TOKEN_INFO& token, const std::vector<CK_ATTRIBUTE>& object);

// A field of a PKCS#11 structure: padded with blanks, not terminated.
std::string padded_text(const unsigned char* field, std::size_t size);

}  // namespace assay
