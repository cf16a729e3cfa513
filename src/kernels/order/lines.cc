#include "kernels/order/lines.h"

#include <fmt/format.h>

#include <algorithm>

namespace dovetail::kernels::order {

using ir::Dim;
using loop::Value;

namespace {
// Elements in a chunk of about 20 us.
const Dim kChunkElements = 16384;
// Vectors of neighbouring lines that are taken together: longer runs of memory, and their steps do
// not wait for each other.
constexpr int kVectors = 4;
}  // namespace

Lines::Lines(const Request& request, int axis, int lanes) : axis_(axis) {
  for (const Layout& layout : request.operands) tensors_.push_back(&layout);
  for (const Layout& layout : request.results) tensors_.push_back(&layout);
  collect_axes(request);
  choose_vector_axis(lanes);
}

// Axes of extent 1 vanish; neighbours merge when every tensor lies as one axis would.
void Lines::collect_axes(const Request& request) {
  const ir::Shape& shape = request.operands[0].shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (static_cast<int>(i) == axis_ || shape[i] == Dim(1)) continue;
    Axis axis{shape[i], {}};
    for (const Layout* tensor : tensors_) axis.strides.push_back(tensor->strides[i]);
    const auto follows = [&](const Axis& outer) {
      for (size_t t = 0; t < tensors_.size(); ++t) {
        if (outer.strides[t] != axis.strides[t] * axis.extent) return false;
      }
      return true;
    };
    if (!kept_.empty() && follows(kept_.back())) {
      axis.extent *= kept_.back().extent;
      kept_.pop_back();
    }
    kept_.push_back(std::move(axis));
  }
}

void Lines::choose_vector_axis(int lanes) {
  for (size_t i = kept_.size(); i-- > 0 && lanes > 1;) {
    const std::vector<Dim>& strides = kept_[i].strides;
    if (!std::all_of(strides.begin(), strides.end(), [](const Dim& s) { return s == Dim(1); }))
      continue;
    vector_ = kept_[i];
    kept_.erase(kept_.begin() + static_cast<int64_t>(i));
    const Dim& extent = vector_->extent;
    const bool narrow = extent.is_constant() && extent.value() < kVectors * lanes;
    lanes_ = narrow ? lanes : kVectors * lanes;
    return;
  }
}

void Lines::declare(TaskWriter& writer, const Dim& line_cost) {
  const auto bytes = [&](size_t t, const Dim& stride) {
    return stride * ir::size_of(tensors_[t]->dtype);
  };
  for (size_t t = 0; t < tensors_.size(); ++t) {
    pointers_.push_back(writer.pointer(fmt::format("p{}", t), static_cast<int>(t)));
    strides_.push_back(
        writer.integer(fmt::format("stride{}", t), bytes(t, tensors_[t]->strides[axis_])));
  }
  Dim units = 1;
  for (size_t i = 0; i < kept_.size(); ++i) {
    units *= kept_[i].extent;
    kept_extents_.push_back(writer.integer(fmt::format("kept{}", i), kept_[i].extent));
    kept_strides_.emplace_back();
    for (size_t t = 0; t < tensors_.size(); ++t)
      kept_strides_.back().push_back(
          writer.integer(fmt::format("kept{}_stride{}", i, t), bytes(t, kept_[i].strides[t])));
  }
  if (vector_) {
    const Dim blocks = ceildiv(vector_->extent, lanes_);
    vector_extent_ = writer.integer("vector_extent", vector_->extent);
    blocks_ = writer.integer("blocks", blocks);
    units *= blocks;
  }
  const Dim cost = max(line_cost, Dim(1)) * lanes_;
  const Dim per_chunk = max(Dim(1), floordiv(kChunkElements, cost));
  units_ = writer.integer("units", units);
  units_per_chunk_ = writer.integer("units_per_chunk", per_chunk);
  chunks_ = ceildiv(units, per_chunk);
}

// Offsets of a unit (a line or a block of them), and the lines from its first one on.
void Lines::offsets_of(loop::Builder& b, Value unit, Line* line, Value* remaining) const {
  line->offsets.assign(tensors_.size(), b.constant(int64_t{0}));
  if (vector_) {
    const Value first = unit % blocks_ * lanes_;
    unit = unit / blocks_;
    *remaining = vector_extent_ - first;
    for (size_t t = 0; t < tensors_.size(); ++t)
      line->offsets[t] = first * ir::size_of(tensors_[t]->dtype);
  }
  for (size_t i = kept_.size(); i-- > 0;) {
    const Value index = i ? unit % kept_extents_[i] : unit;
    if (i) unit = unit / kept_extents_[i];
    for (size_t t = 0; t < tensors_.size(); ++t)
      line->offsets[t] = line->offsets[t] + index * kept_strides_[i][t];
  }
}

void Lines::each(TaskWriter& writer, const std::function<void(const Line&)>& body) const {
  loop::Builder& b = writer.code();
  const Value first = b.chunk() * units_per_chunk_;
  const Value last = min(first + units_per_chunk_, units_);
  b.for_each("unit", first, last, 1, [&](const Value& unit) {
    Line line;
    Value remaining;
    offsets_of(b, unit, &line, &remaining);
    if (!vector_) {
      body(line);
      return;
    }
    b.if_(
        remaining >= lanes_, [&] { body(line); },
        [&] {
          Line part = line;
          part.count = remaining;
          body(part);
        });
  });
}

Value Lines::load(loop::Builder& b, int t, const Value& offset, const Line& line) const {
  const loop::Type type = loop::vector(tensors_[t]->dtype, lanes_);
  return line.count ? b.load_masked(type, pointers_[t], offset, *line.count)
                    : b.load(type, pointers_[t], offset);
}

void Lines::store(loop::Builder& b, int t, const Value& offset, const Value& value,
                  const Line& line) const {
  if (line.count) {
    b.store_masked(value, pointers_[t], offset, *line.count);
  } else {
    b.store(value, pointers_[t], offset);
  }
}

}  // namespace dovetail::kernels::order
