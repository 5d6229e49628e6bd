#include "crypto/pkcs11_token.h"

#include <openssl/crypto.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/name.h"
#include "crypto/pkcs11_codes.h"

namespace assay {

namespace {

// Whether a module is the one that module-name= means: p11-kit's name for it, or its file's without
// the system's "lib" and ".so" (RFC 7512, 2.3).
bool has_name(CK_FUNCTION_LIST* module, const std::string& name) {
  const auto text = [](char* owned) {
    std::string copy = owned == nullptr ? "" : owned;
    std::free(owned);
    return copy;
  };
  if (text(p11_kit_module_get_name(module)) == name) return true;
  std::string stem = std::filesystem::path(text(p11_kit_module_get_filename(module))).stem();
  return stem == name || stem == "lib" + name;
}

CK_BYTE* writable(const std::uint8_t* bytes) { return const_cast<CK_BYTE*>(bytes); }

}  // namespace

Result<std::shared_ptr<const Pkcs11Modules>> Pkcs11Modules::load(const Pkcs11Uri& uri) {
  p11_kit_be_quiet();  // a module that is configured and not installed is nobody's concern here
  auto modules = std::make_shared<Pkcs11Modules>();
  if (const std::string path = uri.module_path(); !path.empty()) {
    CK_FUNCTION_LIST* module = p11_kit_module_load(path.c_str(), 0);
    if (module == nullptr)
      return fail(Reason::signer_failed, {}, "it is no PKCS#11 module: " + encode_name(path));
    const CK_RV code = p11_kit_module_initialize(module);
    if (code != CKR_OK) {
      p11_kit_module_release(module);
      return token_error(encode_name(path), "C_Initialize", code);
    }
    modules->modules_.push_back(module);
    return modules;
  }
  modules->configured_ = p11_kit_modules_load_and_initialize(0);
  if (modules->configured_ == nullptr)
    return fail(Reason::signer_failed, {}, "p11-kit loads no module");
  for (CK_FUNCTION_LIST** at = modules->configured_; *at != nullptr; ++at)
    if (uri.module_name().empty() || has_name(*at, uri.module_name()))
      modules->modules_.push_back(*at);
  return modules;
}

Pkcs11Modules::~Pkcs11Modules() {
  if (configured_ != nullptr) {
    p11_kit_modules_finalize_and_release(configured_);
    return;
  }
  for (CK_FUNCTION_LIST* module : modules_) {
    p11_kit_module_finalize(module);
    p11_kit_module_release(module);
  }
}

std::string Pkcs11Token::label() const {
  return encode_name(padded_text(info.label, sizeof info.label));
}

std::vector<Pkcs11Token> find_tokens(std::shared_ptr<const Pkcs11Modules> modules,
                                     const Pkcs11Uri& uri) {
  std::vector<Pkcs11Token> found;
  for (CK_FUNCTION_LIST* functions : modules->all()) {
    CK_INFO info{};
    if (functions->C_GetInfo(&info) != CKR_OK || !uri.matches_module(info)) continue;
    CK_ULONG count = 0;
    if (functions->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) continue;
    std::vector<CK_SLOT_ID> slots(count);
    if (functions->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) continue;
    slots.resize(count);
    for (const CK_SLOT_ID slot : slots) {
      CK_SLOT_INFO slot_info{};
      Pkcs11Token token{modules, functions, slot, {}};
      if (functions->C_GetSlotInfo(slot, &slot_info) == CKR_OK &&
          functions->C_GetTokenInfo(slot, &token.info) == CKR_OK &&
          (token.info.flags & CKF_TOKEN_INITIALIZED) != 0 && uri.matches_slot(slot, slot_info) &&
          uri.matches_token(token.info))
        found.push_back(std::move(token));
    }
  }
  return found;
}

Result<Pkcs11Session> Pkcs11Session::open(const Pkcs11Token& token, bool* full) {
  CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
  const CK_RV code =
      token.functions->C_OpenSession(token.slot, CKF_SERIAL_SESSION, nullptr, nullptr, &handle);
  if (full != nullptr) *full = code == CKR_SESSION_COUNT;
  if (code != CKR_OK) return token_error(token.name(), "C_OpenSession", code);
  return Pkcs11Session(token, handle);
}

Pkcs11Session::Pkcs11Session(Pkcs11Session&& other) noexcept
    : token_(std::move(other.token_)),
      handle_(std::exchange(other.handle_, CK_INVALID_HANDLE)),
      is_gone_(other.is_gone_) {}

Pkcs11Session::~Pkcs11Session() {
  if (handle_ != CK_INVALID_HANDLE && !is_gone_) token_.functions->C_CloseSession(handle_);
}

Result<void> Pkcs11Session::log_in(CK_USER_TYPE user, const std::optional<std::string>& pin) const {
  CK_RV code = CKR_OK;
  if (pin) {
    std::string copy = *pin;
    CK_UTF8CHAR* text = writable(reinterpret_cast<const std::uint8_t*>(copy.data()));
    code = token_.functions->C_Login(handle_, user, text, copy.size());
    OPENSSL_cleanse(copy.data(), copy.size());
  } else {
    code = token_.functions->C_Login(handle_, user, nullptr, 0);
  }
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return {};
  auto failed = token_error(token_.name(), "C_Login", code);
  // What the token says after the attempt: the next one may be the last.
  CK_TOKEN_INFO now{};
  if (token_.functions->C_GetTokenInfo(token_.slot, &now) == CKR_OK) {
    if ((now.flags & CKF_USER_PIN_LOCKED) != 0)
      failed.error().detail += "; the PIN is locked";
    else if ((now.flags & CKF_USER_PIN_FINAL_TRY) != 0)
      failed.error().detail += "; one try is left";
  }
  return failed;
}

Result<std::vector<CK_OBJECT_HANDLE>> Pkcs11Session::find(
    CK_OBJECT_CLASS object_class, std::vector<CK_ATTRIBUTE> attributes) const {
  attributes.push_back({CKA_CLASS, &object_class, sizeof object_class});
  CK_FUNCTION_LIST* functions = token_.functions;
  CK_RV code = functions->C_FindObjectsInit(handle_, attributes.data(), attributes.size());
  if (code != CKR_OK) return token_error(token_.name(), "C_FindObjectsInit", code);
  std::vector<CK_OBJECT_HANDLE> found;
  for (;;) {
    std::array<CK_OBJECT_HANDLE, 64> some{};
    CK_ULONG count = 0;
    code = functions->C_FindObjects(handle_, some.data(), some.size(), &count);
    if (code != CKR_OK || count == 0) break;
    found.insert(found.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
  }
  functions->C_FindObjectsFinal(handle_);
  if (code != CKR_OK) return token_error(token_.name(), "C_FindObjects", code);
  return found;
}

std::optional<ObjectBytes> Pkcs11Session::read(CK_OBJECT_HANDLE object,
                                               CK_ATTRIBUTE_TYPE type) const {
  CK_ATTRIBUTE attribute{type, nullptr, 0};
  const auto get = [&] {
    return token_.functions->C_GetAttributeValue(handle_, object, &attribute, 1) == CKR_OK &&
           attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION;
  };
  constexpr CK_ULONG kLargest = 1 << 20;
  if (!get() || attribute.ulValueLen > kLargest) return std::nullopt;
  ObjectBytes value(attribute.ulValueLen);
  attribute.pValue = value.data();
  if (!get() || attribute.ulValueLen > value.size()) return std::nullopt;
  value.resize(attribute.ulValueLen);
  return value;
}

std::optional<CK_ULONG> Pkcs11Session::read_number(CK_OBJECT_HANDLE object,
                                                   CK_ATTRIBUTE_TYPE type) const {
  CK_ULONG value = 0;
  const auto bytes = read(object, type);
  if (!bytes || bytes->size() != sizeof value) return std::nullopt;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}

bool Pkcs11Session::read_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                              bool otherwise) const {
  const auto bytes = read(object, type);
  return bytes && bytes->size() == 1 ? bytes->front() != 0 : otherwise;
}

Result<ObjectBytes> Pkcs11Session::sign(CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key,
                                        ObjectBytes data, std::size_t most,
                                        const std::optional<std::string>* pin) {
  const auto failed = [this](const char* function, CK_RV code) {
    is_gone_ = code == CKR_SESSION_HANDLE_INVALID || code == CKR_SESSION_CLOSED;
    return token_error(token_.name(), function, code);
  };
  CK_MECHANISM how{mechanism, nullptr, 0};
  CK_RV code = token_.functions->C_SignInit(handle_, &how, key);
  if (code != CKR_OK) return failed("C_SignInit", code);
  ObjectBytes value(most);
  CK_ULONG size = value.size();
  if (pin != nullptr) {
    if (auto in = log_in(CKU_CONTEXT_SPECIFIC, *pin); !in) {
      // Ends the operation, which would be in the way of the session's next one.
      token_.functions->C_Sign(handle_, data.data(), data.size(), value.data(), &size);
      return std::unexpected(std::move(in.error()));
    }
  }
  code = token_.functions->C_Sign(handle_, data.data(), data.size(), value.data(), &size);
  if (code != CKR_OK) return failed("C_Sign", code);
  value.resize(std::min<std::size_t>(size, most));
  return value;
}

}  // namespace assay
