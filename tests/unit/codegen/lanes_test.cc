// Comparisons, selections and moves between lanes, at every CPU level of this machine.
#include "kernels_for_tests.h"

namespace dovetail::codegen {
namespace {

using ir::DType;
using loop::Builder;
using loop::Opcode;
using loop::Value;

class Lanes : public OnEveryLevel {};

template <class T>
std::vector<std::vector<T>> pairs() {
  const std::vector<T> values = edges<T>();
  std::vector<std::vector<T>> columns(2);
  for (const T a : values) {
    for (const T b : values) {
      columns[0].push_back(a);
      columns[1].push_back(b);
    }
  }
  for (auto& column : columns) column.resize((column.size() + 31) / 32 * 32, T{0});
  return columns;
}

template <class T>
bool compared(Opcode op, T a, T b) {
  switch (op) {
    case Opcode::kEq:
      return a == b;
    case Opcode::kNe:
      return a != b;
    case Opcode::kLt:
      return a < b;
    case Opcode::kLe:
      return a <= b;
    case Opcode::kGt:
      return a > b;
    default:
      return a >= b;
  }
}

constexpr Opcode kComparisons[] = {Opcode::kEq, Opcode::kNe, Opcode::kLt,
                                   Opcode::kLe, Opcode::kGt, Opcode::kGe};

TEST_P(Lanes, ComparisonsAndSelections) {
  for_each_type([&](auto like) {
    using T = decltype(like);
    const DType dtype = dtype_of<T>();
    loop::Module module;
    for (size_t k = 0; k < std::size(kComparisons); ++k) {
      for (const int lanes : {1, 16}) {
        const std::string name = std::to_string(k) + "_" + std::to_string(lanes);
        module.functions.push_back(at_level(array_function("compare" + name, {dtype, dtype}, lanes,
                                                           [&](Builder& b, const auto& x) {
                                                             return b.compare(kComparisons[k], x[0],
                                                                              x[1]);
                                                           }),
                                            level_));
        module.functions.push_back(at_level(array_function("select" + name, {dtype, dtype}, lanes,
                                                           [&](Builder& b, const auto& x) {
                                                             const Value condition = b.compare(
                                                                 kComparisons[k], x[0], x[1]);
                                                             return b.select(condition, x[1], x[0]);
                                                           }),
                                            level_));
      }
    }
    const HostCode code(module);
    const auto columns = pairs<T>();
    const auto n = static_cast<int64_t>(columns[0].size());
    std::vector<uint8_t> bools(n);
    std::vector<T> selected(n);
    for (size_t k = 0; k < std::size(kComparisons); ++k) {
      for (const int lanes : {1, 16}) {
        const std::string name = std::to_string(k) + "_" + std::to_string(lanes);
        code.function<ArrayFunction>("compare" + name)(columns[0].data(), columns[1].data(),
                                                       nullptr, bools.data(), n);
        code.function<ArrayFunction>("select" + name)(columns[0].data(), columns[1].data(), nullptr,
                                                      selected.data(), n);
        for (int64_t i = 0; i < n; ++i) {
          const T a = columns[0][i];
          const T b = columns[1][i];
          const bool yes = compared(kComparisons[k], a, b);
          ASSERT_EQ(bools[i], yes ? 1 : 0) << name << " of " << ir::name_of(dtype) << +a << +b;
          ASSERT_TRUE(same(selected[i], yes ? b : a)) << name << " of " << ir::name_of(dtype);
        }
      }
    }
  });
}

TEST_P(Lanes, LogicOfBools) {
  struct Row {
    std::string name;
    Opcode op;
    std::function<bool(bool, bool)> reference;
  };
  const std::vector<Row> rows = {
      {"and", Opcode::kAnd, [](bool a, bool b) { return a && b; }},
      {"or", Opcode::kOr, [](bool a, bool b) { return a || b; }},
      {"xor", Opcode::kXor, [](bool a, bool b) { return a != b; }},
      {"min", Opcode::kMin, [](bool a, bool b) { return a && b; }},
      {"max", Opcode::kMax, [](bool a, bool b) { return a || b; }},
      {"not", Opcode::kNot, [](bool a, bool) { return !a; }},
      {"lt", Opcode::kLt, [](bool a, bool b) { return !a && b; }},
  };
  loop::Module module;
  for (const Row& row : rows) {
    for (const int lanes : {1, 4, 16}) {
      module.functions.push_back(at_level(
          array_function(row.name + std::to_string(lanes), {DType::kBool, DType::kBool}, lanes,
                         [&](Builder& b, const auto& x) {
                           if (row.op == Opcode::kNot) return b.unary(row.op, x[0]);
                           if (row.op == Opcode::kLt) return b.compare(row.op, x[0], x[1]);
                           return b.binary(row.op, x[0], x[1]);
                         }),
          level_));
    }
  }
  const HostCode code(module);
  const std::vector<uint8_t> a = {0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 0, 0, 1, 0, 1, 0};
  const std::vector<uint8_t> b = {0, 1, 0, 1, 0, 1, 0, 1, 0, 255, 3, 0, 1, 1, 0, 0};
  for (const Row& row : rows) {
    for (const int lanes : {1, 4, 16}) {
      std::vector<uint8_t> result(16, 0xcc);
      code.function<ArrayFunction>(row.name + std::to_string(lanes))(a.data(), b.data(), nullptr,
                                                                     result.data(), 16);
      for (int i = 0; i < 16; ++i) {
        EXPECT_EQ(result[i], row.reference(a[i] != 0, b[i] != 0) ? 1 : 0) << row.name << lanes;
      }
    }
  }
}

template <class T>
T reduced(Opcode op, std::vector<T> values) {
  while (values.size() > 1) {
    const size_t half = values.size() / 2;
    for (size_t i = 0; i < half; ++i) {
      const T a = values[i];
      const T b = values[i + half];
      if (op == Opcode::kReduceMin) {
        values[i] = a < b ? a : b;
      } else if (op == Opcode::kReduceMax) {
        values[i] = a > b ? a : b;
      } else if constexpr (std::is_integral_v<T>) {
        values[i] = static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
      } else {
        values[i] = a + b;
      }
    }
    values.resize(half);
  }
  return values[0];
}

TEST_P(Lanes, ReductionsInTheirOrder) {
  constexpr Opcode kOps[] = {Opcode::kReduceAdd, Opcode::kReduceMin, Opcode::kReduceMax};
  for_each_type([&](auto like) {
    using T = decltype(like);
    loop::Module module;
    for (const Opcode op : kOps) {
      for (const int lanes : {2, 8, 16, 32}) {
        module.functions.push_back(at_level(
            array_function(std::to_string(static_cast<int>(op)) + "_" + std::to_string(lanes),
                           {dtype_of<T>()}, lanes,
                           [&](Builder& b, const auto& x) { return b.reduce(op, x[0]); }),
            level_));
      }
    }
    const HostCode code(module);
    const std::vector<T> values = pairs<T>()[0];
    for (const Opcode op : kOps) {
      for (const size_t lanes : {2, 8, 16, 32}) {
        std::vector<T> result(values.size() / lanes);
        code.function<ArrayFunction>(std::to_string(static_cast<int>(op)) + "_" +
                                     std::to_string(lanes))(
            values.data(), nullptr, nullptr, result.data(), static_cast<int64_t>(values.size()));
        for (size_t i = 0; i < result.size(); ++i) {
          const auto first = values.begin() + static_cast<int64_t>(i * lanes);
          const T wanted = reduced(op, std::vector<T>(first, first + static_cast<int64_t>(lanes)));
          ASSERT_TRUE(same(result[i], wanted)) << ir::name_of(dtype_of<T>()) << lanes;
        }
      }
    }
  });
}

TEST_P(Lanes, IotaBroadcastExtractShuffleBitcast) {
  Builder b("moves", loop::Convention::kPlain);
  const Value in = b.pointer_parameter("in");
  const Value out = b.pointer_parameter("out");
  const loop::Type floats = loop::vector(DType::kF32, 8);
  const Value zero = b.constant(int64_t{0});
  const Value x = b.load(floats, in, zero);
  const Value y = b.load(floats, in, b.constant(int64_t{32}));
  std::vector<Value> results = {
      b.cast(b.iota(loop::vector(DType::kI32, 8)), DType::kF32),
      b.broadcast(b.extract(x, 5), 8),
      b.shuffle(x, y, {15, 0, 7, 8, 3, 3, 12, 1}),
      b.broadcast(b.constant(0.75, loop::scalar(DType::kF32)), 8),
      b.bitcast(b.bitcast(x, DType::kU32) + 1, DType::kF32),
      b.shuffle(b.shuffle(x, y, {0, 1, 2, 3}), b.shuffle(x, y, {12, 13, 14, 15}),
                {0, 4, 1, 5, 2, 6, 3, 7}),
  };
  for (size_t i = 0; i < results.size(); ++i) {
    b.store(results[i], out, b.constant(static_cast<int64_t>(32 * i)));
  }
  loop::Module module;
  module.functions.push_back(at_level(b.finish(), level_));
  std::vector<float> input(16);
  for (int i = 0; i < 16; ++i) input[i] = static_cast<float>(i) + 0.5f;
  std::vector<float> result(8 * results.size());
  HostCode(module).function<void(const float*, float*)>("moves")(input.data(), result.data());
  const auto next = [](float value) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(value) + 1);
  };
  std::vector<float> expected = {0,   1,   2,   3,   4,    5,   6,   7,   5.5, 5.5, 5.5,  5.5,
                                 5.5, 5.5, 5.5, 5.5, 15.5, 0.5, 7.5, 8.5, 3.5, 3.5, 12.5, 1.5};
  expected.insert(expected.end(), 8, 0.75f);
  for (int i = 0; i < 8; ++i) expected.push_back(next(input[i]));
  for (const float value : {0.5f, 12.5f, 1.5f, 13.5f, 2.5f, 14.5f, 3.5f, 15.5f}) {
    expected.push_back(value);
  }
  EXPECT_EQ(result, expected);
}

DOVETAIL_ON_EVERY_LEVEL(Lanes);

}  // namespace
}  // namespace dovetail::codegen
