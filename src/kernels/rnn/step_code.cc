#include "kernels/rnn/step_code.h"

namespace dovetail::kernels {

using ir::CellKind;
using loop::Value;
using loop::Var;

// A GRU that resets the state before it is multiplied needs all of s before m.
std::vector<StepCode::Pass> StepCode::passes(const StepState& state) const {
  if (op_.kind == CellKind::kRnn) return {{{0}, state.before}};
  if (op_.has_cell()) {
    return {{op_.coupled ? std::vector<int>{0, 1, 3} : std::vector<int>{0, 1, 2, 3}, state.before}};
  }
  if (op_.linear_before_reset) return {{{0, 1, 2}, state.before}};
  return {{{0, 1}, state.before}, {{2}, state.extra[1]}};
}

bool StepCode::is_first_of_two(const Pass& pass) const {
  return op_.kind == CellKind::kGru && pass.gates.size() == 2;
}

void StepCode::run(const StepState& state, const Value& rows) {
  for (const Pass& pass : passes(state)) all_units(state, pass, rows);
}

void StepCode::all_units(const StepState& state, const Pass& pass, const Value& rows) {
  const int64_t width = layer_.unit_width();
  const Value full = memory_.hidden / width * width;
  if (layer_.full_units > 0) {
    code_.for_each("unit", code_.constant(int64_t{0}), full, width, [&](const Value& unit) {
      row_tiles(state, pass, units_at(unit, layer_.vectors, {}), rows);
    });
  }
  if (layer_.tail_vectors == 0) return;
  const Value count = layer_.tail_lanes < layer_.lanes
                          ? memory_.hidden - full - int64_t{layer_.tail_vectors - 1} * layer_.lanes
                          : Value();
  row_tiles(state, pass, units_at(full, layer_.tail_vectors, count), rows);
}

StepCode::Units StepCode::units_at(const Value& unit, int vectors, const Value& count) {
  Units units;
  const Value panel = unit / int64_t{op_.panel};
  const Value inside = code_.element(unit % int64_t{op_.panel}, layer_.dtype);
  units.weights = code_.address(memory_.weights, panel * memory_.panel_bytes + inside);
  for (int v = 0; v < vectors; ++v) {
    const Value first = unit + int64_t{v} * layer_.lanes;
    units.vectors.push_back(
        {code_.element(first, layer_.dtype), v + 1 == vectors ? count : Value()});
  }
  return units;
}

void StepCode::row_tiles(const StepState& state, const Pass& pass, const Units& units,
                         const Value& rows) {
  Value begin = code_.constant(int64_t{0});
  for (const int height : layer_.tiles) {
    const bool last = &height == &layer_.tiles.back();
    const Value end = last ? rows : begin + (rows - begin) / int64_t{height} * int64_t{height};
    code_.for_each("row", begin, end, height,
                   [&](const Value& row) { tile(state, pass, units, row, height); });
    begin = end;
  }
}

void StepCode::tile(const StepState& state, const Pass& pass, const Units& units, const Value& row,
                    int height) {
  std::vector<Accumulators> splits = {first_sums(state, pass, units, row, height)};
  while (height == 1 && static_cast<int>(splits.size()) < layer_.splits) {
    splits.push_back(zeros(pass, units, height));
  }
  multiply(pass, units, row, splits);
  if (height > 1) {
    finish_rows(state, pass, units, row, splits[0]);
    return;
  }
  for (size_t v = 0; v < units.vectors.size(); ++v) {
    Sums sums(op_.gates());
    for (size_t g = 0; g < pass.gates.size(); ++g) {
      Value& sum = sums[pass.gates[g]];
      sum = splits[0][0][g][v].get();
      for (size_t s = 1; s < splits.size(); ++s) sum = sum + splits[s][0][g][v].get();
    }
    finish(state, pass, units.vectors[v], row, sums);
  }
}

// The cell is long: the sums go through memory, so that one copy of it serves all rows.
void StepCode::finish_rows(const StepState& state, const Pass& pass, const Units& units,
                           const Value& row, const Accumulators& sums) {
  const int64_t bytes = int64_t{layer_.lanes} * layer_.size();
  const auto vectors = static_cast<int64_t>(units.vectors.size());
  const auto gates = static_cast<int64_t>(pass.gates.size());
  const auto height = static_cast<int64_t>(sums.size());
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t i = 0; i < gates * vectors; ++i) {
      code_.store(sums[r][i / vectors][i % vectors].get(), memory_.sums,
                  code_.constant((r * gates * vectors + i) * bytes));
    }
  }
  code_.for_each("row", code_.constant(int64_t{0}), code_.constant(height), 1, [&](const Value& r) {
    const Value at = code_.address(memory_.sums, r * (gates * vectors * bytes));
    for (int64_t v = 0; v < vectors; ++v) {
      Sums loaded(op_.gates());
      for (int64_t g = 0; g < gates; ++g) {
        loaded[pass.gates[g]] = code_.load(type(), at, code_.constant((g * vectors + v) * bytes));
      }
      finish(state, pass, units.vectors[v], row + r, loaded);
    }
  });
}

