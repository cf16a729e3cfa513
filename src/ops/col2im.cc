// Col2Im: columns (N, C*k..., L) added up at the places of an image (N, C, D...) that windows of
// k... took them from; L is the number of places of the window, first axis outermost.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/lowering/positions.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;
using Ref = Positions::Ref;

Values lower_col2im(LowerContext& c) {
  c.require_rank(0, 3, 3);
  const std::vector<Dim> image = c.extents(1);
  const Ints block = c.known_ints(2);
  const size_t spatial = image.size();
  if (block.size() != spatial) {
    throw_error(ErrorKind::kValue, "{} has {} values, {} has {}", c.input_text(1), spatial,
                c.input_text(2), block.size());
  }
  if (spatial == 0 || *std::min_element(block.begin(), block.end()) < 1) {
    throw_error(ErrorKind::kValue, "{} holds [{}], expected extents of at least 1", c.input_text(2),
                fmt::join(block, ","));
  }
  ir::Window window{
      block, list_or(c, "strides", spatial, 1, 1), list_or(c, "dilations", spatial, 1, 1), {}, {}};
  const Ints pads = list_or(c, "pads", 2 * spatial, 0, 0);
  window.pad_lo.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(spatial));
  window.pad_hi.assign(pads.begin() + static_cast<std::ptrdiff_t>(spatial), pads.end());
  const Shape& x = c.x(0)->shape();
  const Dim window_count = ir::element_count(Shape(block.begin(), block.end()));
  // (N, C, k..., l...)
  Shape columns{x[0], ir::floordiv(x[1], window_count)};
  columns.insert(columns.end(), block.begin(), block.end());
  Shape places, result{columns[0], columns[1]};
  for (size_t i = 0; i < spatial; ++i) {
    places.push_back(ir::window_extent(window, static_cast<int>(i), image[i]));
    result.push_back(image[i]);
  }
  ir::Value* x3 = c.build.asserted(
      c.x(0), {x[0], columns[1] * window_count, ir::element_count(places)},
      fmt::format("{} has shape {}, expected [N,C*{},{}]", c.input_text(0), ir::to_string(x),
                  window_count.to_string(), ir::element_count(places).to_string()));
  columns.insert(columns.end(), places.begin(), places.end());
  ir::Value* zeros = c.build.broadcast_to(c.build.scalar(0, c.x(0)->dtype()), result);
  Positions p(c.graph(), {zeros, c.build.reshape(x3, columns)});
  std::vector<Ref> at{p.index(0), p.index(1)};
  for (size_t i = 0; i < spatial; ++i) {
    const auto axis = static_cast<int>(i + 2);
    const Ref start = p.mul(p.index(axis + static_cast<int>(spatial)), p.number(window.strides[i]));
    const Ref inside = p.mul(p.index(axis), p.number(window.dilations[i]));
    at.push_back(p.sub(p.add(start, inside), p.dim(window.pad_lo[i])));
  }
  return {p.scatter(ir::ScatterKind::kAdd, at)};
}

}  // namespace

std::span<const OpDef> col2im_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Col2Im",
       .since = 18,
       .inputs = {3, 3},
       .attributes = {{"dilations", AttributeType::kInts},
                      {"pads", AttributeType::kInts},
                      {"strides", AttributeType::kInts}},
       .lower = lower_col2im,
       .limits = "block_shape must be known when the model is compiled"}};
  return ops;
}

}  // namespace dovetail::ops
