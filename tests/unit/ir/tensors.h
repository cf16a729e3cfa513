// Small tensors for tests, written and read as plain numbers of any dtype.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "ir/evaluate.h"
#include "ir/evaluate_scalar.h"
#include "ir/graph.h"

namespace dovetail::ir {

// Numbers converted to `dtype`: floats are rounded, integers wrap around.
inline TensorData tensor(DType dtype, std::vector<int64_t> shape,
                         const std::vector<double>& numbers) {
  std::vector<Scalar> values;
  for (const double number : numbers) {
    Scalar value;
    if (is_float(dtype)) {
      value.real = number;
    } else {
      value.integer = static_cast<int64_t>(number);
    }
    values.push_back(value);
  }
  return encode(dtype, std::move(shape), values);
}

inline TensorData f32(std::vector<int64_t> shape, const std::vector<double>& numbers) {
  return tensor(DType::kF32, std::move(shape), numbers);
}

// first, first + 1, ...
inline TensorData counting(std::vector<int64_t> shape, double first = 0) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  std::vector<double> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(first + static_cast<double>(i));
  return f32(std::move(shape), numbers);
}

inline std::vector<double> numbers(const TensorData& data) {
  std::vector<double> result;
  for (int64_t i = 0; i < data.element_count(); ++i) result.push_back(data.as_double(i));
  return result;
}

inline TensorType type_of(const TensorData& data) {
  return {data.dtype(), Shape(data.shape().begin(), data.shape().end())};
}

// One primitive on concrete tensors, as a graph of its own.
inline TensorData apply(Primitive op, const std::vector<TensorData>& operands) {
  Graph graph;
  std::vector<Value*> values;
  for (const TensorData& operand : operands) {
    values.push_back(graph.input("x" + std::to_string(values.size()), type_of(operand)));
  }
  graph.outputs = {graph.value(std::move(op), values)};
  graph.output_names = {"y"};
  verify(graph);
  TensorData result = evaluate(graph, operands).front();
  EXPECT_EQ(to_string(type_of(result)), to_string(graph.outputs[0]->type));
  return result;
}

// The kind and message of the error that `action` throws.
template <class Action>
void expect_error(ErrorKind kind, const std::string& message, Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_EQ(error.what(), message);
    return;
  }
  ADD_FAILURE() << "expected: " << message;
}

}  // namespace dovetail::ir
