#include "crypto/pkcs11_key.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "crypto/device_key.h"
#include "crypto/pkcs11_codes.h"
#include "crypto/pkcs11_token.h"

namespace assay {

namespace {

constexpr std::size_t kMostCandidates = 16;  // that a message lists

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostCandidates); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMostCandidates)
    text += " and " + std::to_string(names.size() - kMostCandidates) + " more";
  return text;
}

// An object in an open session.
struct Found {
  std::shared_ptr<Pkcs11Session> session;
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;

  std::string uri(CK_OBJECT_CLASS object_class) const {
    ObjectBytes label = session->read(object, CKA_LABEL).value_or(ObjectBytes());
    ObjectBytes id = session->read(object, CKA_ID).value_or(ObjectBytes());
    return write_object_uri(session->token().info, {{CKA_CLASS, &object_class, sizeof object_class},
                                                    {CKA_LABEL, label.data(), label.size()},
                                                    {CKA_ID, id.data(), id.size()}});
  }
};

// The one object of a class among all tokens of the URI; `log_in` is called with each token's
// session first.
Result<Found> find_object(const std::vector<Pkcs11Token>& tokens, const Pkcs11Uri& uri,
                          CK_OBJECT_CLASS object_class, const char* what,
                          const std::function<Result<void>(const Pkcs11Session&)>& log_in) {
  std::vector<Found> found;
  for (const Pkcs11Token& token : tokens) {
    ASSAY_TRY(Pkcs11Session opened, Pkcs11Session::open(token));
    const auto session = std::make_shared<Pkcs11Session>(std::move(opened));
    ASSAY_CHECK(log_in(*session));
    ASSAY_TRY(const auto objects, session->find(object_class, uri.search_attributes()));
    for (const CK_OBJECT_HANDLE object : objects) found.push_back({session, object});
  }
  std::vector<std::string> names;
  if (found.empty()) {
    for (const Pkcs11Token& token : tokens) names.push_back(token.name());
    return fail(Reason::signer_failed, {}, list_of(names) + ": no " + what + " that the URI names");
  }
  if (found.size() == 1) return found.front();
  for (const Found& candidate : found) names.push_back(candidate.uri(object_class));
  return fail(Reason::usage, {},
              std::string("the URI names several ") + what + "s: " + list_of(names));
}

Result<std::vector<Pkcs11Token>> find_tokens_of(const Pkcs11Uri& uri) {
  ASSAY_TRY(auto modules, Pkcs11Modules::load(uri));
  auto tokens = find_tokens(std::move(modules), uri);
  if (tokens.empty()) return fail(Reason::signer_failed, {}, "no token that the URI names");
  return tokens;
}

// Sessions of one token: opened when all are in use, until the token has no more.
class SessionPool {
 public:
  explicit SessionPool(Pkcs11Session first) : token_(first.token()) {
    idle_.push_back(std::move(first));
  }

  Result<Pkcs11Session> take() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!idle_.empty()) {
        Pkcs11Session session = std::move(idle_.back());
        idle_.pop_back();
        return session;
      }
      if (!is_full_ || open_count_ == 0) {
        bool full = false;
        auto session = Pkcs11Session::open(token_, &full);
        if (session) ++open_count_;
        // Whose sessions they are that fill the token does not matter while one is ours.
        if (session || !full || open_count_ == 0) return session;
        is_full_ = true;
      }
      returned_.wait(lock);
    }
  }

  void put_back(Pkcs11Session session) {
    const std::lock_guard lock(mutex_);
    if (session.is_gone()) {
      --open_count_;
      is_full_ = false;
    } else {
      idle_.push_back(std::move(session));
    }
    returned_.notify_one();
  }

 private:
  Pkcs11Token token_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Pkcs11Session> idle_;
  std::size_t open_count_ = 1;
  bool is_full_ = false;
};

// A PIN that is kept for keys that want it again and again.
struct KeptPin {
  std::optional<std::string> text;
  ~KeptPin() {
    if (text) OPENSSL_cleanse(text->data(), text->size());
  }
};

class TokenSigner final : public Signer {
 public:
  TokenSigner(Pkcs11Session session, CK_OBJECT_HANDLE object, std::unique_ptr<KeptPin> pin,
              SigningKey key)
      : pool_(std::move(session)), object_(object), pin_(std::move(pin)), key_(std::move(key)) {}

  const SigningKey& key() const override { return key_; }

