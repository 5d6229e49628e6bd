#include "crypto/tpm_key.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>

#include "base/name.h"
#include "crypto/device_key.h"

namespace assay {

namespace {

std::unexpected<Error> tpm_error(const char* function, TSS2_RC code) {
  return fail(Reason::signer_failed, {},
              fmt::format("{}: {} ({:#x})", function, Tss2_RC_Decode(code), code));
}

struct FreeTpm {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeTpm>;

struct HashRow {
  Hash hash;
  TPM2_ALG_ID id;
};
constexpr HashRow kHashes[] = {
    {Hash::sha1, TPM2_ALG_SHA1},         {Hash::sha256, TPM2_ALG_SHA256},
    {Hash::sha384, TPM2_ALG_SHA384},     {Hash::sha512, TPM2_ALG_SHA512},
    {Hash::sha3_256, TPM2_ALG_SHA3_256}, {Hash::sha3_384, TPM2_ALG_SHA3_384},
    {Hash::sha3_512, TPM2_ALG_SHA3_512}, {Hash::sm3, TPM2_ALG_SM3_256},
};

struct CurveRow {
  Curve curve;
  TPM2_ECC_CURVE id;
};
constexpr CurveRow kCurves[] = {{Curve::p192, TPM2_ECC_NIST_P192},
                                {Curve::p256, TPM2_ECC_NIST_P256},
                                {Curve::p384, TPM2_ECC_NIST_P384},
                                {Curve::p521, TPM2_ECC_NIST_P521}};

// A connection to a TPM. What was loaded is flushed with it: TPMs hold few objects.
class Tpm {
 public:
  static Result<std::unique_ptr<Tpm>> connect(const std::string& tcti) {
    ::setenv("TSS2_LOG", "all+none", 0);  // its messages are in our errors
    auto tpm = std::make_unique<Tpm>();
    TSS2_RC code = Tss2_TctiLdr_Initialize(tcti.empty() ? nullptr : tcti.c_str(), &tpm->transport_);
    if (code != TSS2_RC_SUCCESS)
      return fail(Reason::signer_failed, {},
                  "no TPM answers at " + (tcti.empty() ? "its usual places" : encode_name(tcti)));
    code = Esys_Initialize(&tpm->context_, tpm->transport_, nullptr);
    if (code != TSS2_RC_SUCCESS) return tpm_error("Esys_Initialize", code);
    return tpm;
  }
  Tpm() = default;
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;
  ~Tpm() {
    if (context_ != nullptr) {
      for (const ESYS_TR object : loaded_) Esys_FlushContext(context_, object);
      Esys_Finalize(&context_);
    }
    if (transport_ != nullptr) Tss2_TctiLdr_Finalize(&transport_);
  }

  ESYS_CONTEXT* context() const { return context_; }
  void flush_later(ESYS_TR object) { loaded_.push_back(object); }

  Result<ESYS_TR> find(std::uint32_t handle) const {
    ESYS_TR object = ESYS_TR_NONE;
    const TSS2_RC code =
        Esys_TR_FromTPMPublic(context_, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object);
    if (code == TSS2_RC_SUCCESS) return object;
    auto failed = tpm_error("TPM2_ReadPublic", code);
    failed.error().detail = fmt::format("{:#010x}: {}", handle, failed.error().detail);
    return failed;
  }

