#include "signatures/prepared_key.h"

#include "signatures/algorithms.h"

namespace assay {

namespace {

constexpr std::size_t kLimbSize = 8;  // of the kernel's MPIs on 64-bit architectures

View without_leading_zeros(View number) {
  std::size_t zeros = 0;
  while (zeros < number.size() && number[zeros] == 0) ++zeros;
  return number.sub(zeros, number.size() - zeros);
}

PreparedRsaKey prepare_rsa(View key) {
  PreparedRsaKey prepared;
  BerDecoder ber(key);
  BerElement modulus;
  BerElement exponent;
  ber.enter(ber::kSequence);
  if (ber.leaf(ber::kInteger, modulus)) {
    prepared.modulus = modulus.content;
    prepared.has_modulus = !modulus.content.empty();
  }
  if (prepared.has_modulus && ber.leaf(ber::kInteger, exponent)) {
    prepared.exponent = exponent.content;
    prepared.has_exponent =
        !exponent.content.empty() && exponent.content.size() <= modulus.content.size();
    if (prepared.has_exponent) ber.leave();
  }
  prepared.fault = ber.fault();
  if (prepared.fault || !prepared.has_exponent) return prepared;
  const std::size_t size = without_leading_zeros(prepared.modulus).size();
  prepared.limb_size = (size + kLimbSize - 1) / kLimbSize * kLimbSize;
  prepared.exponent_fits = without_leading_zeros(prepared.exponent).size() <= kMaxNumberSize;
  if (auto made = RsaKey::make(prepared.modulus.bytes(), prepared.exponent.bytes()))
    prepared.key = *made;
  return prepared;
}

PreparedEcKey prepare_ec(Curve curve, View key) {
  constexpr std::size_t kDigitSize = 8;
  PreparedEcKey prepared;
  if (key.empty() || key[0] != 4) return prepared;
  const std::size_t half = (key.size() - 1) / 2;
  const auto digits = [](std::size_t size) { return (size + kDigitSize - 1) / kDigitSize; };
  const std::size_t size = coordinate_size(curve);
  if (digits(half) != digits(size)) return prepared;
  prepared.fits_61 = half % kDigitSize == 0;
  prepared.fits_612 = key.size() % 2 == 1;
  // Coordinates may be written with more or fewer leading zeros than libcrypto wants.
  std::vector<std::uint8_t> point(2 * size);
  for (std::size_t i = 0; i < 2; ++i) {
    View number = without_leading_zeros(key.sub(1 + i * half, half));
    if (number.size() > size) return prepared;
    std::ranges::copy(number.bytes(),
                      point.begin() + static_cast<std::ptrdiff_t>((i + 1) * size - number.size()));
  }
  prepared.key = EcdsaKey::make(curve, point);
  return prepared;
}

}  // namespace

PreparedKey::PreparedKey(const Certificate& certificate) : bytes_(certificate.key) {
  bool well_formed = false;
  const Oid curve_oid = named_curve(certificate.key_params, well_formed);
  const KeyAlgorithm* algorithm = find_key_algorithm(certificate.key_algo, curve_oid);
  if (algorithm == nullptr) return;
  if (algorithm->kind == KeyKind::rsa) rsa_ = prepare_rsa(certificate.key);
  if (const auto curve = curve_of(algorithm->kind)) ec_ = prepare_ec(*curve, certificate.key);
}

Oid named_curve(View key_params, bool& well_formed) {
  well_formed = key_params.size() >= 3 && key_params[0] == ber::kOid &&
                key_params[1] == key_params.size() - 2;
  return well_formed ? find_oid(key_params.sub(2, key_params.size() - 2)) : Oid::unknown;
}

}  // namespace assay
