#include "kernels/rnn/cell.h"

#include "kernels/scalar/scalar_code.h"

namespace dovetail::kernels {

using loop::Value;

Value Cell::activate(int which, const Value& x) const {
  return emit_scalar(code_, op_.activations[which], std::span(&x, 1), lanes_);
}

Value Cell::mix(const Value& z, const Value& m, const Value& h) { return (1 - z) * m + z * h; }

Value Cell::with_peephole(const Value& sum, const Value& p, const Value& c) const {
  return p.valid() ? code_.fma(p, c, sum) : sum;
}

Cell::LstmState Cell::lstm(const Lstm& gates) const {
  const Value i = activate(0, with_peephole(gates.i, gates.p_i, gates.c));
  const Value f = op_.coupled ? 1 - i : activate(0, with_peephole(gates.f, gates.p_f, gates.c));
  const Value c = code_.fma(f, gates.c, i * activate(1, gates.m));
  const Value o = activate(0, with_peephole(gates.o, gates.p_o, c));
  return {c, o * activate(2, c)};
}

}  // namespace dovetail::kernels