// Sums start from the inputs' products, or the bias of a product that is scaled before it is added.
StepCode::Accumulators StepCode::first_sums(const StepState& state, const Pass& pass,
                                            const Units& units, const Value& row, int height) {
  Accumulators sums(height);
  for (int r = 0; r < height; ++r) {
    for (const int gate : pass.gates) {
      std::vector<Var>& vectors = sums[r].emplace_back();
      for (const Vector& vector : units.vectors) {
        const bool scaled = op_.linear_before_reset && gate == 2;
        vectors.push_back(
            code_.var("sum", scaled ? load(memory_.bias, vector)
                                    : load_input(state, vector, row + int64_t{r}, gate)));
      }
    }
  }
  return sums;
}

StepCode::Accumulators StepCode::zeros(const Pass& pass, const Units& units, int height) {
  const Value zero = code_.constant(int64_t{0}, type());
  Accumulators sums(height, std::vector<std::vector<Var>>(pass.gates.size()));
  for (auto& row : sums) {
    for (auto& gate : row) {
      for (size_t v = 0; v < units.vectors.size(); ++v) gate.push_back(code_.var("sum", zero));
    }
  }
  return sums;
}

void StepCode::multiply(const Pass& pass, const Units& units, const Value& row,
                        const std::vector<Accumulators>& splits) {
  const auto count = static_cast<int64_t>(splits.size());
  const Value even = count == 1 ? memory_.hidden : memory_.hidden / count * count;
  code_.for_each("k", code_.constant(int64_t{0}), even, count, [&](const Value& k) {
    for (int64_t s = 0; s < count; ++s) add_products(pass, units, row, k + s, splits[s]);
  });
  if (layer_.hidden % count == 0) return;
  code_.for_each("k", even, memory_.hidden, 1,
                 [&](const Value& k) { add_products(pass, units, row, k, splits[0]); });
}

// The fewer of state elements and weights stay in registers, the others pass through.
void StepCode::add_products(const Pass& pass, const Units& units, const Value& row, const Value& k,
                            const Accumulators& sums) {
  const size_t height = sums.size();
  const size_t width = pass.gates.size() * units.vectors.size();
  const auto add = [&](const Var& sum, const Value& h, const Value& w) {
    sum.set(code_.fma(h, w, sum.get()));
  };
  const auto sum = [&](size_t r, size_t i) -> const Var& {
    return sums[r][i / units.vectors.size()][i % units.vectors.size()];
  };
  if (height <= width) {
    std::vector<Value> state;
    for (size_t r = 0; r < height; ++r) state.push_back(state_element(pass, row, k, r));
    for (size_t i = 0; i < width; ++i) {
      const Value w = weights(pass, units, k, i);
      for (size_t r = 0; r < height; ++r) add(sum(r, i), state[r], w);
    }
    return;
  }
  std::vector<Value> panel;
  for (size_t i = 0; i < width; ++i) panel.push_back(weights(pass, units, k, i));
  for (size_t r = 0; r < height; ++r) {
    const Value h = state_element(pass, row, k, r);
    for (size_t i = 0; i < width; ++i) add(sum(r, i), h, panel[i]);
  }
}

// Vector `i` of the pass's gates x the tile's vectors.
Value StepCode::weights(const Pass& pass, const Units& units, const Value& k, size_t i) {
  const int size = layer_.size();
  const int64_t gate_bytes = int64_t{op_.panel} * size;
  const int64_t gate = pass.gates[i / units.vectors.size()];
  const auto vector = static_cast<int64_t>(i % units.vectors.size());
  const Value at = k * (op_.gates() * gate_bytes);
  return code_.load(type(), units.weights, at + (gate * gate_bytes + vector * layer_.lanes * size));
}

// Element `k` of row `row` + `r` in every lane.
Value StepCode::state_element(const Pass& pass, const Value& row, const Value& k, size_t r) {
  const Value offset =
      code_.element(k, layer_.dtype) + static_cast<int64_t>(r) * layer_.state_row() * layer_.size();
  return code_.broadcast(code_.load(loop::scalar(layer_.dtype), in_state(pass.source, row), offset),
                         layer_.lanes);
}

