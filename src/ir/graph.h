// Graph IR: SSA tensor values over few primitives.
//
// Every primitive states its operands' and its result's shape here; `Graph` infers and checks
// result types when a node is made, so there is no separate shape inference anywhere. Windowed
// primitives are channels-last: the importer writes permutes around them and passes cancel those.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ir/dim.h"
#include "ir/dtype.h"
#include "ir/scalar_expr.h"
#include "ir/tensor.h"

namespace dovetail::ir {

class Graph;
struct Node;

struct TensorType {
  DType dtype = DType::kF32;
  Shape shape;
  int rank() const { return static_cast<int>(shape.size()); }
  bool operator==(const TensorType&) const = default;
};
std::string to_string(const TensorType& type);  // "float32[batch,3,224,224]"

// One tensor value; owned by its node.
struct Value {
  int id = 0;  // unique in its graph, for printing: %id
  TensorType type;
  Node* node = nullptr;
  int index = 0;     // which result of `node`
  std::string name;  // the ONNX name where there is one
  // Axis i of the ONNX tensor is axis order[i] of this value; empty: the axes are the same.
  std::vector<int> order;
  // Integer tensors of at most 4096 elements whose content is known as shape expressions,
  // row-major.
  std::optional<std::vector<Dim>> elements;
  bool measured = false;  // `elements` are symbols that a Measure of this value defines

