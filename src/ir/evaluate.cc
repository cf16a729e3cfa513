#include "ir/evaluate.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "ir/evaluate_primitives.h"
#include "ir/regions.h"

namespace dovetail::ir {
namespace {

std::vector<TensorData> run(const Graph& graph, const std::vector<TensorData>& inputs,
                            SymbolValues symbols);

// ---- Attributes as constants -----------------------------------------------------------------

Primitive settled(Primitive op, const SymbolValues& symbols) {
  for_each_dim(op, [&](Dim& dim) { dim = dim.evaluate(symbols); });
  return op;
}

TensorType type_of(const TensorData& data) {
  return {data.dtype(), Shape(data.shape().begin(), data.shape().end())};
}

void require_content(const TensorData& data) {
  const int64_t bytes = data.element_count() * size_of(data.dtype());
  DOVETAIL_CHECK(static_cast<int64_t>(data.bytes().size()) == bytes,
                 "a {}{} has {} bytes: its content is not known yet", name_of(data.dtype()),
                 to_string(type_of(data).shape), data.bytes().size());
}

ResultType static_type(const TensorType& type) {
  ResultType result{type.dtype, {}};
  for (const Dim& extent : type.shape) result.shape.push_back(extent.value());
  return result;
}

TensorData evaluate_one_result(const Primitive& op, const Tensors& x, const ResultType& type) {
  if (const auto* elementwise = std::get_if<Elementwise>(&op)) {
    return evaluate_elementwise(*elementwise, x, type);
  }
  if (const auto* reduce = std::get_if<Reduce>(&op)) return evaluate_reduce(*reduce, x[0], type);
  if (const auto* cumulate = std::get_if<Cumulate>(&op)) {
    return evaluate_cumulate(*cumulate, x[0], type);
  }
  if (const auto* contract = std::get_if<Contract>(&op)) {
    return evaluate_contract(*contract, x, type);
  }
  if (const auto* pool = std::get_if<Pool>(&op)) return evaluate_pool(*pool, x[0], type);
  if (const auto* indices = std::get_if<PoolIndices>(&op)) {
    return evaluate_pool_indices(*indices, x[0], type);
  }
  if (const auto* permute = std::get_if<Permute>(&op)) {
    return evaluate_permute(*permute, x[0], type);
  }
  if (std::holds_alternative<Broadcast>(op)) return evaluate_broadcast(x[0], type);
  if (const auto* slice = std::get_if<Slice>(&op)) return evaluate_slice(*slice, x[0], type);
  if (std::holds_alternative<Reshape>(op)) return evaluate_reshape(x[0], type);
  if (const auto* concat = std::get_if<Concat>(&op)) return evaluate_concat(*concat, x, type);
  if (const auto* pad = std::get_if<Pad>(&op)) return evaluate_pad(*pad, x[0], type);
  if (const auto* gather = std::get_if<Gather>(&op)) return evaluate_gather(*gather, x, type);
  if (const auto* lookup = std::get_if<Lookup>(&op)) return evaluate_lookup(*lookup, x, type);
  if (const auto* scatter = std::get_if<Scatter>(&op)) return evaluate_scatter(*scatter, x, type);
  if (std::holds_alternative<Compact>(op)) return evaluate_compact(x[0], type);
  DOVETAIL_CHECK(std::holds_alternative<Copy>(op) || std::holds_alternative<Measure>(op),
                 "a {} has no evaluation", name_of(op));
  return x[0];
}

Tensors evaluate_primitive(const Primitive& op, const Tensors& x, const ResultType& type) {
  if (const auto* top_k = std::get_if<TopK>(&op)) return evaluate_top_k(*top_k, x[0], type);
  if (const auto* nms = std::get_if<Nms>(&op)) return evaluate_nms(*nms, x, type);
  return {evaluate_one_result(op, x, type)};
}

// ---- Symbols ---------------------------------------------------------------------------------

std::string shape_text(const TensorData& data) { return to_string(type_of(data).shape); }

[[noreturn]] void refuse_input(const Value& input, const TensorData& data) {
  throw_error(ErrorKind::kValue, "input '{}' has shape {}, expected {}", input.name,
              shape_text(data), to_string(input.shape()));
}

void require_bounds(const std::string& name, int64_t value, const Bounds& bounds) {
  if (value >= bounds.min && value <= bounds.max) return;
  throw_error(ErrorKind::kValue, "the dimension '{}' is {}, expected {} to {}", name, value,
              bounds.min, bounds.max);
}

void bind_input(const Value& input, const TensorData& data, SymbolValues* symbols) {
  if (data.dtype() != input.dtype()) {
    throw_error(ErrorKind::kType, "input '{}' is {}, expected {}", input.name,
                name_of(data.dtype()), name_of(input.dtype()));
  }
  if (static_cast<int>(data.shape().size()) != input.rank()) refuse_input(input, data);
  for (int i = 0; i < input.rank(); ++i) {
    const auto symbol = input.shape()[i].lone_symbol();
    if (!symbol) continue;
    const auto [at, fresh] = symbols->emplace(*symbol, data.shape()[i]);
    if (!fresh && at->second != data.shape()[i]) {
      throw_error(ErrorKind::kValue,
                  "axis {} of input '{}' is {}, but the dimension '{}' is already {}", i,
                  input.name, data.shape()[i], *symbol, at->second);
    }
  }
}

// Symbols that stand alone in a shape are given by it; every other extent must then agree.
void bind_symbols(const Graph& graph, const std::vector<TensorData>& inputs,
                  SymbolValues* symbols) {
  if (inputs.size() != graph.inputs.size()) {
    throw_error(ErrorKind::kValue, "{} inputs are given, the graph has {}", inputs.size(),
                graph.inputs.size());
  }
  for (size_t k = 0; k < inputs.size(); ++k) bind_input(*graph.inputs[k], inputs[k], symbols);
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Value& input = *graph.inputs[k];
    for (int i = 0; i < input.rank(); ++i) {
      if (input.shape()[i].evaluate(*symbols) != inputs[k].shape()[i]) {
        refuse_input(input, inputs[k]);
      }
    }
  }
  for (const auto& [name, bounds] : graph.symbols) {
    const auto found = symbols->find(name);
    if (found != symbols->end()) require_bounds(name, found->second, bounds);
  }
}

void define(const SymbolBounds& bounds, const std::string& name, int64_t value,
            SymbolValues* symbols) {
  (*symbols)[name] = value;
  const auto found = bounds.find(name);
  require_bounds(name, value, found == bounds.end() ? Bounds{} : found->second);
}

// The symbols that a node defines: by content, or by the shapes of its results.
void define(const Graph& graph, const Node& node, const Tensors& results, SymbolValues* symbols) {
  const std::vector<std::string>& names = defined_symbols(node);
  if (node.as<Measure>()) {
    for (size_t i = 0; i < names.size(); ++i) {
      define(graph.symbols, names[i], results[0].as_int(static_cast<int64_t>(i)), symbols);
    }
    return;
  }
  for (size_t k = 0; k < results.size(); ++k) {
    const Value& result = *node.results[k];
    for (int i = 0; i < result.rank(); ++i) {
      const auto name = result.shape()[i].lone_symbol();
      if (!name || std::find(names.begin(), names.end(), *name) == names.end()) continue;
      define(graph.symbols, *name, results[k].shape()[i], symbols);
    }
  }
}

void require_checks(const Graph& graph, const SymbolValues& symbols) {
  for (const Check& check : graph.checks) {
    const int64_t a = check.a.evaluate(symbols), b = check.b.evaluate(symbols);
    if (a == b) continue;
    throw_error(ErrorKind::kValue, "{}: {} is {}, {} is {}", check.text, check.a.to_string(), a,
                check.b.to_string(), b);
  }
}

// ---- Graphs ----------------------------------------------------------------------------------

// Contents are dropped after their last use.
class Run {
 public:
  Run(const Graph& graph, SymbolValues* symbols) : graph_(graph), symbols_(*symbols) {
    for (const auto& node : graph.nodes()) {
      for (const Value* operand : node->operands) ++uses_[operand];
    }
    for (const Value* output : graph.outputs) ++uses_[output];
  }

