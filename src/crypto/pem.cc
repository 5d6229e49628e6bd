#include "crypto/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>

namespace assay {

namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(void* memory) const { OPENSSL_free(memory); }
};

}  // namespace

Result<std::vector<PemBlock>> parse_pem(View text) {
  const std::unique_ptr<BIO, Free> bio(
      BIO_new_mem_buf(text.bytes().data(), static_cast<int>(text.size())));
  if (!bio) return fail(Reason::crypto_failed, {}, "BIO_new_mem_buf");
  std::vector<PemBlock> blocks;
  for (;;) {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &label, &header, &data, &size) != 1) break;
    const std::unique_ptr<void, Free> label_owner(label);
    const std::unique_ptr<void, Free> header_owner(header);
    const std::unique_ptr<void, Free> data_owner(data);
    blocks.push_back({label, {data, data + size}});
  }
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  // The end of the text is reported as a missing start line.
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE || blocks.empty())
    return fail(Reason::not_pem, text.extent(),
                ERR_reason_error_string(error) == nullptr ? "" : ERR_reason_error_string(error));
  return blocks;
}

}  // namespace assay