 private:
  TSS2_TCTI_CONTEXT* transport_ = nullptr;
  ESYS_CONTEXT* context_ = nullptr;
  std::vector<ESYS_TR> loaded_;
};

Result<SigningKey> describe_public_area(const TPMT_PUBLIC& area) {
  const auto refuse = [](const char* why) {
    return fail(Reason::crypto_unavailable, {}, std::string("the TPM's key ") + why);
  };
  if ((area.objectAttributes & TPMA_OBJECT_SIGN_ENCRYPT) == 0) return refuse("may not sign");
  if ((area.objectAttributes & TPMA_OBJECT_RESTRICTED) != 0)
    return refuse("is restricted: it signs what the TPM itself has digested");
  if ((area.objectAttributes & TPMA_OBJECT_USERWITHAUTH) == 0)
    return refuse("is for whom its policy allows, which is not supported");
  std::optional<SigningKey> key;
  if (area.type == TPM2_ALG_RSA) {
    const auto& modulus = area.unique.rsa;
    const std::uint32_t given = area.parameters.rsaDetail.exponent;
    const std::uint32_t exponent = given == 0 ? 65537 : given;
    const std::uint8_t bytes[] = {
        static_cast<std::uint8_t>(exponent >> 24), static_cast<std::uint8_t>(exponent >> 16),
        static_cast<std::uint8_t>(exponent >> 8), static_cast<std::uint8_t>(exponent)};
    key = describe_rsa_key(std::span(modulus.buffer).first(modulus.size), bytes);
  } else if (area.type == TPM2_ALG_ECC) {
    const auto* row = std::ranges::find(kCurves, area.parameters.eccDetail.curveID, &CurveRow::id);
    if (row == std::end(kCurves)) return refuse("has a curve that is not known");
    const std::size_t size = coordinate_size(row->curve);
    std::vector<std::uint8_t> point(1 + 2 * size);
    point[0] = 4;
    const auto put = [&](const TPM2B_ECC_PARAMETER& number, std::size_t at) {
      if (number.size > size) return false;
      std::copy_n(number.buffer, number.size,
                  point.begin() + static_cast<std::ptrdiff_t>(at + size - number.size));
      return true;
    };
    if (put(area.unique.ecc.x, 1) && put(area.unique.ecc.y, 1 + size))
      key = describe_ec_key(row->curve, point);
  } else {
    return refuse("is neither RSA nor ECC");
  }
  if (!key) return refuse("has a public half that is not one");
  return std::move(*key);
}

class TpmSigner final : public Signer {
 public:
  TpmSigner(std::unique_ptr<Tpm> tpm, ESYS_TR object, SigningKey key)
      : tpm_(std::move(tpm)), object_(object), key_(std::move(key)) {}

  const SigningKey& key() const override { return key_; }

  std::vector<Result<SignatureOctets>> sign(std::span<const SignRequest> requests) override {
    const std::lock_guard lock(mutex_);
    std::vector<Result<SignatureOctets>> answers;
    answers.reserve(requests.size());
    for (const SignRequest& request : requests) answers.push_back(sign_digest(request.digest));
    return answers;
  }

 private:
  Result<SignatureOctets> sign_digest(const Digest& digest) const {
    const auto* hash = std::ranges::find(kHashes, digest.hash(), &HashRow::hash);
    if (hash == std::end(kHashes))
      return fail(Reason::crypto_unavailable, {},
                  fmt::format("{} in a TPM", hash_name(digest.hash())));
    const bool is_rsa = key_.algorithm == SigningAlgorithm::rsa;
    TPM2B_DIGEST asked{};
    asked.size = static_cast<UINT16>(digest.size());
    std::ranges::copy(digest.bytes(), asked.buffer);
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = is_rsa ? TPM2_ALG_RSASSA : TPM2_ALG_ECDSA;
    scheme.details.any.hashAlg = hash->id;
    TPMT_TK_HASHCHECK ticket{};  // for restricted keys
    ticket.tag = TPM2_ST_HASHCHECK;
    ticket.hierarchy = TPM2_RH_NULL;
    TPMT_SIGNATURE* answer = nullptr;
    const TSS2_RC code = Esys_Sign(tpm_->context(), object_, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                   ESYS_TR_NONE, &asked, &scheme, &ticket, &answer);
    if (code != TSS2_RC_SUCCESS) return tpm_error("TPM2_Sign", code);
    const Owned<TPMT_SIGNATURE> owner(answer);
    if (answer->sigAlg != scheme.scheme)
      return fail(Reason::signer_failed, {}, "the TPM answers with another scheme");
    if (is_rsa) {
      const auto& value = answer->signature.rsassa.sig;
      return SignatureOctets(value.buffer, value.buffer + value.size);
    }
    const auto& value = answer->signature.ecdsa;
    return write_ecdsa_value(std::span(value.signatureR.buffer).first(value.signatureR.size),
                             std::span(value.signatureS.buffer).first(value.signatureS.size));
  }

