// A PKCS#11 module: SoftHSM with as many sessions as FEW_SESSIONS says, as small tokens have. How
// often it had none left is written to the file that FEW_SESSIONS_LOG names.

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "testing/softhsm.h"

namespace {

CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST ours;
std::atomic<int> left = 0;
std::atomic<int> refused = 0;

CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void* data, CK_NOTIFY notify,
                   CK_SESSION_HANDLE* session) {
  if (--left < 0) {
    ++left;
    ++refused;
    return CKR_SESSION_COUNT;
  }
  return real->C_OpenSession(slot, flags, data, notify, session);
}

CK_RV close_session(CK_SESSION_HANDLE session) {
  ++left;
  return real->C_CloseSession(session);
}

// As slow as tokens are: threads come while another signs, however busy the machine is.
CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG size, CK_BYTE* value,
           CK_ULONG* value_size) {
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return real->C_Sign(session, data, size, value, value_size);
}

CK_RV finalize(void* reserved) {
  if (const char* log = std::getenv("FEW_SESSIONS_LOG")) std::ofstream(log) << refused << '\n';
  return real->C_Finalize(reserved);
}

}  // namespace

extern "C" CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* library = ::dlopen(assay::SoftHsm::kModule, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  if (get == nullptr || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
  const char* limit = std::getenv("FEW_SESSIONS");
  left = limit == nullptr ? 1 : std::atoi(limit);
  ours = *real;
  ours.C_OpenSession = open_session;
  ours.C_CloseSession = close_session;
  ours.C_Sign = sign;
  ours.C_Finalize = finalize;
  *list = &ours;
  return CKR_OK;
}