  int rank() const { return type.rank(); }
  const Shape& shape() const { return type.shape; }
  DType dtype() const { return type.dtype; }
};

// ---- Primitives
// -----------------------------------------------------------------------------------

struct Input {
  std::string name;
};  // () -> type given at creation
struct Param {  // () -> an initializer
  std::string name;
  TensorData data;
};
struct Constant {
  TensorData data;
};  // () -> small tensor known for good (frozen), may be folded

// (x_0, ..., x_n-1) -> y. All of one rank; an operand's extent is the result's or 1 (repeated).
struct Elementwise {
  ScalarExpr expr;
};

enum class ReduceKind : uint8_t { kSum, kProduct, kMin, kMax };
// x -> y; reduced axes keep extent 1. Sum and product of small ints in their own type. Empty: the
// identity (0, 1, +max or +inf, lowest or -inf).
struct Reduce {
  ReduceKind kind;
  std::vector<int> axes;  // sorted
};

// x -> y: along the axis, element i combines x[0..i] in that order; exclusive: x[0..i-1], the first
// one is the identity. Reverse: from the last element down. Small ints in their own type.
struct Cumulate {
  ReduceKind kind;
  int axis;
  bool exclusive = false, reverse = false;
};

// x -> (values, int64 indices): the first k elements of each line along the axis in descending
// order (`largest`) or ascending order. Of equal elements the one of the lower index comes first
// (`last`: of the higher). NaN is above every number and equal to NaN; -0 equals 0. Places behind
// the end of a line of fewer than k elements hold value 0 and index -1.
struct TopK {
  int axis;
  Dim k;
  bool largest = true, last = false;
};

// Extents, strides and borders of a window over the spatial axes.
struct Window {
  std::vector<int64_t> kernel, strides, dilations;
  std::vector<Dim> pad_lo, pad_hi;  // constants unless the padding follows a symbolic extent
  // Contractions only: the window slides over x with input_dilation - 1 zeros put between its
  // neighbours, which makes a transposed convolution; paddings may then be negative. Empty: all 1.
  std::vector<int64_t> input_dilations = {};
  bool operator==(const Window&) const = default;
  int rank() const { return static_cast<int>(kernel.size()); }
  int64_t input_dilation(int axis) const {
    return input_dilations.empty() ? 1 : input_dilations[axis];
  }
};
// floor(((in-1)*input_dilation + 1 + lo + hi - dilation*(kernel-1) - 1) / stride) + 1, as an
// expression
Dim window_extent(const Window& window, int axis, const Dim& in);

// Contraction with `batch` leading axes of both operands and `window.rank()` spatial axes.
//   x (B..., N, S..., C), w (B..., K..., C/groups, M) -> y (B..., N, O..., M)
//   y[b, n, o, m] = sum over k, c of x[b, n, o*stride + k*dilation - pad_lo, g*C/groups + c] * w[b,
//   k, c, m]
// where g = m / (M/groups); positions outside x count as 0. groups > 1 only with batch 0. Rank 0 is
// a matrix product. Further operands e_i, shaped like an elementwise operand of y, feed `epilogue`,
// whose operand 0 is the sum and operand 1+i is e_i. The epilogue may change the dtype.
// Packed: w is (B..., M/NR, K..., C, NR) with NR = panel, groups 1, M rounded up and filled with 0.
// Winograd, of 3x3 windows of stride 1: w holds the products of ir/winograd.h in place of the
// window, K... is (t+2, t+2).
struct Contract {
  int batch = 0;
  int64_t groups = 1;
  Window window;
  int panel = 0;        // 0: plain w; else NR of packed w
  int64_t columns = 0;  // packed: M
  int winograd = 0;     // 0: direct; else output pixels along an axis of a Winograd tile
  std::optional<ScalarExpr> epilogue;
};

enum class PoolKind : uint8_t { kMax, kSum, kAverage, kAverageWithPadding };
// x (N, S..., C) -> y (N, O..., C). Positions outside are left out (kAverage divides by those
// inside; kAverageWithPadding by the window positions inside the padded extent). `ceil_extra[i]` is
// an extra amount of pad_hi that rounds the extent up and is never counted.
struct Pool {
  PoolKind kind;
  Window window;
  std::vector<Dim> ceil_extra;
};

// x (N, S..., C) -> int64 (N, O..., C): where a max pool of the same window finds its result first,
// as a row-major position in S; -1 where the window lies outside. The first NaN is the maximum.
struct PoolIndices {
  Window window;
  std::vector<Dim> ceil_extra;
};

// Affine views: same elements, other order.
struct Permute {
  std::vector<int> perm;
};  // y axis i is x axis perm[i]
struct Broadcast {
  Shape shape;
};  // same rank; extents 1 are repeated
struct Slice {
  std::vector<Dim> starts;
  std::vector<int64_t> steps;
  Shape extents;
};  // per axis; steps may be < 0
struct Reshape {
  Shape shape;
};  // equal element count, proved or asserted

struct Concat {
  int axis;
};  // (x_0, ...) -> y
struct Pad {
  std::vector<Dim> lo, hi;
  double value;
};  // constant border, amounts >= 0
struct Gather {
  int axis;
};  // x (A..., D, Z...), i (I...) -> (A..., I..., Z...); i < 0 counts from the end
// (x_0, ...) -> y of `shape`: y[i] = the expression at position i, where kLoad reads the operands
// and kDim reads `dims`. Floats are rounded after every operation, for they may say what is read.
struct Lookup {
  ScalarExpr expr;
  Shape shape;
  std::vector<Dim> dims;
};
enum class ScatterKind : uint8_t { kReplace, kAdd, kMultiply, kMin, kMax };
// (x, updates, others...) -> y, x with updates written into it: for every position p of updates in
// row-major order y[coordinates at p] = combine(y[coordinates at p], updates[p]). One coordinate
// per axis of x; positions with one out of range are left out. kLoad may read every operand.
struct Scatter {
  ScatterKind kind;
  std::vector<ScalarExpr> coordinates;  // int64
  std::vector<Dim> dims;
};
struct Copy {};  // x -> the same, compact

// Non-maximum suppression of float32 boxes: boxes (B, N, 4), scores (B, C, N), int64 [] max_boxes,
// float32 [] iou_threshold, float32 [] score_threshold -> int64 (B*C*limit, 3), int64 [] count.
// In each batch and class, in descending order of score (equal ones: the lower box first), a box
// whose score is above score_threshold is taken unless its overlap (intersection / union) with a
// taken one is above iou_threshold; at most min(max_boxes, limit) are. Row: (batch, class, box).
// Rows from `count` on hold anything. A box is two corners (y, x, y, x) in any order, or
// `centered`: (x, y, width, height).
struct Nms {
  bool centered = false;
  Dim limit;
};

enum class CellKind : uint8_t { kRnn, kGru, kLstm };
// One direction of a recurrent layer whose inputs are multiplied beforehand: G gates, in ONNX's
// order, for H hidden units. Steps run t = 0, 1, ..., or T-1, T-2, ... in reverse.
//   xw (T, N, G*H), r (H, G*H), h0 (N, H) -> y (T, N, H), h (N, H)
//     GRU, linear before reset: , bias (1, H)
//     LSTM: , c0 (N, H), with peepholes p (3, H) -> , c (N, H)
//   with lengths: , lengths (N) int32
// a[q] = xw[t, n, q*H + j] + h r[:, q*H + j], e the activations in their order, * elementwise:
//   RNN   h' = e0(a[0])
//   GRU   z = e0(a[0]), s = e0(a[1]), h' = (1 - z) * m + z * h, where m is e1(xw[2] + (s * h)
//   r[2]),
//         linear before reset e1(xw[2] + s * (h r[2] + bias))
//   LSTM  i = e0(a[0] + p[0] * c), f = e0(a[2] + p[2] * c), coupled 1 - i;
//         c' = f * c + i * e1(a[3]); h' = e0(a[1] + p[1] * c') * e2(c')
// Row n is in step t when t < lengths[n]; else its state stays, its y is 0. In none: h and c are 0.
// Packed: r is (H/NR, H, G, NR) with NR = panel, units past H filled with 0.
struct Recurrence {
  CellKind kind = CellKind::kRnn;
  bool reverse = false;
  bool linear_before_reset = false;     // GRU
  bool coupled = false;                 // LSTM: the forget gate is 1 - i
  bool peepholes = false;               // LSTM
  bool lengths = false;                 // there are lengths
  int panel = 0;                        // 0: plain r; else NR of packed r
  std::vector<ScalarExpr> activations;  // of one operand each: 1 (RNN), 2 (GRU), 3 (LSTM)