  void set(const Value* value, TensorData data) {
    if (uses_.contains(value)) known_.insert_or_assign(value, std::move(data));
  }

  TensorData take(const Value* value) {
    const auto found = known_.find(value);
    DOVETAIL_CHECK(found != known_.end(), "%{} is used before it is defined", value->id);
    if (--uses_[value] > 0) return found->second;
    TensorData data = std::move(found->second);
    known_.erase(found);
    return data;
  }

  void step(const Node& node) {
    Tensors operands;
    for (const Value* operand : node.operands) operands.push_back(take(operand));
    Tensors results = evaluate(node, operands, symbols_);
    define(graph_, node, results, &symbols_);
    for (size_t i = 0; i < results.size(); ++i) {
      set(node.results[i].get(), std::move(results[i]));
    }
  }

 private:
  const Graph& graph_;
  SymbolValues& symbols_;
  std::unordered_map<const Value*, int> uses_;
  std::unordered_map<const Value*, TensorData> known_;
};

std::vector<TensorData> run(const Graph& graph, const std::vector<TensorData>& inputs,
                            SymbolValues symbols) {
  bind_symbols(graph, inputs, &symbols);
  Run run(graph, &symbols);
  for (size_t k = 0; k < inputs.size(); ++k) run.set(graph.inputs[k], inputs[k]);
  for (const auto& node : graph.nodes()) {
    if (!node->as<Input>()) run.step(*node);
  }
  require_checks(graph, symbols);
  std::vector<TensorData> outputs;
  for (const Value* output : graph.outputs) outputs.push_back(run.take(output));
  return outputs;
}

}  // namespace

std::vector<TensorData> evaluate(const Node& node, const std::vector<TensorData>& operands,
                                 const SymbolValues& symbols) {
  if (const auto* param = node.as<Param>()) return {param->data};
  if (const auto* constant = node.as<Constant>()) return {constant->data};
  if (const auto* composite = node.as<Composite>()) {
    return run(*composite->body, operands, symbols);
  }
  if (const auto* branch = node.as<If>()) return evaluate_if(*branch, operands, symbols, run);
  if (const auto* loop = node.as<Loop>()) return evaluate_loop(*loop, operands, symbols, run);
  DOVETAIL_CHECK(!node.as<Input>(), "an input is given, not evaluated");
  std::vector<TensorType> types;
  for (const TensorData& operand : operands) {
    require_content(operand);
    types.push_back(type_of(operand));
  }
  const Primitive op = settled(node.op, symbols);
  if (const auto* recurrence = std::get_if<Recurrence>(&op)) {
    infer(op, types);
    return evaluate_recurrence(*recurrence, operands);
  }
  return evaluate_primitive(op, operands, static_type(infer(op, types).front()));
}

std::vector<TensorData> evaluate(const Graph& graph, const std::vector<TensorData>& inputs) {
  return run(graph, inputs, {});
}

}  // namespace dovetail::ir
