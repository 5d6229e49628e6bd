#include "signatures/kernel_crypto.h"

namespace assay {

Truth KernelCrypto::has(KeyKind kind) const {
  switch (kind) {
    case KeyKind::rsa: return rsa;
    case KeyKind::ecdsa_p192:
    case KeyKind::ecdsa_p256:
    case KeyKind::ecdsa_p384:
    case KeyKind::ecdsa_p521:
    case KeyKind::ecdsa: return ecdsa;
    case KeyKind::ecrdsa: return ecrdsa;
    case KeyKind::sm2: return sm2;
    case KeyKind::ml_dsa_44:
    case KeyKind::ml_dsa_65:
    case KeyKind::ml_dsa_87: return ml_dsa;
  }
  return Truth::unknown;
}

}  // namespace assay
