#include "unit/kernels/harness.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <random>

#include "ir/float16.h"

namespace dovetail::kernels::testing {
namespace {

using ir::DType;
using ir::TensorData;

constexpr std::byte kUntouched{0xa5};

// Bytes that end where a forbidden page begins, and start behind another one.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t size) : size_(size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inside = (size + page - 1) / page * page;
    mapped_ = inside + 2 * page;
    void* mapping = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(mapping);
    if (inside > 0 && mprotect(base_ + page, inside, PROT_READ | PROT_WRITE) != 0)
      throw std::bad_alloc();
    data_ = base_ + page + inside - size;
    std::memset(base_ + page, static_cast<int>(kUntouched), inside);
  }
  ~GuardedBytes() { munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  size_t size_, mapped_;
  std::byte* base_;
  std::byte* data_;
};

int64_t count_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

// A tensor's memory: extents and strides with the symbols filled in.
struct Memory {
  Memory(const Layout& layout, const ir::SymbolValues& symbols) : dtype(layout.dtype) {
    int64_t last = 0;
    for (size_t i = 0; i < layout.shape.size(); ++i) {
      shape.push_back(layout.shape[i].evaluate(symbols));
      strides.push_back(layout.strides[i].evaluate(symbols));
      last += (shape.back() - 1) * strides.back();
    }
    const int64_t elements = count_of(shape) == 0 ? 0 : last + 1;
    bytes = std::make_unique<GuardedBytes>(elements * ir::size_of(dtype));
  }

  // Byte offset of element `i` in row-major order.
  int64_t offset(int64_t i) const {
    int64_t at = 0;
    for (size_t axis = shape.size(); axis-- > 0;) {
      at += i % shape[axis] * strides[axis];
      i /= shape[axis];
    }
    return at * ir::size_of(dtype);
  }

  void fill(const TensorData& data) const {
    ASSERT_EQ(data.shape(), shape);
    ASSERT_EQ(data.dtype(), dtype);
    const int size = ir::size_of(dtype);
    for (int64_t i = 0; i < data.element_count(); ++i) {
      std::memcpy(bytes->data() + offset(i), data.bytes().data() + i * size, size);
    }
  }

  TensorData take() const {
    const int size = ir::size_of(dtype);
    std::vector<std::byte> compact(count_of(shape) * size);
    for (size_t i = 0; i < compact.size() / size; ++i) {
      std::byte* element = bytes->data() + offset(static_cast<int64_t>(i));
      std::memcpy(compact.data() + i * size, element, size);
      std::memset(element, static_cast<int>(kUntouched), size);
    }
    for (size_t i = 0; i < bytes->size(); ++i) {
      EXPECT_EQ(bytes->data()[i], kUntouched) << "byte " << i << " between elements was written";
      if (bytes->data()[i] != kUntouched) break;
    }
    return TensorData(dtype, shape, std::move(compact));
  }

  DType dtype;
  std::vector<int64_t> shape, strides;
  std::unique_ptr<GuardedBytes> bytes;
};

uint64_t word_of(const Argument& argument, const std::vector<Memory>& tensors, std::byte* scratch,
                 const ir::SymbolValues& symbols) {
  const int64_t value = argument.value.evaluate(symbols);
  if (argument.kind == Argument::Kind::kInt) return static_cast<uint64_t>(value);
  std::byte* base = argument.kind == Argument::Kind::kScratch
                        ? scratch
                        : tensors.at(argument.tensor).bytes->data();
  return reinterpret_cast<uint64_t>(base) + static_cast<uint64_t>(value);
}

std::vector<int64_t> evaluate(const ir::Shape& shape, const ir::SymbolValues& symbols) {
  std::vector<int64_t> result;
  for (const ir::Dim& extent : shape) result.push_back(extent.evaluate(symbols));
  return result;
}

std::string text_of(const ir::SymbolValues& symbols) {
  std::string text;
  for (const auto& [name, value] : symbols) text += fmt::format(" {}={}", name, value);
  return text;
}

}  // namespace

Layout layout_of(const ir::TensorType& type, int64_t gap) {
  Layout layout{type.dtype, type.shape, ir::compact_strides(type.shape)};
  ir::Dim stride = 1;
  for (size_t i = type.shape.size(); i-- > 0;) {
    layout.strides[i] = stride;
    stride = stride * type.shape[i] + ir::Dim(gap);
  }
  return layout;
}

std::vector<ir::CpuLevel> host_levels() {
  const ir::TargetInfo& host = ir::host_target();
  const uint64_t features = ir::cpu_level(host, "native").features;
  std::vector<ir::CpuLevel> levels = {ir::baseline(host)};
  if (host.family != ir::Family::kX86_64) return levels;
  for (const char* name : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    const ir::CpuLevel level = ir::cpu_level(host, name);
    if ((level.features & ~features) == 0) levels.push_back(level);
  }
  return levels;
}