  int gates() const { return kind == CellKind::kLstm ? 4 : kind == CellKind::kGru ? 3 : 1; }
  bool has_cell() const { return kind == CellKind::kLstm; }
  // Positions of operands.
  static constexpr int kInputs = 0, kWeights = 1, kHidden = 2, kCell = 3, kBias = 3, kPeepholes = 4;
  int lengths_at() const { return 3 + linear_before_reset + has_cell() + peepholes; }
  int operand_count() const { return lengths_at() + lengths; }
};

// x (int32 or int64, rank 0 or 1, one element for each symbol) -> x. Defines the symbols: from here
// on each stands for the value of its element, which must lie in Graph::symbols' bounds.
struct Measure {
  std::vector<std::string> symbols;
};
// x bool (n) -> int64 (count): the positions of the true elements, in order. `count` is their
// number, measured before.
struct Compact {
  Dim count;
};

// ---- Regions: nodes with graphs inside. A body's inputs are the node's operands from its captures
// on; it may use every symbol that is defined where the node stands. `types` are the results';
// extents that only the run decides are `symbols`, which the node defines.

// (condition bool of one element, captures...) -> what the body that is chosen gives
struct If {
  std::shared_ptr<Graph> then_body, else_body;  // inputs: captures
  std::vector<TensorType> types;
  std::vector<std::string> symbols;
};
// (condition, if has_condition; states...; captures...) -> states after the last iteration, then
// what each iteration gave of `scans` values, stacked along a new first axis. Runs at most `trips`
// times, and while the condition is true.
struct Loop {
  std::shared_ptr<Graph> body;  // inputs: states, captures; outputs: condition, states, scans
  std::optional<Dim> trips;
  bool has_condition = false;
  int states = 0, scans = 0;
  std::string iteration;  // a symbol of the body: 0, 1, ...
  std::vector<TensorType> types;
  // Extents of states that change (in the body: those of the iteration), of scans, and the number
  // of iterations unless it is known to be `trips`.
  std::vector<std::string> symbols;
};

// A named group with its meaning as a body of primitives: `body`'s inputs are the operands in
// order, its outputs the results. Row fusion makes composites named "rows": elementwise and reduce
// nodes over one domain.
struct Composite {
  std::string name;
  std::shared_ptr<Graph> body;
};

using Primitive =
    std::variant<Input, Param, Constant, Elementwise, Reduce, Cumulate, TopK, Contract, Pool,
                 PoolIndices, Permute, Broadcast, Slice, Reshape, Concat, Pad, Gather, Lookup,
                 Scatter, Copy, Nms, Recurrence, Measure, Compact, If, Loop, Composite>;
std::string_view name_of(const Primitive& primitive);  // "elementwise"

struct Node {
  Primitive op;
  std::vector<Value*> operands;
  std::vector<std::unique_ptr<Value>> results;
  std::vector<std::string> origins;  // names of the ONNX nodes it came from, in order, no repeats
  Value* result() const { return results.front().get(); }
  template <class T>
  const T* as() const {
    return std::get_if<T>(&op);
  }
  template <class T>
  T* as() {
    return std::get_if<T>(&op);
  }
};

// What the graph takes for granted and every run checks, as soon as the symbols are known: a == b.
struct Check {
  Dim a, b;
  std::string text;  // "shapes [n,4] and [m,4] cannot be broadcast"
  std::vector<std::string> origins;
  bool kept = false;  // also when no node uses its symbols
};

// Nodes in topological order, symbols included: a node that uses a symbol stands after the one that
// defines it. A node is made by `add`, which infers the results' types and throws
// ErrorKind::kValue with a sentence on what does not fit (the importer adds the ONNX node's name).
class Graph {
 public:
  std::string name;
  SymbolBounds symbols;
  std::vector<Value*> inputs;  // results of Input nodes, in order
  std::vector<Value*> outputs;
  std::vector<std::string> output_names;
  std::map<std::string, TensorData> frozen;      // initializers whose value shaped the code
  std::map<std::string, std::string> operators;  // of the import: types of ONNX nodes by name
  std::vector<Check> checks;

