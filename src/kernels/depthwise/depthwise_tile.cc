#include "kernels/depthwise/depthwise_tile.h"

#include <map>
#include <set>

namespace dovetail::kernels {

using loop::Value;
using loop::Var;

namespace {

constexpr int64_t kMaxTapsWrittenOut = 25;
constexpr int64_t kMaxTapsOfARow = 7;  // whose weights are held in registers

}  // namespace

bool DepthwiseTile::is_unrolled(const ir::Window& window) {
  const int rank = window.rank();
  const int64_t tap_rows = rank > 1 ? window.kernel[rank - 2] : 1;
  return window.kernel.back() <= kMaxTapsOfARow &&
         window.kernel.back() * tap_rows <= kMaxTapsWrittenOut;
}

DepthwiseTile::DepthwiseTile(loop::Builder& code, const ir::Window& window,
                             const Contraction& types, int rows, bool all_rows)
    : code_(code), window_(window), types_(types), rows_(rows), all_rows_(all_rows) {}

DepthwiseTile::Sums DepthwiseTile::zeros(int rows, int width, int lanes) {
  const Value zero = code_.constant(int64_t{0}, loop::vector(types_.sum, lanes));
  Sums sums(rows);
  for (auto& row : sums) {
    for (int p = 0; p < width; ++p) row.push_back(code_.var("sum", zero));
  }
  return sums;
}

Value DepthwiseTile::load(const Value& pointer, const Value& offset, ir::DType dtype,
                          const Columns& channels) {
  const loop::Type type = loop::vector(dtype, channels.lanes);
  return code_.cast(channels.count.valid()
                        ? code_.load_masked(type, pointer, offset, channels.count)
                        : code_.load(type, pointer, offset),
                    types_.sum);
}

void DepthwiseTile::add_product(const Var& sum, const Value& x, const Value& w) {
  sum.set(ir::is_float(types_.sum) ? code_.fma(x, w, sum.get()) : x * w + sum.get());
}

void DepthwiseTile::outer_taps(size_t axis, const DepthwisePlace& place, const Source& source,
                               const std::function<void(const Source&)>& body) {
  if (axis == place.taps.size()) {
    body(source);
    return;
  }
  code_.for_each("tap", place.taps[axis].begin, place.taps[axis].end, 1, [&](const Value& tap) {
    outer_taps(axis + 1, place,
               {code_.address(source.x, tap * steps_.x_tap[axis]),
                code_.address(source.w, tap * steps_.w_tap[axis])},
               body);
  });
}

void DepthwiseTile::tile(const TileShape& shape, const DepthwisePlace& place) {
  const Sums sums = zeros(rows_, shape.width, place.channels.lanes);
  outer_taps(0, place, {place.tensors[0], place.tensors[1]}, [&](const Source& source) {
    if (is_unrolled(window_)) {
      written_out(shape, place, source, sums);
    } else {
      in_loops(shape, place, source, sums[0]);
    }
  });
  finish(sums, place);
}

// Each row of x once: all rows of the tile that have taps there take them.
void DepthwiseTile::written_out(const TileShape& shape, const DepthwisePlace& place,
                                const Source& source, const Sums& sums) {
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

void DepthwiseTile::input_row(int64_t offset, const TileShape& shape, const DepthwisePlace& place,
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
    const Value w = has_rows ? code_.address(source.w, steps_.w_tap[axis] * tap_row) : source.w;
    for (int64_t k = 0; k < window_.kernel.back(); ++k) {
      if (shape.active[k] == 0) continue;
      const Value weight = load(w, steps_.w_tap.back() * k, types_.dtype, place.channels);
      for (int p = 0; p < shape.width; ++p) {
        if (!(shape.active[k] >> p & 1)) continue;
        const int64_t at = p * window_.strides.back() + k * window_.dilations.back();
        Value& column = columns[at];
        if (!column.valid()) column = load(x, steps_.x_pixel * at, types_.dtype, place.channels);
        add_product(sums[r][p], column, weight);
      }
    }
  }
}

void DepthwiseTile::row_taps(const Value& row, const Source& source,
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
          code_.address(source.w, k * steps_.w_tap[axis])});
  });
}

// Neighbouring taps with the same pixels inside share a loop.
void DepthwiseTile::in_loops(const TileShape& shape, const DepthwisePlace& place,
                             const Source& source, const std::vector<Var>& sums) {
  row_taps(place.first_row, source, [&](const Source& here) {
    const auto taps = static_cast<int64_t>(shape.active.size());
    for (int64_t begin = 0, end = 0; begin < taps; begin = end) {
      while (end < taps && shape.active[end] == shape.active[begin]) ++end;
      const uint32_t active = shape.active[begin];
      if (active == 0) continue;
      code_.for_each("tap", code_.constant(begin), code_.constant(end), 1, [&](const Value& k) {
        const Value weight = load(here.w, k * steps_.w_tap.back(), types_.dtype, place.channels);
        const Value x = code_.address(here.x, k * steps_.x_tap.back());
        for (int p = 0; p < shape.width; ++p) {
          if (!(active >> p & 1)) continue;
          const Value offset = steps_.x_pixel * (p * window_.strides.back());
          add_product(sums[p], load(x, offset, types_.dtype, place.channels), weight);
        }
      });
    }
  });
}

void DepthwiseTile::pixel(const Range& taps, const DepthwisePlace& place) {
  const Sums sums = zeros(rows_, 1, place.channels.lanes);
  outer_taps(0, place, {place.tensors[0], place.tensors[1]}, [&](const Source& source) {
    each_row(place, [&](int r) {
      Source from = source;
      if (r > 0) {
        const size_t axis = window_.kernel.size() - 2;
        from.x = code_.address(source.x, steps_.x_row * (r * window_.strides[axis]));
      }
      const Value row = place.first_row.valid() ? place.first_row + r : place.first_row;
      row_taps(row, from, [&](const Source& here) {
        code_.for_each("tap", taps.begin, taps.end, 1, [&](const Value& k) {
          const Value x = load(here.x, k * steps_.x_tap.back(), types_.dtype, place.channels);
          const Value w = load(here.w, k * steps_.w_tap.back(), types_.dtype, place.channels);
          add_product(sums[r][0], x, w);
        });
      });
    });
  });
  finish(sums, place);
}

// The rows of a tile that y has.
void DepthwiseTile::each_row(const DepthwisePlace& place,
                             const std::function<void(int row)>& body) {
  for (int r = 0; r < rows_; ++r) {
    if (r == 0 || all_rows_) {
      body(r);
    } else {
      code_.if_(place.first_row + r < steps_.out_rows, [&] { body(r); });
    }
  }
}

void DepthwiseTile::finish(const Sums& sums, const DepthwisePlace& place) {
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
      for (size_t t = 2; t < tensors.size(); ++t) {
        if (r > 0 && steps_.row[t].valid())
          tensors[t] = code_.address(tensors[t], steps_.row[t] * r);
        if (steps_.pixel[t].valid())
          tensors[t] = code_.address(tensors[t], steps_.pixel[t] * pixel);
      }
      epilogue.store(sum, shared, tensors, place.channels);
    };
    if (!steps_.scratch.valid() || width == 1) {
      for (int64_t p = 0; p < width; ++p) store(sums[r][p].get(), code_.constant(p));
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
