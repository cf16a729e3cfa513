#include "compiler/place.h"

namespace dovetail::compiler {
namespace {

using ir::Dim;
using ir::Shape;

// Axes of extent 1 have no say in the layout.
void drop_ones(const Shape& shape, const std::vector<Dim>& strides, Shape* kept,
               std::vector<Dim>* kept_strides) {
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == Dim(1)) continue;
    kept->push_back(shape[i]);
    kept_strides->push_back(strides[i]);
  }
}

// Both shapes are cut into groups of axes with equal products, from the left. Inside a group the
// old axes must lie as one axis would (outer stride = inner extent * inner stride); the new axes
// then split that one axis.
std::optional<std::vector<Dim>> by_groups(const Shape& from, const std::vector<Dim>& strides,
                                          const Shape& to) {
  Shape old_shape;
  std::vector<Dim> old_strides;
  drop_ones(from, strides, &old_shape, &old_strides);
  std::vector<Dim> result(to.size(), Dim(1));
  if (ir::element_count(to) == Dim(0)) return ir::compact_strides(to);
  size_t i = 0;
  size_t j = 0;
  while (j < to.size()) {
    if (to[j] == Dim(1)) {
      ++j;
      continue;
    }
    if (i == old_shape.size()) return std::nullopt;
    // Grow both sides until the products agree.
    const size_t old_begin = i;
    const size_t new_begin = j;
    Dim old_product = old_shape[i++];
    Dim new_product = to[j++];
    while (old_product != new_product) {
      const bool old_smaller = old_product.is_constant() && new_product.is_constant()
                                   ? old_product.value() < new_product.value()
                                   : i - old_begin <= j - new_begin;
      if (old_smaller && i < old_shape.size()) {
        old_product *= old_shape[i++];
      } else if (j < to.size()) {
        new_product *= to[j++];
      } else if (i < old_shape.size()) {
        old_product *= old_shape[i++];
      } else {
        return std::nullopt;
      }
    }
    for (size_t k = old_begin; k + 1 < i; ++k) {
      if (old_strides[k] != old_shape[k + 1] * old_strides[k + 1]) return std::nullopt;
    }
    Dim stride = old_strides[i - 1];
    for (size_t k = j; k-- > new_begin;) {
      result[k] = stride;
      stride *= to[k];
    }
  }
  return i == old_shape.size() ? std::optional(result) : std::nullopt;
}

// Equal numbers of elements may be asserted instead of proved. Then axes that correspond one to
// one, all but one equal, are equal in that one too; and what is compact stays compact.
std::optional<std::vector<Dim>> by_assertion(const Shape& from, const std::vector<Dim>& strides,
                                             const Shape& to) {
  if (from.size() == to.size()) {
    size_t different = 0;
    for (size_t i = 0; i < from.size(); ++i) different += from[i] == to[i] ? 0 : 1;
    if (different == 1) return strides;
  }
  const std::vector<Dim> compact = ir::compact_strides(from);
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] != Dim(1) && strides[i] != compact[i]) return std::nullopt;
  }
  return ir::compact_strides(to);
}

}  // namespace

std::optional<std::vector<Dim>> reshape_strides(const Shape& from, const std::vector<Dim>& strides,
                                                const Shape& to) {
  auto result = by_groups(from, strides, to);
  return result ? result : by_assertion(from, strides, to);
}

}  // namespace dovetail::compiler
