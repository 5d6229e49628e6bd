// formats/name_attributes.h - the attributes of an X.501 Name, in the order in which they are
// stored.
//
//   SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }    RFC 5280, 4.1.2.4

#pragma once

#include <string>

#include "formats/ber.h"

namespace assay {

// Calls visit(type OID content, value content) for each attribute of a Name's content.
template <class Visit>
void each_attribute(View name, Visit visit) {
  BerDecoder ber(name);
  BerElement set;
  while (ber.any_or_skip(set)) {
    BerDecoder values(set.content);
    BerElement attribute;
    while (values.any_or_skip(attribute)) {
      BerDecoder pair(attribute.content);
      BerElement type;
      BerElement value;
      if (pair.leaf(ber::kOid, type) && pair.any(value)) visit(type.content, value.content);
    }
  }
}

// "/C=DE/CN=a": a Name as OpenSSL's X509_NAME_oneline prints it, whatever its length.
std::string oneline_name(View name);

}  // namespace assay
