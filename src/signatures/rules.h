// signatures/rules.h - the rule tables of the signature engine, as constants and as lists.
//
//   rules::pkcs7::signed_data_version   one row
//   rules::pkcs7::kTable                all rows of the mechanism, in the kernel's order

#pragma once

#include <span>

#include "signatures/rule.h"

namespace assay::rules {

#define RULE(name, ...) inline constexpr Rule name{__VA_ARGS__};

namespace asn1 {
#include "signatures/asn1.def"
}
namespace x509 {
#include "signatures/x509.def"
}
namespace public_key {
#include "signatures/public_key.def"
}
namespace pkcs7 {
#include "signatures/pkcs7.def"
}

#undef RULE
#define RULE(name, ...) &name,

namespace asn1 {
inline constexpr const Rule* kTable[] = {
#include "signatures/asn1.def"
};
}  // namespace asn1
namespace x509 {
inline constexpr const Rule* kTable[] = {
#include "signatures/x509.def"
};
}  // namespace x509
namespace public_key {
inline constexpr const Rule* kTable[] = {
#include "signatures/public_key.def"
};
}  // namespace public_key
namespace pkcs7 {
inline constexpr const Rule* kTable[] = {
#include "signatures/pkcs7.def"
};
}  // namespace pkcs7

#undef RULE

}  // namespace assay::rules
