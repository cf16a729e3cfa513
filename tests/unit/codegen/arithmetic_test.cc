// Every arithmetic operation on every type, scalar and vector, at every CPU level of this machine,
// against C++.
#include "kernels_for_tests.h"

namespace dovetail::codegen {
namespace {

using loop::Builder;
using loop::Opcode;
using loop::Value;

class Arithmetic : public OnEveryLevel {};

constexpr int kLanes[] = {1, 4, 16, 32};

template <class T>
struct Case {
  std::string name;
  Opcode op;
  int operands;
  std::function<T(T, T, T)> reference;
};

// Integers wrap around.
template <class T>
uint64_t word(T value) {
  return static_cast<uint64_t>(value);
}

// Rounds the product before the sum whatever the compiler of this test would do.
template <class T>
T multiply_add(T a, T b, T c) {
  volatile T product = a * b;
  return product + c;
}

template <class T>
std::vector<Case<T>> float_cases(bool fused) {
  return {
      {"add", Opcode::kAdd, 2, [](T a, T b, T) { return a + b; }},
      {"sub", Opcode::kSub, 2, [](T a, T b, T) { return a - b; }},
      {"mul", Opcode::kMul, 2, [](T a, T b, T) { return a * b; }},
      {"div", Opcode::kDiv, 2, [](T a, T b, T) { return a / b; }},
      {"min", Opcode::kMin, 2, [](T a, T b, T) { return a < b ? a : b; }},
      {"max", Opcode::kMax, 2, [](T a, T b, T) { return a > b ? a : b; }},
      {"neg", Opcode::kNeg, 1, [](T a, T, T) { return -a; }},
      {"abs", Opcode::kAbs, 1, [](T a, T, T) { return std::fabs(a); }},
      {"sqrt", Opcode::kSqrt, 1, [](T a, T, T) { return std::sqrt(a); }},
      {"floor", Opcode::kFloor, 1, [](T a, T, T) { return std::floor(a); }},
      {"ceil", Opcode::kCeil, 1, [](T a, T, T) { return std::ceil(a); }},
      {"trunc", Opcode::kTrunc, 1, [](T a, T, T) { return std::trunc(a); }},
      {"round_even", Opcode::kRoundEven, 1, [](T a, T, T) { return std::nearbyint(a); }},
      {"fma", Opcode::kFma, 3,
       [fused](T a, T b, T c) { return fused ? std::fma(a, b, c) : multiply_add(a, b, c); }},
  };
}

template <class T>
T divided(bool remainder, T a, T b) {
  if (b == 0) return 0;
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) {
    return remainder ? T{0} : static_cast<T>(0 - word(a));
  }
  return static_cast<T>(remainder ? a % b : a / b);
}

template <class T>
std::vector<Case<T>> integer_cases() {
  constexpr int kBits = 8 * sizeof(T);
  using U = std::make_unsigned_t<T>;
  const auto in_range = [](T count) { return static_cast<U>(count) < kBits; };
  return {
      {"add", Opcode::kAdd, 2, [](T a, T b, T) { return static_cast<T>(word(a) + word(b)); }},
      {"sub", Opcode::kSub, 2, [](T a, T b, T) { return static_cast<T>(word(a) - word(b)); }},
      {"mul", Opcode::kMul, 2, [](T a, T b, T) { return static_cast<T>(word(a) * word(b)); }},
      {"div", Opcode::kDiv, 2, [](T a, T b, T) { return divided(false, a, b); }},
      {"rem", Opcode::kRem, 2, [](T a, T b, T) { return divided(true, a, b); }},
      {"min", Opcode::kMin, 2, [](T a, T b, T) { return a < b ? a : b; }},
      {"max", Opcode::kMax, 2, [](T a, T b, T) { return a > b ? a : b; }},
      {"and", Opcode::kAnd, 2, [](T a, T b, T) { return static_cast<T>(a & b); }},
      {"or", Opcode::kOr, 2, [](T a, T b, T) { return static_cast<T>(a | b); }},
      {"xor", Opcode::kXor, 2, [](T a, T b, T) { return static_cast<T>(a ^ b); }},
      {"shl", Opcode::kShl, 2,
       [=](T a, T b, T) { return in_range(b) ? static_cast<T>(word(a) << b) : T{0}; }},
      {"shr", Opcode::kShr, 2,
       [=](T a, T b, T) {
         return in_range(b) ? static_cast<T>(a >> b) : static_cast<T>(a < 0 ? -1 : 0);
       }},
      {"neg", Opcode::kNeg, 1, [](T a, T, T) { return static_cast<T>(0 - word(a)); }},
      {"not", Opcode::kNot, 1, [](T a, T, T) { return static_cast<T>(~a); }},
      {"abs", Opcode::kAbs, 1, [](T a, T, T) { return a < 0 ? static_cast<T>(0 - word(a)) : a; }},
      {"floor", Opcode::kFloor, 1, [](T a, T, T) { return a; }},
      {"round_even", Opcode::kRoundEven, 1, [](T a, T, T) { return a; }},
  };
}

Value apply(Builder& b, Opcode op, const std::vector<Value>& x) {
  if (op == Opcode::kFma) return b.fma(x[0], x[1], x[2]);
  return x.size() == 1 ? b.unary(op, x[0]) : b.binary(op, x[0], x[1]);
}

// All pairs of edge values, with a third one; as many as a multiple of every number of lanes.
template <class T>
std::vector<std::vector<T>> operands_of_cases() {
  const std::vector<T> values = edges<T>();
  std::vector<std::vector<T>> columns(3);
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = 0; j < values.size(); ++j) {
      columns[0].push_back(values[i]);
      columns[1].push_back(values[j]);
      columns[2].push_back(values[(i + 3 * j) % values.size()]);
    }
  }
  for (auto& column : columns) column.resize((column.size() + 63) / 64 * 64, T{1});
  return columns;
}

