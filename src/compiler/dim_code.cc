#include "compiler/dim_code.h"

#include "base/error.h"

namespace dovetail::compiler {

using ir::Dim;
using loop::Value;

Value DimCode::emit(const Dim& dim) {
  if (const auto found = done_.find(dim); found != done_.end()) return found->second;
  Value result = known_(dim);
  if (!result.valid()) {
    result = b_.constant(int64_t{0}, type_);
    for (const Dim::Term& term : dim.terms()) {
      Value product = b_.constant(term.coefficient, type_);
      for (const auto& factor : term.factors) product = product * emit(*factor);
      result = result + product;
    }
  }
  done_.emplace(dim, result);
  return result;
}

Value DimCode::emit(const Dim::Atom& atom) {
  if (atom.kind == ir::AtomKind::kSymbol) {
    Value symbol = known_(Dim::symbol(atom.name));
    DOVETAIL_CHECK(symbol.valid(), "the symbol {} is not known here", atom.name);
    return symbol;
  }
  std::vector<Value> arguments;
  for (const Dim& argument : atom.arguments) arguments.push_back(emit(argument));
  switch (atom.kind) {
    case ir::AtomKind::kFloorDiv:
      return floordiv(arguments[0], arguments[1]);
    case ir::AtomKind::kMod:
      return arguments[0] - floordiv(arguments[0], arguments[1]) * arguments[1];
    case ir::AtomKind::kMin:
      return min(arguments[0], arguments[1]);
    case ir::AtomKind::kMax:
      return max(arguments[0], arguments[1]);
    default:
      return b_.select(arguments[0] >= arguments[1], arguments[2], arguments[3]);
  }
}

// Loop IR truncates: one less where the remainder is not 0 and the signs differ.
Value DimCode::floordiv(const Value& a, const Value& b) {
  const Value quotient = a / b;
  if (type_.dtype == ir::DType::kF64) return b_.unary(loop::Opcode::kFloor, quotient);
  const Value remainder = a % b;
  const Value zero = b_.constant(int64_t{0});
  const Value inexact = remainder != zero;
  const Value differ = (remainder < zero) != (b < zero);
  const Value lower = b_.select(differ, quotient - 1, quotient);
  return b_.select(inexact, lower, quotient);
}

}  // namespace dovetail::compiler
