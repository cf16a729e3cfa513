// What stands between a file and dlopen: the check of a library's form. Nothing is loaded.
#include <algorithm>
#include <random>
#include <span>

#include "refusal.h"
#include "runtime/library_file.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span file = std::as_bytes(std::span(data, size));
  const auto read = [&](uint64_t offset, std::span<std::byte> into) {
    const auto rest = file.subspan(std::min<uint64_t>(offset, size));
    const auto found = rest.first(std::min(rest.size(), into.size()));
    std::ranges::copy(found, into.begin());
    return found.size();
  };
  dovetail::fuzz::expect_refusal_or_success(
      [&] { dovetail::runtime::check_library_file(read, size, "file"); });
  return 0;
}

// Only the headers, at a library's begin, are looked at; one time in eight the file is cut.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  constexpr size_t kHeaders = 64 + 12 * 56;
  std::minstd_rand random(seed);
  if (random() % 8 == 0 && size > 0) return std::max<size_t>(1, random() % size);
  const size_t head = std::min(size, kHeaders);
  if (head == 0) return LLVMFuzzerMutate(data, size, max_size);
  LLVMFuzzerMutate(data, head, head);
  return size;
}