  Value* input(const std::string& name, TensorType type);
  Value* param(const std::string& name, TensorData data);
  Value* constant(TensorData data);
  Value* constant_ints(const std::vector<int64_t>& values);  // int64, rank 1
  // Appends, or inserts before `before`. One result (TopK, Nms: two; Recurrence: two or three;
  // Composite: one for each body output).
  Node* add(Primitive op, std::vector<Value*> operands, Node* before = nullptr);
  Value* value(Primitive op, std::vector<Value*> operands) {
    return add(std::move(op), std::move(operands))->result();
  }

  std::list<std::unique_ptr<Node>>& nodes() { return nodes_; }
  const std::list<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  // Every user of a value reads `to` instead; graph outputs too.
  void replace_uses(Value* from, Value* to);
  std::unordered_map<const Value*, std::vector<Node*>> users() const;
  // Nodes no output depends on, by operands or symbols; inputs stay. Checks of symbols that are
  // gone go too, unless they are kept.
  void remove_dead();
  // Nodes made while this is set carry it as their origin.
  void set_origin(std::string onnx_node) { origin_ = std::move(onnx_node); }
  const std::string& origin() const { return origin_; }

 private:
  std::list<std::unique_ptr<Node>> nodes_;
  std::string origin_;
  int next_id_ = 0;
};

// Result types of `op` on operands of these types (Composite: from its body). kValue when they
// don't fit.
std::vector<TensorType> infer(const Primitive& op, const std::vector<TensorType>& operands);
std::string to_string(const Graph& graph);  // one line per node; stable
// SSA order, types as inferred, unique ids, origins; throws kInternal.
void verify(const Graph& graph);
std::shared_ptr<Graph> clone(const Graph& graph);

}  // namespace dovetail::ir
