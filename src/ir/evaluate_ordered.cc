#include <algorithm>
#include <array>
#include <numeric>

#include "ir/evaluate_primitives.h"
#include "ir/evaluate_scalar.h"
#include "ir/index_space.h"

namespace dovetail::ir {
namespace {

// The positions 0..count-1 of a line, in the order that a TopK takes them.
std::vector<int64_t> order_of(const TopK& op, int64_t count, const auto& value, DType dtype) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  if (op.last) std::reverse(order.begin(), order.end());
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return op.largest ? precedes(value(a), value(b), dtype) : precedes(value(b), value(a), dtype);
  });
  return order;
}

struct Box {
  float y0, x0, y1, x1;
};

Box box_at(const TensorData& boxes, int64_t i, bool centered) {
  std::array<float, 4> v;
  for (int k = 0; k < 4; ++k) v[k] = static_cast<float>(boxes.as_double(4 * i + k));
  if (centered) {
    const float half_width = v[2] * 0.5F, half_height = v[3] * 0.5F;
    return {v[1] - half_height, v[0] - half_width, v[1] + half_height, v[0] + half_width};
  }
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

// Intersection / union, in float32 as the kernel does; 0 where there is none.
float overlap(const Box& a, const Box& b) {
  const float height = std::max(std::min(a.y1, b.y1) - std::max(a.y0, b.y0), 0.0F);
  const float width = std::max(std::min(a.x1, b.x1) - std::max(a.x0, b.x0), 0.0F);
  const float shared = height * width;
  const float all = (a.y1 - a.y0) * (a.x1 - a.x0) + (b.y1 - b.y0) * (b.x1 - b.x0) - shared;
  return shared > 0 ? shared / all : 0.0F;
}

}  // namespace

Tensors evaluate_top_k(const TopK& op, const TensorData& x, const ResultType& type) {
  const std::vector<Scalar> values = decode(x);
  const int64_t extent = x.shape()[op.axis];
  const int64_t k = type.shape[op.axis];
  std::vector<Scalar> first(count_of(type.shape));
  std::vector<int64_t> indices(first.size(), -1);
  std::vector<int64_t> lines = type.shape;
  lines[op.axis] = k ? 1 : 0;
  const std::vector<int64_t> from = repeating_strides(x.shape());
  const std::vector<int64_t> to = repeating_strides(type.shape);
  for_each_index(lines, [&](const std::vector<int64_t>& index) {
    const int64_t line = offset_of(index, from);
    const auto value = [&](int64_t i) { return values[line + i * from[op.axis]]; };
    const std::vector<int64_t> order = order_of(op, extent, value, x.dtype());
    for (int64_t i = 0; i < std::min(k, extent); ++i) {
      const int64_t at = offset_of(index, to) + i * to[op.axis];
      first[at] = value(order[i]);
      indices[at] = order[i];
    }
  });
  return {encode(type.dtype, type.shape, first), TensorData::of(DType::kI64, type.shape, indices)};
}

Tensors evaluate_nms(const Nms& op, const Tensors& x, const ResultType& type) {
  const std::vector<int64_t>& shape = x[1].shape();
  const int64_t count = shape[2];
  const int64_t most = std::min(x[2].as_int(0), op.limit.value());
  std::vector<int64_t> rows;
  for (int64_t line = 0; line < shape[0] * shape[1]; ++line) {
    const int64_t batch = line / shape[1];
    const auto score = [&](int64_t i) {
      Scalar value;
      value.real = x[1].as_double(line * count + i);
      return value;
    };
    const auto box = [&](int64_t i) { return box_at(x[0], batch * count + i, op.centered); };
    std::vector<int64_t> taken;
    for (const int64_t i : order_of(TopK{0, count}, count, score, DType::kF32)) {
      if (static_cast<int64_t>(taken.size()) >= most) break;
      if (!(score(i).real > x[4].as_double(0))) continue;
      const Box candidate = box(i);
      const auto threshold = static_cast<float>(x[3].as_double(0));
      if (std::any_of(taken.begin(), taken.end(),
                      [&](int64_t t) { return overlap(candidate, box(t)) > threshold; }))
        continue;
      taken.push_back(i);
      rows.insert(rows.end(), {batch, line % shape[1], i});
    }
  }
  const auto selected = static_cast<int64_t>(rows.size() / 3);
  rows.resize(count_of(type.shape), 0);
  return {TensorData::of(DType::kI64, type.shape, rows),
          TensorData::of(DType::kI64, {}, std::vector<int64_t>{selected})};
}

}  // namespace dovetail::ir
