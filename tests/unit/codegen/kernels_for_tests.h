// What the tests of code generation share: the CPU levels of this machine, values at the edges of
// each type, and functions that apply an operation to arrays.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "codegen/codegen.h"
#include "ir/loop.h"
#include "ir/target.h"

namespace dovetail::codegen {

inline std::vector<std::string> level_names_of_host() {
  if (ir::host_target().family == ir::Family::kAArch64) return {"armv8-a"};
  return {"x86-64", "x86-64-v2", "x86-64-v2+fma", "x86-64-v3", "x86-64-v4"};
}
inline ir::CpuLevel host_level(const std::string& name) {
  return ir::cpu_level(ir::host_target(), name);
}
inline bool host_has(const ir::CpuLevel& level) {
  return (level.features & ~host_level("native").features) == 0;
}
inline loop::Function at_level(loop::Function function, const ir::CpuLevel& level) {
  function.llvm_cpu = level.llvm_cpu;
  function.llvm_features = level.llvm_features;
  return function;
}

// Tests that run once per CPU level; levels that this machine lacks are skipped.
class OnEveryLevel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    level_ = host_level(GetParam());
    if (!host_has(level_)) GTEST_SKIP() << "this machine lacks " << level_.name;
  }
  ir::CpuLevel level_;
};
inline std::string level_label(const testing::TestParamInfo<std::string>& info) {
  std::string label = info.param;
  for (char& c : label) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return label;
}
#define DOVETAIL_ON_EVERY_LEVEL(suite) \
  INSTANTIATE_TEST_SUITE_P(Levels, suite, testing::ValuesIn(level_names_of_host()), level_label)

template <class T>
constexpr ir::DType dtype_of() {
  using ir::DType;
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, int8_t>) return DType::kI8;
  if constexpr (std::is_same_v<T, int16_t>) return DType::kI16;
  if constexpr (std::is_same_v<T, int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, int64_t>) return DType::kI64;
  if constexpr (std::is_same_v<T, uint8_t>) return DType::kU8;
  if constexpr (std::is_same_v<T, uint16_t>) return DType::kU16;
  if constexpr (std::is_same_v<T, uint32_t>) return DType::kU32;
  if constexpr (std::is_same_v<T, uint64_t>) return DType::kU64;
  return DType::kBool;
}

// Calls visit(T{}) for every arithmetic type.
template <class F>
void for_each_type(F visit) {
  visit(float{});
  visit(double{});
  visit(int8_t{});
  visit(int16_t{});
  visit(int32_t{});
  visit(int64_t{});
  visit(uint8_t{});
  visit(uint16_t{});
  visit(uint32_t{});
  visit(uint64_t{});
}

// Values at the edges of T and of what it is cast to, and some others.
template <class T>
std::vector<T> edges() {
  using Limits = std::numeric_limits<T>;
  std::mt19937_64 random(7);
  std::vector<T> values;
  if constexpr (std::is_floating_point_v<T>) {
    values = {0,
              T(-0.0),
              T(0.25),
              T(0.5),
              T(1.5),
              T(2.5),
              T(0.49999997),
              1,
              3,
              T(1e-40),
              Limits::denorm_min(),
              Limits::min(),
              Limits::max(),
              Limits::infinity(),
              Limits::quiet_NaN(),
              Limits::epsilon(),
              T(8388607.5),
              T(8388609),
              T(4503599627370495.5),
              T(126.5),
              T(127.9),
              T(128),
              T(255.5),
              T(256),
              T(32767.9),
              T(32768),
              T(65504),
              T(65519.99),
              T(65520),
              T(2147483520.0),
              T(2147483648.0),
              T(4294967296.0),
              T(9223372036854775808.0),
              T(18446744073709551616.0),
              T(9223371487098961920.0),
              T(1e10),
              T(5.9604645e-8),
              T(2.98023224e-8),
              T(2.99e-8),
              T(3.3895314e38)};
    const size_t positive = values.size();
    for (size_t i = 0; i < positive; ++i) values.push_back(-values[i]);
    std::uniform_real_distribution<double> some(-300, 300);
    for (int i = 0; i < 16; ++i) values.push_back(static_cast<T>(some(random)));
  } else {
    values = {0,
              1,
              2,
              3,
              7,
              10,
              31,
              63,
              64,
              Limits::max(),
              Limits::min(),
              T(Limits::max() - 1),
              T(Limits::min() + 1),
              T(Limits::max() / 2),
              T(-1),
              T(-2),
              T(-7),
              T(8 * sizeof(T) - 1),
              T(8 * sizeof(T)),
              T(8 * sizeof(T) + 1)};
    for (int i = 0; i < 16; ++i) values.push_back(static_cast<T>(random() >> (random() % 64)));
  }
  return values;
}

// Equal bits, or both NaN.
template <class T>
bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// void f(const A* a, const B* b, const C* c, R* result, int64_t n), n a multiple of `lanes`.
using Apply = std::function<loop::Value(loop::Builder&, const std::vector<loop::Value>&)>;
using ArrayFunction = void(const void*, const void*, const void*, void*, int64_t);

inline loop::Function array_function(const std::string& name, const std::vector<ir::DType>& inputs,
                                     int lanes, const Apply& apply) {
  loop::Builder b(name, loop::Convention::kPlain);
  std::vector<loop::Value> pointers;
  for (const char* pointer : {"a", "b", "c"}) pointers.push_back(b.pointer_parameter(pointer));
  const loop::Value result = b.pointer_parameter("result");
  const loop::Value n = b.int_parameter("n");
  b.for_each("i", b.constant(int64_t{0}), n, lanes, [&](loop::Value i) {
    std::vector<loop::Value> values;
    for (size_t k = 0; k < inputs.size(); ++k) {
      values.push_back(b.load({inputs[k], lanes, false}, pointers[k], b.element(i, inputs[k])));
    }
    const loop::Value value = apply(b, values);
    const loop::Value at = value.lanes() == lanes ? i : i / lanes;
    b.store(value, result, b.element(at, value.dtype()));
  });
  return b.finish();
}

}  // namespace dovetail::codegen