void StepCode::finish(const StepState& state, const Pass& pass, const Vector& vector,
                      const Value& row, const Sums& sums) {
  if (is_first_of_two(pass)) {
    const Value h = code_.load(type(), in_state(state.before, row), vector.byte_offset);
    code_.store(cell_.activate(0, sums[0]), in_state(state.extra[0], row), vector.byte_offset);
    code_.store(cell_.activate(0, sums[1]) * h, in_state(state.extra[1], row), vector.byte_offset);
    return;
  }
  const Value active = op_.lengths ? is_active(state, row) : Value();
  Value hidden;
  if (op_.kind == CellKind::kRnn) {
    hidden = cell_.activate(0, sums[0]);
  } else if (op_.has_cell()) {
    hidden = lstm(state, vector, row, sums, active);
  } else {
    hidden = gru(state, vector, row, sums);
  }
  store_hidden(state, vector, row, hidden, active);
}

Value StepCode::gru(const StepState& state, const Vector& vector, const Value& row,
                    const Sums& sums) {
  const Value h = code_.load(type(), in_state(state.before, row), vector.byte_offset);
  if (!op_.linear_before_reset) {
    const Value z = code_.load(type(), in_state(state.extra[0], row), vector.byte_offset);
    return Cell::mix(z, cell_.activate(1, sums[2]), h);
  }
  const Value s = cell_.activate(0, sums[1]);
  const Value m = cell_.activate(1, code_.fma(s, sums[2], load_input(state, vector, row, 2)));
  return Cell::mix(cell_.activate(0, sums[0]), m, h);
}

Value StepCode::lstm(const StepState& state, const Vector& vector, const Value& row,
                     const Sums& sums, const Value& active) {
  const Value at = in_state(state.extra[0], row);
  Cell::Lstm gates{.i = sums[0],
                   .o = sums[1],
                   .f = sums[2],
                   .m = sums[3],
                   .p_i = {},
                   .p_o = {},
                   .p_f = {},
                   .c = code_.load(type(), at, vector.byte_offset)};
  if (op_.peepholes) {
    Value* const peepholes[] = {&gates.p_i, &gates.p_o, &gates.p_f};
    for (int q = 0; q < 3; ++q) {
      *peepholes[q] = load(code_.address(memory_.peepholes, gate_bytes(q)), vector);
    }
  }
  const Cell::LstmState next = cell_.lstm(gates);
  code_.store(active.valid() ? code_.select(active, next.c, gates.c) : next.c, at,
              vector.byte_offset);
  return next.h;
}

void StepCode::store_hidden(const StepState& state, const Vector& vector, const Value& row,
                            Value hidden, const Value& active) {
  Value y = hidden;
  if (active.valid()) {
    const Value h = code_.load(type(), in_state(state.before, row), vector.byte_offset);
    y = code_.select(active, hidden, code_.constant(int64_t{0}, type()));
    hidden = code_.select(active, hidden, h);
  }
  code_.store(hidden, in_state(state.after, row), vector.byte_offset);
  const Rows& out = memory_.y;
  const Value at = code_.address(out.at, state.time * out.time_step + row * out.row_step);
  if (vector.count.valid()) {
    code_.store_masked(y, at, vector.byte_offset, vector.count);
  } else {
    code_.store(y, at, vector.byte_offset);
  }
}

Value StepCode::load(const Value& at, const Vector& vector) {
  return vector.count.valid() ? code_.load_masked(type(), at, vector.byte_offset, vector.count)
                              : code_.load(type(), at, vector.byte_offset);
}

Value StepCode::load_input(const StepState& state, const Vector& vector, const Value& row,
                           int gate) {
  const Rows& in = memory_.xw;
  const Value offset = state.time * in.time_step + row * in.row_step + gate_bytes(gate);
  return load(code_.address(in.at, offset), vector);
}

Value StepCode::in_state(const Value& buffer, const Value& row) const {
  return code_.address(buffer, row * (layer_.state_row() * layer_.size()));
}

// Whether the row takes part in the step, in every lane.
Value StepCode::is_active(const StepState& state, const Value& row) {
  const Value length =
      code_.load(loop::scalar(ir::DType::kI32), memory_.lengths.at, row * memory_.lengths.row_step);
  return code_.broadcast(state.time < code_.cast(length, ir::DType::kI64), layer_.lanes);
}

}  // namespace dovetail::kernels
