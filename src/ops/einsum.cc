// Einsum: sums of products over labelled axes. Operands are taken from left to right, two at a
// time: as a matrix product where labels end, elementwise where none does.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/einsum_equation.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::ReduceKind;
using ir::Shape;
using ir::Value;

bool contains(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

// A value whose axes have different labels.
struct Labelled {
  Value* value;
  Labels labels;

  int axis(Label label) const {
    return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
  }
  const Dim& extent(Label label) const { return value->shape()[axis(label)]; }
};

class EinsumLowering {
 public:
  explicit EinsumLowering(LowerContext& c) : c_(c) {
    std::vector<int> ranks;
    for (size_t k = 0; k < c.input_count(); ++k) {
      c.require_same_dtype(k);
      ranks.push_back(c.x(k)->rank());
    }
    equation_ = parse_einsum(c.text("equation"), ranks);
  }

  Value* run() {
    collect_extents();
    Labelled product = operand(0);
    for (size_t k = 1; k < equation_.operands.size(); ++k) {
      Labels needed = equation_.result;
      for (size_t later = k + 1; later < equation_.operands.size(); ++later) {
        const Labels& labels = equation_.operands[later];
        needed.insert(needed.end(), labels.begin(), labels.end());
      }
      product = multiply(product, operand(k), needed);
    }
    product = sum_out(product, equation_.result);
    return arranged(product);
  }

 private:
  // Every extent of a label is the same, or 1 where it repeats.
  void collect_extents() {
    for (size_t k = 0; k < equation_.operands.size(); ++k) {
      const Labels& labels = equation_.operands[k];
      for (size_t i = 0; i < labels.size(); ++i) {
        const Dim& extent = c_.x(k)->shape()[i];
        Dim& known = extents_.emplace(labels[i], extent).first->second;
        known = known == Dim(1) ? extent : extent == Dim(1) ? known : common_extent(known, extent);
      }
    }
  }

  // Operand k with extents that are 1 or those of the labels, each label once: of an axis that
  // occurs twice, the diagonal.
  Labelled operand(size_t k) {
    Labelled x{c_.x(k), equation_.operands[k]};
    for (size_t i = 0; i < x.labels.size(); ++i) {
      const Dim& extent = x.value->shape()[i];
      if (extent != Dim(1)) x.value = stated(x, i, extents_.at(x.labels[i]));
    }
    for (size_t i = 0; i < x.labels.size(); ++i) {
      for (size_t j = x.labels.size(); j-- > i + 1;) {
        if (x.labels[j] == x.labels[i]) take_diagonal(&x, static_cast<int>(i), static_cast<int>(j));
      }
    }
    return x;
  }

  // x with this extent of axis i.
  Value* stated(const Labelled& x, size_t i, const Dim& extent) {
    Shape shape = x.value->shape();
    shape[i] = extent;
    return c_.build.asserted(
        x.value, shape, fmt::format("'{}' of the equation has two extents", text_of(x.labels[i])));
  }

  // The n * n elements of both axes and n more are n rows of n + 1: their first ones are the
  // diagonal.
  void take_diagonal(Labelled* x, int i, int j) {
    x->value = stated(*x, j, common_extent(x->value->shape()[i], x->value->shape()[j]));
    x->value = stated(*x, i, x->value->shape()[j]);
    const Shape before = x->value->shape();
    std::vector<int> perm;
    Shape outer;
    for (int axis = 0; axis < static_cast<int>(before.size()); ++axis) {
      if (axis == i || axis == j) continue;
      perm.push_back(axis);
      outer.push_back(before[axis]);
    }
    perm.insert(perm.end(), {i, j});
    const int last = static_cast<int>(outer.size());
    const Dim& n = before[i];
    Shape flat = outer;
    flat.push_back(n * n);
    ir::Pad pad{std::vector<Dim>(flat.size(), Dim(0)), std::vector<Dim>(flat.size(), Dim(0)), 0};
    pad.hi.back() = n;
    Value* value = c_.build.reshape(c_.build.permute(x->value, perm), flat);
    value = c_.graph().value(std::move(pad), {value});
    Shape square = outer;
    square.insert(square.end(), {n, n + 1});
    value = c_.build.slice(c_.build.reshape(value, square), last + 1, 0, 1);
    square.pop_back();
    value = c_.build.reshape(value, square);
    // The diagonal stands last; it goes where axis i was.
    std::vector<int> back(square.size());
    for (int axis = 0; axis <= last; ++axis) back[axis] = axis < i ? axis : axis - 1;
    back[i] = last;
    x->value = c_.build.permute(value, back);
    x->labels.erase(x->labels.begin() + j);
  }

  // Adds up the axes whose labels are not needed.
  Labelled sum_out(Labelled x, const Labels& needed) {
    std::vector<int> axes;
    Labels left;
    for (size_t i = 0; i < x.labels.size(); ++i) {
      if (contains(needed, x.labels[i])) {
        left.push_back(x.labels[i]);
      } else {
        axes.push_back(static_cast<int>(i));
      }
    }
    return {c_.build.reduce(ReduceKind::kSum, x.value, axes, /*keep=*/false), left};
  }

  // Drops axes of extent 1 that the other operand has longer.
  Labelled without_repeated(const Labelled& x, const Labelled& other) {
    Labels left;
    Shape shape;
    for (const Label label : x.labels) {
      const Dim& extent = x.extent(label);
      if (extent == Dim(1) && contains(other.labels, label) && other.extent(label) != Dim(1))
        continue;
      left.push_back(label);
      shape.push_back(extent);
    }
    return {c_.build.reshape(x.value, shape), left};
  }

  Labelled multiply(const Labelled& left, const Labelled& right, const Labels& needed) {
    Labelled a = without_repeated(left, right);
    Labelled b = without_repeated(right, left);
    const auto wanted_with = [&](const Labelled& other) {
      Labels labels = needed;
      labels.insert(labels.end(), other.labels.begin(), other.labels.end());
      return labels;
    };
    a = sum_out(a, wanted_with(b));
    b = sum_out(b, wanted_with(a));
    // Weights belong on the right.
    if (a.value->node->as<ir::Param>() && !b.value->node->as<ir::Param>()) std::swap(a, b);
    Labels batch;
    Labels inner;
    for (const Label label : a.labels) {
      if (contains(b.labels, label)) (contains(needed, label) ? batch : inner).push_back(label);
    }
    return inner.empty() ? elementwise(a, b) : contract(a, b, batch, inner);
  }

  static Labels without(const Labels& labels, const Labels& taken) {
    Labels left;
    for (const Label label : labels) {
      if (!contains(taken, label)) left.push_back(label);
    }
    return left;
  }

  Labelled elementwise(const Labelled& a, const Labelled& b) {
    Labels labels = a.labels;
    const Labels more = without(b.labels, a.labels);
    labels.insert(labels.end(), more.begin(), more.end());
    return {c_.build.binary(ir::ScalarOp::kMul, spread(a, labels), spread(b, labels)), labels};
  }

  // The axes in the order of `labels`, 1 where x has none.
  Value* spread(const Labelled& x, const Labels& labels) {
    std::vector<int> perm;
    Shape shape;
    for (const Label label : labels) {
      const bool has = contains(x.labels, label);
      if (has) perm.push_back(x.axis(label));
      shape.push_back(has ? x.extent(label) : Dim(1));
    }
    return c_.build.reshape(c_.build.permute(x.value, perm), shape);
  }

  // The axes in the order of three groups of labels; the last two groups become one axis each.
  Value* matrix(const Labelled& x, const Labels& batch, const Labels& rows, const Labels& columns) {
    std::vector<int> perm;
    Shape shape;
    for (const Label label : batch) {
      perm.push_back(x.axis(label));
      shape.push_back(x.extent(label));
    }
    for (const Labels* group : {&rows, &columns}) {
      Dim extent(1);
      for (const Label label : *group) {
        perm.push_back(x.axis(label));
        extent *= x.extent(label);
      }
      shape.push_back(extent);
    }
    return c_.build.reshape(c_.build.permute(x.value, perm), shape);
  }

  Labelled contract(const Labelled& a, const Labelled& b, const Labels& batch,
                    const Labels& inner) {
    Labels outer = batch;
    outer.insert(outer.end(), inner.begin(), inner.end());
    const Labels rows = without(a.labels, outer);
    const Labels columns = without(b.labels, outer);
    Value* y = c_.graph().value(
        ir::Contract{.batch = static_cast<int>(batch.size()), .window = {}, .epilogue = {}},
        {matrix(a, batch, rows, inner), matrix(b, batch, inner, columns)});
    Labelled result{y, batch};
    Shape shape;
    for (const Label label : batch) shape.push_back(a.extent(label));
    for (const Label label : rows) shape.push_back(a.extent(label));
    for (const Label label : columns) shape.push_back(b.extent(label));
    result.labels.insert(result.labels.end(), rows.begin(), rows.end());
    result.labels.insert(result.labels.end(), columns.begin(), columns.end());
    result.value = c_.build.reshape(y, shape);
    return result;
  }

  // The result's order of axes, those of "..." repeated to their full extent.
  Value* arranged(const Labelled& x) {
    Shape shape;
    for (const Label label : equation_.result) {
      const auto extent = extents_.find(label);
      shape.push_back(extent == extents_.end() ? Dim(1) : extent->second);
    }
    return c_.build.broadcast_to(spread(x, equation_.result), shape);
  }

  LowerContext& c_;
  EinsumEquation equation_;
  std::map<Label, Dim> extents_;
};

Values lower_einsum(LowerContext& c) { return {EinsumLowering(c).run()}; }

}  // namespace

std::span<const OpDef> einsum_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Einsum",
       .since = 12,
       .inputs = {1, kAnyNumber},
       .dtypes = kNumbers,
       .attributes = {{"equation", AttributeType::kText, {}, true}},
       .lower = lower_einsum}};
  return ops;
}

}  // namespace dovetail::ops
