// Writes primitives into a graph. Every function makes only the nodes it needs: a reshape to the
// shape a value has already, or an identity permute, gives the value itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace dovetail::ops {

class Builder {
 public:
  explicit Builder(ir::Graph& graph) : graph_(graph) {}
  ir::Graph& graph() { return graph_; }

  using Ref = ir::ExprBuilder::Ref;
  // Elementwise with numpy's broadcasting: operands of lower rank get leading extents of 1. Extents
  // that are not known to be equal are checked when the model runs, here and wherever shapes meet.
  using Body = std::function<Ref(ir::ExprBuilder&, const std::vector<Ref>&)>;
  ir::Value* elementwise(const std::vector<ir::Value*>& operands, const Body& body);
  ir::Value* unary(ir::ScalarOp op, ir::Value* x);
  ir::Value* binary(ir::ScalarOp op, ir::Value* a, ir::Value* b);
  ir::Value* cast(ir::Value* x, ir::DType dtype);

  // Axes may repeat or be unsorted. Without keep, reduced axes go.
  ir::Value* reduce(ir::ReduceKind kind, ir::Value* x, std::vector<int> axes, bool keep = true);
  // The sum times 1/n (divided by n for integers); reduced axes stay as 1.
  ir::Value* mean(ir::Value* x, const std::vector<int>& axes);
  ir::Value* permute(ir::Value* x, const std::vector<int>& perm);
  ir::Value* reshape(ir::Value* x, const ir::Shape& shape);
  // x as a tensor of this shape, whose extents must be equal: checked where that is not known,
  // kValue where it is known not to be so. `text` tells what for.
  ir::Value* asserted(ir::Value* x, const ir::Shape& shape, const std::string& text);
  // `kept`: also where no node uses the symbols.
  void require_equal(const ir::Dim& a, const ir::Dim& b, const std::string& text,
                     bool kept = false);
  // x, whose extent along the axis `divisor` divides: checked where that is not known, kValue with
  // `text` where it is known not to be so.
  ir::Value* divisible(ir::Value* x, int axis, const ir::Dim& divisor, const std::string& text);
  // x as an operand that broadcasts to `shape` and not the other way round: its extents are 1 or
  // those of `shape`, checked as above. What x alone knows of them goes into `shape`.
  ir::Value* broadcasting_to(ir::Value* x, ir::Shape* shape, const std::string& text);
  // numpy.broadcast_to: leading extents of 1 are added, extents of 1 repeated.
  ir::Value* broadcast_to(ir::Value* x, const ir::Shape& shape);
  // Elements first, first + step, ... along one axis.
  ir::Value* slice(ir::Value* x, int axis, const ir::Dim& first, const ir::Dim& extent,
                   int64_t step = 1);
  ir::Value* concat(const std::vector<ir::Value*>& values, int axis);

  // (N, C, S...) -> (N, S..., C) and back.
  ir::Value* to_channels_last(ir::Value* x);
  ir::Value* to_channels_first(ir::Value* x);
  // A vector of C reshaped to (1, C, 1...) of `rank` axes.
  ir::Value* per_channel(ir::Value* x, int rank);

  // A rank 0 constant.
  ir::Value* scalar(double value, ir::DType dtype);
  // An int64 tensor of rank 1 holding these expressions, known as Value::elements.
  ir::Value* integers(const std::vector<ir::Dim>& values);
  // One expression of shapes as a rank 0 int64 tensor.
  ir::Value* integer(const ir::Dim& value);

  // The elements of x, which become symbols with these bounds.
  std::vector<ir::Dim> measure(ir::Value* x, const std::vector<std::string>& symbols,
                               ir::Bounds bounds = {});
  // The only element of x: a symbol of this name, or one like it that is not yet taken.
  ir::Dim measure(ir::Value* x, const std::string& name);
  // Names not yet taken: "NAME", or "NAME.0" ...
  std::vector<std::string> new_symbols(const std::string& name, int64_t count);
  // The positions of the true elements of a bool tensor, in row-major order: int64, rank 1. Their
  // number becomes a symbol named after `name`.
  ir::Value* positions_of_true(ir::Value* x, const std::string& name);
  // 0, 1, ..., count - 1 as int64
  ir::Value* count_up(const ir::Dim& count);

 private:
  ir::Value* compute(const ir::Dim& value);
  ir::Value* fitted(ir::Value* x, const ir::Shape& shape);
  ir::Graph& graph_;
};

// The shape of numpy's broadcasting. Extents that are known to be neither equal nor 1 throw kValue;
// of two that may be equal it has the constant, or that of `a`.
ir::Shape broadcast_shape(const ir::Shape& a, const ir::Shape& b);
// Of two extents that must be equal: the one that is known, or a.
ir::Dim common_extent(const ir::Dim& a, const ir::Dim& b);
// a >= b for every value of the symbols, as far as that can be proved.
bool proved_ge(const ir::Dim& a, const ir::Dim& b, const ir::SymbolBounds& symbols);

}  // namespace dovetail::ops