TensorData random_tensor(DType dtype, const std::vector<int64_t>& shape, uint32_t seed) {
  std::mt19937 generator(seed);
  const int size = ir::size_of(dtype);
  std::vector<std::byte> bytes(count_of(shape) * size);
  const auto put = [&](size_t i, auto value) {
    std::memcpy(bytes.data() + i * size, &value, size);
  };
  for (size_t i = 0; i < bytes.size() / size; ++i) {
    const double real = static_cast<double>(generator()) / 2147483648.0 - 1.0;
    const auto whole = static_cast<int64_t>(std::floor(real * 10));
    if (dtype == DType::kF32) {
      put(i, static_cast<float>(real));
    } else if (dtype == DType::kF64) {
      put(i, real);
    } else if (dtype == DType::kF16 || dtype == DType::kBF16) {
      // Multiples of 1/8 are exact in both.
      const auto bits =
          static_cast<uint16_t>(dtype == DType::kF16 ? ir::float_to_half(whole / 8.0F)
                                                     : ir::float_to_bfloat16(whole / 8.0F));
      put(i, bits);
    } else {
      put(i, dtype == DType::kBool        ? whole & 1
             : ir::is_unsigned_int(dtype) ? std::abs(whole)
                                          : whole);
    }
  }
  return TensorData(dtype, shape, std::move(bytes));
}

CompiledCalls::CompiledCalls(Request request)
    : request_(std::move(request)), calls_(make_calls(request_)) {
  loop::Module module;
  for (size_t i = 0; i < calls_.size(); ++i) {
    calls_[i].function.name = fmt::format("kernel{}", i);
    module.functions.push_back(calls_[i].function);
  }
  code_ = std::make_unique<codegen::HostCode>(module);
}

std::vector<TensorData> CompiledCalls::run(const std::vector<TensorData>& operands,
                                           const ir::SymbolValues& symbols) const {
  std::vector<Memory> tensors;
  for (const Layout& layout : request_.operands) tensors.emplace_back(layout, symbols);
  for (const Layout& layout : request_.results) tensors.emplace_back(layout, symbols);
  for (size_t i = 0; i < operands.size(); ++i) tensors[i].fill(operands[i]);
  for (size_t i = 0; i < calls_.size(); ++i) {
    const Call& call = calls_[i];
    GuardedBytes scratch(call.scratch.evaluate(symbols));
    std::vector<uint64_t> words;
    for (const Argument& argument : call.arguments) {
      words.push_back(word_of(argument, tensors, scratch.data(), symbols));
    }
    auto* task = code_->function<void(void*, int64_t, int32_t)>(fmt::format("kernel{}", i));
    // Any order will do.
    for (int64_t chunk = call.chunks.evaluate(symbols); chunk-- > 0;) task(words.data(), chunk, 0);
  }
  std::vector<TensorData> results;
  for (size_t i = request_.operands.size(); i < tensors.size(); ++i)
    results.push_back(tensors[i].take());
  return results;
}

void expect_close(const TensorData& actual, const TensorData& expected, double tolerance) {
  ASSERT_EQ(actual.shape(), expected.shape());
  ASSERT_EQ(actual.dtype(), expected.dtype());
  double largest = 0;
  double worst = 0;
  int64_t at = -1;
  for (int64_t i = 0; i < expected.element_count(); ++i) {
    if (!ir::is_float(expected.dtype())) {
      ASSERT_EQ(actual.as_int(i), expected.as_int(i)) << "element " << i;
      continue;
    }
    const double a = actual.as_double(i);
    const double b = expected.as_double(i);
    if (!std::isfinite(b)) {
      ASSERT_TRUE(std::isnan(b) ? std::isnan(a) : a == b)
          << "element " << i << ": " << a << ", expected " << b;
      continue;
    }
    largest = std::max(largest, std::abs(b));
    if (std::isnan(a) || std::abs(a - b) > worst) {
      worst = std::isnan(a) ? INFINITY : std::abs(a - b);
      at = i;
    }
  }
  if (at < 0) return;
  EXPECT_LE(worst, tolerance * largest) << "element " << at << ": " << actual.as_double(at)
                                        << ", expected " << expected.as_double(at);
}

void expect_matches_evaluator(const ir::Node& node, const Check& check) {
  const auto gap = [&](size_t i) { return i < check.gaps.size() ? check.gaps[i] : 0; };
  Request request{.node = &node,
                  .operands = {},
                  .results = {},
                  .level = nullptr,
                  .symbols = {},
                  .strict = check.strict};
  for (const ir::Value* operand : node.operands) {
    request.operands.push_back(layout_of(operand->type, gap(request.operands.size())));
  }
  for (const auto& result : node.results) {
    request.results.push_back(
        layout_of(result->type, gap(node.operands.size() + request.results.size())));
  }
  for (const ir::CpuLevel& level : check.levels) {
    request.level = &level;
    const CompiledCalls compiled(request);
    for (const ir::SymbolValues& symbols : check.symbols) {
      SCOPED_TRACE(level.name + text_of(symbols));
      std::vector<TensorData> operands;
      for (size_t i = 0; i < node.operands.size(); ++i) {
        const ir::TensorType& type = node.operands[i]->type;
        operands.push_back(
            random_tensor(type.dtype, evaluate(type.shape, symbols), static_cast<uint32_t>(i + 1)));
      }
      const std::vector<TensorData> expected = ir::evaluate(node, operands, symbols);
      const std::vector<TensorData> actual = compiled.run(operands, symbols);
      for (size_t i = 0; i < expected.size(); ++i)
        expect_close(actual[i], expected[i], check.tolerance);
    }
  }
}

}  // namespace dovetail::kernels::testing
