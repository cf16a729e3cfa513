// The cells' formulas on vectors of units, as `ir::Recurrence` states them.
#pragma once

#include <functional>

#include "ir/graph.h"
#include "ir/loop.h"

namespace dovetail::kernels {

class Cell {
 public:
  Cell(loop::Builder& code, const ir::Recurrence& op, int lanes)
      : code_(code), op_(op), lanes_(lanes) {}

  loop::Value activate(int which, const loop::Value& x) const;

  // (1 - z) * m + z * h
  static loop::Value mix(const loop::Value& z, const loop::Value& m, const loop::Value& h);

  struct Lstm {
    loop::Value i, o, f, m;     // sums; f is not valid when coupled
    loop::Value p_i, p_o, p_f;  // peepholes; not valid without
    loop::Value c;              // the cell before
  };
  struct LstmState {
    loop::Value c, h;
  };
  LstmState lstm(const Lstm& gates) const;

 private:
  loop::Value with_peephole(const loop::Value& sum, const loop::Value& p,
                            const loop::Value& c) const;

  loop::Builder& code_;
  const ir::Recurrence& op_;
  int lanes_;
};

}  // namespace dovetail::kernels
