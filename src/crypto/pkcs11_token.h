// crypto/pkcs11_token.h - PKCS#11 (2.40) as far as signing needs it: modules, tokens, sessions,
// objects. Loaded by p11-kit, which shares a module with whoever else uses it in this process.

#pragma once

#include <p11-kit/p11-kit.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/pkcs11_uri.h"

namespace assay {

// Modules that are loaded and initialized, until this is gone.
class Pkcs11Modules {
 public:
  // Those that p11-kit is configured with, or the one that the URI names.
  static Result<std::shared_ptr<const Pkcs11Modules>> load(const Pkcs11Uri& uri);
  Pkcs11Modules() = default;
  Pkcs11Modules(const Pkcs11Modules&) = delete;
  Pkcs11Modules& operator=(const Pkcs11Modules&) = delete;
  ~Pkcs11Modules();

  const std::vector<CK_FUNCTION_LIST*>& all() const { return modules_; }

 private:
  std::vector<CK_FUNCTION_LIST*> modules_;
  CK_FUNCTION_LIST** configured_ = nullptr;
};

// A token that is present. Copies share the module.
struct Pkcs11Token {
  std::shared_ptr<const Pkcs11Modules> modules;
  CK_FUNCTION_LIST* functions = nullptr;
  CK_SLOT_ID slot = 0;
  CK_TOKEN_INFO info{};

  std::string label() const;
  std::string name() const { return "token \"" + label() + '"'; }  // as messages have it
  bool wants_login() const { return (info.flags & CKF_LOGIN_REQUIRED) != 0; }
  bool has_pin_pad() const { return (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0; }
};

// Initialized tokens that the URI does not rule out. Modules and slots that do not answer are as
// if they were not there.
std::vector<Pkcs11Token> find_tokens(std::shared_ptr<const Pkcs11Modules> modules,
                                     const Pkcs11Uri& uri);

using ObjectBytes = std::vector<std::uint8_t>;

// A session: one operation at a time, by one thread at a time.
class Pkcs11Session {
 public:
  // `full` is told whether the token has no more sessions to give (CKR_SESSION_COUNT).
  static Result<Pkcs11Session> open(const Pkcs11Token& token, bool* full = nullptr);
  Pkcs11Session(Pkcs11Session&& other) noexcept;
  Pkcs11Session& operator=(Pkcs11Session&&) = delete;
  ~Pkcs11Session();

  const Pkcs11Token& token() const { return token_; }
  CK_SESSION_HANDLE handle() const { return handle_; }
  bool is_gone() const { return is_gone_; }

  // All sessions of the token in this process are logged in with one. Without a PIN: at the token's
  // own keys.
  Result<void> log_in(CK_USER_TYPE user, const std::optional<std::string>& pin) const;

  Result<std::vector<CK_OBJECT_HANDLE>> find(CK_OBJECT_CLASS object_class,
                                             std::vector<CK_ATTRIBUTE> attributes) const;
  // Nothing where the object has no such attribute, or does not tell.
  std::optional<ObjectBytes> read(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
  std::optional<CK_ULONG> read_number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
  bool read_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool otherwise) const;

  // `pin`: where the key wants one for each signature (CKA_ALWAYS_AUTHENTICATE).
  Result<ObjectBytes> sign(CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key, ObjectBytes data,
                           std::size_t most, const std::optional<std::string>* pin);

 private:
  Pkcs11Session(Pkcs11Token token, CK_SESSION_HANDLE handle)
      : token_(std::move(token)), handle_(handle) {}

  Pkcs11Token token_;
  CK_SESSION_HANDLE handle_ = CK_INVALID_HANDLE;
  bool is_gone_ = false;  // the token closed it
};

}  // namespace assay