  std::vector<Result<SignatureOctets>> sign(std::span<const SignRequest> requests) override {
    std::vector<Result<SignatureOctets>> answers;
    answers.reserve(requests.size());
    for (const SignRequest& request : requests)
      answers.push_back(key_.signs_digests() ? sign_digest(request.digest)
                                             : sign_message(request.message));
    return answers;
  }

 private:
  Result<SignatureOctets> ask_token(CK_MECHANISM_TYPE mechanism, ObjectBytes data,
                                    std::size_t value_size) {
    ASSAY_TRY(Pkcs11Session session, pool_.take());
    auto value =
        session.sign(mechanism, object_, std::move(data), value_size, pin_ ? &pin_->text : nullptr);
    pool_.put_back(std::move(session));
    return value;
  }

  // Ed25519 (RFC 8032), without parameters: neither prehashed nor with a context.
  Result<SignatureOctets> sign_message(std::span<const std::uint8_t> message) {
    constexpr std::size_t kValueSize = 64;
    return ask_token(CKM_EDDSA, {message.begin(), message.end()}, kValueSize);
  }

  Result<SignatureOctets> sign_digest(const Digest& digest) {
    const bool is_rsa = key_.algorithm == SigningAlgorithm::rsa;
    ObjectBytes data;
    std::size_t value_size = (key_.bits + 7) / 8;
    if (is_rsa) {
      ASSAY_TRY(data, write_digest_info(digest));
    } else {
      // FIPS 186-5, 6.4.1: the leftmost bits, as many as the order has, which tokens want to have
      // done.
      const auto bytes = digest.bytes().first(std::min(digest.size(), value_size));
      data.assign(bytes.begin(), bytes.end());
      value_size *= 2;
    }
    auto value = ask_token(is_rsa ? CKM_RSA_PKCS : CKM_ECDSA, std::move(data), value_size);
    if (!value || is_rsa) return value;
    if (value->size() % 2 != 0)
      return fail(Reason::signer_failed, {}, "an ECDSA value of odd length");
    const std::span<const std::uint8_t> both(*value);
    return write_ecdsa_value(both.first(both.size() / 2), both.subspan(both.size() / 2));
  }

  SessionPool pool_;
  CK_OBJECT_HANDLE object_;
  std::unique_ptr<KeptPin> pin_;  // where the key wants it for each signature
  SigningKey key_;
};

// CKA_ID is what relates the objects of one key (PKCS#11 2.40, 4.8).
std::vector<CK_ATTRIBUTE> same_id(ObjectBytes& id) { return {{CKA_ID, id.data(), id.size()}}; }

std::optional<SigningKey> read_public_half(const Pkcs11Session& session, CK_OBJECT_HANDLE key,
                                           CK_KEY_TYPE type, ObjectBytes& id) {
  // Tokens tell of an RSA key itself what is public, of an EC key in an object of its own.
  std::vector<CK_OBJECT_HANDLE> objects = {key};
  if (!id.empty())
    if (const auto more = session.find(CKO_PUBLIC_KEY, same_id(id)))
      objects.insert(objects.end(), more->begin(), more->end());
  for (const CK_OBJECT_HANDLE object : objects) {
    const bool is_rsa = type == CKK_RSA;
    const auto first = session.read(object, is_rsa ? CKA_MODULUS : CKA_EC_PARAMS);
    const auto second = session.read(object, is_rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT);
    if (!first || !second) continue;
    auto known = is_rsa                   ? describe_rsa_key(*first, *second)
                 : type == CKK_EC_EDWARDS ? describe_ed25519_key(*second)
                                          : describe_ec_key(*first, *second);
    if (known) return known;
  }
  return std::nullopt;
}

}  // namespace

struct Pkcs11Key::Parts {
  Pkcs11Session session;
  CK_OBJECT_HANDLE object;
  std::unique_ptr<KeptPin> pin;  // where the key wants it for each signature
  CK_KEY_TYPE type;
  std::optional<SigningKey> public_half;
  std::vector<std::vector<std::uint8_t>> certificates;
};