template <class T>
void check(const std::vector<Case<T>>& cases, const ir::CpuLevel& level, bool strict) {
  loop::Module module;
  for (const Case<T>& one : cases) {
    for (const int lanes : kLanes) {
      loop::Function function = array_function(
          one.name + std::to_string(lanes), std::vector<ir::DType>(one.operands, dtype_of<T>()),
          lanes, [&](Builder& b, const auto& x) { return apply(b, one.op, x); });
      function.strict = strict;
      module.functions.push_back(at_level(std::move(function), level));
    }
  }
  const HostCode code(module);
  const auto columns = operands_of_cases<T>();
  std::vector<T> result(columns[0].size());
  for (const Case<T>& one : cases) {
    for (const int lanes : kLanes) {
      const std::string name = one.name + std::to_string(lanes);
      SCOPED_TRACE(name + " of " + std::string(ir::name_of(dtype_of<T>())));
      code.function<ArrayFunction>(name)(columns[0].data(), columns[1].data(), columns[2].data(),
                                         result.data(), static_cast<int64_t>(result.size()));
      int wrong = 0;
      for (size_t i = 0; i < result.size() && wrong < 3; ++i) {
        const T expected = one.reference(columns[0][i], columns[1][i], columns[2][i]);
        if (same(result[i], expected)) continue;
        ++wrong;
        ADD_FAILURE() << "(" << +columns[0][i] << ", " << +columns[1][i] << ", " << +columns[2][i]
                      << ") gave " << +result[i] << ", expected " << +expected;
      }
    }
  }
}

TEST_P(Arithmetic, OfFloats) {
  check(float_cases<float>(level_.fma), level_, false);
  check(float_cases<double>(level_.fma), level_, false);
}

TEST_P(Arithmetic, OfFloatsStrictNeverFuses) {
  check(float_cases<float>(false), level_, true);
  check(float_cases<double>(false), level_, true);
}

TEST_P(Arithmetic, OfIntegers) {
  for_each_type([&](auto like) {
    using T = decltype(like);
    if constexpr (std::is_integral_v<T>) check(integer_cases<T>(), level_, false);
  });
}

TEST_P(Arithmetic, ByConstants) {
  using loop::scalar;
  for (const int64_t divisor : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{3}, int64_t{-8}}) {
    std::vector<Case<int32_t>> cases = {
        {"div", Opcode::kDiv, 1,
         [=](int32_t a, int32_t, int32_t) {
           return divided<int32_t>(false, a, static_cast<int32_t>(divisor));
         }},
        {"rem", Opcode::kRem, 1, [=](int32_t a, int32_t, int32_t) {
           return divided<int32_t>(true, a, static_cast<int32_t>(divisor));
         }}};
    loop::Module module;
    for (const auto& one : cases) {
      for (const int lanes : {1, 8}) {
        module.functions.push_back(at_level(
            array_function(one.name + std::to_string(lanes), {ir::DType::kI32}, lanes,
                           [&](Builder& b, const auto& x) {
                             return b.binary(one.op, x[0], b.constant(divisor, x[0].type()));
                           }),
            level_));
      }
    }
    const HostCode code(module);
    std::vector<int32_t> values = edges<int32_t>();
    values.resize(40);
    std::vector<int32_t> result(values.size());
    for (const auto& one : cases) {
      for (const int lanes : {1, 8}) {
        code.function<ArrayFunction>(one.name + std::to_string(lanes))(
            values.data(), nullptr, nullptr, result.data(), static_cast<int64_t>(result.size()));
        for (size_t i = 0; i < values.size(); ++i) {
          EXPECT_EQ(result[i], one.reference(values[i], 0, 0)) << values[i] << one.name << divisor;
        }
      }
    }
  }
}

DOVETAIL_ON_EVERY_LEVEL(Arithmetic);

}  // namespace
}  // namespace dovetail::codegen
