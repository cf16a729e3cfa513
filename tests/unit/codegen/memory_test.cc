// Loads and stores: unaligned ones, masked ones that must not touch a byte past the count,
// pointers.
#include <sys/mman.h>
#include <unistd.h>

#include "kernels_for_tests.h"

namespace dovetail::codegen {
namespace {

using ir::DType;
using loop::Builder;
using loop::Value;

class Memory : public OnEveryLevel {};

// Two pages of which the second cannot be touched.
class GuardedPage {
 public:
  GuardedPage() : size_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void* memory =
        mmap(nullptr, 2 * size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    begin_ = static_cast<uint8_t*>(memory);
    EXPECT_EQ(mprotect(begin_ + size_, size_, PROT_NONE), 0);
  }
  ~GuardedPage() { munmap(begin_, 2 * size_); }
  GuardedPage(const GuardedPage&) = delete;
  GuardedPage& operator=(const GuardedPage&) = delete;
  uint8_t* end() const { return begin_ + size_; }

 private:
  size_t size_;
  uint8_t* begin_ = nullptr;
};

// void f(const T* from, T* to, T* whole, int64_t load_count, int64_t store_count): loads the first
// lanes of `from`, stores them all to `whole` and the first ones of them to `to`.
using Masked = void(const void*, void*, void*, int64_t, int64_t);

loop::Function masked(const std::string& name, loop::Type type, int64_t constant_count) {
  Builder b(name, loop::Convention::kPlain);
  const Value from = b.pointer_parameter("from");
  const Value to = b.pointer_parameter("to");
  const Value whole = b.pointer_parameter("whole");
  Value load_count = b.int_parameter("load_count");
  Value store_count = b.int_parameter("store_count");
  if (constant_count >= 0) load_count = store_count = b.constant(constant_count);
  const Value zero = b.constant(int64_t{0});
  const Value value = b.load_masked(type, from, zero, load_count);
  b.store(value, whole, zero);
  b.store_masked(value, to, zero, store_count);
  return b.finish();
}

void check_masked(Masked* function, loop::Type type, int64_t load_count, int64_t store_count) {
  const GuardedPage source;
  const GuardedPage target;
  const auto size = static_cast<int64_t>(ir::size_of(type.dtype));
  const auto bytes_of = [&](int64_t count) {
    return size * std::clamp<int64_t>(count, 0, type.lanes);
  };
  const int64_t loaded = bytes_of(load_count);
  const int64_t stored = bytes_of(store_count);
  uint8_t* from = source.end() - loaded;
  uint8_t* to = target.end() - stored;
  const bool bools = type.dtype == DType::kBool;
  for (int64_t i = 0; i < loaded; ++i) from[i] = static_cast<uint8_t>(bools ? i % 2 : i + 1);
  std::memset(to - 64, 0xcc, static_cast<size_t>(64 + stored));
  std::vector<uint8_t> whole(static_cast<size_t>(size * type.lanes), 0xcc);
  function(from, to, whole.data(), load_count, store_count);
  for (int64_t i = 0; i < size * type.lanes; ++i) {
    const int wanted = i >= loaded ? 0
                       : bools     ? static_cast<int>(i % 2)
                                   : static_cast<uint8_t>(i + 1);
    ASSERT_EQ(whole[i], wanted) << "byte " << i;
    ASSERT_TRUE(i >= stored || to[i] == wanted) << "stored byte " << i;
  }
  for (int64_t i = 1; i <= 64; ++i) ASSERT_EQ(to[-i], 0xcc) << "touched before the first byte";
}

TEST_P(Memory, MaskedTouchesOnlyTheFirstLanes) {
  const std::vector<DType> dtypes = {DType::kF32, DType::kF64, DType::kI8,  DType::kF16,
                                     DType::kI32, DType::kI64, DType::kBool};
  for (const DType dtype : dtypes) {
    loop::Module module;
    const auto name = [](int lanes, int64_t count) {
      return std::to_string(lanes) + "_" + std::to_string(count);
    };
    for (const int lanes : {1, 4, 8, 16, 32}) {
      for (int64_t count = -1; count <= lanes; count += lanes > 8 && count > 2 ? 5 : 1) {
        module.functions.push_back(
            at_level(masked(name(lanes, count), {dtype, lanes, false}, count), level_));
      }
    }
    const HostCode code(module);
    for (const int lanes : {1, 4, 8, 16, 32}) {
      const loop::Type type{dtype, lanes, false};
      SCOPED_TRACE(std::string(ir::name_of(dtype)) + " " + std::to_string(lanes));
      for (int64_t count = -1; count <= lanes; count += lanes > 8 && count > 2 ? 5 : 1) {
        SCOPED_TRACE(count);
        auto* function = code.function<Masked>(name(lanes, count));
        if (count >= 0) {
          check_masked(function, type, count, count);
          continue;
        }
        for (int64_t at_run_time = 0; at_run_time <= lanes; ++at_run_time) {
          SCOPED_TRACE(at_run_time);
          check_masked(function, type, at_run_time, lanes - at_run_time);
        }
        // Counts far outside of the lanes.
        constexpr int64_t kMany = int64_t{1} << 32;
        check_masked(function, type, kMany + 1, -kMany + 1);
        check_masked(function, type, std::numeric_limits<int64_t>::max(), 0);
        check_masked(function, type, lanes, std::numeric_limits<int64_t>::min());
      }
    }
  }
}

TEST_P(Memory, LoadsAndStoresNeedNoAlignment) {
  Builder b("copy", loop::Convention::kPlain);
  const Value from = b.pointer_parameter("from");
  const Value to = b.pointer_parameter("to");
  const Value n = b.int_parameter("n");
  b.for_each("i", b.constant(int64_t{0}), n, 64,
             [&](Value i) { b.store(b.load(loop::vector(DType::kF32, 16), from, i), to, i); });
  loop::Module module;
  module.functions.push_back(at_level(b.finish(), level_));
  const HostCode code(module);
  std::vector<uint8_t> source(400);
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(i * 7);
  for (int shift = 0; shift < 9; ++shift) {
    std::vector<uint8_t> target(400, 0xcc);
    code.function<void(const void*, void*, int64_t)>("copy")(source.data() + shift,
                                                             target.data() + 2 * shift + 1, 256);
    for (int i = 0; i < 256; ++i) ASSERT_EQ(target[2 * shift + 1 + i], source[shift + i]);
    ASSERT_EQ(target[2 * shift], 0xcc);
    ASSERT_EQ(target[2 * shift + 257], 0xcc);
  }
}

TEST_P(Memory, PointersAndAddresses) {
  Builder b("walk", loop::Convention::kPlain);
  const Value table = b.pointer_parameter("table");
  const Value out = b.pointer_parameter("out");
  const Value second = b.load_pointer(table, 1);
  const Value inner = b.address(second, b.constant(int64_t{4}));
  b.store(b.load(loop::scalar(DType::kI32), inner, b.constant(int64_t{8})), out,
          b.constant(int64_t{0}));
  b.store(inner, out, b.constant(int64_t{8}));
  loop::Module module;
  module.functions.push_back(at_level(b.finish(), level_));
  const int32_t numbers[] = {10, 11, 12, 13, 14};
  const void* pointers[] = {nullptr, numbers};
  int64_t result[2] = {0, 0};
  HostCode(module).function<void(const void*, void*)>("walk")(pointers, result);
  EXPECT_EQ(result[0], 13);
  EXPECT_EQ(reinterpret_cast<const int32_t*>(result[1]), numbers + 1);
}

DOVETAIL_ON_EVERY_LEVEL(Memory);

// Whatever the address, nothing happens.
TEST_P(Memory, PrefetchesFromAnywhere) {
  Builder b("prefetches", loop::Convention::kPlain);
  const Value at = b.pointer_parameter("at");
  const Value offset = b.int_parameter("offset");
  b.prefetch(at, offset);
  const GuardedPage page;
  const HostCode code({{at_level(b.finish(), level_)}, {}});
  auto* prefetches = code.function<void(const void*, int64_t)>("prefetches");
  for (const int64_t offset : {int64_t{-64}, int64_t{0}, int64_t{1} << 40, INT64_MAX, INT64_MIN}) {
    prefetches(page.end(), offset);
    prefetches(nullptr, offset);
  }
}

}  // namespace
}  // namespace dovetail::codegen