  std::mutex mutex_;
  std::unique_ptr<Tpm> tpm_;
  ESYS_TR object_;
  SigningKey key_;
};

// A signer over an object that the TPM has.
Result<std::unique_ptr<Signer>> make_tpm_signer(std::unique_ptr<Tpm> tpm, ESYS_TR object,
                                                const TpmOptions& options) {
  TPM2B_PUBLIC* area = nullptr;
  TSS2_RC code = Esys_ReadPublic(tpm->context(), object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                 &area, nullptr, nullptr);
  if (code != TSS2_RC_SUCCESS) return tpm_error("TPM2_ReadPublic", code);
  const Owned<TPM2B_PUBLIC> owner(area);
  ASSAY_TRY(SigningKey key, describe_public_area(area->publicArea));
  TPM2B_AUTH auth{};
  if (options.auth) {
    if (options.auth->size() > sizeof auth.buffer)
      return fail(Reason::signer_failed, {}, "the authorization value is too long for a TPM");
    auth.size = static_cast<UINT16>(options.auth->size());
    std::ranges::copy(*options.auth, auth.buffer);
  }
  code = Esys_TR_SetAuth(tpm->context(), object, &auth);
  OPENSSL_cleanse(&auth, sizeof auth);
  if (code != TSS2_RC_SUCCESS) return tpm_error("Esys_TR_SetAuth", code);
  return std::make_unique<TpmSigner>(std::move(tpm), object, std::move(key));
}

// The storage key that a hierarchy stands for in key files: ECC P-256, with what the tools that
// write such files (tpm2-tss-engine, tpm2-openssl, openssl_tpm2_engine) create it with each time.
TPM2B_PUBLIC storage_template() {
  TPM2B_PUBLIC area{};
  TPMT_PUBLIC& key = area.publicArea;
  key.type = TPM2_ALG_ECC;
  key.nameAlg = TPM2_ALG_SHA256;
  key.objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
                         TPMA_OBJECT_NODA | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                         TPMA_OBJECT_SENSITIVEDATAORIGIN;
  TPMS_ECC_PARMS& parameters = key.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_AES;
  parameters.symmetric.keyBits.aes = 128;
  parameters.symmetric.mode.aes = TPM2_ALG_CFB;
  parameters.scheme.scheme = TPM2_ALG_NULL;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  return area;
}

Result<ESYS_TR> make_primary(Tpm& tpm, std::uint32_t hierarchy) {
  ESYS_TR owner = ESYS_TR_NONE;
  switch (hierarchy) {
    case TPM2_RH_OWNER: owner = ESYS_TR_RH_OWNER; break;
    case TPM2_RH_ENDORSEMENT: owner = ESYS_TR_RH_ENDORSEMENT; break;
    case TPM2_RH_PLATFORM: owner = ESYS_TR_RH_PLATFORM; break;
    case TPM2_RH_NULL: owner = ESYS_TR_RH_NULL; break;
    default: return tpm.find(hierarchy);
  }
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_PUBLIC area = storage_template();
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION pcrs{};
  ESYS_TR primary = ESYS_TR_NONE;
  const TSS2_RC code = Esys_CreatePrimary(tpm.context(), owner, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                          ESYS_TR_NONE, &sensitive, &area, &outside, &pcrs,
                                          &primary, nullptr, nullptr, nullptr, nullptr);
  if (code != TSS2_RC_SUCCESS) return tpm_error("TPM2_CreatePrimary", code);
  tpm.flush_later(primary);
  return primary;
}

}  // namespace

std::optional<std::uint32_t> parse_tpm_handle(std::string_view text) {
  if (is_tpm_key(text)) text.remove_prefix(5);
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  std::uint32_t handle = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), handle, 16);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return handle;
}

Result<std::unique_ptr<Signer>> open_tpm_key(std::uint32_t handle, const TpmOptions& options) {
  ASSAY_TRY(auto tpm, Tpm::connect(options.tcti));
  ASSAY_TRY(const ESYS_TR object, tpm->find(handle));
  return make_tpm_signer(std::move(tpm), object, options);
}

Result<std::unique_ptr<Signer>> load_tpm_key(const WrappedTpmKey& key, const TpmOptions& options) {
  TPM2B_PUBLIC public_area{};
  TPM2B_PRIVATE private_area{};
  std::size_t public_size = 0;
  std::size_t private_size = 0;
  if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(key.public_area.data(), key.public_area.size(), &public_size,
                                     &public_area) != TSS2_RC_SUCCESS ||
      Tss2_MU_TPM2B_PRIVATE_Unmarshal(key.private_area.data(), key.private_area.size(),
                                      &private_size, &private_area) != TSS2_RC_SUCCESS ||
      public_size != key.public_area.size() || private_size != key.private_area.size())
    return fail(Reason::not_a_private_key, {}, "what a TPM would load is damaged");
  ASSAY_TRY(auto tpm, Tpm::connect(options.tcti));
  ASSAY_TRY(const ESYS_TR parent, make_primary(*tpm, key.parent));
  ESYS_TR object = ESYS_TR_NONE;
  const TSS2_RC code = Esys_Load(tpm->context(), parent, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE, &private_area, &public_area, &object);
  if (code != TSS2_RC_SUCCESS) return tpm_error("TPM2_Load", code);
  tpm->flush_later(object);
  return make_tpm_signer(std::move(tpm), object, options);
}

}  // namespace assay
