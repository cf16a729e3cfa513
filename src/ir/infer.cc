#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ir/graph.h"

namespace dovetail::ir {
namespace {

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw_error(ErrorKind::kValue, format, std::forward<Args>(args)...);
}

void expect_operands(std::string_view name, const std::vector<TensorType>& operands, size_t count) {
  DOVETAIL_CHECK(operands.size() == count, "{} takes {} operands, got {}", name, count,
                 operands.size());
}

void expect_equal(std::string_view what, const Dim& a, const Dim& b) {
  if (a == b) return;
  if (a.is_constant() && b.is_constant())
    refuse("{}: {} and {} differ", what, a.to_string(), b.to_string());
  refuse("{}: the extents {} and {} are not known to be equal", what, a.to_string(), b.to_string());
}

// Numpy's rule for extents of one axis: equal, or 1.
Dim broadcast(std::string_view what, int axis, const Dim& a, const Dim& b) {
  if (a == b || b == Dim(1)) return a;
  if (a == Dim(1)) return b;
  if (a.is_constant() && b.is_constant())
    refuse("{}: extents {} and {} of axis {} do not broadcast", what, a.to_string(), b.to_string(),
           axis);
  refuse("{}: extents {} and {} of axis {} are not known to be equal", what, a.to_string(),
         b.to_string(), axis);
}

void check_axis(std::string_view what, int axis, int rank) {
  DOVETAIL_CHECK(axis >= 0 && axis < rank, "{}: axis {} of a tensor of rank {}", what, axis, rank);
}

void check_elementwise(std::string_view what, const ScalarExpr& expr) {
  for (const ScalarNode& node : expr.nodes)
    DOVETAIL_CHECK(!is_positional(node.op), "{}: its expression holds '{}'", what,
                   name_of(node.op));
}

// An expression of positions over a domain of `rank` axes.
void check_positional(std::string_view what, const ScalarExpr& expr, int rank, size_t dims,
                      const std::vector<TensorType>& operands) {
  for (const ScalarNode& node : expr.nodes) {
    const auto index = static_cast<size_t>(node.index);
    DOVETAIL_CHECK(node.op != ScalarOp::kOperand, "{}: its expression holds an operand", what);
    if (node.op == ScalarOp::kIndex) check_axis(what, node.index, rank);
    if (node.op == ScalarOp::kDim)
      DOVETAIL_CHECK(index < dims, "{}: entry {} of {} dims", what, index, dims);
    if (node.op == ScalarOp::kIndex || node.op == ScalarOp::kDim)
      DOVETAIL_CHECK(node.dtype == DType::kI64, "{}: a position is {}", what, name_of(node.dtype));
    if (node.op != ScalarOp::kLoad) continue;
    DOVETAIL_CHECK(index < operands.size() && operands[index].dtype == node.dtype &&
                       operands[index].shape.size() == node.arguments.size(),
                   "{}: a load does not fit operand {}", what, index);
    for (const int argument : node.arguments)
      DOVETAIL_CHECK(expr.nodes[argument].dtype == DType::kI64, "{}: a coordinate is {}", what,
                     name_of(expr.nodes[argument].dtype));
  }
}

TensorType infer_elementwise(const Elementwise& op, const std::vector<TensorType>& operands) {
  TensorType result{op.expr.result(), {}};
  check_elementwise("elementwise", op.expr);
  if (operands.empty()) return result;
  result.shape = operands[0].shape;
  for (const TensorType& operand : operands) {
    DOVETAIL_CHECK(operand.rank() == result.rank(), "elementwise: ranks {} and {}", operand.rank(),
                   result.rank());
    for (int i = 0; i < result.rank(); ++i)
      result.shape[i] = broadcast("elementwise", i, result.shape[i], operand.shape[i]);
  }
  for (const ScalarNode& node : op.expr.nodes) {
    if (node.op != ScalarOp::kOperand) continue;
    DOVETAIL_CHECK(
        node.index < static_cast<int>(operands.size()) && operands[node.index].dtype == node.dtype,
        "elementwise: operand {} does not fit the expression", node.index);
  }
  return result;
}

TensorType infer_reduce(const Reduce& op, const TensorType& x) {
  TensorType result = x;
  for (const int axis : op.axes) {
    check_axis("reduce", axis, x.rank());
    result.shape[axis] = 1;
  }
  return result;
}

TensorType infer_cumulate(const Cumulate& op, const TensorType& x) {
  check_axis("cumulate", op.axis, x.rank());
  return x;
}

std::vector<TensorType> infer_top_k(const TopK& op, const TensorType& x) {
  check_axis("top_k", op.axis, x.rank());
  TensorType values = x;
  values.shape[op.axis] = op.k;
  return {values, {DType::kI64, values.shape}};
}

Shape window_shape(const Window& window, const Shape& spatial) {
  // Kernels are made tap by tap; no model has windows of this extent.
  constexpr int64_t kMaxKernel = int64_t{1} << 24;
  Shape result;
  for (int i = 0; i < window.rank(); ++i) {
    if (window.kernel[i] > kMaxKernel)
      refuse("a window has an extent of {}; at most {} are supported", window.kernel[i],
             kMaxKernel);
    const Dim extent = window_extent(window, i, spatial[i]);
    if (extent.is_constant() && extent.value() < 0) {
      refuse("a window of {} does not fit into an extent of {}", window.kernel[i],
             spatial[i].to_string());
    }
    result.push_back(extent);
  }
  return result;
}

void check_winograd(const Contract& op) {
  const std::vector<int64_t> threes(2, 3);
  const std::vector<int64_t> ones(2, 1);
  DOVETAIL_CHECK(op.batch == 0 && op.groups == 1 && op.window.kernel == threes &&
                     op.window.strides == ones && op.window.dilations == ones &&
                     op.window.input_dilation(0) == 1 && op.window.input_dilation(1) == 1,
                 "contract: Winograd tiles of a window that is not 3x3 of stride 1");
}

TensorType infer_contract(const Contract& op, const std::vector<TensorType>& operands) {
  const TensorType& x = operands.at(0);
  const TensorType& w = operands.at(1);
  const int batch = op.batch;
  const int rank = op.window.rank();
  DOVETAIL_CHECK(x.rank() == batch + 2 + rank, "contract: x has rank {}, expected {}", x.rank(),
                 batch + 2 + rank);
  DOVETAIL_CHECK(w.rank() == batch + 2 + rank + (op.panel ? 1 : 0), "contract: w has rank {}",
                 w.rank());
  if (x.dtype != w.dtype)
    refuse("contract: x is {}, the weights are {}", name_of(x.dtype), name_of(w.dtype));
  TensorType result{x.dtype, {}};
  for (int i = 0; i < batch; ++i) {
    expect_equal("contract, batch axis", x.shape[i], w.shape[i]);
    result.shape.push_back(x.shape[i]);
  }
  result.shape.push_back(x.shape[batch]);
  const Shape spatial(x.shape.begin() + batch + 1, x.shape.end() - 1);
  for (const Dim& extent : window_shape(op.window, spatial)) result.shape.push_back(extent);
  const int kernel_at = batch + (op.panel ? 1 : 0);
  if (op.winograd) check_winograd(op);
  for (int i = 0; i < rank; ++i) {
    expect_equal("contract, window", w.shape[kernel_at + i],
                 op.winograd ? op.winograd + 2 : op.window.kernel[i]);
  }
  const Dim& channels = w.shape[kernel_at + rank];
  if (channels * op.groups != x.shape.back()) {
    refuse("contract: x has {} channels, the weights expect {}", x.shape.back().to_string(),
           (channels * op.groups).to_string());
  }
  const Dim columns = op.panel ? Dim(op.columns) : w.shape.back();
  if (columns.is_constant() && columns.value() % op.groups != 0)
    refuse("contract: {} output channels in {} groups", columns.to_string(), op.groups);
  result.shape.push_back(columns);
  if (!op.epilogue) {
    DOVETAIL_CHECK(operands.size() == 2, "contract without epilogue has {} operands",
                   operands.size());
    return result;
  }
  for (size_t k = 2; k < operands.size(); ++k) {
    DOVETAIL_CHECK(operands[k].rank() == result.rank(),
                   "contract: epilogue operand {} has another rank", k);
    for (int i = 0; i < result.rank(); ++i) {
      if (operands[k].shape[i] != Dim(1))
        expect_equal("contract, epilogue", operands[k].shape[i], result.shape[i]);
    }
  }
  check_elementwise("contract, epilogue", *op.epilogue);
  result.dtype = op.epilogue->result();
  return result;
}

// Of a Pool or PoolIndices.
template <class PoolOp>
TensorType infer_pool(const PoolOp& op, const TensorType& x, DType dtype) {
  DOVETAIL_CHECK(x.rank() == op.window.rank() + 2, "pool: x has rank {}", x.rank());
  Window window = op.window;
  for (size_t i = 0; i < op.ceil_extra.size(); ++i) window.pad_hi[i] += op.ceil_extra[i];
  TensorType result{dtype, {x.shape.front()}};
  for (const Dim& extent : window_shape(window, Shape(x.shape.begin() + 1, x.shape.end() - 1)))
    result.shape.push_back(extent);
  result.shape.push_back(x.shape.back());
  return result;
}

TensorType infer_permute(const Permute& op, const TensorType& x) {
  DOVETAIL_CHECK(static_cast<int>(op.perm.size()) == x.rank(), "permute: {} axes for rank {}",
                 op.perm.size(), x.rank());
  TensorType result{x.dtype, {}};
  std::vector<bool> seen(op.perm.size(), false);
  for (const int axis : op.perm) {
    check_axis("permute", axis, x.rank());
    DOVETAIL_CHECK(!seen[axis], "permute: axis {} twice", axis);
    seen[axis] = true;
    result.shape.push_back(x.shape[axis]);
  }
  return result;
}

TensorType infer_broadcast(const Broadcast& op, const TensorType& x) {
  DOVETAIL_CHECK(static_cast<int>(op.shape.size()) == x.rank(), "broadcast to rank {} of rank {}",
                 op.shape.size(), x.rank());
  for (int i = 0; i < x.rank(); ++i) {
    // Not a constant: it is 1 or equal, which is asserted.
    if (x.shape[i] != Dim(1) && x.shape[i].is_constant())
      expect_equal("broadcast", x.shape[i], op.shape[i]);
  }
  return {x.dtype, op.shape};
}

TensorType infer_slice(const Slice& op, const TensorType& x) {
  const auto rank = static_cast<size_t>(x.rank());
  DOVETAIL_CHECK(op.starts.size() == rank && op.steps.size() == rank && op.extents.size() == rank,
                 "slice: not one range per axis");
  return {x.dtype, op.extents};
}

TensorType infer_reshape(const Reshape& op, const TensorType& x) {
  const Dim from = element_count(x.shape);
  const Dim to = element_count(op.shape);
  if (from != to && from.is_constant() && to.is_constant()) {
    refuse("reshape: {} has {} elements, {} has {}", to_string(x.shape), from.to_string(),
           to_string(op.shape), to.to_string());
  }
  return {x.dtype, op.shape};
}

TensorType infer_concat(const Concat& op, const std::vector<TensorType>& operands) {
  TensorType result = operands.at(0);
  check_axis("concat", op.axis, result.rank());
  for (size_t k = 1; k < operands.size(); ++k) {
    if (operands[k].rank() != result.rank())
      refuse("concat: ranks {} and {}", result.rank(), operands[k].rank());
    if (operands[k].dtype != result.dtype)
      refuse("concat: {} and {}", name_of(result.dtype), name_of(operands[k].dtype));
    for (int i = 0; i < result.rank(); ++i) {
      if (i != op.axis) expect_equal("concat", result.shape[i], operands[k].shape[i]);
    }
    result.shape[op.axis] += operands[k].shape[op.axis];
  }
  return result;
}

TensorType infer_pad(const Pad& op, const TensorType& x) {
  TensorType result = x;
  DOVETAIL_CHECK(op.lo.size() == x.shape.size() && op.hi.size() == x.shape.size(),
                 "pad: not one border per axis");
  for (int i = 0; i < x.rank(); ++i) result.shape[i] = x.shape[i] + op.lo[i] + op.hi[i];
  return result;
}

TensorType infer_gather(const Gather& op, const std::vector<TensorType>& operands) {
  const TensorType& x = operands.at(0);
  const TensorType& indices = operands.at(1);
  check_axis("gather", op.axis, x.rank());
  if (indices.dtype != DType::kI32 && indices.dtype != DType::kI64)
    refuse("gather: indices are {}, expected int32 or int64", name_of(indices.dtype));
  TensorType result{x.dtype, Shape(x.shape.begin(), x.shape.begin() + op.axis)};
  result.shape.insert(result.shape.end(), indices.shape.begin(), indices.shape.end());
  result.shape.insert(result.shape.end(), x.shape.begin() + op.axis + 1, x.shape.end());
  return result;
}

std::vector<TensorType> infer_nms(const Nms& op, const std::vector<TensorType>& operands) {
  const TensorType& boxes = operands[0];
  const TensorType& scores = operands[1];
  if (boxes.rank() != 3 || boxes.shape[2] != Dim(4))
    refuse("nms: boxes have shape {}, expected (batch, boxes, 4)", to_string(boxes.shape));
  if (scores.rank() != 3)
    refuse("nms: scores have shape {}, expected (batch, classes, boxes)", to_string(scores.shape));
  expect_equal("nms, batch", boxes.shape[0], scores.shape[0]);
  expect_equal("nms, boxes", boxes.shape[1], scores.shape[2]);
  static constexpr DType kDtypes[] = {DType::kF32, DType::kF32, DType::kI64, DType::kF32,
                                      DType::kF32};
  for (size_t k = 0; k < operands.size(); ++k) {
    if (operands[k].dtype != kDtypes[k])
      refuse("nms: operand {} is {}, expected {}", k, name_of(operands[k].dtype),
             name_of(kDtypes[k]));
    DOVETAIL_CHECK(k < 2 || operands[k].rank() == 0, "nms: operand {} is no scalar", k);
  }
  return {{DType::kI64, {scores.shape[0] * scores.shape[1] * op.limit, 3}}, {DType::kI64, {}}};
}

void expect_shape(std::string_view what, const TensorType& type, DType dtype, const Shape& shape) {
  const std::string name = fmt::format("recurrence, {}", what);
  DOVETAIL_CHECK(type.rank() == static_cast<int>(shape.size()), "{}: rank {}", name, type.rank());
  if (type.dtype != dtype) refuse("{}: {}, expected {}", name, name_of(type.dtype), name_of(dtype));
  for (size_t i = 0; i < shape.size(); ++i) expect_equal(name, type.shape[i], shape[i]);
}

std::vector<TensorType> infer_recurrence(const Recurrence& op,
                                         const std::vector<TensorType>& operands) {
  expect_operands("recurrence", operands, op.operand_count());
  const TensorType& xw = operands[Recurrence::kInputs];
  const TensorType& r = operands[Recurrence::kWeights];
  DOVETAIL_CHECK(xw.rank() == 3, "recurrence: inputs have rank {}", xw.rank());
  const Dim& steps = xw.shape[0];
  const Dim& rows = xw.shape[1];
  const Dim hidden = r.shape.at(op.panel ? 1 : 0);
  const Dim columns = hidden * Dim(op.gates());
  if (!hidden.is_constant())
    refuse("recurrence: the hidden size {} is not known", hidden.to_string());
  if (xw.dtype != DType::kF32 && xw.dtype != DType::kF64)
    refuse("recurrence: inputs are {}, expected float32 or float64", name_of(xw.dtype));
  expect_equal("recurrence, inputs", xw.shape[2], columns);
  const Shape packed = {ceildiv(hidden, std::max(op.panel, 1)), hidden, op.gates(), op.panel};
  expect_shape("weights", r, xw.dtype, op.panel ? packed : Shape{hidden, columns});
  expect_shape("initial state", operands[Recurrence::kHidden], xw.dtype, {rows, hidden});
  if (op.has_cell())
    expect_shape("initial cell", operands[Recurrence::kCell], xw.dtype, {rows, hidden});
  if (op.linear_before_reset)
    expect_shape("bias", operands[Recurrence::kBias], xw.dtype, {1, hidden});
  if (op.peepholes)
    expect_shape("peepholes", operands[Recurrence::kPeepholes], xw.dtype, {3, hidden});
  if (op.lengths) expect_shape("lengths", operands[op.lengths_at()], DType::kI32, {rows});
  const TensorType state{xw.dtype, {rows, hidden}};
  std::vector<TensorType> results = {{xw.dtype, {steps, rows, hidden}}, state};
  if (op.has_cell()) results.push_back(state);
  return results;
}

TensorType infer_lookup(const Lookup& op, const std::vector<TensorType>& operands) {
  check_positional("lookup", op.expr, static_cast<int>(op.shape.size()), op.dims.size(), operands);
  return {op.expr.result(), op.shape};
}

TensorType infer_scatter(const Scatter& op, const std::vector<TensorType>& operands) {
  const TensorType& x = operands.at(0);
  const TensorType& updates = operands.at(1);
  if (x.dtype != updates.dtype)
    refuse("scatter: x is {}, the updates are {}", name_of(x.dtype), name_of(updates.dtype));
  DOVETAIL_CHECK(op.coordinates.size() == x.shape.size(), "scatter: {} coordinates for rank {}",
                 op.coordinates.size(), x.rank());
  for (const ScalarExpr& coordinate : op.coordinates) {
    check_positional("scatter", coordinate, updates.rank(), op.dims.size(), operands);
    DOVETAIL_CHECK(coordinate.result() == DType::kI64, "scatter: a coordinate is {}",
                   name_of(coordinate.result()));
  }
  return x;
}

TensorType infer_measure(const Measure& op, const TensorType& x) {
  DOVETAIL_CHECK(x.dtype == DType::kI32 || x.dtype == DType::kI64, "measure: x is {}",
                 name_of(x.dtype));
  DOVETAIL_CHECK(
      x.rank() <= 1 && element_count(x.shape) == Dim(static_cast<int64_t>(op.symbols.size())),
      "measure: {} symbols for {}", op.symbols.size(), to_string(x.shape));
  return x;
}

TensorType infer_compact(const Compact& op, const TensorType& x) {
  DOVETAIL_CHECK(x.dtype == DType::kBool && x.rank() == 1, "compact: x is {}", to_string(x));
  return {DType::kI64, {op.count}};
}

TensorType type_of(const TensorData& data) {
  return {data.dtype(), Shape(data.shape().begin(), data.shape().end())};
}

}  // namespace

