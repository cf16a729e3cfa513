#include "passes/reshape_groups.h"

#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Shape;

std::vector<int> wide_axes(const Shape& shape) {
  std::vector<int> axes;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != Dim(1)) axes.push_back(static_cast<int>(i));
  }
  return axes;
}

// Takes axes from both sides until they hold equally many elements.
class Matcher {
 public:
  Matcher(const Shape& from, const Shape& to) : from_(from), to_(to) {}

  std::optional<std::vector<AxisGroup>> run() {
    const std::vector<int> from_axes = wide_axes(from_);
    const std::vector<int> to_axes = wide_axes(to_);
    std::vector<AxisGroup> groups;
    size_t i = 0;
    size_t j = 0;
    while (i < from_axes.size() && j < to_axes.size()) {
      AxisGroup group{{from_axes[i++]}, {to_axes[j++]}};
      Dim left = from_[group.from[0]];
      Dim right = to_[group.to[0]];
      while (left != right) {
        // Only the direction comes from the assumed sizes; equality is proved.
        if (weight_of({left}) <= weight_of({right})) {
          if (i == from_axes.size()) return std::nullopt;
          left *= from_[from_axes[i]];
          group.from.push_back(from_axes[i++]);
        } else {
          if (j == to_axes.size()) return std::nullopt;
          right *= to_[to_axes[j]];
          group.to.push_back(to_axes[j++]);
        }
      }
      groups.push_back(std::move(group));
    }
    if (i != from_axes.size() || j != to_axes.size()) return std::nullopt;
    add_ones(&groups);
    return groups;
  }

 private:
  // Axes of extent 1 stand with the axis before them; leading ones with the first group.
  void add_ones(std::vector<AxisGroup>* groups) const {
    if (groups->empty()) return;
    std::vector<int> group_of(to_.size(), -1);
    for (size_t g = 0; g < groups->size(); ++g) {
      for (const int axis : (*groups)[g].to) group_of[axis] = static_cast<int>(g);
    }
    int current = 0;
    for (AxisGroup& group : *groups) group.to.clear();
    for (size_t axis = 0; axis < to_.size(); ++axis) {
      if (group_of[axis] >= 0) current = group_of[axis];
      (*groups)[current].to.push_back(static_cast<int>(axis));
    }
  }

  const Shape& from_;
  const Shape& to_;
};

}  // namespace

std::optional<std::vector<AxisGroup>> reshape_groups(const Shape& from, const Shape& to) {
  for (const Shape* shape : {&from, &to}) {
    for (const Dim& extent : *shape) {
      if (extent == Dim(0)) return std::nullopt;
    }
  }
  return Matcher(from, to).run();
}

}  // namespace dovetail::passes