Pkcs11Key::Pkcs11Key(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Pkcs11Key::Pkcs11Key(Pkcs11Key&&) noexcept = default;
Pkcs11Key::~Pkcs11Key() = default;

Result<Pkcs11Key> Pkcs11Key::open(const std::string& text, const AskPin& ask) {
  ASSAY_TRY(const Pkcs11Uri uri, Pkcs11Uri::parse(text));
  if (uri.object_class().value_or(CKO_PRIVATE_KEY) == CKO_SECRET_KEY ||
      uri.object_class().value_or(CKO_PRIVATE_KEY) == CKO_DATA)
    return fail(Reason::usage, {}, "the PKCS#11 URI names no private key");
  ASSAY_TRY(const auto tokens, find_tokens_of(uri));
  // A PIN is shown to one token alone.
  std::vector<std::string> locked;
  for (const Pkcs11Token& token : tokens)
    if (token.wants_login()) locked.push_back(write_object_uri(token.info, {}));
  if (locked.size() > 1)
    return fail(Reason::usage, {}, "the URI names several tokens: " + list_of(locked));
  auto pin = std::make_unique<KeptPin>();
  const auto log_in = [&](const Pkcs11Session& session) -> Result<void> {
    const Pkcs11Token& token = session.token();
    if (!token.wants_login()) return {};
    if ((token.info.flags & CKF_USER_PIN_LOCKED) != 0)
      return fail(Reason::signer_failed, {}, token.name() + ": the PIN is locked");
    ASSAY_TRY(pin->text, uri.pin());
    if (!pin->text && !token.has_pin_pad()) {
      ASSAY_TRY(pin->text, ask(token.label()));
      if (!pin->text)
        return fail(Reason::signer_failed, {}, token.name() + ": there is no PIN to log in with");
    }
    return session.log_in(CKU_USER, pin->text);
  };
  ASSAY_TRY(Found found, find_object(tokens, uri, CKO_PRIVATE_KEY, "private key", log_in));

  const Pkcs11Session& session = *found.session;
  const std::string name = found.uri(CKO_PRIVATE_KEY);
  const auto type = session.read_number(found.object, CKA_KEY_TYPE);
  if (type != CKK_RSA && type != CKK_EC && type != CKK_EC_EDWARDS)
    return fail(Reason::crypto_unavailable, {}, name + ": neither RSA nor EC nor Ed25519");
  if (!session.read_flag(found.object, CKA_SIGN, true))
    return fail(Reason::signer_failed, {}, name + ": the key may not sign (CKA_SIGN)");
  if (!session.read_flag(found.object, CKA_ALWAYS_AUTHENTICATE, false)) pin.reset();
  ObjectBytes id = session.read(found.object, CKA_ID).value_or(ObjectBytes());
  auto public_half = read_public_half(session, found.object, *type, id);
  std::vector<std::vector<std::uint8_t>> certificates;
  if (!id.empty()) {
    ASSAY_TRY(const auto objects, session.find(CKO_CERTIFICATE, same_id(id)));
    for (const CK_OBJECT_HANDLE object : objects)
      if (auto value = session.read(object, CKA_VALUE); value && !value->empty())
        certificates.push_back(std::move(*value));
  }
  return Pkcs11Key(
      std::make_unique<Parts>(Parts{std::move(*found.session), found.object, std::move(pin), *type,
                                    std::move(public_half), std::move(certificates)}));
}

const std::optional<SigningKey>& Pkcs11Key::public_half() const { return parts_->public_half; }

const std::vector<std::vector<std::uint8_t>>& Pkcs11Key::certificates() const {
  return parts_->certificates;
}

Result<std::unique_ptr<Signer>> Pkcs11Key::make_signer(SigningKey key) && {
  const auto kind = parts_->type == CKK_RSA  ? SigningAlgorithm::rsa
                    : parts_->type == CKK_EC ? SigningAlgorithm::ecdsa
                                             : SigningAlgorithm::ed25519;
  if (key.algorithm != kind)
    return fail(Reason::key_mismatch, {}, "the token's is another kind of key");
  return std::make_unique<TokenSigner>(std::move(parts_->session), parts_->object,
                                       std::move(parts_->pin), std::move(key));
}

Result<std::vector<std::uint8_t>> read_pkcs11_certificate(const std::string& text) {
  ASSAY_TRY(const Pkcs11Uri uri, Pkcs11Uri::parse(text));
  if (uri.object_class().value_or(CKO_CERTIFICATE) != CKO_CERTIFICATE)
    return fail(Reason::usage, {}, "the PKCS#11 URI names no certificate");
  ASSAY_TRY(const auto tokens, find_tokens_of(uri));
  // Certificates are public: nobody is logged in for them.
  const auto log_in = [](const Pkcs11Session&) -> Result<void> { return {}; };
  ASSAY_TRY(const Found found, find_object(tokens, uri, CKO_CERTIFICATE, "certificate", log_in));
  auto value = found.session->read(found.object, CKA_VALUE);
  if (!value || value->empty())
    return fail(Reason::signer_failed, {}, found.uri(CKO_CERTIFICATE) + ": no CKA_VALUE");
  return std::move(*value);
}

}  // namespace assay