Dim window_extent(const Window& window, int axis, const Dim& in) {
  const Dim room = (in - 1) * window.input_dilation(axis) + window.pad_lo[axis] +
                   window.pad_hi[axis] - Dim(window.dilations[axis]) * (window.kernel[axis] - 1);
  return floordiv(room, window.strides[axis]) + 1;
}

std::vector<TensorType> infer(const Primitive& op, const std::vector<TensorType>& operands) {
  if (const auto* composite = std::get_if<Composite>(&op)) {
    expect_operands("composite", operands, composite->body->inputs.size());
    std::vector<TensorType> results;
    for (const Value* output : composite->body->outputs) results.push_back(output->type);
    return results;
  }
  if (const auto* branch = std::get_if<If>(&op)) return branch->types;
  if (const auto* loop = std::get_if<Loop>(&op)) return loop->types;
  if (const auto* elementwise = std::get_if<Elementwise>(&op))
    return {infer_elementwise(*elementwise, operands)};
  if (const auto* contract = std::get_if<Contract>(&op))
    return {infer_contract(*contract, operands)};
  if (const auto* concat = std::get_if<Concat>(&op)) return {infer_concat(*concat, operands)};
  if (const auto* gather = std::get_if<Gather>(&op)) {
    expect_operands("gather", operands, 2);
    return {infer_gather(*gather, operands)};
  }
  if (const auto* nms = std::get_if<Nms>(&op)) {
    expect_operands("nms", operands, 5);
    return infer_nms(*nms, operands);
  }
  if (const auto* recurrence = std::get_if<Recurrence>(&op))
    return infer_recurrence(*recurrence, operands);
  if (const auto* lookup = std::get_if<Lookup>(&op)) return {infer_lookup(*lookup, operands)};
  if (const auto* scatter = std::get_if<Scatter>(&op)) return {infer_scatter(*scatter, operands)};
  if (const auto* param = std::get_if<Param>(&op)) return {type_of(param->data)};
  if (const auto* constant = std::get_if<Constant>(&op)) return {type_of(constant->data)};
  DOVETAIL_CHECK(!std::holds_alternative<Input>(op), "an input's type is given, not inferred");
  expect_operands(name_of(op), operands, 1);
  const TensorType& x = operands[0];
  if (const auto* reduce = std::get_if<Reduce>(&op)) return {infer_reduce(*reduce, x)};
  if (const auto* cumulate = std::get_if<Cumulate>(&op)) return {infer_cumulate(*cumulate, x)};
  if (const auto* top_k = std::get_if<TopK>(&op)) return infer_top_k(*top_k, x);
  if (const auto* pool = std::get_if<Pool>(&op)) return {infer_pool(*pool, x, x.dtype)};
  if (const auto* indices = std::get_if<PoolIndices>(&op))
    return {infer_pool(*indices, x, DType::kI64)};
  if (const auto* permute = std::get_if<Permute>(&op)) return {infer_permute(*permute, x)};
  if (const auto* broadcast_op = std::get_if<Broadcast>(&op))
    return {infer_broadcast(*broadcast_op, x)};
  if (const auto* slice = std::get_if<Slice>(&op)) return {infer_slice(*slice, x)};
  if (const auto* reshape = std::get_if<Reshape>(&op)) return {infer_reshape(*reshape, x)};
  if (const auto* pad = std::get_if<Pad>(&op)) return {infer_pad(*pad, x)};
  if (const auto* measure = std::get_if<Measure>(&op)) return {infer_measure(*measure, x)};
  if (const auto* compact = std::get_if<Compact>(&op)) return {infer_compact(*compact, x)};
  return {x};  // Copy
}

}  // namespace dovetail::ir
