// What an operator's lower function works with: the node's inputs and attributes, checked, and a
// Builder for the primitives it becomes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ops/lowering/builder.h"
#include "ops/op.h"

namespace dovetail::ops {

// Thrown where a node makes sense for one value of a symbolic dimension only: the importer starts
// over with it.
struct SettledDim {
  std::string name;
  int64_t value;
  std::string reason;  // a sentence
};

// What the importer knows of a node's surroundings.
struct Surroundings {
  const ir::SymbolBounds& given;  // the dimensions of the model's inputs, which the caller can fix
  std::function<void(const std::string&)> on_warning;
};

// A number that an operator is set by: a constant, or a float32 of rank 0 that only a run knows.
struct Number {
  double known = 0;
  ir::Value* at_run = nullptr;
};

// Marks the params that `value`'s content comes from as frozen in its graph.
void freeze(ir::Graph& graph, const ir::Value* value);

class LowerContext {
 public:
  LowerContext(ir::Graph& graph, const OnnxNode& node, const OpDef& def, const Surroundings& around)
      : build(graph), node_(node), def_(def), around_(around) {}

  Builder build;
  ir::Graph& graph() { return build.graph(); }

  const OnnxNode& node() const { return node_; }
  int opset() const { return node_.opset; }
  bool wants(size_t output) const {
    return output < node_.outputs.size() && !node_.outputs[output].empty();
  }
  // The name of the first output: what a param made here is called.
  std::string output_name() const { return node_.scope + node_.outputs.front(); }
  void warn(const std::string& text) const { around_.on_warning(text); }

  // Inputs. `x(i)` of an absent input is kValue.
  size_t input_count() const { return node_.inputs.size(); }
  bool has(size_t i) const { return i < node_.inputs.size() && node_.inputs[i]; }
  ir::Value* x(size_t i) const;
  const Values& inputs() const { return node_.inputs; }
  // "input 1 ('axes')"
  std::string input_text(size_t i) const;
  // kType unless input i has this type, or that of input 0.
  void require_dtype(size_t i, ir::DType dtype) const;
  void require_same_dtype(size_t i) const;

  // Input i as a tensor of this shape: kValue where it is known to have another one; what is not
  // known is checked when the model runs.
  ir::Value* shaped(size_t i, const ir::Shape& shape);
  // Input i, which has one element, as a tensor of rank 0.
  ir::Value* single(size_t i);

  // Attributes, by the type their AttributeDef states; the default where the node has none.
  bool has_attribute(const std::string& name) const;
  int64_t integer(const std::string& name) const { return get<int64_t>(name); }
  bool flag(const std::string& name) const { return integer(name) != 0; }
  double real(const std::string& name) const { return get<double>(name); }
  const std::string& text(const std::string& name) const { return get<std::string>(name); }
  const Ints& integers(const std::string& name) const { return get<Ints>(name); }
  const Reals& reals(const std::string& name) const { return get<Reals>(name); }
  const Texts& texts(const std::string& name) const { return get<Texts>(name); }
  const ir::TensorData& tensor(const std::string& name) const { return get<ir::TensorData>(name); }

  // Integers as expressions. The initializers that known ones come from are frozen; what only a run
  // knows is measured, and becomes symbols. kUnsupported when their number is not known.
  std::vector<ir::Dim> known_dims(size_t i);
  ir::Dim known_dim(size_t i);  // of an input with one element
  // Whether nothing has to be measured for that.
  bool is_known(size_t i) const;
  // The same for extents and counts: a run that finds a negative one fails.
  std::vector<ir::Dim> extents(size_t i);
  ir::Dim extent(size_t i);  // of an input with one element
  // Constants known while compiling. kUnsupported when the content is not known or depends on
  // symbolic extents.
  Ints known_ints(size_t i);
  ir::TensorData known_tensor(size_t i);
  // Nothing instead of an error, and nothing is frozen.
  std::optional<ir::TensorData> peek_tensor(size_t i) const;
  double known_scalar(size_t i);  // of an input with one element
  // Numbers one by one: the initializers that known ones come from are frozen, others are read in
  // the run. kUnsupported when their number is not known.
  std::vector<Number> numbers(size_t i);

  // 0 <= result < rank for -rank <= axis < rank; else kValue.
  int axis(int64_t axis, int rank) const;
  // The same for several, sorted; a repeated one is kValue.
  std::vector<int> axes(const Ints& axes, int rank) const;
  // kValue unless the rank of input i lies within.
  void require_rank(size_t i, int min, int max = INT32_MAX) const;

  // An axis that must not be shorter: where its extent is one symbol, the symbol's bounds say so,
  // and the library refuses a shorter one when it runs.
  void require_extent(const ir::Dim& extent, int64_t min);
  // kUnsupported with this text where the extent is not a number, and the way to make it one.
  void require_fixed(const ir::Dim& extent, const std::string& text) const;
  // Throws SettledDim when `extent` is a dimension of the model's inputs that may have this value.
  void settle(const ir::Dim& extent, int64_t value, const std::string& reason);

  // Marks the params that `value`'s content comes from as frozen.
  void freeze(const ir::Value* value) { ops::freeze(graph(), value); }

 private:
  void require_integers(size_t i) const;
  void require_not_negative(const ir::Dim& dim, size_t i) const;
  std::vector<ir::Dim> dims(size_t i, bool signs);
  ir::Dim dim(size_t i, bool signs);
  const Attribute& attribute(const std::string& name) const;
  template <class T>
  const T& get(const std::string& name) const;

  const OnnxNode& node_;
  const OpDef& def_;
  const Surroundings& around_;
};

// The element type that TensorProto.DataType number `onnx` names; kUnsupported for those that the
// graph IR does not have (strings, complex numbers, float8, 4-bit integers).
ir::DType dtype_of_onnx(int64_t onnx);

// Checks the node against its definition (counts of inputs and outputs, attributes, dtype of the
// first input) and lowers it.
Values lower(ir::Graph& graph, const OnnxNode& node, const OpDef& def, const Surroundings& around);

}  // namespace dovetail::ops
