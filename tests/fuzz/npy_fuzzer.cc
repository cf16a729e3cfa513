// The reader of .npy files.
#include "npy.h"

#include <span>

#include "refusal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dovetail::fuzz::expect_refusal_or_success(
      [&] { dovetail::tool::parse_npy(std::as_bytes(std::span(data, size)), "file"); });
  return 0;
}
