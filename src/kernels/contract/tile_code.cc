#include "kernels/contract/tile_code.h"

#include "kernels/contract/epilogue.h"

namespace dovetail::kernels {

using ir::DType;
using loop::Value;

TileCode::Accumulators TileCode::zeros(int width, const Unit& unit) {
  const Value zero = code_.constant(int64_t{0}, vector_type(contraction_.sum));
  Accumulators sums(width);
  for (auto& row : sums) {
    for (int v = 0; v < unit.vectors; ++v) row.push_back(code_.var("sum", zero));
  }
  return sums;
}

TileCode::Source TileCode::moved(const Source& source, const Value& x, const Value& w) {
  Source result{code_.address(source.x, x), {}};
  for (const Value& panel : source.w) result.w.push_back(code_.address(panel, w));
  return result;
}

void TileCode::row_taps(size_t axis, const Place& place, const Source& source,
                        const std::function<void(const Source&)>& body) {
  if (axis == place.taps.size()) {
    body(source);
    return;
  }
  const RowTaps& taps = place.taps[axis];
  code_.for_each("tap", taps.taps.begin, taps.taps.end, 1, [&](const Value& tap) {
    row_taps(axis + 1, place, moved(source, tap * taps.x_step, tap * taps.w_step), body);
  });
}

void TileCode::tile(const TileShape& shape, const Unit& unit, const Place& place) {
  const Accumulators sums = zeros(shape.width, unit);
  row_taps(0, place, {place.tensors[0], unit.weights},
           [&](const Source& source) { window_taps(shape, unit, source, sums); });
  finish(shape.width, unit, place, sums);
}

void TileCode::pixel(const Range& taps, const Unit& unit, const Place& place) {
  const Accumulators sums = zeros(1, unit);
  const auto at = [&](const Source& source, const Value& tap) {
    return moved(source, tap * steps_.x_tap, tap * steps_.w_tap);
  };
  row_taps(0, place, {place.tensors[0], unit.weights}, [&](const Source& source) {
    if (schedule_.merged_taps) {
      const Value count = steps_.channels * max(taps.end - taps.begin, 0);
      channels(1, count, unit, at(source, taps.begin), sums);
      return;
    }
    code_.for_each("tap", taps.begin, taps.end, 1, [&](const Value& tap) {
      channels(1, steps_.channels, unit, at(source, tap), sums);
    });
  });
  finish(1, unit, place, sums);
}

// Neighbouring taps with the same pixels inside share a loop.
void TileCode::window_taps(const TileShape& shape, const Unit& unit, const Source& source,
                           const Accumulators& sums) {
  const int taps = static_cast<int>(shape.active.size());
  if (!contraction_.pixels.windowed) {
    channels(shape.active[0], steps_.channels, unit, source, sums);
    return;
  }
  for (int begin = 0, end = 0; begin < taps; begin = end) {
    while (end < taps && shape.active[end] == shape.active[begin]) ++end;
    const uint32_t active = shape.active[begin];
    if (active == 0) continue;
    const auto at = [&](const Value& tap) {
      return moved(source, tap * steps_.x_tap, tap * steps_.w_tap);
    };
    const Value first = code_.constant(int64_t{begin});
    if (end - begin == 1 || schedule_.merged_taps) {
      channels(active, steps_.channels * int64_t{end - begin}, unit, at(first), sums);
      continue;
    }
    code_.for_each("tap", first, code_.constant(int64_t{end}), 1, [&](const Value& tap) {
      channels(active, steps_.channels, unit, at(tap), sums);
    });
  }
}

std::vector<Value> TileCode::load_weights(const Unit& unit, const Source& source,
                                          const Value& channel) {
  const int size = ir::size_of(contraction_.dtype);
  const int lanes = schedule_.lanes;
  const loop::Type type = vector_type(contraction_.dtype);
  const Value offset = channel * steps_.w_channel;
  std::vector<Value> weights;
  for (int v = 0; v < unit.vectors; ++v) {
    const int column = v * lanes;
    const int panel = contraction_.panel ? column / contraction_.panel : 0;
    const Value at = offset + int64_t{column - panel * contraction_.panel} * size;
    // Packed weights are filled up with zeros.
    const bool masked = v + 1 == unit.vectors && unit.count.valid() && !contraction_.panel;
    const Value loaded = masked ? code_.load_masked(type, source.w[panel], at, unit.count)
                                : code_.load(type, source.w[panel], at);
    weights.push_back(code_.cast(loaded, contraction_.sum));
  }
  return weights;
}

void TileCode::add_product(const loop::Var& sum, const Value& x, const Value& w) {
  sum.set(ir::is_float(contraction_.sum) ? code_.fma(x, w, sum.get()) : x * w + sum.get());
}

// `count` valid: so many lanes.
Value TileCode::load_channels(const Value& pointer, const Value& offset, const Value& count) {
  const loop::Type type = vector_type(contraction_.dtype);
  return code_.cast(count.valid() ? code_.load_masked(type, pointer, offset, count)
                                  : code_.load(type, pointer, offset),
                    contraction_.sum);
}

void TileCode::channel_vectors(uint32_t active, const Value& count, const Unit& unit,
                               const Source& source, const Accumulators& sums) {
  const auto block = [&](const Value& channel, const Value& lanes) {
    const Value at = code_.element(channel, contraction_.dtype);
    std::vector<Value> x(sums.size());
    for (size_t p = 0; p < sums.size(); ++p) {
      const Value offset = at + steps_.pixel[0] * static_cast<int64_t>(p);
      if (active >> p & 1) x[p] = load_channels(source.x, offset, lanes);
    }
    for (int v = 0; v < unit.vectors; ++v) {
      const Value weights = load_channels(source.w[v], at, lanes);
      for (size_t p = 0; p < sums.size(); ++p) {
        if (active >> p & 1) add_product(sums[p][v], x[p], weights);
      }
    }
  };
  const Value full = count / schedule_.lanes * schedule_.lanes;
  code_.for_each("channel", code_.constant(int64_t{0}), full, schedule_.lanes,
                 [&](const Value& channel) { block(channel, {}); });
  code_.if_(full < count, [&] { block(full, count - full); });
}

std::function<void(const Value&)> TileCode::fetch_ahead(const Value& count, const Unit& unit,
                                                        const Source& source) {
  if (!unit.ahead.valid()) return {};
  std::vector<Value> next;
  const Value offset = unit.ahead + unit.tile * (count * steps_.share);
  for (const Value& panel : source.w) next.push_back(code_.address(panel, offset));
  return [this, next](const Value& channel) {
    for (const Value& panel : next) code_.prefetch(panel, channel * steps_.share);
  };
}

void TileCode::channels(uint32_t active, const Value& count, const Unit& unit, const Source& source,
                        const Accumulators& sums) {
  if (schedule_.along_channels) {
    channel_vectors(active, count, unit, source, sums);
    return;
  }
  const DType dtype = contraction_.dtype;
  std::vector<Value> pixel_offsets(sums.size());
  for (size_t p = 0; p < sums.size(); ++p) {
    if (active >> p & 1) pixel_offsets[p] = steps_.pixel[0] * static_cast<int64_t>(p);
  }
  const auto fetch = fetch_ahead(count, unit, source);
  code_.for_each("channel", code_.constant(int64_t{0}), count, 1, [&](const Value& channel) {
    if (fetch) fetch(channel);
    const std::vector<Value> weights = load_weights(unit, source, channel);
    const Value at = code_.element(channel, dtype);
    for (size_t p = 0; p < sums.size(); ++p) {
      if (!(active >> p & 1)) continue;
      const Value one = code_.load(loop::scalar(dtype), source.x, at + pixel_offsets[p]);
      const Value all = code_.broadcast(code_.cast(one, contraction_.sum), schedule_.lanes);
      for (int v = 0; v < unit.vectors; ++v) add_product(sums[p][v], all, weights[v]);
    }
  });
}

std::vector<Value> TileCode::at_pixel(const Value& pixel, const Place& place) {
  std::vector<Value> tensors = place.tensors;
  for (size_t t = 0; t < tensors.size(); ++t) {
    const Value& step = steps_.pixel[t];
    if (step.valid()) tensors[t] = code_.address(tensors[t], step * pixel);
  }
  return tensors;
}

void TileCode::each_pixel(
    int width, const Accumulators& sums,
    const std::function<void(const std::vector<Value>&, const Value&)>& store) {
  const auto count = static_cast<int>(sums[0].size());
  std::vector<Value> values(count);
  if (!scratch_.valid() || width == 1) {
    for (int p = 0; p < width; ++p) {
      for (int v = 0; v < count; ++v) values[v] = sums[p][v].get();
      store(values, code_.constant(int64_t{p}));
    }
    return;
  }
  const loop::Type type = vector_type(contraction_.sum);
  const int64_t size = int64_t{schedule_.lanes} * ir::size_of(contraction_.sum);
  for (int p = 0; p < width; ++p) {
    for (int v = 0; v < count; ++v) {
      code_.store(sums[p][v].get(), scratch_, code_.constant(size * (p * count + v)));
    }
  }
  code_.for_each("pixel", code_.constant(int64_t{0}), code_.constant(int64_t{width}), 1,
                 [&](const Value& pixel) {
                   const Value row = code_.address(scratch_, pixel * (size * count));
                   for (int v = 0; v < count; ++v) {
                     values[v] = code_.load(type, row, code_.constant(size * v));
                   }
                   store(values, pixel);
                 });
}

// Every lane of a sum belongs to one column.
void TileCode::finish_columns(int width, const Unit& unit, const Place& place,
                              const Accumulators& sums) {
  std::vector<bool> moves;
  for (const Value& step : steps_.pixel) moves.push_back(step.valid());
  const Epilogue epilogue(code_, contraction_, std::move(moves));
  for (int v = 0; v < unit.vectors; ++v) {
    const Columns column{unit.column + int64_t{v}, {}, 1};
    const std::vector<Value> shared = epilogue.load_shared(place.tensors, column);
    for (int p = 0; p < width; ++p) {
      const Value sum = schedule_.lanes == 1
                            ? sums[p][v].get()
                            : code_.reduce(loop::Opcode::kReduceAdd, sums[p][v].get());
      epilogue.store(sum, shared, at_pixel(code_.constant(int64_t{p}), place), column);
    }
  }
}

void TileCode::finish(int width, const Unit& unit, const Place& place, const Accumulators& sums) {
  if (schedule_.along_channels) {
    finish_columns(width, unit, place, sums);
    return;
  }
  std::vector<bool> moves;
  for (const Value& step : steps_.pixel) moves.push_back(step.valid());
  const Epilogue epilogue(code_, contraction_, std::move(moves));
  std::vector<Columns> columns;
  std::vector<std::vector<Value>> shared;
  for (int v = 0; v < unit.vectors; ++v) {
    const Value first = unit.column + int64_t{v} * schedule_.lanes;
    columns.push_back({first, v + 1 == unit.vectors ? unit.count : Value(), schedule_.lanes});
    shared.push_back(epilogue.load_shared(place.tensors, columns.back()));
  }
  each_pixel(width, sums, [&](const std::vector<Value>& values, const Value& pixel) {
    const std::vector<Value> tensors = at_pixel(pixel, place);
    for (int v = 0; v < unit.vectors; ++v) {
      epilogue.store(values[v], shared[v], tensors, columns[v]);
    }
  });
}

}  // namespace dovetail::kernels
