#include "kernels/window/window_tile.h"

#include <limits>
#include <map>
#include <set>

namespace dovetail::kernels {

using loop::Value;
using loop::Var;

namespace {

constexpr int64_t kMaxTapsWrittenOut = 25;
constexpr int64_t kMaxTapsOfARow = 7;  // whose weights are held in registers

}  // namespace

bool WindowTile::is_unrolled(const ir::Window& window) {
  const int rank = window.rank();
  const int64_t tap_rows = rank > 1 ? window.kernel[rank - 2] : 1;
  return window.kernel.back() <= kMaxTapsOfARow &&
         window.kernel.back() * tap_rows <= kMaxTapsWrittenOut;
}

WindowTile::WindowTile(loop::Builder& code, const WindowWork& work, int rows, bool all_rows)
    : code_(code),
      work_(work),
      window_(work.window),
      types_(work.types),
      rows_(rows),
      all_rows_(all_rows) {}

Value WindowTile::identity(const loop::Type& type) {
  if (work_.op != WindowOp::kMax) return code_.constant(int64_t{0}, type);
  if (ir::is_float(type.dtype))
    return code_.constant(-std::numeric_limits<double>::infinity(), type);
  const int bits = 8 * ir::size_of(type.dtype);
  const bool is_signed = ir::is_signed_int(type.dtype);
  return code_.constant(is_signed ? static_cast<int64_t>(~uint64_t{0} << (bits - 1)) : 0, type);
}

WindowTile::Sums WindowTile::zeros(int rows, int width, int lanes) {
  const Value none = identity(loop::vector(types_.sum, lanes));
  Sums sums(rows);
  for (auto& row : sums) {
    for (int p = 0; p < width; ++p) row.push_back(code_.var("sum", none));
  }
  return sums;
}

Value WindowTile::load(const Value& pointer, const Value& offset, ir::DType dtype,
                       const Columns& channels) {
  const loop::Type type = loop::vector(dtype, channels.lanes);
  return code_.cast(channels.count.valid()
                        ? code_.load_masked(type, pointer, offset, channels.count)
                        : code_.load(type, pointer, offset),
                    types_.sum);
}

void WindowTile::combine(const Var& sum, const Value& x, const Value& weight) {
  const Value before = sum.get();
  if (work_.op == WindowOp::kProducts) {
    sum.set(ir::is_float(types_.sum) ? code_.fma(x, weight, before) : x * weight + before);
  } else if (work_.op != WindowOp::kMax) {
    sum.set(before + x);  // averages divide afterwards
  } else if (ir::is_float(types_.sum)) {
    // The loop operation gives x when either is NaN: a NaN already there has to stay.
    sum.set(code_.select(before == before, max(before, x), before));
  } else {
    sum.set(max(before, x));
  }
}

Value WindowTile::load_weight(const Value& w, const Value& tap, const Columns& channels) {
  return has_weights() ? load(w, tap * steps_.w_tap.back(), types_.dtype, channels) : Value();
}

// Positions along the axes up to the rows that an average divides by, for one row of the tile.
Value WindowTile::rows_counted(const WindowPlace& place, int row) {
  const bool padded = work_.op == WindowOp::kAveragePadded;
  Value count = place.outer_count.valid() ? place.outer_count : code_.constant(int64_t{1});
  if (!padded) {
    for (const Range& taps : place.taps) count = count * max(taps.end - taps.begin, 0);
  }
  if (!steps_.in_rows.valid()) return count;
  const size_t axis = window_.kernel.size() - 2;
  const Tap tap{.kernel = window_.kernel[axis],
                .stride = window_.strides[axis],
                .dilation = window_.dilations[axis]};
  const Value at = place.first_row + row;
  if (padded) return count * taps_inside(at, tap, steps_.row_pad, steps_.padded_rows).end;
  const Range taps = taps_inside(at, tap, steps_.row_pad, steps_.in_rows);
  return count * max(taps.end - taps.begin, 0);
}

void WindowTile::set_scales(int width, const std::function<Value(int pixel)>& counted,
                            WindowPlace* place) {
  for (int r = 0; r < rows_; ++r) {
    const Value rows = rows_counted(*place, r);
    place->scales.emplace_back();
    for (int p = 0; p < width; ++p) {
      const Value count = code_.cast(rows * counted(p), types_.sum);
      place->scales.back().push_back(constant_like(count, 1) / count);
    }
  }
}

void WindowTile::count(const TileShape& shape, WindowPlace* place) {
  if (!is_average()) return;
  const Tap tap{.kernel = window_.kernel.back(),
                .stride = window_.strides.back(),
                .dilation = window_.dilations.back()};
  set_scales(
      shape.width,
      [&](int p) {
        int64_t inside = 0;
        for (const uint32_t active : shape.active) inside += active >> p & 1;
        if (work_.op == WindowOp::kAverage || inside == tap.kernel) return code_.constant(inside);
        return taps_inside(place->first_pixel + p, tap, steps_.pixel_pad, steps_.padded_pixels).end;
      },
      place);
}

void WindowTile::count(const Range& taps, WindowPlace* place) {
  if (!is_average()) return;
  const Tap tap{.kernel = window_.kernel.back(),
                .stride = window_.strides.back(),
                .dilation = window_.dilations.back()};
  set_scales(
      1,
      [&](int) {
        if (work_.op == WindowOp::kAverage) return max(taps.end - taps.begin, 0);
        return taps_inside(place->first_pixel, tap, steps_.pixel_pad, steps_.padded_pixels).end;
      },
      place);
}

void WindowTile::outer_taps(size_t axis, const WindowPlace& place, const Source& source,
                            const std::function<void(const Source&)>& body) {
  if (axis == place.taps.size()) {
    body(source);
    return;
  }
  code_.for_each("tap", place.taps[axis].begin, place.taps[axis].end, 1, [&](const Value& tap) {
    outer_taps(axis + 1, place,
               {code_.address(source.x, tap * steps_.x_tap[axis]),
                has_weights() ? code_.address(source.w, tap * steps_.w_tap[axis]) : source.w},
               body);
  });
}

void WindowTile::tile(const TileShape& shape, const WindowPlace& place) {
  const Sums sums = zeros(rows_, shape.width, place.channels.lanes);
  outer_taps(0, place, {place.tensors[0], has_weights() ? place.tensors[1] : Value()},
             [&](const Source& source) {
               if (is_unrolled(window_)) {
                 written_out(shape, place, source, sums);
               } else {
                 in_loops(shape, place, source, sums[0]);
               }
             });
  finish(sums, place);
}

// Each row of x once: all rows of the tile that have taps there take them.
void WindowTile::written_out(const TileShape& shape, const WindowPlace& place, const Source& source,
                             const Sums& sums) {
  if (!steps_.in_rows.valid()) {
    input_row(0, shape, place, source, sums);
    return;
  }
  const size_t axis = window_.kernel.size() - 2;
  std::set<int64_t> offsets;
  for (int64_t r = 0; r < rows_; ++r) {
    for (int64_t k = 0; k < window_.kernel[axis]; ++k)
      offsets.insert(r * window_.strides[axis] + k * window_.dilations[axis]);
  }
  const Value top = place.first_row * window_.strides[axis] - steps_.row_pad;
  for (const int64_t offset : offsets) {
    const Value row = top + offset;
    const Value inside = code_.binary(loop::Opcode::kAnd, row >= int64_t{0}, row < steps_.in_rows);
    code_.if_(inside, [&] { input_row(offset, shape, place, source, sums); });
  }
}

void WindowTile::input_row(int64_t offset, const TileShape& shape, const WindowPlace& place,
                           const Source& source, const Sums& sums) {
  const bool has_rows = steps_.in_rows.valid();
  const size_t axis = window_.kernel.size() - 2;
  const Value x = has_rows ? code_.address(source.x, steps_.x_row * offset) : source.x;
  std::map<int64_t, Value> columns;  // of x
  for (int r = 0; r < rows_; ++r) {
    int64_t tap_row = 0;
    if (has_rows) {
      const int64_t distance = offset - r * window_.strides[axis];
      tap_row = distance / window_.dilations[axis];
      if (distance < 0 || distance % window_.dilations[axis] != 0 ||
          tap_row >= window_.kernel[axis])
        continue;
    }
    const bool moves = has_rows && has_weights();
    const Value w = moves ? code_.address(source.w, steps_.w_tap[axis] * tap_row) : source.w;
    for (int64_t k = 0; k < window_.kernel.back(); ++k) {
      if (shape.active[k] == 0) continue;
      const Value weight = load_weight(w, code_.constant(k), place.channels);
      for (int p = 0; p < shape.width; ++p) {
        if (!(shape.active[k] >> p & 1)) continue;
        const int64_t at = p * window_.strides.back() + k * window_.dilations.back();
        Value& column = columns[at];
        if (!column.valid()) column = load(x, steps_.x_pixel * at, types_.dtype, place.channels);
        combine(sums[r][p], column, weight);
      }
    }
  }
}

void WindowTile::row_taps(const Value& row, const Source& source,
                          const std::function<void(const Source&)>& body) {
  if (!steps_.in_rows.valid()) {
    body(source);
    return;
  }
  const size_t axis = window_.kernel.size() - 2;
  const Tap tap{.kernel = window_.kernel[axis],
                .stride = window_.strides[axis],
                .dilation = window_.dilations[axis]};
  const Range taps = taps_inside(row, tap, steps_.row_pad, steps_.in_rows);
  code_.for_each("tap_row", taps.begin, taps.end, 1, [&](const Value& k) {
    body({code_.address(source.x, k * steps_.x_tap[axis]),
          has_weights() ? code_.address(source.w, k * steps_.w_tap[axis]) : source.w});
  });
}

// Neighbouring taps with the same pixels inside share a loop.
void WindowTile::in_loops(const TileShape& shape, const WindowPlace& place, const Source& source,
                          const std::vector<Var>& sums) {
  row_taps(place.first_row, source, [&](const Source& here) {
    const auto taps = static_cast<int64_t>(shape.active.size());
    for (int64_t begin = 0, end = 0; begin < taps; begin = end) {
      while (end < taps && shape.active[end] == shape.active[begin]) ++end;
      const uint32_t active = shape.active[begin];
      if (active == 0) continue;
      code_.for_each("tap", code_.constant(begin), code_.constant(end), 1, [&](const Value& k) {
        const Value weight = load_weight(here.w, k, place.channels);
        const Value x = code_.address(here.x, k * steps_.x_tap.back());
        for (int p = 0; p < shape.width; ++p) {
          if (!(active >> p & 1)) continue;
          const Value offset = steps_.x_pixel * (p * window_.strides.back());
          combine(sums[p], load(x, offset, types_.dtype, place.channels), weight);
        }
      });
    }
  });
}

void WindowTile::pixel(const Range& taps, const WindowPlace& place) {
  const Sums sums = zeros(rows_, 1, place.channels.lanes);
  outer_taps(0, place, {place.tensors[0], has_weights() ? place.tensors[1] : Value()},
             [&](const Source& source) {
               each_row(place, [&](int r) {
                 Source from = source;
                 if (r > 0) {
                   const size_t axis = window_.kernel.size() - 2;
                   from.x = code_.address(source.x, steps_.x_row * (r * window_.strides[axis]));
                 }
                 const Value row = place.first_row.valid() ? place.first_row + r : place.first_row;
                 row_taps(row, from, [&](const Source& here) {
                   code_.for_each("tap", taps.begin, taps.end, 1, [&](const Value& k) {
                     const Value x =
                         load(here.x, k * steps_.x_tap.back(), types_.dtype, place.channels);
                     combine(sums[r][0], x, load_weight(here.w, k, place.channels));
                   });
                 });
               });
             });
  finish(sums, place);
}

// The rows of a tile that y has.
void WindowTile::each_row(const WindowPlace& place, const std::function<void(int row)>& body) {
  for (int r = 0; r < rows_; ++r) {
    if (r == 0 || all_rows_) {
      body(r);
    } else {
      code_.if_(place.first_row + r < steps_.out_rows, [&] { body(r); });
    }
  }
}

void WindowTile::finish(const Sums& sums, const WindowPlace& place) {
  std::vector<bool> moves;
  for (size_t t = 0; t < place.tensors.size(); ++t)
    moves.push_back(steps_.pixel[t].valid() || (rows_ > 1 && steps_.row[t].valid()));
  const Epilogue epilogue(code_, types_, std::move(moves));
  const std::vector<Value> shared = epilogue.load_shared(place.tensors, place.channels);
  const auto width = static_cast<int64_t>(sums[0].size());
  const loop::Type type = loop::vector(types_.sum, place.channels.lanes);
  const int64_t size = int64_t{place.channels.lanes} * ir::size_of(types_.sum);
  each_row(place, [&](int r) {
    const auto store = [&](const Value& sum, const Value& pixel) {
      std::vector<Value> tensors = place.tensors;
      for (size_t t = 1; t < tensors.size(); ++t) {
        if (r > 0 && steps_.row[t].valid())
          tensors[t] = code_.address(tensors[t], steps_.row[t] * r);
        if (steps_.pixel[t].valid())
          tensors[t] = code_.address(tensors[t], steps_.pixel[t] * pixel);
      }
      epilogue.store(sum, shared, tensors, place.channels);
    };
    if (!steps_.scratch.valid() || width == 1) {
      for (int64_t p = 0; p < width; ++p) {
        Value sum = sums[r][p].get();
        if (is_average()) sum = sum * code_.broadcast(place.scales[r][p], place.channels.lanes);
        store(sum, code_.constant(p));
      }
      return;
    }
    for (int64_t p = 0; p < width; ++p)
      code_.store(sums[r][p].get(), steps_.scratch, code_.constant(size * p));
    code_.for_each(
        "pixel", code_.constant(int64_t{0}), code_.constant(width), 1,
        [&](const Value& pixel) { store(code_.load(type, steps_.scratch, pixel * size), pixel); });
  });
}

}  // namespace dovetail::kernels
