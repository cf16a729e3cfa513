// Kernels that work along one axis: the lines along it are the positions of all other axes.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "kernels/task_writer.h"

namespace dovetail::kernels::order {

// One line, or `lanes` neighbouring ones in vectors.
struct Line {
  std::vector<loop::Value> offsets;  // byte offset of its first element, by tensor
  std::optional<loop::Value> count;  // lanes that exist, when not all do
};

// Tensors are numbered operands first, then results; all have the same extents but along the axis.
class Lines {
 public:
  // Vectors of `lanes` lines, or of a few times as many, where an axis lets every tensor run along
  // them with stride 1.
  Lines(const Request& request, int axis, int lanes);

  int lanes() const { return lanes_; }
  // Parameters: pointers, extents, strides. `line_cost`: elements that one line takes.
  void declare(TaskWriter& writer, const ir::Dim& line_cost);
  const loop::Value& pointer(int t) const { return pointers_[t]; }
  const loop::Value& stride(int t) const { return strides_[t]; }  // bytes, along the axis
  // The lines of this chunk.
  void each(TaskWriter& writer, const std::function<void(const Line&)>& body) const;
  const ir::Dim& chunks() const { return chunks_; }

  // Elements of tensor t at a byte offset, one for each lane.
  loop::Value load(loop::Builder& b, int t, const loop::Value& offset, const Line& line) const;
  void store(loop::Builder& b, int t, const loop::Value& offset, const loop::Value& value,
             const Line& line) const;

 private:
  struct Axis {
    ir::Dim extent;
    std::vector<ir::Dim> strides;  // in elements, by tensor
  };
  void collect_axes(const Request& request);
  void choose_vector_axis(int lanes);
  void offsets_of(loop::Builder& b, loop::Value unit, Line* line, loop::Value* remaining) const;

  std::vector<const Layout*> tensors_;
  int axis_;
  int lanes_ = 1;
  std::vector<Axis> kept_;
  std::optional<Axis> vector_;
  ir::Dim chunks_ = 1;
  std::vector<loop::Value> pointers_, strides_, kept_extents_;
  std::vector<std::vector<loop::Value>> kept_strides_;  // by axis and tensor
  loop::Value vector_extent_, blocks_, units_, units_per_chunk_;
};

}  // namespace dovetail::kernels::order
